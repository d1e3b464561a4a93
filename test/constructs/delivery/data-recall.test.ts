import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lazy, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import {
  DataContract,
  DataIntake,
  DataRecall,
  DataRecallProps,
  DatasetCatalog,
  DataZones,
  ModelRelease,
  PredictionBooks,
} from '../../../lib';
import { synth } from '../../support/synth';
import { FLIGHTS, Loose } from '../data/contracts';
import { flat, statementsOf } from '../data/statements';

interface Parts {
  stack: Stack;
  zones: DataZones;
  catalog: DatasetCatalog;
}

function build(given: (parts: Parts) => Partial<DataRecallProps> = () => ({}), keyed = false) {
  return synth((stack) => {
    const zones = new DataZones(stack, 'Zones', keyed ? { encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) } : {});
    const catalog = new DatasetCatalog(stack, 'Catalog', { zones, catalogName: 'air-dev' });
    const recall = new DataRecall(stack, 'Recall', { catalog, recallName: 'air-dev', ...given({ stack, zones, catalog }) });
    // After the recall: what is added later can be recalled too.
    catalog.addDataset(new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air' }));
    return recall;
  });
}
const trained = ({ stack }: Parts): Partial<DataRecallProps> => ({
  release: new ModelRelease(stack, 'Release', {
    namePrefix: 'air-dev',
    bus: EventBus.fromEventBusName(stack, 'Bus', 'bus'),
    artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'),
    imageRepositories: ['1.dkr.ecr.eu-central-1.amazonaws.com/sklearn'],
  }),
  books: new PredictionBooks(stack, 'Books', { bus: EventBus.fromEventBusName(stack, 'BooksBus', 'bus'), apiName: 'air-dev' }),
});
let made: ReturnType<typeof build> | undefined;
const whole = () => (made ??= build(trained));
const HERE = 'arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>';
const variables = ({ template }: ReturnType<typeof build>): Loose => {
  const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
  return functions.find(([id]) => id.startsWith('RecallSteps'))![1].Properties.Environment.Variables;
};

