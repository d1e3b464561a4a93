import { ScalingPlan, StepPolicy, TargetTrackingPolicy, variantPlan } from '../../lib/constructs/serving/scaling/policy';
import { Copies } from '../../lib/constructs/serving';
import { LIMITS } from '../../capacity/compare/bars';
import { Provisioning, provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { DEFAULT_SEMANTICS, OTHER_SEMANTICS, Semantics } from '../../capacity/scaling/semantics';
import { classicalModel } from '../../capacity/simulator/service-model';
import { PoissonSource, RateStep } from '../../capacity/traces/generated';
import { deviation, holds } from '../../capacity/validation/check';
import { tracking } from '../../capacity/policies/tracking';
import { outAfterStep, reactionChecks, WAKE_UP } from '../../capacity/validation/reaction';
import { endpointOf } from './support';

const INVOCATIONS = 'SageMakerVariantInvocationsPerInstance';
const CONCURRENCY = 'SageMakerVariantConcurrentRequestsPerModelHighResolution';

interface Setting {
  readonly policies?: ScalingPlan['policies'];
  readonly min?: number;
  readonly max?: number;
  readonly instances?: number;
  readonly provisioning?: Partial<Provisioning>;
  readonly semantics?: Partial<Semantics>;
  readonly until?: number;
}

/** A run of requests of one second on instances with any number of workers. */
function run(steps: readonly RateStep[], seconds: number, setting: Setting = {}) {
  const { policies = [], min = 1, max = 20, instances = 2, provisioning, semantics, until } = setting;
  return runScaled(
    {
      endpoint: endpointOf({ service: classicalModel(500), instances }),
      plan: { min, max, policies, schedules: [] },
      provisioning: provisioningOf(200, { bootSigma: 0, ...provisioning }),
      semantics: { ...DEFAULT_SEMANTICS, ...semantics },
    },
    new PoissonSource(steps, seconds, { draw: () => undefined, prompt: 0, output: 1 }, 1),
    { seed: 1, until },
  );
}

const invocations = (target: number, changes: Partial<TargetTrackingPolicy> = {}) => ({ ...tracking(INVOCATIONS, target), ...changes });

test('published reaction times hold: three minutes of a metric, one of ten seconds, wake-up from zero, one more by hand, the way to zero', () => {
  const checks = reactionChecks();
  expect(checks.length).toBeGreaterThanOrEqual(8);
  expect(checks.filter((check) => !holds(check))).toEqual([]);
  expect(checks.every((check) => deviation(check) >= 0)).toBe(true);
});

test('a guard of six periods of ten seconds asks within 120 s, whenever in the minute the load comes', () => {
  const guard: StepPolicy = {
    kind: 'Step',
    name: 'guard',
    metric: { name: 'ConcurrentRequestsPerModel', statistic: 'Maximum', dimensions: {} },
    threshold: 4,
    periods: 6,
    periodSeconds: 10,
    steps: [{ from: 0, change: 34 }],
    adjustment: 'Percent',
    cooldownSeconds: 60,
  };
  const times = [0, 7, 19, 33, 58].map((phase) => outAfterStep(guard, 0.5, 8, phase));
  expect(times.every((time) => time >= 60 && time <= 120)).toBe(true);
});

test('more for the traffic is asked for 100 s sooner when invocations are published every ten seconds', () => {
  const seconds = (publishedEverySeconds: number) => {
    const [out] = variantPlan({ min: 1, max: 10, measured: { requestsPerSecond: 4 }, dimensions: {}, publishedEverySeconds }).policies;
    return [0, 7, 19, 33, 58].map((phase) => outAfterStep(out, 0.5, 8, phase));
  };
  const [fast, slow] = [seconds(10), seconds(60)];
  expect(fast.map((time, place) => slow[place] - time)).toEqual([100, 100, 100, 100, 100]);
  expect(Math.max(...fast)).toBeLessThanOrEqual(LIMITS.detectionSeconds);
});

test('tracking goes out in proportion in one step, and the fleet settles at load by target', () => {
  // 20 requests a second are 1,200 a minute: 10 instances of 120.
  const { activities } = run(
    [
      [0, 3],
      [600, 20],
    ].map(([at, rate]) => [at, rate] as const),
    3000,
    { policies: [invocations(125)] },
  );
  const out = activities.filter(({ from, to }) => to > from);
  expect(out.length).toBeLessThanOrEqual(2);
  expect(Math.abs(out[out.length - 1].to - 10)).toBeLessThanOrEqual(1);
});

test('an update runs alone: nothing is asked for before the last instance is there', () => {
  const { activities } = run(
    [
      [0, 3],
      [600, 20],
      [800, 60],
    ].map(([at, rate]) => [at, rate] as const),
    3600,
    {
      policies: [invocations(125, { scaleOutCooldownSeconds: 0 })],
      provisioning: { bootSeconds: 600 },
      max: 100,
    },
  );
  expect(activities.length).toBeGreaterThanOrEqual(2);
  activities.slice(1).forEach(({ at }, place) => expect(at).toBeGreaterThanOrEqual(activities[place].doneAt));
});

test('the cool-down of a scale-in begins at its end and holds the next one back', () => {
  const gaps = (seconds: number) => {
    const policies = [invocations(60, { scaleInCooldownSeconds: seconds })];
    const { activities } = run(
      [
        [0, 20],
        [1200, 10],
        [3600, 1],
      ].map(([at, rate]) => [at, rate] as const),
      9000,
      { policies, instances: 20 },
    );
    // A scale-out cancels the cool-down, so only those that follow one another.
    return activities.flatMap(({ at, from, to }, place) => {
      const before = activities[place - 1];
      return to < from && before !== undefined && before.to < before.from ? [at - before.doneAt] : [];
    });
  };
  expect(gaps(1800).every((gap) => gap >= 1800)).toBe(true);
  expect(gaps(1800).length).toBeGreaterThan(0);
  expect(gaps(0).some((gap) => gap < 1800)).toBe(true);
});

test('tracking comes in after fifteen low minutes, and not when it may only go out', () => {
  const policies = [invocations(60)];
  const load = [
    [0, 18],
    [1205, 6],
  ].map(([at, rate]) => [at, rate] as const);
  const first = run(load, 4000, { policies, instances: 19 }).activities.find(({ at, from, to }) => at > 1205 && to < from)!;
  // Fifteen minutes, the first of which has begun, two minutes until the last is visible, the reaction.
  expect(first.at - 1205).toBeGreaterThanOrEqual(15 * 60 + 130 - 60);
  expect(first.at - 1205).toBeLessThanOrEqual(15 * 60 + 130);
  const never = run(load, 4000, { policies: [invocations(60, { scaleOutOnly: true })], instances: 19 });
  expect(never.scaleIns).toBe(0);
});

test('a step scales in although a tracking policy does not want to', () => {
  const step: StepPolicy = {
    kind: 'Step',
    name: 'idle',
    metric: { name: 'InvocationsPerInstance', statistic: 'Sum', dimensions: {} },
    threshold: 30,
    side: 'AtOrBelow',
    periods: 2,
    periodSeconds: 60,
    steps: [{ to: 0, change: 2 }],
    adjustment: 'Exact',
    cooldownSeconds: 0,
  };
  const { activities } = run([[0, 2]], 1800, { policies: [invocations(60), step], instances: 6 });
  expect(activities.map(({ cause, to }) => [cause, to])).toContainEqual(['idle', 2]);
});

test('without requests there is no datapoint and so no scale-in, unless silence is taken for zero', () => {
  const policies = [invocations(60)];
  const quiet = (idleInvocations: Semantics['idleInvocations']) =>
    run(
      [
        [0, 12],
        [1200, 1e-9],
      ].map(([at, rate]) => [at, rate] as const),
      1200,
      { policies, instances: 12, until: 7200, semantics: { idleInvocations } },
    );
  expect(quiet('missing').scaleIns).toBe(0);
  expect(quiet('zero').scaleIns).toBeGreaterThan(0);
});

test('at zero requests fail until the first copy is up, and each of them has its cause', () => {
  const policies = [tracking('SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution', 50), WAKE_UP];
  const { outcome, activities } = run([[0, 1]], 1800, { policies, min: 0, instances: 0 });
  expect(activities[0]).toMatchObject({ cause: 'wake-up', from: 0, to: 1, failed: false });
  expect(outcome.drops.noInstance).toBeGreaterThan(200);
  expect(outcome.completed).toBe(outcome.requests - outcome.drops.noInstance);
});

test('a few requests wake one copy of a component, although failures are still published when it is there', () => {
  const { policies } = Copies.between(0, 4, { concurrency: 50 })._plan('chat')!;
  for (let bootSeconds = 100; bootSeconds < 160; bootSeconds += 7) {
    const { activities } = run([[0, 0.2]], 900, { policies, min: 0, instances: 0, provisioning: { bootSeconds } });
    expect(activities.map(({ cause, to }) => [cause, to])).toEqual([['wake-up', 1]]);
  }
});

test('a fleet outside its limits is moved into them, cool-down or not', () => {
  expect(run([[0, 1]], 600, { min: 3, instances: 1 }).activities[0]).toMatchObject({ cause: 'limits', at: 10, to: 3 });
  expect(run([[0, 1]], 600, { max: 2, instances: 5 }).activities[0]).toMatchObject({ cause: 'limits', at: 10, to: 2 });
});

test('a quota refuses at once, and instances that cannot be placed fail after the boot time; both are tried again', () => {
  const refused = run([[0, 1]], 900, { min: 3, instances: 1, provisioning: { quota: 2 } }).activities;
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.every(({ failed, at, doneAt }) => failed && at === doneAt)).toBe(true);
  const placed = run([[0, 1]], 1200, { min: 3, instances: 1, provisioning: { failureShare: 1 } }).activities;
  expect(placed.slice(0, 2).map(({ failed, at, doneAt }) => [failed, doneAt - at])).toEqual([
    [true, 200],
    [true, 200],
  ]);
});

