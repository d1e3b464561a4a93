import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { AiWorkloadChecks } from '../lib/checks';
import { loadBlueprint } from '../lib/config/load';
import { endpointStacks } from '../lib/stacks/endpoint-stacks';
import { frontStacks } from '../lib/stacks/front-stacks';
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
const front = frontStacks(app, config);
const serving = endpointStacks(app, config, { front, network });
new ObservabilityStack(app, 'Observability', config, { budget, front, serving });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new AiWorkloadChecks(app));
