// The endpoints of bench/endpoints/ours.ts with @cdklabs/generative-ai-cdk-constructs, as far as that can say them.
import genai from '@cdklabs/generative-ai-cdk-constructs';
import { App, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Topic } from 'aws-cdk-lib/aws-sns';

const { ContainerImage, CustomSageMakerEndpoint, SageMakerInstanceType } = genai.sagemaker_deployment ?? genai;
const app = new App();
new Topic(new Stack(app, 'Empty'), 'Topic', { enforceSSL: true });
for (let i = 0; i < Number(process.env.ENDPOINTS); i++) {
  const stack = new Stack(app, `Serving${i}`);
  new CustomSageMakerEndpoint(stack, 'Endpoint', {
    modelId: 'delay',
    endpointName: `delay-${i}`,
    modelDataUrl: 's3://models/delay/model.tar.gz',
    container: ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'delay'), '1'),
    instanceType: SageMakerInstanceType.ML_M5_LARGE,
    minCapacity: 1,
    maxCapacity: 4,
  });
}
