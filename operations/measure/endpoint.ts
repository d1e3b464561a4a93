import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand, ScalableTarget } from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  DescribeEndpointCommandOutput,
  DescribeEndpointConfigCommand,
  DescribeEndpointConfigCommandOutput,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';

export interface EndpointClients {
  readonly registry: Pick<SageMakerClient, 'send'>;
  readonly scaling: Pick<ApplicationAutoScalingClient, 'send'>;
}

/** An endpoint whose fleet stays as it is while it is measured. */
export interface MeasurableEndpoint {
  readonly endpoint: string;
  /** Name of its configuration: another one is another fleet. */
  readonly configuration: string;
  readonly variant: string;
  readonly instance: string;
  readonly instances: number;
  /** Name and tag, without registry. */
  readonly image: string;
  readonly model: string;
}

type Variant = NonNullable<DescribeEndpointConfigCommandOutput['ProductionVariants']>[number];

/** Looks an endpoint up. Errors: `UnknownEndpoint`, or `EndpointNotMeasurable` with every reason and its fix. */
export async function measurableEndpoint(clients: EndpointClients, endpoint: string): Promise<MeasurableEndpoint> {
  const described = await describe(clients, endpoint);
  const config = await clients.registry.send(new DescribeEndpointConfigCommand({ EndpointConfigName: described.EndpointConfigName }));
  const variants = config.ProductionVariants ?? [];
  const targets = await targetsOf(clients, endpoint, variants);
  const problems = [
    ...statusProblems(described),
    ...kindProblems(config, variants),
    ...targets.flatMap(scalingProblems),
    ...variants.flatMap(managedProblems),
  ];
  if (problems.length > 0) {
    throw new Error(`EndpointNotMeasurable: ${endpoint}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
  const [variant] = variants;
  const running = described.ProductionVariants?.find(({ VariantName }) => VariantName === variant.VariantName);
  return {
    ...{ endpoint, configuration: described.EndpointConfigName!, variant: variant.VariantName!, instance: variant.InstanceType! },
    instances: running!.CurrentInstanceCount!,
    ...(await modelOf(clients, variant.ModelName!)),
  };
}

async function describe({ registry }: EndpointClients, endpoint: string): Promise<DescribeEndpointCommandOutput> {
  try {
    return await registry.send(new DescribeEndpointCommand({ EndpointName: endpoint }));
  } catch (error) {
    if (/could not find/i.test((error as Error).message)) {
      throw new Error(
        `UnknownEndpoint: there is no endpoint '${endpoint}': deploy it, or check its name, --config, the Region and the credentials`,
      );
    }
    throw error;
  }
}

function statusProblems({ EndpointStatus, ProductionVariants = [] }: DescribeEndpointCommandOutput): string[] {
  if (EndpointStatus !== 'InService') {
    return [`it is ${EndpointStatus}: measure once it is InService`];
  }
  return ProductionVariants.filter(({ CurrentInstanceCount, DesiredInstanceCount }) => CurrentInstanceCount !== DesiredInstanceCount).map(
    ({ VariantName, CurrentInstanceCount, DesiredInstanceCount }) =>
      `variant ${VariantName} goes from ${CurrentInstanceCount} to ${DesiredInstanceCount} instances: measure once it has them`,
  );
}

function kindProblems(
  { AsyncInferenceConfig, ShadowProductionVariants }: DescribeEndpointConfigCommandOutput,
  variants: Variant[],
): string[] {
  return [
    ...(variants.length === 1
      ? []
      : [`it has ${variants.length} variants, which share the requests: measure an endpoint with one of them`]),
    ...(AsyncInferenceConfig === undefined ? [] : ['it is asynchronous: a queue takes its requests, so they have no latency to hold']),
    ...(ShadowProductionVariants?.length ? ['it has a shadow variant: measure without it'] : []),
    ...variants.flatMap(({ VariantName, ServerlessConfig, ModelName }) => [
      ...(ServerlessConfig === undefined
        ? []
        : [`variant ${VariantName} is serverless: it has no instances whose capacity could be measured`]),
      ...(ModelName === undefined ? [`variant ${VariantName} hosts inference components: they are not measured by this command`] : []),
    ]),
  ];
}

async function targetsOf({ scaling }: EndpointClients, endpoint: string, variants: Variant[]): Promise<ScalableTarget[]> {
  const ResourceIds = variants.map(({ VariantName }) => `endpoint/${endpoint}/variant/${VariantName}`);
  return (await scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker', ResourceIds }))).ScalableTargets ?? [];
}

/** A load that a fleet answers with more instances measures no instance. */
function scalingProblems({ ResourceId, ScalableDimension, MinCapacity, MaxCapacity, SuspendedState }: ScalableTarget): string[] {
  const suspended =
    SuspendedState?.DynamicScalingInSuspended && SuspendedState.DynamicScalingOutSuspended && SuspendedState.ScheduledScalingSuspended;
  if (suspended || MinCapacity === MaxCapacity) {
    return [];
  }
  const state = ['DynamicScalingInSuspended', 'DynamicScalingOutSuspended', 'ScheduledScalingSuspended']
    .map((name) => `${name}=true`)
    .join(',');
  return [
    `autoscaling may change it between ${MinCapacity} and ${MaxCapacity} instances meanwhile: deploy it with Scaling.fixed(1), or suspend that until you ` +
      `are done (the same with =false resumes it): aws application-autoscaling register-scalable-target --service-namespace sagemaker ` +
      `--resource-id ${ResourceId} --scalable-dimension ${ScalableDimension} --suspended-state ${state}`,
  ];
}

function managedProblems({ VariantName, ManagedInstanceScaling: managed }: Variant): string[] {
  return managed?.Status !== 'ENABLED' || managed.MinInstanceCount === managed.MaxInstanceCount
    ? []
    : [`SageMaker manages the instances of variant ${VariantName}: measure a fleet of a fixed number`];
}

/** A model of a package names its image there. */
async function modelOf({ registry }: EndpointClients, name: string): Promise<Pick<MeasurableEndpoint, 'model' | 'image'>> {
  const { PrimaryContainer, Containers = [] } = await registry.send(new DescribeModelCommand({ ModelName: name }));
  const container = PrimaryContainer ?? Containers[0];
  const version = container?.ModelPackageName;
  if (version === undefined) {
    return { model: name, image: labelOf(container?.Image) };
  }
  const { InferenceSpecification } = await registry.send(new DescribeModelPackageCommand({ ModelPackageName: version }));
  return {
    model: version.split('model-package/').at(-1)!,
    image: labelOf(container?.Image ?? InferenceSpecification?.Containers?.[0]?.Image),
  };
}

/** What `InferenceImage.label` calls an image: its address without the registry. */
export const labelOf = (image = 'unknown'): string => image.replace(/^[^/]*\.[^/]*\//, '');
