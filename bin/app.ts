import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadBlueprint } from '../lib/config/load';
import { DataStack } from '../lib/stacks/data-stack';
import { DeliveryStack } from '../lib/stacks/delivery-stack';
import { FoundationStack } from '../lib/stacks/foundation-stack';
import { IntegrationStack } from '../lib/stacks/integration-stack';
import { ModelStack } from '../lib/stacks/model-stack';
import { NetworkStack } from '../lib/stacks/network-stack';
import { ObservabilityStack } from '../lib/stacks/observability-stack';
import { OwnershipStack } from '../lib/stacks/ownership-stack';
import { ServingStack } from '../lib/stacks/serving-stack';

// What a user got wrong is said in the message; where it was found in our code is no help.
process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const app = new App();
const config = loadBlueprint(app.node.tryGetContext('config') ?? 'config/dev.yaml');
const { board, budget } = new OwnershipStack(app, 'Ownership', config);
board.attachTo(app);
const network = config.network.mode === 'none' ? undefined : new NetworkStack(app, 'Network', config, config.network).network;
const integration = new IntegrationStack(app, 'Integration', config);
if (config.apiGatewayLoggingRole === 'create') {
  integration.addStackDependency(new FoundationStack(app, 'Foundation', config), 'the stage of the API writes logs');
}
const { bus, api, clockParameter } = integration;
const { zones, intakes, catalog } = new DataStack(app, 'Data', config, { bus: bus.bus, clockParameter });
const trained = Object.keys(config.endpoints).filter((name) => config.endpoints[name].model.training !== undefined);
const delivery =
  trained.length === 0 ? undefined : new DeliveryStack(app, 'Delivery', config, { bus: bus.bus, accessLogs: zones.accessLogs });
const artifacts = delivery?.artifacts;
const endpoints = Object.keys(config.endpoints).map((name) => {
  const serving = new ServingStack(app, `Serving-${name}`, config, {
    name,
    captureBucket: zones.capture,
    artifacts: artifacts?.bucket,
    network,
  });
  if (trained.includes(name)) {
    const model = new ModelStack(app, `Model-${name}`, config, { name, artifacts: artifacts!, catalog, bus: bus.bus });
    serving.addStackDependency(model, 'it seeds the pointer that the endpoint reads');
  }
  return serving.endpoint;
});
new ObservabilityStack(app, 'Observability', config, { budget, api, endpoints, intakes });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
