import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { AccountPrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DataIntake, DataZones, ValidatedFormat } from '../../../lib';
import { INTAKE_SECONDS, VALIDATED_FORMAT } from '../../../lib/constructs/data/data-intake/contract';
import { synth } from '../../support/synth';
import { contractOf, Loose } from './contracts';
import { build, flights, functionOf, Given, plain, roleIn } from './intakes';
import { flat, ownOf, statementsOf } from './statements';

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
