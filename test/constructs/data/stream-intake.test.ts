import { CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { StreamIntakeProps } from '../../../lib';
import { app, synth } from '../../support/synth';
import { flightsWith, Loose } from './contracts';
import { ownOf, statementsOf } from './statements';
import { build, functionOf, Given, make, plain, refused, token, shape } from './streams';

describe('StreamIntake [D8]', () => {
  test('has no nag finding that nobody answered for, with and without a key', () => {
    expect(plain().nag).toEqual([]);
    expect(build({ key: true }).nag).toEqual([]);
  });

  test('has an encrypted stream on demand that keeps records for a week, and stays when the stack goes', () => {
    plain().template.hasResource('AWS::Kinesis::Stream', {
      DeletionPolicy: 'Retain',
      Properties: {
        Name: 'air-dev-flights',
        RetentionPeriodHours: 168,
        ShardCount: Match.absent(),
        StreamModeDetails: { StreamMode: 'ON_DEMAND' },
        StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
      },
    });
  });

  test('has the shards that it is given, which excludes the mode on demand [row 199]', () => {
    const { template } = build({
      key: true,
      stream: { shardCount: 3, retention: Duration.hours(24), streamName: 's', removalPolicy: RemovalPolicy.DESTROY },
    });
    template.hasResource('AWS::Kinesis::Stream', {
      DeletionPolicy: 'Delete',
      Properties: {
        Name: 's',
        RetentionPeriodHours: 24,
        ShardCount: 3,
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
        StreamEncryption: { EncryptionType: 'KMS', KeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] } },
      },
    });
  });

  test.each([
    ['StreamLanding', 60, 10_000],
    ['Online', 0, 1000],
  ])(
    'reads it by %s from the first record on, in order, and gives up nothing that the stream still has [row 198]',
    (start, window, batch) => {
      plain().template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Stream'), 'Arn'] },
        FunctionName: { Ref: Match.stringLikeRegexp(`^${start}Consumer`) },
        StartingPosition: 'TRIM_HORIZON',
        BatchSize: batch,
        MaximumBatchingWindowInSeconds: window,
        ParallelizationFactor: 1,
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: Match.absent(),
        MaximumRecordAgeInSeconds: Match.absent(),
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp(`^${start}Lost`), 'Arn'] } } },
      });
    },
  );

  test('lands below the stream folder of its dataset and moves checkpoints of its ledger, nothing else', () => {
    const { template } = plain();
    const own = ownOf(statementsOf(template, 'StreamLandingConsumer')).filter(({ actions }) => !/^(kinesis:|sqs:)/.test(actions[0]));
    const objects = '<ZonesRaw>/flights/stream/air-dev-flights/*';
    expect(own.map(({ actions, resources }) => [actions, resources])).toEqual([
      [['s3:GetObject'], [expect.stringMatching(/cdk-.*-assets-.*\/[0-9a-f]{64}\.json$/)]],
      [['dynamodb:GetItem', 'dynamodb:UpdateItem'], ['<FlightsLedger>']],
      [['s3:PutObject', 's3:AbortMultipartUpload'], [objects]],
      [['s3:GetObject', 's3:GetObjectVersion'], [objects]],
    ]);
    expect(functionOf(template, 'StreamLandingConsumer').Environment.Variables).toMatchObject({
      INTAKE_NAME: 'air-dev-flights',
      RAW_BUCKET: { Ref: expect.stringMatching(/^ZonesRaw/) },
      LEDGER_TABLE: { Ref: expect.stringMatching(/^FlightsLedger/) },
    });
  });

  test('lets senders put records, with the key of the stream, and nothing else', () => {
    const { template } = build({ key: true }, ({ source, role }) => source.grantPut(role));
    expect(statementsOf(template, 'Role').map(({ actions, resources }) => [actions, resources])).toEqual([
      [['kinesis:PutRecord', 'kinesis:PutRecords'], ['<Stream>']],
      [['kms:GenerateDataKey'], ['<Key>']],
    ]);
  });

  test.each([
    ['landed', 'metricRecordsLanded', 'AiWorkloads', 'RecordsLanded', { Intake: 'air-dev-flights' }, 'Sum'],
    ['throttled', 'metricThrottledRecords', 'AWS/Kinesis', 'WriteProvisionedThroughputExceeded', { StreamName: 'air-dev-flights' }, 'Sum'],
  ] as const)('has a metric of records %s', (_, method, namespace, metricName, dimensions, statistic) => {
    expect(shape(plain().built.source[method]())).toEqual({ namespace, metricName, dimensions, statistic });
  });

  test('pages through one alarm when records wait, the function fails or is throttled, or records are given up', () => {
    const { template } = plain();
    const alarm = (AlarmName: string, rest: object) => template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName, ...rest });
    for (const [name, minutes] of [
      ['air-dev-flights-landing', 21],
      ['air-dev-online', 20],
    ] as const) {
      alarm(`${name}-behind`, {
        MetricName: 'IteratorAge',
        Namespace: 'AWS/Lambda',
        Threshold: minutes * 60_000,
        ComparisonOperator: 'GreaterThanThreshold',
      });
      alarm(`${name}-failing`, { MetricName: 'Errors', Threshold: 3, Period: 900 });
      alarm(`${name}-throttled`, { MetricName: 'Throttles', Threshold: 3 });
      alarm(`${name}-records-lost`, { MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1 });
      template.hasResourceProperties('AWS::CloudWatch::CompositeAlarm', { AlarmName: `${name}-stuck` });
    }
    alarm('air-dev-flights-senders-throttled', {
      MetricName: 'WriteProvisionedThroughputExceeded',
      DatapointsToAlarm: 2,
      EvaluationPeriods: 3,
    });
  });

  test("takes the contract's limits: latency for waiting records, share in quarantine for the records of an hour", () => {
    const contract = flightsWith((d) => {
      d.slaProperties = [{ property: 'latency', value: 2, unit: 'minutes' }];
      d.customProperties = [
        ...(d.customProperties ?? []).filter((p: Loose) => p.property !== 'maxQuarantinePercent'),
        { property: 'maxQuarantinePercent', value: 5 },
      ];
    });
    const { template } = build({ contract });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'air-dev-online-behind', Threshold: 120_000 });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'air-dev-flights-records-quarantined',
      Threshold: 5,
      ComparisonOperator: 'GreaterThanThreshold',
      Metrics: Match.arrayWith([Match.objectLike({ Expression: 'IF(read >= 100, 100 * quarantined / read)' })]),
    });
  });

  test('takes its own limit before that of the contract, and five minutes where there is none', () => {
    const silent = flightsWith((d) => (d.slaProperties = []));
    const limit = (given: Given) => make(new Stack(app(), 'Test'), given).source.maximumDelay.toMinutes();
    expect([limit({}), limit({ stream: { maximumDelay: Duration.minutes(3) } }), limit({ contract: silent })]).toEqual([20, 3, 5]);
  });

  test.each<[string, Partial<StreamIntakeProps>, RegExp]>([
    ['a name with capitals', { streamName: 'Stream' }, /'streamName' must be 1 to 100 lower-case/],
    ['a name of 101 characters', { streamName: 'a'.repeat(101) }, /'streamName'/],
    ['no shard', { shardCount: 0 }, /'shardCount' must be between 1 and 500, got 0/],
    ['501 shards', { shardCount: 501 }, /'shardCount'/],
    ['half a shard', { shardCount: 1.5 }, /'shardCount' must be a whole number/],
    ['a retention of 23 hours', { retention: Duration.hours(23) }, /'retention \(hours\)' must be between 24 and 8760, got 23/],
    ['a retention of 366 days', { retention: Duration.days(366) }, /'retention \(hours\)'/],
    ['a retention of minutes', { retention: Duration.minutes(1450) }, /'retention \(hours\)' must be a whole number/],
    ['a retention known at deployment', { retention: token() }, /'retention' must be known at synth/],
    ['a window of 301 seconds', { landingWindow: Duration.seconds(301) }, /'landingWindow \(seconds\)' must be between 0 and 300/],
    ['a window known at deployment', { landingWindow: token() }, /'landingWindow' must be known at synth/],
    ['a delay of 59 seconds', { maximumDelay: Duration.seconds(59) }, /'maximumDelay \(seconds\)' must be between 60 and 86400/],
    ['a delay above a day', { maximumDelay: Duration.seconds(86_401) }, /'maximumDelay \(seconds\)'/],
    ['a delay known at deployment', { maximumDelay: token() }, /'maximumDelay' must be known at synth/],
  ])('fails on %s', (_, stream, message) => {
    expect(refused({ stream })).toMatch(message);
  });

  test('fails on a contract with rules about a whole file: a batch is none [meaning 11]', () => {
    const contract = flightsWith((d) => (d.schema[0].quality = [{ type: 'library', metric: 'rowCount', mustBeGreaterThan: 10 }]));
    expect(refused({ contract })).toMatch(
      /InvalidStreamIntake: 'intake' has the contract .*, of which schema\[0\]\.quality\[0\] judges a file as a whole/,
    );
  });

  test('takes both ends of each range, and a count of shards that is known at deployment', () => {
    const low = {
      streamName: 'a',
      shardCount: 1,
      retention: Duration.hours(24),
      landingWindow: Duration.seconds(0),
      maximumDelay: Duration.seconds(60),
    };
    const high = {
      streamName: 'a'.repeat(100),
      shardCount: 500,
      retention: Duration.days(365),
      landingWindow: Duration.minutes(5),
      maximumDelay: Duration.days(1),
    };
    [low, high].forEach((stream) => expect(refused({ stream })).toBe(''));
    const { template } = synth((stack) =>
      make(stack, { stream: { shardCount: new CfnParameter(stack, 'Shards', { type: 'Number' }).valueAsNumber } }),
    );
    template.hasResourceProperties('AWS::Kinesis::Stream', { ShardCount: { Ref: 'Shards' } });
  });
});
