import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020';
import { Duration, Lazy, TimeZone, Token } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import fc from 'fast-check';
import { MeasuredCapacity, Scaling, ScalingProps, ScalingSchedule } from '../../../lib/constructs/serving';
import { lackingInstances, StepPolicy } from '../../../lib/constructs/serving/scaling/policy';
import { neededInstances, staffing } from '../../../lib/constructs/serving/scaling/staffing';
import { stepOf } from '../../../capacity/scaling/decision';
import { CAPACITY, folder } from './fixtures';

const write = (content: unknown) => join(folder({ 'capacity.json': JSON.stringify(content) }), 'capacity.json');
const capacity = (more = {}) => MeasuredCapacity.fromFile(write({ ...CAPACITY, ...more }));
const token = Token.asNumber(Lazy.any({ produce: () => 3 }));

describe('Scaling [A1, A2]', () => {
  test('fixed needs nothing else', () => {
    const fixed = Scaling.fixed(2);
    expect([fixed.minInstances, fixed.maxInstances, fixed.isAutomatic, fixed._plan('chat', 'AllTraffic')]).toEqual([
      2,
      2,
      false,
      undefined,
    ]);
    expect(fixed._problems()).toEqual([]);
    expect([...Scaling.fixed(1)._problems(), ...Scaling.fixed(1000)._problems()]).toEqual([]);
  });

  test.each([
    [Scaling.fixed(0), "'scaling' must be at least 1, got 0: a real-time endpoint cannot scale to zero"],
    [Scaling.fixed(1.5), "'scaling' must be a whole number, got 1.5"],
    [Scaling.fixed(1001), "'scaling' must be between 1 and 1000, got 1001"],
  ])('fails on a fixed number out of range %#', (scaling, message) => {
    expect(scaling._problems()).toEqual([message]);
  });

  test.each([
    [0, 2, ["'scaling.min' must be at least 1, got 0: a real-time endpoint cannot scale to zero"]],
    [3, 2, ["'scaling' has a maximum of 2 below its minimum of 3: swap them"]],
    [2, 2, []],
    [1.5, 2.5, ["'scaling.min' must be a whole number, got 1.5", "'scaling.max' must be a whole number, got 2.5"]],
    [1, 1000, []],
    [1, 1001, ["'scaling.max' must be between 1 and 1000, got 1001"]],
  ])('checks from %d to %d [row 101]', (min, max, problems) => {
    expect(Scaling.between(min, max, { capacity: capacity() })._problems()).toEqual(problems);
  });

  test('passes Tokens', () => {
    expect(Scaling.fixed(token)._problems()).toEqual([]);
    expect(Scaling.between(token, 1, { capacity: capacity() })._problems()).toEqual([]);
  });

  test('fails without a measurement and says how to get one', () => {
    expect(Scaling.between(1, 4)._problems()).toEqual([
      "'scaling' from 1 to 4 has no measured capacity: start with Scaling.fixed(1), measure one instance with `npm run measure`, then pass the file with MeasuredCapacity.fromFile() (docs/capacity-file.md says how)",
    ]);
  });

  test.each([0.1, 0.95])('takes a utilization of %d', (utilization) => {
    expect(Scaling.between(1, 2, { capacity: capacity(), utilization })._problems()).toEqual([]);
  });

  test('fails on a utilization that is a Token: the target is computed from it', () => {
    expect(Scaling.between(1, 2, { capacity: capacity(), utilization: token })._problems()).toEqual([
      "'scaling.utilization' must be known at synth, got a Token: give a plain value",
    ]);
  });

  test.each([0.09, 0.96])('fails on a utilization of %d', (utilization) => {
    expect(Scaling.between(1, 2, { capacity: capacity(), utilization })._problems()).toEqual([
      `'scaling.utilization' must be between 0.1 and 0.95, got ${utilization}`,
    ]);
  });

  test('fails on cool-downs that are no whole seconds; takes 0 s and Tokens', () => {
    const cooldowns = (scaleOutCooldown: Duration) => Scaling.between(1, 2, { capacity: capacity(), scaleOutCooldown })._problems();
    expect(cooldowns(Duration.millis(500))).toEqual(["'scaling.scaleOutCooldown, in seconds,' must be a whole number, got 0.5"]);
    expect([...cooldowns(Duration.seconds(0)), ...cooldowns(Duration.seconds(token))]).toEqual([]);
  });

  test('fails on cool-downs over an hour', () => {
    const scaling = Scaling.between(1, 2, {
      capacity: capacity(),
      scaleOutCooldown: Duration.hours(1),
      scaleInCooldown: Duration.seconds(3601),
    });
    expect(scaling._problems()).toEqual(["'scaling.scaleInCooldown, in seconds,' must be between 0 and 3600, got 3601"]);
  });

  test('follows concurrent requests alone, which come every ten seconds [A1, row 100]', () => {
    const scaling = Scaling.between(1, 4, { concurrency: 8 });
    expect(scaling._problems()).toEqual([]);
    expect(scaling._plan('chat', 'b')!.policies).toEqual([
      {
        kind: 'TargetTracking',
        name: 'concurrency',
        metric: 'SageMakerVariantConcurrentRequestsPerModelHighResolution',
        target: 8,
        scaleOutCooldownSeconds: 60,
        scaleInCooldownSeconds: 300,
      },
    ]);
  });

  test('guards a measured rate by concurrent requests: beside the policies of the traffic one that only scales out [A1]', () => {
    const scaling = Scaling.between(1, 4, { capacity: capacity(), concurrency: 8, scaleOutCooldown: Duration.seconds(30) });
    const { policies } = scaling._plan('chat', 'b')!;
    expect(policies.map(({ name }) => name)).toEqual(['traffic-out', 'traffic-in', 'concurrency-guard']);
    expect(policies[2]).toEqual({
      kind: 'Step',
      name: 'concurrency-guard',
      metric: { name: 'ConcurrentRequestsPerModel', statistic: 'Maximum', dimensions: { EndpointName: 'chat', VariantName: 'b' } },
      threshold: 8,
      periods: 1,
      periodSeconds: 10,
      steps: [{ from: 0, change: 34 }],
      adjustment: 'Percent',
      cooldownSeconds: 30,
    });
  });

  test.each([
    [{ concurrency: 0 }, ["'scaling.concurrency' must be between 1 and 10000, got 0"]],
    [{ concurrency: 1 }, []],
    [{ concurrency: 10_000 }, []],
    [{ concurrency: 10_001 }, ["'scaling.concurrency' must be between 1 and 10000, got 10001"]],
    [{ concurrency: 2.5 }, ["'scaling.concurrency' must be a whole number, got 2.5"]],
    [{ concurrency: token }, ["'scaling.concurrency' must be known at synth, got a Token: give a plain value"]],
    [{ concurrency: 5, utilization: 0.5 }, ["'scaling.utilization' is a share of 'capacity': give that too"]],
  ])('checks %j', (props, problems) => {
    expect(Scaling.between(1, 2, props)._problems()).toEqual(problems);
  });

  test('takes limits at known times, which keep at least one instance, and knows how small and large they make the fleet', () => {
    const schedule = Schedule.cron({ hour: '7', minute: '0' });
    const of = (...schedules: ScalingSchedule[]) => Scaling.between(2, 4, { capacity: capacity(), schedules });
    const day = of(ScalingSchedule.at({ name: 'day', schedule, timeZone: TimeZone.EUROPE_BERLIN, min: 6, max: 8 }));
    expect(day._problems()).toEqual([]);
    expect(day._plan('chat', 'AllTraffic')!.schedules).toEqual([
      { name: 'day', schedule: 'cron(0 7 * * ? *)', timeZone: 'Europe/Berlin', min: 6, max: 8 },
    ]);
    expect(day._range).toEqual({ least: 2, most: 8 });
    expect(of(ScalingSchedule.at({ name: 'night', schedule, min: 1 }))._range).toEqual({ least: 1, most: 4 });
    expect(of(ScalingSchedule.at({ name: 'night', schedule, min: token }))._range).toEqual({ least: 2, most: 4 });
    expect(Scaling.between(token, 4, { capacity: capacity() })._range).toEqual({ least: token, most: 4 });
    expect(of(ScalingSchedule.at({ name: 'night', schedule, min: 0 }))._problems()).toEqual([
      "'scaling.schedules[0].min' must be between 1 and 1000, got 0",
    ]);
  });

  test('sizes for 0.6 of the measured rate, and for 0.45 after ten minutes, 300 s out and 300 s in, unless told otherwise [A5]', () => {
    const of = (props: Partial<ScalingProps> = {}) =>
      Scaling.between(1, 2, { capacity: capacity(), ...props })._plan('chat', 'AllTraffic')!;
    const variant = { dimensions: { EndpointName: 'chat', VariantName: 'AllTraffic' }, publishedEverySeconds: 60 };
    const [more, fewer] = [24, 18].map((requestsPerSecond) => ({ requestsPerSecond, spare: 0, ...variant }));
    expect(of()).toMatchObject({ min: 1, max: 2, schedules: [] });
    expect(of().policies).toEqual([
      expect.objectContaining({
        kind: 'Step',
        name: 'traffic-out',
        metric: { ...more, tolerance: 1.08 },
        threshold: 0.5,
        periods: 1,
        cooldownSeconds: 300,
      }),
      expect.objectContaining({ kind: 'Step', name: 'traffic-in', metric: fewer, threshold: -0.5, periods: 10, cooldownSeconds: 300 }),
    ]);
    const own = of({ utilization: 0.8, scaleOutCooldown: Duration.seconds(0), scaleInCooldown: Duration.minutes(10) }).policies;
    expect(own.map((policy) => (policy.kind === 'Step' ? [policy.metric, policy.cooldownSeconds] : []))).toEqual([
      [{ ...more, requestsPerSecond: 32, tolerance: 1.08 }, 0],
      [{ ...fewer, requestsPerSecond: 24 }, 600],
    ]);
    // With a guard the traffic asks later, but never for more than was measured.
    expect(of({ concurrency: 8 }).policies[0]).toMatchObject({ metric: { ...more, tolerance: 1.25 } });
    expect(of({ concurrency: 8, utilization: 0.95 }).policies[0]).toMatchObject({ metric: { requestsPerSecond: 38, tolerance: 1.05263 } });
  });

  test.each([
    [{}, undefined, 0.45, 0.6 * 1.08],
    [{}, 8, 0.45, 0.6 * 1.25],
    [{ priorityWindowSeconds: 6 }, undefined, 0.51, 0.6 * 1.25],
    [{ priorityWindowSeconds: 6 }, 8, 0.51, 0.6 * 1.25],
  ])(
    'a fleet between the two bounds is left alone: measured with %j and a guard of %j from %d to %d',
    (more, concurrency, least, bound) => {
      const scaling = Scaling.between(1, 100, { capacity: capacity(more), concurrency });
      const [out, back] = (scaling._plan('chat', 'AllTraffic')!.policies as StepPolicy[]).map(
        ({ metric, threshold, side }) =>
          (rate: number, instances: number) => {
            const lacking = 'spare' in metric ? lackingInstances(metric, rate * 60, 60, instances) : NaN;
            return side === 'AtOrBelow' ? lacking <= threshold : lacking >= threshold;
          },
      );
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 60 }), fc.double({ min: 0.05, max: 2, noNaN: true }), (instances, load) => {
          const rate = load * instances * CAPACITY.requestsPerSecondPerInstance;
          expect(out(rate, instances)).toBe(load > bound);
          expect(back(rate, instances)).toBe(load <= least * (1 - 1 / instances));
        }),
      );
    },
  );

  test('asks for as many as are lacking, or more, and gives back as many as are too many, or fewer', () => {
    const [out, back] = Scaling.between(1, 2, { capacity: capacity() })._plan('chat', 'AllTraffic')!.policies as StepPolicy[];
    expect([out.steps.length, back.steps.length]).toEqual([20, 20]); // the most that a policy may have
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 95 }), (count) => {
        const [more, less] = [stepOf(out.steps, count - 0.5, true)!, stepOf(back.steps, 0.5 - count, false)!];
        expect(more).toBeGreaterThanOrEqual(count);
        expect(more).toBeLessThanOrEqual(Math.ceil(count * 1.27));
        expect(-less).toBeLessThanOrEqual(count);
        expect(-less).toBeGreaterThanOrEqual(Math.floor(count / 1.27));
      }),
    );
    expect([stepOf(out.steps, 500, true), stepOf(back.steps, -500, false)]).toEqual([95, -76]);
    expect([stepOf(out.steps, -0.5, true), stepOf(back.steps, 0.5, false)]).toEqual([undefined, undefined]);
  });

  test('one instance and the fleet that was measured are planned for a share of just what they served, and more need more', () => {
    const rate = fc.double({ min: 0.01, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 2, max: 100 }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        fc.double({ min: 0.1, max: 0.95, noNaN: true }),
        (requestsPerSecond, instances, gain, utilization) => {
          const together = requestsPerSecond * instances * instances ** gain;
          const plan = staffing({ requestsPerSecond, fleet: { instances, requestsPerSecond: together } }, utilization);
          expect(plan.spare >= 0 && plan.spare <= 2).toBe(true);
          const alone = neededInstances(plan, requestsPerSecond * utilization);
          expect(Math.min(alone, plan.spare === 2 ? 1 : Infinity)).toBeCloseTo(plan.spare === 2 ? alone : 1, 3);
          expect(alone).toBeLessThan(1.001);
          expect(neededInstances(plan, together * utilization) / instances).toBeCloseTo(1, 3);
          expect(neededInstances(plan, together * 2)).toBeGreaterThan(neededInstances(plan, together));
        },
      ),
    );
    expect(staffing({ requestsPerSecond: 4 }, 0.5)).toEqual({ requestsPerSecond: 2, spare: 0 });
    // Four that together serve less than each alone: nothing on top would be too few, so each is planned for what it served among them.
    expect(staffing({ requestsPerSecond: 4, fleet: { instances: 4, requestsPerSecond: 12 } }, 0.5)).toEqual({
      requestsPerSecond: 1.5,
      spare: 0,
    });
  });

  test('the policy data imports nothing but itself, so that a simulator can run it', () => {
    const imports = (file: string) => {
      const source = readFileSync(join(__dirname, '../../../lib/constructs/serving/scaling', file), 'utf8');
      return [...source.matchAll(/\bimport\b[^*]*?from '([^']+)'|require\(/g)].map(([, from]) => from);
    };
    expect(['staffing.ts', 'policy.ts', 'backlog-policy.ts'].map(imports)).toEqual([[], ['./staffing'], ['./policy', './staffing']]);
  });
});

