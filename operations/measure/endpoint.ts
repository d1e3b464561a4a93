import { DescribeScalableTargetsCommand, ScalableTarget } from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  DescribeEndpointCommandOutput,
  DescribeEndpointConfigCommand,
  DescribeEndpointConfigCommandOutput,
} from '@aws-sdk/client-sagemaker';
import { copiesOf } from './component';
import { EndpointClients, ModelFacts, modelOf } from './model';

/** What is measured: the instances of a variant, or the copies of an inference component. */
export interface Target {
  readonly endpoint: string;
  readonly component?: string;
}

/** A target whose fleet stays as it is while it is measured. */
export interface MeasurableEndpoint extends Target, ModelFacts {
  /** Name of its configuration: another one is another fleet. */
  readonly configuration: string;
  readonly instance: string;
  /** Instances, or copies of the component. */
  readonly units: number;
}

/** The part of an endpoint that is measured. */
export interface Fleet {
  /** Its id for Application Auto Scaling. */
  readonly resource: string;
  readonly units: number;
  readonly problems: readonly string[];
  readonly model: () => Promise<ModelFacts>;
}

export type Variant = NonNullable<DescribeEndpointConfigCommandOutput['ProductionVariants']>[number];

/** Looks a target up. Errors: `UnknownEndpoint`, or `EndpointNotMeasurable` with every reason and its fix. */
export async function measurableEndpoint(clients: EndpointClients, target: Target): Promise<MeasurableEndpoint> {
  const { endpoint, component } = target;
  const described = await describe(clients, endpoint);
  const config = await clients.registry.send(new DescribeEndpointConfigCommand({ EndpointConfigName: described.EndpointConfigName }));
  const [variant, ...more] = config.ProductionVariants ?? [];
  const fleet = component === undefined ? instancesOf(clients, described, variant) : await copiesOf(clients, endpoint, component, variant);
  const targets = await targetsOf(clients, fleet);
  const problems = [
    ...statusProblems(described),
    ...kindProblems(config, variant, more.length),
    ...fleet.problems,
    ...targets.flatMap((scalable) => scalingProblems(scalable)),
  ];
  if (problems.length > 0) {
    throw new Error(`EndpointNotMeasurable: ${endpoint}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
  const { units } = fleet;
  return { ...target, configuration: described.EndpointConfigName!, instance: variant.InstanceType!, units, ...(await fleet.model()) };
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

function statusProblems({ EndpointStatus }: DescribeEndpointCommandOutput): string[] {
  return EndpointStatus === 'InService' ? [] : [`it is ${EndpointStatus}: measure once it is InService`];
}

function kindProblems(config: DescribeEndpointConfigCommandOutput, { InstanceType, ServerlessConfig }: Variant, more: number): string[] {
  const { AsyncInferenceConfig, ShadowProductionVariants } = config;
  const when = (wrong: boolean, problem: string): string[] => (wrong ? [problem] : []);
  return [
    ...when(more > 0, `it has ${more + 1} variants, which share the requests: measure an endpoint with one of them`),
    ...when(AsyncInferenceConfig !== undefined, 'it is asynchronous: a queue takes its requests, so they have no latency to hold'),
    ...when(
      ShadowProductionVariants?.length !== undefined && ShadowProductionVariants.length > 0,
      'it has a shadow variant: measure without it',
    ),
    ...when(ServerlessConfig !== undefined, 'it is serverless: it has no instances whose capacity could be measured'),
    ...when(ServerlessConfig === undefined && InstanceType === undefined, 'it has instances of several types: measure a variant of one'),
    ...when(
      /^ml\.t\d/.test(InstanceType ?? ''),
      `${InstanceType} is burstable: what it serves depends on the credits that it saved, and it cannot scale`,
    ),
  ];
}

/** The instances of a variant. */
function instancesOf(clients: EndpointClients, described: DescribeEndpointCommandOutput, variant: Variant): Fleet {
  const { VariantName, ModelName, ManagedInstanceScaling: managed } = variant;
  const running = described.ProductionVariants?.find((one) => one.VariantName === VariantName);
  const [units, desired] = [running?.CurrentInstanceCount ?? 0, running?.DesiredInstanceCount];
  const problems: string[] = [];
  if (ModelName === undefined) {
    problems.push('it hosts inference components: name one with --component');
  } else if (managed?.Status === 'ENABLED' && managed.MinInstanceCount !== managed.MaxInstanceCount) {
    problems.push(`SageMaker manages its instances, ${managed.MinInstanceCount} to ${managed.MaxInstanceCount}: measure a fixed number`);
  }
  if (described.EndpointStatus === 'InService' && desired !== undefined && units !== desired) {
    problems.push(`it goes from ${units} to ${desired} instances: measure once it has them`);
  }
  const resource = `endpoint/${described.EndpointName}/variant/${VariantName}`;
  return { resource, units, problems, model: () => modelOf(clients, ModelName!) };
}

async function targetsOf({ scaling }: EndpointClients, { resource }: Fleet): Promise<ScalableTarget[]> {
  const request = new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker', ResourceIds: [resource] });
  return (await scaling.send(request)).ScalableTargets ?? [];
}

/** A load that a fleet answers with more instances measures no instance. */
function scalingProblems({ ResourceId, ScalableDimension, MinCapacity, MaxCapacity, SuspendedState }: ScalableTarget): string[] {
  const suspended =
    SuspendedState?.DynamicScalingInSuspended && SuspendedState.DynamicScalingOutSuspended && SuspendedState.ScheduledScalingSuspended;
  if (suspended || MinCapacity === MaxCapacity) {
    return [];
  }
  const unit = ScalableDimension?.endsWith('DesiredCopyCount') ? 'copies' : 'instances';
  const state = ['DynamicScalingInSuspended', 'DynamicScalingOutSuspended', 'ScheduledScalingSuspended']
    .map((name) => `${name}=true`)
    .join(',');
  return [
    `autoscaling may change it between ${MinCapacity} and ${MaxCapacity} ${unit} meanwhile: deploy it with a fixed number, or suspend that until you ` +
      `are done (the same with =false resumes it): aws application-autoscaling register-scalable-target --service-namespace sagemaker ` +
      `--resource-id ${ResourceId} --scalable-dimension ${ScalableDimension} --suspended-state ${state}`,
  ];
}