test('an instance that goes finishes what it has, is billed until then, and copies are billed as long as their instance stays', () => {
  const hours = (releaseSeconds: number) =>
    run([[0, 1]], 600, { max: 1, instances: 2, provisioning: { releaseSeconds } }).instanceHours * 3600;
  expect(hours(600) - hours(0)).toBeCloseTo(600, 6);
  const { outcome } = run([[0, 50]], 600, { max: 1, instances: 4 });
  expect(outcome.completed).toBe(outcome.requests);
});

test('boot times are lognormal with the median and spread that are given', () => {
  const { activities } = run([[0, 1]], 3000, { min: 400, max: 400, instances: 1, provisioning: { bootSigma: 0.15 } });
  // The last of 399 is there after exp(0.15 x 2.8) times the median or more, far from always, and never after twice.
  expect(activities[0].doneAt - 10).toBeGreaterThan(200 * Math.exp(0.15 * 2));
  expect(activities[0].doneAt - 10).toBeLessThan(400);
});

test('undocumented choices are choices: each of them changes what a run does', () => {
  const load = [
    [0, 3],
    [600, 9],
    [1500, 30],
  ].map(([at, rate]) => [at, rate] as const);
  const acts = (metric: TargetTrackingPolicy['metric'], target: number, semantics: Partial<Semantics>) =>
    JSON.stringify(run(load, 5000, { policies: [tracking(metric, target)], semantics, max: 60 }).activities);
  const minute = (semantics: Partial<Semantics>) => acts(INVOCATIONS, 60, semantics);
  const fast = (semantics: Partial<Semantics>) => acts(CONCURRENCY, 2, semantics);
  expect(minute({ minuteRatio: OTHER_SEMANTICS.minuteRatio })).not.toBe(minute({}));
  expect(minute({ publishSeconds: { ...DEFAULT_SEMANTICS.publishSeconds, minute: 180 } })).not.toBe(minute({}));
  expect(minute({ reactionSeconds: 20 })).not.toBe(minute({}));
  expect(fast({ tenSecondRatio: OTHER_SEMANTICS.tenSecondRatio })).not.toBe(fast({}));
  expect(fast({ concurrencyStatistic: 'Average' })).not.toBe(fast({}));
  expect(fast({ concurrencySample: 'peak' })).not.toBe(fast({}));
});