const fleetOf = (instances: unknown, requestsPerSecondPerInstance: unknown, more = {}) => ({
  instances,
  requestsPerSecondPerInstance,
  ...more,
});
const FLEETS = [
  ...[fleetOf(2, 0.001), fleetOf(100, 100_000), fleetOf(1, 5), fleetOf(101, 5), fleetOf(2.5, 5), fleetOf('4', 5), fleetOf(4, 0)],
  ...[fleetOf(4, 100_001), fleetOf(4, '5'), fleetOf(4, 5, { more: 1 }), { instances: 4 }, {}, 4, null, []],
];

describe('MeasuredCapacity.fromFile [A2]', () => {
  test('reads the documented file', () => {
    expect(capacity()).toMatchObject({ requestsPerSecondPerInstance: 40, instance: 'ml.m5.large', measuredOn: '2026-05-31' });
  });

  test('hands the window of the priorities to the policy, and none where none is stated', () => {
    const windowed = MeasuredCapacity.fromFile(write({ ...CAPACITY, priorityWindowSeconds: 6 }));
    expect([windowed.priorityWindowSeconds, windowed._rates]).toEqual([6, { requestsPerSecond: 40, priorityWindowSeconds: 6 }]);
    expect([capacity().priorityWindowSeconds, capacity()._rates]).toEqual([undefined, { requestsPerSecond: 40 }]);
  });

  test('fails on a missing file, on what is not JSON and on what is no object', () => {
    expect(() => MeasuredCapacity.fromFile('/no/such.json')).toThrow(
      'InvalidCapacityFile: the file does not exist: measure one instance and write it (docs/capacity-file.md) [in /no/such.json]',
    );
    expect(() => MeasuredCapacity.fromFile(join(folder({ f: '{' }), 'f'))).toThrow('the file is not JSON');
    expect(() => MeasuredCapacity.fromFile(write([1]))).toThrow('the file must hold one JSON object');
  });

  test('fails with every wrong field at once and suggests the one probably meant', () => {
    const { tool: _tool, ...rest } = CAPACITY;
    const path = write({ ...rest, requestsPerSecondPerInstance: 0, instance: 'm5', tol: 'x' });
    expect(() => MeasuredCapacity.fromFile(path)).toThrow(
      `InvalidCapacityFile: 'instance' must be like 'ml.m5.large', got "m5"; 'requestsPerSecondPerInstance' must be above 0 and at most 100000, got 0; ` +
        `'tool' is missing: it must be a text; 'tol' is not a field of a capacity file: did you mean 'tool'? [in ${path}]`,
    );
  });

  test('agrees with the JSON Schema and the example of docs/capacity-file.md', () => {
    const blocks = [...readFileSync(join(__dirname, '../../../docs/capacity-file.md'), 'utf8').matchAll(/```json\n([\s\S]*?)```/g)].map(
      (match) => JSON.parse(match[1]),
    );
    const [example, windowed, schema] = blocks;
    const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    const reads = (content: unknown) => {
      try {
        MeasuredCapacity.fromFile(write(content));
        return true;
      } catch {
        return false;
      }
    };
    expect([example, windowed].flatMap((content) => [valid(content), reads(content)])).toEqual([true, true, true, true]);
    const candidates: Record<string, unknown[]> = {
      version: [1, 2, '1'],
      model: ['m', '', 3],
      instance: ['ml.g5.xlarge', 'g5.xlarge', 'ml.g5'],
      image: ['i:1', ''],
      requestsPerSecondPerInstance: [0.001, 100_000, 0, 100_001, -1, '4'],
      fleet: FLEETS,
      priorityWindowSeconds: [1, 6, 2.5, 600, 0.99, 600.1, 0, -6, '6', null],
      tokensPerRequest: [1, 0.5, 1366.5, 1_000_000, 0, -1, 1_000_001, '6', null],
      latencyPercentile: [50, 99.9, 49.9, 100],
      latencyBelowMs: [1, 60_000, 0.5, 60_001],
      measuredOn: ['2026-01-01', '01.01.2026', 2026],
      tool: ['t', ''],
      extra: ['x'],
    };
    for (const [name, values] of Object.entries(candidates)) {
      for (const value of [...values, undefined]) {
        const content = JSON.parse(JSON.stringify({ ...example, [name]: value }));
        expect([name, value, valid(content)]).toEqual([name, value, reads(content)]);
      }
    }
  });
});
