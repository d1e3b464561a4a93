// Prints the templates of stacks with a real-time endpoint of our construct: endpoint-stack.ts '[{"name": ..., ...}, ...]'.
import { DefaultStackSynthesizer, Duration, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../../lib/constructs/models';
import { InferenceEndpoint, InstanceType, Slo } from '../../../../lib/constructs/serving';
import { app } from '../../../support/synth';

/** What a test varies. */
interface Options {
  /** Name of the stack and the endpoint. */
  readonly name: string;
  /** Where the model lies in the bucket `artifacts`: an archive, or a prefix when it ends with a slash. */
  readonly model: string;
  /** A shadow with the model that lies there, and its share of the requests in percent. */
  readonly shadow?: { readonly model: string; readonly percent: number };
  /** Whether larger instances are taken when those of its type cannot be had. */
  readonly fallback?: boolean;
}

function templateOf({ name, model, shadow, fallback = false }: Options): object {
  const scope = app();
  const stack = new Stack(scope, name, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });
  const artifacts = Bucket.fromBucketName(stack, 'Models', 'artifacts');
  const image = InferenceImage.scikitLearn('1.4-2');
  const source = (key: string) =>
    key.endsWith('/') ? ModelSource.fromPrefix(artifacts, key, { image }) : ModelSource.fromTarball(artifacts, key, { image });
  new InferenceEndpoint(stack, 'Delay', {
    endpointName: name,
    model: source(model),
    instance: InstanceType.ML_M5_LARGE,
    fallbackInstances: fallback ? [InstanceType.ML_M5_XLARGE] : undefined,
    shadow: shadow && { model: source(shadow.model), samplingPercent: shadow.percent },
    capture: shadow && { bucket: artifacts, prefix: 'captured' },
    slo: Slo.latency({ percentile: 99, below: Duration.seconds(5) }),
  });
  return scope.synth().getStackByName(stack.stackName).template as object;
}

process.stdout.write(JSON.stringify((JSON.parse(process.argv[2]) as Options[]).map(templateOf)));
