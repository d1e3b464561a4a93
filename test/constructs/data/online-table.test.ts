import { Duration } from 'aws-cdk-lib';
import { EventTime, OnlineTableProps } from '../../../lib';
import { flat, ownOf, statementsOf } from './statements';
import { column, contractOf, orders } from './contracts';
import { build, functionOf, plain, refused, token, shape } from './streams';

describe('OnlineTable [D8]', () => {
  test('forgets by time to live, is encrypted and recoverable, and stays when the stack goes', () => {
    plain().template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: {
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      },
    });
  });

  test('tells its function what to keep', () => {
    const { template, built } = build({
      online: { columns: ['dep_delay'], keepFor: Duration.hours(1), maxEventTimeAhead: Duration.days(2) },
    });
    const spec = JSON.parse(functionOf(template, 'OnlineConsumer').Environment.Variables.ONLINE_SPEC);
    expect(spec).toEqual({
      entity: ['origin'],
      eventTime: 'time_hour',
      plusMinutes: ['minute', 'dep_delay'],
      columns: ['dep_delay'],
      keepSeconds: 3600,
      aheadSeconds: 172_800,
    });
    expect(built.table.entity).toEqual(['origin']);
  });

  test('keeps all columns by primary key for 30 days unless told otherwise', () => {
    const { template, built } = build({ online: { entity: undefined } });
    const spec = JSON.parse(functionOf(template, 'OnlineConsumer').Environment.Variables.ONLINE_SPEC);
    expect(built.table.entity).toEqual(['year', 'month', 'day', 'carrier', 'flight', 'origin']);
    expect([spec.columns.length, spec.keepSeconds, spec.aheadSeconds]).toEqual([19, 2_592_000, 3600]);
  });

  test('writes its own table only, and lets readers read by key', () => {
    const { template } = build({}, ({ table, role }) => table.grantRead(role));
    const own = ownOf(statementsOf(template, 'OnlineConsumer')).filter(({ actions }) => !/^(kinesis:|sqs:|s3:)/.test(actions[0]));
    expect(own).toEqual([{ actions: ['dynamodb:PutItem'], resources: ['<OnlineTable>'] }]);
    expect(statementsOf(template, 'Role')).toEqual([
      { actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'], resources: ['<OnlineTable>'] },
    ]);
    expect(flat(functionOf(template, 'OnlineConsumer').Environment.Variables.ONLINE_TABLE)).toBe('<OnlineTable>');
  });

  test.each([
    ['metricRecordsOnline', 'RecordsOnline', 'Sum'],
    ['metricRecordsNotOnline', 'RecordsNotOnline', 'Sum'],
    ['metricMillisecondsToOnline', 'MillisecondsToOnline', 'Maximum'],
  ] as const)('has %s', (method, metricName, statistic) => {
    expect(shape(plain().built.table[method]())).toEqual({
      namespace: 'AiWorkloads',
      metricName,
      dimensions: { Intake: 'air-dev-flights' },
      statistic,
    });
  });

  test('names every problem at once', () => {
    const online = {
      entity: ['orign'],
      eventTime: EventTime.column('origin').plusMinutes('dest'),
      columns: ['nothing'],
      keepFor: Duration.minutes(30),
      onlineName: 'A',
    };
    expect(
      refused({ online })
        .replace(/^InvalidOnlineTable: | \[at .*$/g, '')
        .split('; '),
    ).toEqual([
      "'onlineName' must be 1 to 100 lower-case letters, digits and hyphens, starting with a letter or digit, got 'A'",
      "'entity' names 'orign', which the contract does not have: did you mean 'origin'?",
      "'eventTime' needs a column of type timestamp or date, but 'origin' is a string",
      "'eventTime.plusMinutes' needs a column of type integer or number, but 'dest' is a string",
      "'columns' names 'nothing', which the contract does not have: see its columns",
      "'keepFor (hours)' must be between 1 and 8760, got 0.5",
      "'keepFor (hours)' must be a whole number, got 0.5",
    ]);
  });

  test.each<[string, Partial<OnlineTableProps>, string]>([
    ['an hour', { keepFor: Duration.hours(1) }, ''],
    ['a year', { keepFor: Duration.days(365) }, ''],
    ['more than a year', { keepFor: Duration.days(366) }, "'keepFor (hours)' must be between 1 and 8760, got 8784"],
    ['a time known at deployment', { keepFor: token() }, "'keepFor' must be known at synth"],
    ['any time, when no event is ahead', { maxEventTimeAhead: Duration.seconds(0) }, ''],
    ['any time, when an event is a year ahead', { maxEventTimeAhead: Duration.days(365) }, ''],
    [
      'none, when an event is more than that ahead',
      { maxEventTimeAhead: Duration.days(366) },
      "'maxEventTimeAhead (seconds)' must be between 0 and 31536000",
    ],
    [
      'none, when it is ahead by a fraction',
      { maxEventTimeAhead: Duration.millis(1500) },
      "'maxEventTimeAhead (seconds)' must be a whole number, got 1.5",
    ],
    ['none, when that is known at deployment', { maxEventTimeAhead: token() }, "'maxEventTimeAhead' must be known at synth"],
  ])('keeps entities for %s or says why not', (_, online, message) => {
    expect(refused({ online })).toContain(message);
    expect(refused({ online }) === '').toBe(message === '');
  });

  test('fails without entity where the contract has no primary key', () => {
    const document = orders();
    document.schema[0].properties = [column('id', 'string'), column('at', 'timestamp')];
    const contract = contractOf(() => undefined, document);
    expect(refused({ contract, online: { entity: undefined, eventTime: EventTime.column('at') } })).toContain(
      "'entity' is empty and the contract has no primary key",
    );
  });
});
