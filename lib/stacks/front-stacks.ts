import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { DataStack } from './data-stack';
import { FoundationStack } from './foundation-stack';
import { IntegrationStack } from './integration-stack';

/** What stands before real-time endpoints: the API that joins predictions with what became of them, and the data they are trained on. */
export interface FrontStacks {
  readonly integration: IntegrationStack;
  readonly data: DataStack;
}

/** Undefined for a workload without real-time endpoints. */
export function frontStacks(scope: Construct, config: BlueprintConfig): FrontStacks | undefined {
  if (Object.keys(config.endpoints).length === 0) {
    return undefined;
  }
  const integration = new IntegrationStack(scope, 'Integration', config);
  if (config.apiGatewayLoggingRole === 'create') {
    integration.addStackDependency(new FoundationStack(scope, 'Foundation', config), 'the stage of the API writes logs');
  }
  const { bus, clockParameter } = integration;
  return { integration, data: new DataStack(scope, 'Data', config, { bus: bus.bus, clockParameter }) };
}
