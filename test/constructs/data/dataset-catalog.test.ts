import { readFileSync } from 'node:fs';
import { Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { DataContract, DataIntake, DatasetCatalog, DatasetCatalogProps, DataZones, EventType, TimeSplit } from '../../../lib';
import { DATA_EVENT } from '../../../lib/constructs/data/contract';
import { app, once, synth } from '../../support/synth';
import { contractOf, FLIGHTS, Loose } from './contracts';
import { flat, ownOf, statementsOf } from './statements';

const MONTHS = TimeSplit.closedMonths({ eventTime: ['year', 'month', 'day'], labelDelay: Duration.hours(48) });

interface Setting {
  catalog: DatasetCatalog;
  zones: DataZones;
  intake: DataIntake;
  stack: Stack;
}

const build = (given: Partial<DatasetCatalogProps> = {}, more: (setting: Setting) => void = () => undefined, keyed = false) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones', keyed ? { encryptionKey: new Key(stack, 'Key') } : {});
    const bus = new EventBus(stack, 'Bus');
    const catalog = new DatasetCatalog(stack, 'Catalog', { zones, bus, catalogName: 'air-dev', ...given });
    const intake = new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air' });
    catalog.addDataset(intake, { split: MONTHS });
    more({ catalog, zones, intake, stack });
    return catalog;
  });
/** The plain catalogue, made once: nobody changes it. */
const plain = once(() => build());
const roleIn = (stack: Stack) => new Role(stack, 'Role', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
const functionOf = (template: Template, handler: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`Catalog${handler}`))![1].Properties;
const datasetsOf = (template: Template): Loose => JSON.parse(flat(functionOf(template, 'Builder').Environment.Variables.DATASETS));

