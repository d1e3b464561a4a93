import { readFileSync } from 'node:fs';
import { Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AlarmBoard, AlertDestination, DataIntake, DataZones, Layer, Owner, Owners } from '../../../lib';
import { DATA_METRIC } from '../../../lib/constructs/data/contract';
import { app } from '../../support/synth';
import { contractOf, Loose } from './contracts';
import { build, flights, functionOf, plain } from './intakes';
import { flat } from './statements';

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
