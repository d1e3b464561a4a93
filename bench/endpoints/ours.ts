// ENDPOINTS scaled real-time endpoints of this library, each in a stack of its own, for `npm run bench:synth`.
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { InferenceEndpoint, InferenceImage, InstanceType, MeasuredCapacity, ModelSource, Scaling, Slo } from '../../lib';

const app = new App();
new Topic(new Stack(app, 'Empty'), 'Topic', { enforceSSL: true });
const capacity = MeasuredCapacity.fromFile(join(__dirname, 'capacity.json'));
for (let i = 0; i < Number(process.env.ENDPOINTS); i++) {
  const stack = new Stack(app, `Serving${i}`);
  const image = InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Images', 'delay'), '1');
  new InferenceEndpoint(stack, 'Endpoint', {
    model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'models'), 'delay/model.tar.gz', { image }),
    instance: InstanceType.ML_M5_LARGE,
    slo: Slo.latency({ percentile: 99, below: Duration.millis(500) }),
    endpointName: `delay-${i}`,
    scaling: Scaling.between(1, 4, { capacity }),
  });
}
