import { DescribeEndpointCommand, DescribeEndpointConfigCommand, DescribeModelCommand } from '@aws-sdk/client-sagemaker';
import { namesOf } from '../../lib/constructs/delivery/contract';
import { DEMO } from './demo-config';
import type { Run } from './run';

/** ARN of the model package that the endpoint serves, by the service's own answers; undefined without an endpoint. */
export async function livePackage(
  { clients: { sageMaker }, prefix }: Pick<Run, 'clients' | 'prefix'>,
  model: string = DEMO.model,
): Promise<string | undefined> {
  try {
    const { EndpointConfigName } = await sageMaker.send(new DescribeEndpointCommand({ EndpointName: namesOf(prefix, model).endpoint }));
    const { ProductionVariants } = await sageMaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
    const { PrimaryContainer } = await sageMaker.send(new DescribeModelCommand({ ModelName: ProductionVariants![0].ModelName }));
    return PrimaryContainer?.ModelPackageName;
  } catch (error) {
    if (/Could not find/.test((error as Error).message)) {
      return undefined;
    }
    throw error;
  }
}
