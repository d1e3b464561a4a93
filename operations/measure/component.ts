import { DescribeInferenceComponentCommand, DescribeInferenceComponentCommandOutput } from '@aws-sdk/client-sagemaker';
import type { Fleet, Variant } from './endpoint';
import { EndpointClients, labelOf, modelOf } from './model';

/** The copies of an inference component. Errors: `UnknownComponent`. */
export async function copiesOf(clients: EndpointClients, endpoint: string, component: string, { ModelName }: Variant): Promise<Fleet> {
  const { EndpointName, InferenceComponentStatus: status, Specification, RuntimeConfig } = await describe(clients, component);
  const units = RuntimeConfig?.CurrentCopyCount ?? 0;
  const desired = RuntimeConfig?.DesiredCopyCount;
  const problems: string[] = [];
  if (EndpointName !== endpoint || ModelName !== undefined) {
    problems.push(`component ${component} is one of ${EndpointName}: measure it there`);
  }
  if (status !== 'InService') {
    problems.push(`component ${component} is ${status}: measure once it is InService`);
  } else if (Specification?.BaseInferenceComponentName !== undefined) {
    problems.push(`component ${component} is an adapter and has no copies: measure its base, ${Specification.BaseInferenceComponentName}`);
  } else if (units === 0 || units !== desired) {
    problems.push(`component ${component} has ${units} copies of ${desired}: measure once it has them, and one at least`);
  }
  const image = Specification?.Container?.DeployedImage?.SpecifiedImage;
  const model = Specification?.ModelName;
  return {
    ...{ resource: `inference-component/${component}`, units, problems },
    model: async () => (model === undefined ? { model: component, image: labelOf(image) } : modelOf(clients, model)),
  };
}

async function describe({ registry }: EndpointClients, component: string): Promise<DescribeInferenceComponentCommandOutput> {
  try {
    return await registry.send(new DescribeInferenceComponentCommand({ InferenceComponentName: component }));
  } catch (error) {
    if (/could not find/i.test((error as Error).message)) {
      throw new Error(`UnknownComponent: there is no inference component '${component}': check its name, the Region and the credentials`);
    }
    throw error;
  }
}
