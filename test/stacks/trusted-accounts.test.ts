import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { loadBlueprint } from '../../lib/config/load';
import { DataStack } from '../../lib/stacks/data-stack';
import { DeliveryStack } from '../../lib/stacks/delivery-stack';
import { FeatureStack } from '../../lib/stacks/feature-stack';
import { IntegrationStack } from '../../lib/stacks/integration-stack';
import { ModelStack } from '../../lib/stacks/model-stack';
import { isolatedConfig } from '../support/isolated-config';
import { app as newApp } from '../support/synth';

const TRUSTED = '444455556666';

test('accounts that the config trusts are named by the policies of the group, the bucket and its key, and by nothing else [R4]', () => {
  const app = newApp();
  const config = loadBlueprint(isolatedConfig(mkdtempSync(join(tmpdir(), 'trusted-'))));
  const { bus, clockParameter } = new IntegrationStack(app, 'Integration', config, {
    features: new FeatureStack(app, 'Features', config).store,
  });
  const { zones, catalog } = new DataStack(app, 'Data', config, { bus: bus.bus, clockParameter });
  const delivery = new DeliveryStack(app, 'Delivery', config, { bus: bus.bus, accessLogs: zones.accessLogs });
  const model = new ModelStack(app, 'Model', config, { name: 'delay', artifacts: delivery.artifacts, catalog, bus: bus.bus });
  const trusting = [delivery, model].flatMap((stack) =>
    Object.values<{ Type: string }>(Template.fromStack(stack).toJSON().Resources)
      .filter((resource) => JSON.stringify(resource).includes(TRUSTED))
      .map(({ Type }) => Type),
  );
  expect(trusting.sort()).toEqual(['AWS::KMS::Key', 'AWS::S3::BucketPolicy', 'AWS::SageMaker::ModelPackageGroup']);
});
