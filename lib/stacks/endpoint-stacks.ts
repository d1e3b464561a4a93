import { IEventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { INetwork } from '../constructs/network';
import { InferenceEndpoint } from '../constructs/serving';
import { DataStack } from './data-stack';
import { DeliveryStack } from './delivery-stack';
import { ModelStack } from './model-stack';
import { ServingStack } from './serving-stack';

export interface EndpointStacksProps {
  readonly bus: IEventBus;
  readonly data: DataStack;
  readonly network?: INetwork;
}

/** A stack per endpoint; for those whose model is trained here one per model too, and one for the delivery of all of them. */
export function endpointStacks(
  scope: Construct,
  config: BlueprintConfig,
  { bus, data, network }: EndpointStacksProps,
): InferenceEndpoint[] {
  const names = Object.keys(config.endpoints);
  const { zones, catalog } = data;
  const trained = names.filter((name) => config.endpoints[name].model.training !== undefined);
  const artifacts =
    trained.length === 0 ? undefined : new DeliveryStack(scope, 'Delivery', config, { bus, accessLogs: zones.accessLogs }).artifacts;
  return names.map((name) => {
    const serving = new ServingStack(scope, `Serving-${name}`, config, {
      name,
      captureBucket: zones.capture,
      artifacts: artifacts?.bucket,
      network,
    });
    if (artifacts !== undefined && trained.includes(name)) {
      const model = new ModelStack(scope, `Model-${name}`, config, { name, artifacts, catalog, bus });
      serving.addStackDependency(model, 'it seeds the pointer that the endpoint reads');
    }
    return serving.endpoint;
  });
}
