import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadBlueprint } from '../../../lib/config/load';
import { DataStack } from '../../../lib/stacks/data-stack';
import { DeliveryStack } from '../../../lib/stacks/delivery-stack';
import { FeatureStack } from '../../../lib/stacks/feature-stack';
import { IntegrationStack } from '../../../lib/stacks/integration-stack';
import { ModelStack } from '../../../lib/stacks/model-stack';
import { NetworkStack } from '../../../lib/stacks/network-stack';
import { OwnershipStack } from '../../../lib/stacks/ownership-stack';
import { ServingStack } from '../../../lib/stacks/serving-stack';
import { FoundRole, rolesOf, Templates } from '../../support/assembly-roles';
import { app as newApp } from '../../support/synth';

export const configOf = (stage: string): string => join(__dirname, `../../../config/${stage}.yaml`);

export interface DeliveryLayer {
  readonly roles: FoundRole[];
  readonly unexplained: string[];
  /** Of every stack. */
  readonly templates: Templates;
  /** Name of the serving stack. */
  readonly serving: string;
}

/** The delivery layer of a config, composed as the blueprint's app does. */
export function deliveryLayer(file = configOf('dev')): DeliveryLayer {
  const app = newApp();
  const config = loadBlueprint(file);
  const network = config.network.mode === 'none' ? undefined : new NetworkStack(app, 'Network', config, config.network).network;
  new OwnershipStack(app, 'Ownership', config).board.attachTo(app);
  const { store } = new FeatureStack(app, 'Features', config);
  const { bus, clockParameter } = new IntegrationStack(app, 'Integration', config, { features: store });
  const { zones, catalog } = new DataStack(app, 'Data', config, { bus: bus.bus, clockParameter, features: store });
  const delivery = new DeliveryStack(app, 'Delivery', config, { bus: bus.bus, accessLogs: zones.accessLogs });
  const { artifacts } = delivery;
  const model = new ModelStack(app, 'Model-delay', config, { name: 'delay', artifacts, catalog, bus: bus.bus, features: store.features });
  const serving = new ServingStack(app, 'Serving-delay', config, {
    name: 'delay',
    captureBucket: zones.capture,
    artifacts: artifacts.bucket,
    network,
  });
  const layer: Stack[] = [delivery, model, serving];
  const templates = Object.fromEntries(app.synth().stacks.map(({ stackName, template }) => [stackName, template as Templates[string]]));
  const findings = layer.flatMap((stack) => new AwsSolutionsChecks().validateScope(stack).violations);
  return {
    roles: rolesOf(
      templates,
      layer.map(({ stackName }) => stackName),
    ),
    unexplained: findings.map(({ ruleName }) => ruleName).filter((name) => /IAM[45]/.test(name)),
    templates,
    serving: serving.stackName,
  };
}