describe('DatasetCatalog [D7]', () => {
  test('keeps one row per version that can be brought back to any second and outlives the stack', () => {
    const { template, nag } = plain();
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
      },
    });
    expect(nag).toEqual([]);
  });

  test('goes with the stack when it is told to', () => {
    const { template } = build({ removalPolicy: RemovalPolicy.DESTROY });
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: { DeletionProtectionEnabled: false, StreamSpecification: { StreamViewType: 'NEW_IMAGE' } },
    });
  });

  test('tells its builder ledger, contract and split of each dataset, also of those that are added later', () => {
    const { template } = build({}, ({ catalog, zones, stack }) =>
      catalog.addDataset(new DataIntake(stack, 'Orders', { zones, contract: contractOf(), intakeName: 'orders' })),
    );
    const keyFor = (intake: string): unknown =>
      Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`${intake}Validator`))![1].Properties
        .Environment.Variables.CONTRACT_KEY;
    expect(datasetsOf(template)).toEqual({
      flights: {
        ledger: '<FlightsLedger>',
        contract: keyFor('Flights'),
        split: { eventTime: ['year', 'month', 'day'], gapDays: 2, closedMonths: { validation: 1, test: 1 } },
      },
      orders: { ledger: '<OrdersLedger>', contract: keyFor('Orders') },
    });
    expect(functionOf(template, 'Builder').Environment.Variables).toMatchObject({
      CONTRACT_BUCKET: { 'Fn::Sub': expect.stringContaining('assets') },
      CATALOGUE_TABLE: { Ref: expect.stringMatching(/^CatalogVersions/) },
      VALIDATED_BUCKET: { Ref: expect.stringMatching(/^ZonesValidated/) },
    });
  });

  test('tells its builder which columns hold personal data', () => {
    const personal = contractOf((d) => void (d.schema[0].properties[1].classification = 'PII'));
    const { template } = build({}, ({ catalog, zones, stack }) =>
      catalog.addDataset(new DataIntake(stack, 'Orders', { zones, contract: personal, intakeName: 'orders' })),
    );
    expect(datasetsOf(template)).toMatchObject({ flights: {}, orders: { personalData: ['amount'] } });
    expect(Object.keys(datasetsOf(template).flights)).not.toContain('personalData');
  });

  test('gives its builder the time, the processor and the scratch space to compare the keys of a dataset', () => {
    expect(functionOf(plain().template, 'Builder')).toMatchObject({ Timeout: 900, MemorySize: 1769, EphemeralStorage: { Size: 2048 } });
  });

  test('is there before its first dataset', () => {
    const { template } = synth((stack) => new DatasetCatalog(stack, 'Catalog', { zones: new DataZones(stack, 'Zones') }));
    expect(datasetsOf(template)).toEqual({});
  });

  test('announces new versions on the bus: retries, splits a bad batch, and keeps what nobody took for 14 days', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^CatalogVersions'), 'StreamArn'] },
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 20,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      StartingPosition: 'TRIM_HORIZON',
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^CatalogUnannounced'), 'Arn'] } } },
    });
    expect(functionOf(template, 'Announcer').Environment.Variables.EVENT_BUS).toEqual({ Ref: expect.stringMatching(/^Bus/) });
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 1209600,
      SqsManagedSseEnabled: true,
      QueueName: Match.absent(),
    });
  });

  test('without a bus announces nothing and has no part that would', () => {
    const { template } = build({ bus: undefined });
    expect(Object.keys(template.findResources('AWS::Lambda::Function')).filter((id) => id.startsWith('CatalogAnnouncer'))).toEqual([]);
    expect(Object.keys(template.findResources('AWS::SQS::Queue')).filter((id) => id.startsWith('Catalog'))).toEqual([]);
  });

  test('dates versions by the workload clock where there is one', () => {
    const { template } = synth((stack) => {
      const clockParameter = new StringParameter(stack, 'Clock', { stringValue: 'real' });
      return new DatasetCatalog(stack, 'Catalog', { zones: new DataZones(stack, 'Zones'), clockParameter });
    });
    expect(functionOf(template, 'Builder').Environment.Variables.WORKLOAD_CLOCK_PARAMETER).toEqual({
      Ref: expect.stringMatching(/^Clock/),
    });
    const readers = statementsOf(template, 'CatalogBuilder').filter(({ actions }) => actions.includes('ssm:GetParameter'));
    expect(readers.map(({ resources }) => resources[0])).toEqual([
      'arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/<Clock>',
    ]);
    expect(functionOf(plain().template, 'Builder').Environment.Variables.WORKLOAD_CLOCK_PARAMETER).toBeUndefined();
  });

  test('speaks of events as the bus does', () => {
    expect([DATA_EVENT.published, DATA_EVENT.accounted, DATA_EVENT.rejected]).toEqual([
      EventType.DATASET_PUBLISHED,
      EventType.FILE_ACCOUNTED,
      EventType.FILE_REJECTED,
    ]);
  });
});

