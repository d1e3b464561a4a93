import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { DataStack } from './data-stack';
import { FeatureStack } from './feature-stack';
import { FoundationStack } from './foundation-stack';
import { IntegrationStack } from './integration-stack';

/** What stands before real-time endpoints: the API that joins predictions with what became of them, and the data they are trained on. */
export interface FrontStacks {
  readonly integration: IntegrationStack;
  readonly data: DataStack;
  /** Undefined: the file declares no features. */
  readonly features?: FeatureStack;
}

/** Undefined for a workload without real-time endpoints. */
export function frontStacks(scope: Construct, config: BlueprintConfig): FrontStacks | undefined {
  if (Object.keys(config.endpoints).length === 0) {
    return undefined;
  }
  const features = config.data.features.length === 0 ? undefined : new FeatureStack(scope, 'Features', config);
  const integration = new IntegrationStack(scope, 'Integration', config, { features: features?.store });
  if (config.apiGatewayLoggingRole === 'create') {
    integration.addStackDependency(new FoundationStack(scope, 'Foundation', config), 'the stage of the API writes logs');
  }
  const { bus, clockParameter } = integration;
  const data = new DataStack(scope, 'Data', config, { bus: bus.bus, clockParameter, features: features?.store });
  return { integration, data, features };
}
