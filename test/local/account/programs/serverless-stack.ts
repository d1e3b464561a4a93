// Prints the template of a stack with a serverless endpoint of our construct: serverless-stack.ts <name of stack and endpoint>.
import { DefaultStackSynthesizer, Duration, Size, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../../lib/constructs/models';
import { ServerlessEndpoint, Slo } from '../../../../lib/constructs/serving';
import { app } from '../../../support/synth';

const name = process.argv[2];
const scope = app();
const stack = new Stack(scope, name, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });
new ServerlessEndpoint(stack, 'Sometimes', {
  endpointName: name,
  model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'artifacts'), `${name}/model.tar.gz`, {
    image: InferenceImage.scikitLearn('1.4-2'),
  }),
  slo: Slo.latency({ percentile: 99, below: Duration.seconds(5) }),
  memory: Size.gibibytes(1),
  maxConcurrency: 2,
});
process.stdout.write(JSON.stringify(scope.synth().getStackByName(stack.stackName).template));
