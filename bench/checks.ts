// `npm run bench:checks`: what AiWorkloadChecks finds in endpoints of @cdklabs/generative-ai-cdk-constructs when nothing but the model is said.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AiWorkloadChecks } from '../lib/checks';
import { installPeers, PEERS } from './install-peers';

installPeers();
// The peer brings its own copy of aws-cdk-lib; its types are not ours to check.
/* eslint-disable @typescript-eslint/no-explicit-any -- as above */
const peer = createRequire(join(PEERS, 'package.json'));
const { App, Stack } = peer('aws-cdk-lib') as any;
const { Repository } = peer('aws-cdk-lib/aws-ecr') as any;
const { CustomSageMakerEndpoint, ContainerImage, SageMakerInstanceType } = (peer('@cdklabs/generative-ai-cdk-constructs') as any)
  .sagemaker_deployment;

const ASYNC = { asyncInference: { outputPath: 's3://answers/delay', failurePath: 's3://answers/failed' }, minCapacity: 0 };
for (const [name, more] of Object.entries({ 'real-time': {}, 'asynchronous, resting at zero': ASYNC })) {
  const app = new App();
  const stack = new Stack(app, 'Shop');
  new CustomSageMakerEndpoint(stack, 'Endpoint', {
    modelId: 'delay',
    endpointName: 'delay',
    modelDataUrl: 's3://models/delay/model.tar.gz',
    container: ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'delay')),
    instanceType: SageMakerInstanceType.ML_M5_LARGE,
    ...more,
  });
  app.synth();
  const { violations } = new AiWorkloadChecks().validateScope(app);
  console.log(`${name}:`);
  violations.forEach(({ ruleName, severity }) => console.log(`  ${severity} ${ruleName}`));
}
