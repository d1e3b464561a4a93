import { Duration, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { InferenceImage, ModelSource } from '../../lib/constructs/models';
import { InstanceType, MeasuredCapacity, Scaling } from '../../lib/constructs/serving';
import { ScalingPlan, StepPolicy } from '../../lib/constructs/serving/scaling/policy';
import { MetricBus } from '../../capacity/scaling/metric-bus';
import { DEFAULT_SEMANTICS } from '../../capacity/scaling/semantics';
import { Fleet } from '../../capacity/simulator/fleet';
import { defaultPolicy } from '../../capacity/policies/default-policy';
import { CAPACITY, endpoint, folder } from '../constructs/serving/fixtures';
import { runs } from '../support/property-runs';
import { synth } from '../support/synth';

const capacity = () => MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`);

/** What CloudFormation is told, as a plan again: read from the template, not from the code that wrote it. */
function deployed(template: Template) {
  const of = (type: string) => Object.entries(template.findResources(`AWS::${type}`));
  const [[, { Properties: target }]] = of('ApplicationAutoScaling::ScalableTarget');
  const alarmOf = (policy: string) =>
    of('CloudWatch::Alarm').find(([, { Properties }]) => JSON.stringify(Properties.AlarmActions) === JSON.stringify([{ Ref: policy }]))![1]
      .Properties;
  return {
    min: target.MinCapacity,
    max: target.MaxCapacity,
    policies: of('ApplicationAutoScaling::ScalingPolicy').map(([id, { Properties: policy }]) => {
      const tracking = policy.TargetTrackingScalingPolicyConfiguration;
      const step = policy.StepScalingPolicyConfiguration;
      return tracking !== undefined
        ? {
            metric: tracking.PredefinedMetricSpecification.PredefinedMetricType,
            target: tracking.TargetValue,
            out: tracking.ScaleOutCooldown,
            in: tracking.ScaleInCooldown,
          }
        : stepDeployed(step, alarmOf(id));
    }),
  };
}

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- properties of a template */
const stepDeployed = (step: Record<string, any>, alarm: Record<string, any>) => ({
  metric: alarm.MetricName ?? alarm.Metrics.map(({ Id }: { Id: string }) => Id),
  period: alarm.Period ?? alarm.Metrics[1].MetricStat.Period,
  periods: alarm.EvaluationPeriods,
  threshold: alarm.Threshold,
  above: alarm.ComparisonOperator === 'GreaterThanOrEqualToThreshold',
  aggregation: step.MetricAggregationType,
  adjustment: step.AdjustmentType,
  cooldown: step.Cooldown,
  steps: step.StepAdjustments.map((one: Record<string, number>) => [
    one.MetricIntervalLowerBound,
    one.MetricIntervalUpperBound,
    one.ScalingAdjustment,
  ]),
});

const ADJUSTMENTS = { Change: 'ChangeInCapacity', Percent: 'PercentChangeInCapacity', Exact: 'ExactCapacity' };

/** What the simulator runs, in the same words. */
const simulated = ({ min, max, policies }: ScalingPlan) => ({
  min,
  max,
  policies: policies.map((policy) =>
    policy.kind === 'TargetTracking'
      ? { metric: policy.metric, target: policy.target, out: policy.scaleOutCooldownSeconds, in: policy.scaleInCooldownSeconds }
      : {
          metric: 'name' in policy.metric ? policy.metric.name : ['lacking', 'requests', 'shares'],
          period: policy.periodSeconds,
          periods: policy.periods,
          threshold: policy.threshold,
          above: policy.side !== 'AtOrBelow',
          aggregation: 'Maximum',
          adjustment: ADJUSTMENTS[policy.adjustment ?? 'Change'],
          cooldown: policy.cooldownSeconds,
          steps: policy.steps.map(({ from, to, change }) => [from, to, change]),
        },
  ),
});

test("the simulator's default is what the constructs deploy", () => {
  const { template } = synth((stack) => endpoint(stack, { scaling: Scaling.between(2, 100, { capacity: capacity() }) }));
  const plan = defaultPolicy({ requestsPerSecond: CAPACITY.requestsPerSecondPerInstance }, { min: 2, max: 100 });
  expect(plan.policies.map(({ name }) => name)).toEqual(['traffic-out', 'traffic-in']);
  expect(deployed(template)).toEqual(simulated(plan));
});

test('every way to scale a variant is deployed as the simulator would run it', () => {
  const cooldowns = { scaleOutCooldown: Duration.seconds(30), scaleInCooldown: Duration.seconds(600) };
  for (const scaling of [
    Scaling.between(1, 4, { capacity: capacity(), concurrency: 12 }),
    Scaling.between(1, 4, { concurrency: 7, ...cooldowns }),
    Scaling.between(1, 4, { capacity: capacity(), utilization: 0.75, ...cooldowns }),
  ]) {
    const { template } = synth((stack) => endpoint(stack, { scaling }));
    expect(deployed(template)).toEqual(simulated(scaling._plan('chat', 'AllTraffic')!));
  }
});

test.each([
  [{}, 60],
  [{ enhancedMetrics: true }, 60],
  [{ enhancedMetrics: true, metricFrequency: Duration.seconds(10) }, 10],
])('invocations of an endpoint with %j are simulated as published every %d s', (metrics, seconds) => {
  const plan = jest.spyOn(Scaling.prototype, '_plan');
  synth((stack) => endpoint(stack, { scaling: Scaling.between(1, 4, { capacity: capacity() }), ...metrics }));
  const policies = plan.mock.results.flatMap(({ value }) => value.policies);
  plan.mockRestore();
  expect(policies.map(({ metric }) => metric.publishedEverySeconds)).toEqual([seconds, seconds]);
});

test('the metric math of the traffic is what the simulator computes of a minute', () => {
  const fleet = { instances: 4, requestsPerSecondPerInstance: CAPACITY.requestsPerSecondPerInstance * 1.5 };
  const measured = MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, fleet }) })}/c.json`);
  const windowed = MeasuredCapacity.fromFile(
    `${folder({ 'c.json': JSON.stringify({ ...CAPACITY, fleet, priorityWindowSeconds: 6 }) })}/c.json`,
  );
  // What is missing is so in all that is computed of it.
  const IF = (condition: boolean, then: number, otherwise: number) => (condition || Number.isNaN(then) ? then : otherwise);
  const FILL = (value: number, filler: number) => (Number.isNaN(value) ? filler : value);
  const counted = MeasuredCapacity.fromFile(
    `${folder({ 'c.json': JSON.stringify({ ...CAPACITY, fleet, tokensPerRequest: 1366 }) })}/c.json`,
  );
  const tokenMetric = new Metric({ namespace: 'chat', metricName: 'Tokens' });
  const ways = [
    { capacity: capacity() },
    { capacity: measured },
    { capacity: measured, concurrency: 9 },
    { capacity: windowed },
    { capacity: counted, tokenMetric },
  ];
  const environment = { OPTION_SCHEDULING_POLICY: 'priority' };
  const servesByPriority = (stack: Stack) => ({
    instance: InstanceType.ML_G5_XLARGE,
    model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Weights', 'models'), 'm/model.tar.gz', {
      image: InferenceImage.djlLmi('0.36.0-lmi18.0.0'),
      environment,
    }),
  });
  for (const [way, place] of ways.flatMap((one) => [[one, 0] as const, [one, 1] as const])) {
    const scaling = Scaling.between(1, 100, way);
    const { template } = synth((stack) => endpoint(stack, { scaling, ...(way.capacity === windowed ? servesByPriority(stack) : {}) }));
    const policy = scaling._plan('chat', 'AllTraffic')!.policies[place];
    const [alarm] = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: Match.stringLikeRegexp(`${policy.name}$`) } }),
    );
    const { Expression } = alarm.Properties.Metrics[0];
    // What nobody asked for is filled in for the way in alone: for the way out a minute without a datapoint is none that breaches, as -1 is.
    const [, filled, filler] = /^FILL\((.*), (-1)\)$/.exec(Expression) ?? [undefined, Expression as string, '-1'];
    expect(filled === Expression).toBe(place === 0);
    const body = `return ${filled.replaceAll('CEIL', 'Math.ceil').replaceAll('^', '**')}`;
    const work = alarm.Properties.Metrics.find(({ Id }: { Id: string }) => Id === 'work')?.Expression ?? 'requests';
    const math = new Function('IF', 'FILL', 'requests', 'shares', 'tokens', `const work = ${work}; ${body}`).bind(undefined, IF, FILL);
    // Answers of a minute and their tokens; without answers nobody counted.
    const counts = fc.tuple(fc.constantFrom(0, 1, 7, 4000), fc.integer({ min: 1, max: 100_000_000 }));
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 100 }), counts, (requests, instances, [answers, tokensOfMinute]) => {
        const bus = new MetricBus(DEFAULT_SEMANTICS);
        for (let one = 0; one < requests; one++) {
          bus.invoked(instances);
        }
        bus.tick(60, { serving: 0, answers, tokens: tokensOfMinute, beginPeriod: () => undefined } as unknown as Fleet);
        const { series } = bus.metric((policy as StepPolicy).metric, 60);
        const told = math(requests, requests / instances, answers === 0 ? NaN : tokensOfMinute / answers);
        expect(series.statistic(60, 60, 'Maximum')).toBeCloseTo(Number.isNaN(told) ? +filler : told, 6);
      }),
      { numRuns: runs(100) },
    );
  }
});
