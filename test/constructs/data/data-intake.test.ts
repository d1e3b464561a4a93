import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, CfnParameter, Duration, Lazy, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  AlarmBoard,
  AlertDestination,
  DataContract,
  DataIntake,
  DataIntakeProps,
  DataZones,
  Layer,
  Owner,
  Owners,
  ValidatedFormat,
} from '../../../lib';
import { DATA_METRIC } from '../../../lib/constructs/data/contract';
import { INTAKE_SECONDS, VALIDATED_FORMAT } from '../../../lib/constructs/data/data-intake/contract';
import { app, once, synth } from '../../support/synth';
import { contractOf, FLIGHTS, Loose } from './contracts';
import { flat, ownOf, statementsOf } from './statements';

const flights = () => DataContract.fromFile(FLIGHTS);
type Given = Partial<DataIntakeProps>;

const build = (given: Given = {}, more: (intake: DataIntake, stack: Stack) => void = () => undefined) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones');
    const bus = new EventBus(stack, 'Bus');
    const intake = new DataIntake(stack, 'Flights', { zones, bus, contract: flights(), intakeName: 'air-dev-flights', ...given });
    more(intake, stack);
    return intake;
  });
/** An intake that nobody synthesizes: enough for what its constructor accepts. */
const accepted = (given: Given) => {
  const stack = new Stack(app(), 'Test');
  return new DataIntake(stack, 'Flights', { zones: new DataZones(stack, 'Zones'), contract: flights(), ...given });
};
/** The plain intake, made once: nobody changes it. */
const plain = once(() => build());
const roleIn = (stack: Stack) => new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
const token = (stack: Stack) => new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
const functionOf = (template: Template, handler: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`Flights${handler}`))![1].Properties;