describe('who may do what', () => {
  test('the builder reads ledgers, contracts and records, writes manifests and enters versions', () => {
    const { template } = plain();
    expect(ownOf(statementsOf(template, 'CatalogBuilder'))).toEqual([
      { actions: ['dynamodb:GetItem', 'dynamodb:PutItem'], resources: ['<CatalogVersions>'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/datasets/*'] },
      { actions: ['dynamodb:Scan', 'dynamodb:GetItem', 'dynamodb:ConditionCheckItem'], resources: ['<FlightsLedger>'] },
      { actions: ['s3:GetObject'], resources: [expect.stringMatching(/assets.*\/[0-9a-f]{64}\.json$/)] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/flights/*'] },
    ]);
  });

  test('the builder reads the records of encrypted zones with their key', () => {
    const { template } = build({}, () => undefined, true);
    expect(ownOf(statementsOf(template, 'CatalogBuilder')).filter(({ actions }) => actions.includes('kms:Decrypt'))).toEqual([
      { actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: ['<Key>'] },
      { actions: ['kms:Decrypt'], resources: ['<Key>'] },
    ]);
  });

  test('the announcer puts events on the bus', () => {
    const { template } = plain();
    expect(ownOf(statementsOf(template, 'CatalogAnnouncer'))).toEqual([
      { actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'], resources: ['<CatalogUnannounced>'] },
      { actions: ['events:PutEvents'], resources: ['<Bus>'] },
    ]);
  });

  test('a reader may read catalogue and manifests, no records', () => {
    const { template } = build({}, ({ catalog, stack }) => catalog.grantRead(roleIn(stack)));
    expect(statementsOf(template, 'Role')).toEqual([
      { actions: ['dynamodb:GetItem', 'dynamodb:Scan'], resources: ['<CatalogVersions>'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/datasets/*'] },
    ]);
  });

  test('a reader of one dataset may read its manifests and what they name, with the key of the zones', () => {
    const { template } = build({}, ({ catalog, stack }) => catalog.grantReadDataset('flights', roleIn(stack)), true);
    expect(statementsOf(template, 'Role')).toEqual([
      {
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: ['<ZonesValidated>/datasets/flights/*', '<ZonesValidated>/flights/*'],
      },
      { actions: ['kms:Decrypt'], resources: ['<Key>'] },
    ]);
  });

  test('who may build may invoke the builder', () => {
    const { template } = build({}, ({ catalog, stack }) => catalog.grantBuild(roleIn(stack)));
    expect(statementsOf(template, 'Role')).toEqual([
      { actions: ['lambda:InvokeFunction'], resources: ['<CatalogBuilder>', '<CatalogBuilder>:*'] },
    ]);
  });
});

describe('alarms', () => {
  test.each([
    ['air-dev-datasets-failing', 'datasets-failing', { Namespace: 'AWS/Lambda', MetricName: 'Errors', Statistic: 'Sum' }],
    ['air-dev-datasets-unannounced', 'datasets-unannounced', { Namespace: 'AWS/SQS', Statistic: 'Maximum' }],
  ])('%s is a ticket to the owner of the data, with a runbook section that exists', (AlarmName, section, expected) => {
    plain().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      ...expected,
      AlarmName,
      Threshold: 1,
      Period: 300,
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp(`^\\[data/ticket\\] .*docs/runbooks/data.md#${section}$`),
    });
    expect(readFileSync(`${__dirname}/../../../docs/runbooks/data.md`, 'utf8')).toContain(`## ${section}\n`);
  });
});

describe('what a catalogue refuses', () => {
  test.each(['', 'Air', '-air', 'x'.repeat(81)])("fails on the name '%s'", (catalogName) => {
    expect(() => build({ catalogName })).toThrow(
      "InvalidDatasetCatalog: 'catalogName' must be 1 to 80 lower-case letters, digits and hyphens",
    );
  });

  test.each(['9', 'x'.repeat(80)])("accepts the name '%s'", (catalogName) => {
    build({ catalogName }).template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: `${catalogName}-datasets-failing` });
  });

  test('fails on a name that only the deployment knows, and finds one of its own', () => {
    expect(() => build({ catalogName: Lazy.string({ produce: () => 'x' }) })).toThrow("'catalogName' must be known at synth, got a Token");
    const { template } = build({ catalogName: undefined });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: Match.stringLikeRegexp('^[a-z0-9-]+-datasets-failing$') });
  });

  test('fails on the same dataset twice', () => {
    expect(() => build({}, ({ catalog, intake }) => catalog.addDataset(intake))).toThrow(
      "InvalidDataset: dataset 'flights' is in this catalogue already [at Test/Catalog]",
    );
  });

  test('fails on an intake that writes elsewhere', () => {
    const elsewhere = ({ catalog, stack }: Setting) => {
      const zones = new DataZones(stack, 'Elsewhere');
      catalog.addDataset(new DataIntake(stack, 'Orders', { zones, contract: contractOf(), intakeName: 'orders' }));
    };
    expect(() => build({}, elsewhere)).toThrow("the intake of 'orders' writes into other zones: give catalogue and intake the same");
  });

  const columnsOf = (eventTime: string[]) => TimeSplit.closedMonths({ eventTime });
  const delayed = (labelDelay: Duration) => TimeSplit.closedMonths({ eventTime: ['year', 'month', 'day'], labelDelay });
  const dates = (validationFrom: string, testFrom: string, labelDelay?: Duration) =>
    TimeSplit.fixedDates({ eventTime: ['time_hour'], validationFrom, testFrom, labelDelay });
  const added = (split: TimeSplit) => () =>
    synth((stack) => {
      const zones = new DataZones(stack, 'Zones');
      const catalog = new DatasetCatalog(stack, 'Catalog', { zones });
      catalog.addDataset(new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS) }), { split });
      return catalog;
    });

  test.each<[TimeSplit, string]>([
    [columnsOf(['year', 'month']), "'eventTime' must name one column, or three with year, month and day, got 2"],
    [columnsOf(['when']), "'eventTime' names 'when', but the contract has only year, month, day,"],
    [columnsOf(['carrier']), "'eventTime' column 'carrier' must be of type date or timestamp, is string"],
    [columnsOf(['year', 'month', 'carrier']), "'eventTime' column 'carrier' must be of type integer, is string"],
    [columnsOf(['year', 'month', 'dep_time']), "'eventTime' column 'dep_time' may be empty: make it required in the contract"],
    [delayed(Duration.days(28)), "'labelDelay (days)' must be between 0 and 27, got 28"],
    [delayed(Duration.hours(36)), "'labelDelay (days)' must be a whole number, got 1.5"],
    [delayed(Duration.days(Lazy.number({ produce: () => 1 }))), "'labelDelay' must be known at synth, got a Token"],
    [TimeSplit.closedMonths({ eventTime: ['time_hour'], testMonths: 0 }), "'testMonths' must be between 1 and 120, got 0"],
    [TimeSplit.closedMonths({ eventTime: ['time_hour'], validationMonths: 1.5 }), "'validationMonths' must be a whole number, got 1.5"],
    [dates('2013-02-30', '2013-04-01'), "'validationFrom' must be a day, yyyy-MM-dd, got '2013-02-30'"],
    [dates('2013-03-01', '2013-03-01'), "'testFrom' must be more than 0 days behind 'validationFrom' 2013-03-01, got 2013-03-01"],
    [dates('2013-03-01', '2013-03-04', Duration.days(3)), "'testFrom' must be more than 3 days behind 'validationFrom'"],
  ])('fails on a split that divides nothing (%#)', (split, problem) => {
    expect(added(split)).toThrow(`InvalidDataset: `);
    expect(added(split)).toThrow(problem);
  });

  test.each<[TimeSplit, object]>([
    [delayed(Duration.days(27)), { gapDays: 27 }],
    [TimeSplit.closedMonths({ eventTime: ['time_hour'], testMonths: 120 }), { closedMonths: { validation: 1, test: 120 }, gapDays: 0 }],
    [dates('2013-03-01', '2013-03-04', Duration.days(2)), { from: { validation: '2013-03-01', test: '2013-03-04' }, gapDays: 2 }],
  ])('accepts a split at the edge of what divides (%#)', (split, rule) => {
    expect(datasetsOf(added(split)().template).flights.split).toMatchObject(rule);
  });

  test('fails on reading a dataset that it does not have', () => {
    expect(() => build({}, ({ catalog, stack }) => catalog.grantReadDataset('flight', roleIn(stack)))).toThrow(
      "UnknownDataset: there is no dataset 'flight': add its intake with addDataset() [at Test/Catalog]",
    );
  });

  test('fails on more datasets than the environment of a function holds, before a deployment does', () => {
    const stack = new Stack(app(), 'Test');
    const zones = new DataZones(stack, 'Zones');
    const catalog = new DatasetCatalog(stack, 'Catalog', { zones });
    const add = (i: number) => {
      const contract = contractOf((d) => (d.id = `dataset-${i}`));
      catalog.addDataset(new DataIntake(stack, `Dataset${i}`, { zones, contract, intakeName: `dataset-${i}` }));
    };
    Array.from({ length: 20 }, (_, i) => i + 10).forEach(add);
    expect(() => Array.from({ length: 10 }, (_, i) => i + 30).forEach(add)).toThrow(
      /InvalidDataset: 2\d datasets need up to 3\d\d\d bytes of the builder's environment, which has 3072: make a second catalogue/,
    );
  });
});
