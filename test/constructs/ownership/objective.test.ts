import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { PredictionBooks, PredictionBus } from '../../../lib/constructs/integration';
import { Objective, ObjectiveGuard, ObjectiveMetric, ObjectiveOptions } from '../../../lib/constructs/ownership/objective';
import { ObjectiveTracker, ObjectiveTrackerProps } from '../../../lib/constructs/ownership/objective-tracker';
import { synth } from '../../support/synth';

const guard = ObjectiveGuard.atMost(35, ObjectiveMetric.positiveRate('WarningsPerFlight'));
const objective = (over: Partial<ObjectiveOptions> = {}, percent = 40) =>
  Objective.atLeast(percent, ObjectiveMetric.recall('WarnedLateArrivals'), { over: Duration.days(28), guard, ...over });

describe('Objective [P3]', () => {
  test('is evaluated from 1,000 labels on unless told otherwise', () => {
    expect(objective()).toMatchObject({ percent: 40, minimumLabels: 1000 });
    expect(objective({ minimumLabels: 1 }).minimumLabels).toBe(1);
  });

  test('fails on a recall without guard: always predicting yes would meet it', () => {
    expect(() => objective({ guard: undefined })).toThrow(
      "InvalidObjective: 'guard' is missing: predicting 'yes' for everything would meet 'WarnedLateArrivals'; " +
        'add ObjectiveGuard.atMost(percent, ObjectiveMetric.positiveRate(name))',
    );
    expect(Objective.atLeast(10, ObjectiveMetric.positiveRate('Offers'), { over: Duration.days(1) }).guard).toBeUndefined();
  });

  test.each([0, -1, 100.1, Number.NaN])('fails on a target of %d %%', (percent) => {
    expect(() => objective({}, percent)).toThrow(`'percent' must be above 0 and at most 100, got ${percent}`);
    expect(() => ObjectiveGuard.atMost(percent, ObjectiveMetric.positiveRate('W1'))).toThrow(
      `InvalidObjectiveGuard: 'percent' must be above 0 and at most 100, got ${percent}`,
    );
  });

  test.each([0.1, 100])('accepts a target of %d %%', (percent) => {
    expect(objective({}, percent).percent).toBe(percent);
  });

  test('fails on a Token: people read the numbers in alarms and on the dashboard', () => {
    const token = () => Lazy.number({ produce: () => 40 });
    const unknown = (name: string) => `'${name}' must be known at synth, got a Token: give a plain value`;
    expect(() => objective({}, token())).toThrow(unknown('percent'));
    expect(() => objective({ minimumLabels: token() })).toThrow(unknown('minimumLabels'));
    expect(() => objective({ over: Duration.days(token()) })).toThrow(unknown('over'));
    expect(() => ObjectiveGuard.atMost(token(), ObjectiveMetric.positiveRate('W1'))).toThrow(unknown('percent'));
    expect(() => ObjectiveMetric.recall(Lazy.string({ produce: () => 'x' }))).toThrow(unknown('name'));
  });

  test.each(['ab', 'A9', 'x'.repeat(64)])("accepts the metric name '%s'", (name) => {
    expect(ObjectiveMetric.recall(name).metricName).toBe(name);
  });

  test.each([
    [Duration.hours(23), "'over (days)' must be between 1 and 90"],
    [Duration.days(91), "'over (days)' must be between 1 and 90, got 91"],
    [Duration.hours(36), "'over (days)' must be a whole number, got 1.5"],
  ])('fails on the window %s', (over, message) => {
    expect(() => objective({ over })).toThrow(message);
  });

  test.each([1, 90])('accepts a window of %d days', (days) => {
    expect(objective({ over: Duration.days(days) }).over.toDays()).toBe(days);
  });

  test.each([0, 1.5, 1e9 + 1])('fails on a minimum of %d labels', (minimumLabels) => {
    expect(() => objective({ minimumLabels })).toThrow("'minimumLabels' must be");
  });

  test.each([1, 1e9])('accepts a minimum of %d labels', (minimumLabels) => {
    expect(objective({ minimumLabels }).minimumLabels).toBe(minimumLabels);
  });

  test('fails on a guard that is published under the name of the objective', () => {
    expect(() => objective({ guard: ObjectiveGuard.atMost(35, ObjectiveMetric.positiveRate('WarnedLateArrivals')) })).toThrow(
      "'guard' has the same metric name 'WarnedLateArrivals' as the objective",
    );
  });

  test.each(['', 'a', '9a', 'a b', 'a-b', 'x'.repeat(65), 'ObjectiveLabels'])("fails on the metric name '%s'", (name) => {
    expect(() => ObjectiveMetric.recall(name)).toThrow(/^InvalidObjectiveMetric: 'name' must/);
  });
});

