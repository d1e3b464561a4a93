import { Duration, Lazy, TimeZone } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import fc from 'fast-check';
import { BacklogScaleIn, BacklogScaling, BacklogScalingProps, MeasuredCapacity, ScalingSchedule } from '../../../lib/constructs/serving';
import { backlogPerInstance } from '../../../lib/constructs/serving/scaling/backlog-policy';
import { CAPACITY, folder } from './fixtures';

const capacity = (rate = 40) =>
  MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, requestsPerSecondPerInstance: rate }) })}/c.json`);
const within = Duration.minutes(10);
const token = Lazy.number({ produce: () => 3 });
const between = (min: number, max: number, props: BacklogScalingProps = { backlogPerInstance: 5 }) =>
  BacklogScaling.between(min, max, props);
const problems = (scaling: BacklogScaling, promise = within) => scaling._problems(promise);
const plan = (scaling: BacklogScaling, promise = within) => scaling._plan('reports', promise)!;

describe('BacklogScaling [A1, A2]', () => {
  test('fixed needs nothing else and scales nothing', () => {
    const fixed = BacklogScaling.fixed(2);
    expect([fixed.minInstances, fixed.maxInstances, fixed.isAutomatic, fixed.capacity]).toEqual([2, 2, false, undefined]);
    expect(fixed._plan('reports', within)).toBeUndefined();
    expect([1, 1000].flatMap((count) => problems(BacklogScaling.fixed(count)))).toEqual([]);
    expect(problems(BacklogScaling.fixed(token))).toEqual([]);
  });

  test.each([0, 1001])('fails on a fixed number of %d [row 101]', (count) => {
    expect(problems(BacklogScaling.fixed(count))).toEqual([`'scaling' must be between 1 and 1000, got ${count}`]);
  });

  test.each([
    [0, 1, []],
    [0, 1000, []],
    [2, 2, []],
    [0, 0, ["'scaling.max' must be between 1 and 1000, got 0"]],
    [-1, 1, ["'scaling.min' must be between 0 and 1000, got -1"]],
    [1, 1001, ["'scaling.max' must be between 1 and 1000, got 1001"]],
    [0.5, 1.5, ["'scaling.min' must be a whole number, got 0.5", "'scaling.max' must be a whole number, got 1.5"]],
    [3, 2, ["'scaling' has a maximum of 2 below its minimum of 3: swap them"]],
    [0, token, []],
    [token, 4, ["'scaling.min' must be known at synth, got a Token: give a plain value"]],
  ])('checks from %d to %d [row 101]', (min, max, expected) => {
    expect(problems(between(min, max))).toEqual(expected);
  });

  test('fails without a target and says where one comes from', () => {
    expect(problems(between(0, 4, {}))).toEqual([
      "'scaling' from 0 to 4 has no target: measure one instance and pass the file with MeasuredCapacity.fromFile() " +
        "(docs/capacity-file.md says how), or give 'backlogPerInstance'",
    ]);
  });

  test('fails on two targets, or on a utilization of none', () => {
    expect(problems(between(0, 4, { capacity: capacity(), backlogPerInstance: 5 }))).toEqual([
      "'scaling.capacity' decides nothing beside 'scaling.backlogPerInstance': leave one out",
    ]);
    expect(problems(between(0, 4, { utilization: 0.5, backlogPerInstance: 5 }))).toEqual([
      "'scaling.utilization' decides nothing beside 'scaling.backlogPerInstance': leave one out",
    ]);
  });

  test.each([
    [{ backlogPerInstance: 0.9 }, ["'scaling.backlogPerInstance' must be between 1 and 1000000, got 0.9"]],
    [{ backlogPerInstance: 1_000_001 }, ["'scaling.backlogPerInstance' must be between 1 and 1000000, got 1000001"]],
    [{ backlogPerInstance: token }, ["'scaling.backlogPerInstance' must be known at synth, got a Token: give a plain value"]],
    [{ backlogPerInstance: 1 }, []],
    [{ backlogPerInstance: 1_000_000 }, []],
    [
      { backlogPerInstance: 5, longestInvocation: Duration.seconds(59) },
      ["'scaling.longestInvocation, in seconds,' must be between 60 and 3600, got 59"],
    ],
    [
      { backlogPerInstance: 5, longestInvocation: Duration.seconds(3601) },
      ["'scaling.longestInvocation, in seconds,' must be between 60 and 3600, got 3601"],
    ],
    [{ backlogPerInstance: 5, longestInvocation: Duration.seconds(60) }, []],
    [{ backlogPerInstance: 5, longestInvocation: Duration.hours(1) }, []],
    [
      { backlogPerInstance: 5, longestInvocation: Duration.seconds(token) },
      ["'scaling.longestInvocation' must be known at synth, got a Token: give a plain value"],
    ],
    [
      { backlogPerInstance: 5, scaleInCooldown: Duration.seconds(3601) },
      ["'scaling.scaleInCooldown, in seconds,' must be between 0 and 3600, got 3601"],
    ],
    [
      { backlogPerInstance: 5, scaleOutCooldown: Duration.millis(1) },
      ["'scaling.scaleOutCooldown, in seconds,' must be a whole number, got 0.001"],
    ],
    [{ backlogPerInstance: 5, scaleOutCooldown: Duration.seconds(0), scaleInCooldown: Duration.hours(1) }, []],
  ])('checks how it scales %#', (props, expected) => {
    expect(problems(between(0, 4, props))).toEqual(expected);
  });

  test.each([
    [0.09, ["'scaling.utilization' must be between 0.1 and 0.95, got 0.09"]],
    [0.1, []],
    [0.95, []],
    [0.96, ["'scaling.utilization' must be between 0.1 and 0.95, got 0.96"]],
    [token, ["'scaling.utilization' must be known at synth, got a Token: give a plain value"]],
  ])('checks a utilization of %d', (utilization, expected) => {
    expect(problems(between(0, 4, { capacity: capacity(), utilization }))).toEqual(expected);
  });

  test('holds what an instance works off in 0.60 of the promised time [A2, A5]', () => {
    expect(plan(between(1, 4, { capacity: capacity(0.05) })).policies[0]).toMatchObject({ kind: 'TargetTracking', target: 18 });
    expect(plan(between(1, 4, { capacity: capacity(0.05), utilization: 0.9 }), Duration.minutes(20)).policies[0]).toMatchObject({
      target: 54,
    });
    expect(plan(between(1, 4, { backlogPerInstance: 2.5 })).policies[0]).toMatchObject({
      target: 2.5,
      scaleOutCooldownSeconds: 60,
      scaleInCooldownSeconds: 300,
    });
  });

  test('fails on a promise in which an instance does not work off one invocation', () => {
    expect(problems(between(0, 4, { capacity: capacity(0.001) }))).toEqual([
      "'scaling' would hold 0.36 invocations per instance, less than the one that runs: promise more than 600 s in slo.within, or use a faster instance",
    ]);
    expect(problems(between(0, 4, { capacity: capacity(1 / 360) }))).toEqual([]);
  });

  test('the target is the same share of any rate and promise, and grows with both', () => {
    const rate = fc.double({ min: 0.001, max: 100_000, noNaN: true });
    const seconds = fc.integer({ min: 60, max: 3600 });
    const share = fc.double({ min: 0.1, max: 0.95, noNaN: true });
    fc.assert(
      fc.property(rate, rate, seconds, share, (a, b, promise, utilization) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) => backlogPerInstance(value, promise, utilization));
        expect(low).toBeGreaterThan(0);
        expect(low).toBeLessThanOrEqual(high);
        expect(Math.abs(backlogPerInstance(a, promise, utilization) / (a * promise * utilization) - 1)).toBeLessThan(1e-5);
        expect(backlogPerInstance(a, promise, utilization)).toBeLessThanOrEqual(backlogPerInstance(a, promise + 60, utilization) * 1.00001);
      }),
    );
  });

  test('by default only scales out on the backlog; the other way leaves both to target tracking [A4]', () => {
    const kinds = (scaleIn?: BacklogScaleIn, min = 0) =>
      plan(between(min, 4, { backlogPerInstance: 5, scaleIn })).policies.map((policy) => [
        policy.name,
        policy.kind === 'TargetTracking' ? policy.scaleOutOnly : policy.adjustment,
      ]);
    expect(kinds()).toEqual([
      ['backlog', true],
      ['wake-up', undefined],
      ['idle', 'Exact'],
    ]);
    expect(kinds(BacklogScaleIn.WHEN_IDLE, 1)).toEqual([
      ['backlog', true],
      ['idle', 'Exact'],
    ]);
    expect(kinds(BacklogScaleIn.WITH_BACKLOG)).toEqual([
      ['backlog', false],
      ['wake-up', undefined],
    ]);
  });

  test('an empty backlog lasts longer than any invocation that it may hide, before instances go', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 3600 }), (seconds) => {
        const { policies } = plan(between(0, 4, { backlogPerInstance: 5, longestInvocation: Duration.seconds(seconds) }));
        const idle = policies.find(({ name }) => name === 'idle')!;
        expect(idle.kind === 'Step' && idle.periods * idle.periodSeconds).toBeGreaterThan(seconds);
      }),
    );
  });

  test('every policy reads a metric of the queue by the name of the endpoint alone [row 106]', () => {
    for (const { metric } of plan(between(0, 4)).policies) {
      expect(metric).toMatchObject({ dimensions: { EndpointName: 'reports' } });
      expect(Object.keys((metric as { dimensions: object }).dimensions)).toHaveLength(1);
    }
  });
});

describe('ScalingSchedule [A4]', () => {
  const schedule = Schedule.cron({ hour: '7', minute: '0' });
  const of = (min: number, ...schedules: ScalingSchedule[]) => problems(between(min, 4, { backlogPerInstance: 5, schedules }));

  test('is read in UTC unless a time zone is given', () => {
    const limits = (timeZone?: TimeZone) => ScalingSchedule.at({ name: 'day', schedule, timeZone, min: 1, max: 3 })._limits;
    expect(limits()).toEqual({ name: 'day', schedule: 'cron(0 7 * * ? *)', timeZone: 'Etc/UTC', min: 1, max: 3 });
    expect(limits(TimeZone.ASIA_TOKYO).timeZone).toBe('Asia/Tokyo');
    expect(
      plan(between(0, 4, { backlogPerInstance: 5, schedules: [ScalingSchedule.at({ name: 'day', schedule, min: 1 })] })).schedules,
    ).toHaveLength(1);
  });

  test.each([
    [{ name: 'day', min: 0 }, 0, []],
    [{ name: 'day', min: 0 }, 1, ["'scaling.schedules[0].min' must be between 1 and 1000, got 0"]],
    [{ name: 'day', min: 1000, max: 1000 }, 0, []],
    [{ name: 'day', min: 1001 }, 0, ["'scaling.schedules[0].min' must be between 0 and 1000, got 1001"]],
    [{ name: 'day', max: 0 }, 0, ["'scaling.schedules[0].max' must be between 1 and 1000, got 0"]],
    [{ name: 'day', min: 2.5 }, 0, ["'scaling.schedules[0].min' must be a whole number, got 2.5"]],
    [{ name: 'day', min: 3, max: 2 }, 0, ["'scaling.schedules[0]' has a maximum of 2 below its minimum of 3: swap them"]],
    [{ name: 'day' }, 0, ["'scaling.schedules[0]' changes nothing: give 'min', 'max' or both"]],
    [{ name: 'a b', min: 1 }, 0, ["'scaling.schedules[0].name' must be 1 to 64 letters, digits and hyphens, got 'a b'"]],
    [{ name: 'day', min: token, max: token }, 0, []],
    [{ name: 'day', min: 4 }, 0, []],
    [{ name: 'day', min: 5 }, 0, ["'scaling.schedules[0].min' of 5 is above every maximum, 4 at most: give its 'max' too"]],
    [{ name: 'day', max: 2 }, 2, []],
    [{ name: 'day', max: 1 }, 2, ["'scaling.schedules[0].max' of 1 is below every minimum, 2 at least: give its 'min' too"]],
  ])('checks its limits %#', (props, min, expected) => {
    expect(of(min, ScalingSchedule.at({ ...props, schedule }))).toEqual(expected);
  });

  test('takes a limit beyond the usual ones where another schedule moves the other first', () => {
    const at = (name: string, min?: number, max?: number) => ScalingSchedule.at({ name, schedule, min, max });
    expect(of(0, at('room', undefined, 8), at('peak', 6))).toEqual([]);
    expect(of(2, at('low', 1), at('night', undefined, 1))).toEqual([]);
    expect(of(0, at('room', undefined, token), at('peak', 6))).toEqual([]);
  });

  test('fails on two of one name', () => {
    const one = ScalingSchedule.at({ name: 'day', schedule, min: 1 });
    expect(of(0, one, one)).toEqual(["'scaling.schedules' has 'day' more than once: give each a name of its own"]);
  });
});