describe('DataIntake [D3]', () => {
  test('says where files go and what they feed', () => {
    const { built } = plain();
    expect([built.dataset, built.rawPrefix, built.intakeName, built.contract.owner]).toEqual([
      'flights',
      'flights/',
      'air-dev-flights',
      'flight-data',
    ]);
  });

  test('has no nag finding that nobody answered for, with and without a key, and within cross-stack references', () => {
    expect(plain().nag).toEqual([]);
    expect(synthWithKey().nag).toEqual([]);
  });

  test('sends new raw objects of its dataset to its queue, and what cannot be delivered to its dead letters [row 165]', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Events::Rule', {
      EventBusName: Match.absent(),
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [{ Ref: Match.stringLikeRegexp('^ZonesRaw') }] }, object: { key: [{ prefix: 'flights/' }] } },
      },
      Targets: [
        Match.objectLike({
          Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsQueue'), 'Arn'] },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsDeadLetters'), 'Arn'] } },
          RetryPolicy: { MaximumEventAgeInSeconds: 86400, MaximumRetryAttempts: 185 },
        }),
      ],
    });
    const receivers = Object.values(template.findResources('AWS::SQS::QueuePolicy')).filter((policy) =>
      policy.Properties.PolicyDocument.Statement.some(
        (s: Loose) => s.Principal?.Service === 'events.amazonaws.com' && /Arrivals/.test(JSON.stringify(s.Condition.ArnEquals)),
      ),
    );
    expect(receivers.map((policy) => flat(policy.Properties.Queues[0])).sort()).toEqual(['<FlightsDeadLetters>', '<FlightsQueue>']);
  });

  test('has a queue that outlasts six attempts of the function and gives up after five, to a dead-letter queue of 14 days [row 159, 160]', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'air-dev-flights',
      VisibilityTimeout: 720,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsDeadLetters'), 'Arn'] } },
    });
    template.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'air-dev-flights-dead-letters',
      MessageRetentionPeriod: 1209600,
      SqsManagedSseEnabled: true,
    });
    expect(INTAKE_SECONDS.visibility).toBeGreaterThanOrEqual(6 * INTAKE_SECONDS.functionTimeout);
    const tls = Match.objectLike({ Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
    template.allResourcesProperties('AWS::SQS::QueuePolicy', { PolicyDocument: { Statement: Match.arrayWith([tls]) } });
    template.resourceCountIs('AWS::SQS::QueuePolicy', 3);
  });

  test('writes what it accepts as it was received, or as Parquet when asked', () => {
    const formatOf = (over: Given) => functionOf(build(over).template, 'Validator').Environment.Variables.VALIDATED_FORMAT;
    expect([formatOf({}), formatOf({ validatedFormat: ValidatedFormat.PARQUET })]).toEqual([undefined, 'parquet']);
    const split = { validatedFormat: ValidatedFormat.PARQUET, splitAbove: Size.mebibytes(512) };
    expect(() => build(split)).toThrow(/'splitAbove' cannot hold: ranges are not written as Parquet: leave validatedFormat as received/);
    const machines = (over: Given) => Object.keys(build(over).template.findResources('AWS::StepFunctions::StateMachine')).length;
    expect(machines({ validatedFormat: ValidatedFormat.PARQUET })).toBe(machines({}) - 1);
    expect([ValidatedFormat.AS_RECEIVED, ValidatedFormat.PARQUET]).toEqual([VALIDATED_FORMAT.asReceived, VALIDATED_FORMAT.parquet]);
  });

  test('validates one file at a time per function, some at once, with scratch space for the keys of the largest file [row 162, 163]', () => {
    const { template } = plain();
    expect(Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties)).not.toContainEqual(
      expect.objectContaining({ ReservedConcurrentExecutions: expect.anything() }),
    );
    expect(functionOf(template, 'Validator')).toMatchObject({ Timeout: 120, MemorySize: 1769, EphemeralStorage: { Size: 2048 } });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsQueue'), 'Arn'] },
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    const { template: larger } = build({ maxConcurrency: 2, memory: Size.gibibytes(3) });
    expect(functionOf(larger, 'Validator').MemorySize).toBe(3072);
    larger.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: 2 } });
  });

  test('gives the validator the rules of the contract as one object, named by what it holds', () => {
    const { template, built, stack } = plain();
    const { Variables } = functionOf(template, 'Validator').Environment;
    const { _json, _hash } = built.contract;
    expect(Variables).toMatchObject({ CONTRACT_HASH: _hash, CONTRACT_KEY: expect.stringMatching(/^[0-9a-f]{64}\.json$/) });
    const staged = join((stack.node.root as App).outdir, `asset.${Variables.CONTRACT_KEY}`);
    expect(readFileSync(staged, 'utf8')).toBe(_json);
    const other = build({ contract: contractOf((d) => (d.id = 'flights')) });
    expect(functionOf(other.template, 'Validator').Environment.Variables.CONTRACT_KEY).not.toBe(Variables.CONTRACT_KEY);
  });

  test('follows its ledger: retries, splits a bad batch, and keeps what nobody took for 14 days', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsLedger'), 'StreamArn'] },
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 20,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      StartingPosition: 'TRIM_HORIZON',
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FlightsLostChanges'), 'Arn'] } } },
    });
    expect(functionOf(template, 'Recorder').Environment.Variables).toMatchObject({
      DATASET: 'flights',
      EVENT_BUS: { Ref: expect.stringMatching(/^Bus/) },
    });
  });

  test('lets its janitor run every five minutes, never twice at once', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      Targets: [Match.objectLike({ RetryPolicy: { MaximumRetryAttempts: 0 } })],
    });
    expect(functionOf(template, 'Janitor').Timeout).toBe(240);
    expect(Object.keys(functionOf(template, 'Janitor').Environment.Variables)).toEqual(
      expect.arrayContaining([
        'DATASET',
        'INTAKE_NAME',
        'LEDGER_TABLE',
        'RAW_BUCKET',
        'VALIDATED_BUCKET',
        'QUARANTINE_BUCKET',
        'QUEUE_URL',
        'DEAD_LETTER_URL',
      ]),
    );
  });

  test('runs without a bus: then only the ledger knows', () => {
    const { template } = build({ bus: undefined });
    expect(functionOf(template, 'Recorder').Environment.Variables.EVENT_BUS).toBeUndefined();
    expect(JSON.stringify(statementsOf(template, 'FlightsRecorder'))).not.toContain('events:PutEvents');
  });

  test('has names of its own when it is given none, which fit their services', () => {
    const { built, template } = build({ intakeName: undefined });
    expect(built.intakeName).toMatch(/^[a-z0-9][a-z0-9-]{0,79}$/);
    const names = Object.values(template.findResources('AWS::SQS::Queue')).map(({ Properties }) => Properties.QueueName);
    names.filter((name) => name !== undefined).forEach((name) => expect(name).toMatch(/^[a-zA-Z0-9_-]{1,80}$/));
  });
});