describe('ObjectiveTracker [P3]', () => {
  const build = (over: Partial<ObjectiveTrackerProps> = {}, clock = false) =>
    synth((stack: Stack) => {
      const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
      const clockParameter = clock ? new StringParameter(stack, 'Clock', { stringValue: 'real' }) : undefined;
      const books = new PredictionBooks(stack, 'Books', { bus, apiName: 'flights-dev', clockParameter });
      return new ObjectiveTracker(stack, 'Objective', { objective: objective(), books, workload: 'flights-dev', ...over });
    });

  test('leaves no finding of cdk-nag in a known Region either', () => {
    const { nag } = synth(
      (stack) => {
        const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
        const books = new PredictionBooks(stack, 'Books', { bus, apiName: 'flights-dev' });
        return new ObjectiveTracker(stack, 'Objective', { objective: objective(), books, workload: 'flights-dev' });
      },
      { account: '111122223333', region: 'eu-central-1' },
    );
    expect(nag).toEqual([]);
  });

  test('runs every 15 minutes, reads the tally only, and leaves no finding of cdk-nag', () => {
    const { template, nag } = build();
    expect(nag).toEqual([]);
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(15 minutes)' });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^ObjectiveJob'),
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'] }),
          { Effect: 'Allow', Action: 'dynamodb:Query', Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^BooksTally'), 'Arn'] } },
        ],
      },
    });
  });

  test('tells its job what to compute, and reads the workload clock of the books', () => {
    const { template } = build({ model: 'delay' }, true);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: {
          OBJECTIVE_SPEC:
            '{"workload":"flights-dev","days":28,"minimumLabels":1000,"model":"delay","metrics":[' +
            '{"name":"WarnedLateArrivals","measure":"recall"},{"name":"WarningsPerFlight","measure":"positive-rate"}]}',
          WORKLOAD_CLOCK_PARAMETER: Match.anyValue(),
        },
      },
    });
  });

  test.each([
    ['objective-missed', 'WarnedLateArrivals', 40, 'LessThanThreshold'],
    ['guard-passed', 'WarningsPerFlight', 35, 'GreaterThanThreshold'],
  ])('alarms the owner of the product on %s, never under 1,000 labels', (cause, metric, Threshold, ComparisonOperator) => {
    const Dimensions = [{ Name: 'Workload', Value: 'flights-dev' }];
    build().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `flights-dev-${cause}`,
      AlarmDescription: Match.stringLikeRegexp(`^\\[product/ticket\\] .*docs/runbooks/product.md#${cause}$`),
      Threshold,
      ComparisonOperator,
      TreatMissingData: 'notBreaching',
      Metrics: [
        Match.objectLike({ Expression: 'IF(labels >= 1000, value)', ReturnData: true }),
        Match.objectLike({
          Id: 'labels',
          MetricStat: { Metric: { Namespace: 'AiWorkloads', MetricName: 'ObjectiveLabels', Dimensions }, Stat: 'Minimum', Period: 3600 },
        }),
        Match.objectLike({
          Id: 'value',
          MetricStat: { Metric: { Namespace: 'AiWorkloads', MetricName: metric, Dimensions }, Stat: 'Average', Period: 3600 },
        }),
      ],
    });
  });

  test('tells the owner of observability when the job fails, because silence counts as fine', () => {
    build().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-objective-unknown',
      AlarmDescription: Match.stringLikeRegexp('^\\[observability/ticket\\]'),
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Threshold: 3,
    });
  });

  test('has no guard alarm without guard', () => {
    const plain = Objective.atLeast(10, ObjectiveMetric.positiveRate('Offers'), { over: Duration.days(1) });
    const { built, template } = build({ objective: plain });
    expect([built.guardAlarm, built.metricGuard()]).toEqual([undefined, undefined]);
    expect(JSON.stringify(template.toJSON())).not.toContain('guard-passed');
  });

  test.each([
    ['metricValue', 'WarnedLateArrivals', 'Average'],
    ['metricGuard', 'WarningsPerFlight', 'Average'],
    ['metricLabels', 'ObjectiveLabels', 'Minimum'],
  ] as const)('%s is %s, %s, by workload and without a unit', (method, metricName, statistic) => {
    expect(build().built[method]()).toMatchObject({
      namespace: 'AiWorkloads',
      metricName,
      statistic,
      dimensions: { Workload: 'flights-dev' },
      unit: undefined,
    });
  });

  test.each(['a', '9', 'a'.repeat(60)])("accepts the workload '%s'", (workload) => {
    build({ workload }).template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: `${workload}-objective-missed` });
  });

  test.each(['Flights', '', '-a', 'a'.repeat(61)])("fails on the workload '%s'", (workload) => {
    expect(() => build({ workload })).toThrow("InvalidObjectiveTracker: 'workload' must be 1 to 60");
  });

  test.each(['', 'Delay', 'a--b', 'a'.repeat(41)])("fails on the model '%s', which no route has", (model) => {
    expect(() => build({ model })).toThrow("InvalidObjectiveTracker: 'model' must be 1 to 40 lower-case letters, digits");
  });

  test.each(['a', 'a'.repeat(40)])("accepts the model '%s'", (model) => {
    expect(JSON.stringify(build({ model }).template.toJSON())).toContain(`\\"model\\":\\"${model}\\"`);
  });

  test('fails on a workload that is not known at synth: alarm names are literals', () => {
    expect(() => build({ workload: Lazy.string({ produce: () => 'x' }) })).toThrow("'workload' must be known at synth, got a Token");
  });
});