describe('DataRecall [D10]', () => {
  test('is one machine, told by its name, of datasets that were added before and after it', () => {
    whole().template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineName: 'air-dev-recall',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    expect(JSON.parse(flat(variables(whole()).DATASETS))).toEqual({ flights: '<FlightsLedger>' });
  });

  test('has no nag finding that nobody answered for, with and without a key', () => {
    expect(whole().nag).toEqual([]);
    expect(build(trained, true).nag).toEqual([]);
  });

  test('may withdraw in ledger and catalogue, hide what is queried, leave reports, bar versions, read predictions, and nothing else', () => {
    const granted = statementsOf(whole().template, 'RecallSteps').filter(({ actions }) => !actions[0].startsWith('xray:'));
    const owned = { StringEquals: { 'aws:ResourceTag/workload': 'air-dev' } };
    expect(granted).toEqual([
      { actions: ['dynamodb:GetItem', 'dynamodb:Scan', 'dynamodb:UpdateItem'], resources: ['<CatalogVersions>'] },
      { actions: ['dynamodb:Query', 'dynamodb:PutItem'], resources: ['<ReleaseReleases>'] },
      {
        actions: ['sagemaker:ListModelPackages', 'sagemaker:DescribeModelPackage'],
        resources: [`${HERE}:model-package/air-dev-*/*`, `${HERE}:model-package-group/air-dev-*`],
      },
      { actions: ['sagemaker:ListModelPackageGroups'], resources: ['*'] },
      { actions: ['sagemaker:DescribeEndpoint'], resources: [`${HERE}:endpoint/air-dev-*`] },
      {
        actions: ['sagemaker:DescribeEndpointConfig', 'sagemaker:DescribeModel'],
        resources: [`${HERE}:endpoint-config/*`, `${HERE}:model/*`],
        condition: owned,
      },
      { actions: ['sagemaker:UpdateModelPackage'], resources: [`${HERE}:model-package/air-dev-*/*`] },
      { actions: ['dynamodb:Scan'], resources: ['<BooksPredictions>'] },
      { actions: ['dynamodb:Scan', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: ['<FlightsLedger>'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/datasets/flights/*/manifest.json'] },
      { actions: ['s3:DeleteObject'], resources: ['<ZonesValidated>/datasets/flights/query/*'] },
      {
        actions: ['s3:ListBucket'],
        resources: ['<ZonesValidated>'],
        condition: { StringLike: { 's3:prefix': 'datasets/flights/query/*' } },
      },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/flights/operations/*'] },
    ]);
  });

  test('knows of models and predictions only where there are some, and whether their times are those of a replay', () => {
    const alone = build();
    expect(Object.keys(variables(alone))).toEqual(expect.not.arrayContaining(['NAME_PREFIX', 'RELEASE_TABLE', 'PREDICTIONS_TABLE']));
    expect(JSON.stringify(statementsOf(alone.template, 'RecallSteps'))).not.toContain('sagemaker');
    expect(variables(whole())).toMatchObject({
      NAME_PREFIX: 'air-dev',
      RELEASE_TABLE: expect.anything(),
      PREDICTIONS_TABLE: expect.anything(),
    });
    expect(variables(whole()).CLOCK_IS_REPLAYED).toBeUndefined();
    const replayed = build(({ stack }) => ({
      books: new PredictionBooks(stack, 'Books', {
        bus: EventBus.fromEventBusName(stack, 'Bus', 'bus'),
        clockParameter: new StringParameter(stack, 'Clock', { stringValue: 'real' }),
      }),
    }));
    expect(variables(replayed).CLOCK_IS_REPLAYED).toBe('1');
  });

  test('raises a ticket of the data layer when an execution fails, is late or is stopped', () => {
    const [{ Properties }] = Object.values(
      whole().template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'air-dev-recall-failed' } }),
    );
    const metrics = (Properties.Metrics as Loose[]).flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
    expect(metrics.map(({ Namespace, MetricName }) => [Namespace, MetricName])).toEqual([
      ['AWS/States', 'ExecutionsFailed'],
      ['AWS/States', 'ExecutionsTimedOut'],
      ['AWS/States', 'ExecutionsAborted'],
    ]);
    expect(metrics.map(({ Dimensions }) => [Dimensions[0].Name, flat(Dimensions[0].Value)])).toEqual(
      metrics.map(() => ['StateMachineArn', '<RecallMachine>']),
    );
    expect(Properties.AlarmDescription).toMatch(/^\[data\/ticket\] .*docs\/runbooks\/data\.md#recall-failed$/);
    expect(readFileSync(join(__dirname, '../../../docs/runbooks/data.md'), 'utf8')).toContain('\n## recall-failed\n');
  });

  test('grantRecall lets somebody start and follow executions, and nothing else', () => {
    const { template } = build((parts) => {
      const { stack } = parts;
      const role = new Role(stack, 'OnCall', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
      const other = new DataRecall(stack, 'Other', { catalog: parts.catalog, recallName: 'other' });
      other.grantRecall(role);
      return {};
    });
    expect(statementsOf(template, 'OnCall')).toEqual([
      { actions: ['states:StartExecution'], resources: ['<OtherMachine>'] },
      { actions: ['states:DescribeExecution'], resources: [expect.stringContaining(':execution:')] },
    ]);
  });

  test.each([
    ['a'.repeat(60), undefined],
    ['a'.repeat(61), "'recallName' must be 1 to 60 lower-case letters, digits and hyphens"],
    ['Air', "'recallName'"],
    [Lazy.string({ produce: () => 'air' }), "'recallName'"],
  ])('the name %s', (recallName, problem) => {
    const named = () => build(() => ({ recallName }));
    if (problem === undefined) {
      expect(named).not.toThrow();
    } else {
      expect(named).toThrow(/^InvalidDataRecall: /);
      expect(named).toThrow(problem);
    }
  });
});