describe('the ledger [D4]', () => {
  test('can be brought back to any second, shows its changes, and outlives the stack', () => {
    const { template } = plain();
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        DeletionProtectionEnabled: true,
        TableName: Match.absent(),
      },
    });
  });

  test('goes with the stack when it is told to', () => {
    build({ removalPolicy: RemovalPolicy.DESTROY }).template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: { DeletionProtectionEnabled: false },
    });
  });
});

/** An intake whose zones are encrypted with a key, in another stack. */
function synthWithKey() {
  return synth((stack) => {
    const data = new Stack(stack.node.root, 'Data');
    const zones = new DataZones(data, 'Zones', { encryptionKey: new Key(data, 'Key', { enableKeyRotation: true }) });
    return new DataIntake(stack, 'Flights', { zones, contract: flights(), intakeName: 'air' });
  });
}

describe('who may do what', () => {
  const LEDGER = ['<FlightsLedger>'];

  test('the validator reads raw objects and its contract, writes below its dataset, moves the ledger, and puts messages back', () => {
    const { template } = plain();
    const key = functionOf(template, 'Validator').Environment.Variables.CONTRACT_KEY;
    const bucket = 'arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}';
    expect(ownOf(statementsOf(template, 'FlightsValidator'))).toEqual([
      { actions: ['s3:GetObject'], resources: [`${bucket}/${key}`] },
      { actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'], resources: LEDGER },
      { actions: ['s3:ListBucket', 's3:ListBucketVersions'], resources: ['<ZonesRaw>'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesRaw>/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesQuarantine>/flights/*'] },
      { actions: ['sqs:SendMessage'], resources: ['<FlightsQueue>'] },
      { actions: ['states:StartExecution'], resources: ['<FlightsSplitting>'] },
    ]);
    const consumer = statementsOf(template, 'FlightsValidator').find(({ actions }) => actions.includes('sqs:ReceiveMessage'))!;
    expect(consumer.actions).toEqual(expect.arrayContaining(['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage']));
    expect(consumer.resources).toEqual(['<FlightsQueue>']);
  });

  test('the recorder writes commit records, reports of freezes and events, nothing else', () => {
    const { template } = plain();
    expect(ownOf(statementsOf(template, 'FlightsRecorder'))).toEqual([
      { actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'], resources: ['<FlightsLostChanges>'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/flights/*/commit.json'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/flights/operations/*/report.json'] },
      { actions: ['events:PutEvents'], resources: ['<Bus>'] },
    ]);
  });

  test('the janitor lists its dataset, deletes objects of attempts only, sends messages and dead letters, and sees how many wait', () => {
    const { template } = plain();
    const listing = { StringEquals: { 's3:prefix': 'flights/' } };
    expect(ownOf(statementsOf(template, 'FlightsJanitor'))).toEqual([
      {
        actions: ['dynamodb:Scan', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DescribeTable'],
        resources: LEDGER,
      },
      { actions: ['sqs:SendMessage'], resources: ['<FlightsQueue>', '<FlightsDeadLetters>'] },
      { actions: ['sqs:GetQueueAttributes'], resources: ['<FlightsQueue>'] },
      { actions: ['s3:ListBucketVersions'], resources: ['<ZonesRaw>'], condition: listing },
      { actions: ['s3:ListBucket'], resources: ['<ZonesValidated>'], condition: listing },
      { actions: ['s3:DeleteObject'], resources: ['<ZonesValidated>/flights/*/attempt=*'] },
      { actions: ['s3:ListBucket'], resources: ['<ZonesQuarantine>'], condition: listing },
      { actions: ['s3:DeleteObject'], resources: ['<ZonesQuarantine>/flights/*/attempt=*'] },
    ]);
  });

  test('with a key of yours, each reader may decrypt and each writer encrypt with it', () => {
    const { template } = plain();
    expect(JSON.stringify(statementsOf(template, 'Flights'))).not.toContain('kms:');
    const keyed = synth((stack) => {
      const zones = new DataZones(stack, 'Zones', { encryptionKey: new Key(stack, 'Key') });
      return new DataIntake(stack, 'Flights', { zones, contract: flights() });
    });
    const ofKey = (role: string) => statementsOf(keyed.template, role).filter(({ actions }) => actions[0].startsWith('kms:'));
    expect(ofKey('FlightsValidator')).toEqual([
      { actions: ['kms:Decrypt'], resources: ['<Key>'] },
      { actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: ['<Key>'] },
    ]);
    expect(ofKey('FlightsRecorder')).toEqual([{ actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: ['<Key>'] }]);
    expect(ofKey('FlightsJanitor')).toEqual([]);
  });

  test('a sender may put objects below raw/flights/ and nothing else', () => {
    const { template } = build({}, (intake, stack) => intake.grantSend(roleIn(stack)));
    expect(statementsOf(template, 'Role')).toEqual([
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesRaw>/flights/*'] },
    ]);
  });

  test('a sender of another account is let in by the bucket', () => {
    const { template } = build({}, (intake) => intake.grantSend(new AccountPrincipal('111122223333')));
    const policy = Object.values(template.findResources('AWS::S3::BucketPolicy')).find((p) => /^ZonesRaw/.test(p.Properties.Bucket.Ref))!;
    const allowed = policy.Properties.PolicyDocument.Statement.filter((s: Loose) => s.Effect === 'Allow');
    expect(allowed).toHaveLength(1);
    expect([allowed[0].Action, flat(allowed[0].Resource), flat(allowed[0].Principal.AWS)]).toEqual([
      ['s3:PutObject', 's3:AbortMultipartUpload'],
      '<ZonesRaw>/flights/*',
      'arn:<AWS::Partition>:iam::111122223333:root',
    ]);
  });

  test('whoever may freeze it writes the one item that says so, and no row', () => {
    const { template } = build({}, (intake, stack) => intake.grantFreeze(roleIn(stack)));
    expect(statementsOf(template, 'Role')).toEqual([
      {
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        resources: LEDGER,
        condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['freeze'] } },
      },
    ]);
  });

  test('a reader of the ledger may read it', () => {
    const { template } = build({}, (intake, stack) => intake.grantReadLedger(roleIn(stack)));
    expect(statementsOf(template, 'Role')).toEqual([{ actions: ['dynamodb:GetItem', 'dynamodb:Scan'], resources: LEDGER }]);
  });
});

describe('metrics', () => {
  const { metrics } = plain().built;
  const own = { namespace: 'AiWorkloads', dimensions: [{ name: 'Intake', value: 'air-dev-flights' }] };
  const queue = (name: string) => ({ namespace: 'AWS/SQS', dimensions: [{ name: 'QueueName', value: name }] });

  test.each([
    ['rowsRead', metrics.rowsRead(), { ...own, metricName: 'RowsRead', statistic: 'Sum' }],
    ['rowsValid', metrics.rowsValid(), { ...own, metricName: 'RowsValid', statistic: 'Sum' }],
    ['rowsQuarantined', metrics.rowsQuarantined(), { ...own, metricName: 'RowsQuarantined', statistic: 'Sum' }],
    ['quarantinePercent', metrics.quarantinePercent(), { ...own, metricName: 'QuarantinePercent', statistic: 'Maximum' }],
    ['filesAccounted', metrics.filesAccounted(), { ...own, metricName: 'FilesAccounted', statistic: 'Sum' }],
    ['filesRejected', metrics.filesRejected(), { ...own, metricName: 'FilesRejected', statistic: 'Sum' }],
    ['filesUnaccounted', metrics.filesUnaccounted(), { ...own, metricName: 'FilesUnaccounted', statistic: 'Maximum' }],
    ['hoursSinceFile', metrics.hoursSinceFile(), { ...own, metricName: 'HoursSinceFile', statistic: 'Maximum' }],
    ['validRowsOfPeriod', metrics.validRowsOfPeriod(), { ...own, metricName: 'ValidRowsOfPeriod', statistic: 'Minimum' }],
    [
      'ageOfOldestMessage',
      metrics.ageOfOldestMessage(),
      { ...queue('air-dev-flights'), metricName: 'ApproximateAgeOfOldestMessage', statistic: 'Maximum' },
    ],
    [
      'deadLetters',
      metrics.deadLetters(),
      { ...queue('air-dev-flights-dead-letters'), metricName: 'ApproximateNumberOfMessagesVisible', statistic: 'Maximum' },
    ],
  ])('%s is the one that is published, without a unit, in periods of five minutes', (_name, metric, expected) => {
    const { metricStat } = metric.toMetricConfig();
    expect(metricStat).toMatchObject({ ...expected, period: Duration.minutes(5) });
    expect(metricStat!.unitFilter).toBeUndefined();
  });

  test('cover everything that the handlers publish', () => {
    const { recordsLanded, recordsOnline, recordsNotOnline, millisecondsToOnline, ...ofIntake } = DATA_METRIC;
    expect([recordsLanded, recordsOnline, recordsNotOnline, millisecondsToOnline]).not.toContain(undefined); // a stream's own
    const made = Object.values(ofIntake).map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    made.forEach((name) => expect((metrics as Loose)[name]().metricName.toLowerCase()).toBe(name.toLowerCase()));
  });

  test('can be read in other periods', () => {
    expect(metrics.rowsRead({ period: Duration.hours(1) }).period.toMinutes()).toBe(60);
    expect(metrics.ageOfOldestMessage({ period: Duration.minutes(1) }).period.toMinutes()).toBe(1);
  });
});

describe('alarms [D9]', () => {
  const alarmsOf = (template: Template): Loose[] =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
  const named = (template: Template, name: string): Loose =>
    alarmsOf(template).find(({ AlarmName }) => AlarmName === `air-dev-flights-${name}`);

  test.each([
    ['dead-letters', { Threshold: 1, Statistic: 'Maximum', Period: 300, ComparisonOperator: 'GreaterThanOrEqualToThreshold' }],
    ['events-lost', { Threshold: 1, Namespace: 'AWS/Events', MetricName: 'InvocationsFailedToBeSentToDlq', Statistic: 'Sum', Period: 300 }],
    ['files-waiting', { Threshold: 1200, MetricName: 'ApproximateAgeOfOldestMessage', Period: 300 }],
    ['files-unaccounted', { Threshold: 1, MetricName: 'FilesUnaccounted', Statistic: 'Maximum' }],
    ['validator-crashing', { Threshold: 3, Namespace: 'AWS/Lambda', MetricName: 'Errors', Statistic: 'Sum', Period: 900 }],
    ['files-rejected', { Threshold: 1, MetricName: 'FilesRejected', Statistic: 'Sum' }],
    ['changes-lost', { Threshold: 1, MetricName: 'ApproximateNumberOfMessagesVisible', Statistic: 'Maximum' }],
    ['janitor-failing', { Threshold: 2, Namespace: 'AWS/Lambda', MetricName: 'Errors', Statistic: 'Sum', Period: 900 }],
  ])('%s looks at one period, and silence is no news', (name, expected) => {
    expect(named(plain().template, name)).toMatchObject({ ...expected, EvaluationPeriods: 1, TreatMissingData: 'notBreaching' });
  });

  test('watch the rule of new files on the default bus, whose metrics have one dimension [row 165]', () => {
    const { Dimensions } = named(plain().template, 'events-lost');
    expect(Dimensions).toEqual([{ Name: 'RuleName', Value: { Ref: expect.stringMatching(/^FlightsArrivals/) } }]);
  });

  test('one page speaks for all that keeps files from getting through', () => {
    const { template } = plain();
    template.resourceCountIs('AWS::CloudWatch::CompositeAlarm', 1);
    const [composite] = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm'));
    expect(composite.Properties.AlarmName).toBe('air-dev-flights-files-stuck');
    const rule = flat(composite.Properties.AlarmRule);
    ['DeadLetters', 'EventsLost', 'Waiting', 'Unaccounted', 'Crashing'].forEach((cause) => expect(rule).toContain(`<Flights${cause}Alarm`));
    expect(rule.match(/ALARM\(/g)).toHaveLength(5);
  });

  test('the limits of the contract are those of its document: quarantine above 1 %, no valid records for more than 25 hours', () => {
    const { template } = plain();
    expect(named(template, 'quarantine-high')).toMatchObject({
      MetricName: 'QuarantinePercent',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(named(template, 'data-late')).toMatchObject({
      MetricName: 'HoursSinceFile',
      Threshold: 25,
      ComparisonOperator: 'GreaterThanThreshold',
      Period: 900,
      TreatMissingData: 'ignore',
    });
  });

  test.each([
    ['5 minutes', [{ property: 'latency', value: 5, unit: 'min' }], 5],
    ['20 minutes', [{ property: 'latency', value: 20, unit: 'min' }], 20],
    ['an hour', [{ property: 'latency', value: 1, unit: 'h' }], 60],
    ['nothing, which is 20 minutes', [], 20],
    ['33 minutes in hours, which no double is exactly', [{ property: 'latency', value: 0.55, unit: 'h' }], 33],
  ])(
    'a file may take as long as the latency of the contract says: %s, in both alarms, their texts and the janitor [meaning 24]',
    (_, levels, minutes) => {
      const { template } = build({ contract: contractOf((d) => void (d.slaProperties = levels)) });
      const [waiting, unaccounted] = ['files-waiting', 'files-unaccounted'].map((name) => named(template, name));
      expect(waiting).toMatchObject({
        Threshold: minutes * 60,
        MetricName: 'ApproximateAgeOfOldestMessage',
        Period: 300,
        EvaluationPeriods: 1,
      });
      expect(waiting.AlarmDescription).toContain(`has waited ${minutes} minutes for`);
      expect(unaccounted).toMatchObject({ Threshold: 1, MetricName: 'FilesUnaccounted', Period: 300, EvaluationPeriods: 1 });
      expect(unaccounted.AlarmDescription).toContain(`rejected ${minutes} minutes after it arrived`);
      expect(functionOf(template, 'Janitor').Environment.Variables.LATENCY_SECONDS).toBe(String(minutes * 60));
    },
  );

  test('fewer valid records than the throughput of the contract are a ticket; the janitor counts them over its period [meaning 25]', () => {
    const contract = contractOf((d) => (d.slaProperties = [{ property: 'throughput', value: 500, unit: 'rows/w' }]));
    const { template } = build({ contract });
    expect(named(template, 'volume-low')).toMatchObject({
      Namespace: 'AiWorkloads',
      MetricName: 'ValidRowsOfPeriod',
      Dimensions: [{ Name: 'Intake', Value: 'air-dev-flights' }],
      Statistic: 'Minimum',
      Threshold: 500,
      ComparisonOperator: 'LessThanThreshold',
      Period: 900,
      EvaluationPeriods: 1,
      TreatMissingData: 'ignore',
    });
    expect(named(template, 'volume-low').AlarmDescription).toContain('Fewer than 500 valid records of orders came in the last 168 hours.');
    expect(functionOf(template, 'Janitor').Environment.Variables.THROUGHPUT_HOURS).toBe('168');
    const none = build({ contract: contractOf() }).template;
    expect(functionOf(none, 'Janitor').Environment.Variables.THROUGHPUT_HOURS).toBeUndefined();
  });

  test('a contract without limits has no alarms for them; a limit of 0 % is one', () => {
    const without = build({ contract: contractOf() }).template;
    expect(
      alarmsOf(without)
        .map(({ AlarmName }) => AlarmName)
        .sort(),
    ).toEqual(
      [
        'changes-lost',
        'dead-letters',
        'events-lost',
        'files-rejected',
        'files-unaccounted',
        'files-waiting',
        'janitor-failing',
        'operation-failed',
        'validator-crashing',
      ].map((name) => `air-dev-flights-${name}`),
    );
    const zero = contractOf((d) => (d.customProperties = [{ property: 'maxQuarantinePercent', value: 0 }]));
    expect(named(build({ contract: zero }).template, 'quarantine-high').Threshold).toBe(0);
  });

  test('belong to the owner of the data, one of them pages, and each links a section of the runbook that exists', () => {
    const { template } = plain();
    const runbook = readFileSync(`${__dirname}/../../../docs/runbooks/data.md`, 'utf8');
    const composites = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm')).map(({ Properties }) => Properties);
    const all = [...alarmsOf(template), ...composites];
    expect(all).toHaveLength(14);
    expect(composites[0].AlarmDescription).toMatch(/^\[data\/page\] /);
    for (const { AlarmDescription } of all) {
      expect(AlarmDescription).toMatch(/^\[data\/(page|ticket)\] .* First: .*\. Runbook: docs\/runbooks\/data\.md#[a-z-]+$/);
      expect(runbook).toContain(`## ${/#([a-z-]+)$/.exec(AlarmDescription)![1]}\n`);
      expect(AlarmDescription.length).toBeLessThanOrEqual(1024);
    }
  });

  test('reach the topic of that owner: the causes of a page through it', () => {
    const stack = new Stack(app(), 'Test');
    const owner = (team: string) => new Owner({ team, contact: team, page: [AlertDestination.email('a@example.com')] });
    const rest = owner('platform');
    const layers = Object.fromEntries(Object.values(Layer).map((layer) => [layer, rest]));
    const owners = Owners.byLayer({ ...(layers as Loose), data: owner('flight-data') });
    new AlarmBoard(stack, 'Board', { owners, namePrefix: 'air' }).attachTo(stack);
    new DataIntake(stack, 'Flights', { zones: new DataZones(stack, 'Zones'), contract: flights(), intakeName: 'air-dev-flights' });
    const template = Template.fromStack(stack);
    const action = (properties: Loose) => (properties.AlarmActions ?? []).map(flat);
    const [composite] = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm'));
    expect(action(composite.Properties)).toEqual(['<Boardflightdatapage>']);
    const ours = alarmsOf(template).filter(({ AlarmName }) => AlarmName.startsWith('air-dev-flights-'));
    expect(Object.fromEntries(ours.map((alarm) => [alarm.AlarmName.slice('air-dev-flights-'.length), action(alarm)]))).toEqual({
      'dead-letters': [],
      'events-lost': [],
      'files-waiting': [],
      'files-unaccounted': [],
      'validator-crashing': [],
      'files-rejected': ['<Boardflightdataticket>'],
      'quarantine-high': ['<Boardflightdataticket>'],
      'data-late': ['<Boardflightdataticket>'],
      'volume-low': ['<Boardflightdataticket>'],
      'changes-lost': ['<Boardflightdataticket>'],
      'janitor-failing': ['<Boardflightdataticket>'],
      'splitting-failed': ['<Boardflightdataticket>'],
      'operation-failed': ['<Boardflightdataticket>'],
    });
  });
});

describe('personal data [D2, meaning 27]', () => {
  const contract = () => contractOf((d) => void (d.schema[0].properties[1].classification = 'PII'));
  const withZones = (zonesOf: (stack: Stack) => DataZones, given = contract()) =>
    synth((stack) => new DataIntake(stack, 'Orders', { zones: zonesOf(stack), contract: given, intakeName: 'orders' }));
  const tagged = ({ template }: { template: Template }) =>
    Object.entries(template.findResources('AWS::S3::Bucket'))
      .filter(([, { Properties }]) => JSON.stringify(Properties.Tags ?? []).includes('{"Key":"personal-data","Value":"true"}'))
      .map(([id]) => id.replace(/[0-9A-F]{8}$/, ''));
  const warned = ({ stack }: { stack: Stack }) => Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('personal data'));

  test('tags the buckets that hold it, and is a warning where these have no key of their own', () => {
    const result = withZones((stack) => new DataZones(stack, 'Zones'));
    expect(tagged(result)).toEqual(['ZonesRaw', 'ZonesValidated']);
    expect(warned(result).map(({ id, entry }) => [id, entry.data])).toEqual([
      ['/Test/Orders', expect.stringContaining('orders has personal data (amount) and its zones no key of their own')],
    ]);
  });

  test('is no warning with a key, and nothing at all where there is none', () => {
    const keyed = withZones((stack) => new DataZones(stack, 'Zones', { encryptionKey: new Key(stack, 'Key') }));
    expect([tagged(keyed), warned(keyed)]).toEqual([['ZonesRaw', 'ZonesValidated'], []]);
    const none = withZones((stack) => new DataZones(stack, 'Zones'), contractOf());
    expect([tagged(none), warned(none)]).toEqual([[], []]);
  });
});

describe('what an intake refuses', () => {
  const SHAPE = "'intakeName' must be 1 to 80 lower-case letters, digits and hyphens";

  test.each(['', 'Air', '-air', 'a b', 'a_b', 'x'.repeat(81)])("fails on the name '%s'", (intakeName) => {
    expect(() => build({ intakeName })).toThrow(SHAPE);
  });

  test.each(['a', '9-air', 'x'.repeat(80)])("accepts the name '%s', also for queues and alarms", (intakeName) => {
    const { metrics } = accepted({ intakeName });
    const names = [metrics.ageOfOldestMessage(), metrics.deadLetters()].map(({ dimensions }) => dimensions!.QueueName as string);
    expect([names[0], new Set(names).size]).toEqual([intakeName, 2]);
    names.forEach((name) => expect(name.length).toBeLessThanOrEqual(80));
  });

  test('fails on a name that only the deployment knows', () => {
    expect(() => build({ intakeName: Lazy.string({ produce: () => 'x' }) })).toThrow("'intakeName' must be known at synth, got a Token");
  });

  test.each([1, 1001])('fails on %d files at once', (maxConcurrency) => {
    expect(() => build({ maxConcurrency })).toThrow(`'maxConcurrency' must be between 2 and 1000, got ${maxConcurrency}`);
  });

  test.each([2, 1000])('accepts %d files at once', (maxConcurrency) => {
    expect(() => accepted({ maxConcurrency })).not.toThrow();
  });

  test('fails on files at once that are no whole number, and lets one pass that the deployment knows', () => {
    expect(() => build({ maxConcurrency: 2.5 })).toThrow("'maxConcurrency' must be a whole number, got 2.5");
    const late = synth((stack) => {
      const zones = new DataZones(stack, 'Zones');
      return new DataIntake(stack, 'Flights', { zones, contract: flights(), maxConcurrency: token(stack) });
    });
    late.template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: { Ref: 'Number' } } });
  });

  test.each([
    [Size.mebibytes(511), 511],
    [Size.mebibytes(10241), 10241],
  ])('fails on memory out of range: %#', (memory, amount) => {
    expect(() => build({ memory })).toThrow(`'memory (MiB)' must be between 512 and 10240, got ${amount}`);
  });

  test.each([512, 10240])('accepts %d MiB of memory', (amount) => {
    expect(() => accepted({ memory: Size.mebibytes(amount) })).not.toThrow();
  });

  test('fails on memory that is no whole number of mebibytes or that only the deployment knows', () => {
    expect(() => build({ memory: Size.kibibytes(1024 * 600 + 1) })).toThrow(/'memory \(MiB\)' must be a whole number/);
    expect(() =>
      synth((stack) => {
        const zones = new DataZones(stack, 'Zones');
        return new DataIntake(stack, 'Flights', { zones, contract: flights(), memory: Size.mebibytes(token(stack)) });
      }),
    ).toThrow("'memory' must be known at synth, got a Token");
  });

  test('fails on a contract whose owner is no team of the workload [D2]', () => {
    expect(() => build({ knownOwners: ['flight-dta', 'ml'] })).toThrow(
      `InvalidDataIntake: 'contract' ${FLIGHTS} belongs to team 'flight-data', which is not known: did you mean 'flight-dta'? [at Test/Flights]`,
    );
    expect(() => build({ knownOwners: ['ml', 'apps'] })).toThrow("'flight-data', which is not known: known are ml, apps");
    expect(accepted({ knownOwners: ['ml', 'flight-data'] }).contract.owner).toBe('flight-data');
  });

  test('fails on a second intake of a dataset in the same zones', () => {
    const second = (_: DataIntake, stack: Stack) =>
      void new DataIntake(stack, 'Again', { zones: stack.node.findChild('Zones') as DataZones, contract: flights() });
    expect(() => build({}, second)).toThrow(
      "InvalidDataIntake: dataset 'flights' is taken in by Test/Flights already: give the contract another name [at Test/Again]",
    );
  });

  test('takes several datasets into the same zones', () => {
    const second = (_: DataIntake, stack: Stack) =>
      void new DataIntake(stack, 'Orders', { zones: stack.node.findChild('Zones') as DataZones, contract: contractOf() });
    build({}, second).template.resourceCountIs('AWS::DynamoDB::Table', 2);
  });

  test('fails on zones in another Region, whose objects are announced there', () => {
    const root = app();
    const zones = new DataZones(new Stack(root, 'Zones', { env: { region: 'eu-west-1', account: '111122223333' } }), 'Zones');
    const here = new Stack(root, 'Test', { env: { region: 'eu-central-1', account: '111122223333' } });
    expect(() => new DataIntake(here, 'Flights', { zones, contract: flights() })).toThrow(
      "'zones' are in eu-west-1 but the intake in eu-central-1: put both into one Region [at Test/Flights]",
    );
    const there = new Stack(root, 'There', { env: { region: 'eu-west-1', account: '111122223333' } });
    expect(new DataIntake(there, 'Flights', { zones, contract: flights() }).dataset).toBe('flights');
  });
});