test('equal seeds give equal bytes with scaling, too', () => {
  const bytes = () =>
    JSON.stringify(
      run(
        [
          [0, 3],
          [600, 20],
        ].map(([at, rate]) => [at, rate] as const),
        3000,
        { policies: [invocations(60)], provisioning: { bootSigma: 0.15 } },
      ),
    );
  expect(bytes()).toBe(bytes());
});

test.each([
  [
    'SageMakerVariantProvisionedConcurrencyUtilization' as const,
    "UnsimulatedMetric: 'SageMakerVariantProvisionedConcurrencyUtilization' is of serverless",
  ],
  [
    { name: 'GPUUtilization', statistic: 'Average' as const, dimensions: {} },
    "UnsimulatedMetric: 'GPUUtilization' is not published by the simulator: use one of",
  ],
])('fails on a metric that it does not publish', (metric, message) => {
  expect(() => run([[0, 1]], 10, { policies: [tracking(metric, 1)] })).toThrow(message);
});

test('scheduled limits move the fleet when their time comes, cool-down or not, and let policies go on within them', () => {
  const schedules = [
    { name: 'morning', schedule: 'cron(30 0 * * ? *)', timeZone: 'Etc/UTC', min: 6 },
    { name: 'evening', schedule: 'at(2026-03-01T01:30:00)', timeZone: 'Etc/UTC', min: 1, max: 3 },
  ];
  const { activities } = runScaled(
    {
      endpoint: endpointOf({ service: classicalModel(500), instances: 1 }),
      plan: { min: 1, max: 20, policies: [invocations(60, { scaleOutCooldownSeconds: 3600, scaleInCooldownSeconds: 3600 })], schedules },
      provisioning: provisioningOf(200, { bootSigma: 0 }),
      startsAt: Date.parse('2026-03-01T00:00:00Z'),
    },
    new PoissonSource([[0, 1]], 7200, { draw: () => undefined, prompt: 0, output: 1 }, 1),
    { seed: 1 },
  );
  // Of the night before, the morning's minimum holds from the begin on; nothing happens at half past midnight any more.
  expect(activities[0]).toMatchObject({ cause: 'limits', at: 10, from: 1, to: 6, doneAt: 210 });
  expect(activities.filter(({ cause }) => cause === 'limits').map(({ at, to }) => [at, to])).toEqual([
    [10, 6],
    [5400, 3],
  ]);
});

