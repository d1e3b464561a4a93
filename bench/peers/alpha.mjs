// The endpoints of bench/endpoints/ours.ts with @aws-cdk/aws-sagemaker-alpha.
import sagemaker from '@aws-cdk/aws-sagemaker-alpha';
import { App, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';

const app = new App();
new Topic(new Stack(app, 'Empty'), 'Topic', { enforceSSL: true });
for (let i = 0; i < Number(process.env.ENDPOINTS); i++) {
  const stack = new Stack(app, `Serving${i}`);
  const model = new sagemaker.Model(stack, 'Model', {
    containers: [
      {
        image: sagemaker.ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'delay'), '1'),
        modelData: sagemaker.ModelData.fromBucket(Bucket.fromBucketName(stack, 'Models', 'models'), 'delay/model.tar.gz'),
      },
    ],
  });
  const endpointConfig = new sagemaker.EndpointConfig(stack, 'Config', {
    instanceProductionVariants: [{ model, variantName: 'AllTraffic', instanceType: sagemaker.InstanceType.M5_LARGE }],
  });
  const endpoint = new sagemaker.Endpoint(stack, 'Endpoint', { endpointName: `delay-${i}`, endpointConfig });
  const count = endpoint.findInstanceProductionVariant('AllTraffic').autoScaleInstanceCount({ minCapacity: 1, maxCapacity: 4 });
  count.scaleOnInvocations('Load', { maxRequestsPerSecond: 40 });
}
