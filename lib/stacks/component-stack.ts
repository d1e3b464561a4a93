import { Size } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ComponentConfig } from '../config/endpoint-schema';
import { BlueprintConfig } from '../config/schema';
import { INetwork } from '../constructs/network';
import { Layer } from '../constructs/ownership';
import { ComponentEndpoint, Copies, InferenceComponent, MeasuredCapacity, RoutingStrategy } from '../constructs/serving';
import { physicalName } from '../constructs/shared/names';
import { hostOf, modelSizeOf, rolloutOf, schedulesOf, sloOf } from './capacity';
import { isolationOf, modelSourceOf } from './model-sources';
import { WorkloadStack } from './workload-stack';

export interface ComponentStackProps {
  readonly name: string;
  /** Undefined: the network of the service. */
  readonly network?: INetwork;
}

/** Instances that models share, and the models on them. */
export class ComponentStack extends WorkloadStack {
  public readonly components: InferenceComponent[];

  constructor(scope: Construct, id: string, config: BlueprintConfig, { name, network }: ComponentStackProps) {
    super(scope, id, config, Layer.SERVING);
    const { instances, routing, components, ...settings } = config.componentEndpoints[name];
    const endpoint = new ComponentEndpoint(this, 'Endpoint', {
      endpointName: physicalName([this.prefix, name]),
      ...hostOf(settings, network),
      networkIsolation: isolationOf(...Object.values(components).map(({ model }) => model)),
      minInstances: instances.min,
      maxInstances: instances.max,
      routing: routing === 'random' ? RoutingStrategy.RANDOM : RoutingStrategy.LEAST_OUTSTANDING_REQUESTS,
      removalPolicy: this.removalPolicy,
    });
    this.components = Object.entries(components).map(([component, one]) =>
      this.createComponent(endpoint, component, physicalName([this.prefix, name, component]), one),
    );
  }

  private createComponent(endpoint: ComponentEndpoint, id: string, componentName: string, settings: ComponentConfig): InferenceComponent {
    const { minMemoryMiB, maxMemoryMiB, accelerators, cpuCores } = settings.compute;
    const scope = new Construct(this, id);
    return new InferenceComponent(scope, 'Component', {
      endpoint,
      componentName,
      model: modelSourceOf(scope, settings),
      compute: {
        minMemory: Size.mebibytes(minMemoryMiB),
        maxMemory: maxMemoryMiB === undefined ? undefined : Size.mebibytes(maxMemoryMiB),
        ...{ accelerators, cpuCores },
      },
      slo: sloOf(settings.slo),
      copies: copiesOf(settings),
      rollout: rolloutOf(settings.rollout),
      modelSize: modelSizeOf(settings.modelSize),
    });
  }
}

function copiesOf({ copies: { fixed, min, max, capacity, concurrency, schedules } }: ComponentConfig): Copies {
  if (fixed !== undefined) {
    return Copies.fixed(fixed);
  }
  return Copies.between(min!, max!, {
    capacity: capacity === undefined ? undefined : MeasuredCapacity.fromFile(capacity),
    concurrency,
    schedules: schedulesOf(schedules),
  });
}