test('new limits are followed at once, also shortly after a change to the limits before', () => {
  const schedules = [{ name: 'less', schedule: 'at(2026-03-01T00:00:30)', timeZone: 'Etc/UTC', max: 1 }];
  const { activities } = runScaled(
    {
      endpoint: endpointOf({ service: classicalModel(500), instances: 5 }),
      plan: { min: 1, max: 3, policies: [], schedules },
      provisioning: provisioningOf(200, { bootSigma: 0 }),
      startsAt: Date.parse('2026-03-01T00:00:00Z'),
    },
    new PoissonSource([[0, 1]], 120, { draw: () => undefined, prompt: 0, output: 1 }, 1),
    { seed: 1 },
  );
  expect(activities.map(({ at, to }) => [at, to])).toEqual([
    [10, 3],
    [30, 1],
  ]);
});

test('fails on scheduled limits of a run that begins at no known time', () => {
  const schedules = [{ name: 'night', schedule: 'cron(0 22 * * ? *)', timeZone: 'Etc/UTC', max: 1 }];
  const source = new PoissonSource([[0, 1]], 10, { draw: () => undefined, prompt: 0, output: 1 }, 1);
  const plan = { min: 1, max: 2, policies: [], schedules };
  expect(() => runScaled({ endpoint: endpointOf(), plan, provisioning: provisioningOf(1) }, source, { seed: 1 })).toThrow(
    "NoCalendar: 'night' sets limits at a time of the calendar: say when the trace begins (--starts)",
  );
});

test('fails on an alarm that looks in parts of a period, or further back than metrics are kept', () => {
  const step = (periods: number, periodSeconds: number): StepPolicy => ({ ...WAKE_UP, periods, periodSeconds });
  expect(() => run([[0, 1]], 10, { policies: [step(1, 10)] })).toThrow("UnsimulatedPolicy: the alarm of 'wake-up' must look at");
  expect(() => run([[0, 1]], 10, { policies: [step(9000, 60)] })).toThrow('UnsimulatedPolicy');
});

test('a metric of asynchronous endpoints never comes on one that answers at once: its policy is inert', () => {
  const backlog: StepPolicy = { ...WAKE_UP, metric: { name: 'ApproximateBacklogSizePerInstance', statistic: 'Average', dimensions: {} } };
  expect(run([[0, 50]], 3600, { policies: [backlog] }).activities).toEqual([]);
});
