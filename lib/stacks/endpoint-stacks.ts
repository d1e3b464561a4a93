import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { INetwork } from '../constructs/network';
import { AsyncEndpoint, InferenceComponent, InferenceEndpoint } from '../constructs/serving';
import { AsyncStack } from './async-stack';
import { ComponentStack } from './component-stack';
import { DeliveryStack } from './delivery-stack';
import { FrontStacks } from './front-stacks';
import { ModelStack } from './model-stack';
import { RecallStack } from './recall-stack';
import { ServingStack } from './serving-stack';

export interface EndpointStacksProps {
  /** Undefined: there are no real-time endpoints. */
  readonly front?: FrontStacks;
  readonly network?: INetwork;
}

/** Everything that serves, by mode. */
export interface Serving {
  readonly endpoints: InferenceEndpoint[];
  readonly asyncEndpoints: AsyncEndpoint[];
  readonly components: InferenceComponent[];
}

/** A stack per endpoint; for those whose model is trained here one per model too, and one for the delivery of all of them. */
export function endpointStacks(scope: Construct, config: BlueprintConfig, { front, network }: EndpointStacksProps): Serving {
  const accessLogs = front?.data.zones.accessLogs;
  return {
    endpoints: front === undefined ? [] : realtimeStacks(scope, config, front, network),
    asyncEndpoints: Object.keys(config.asyncEndpoints).map(
      (name) => new AsyncStack(scope, `Serving-${name}`, config, { name, network, accessLogs }).endpoint,
    ),
    components: Object.keys(config.componentEndpoints).flatMap(
      (name) => new ComponentStack(scope, `Serving-${name}`, config, { name, network }).components,
    ),
  };
}

function realtimeStacks(scope: Construct, config: BlueprintConfig, front: FrontStacks, network: INetwork | undefined): InferenceEndpoint[] {
  const names = Object.keys(config.endpoints);
  const { zones, catalog } = front.data;
  const { bus } = front.integration.bus;
  const features = front.features?.store.features;
  const trained = names.filter((name) => config.endpoints[name].model.training !== undefined);
  const delivery = trained.length === 0 ? undefined : new DeliveryStack(scope, 'Delivery', config, { bus, accessLogs: zones.accessLogs });
  const artifacts = delivery?.artifacts;
  new RecallStack(scope, 'Recall', config, { catalog, books: front.integration.api.books, release: delivery?.release });
  return names.map((name) => {
    const serving = new ServingStack(scope, `Serving-${name}`, config, {
      name,
      captureBucket: zones.capture,
      artifacts: artifacts?.bucket,
      network,
    });
    if (artifacts !== undefined && trained.includes(name)) {
      const model = new ModelStack(scope, `Model-${name}`, config, { name, artifacts, catalog, bus, features });
      serving.addStackDependency(model, 'it seeds the pointer that the endpoint reads');
    }
    return serving.endpoint;
  });
}
