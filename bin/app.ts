import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { AiWorkloadChecks } from '../lib/checks';
import { loadBlueprint } from '../lib/config/load';
import { DataStack } from '../lib/stacks/data-stack';
import { endpointStacks } from '../lib/stacks/endpoint-stacks';
import { FoundationStack } from '../lib/stacks/foundation-stack';
import { IntegrationStack } from '../lib/stacks/integration-stack';
import { NetworkStack } from '../lib/stacks/network-stack';
import { ObservabilityStack } from '../lib/stacks/observability-stack';
import { OwnershipStack } from '../lib/stacks/ownership-stack';

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
const data = new DataStack(app, 'Data', config, { bus: bus.bus, clockParameter });
const endpoints = endpointStacks(app, config, { bus: bus.bus, data, network });
new ObservabilityStack(app, 'Observability', config, { budget, api, endpoints, intakes: data.intakes });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new AiWorkloadChecks(app));
