import { Duration, Lazy } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import fc from 'fast-check';
import {
  CanaryProps,
  InferenceEndpointProps,
  InstanceType,
  LinearProps,
  MeasuredCapacity,
  RollingProps,
  Rollout,
  Scaling,
  ScalingSchedule,
  Slo,
} from '../../../lib/constructs/serving';
import { RolloutSetting } from '../../../lib/constructs/serving/rollout/way';
import { synth } from '../../support/synth';
import { CAPACITY, endpoint, folder } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

function deployment(props: Partial<InferenceEndpointProps>): Shape {
  const { template } = synth((stack) => endpoint(stack, props));
  return (Object.values(template.findResources('AWS::SageMaker::Endpoint'))[0] as Shape).Properties;
}

const GPU = InstanceType.ML_G5_XLARGE;
const CPU = InstanceType.ML_M5_LARGE;
const rolling = (count: number, props: RollingProps = {}) =>
  deployment({ scaling: Scaling.fixed(count), rollout: Rollout.rolling(props) }).DeploymentConfig.RollingUpdatePolicy;
const blueGreen = (count: number, rollout: Rollout) =>
  deployment({ scaling: Scaling.fixed(count), rollout }).DeploymentConfig.BlueGreenUpdatePolicy;
const canary = (count: number, props: CanaryProps = {}) => blueGreen(count, Rollout.canary(props));
const linear = (count: number, props: LinearProps = {}) => blueGreen(count, Rollout.linear(props));
const minutes = Duration.minutes;
const token = (value: number) => Lazy.number({ produce: () => value });

describe('the rollout of an endpoint [R3]', () => {
  test.each([
    ['one accelerator', GPU, 1, 'BlueGreenUpdatePolicy'],
    ['two accelerators', GPU, 2, 'RollingUpdatePolicy'],
    ['two instances without accelerator', CPU, 2, 'BlueGreenUpdatePolicy'],
  ])('follows the fleet: %s [row 53, 75, 76]', (_what, instance, count, policy) => {
    const { DeploymentConfig } = deployment({ instance, scaling: Scaling.fixed(count) });
    expect(Object.keys(DeploymentConfig).sort()).toEqual(['AutoRollbackConfiguration', policy]);
    expect(DeploymentConfig.AutoRollbackConfiguration.Alarms).toHaveLength(2);
  });

  test('replaces typed percentages of the fleet [row 77]', () => {
    expect(rolling(4, { batchPercent: 25, rollbackPercent: 100, bake: Duration.minutes(10) })).toEqual({
      MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 25 },
      RollbackMaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 100 },
      WaitIntervalInSeconds: 600,
      MaximumExecutionTimeoutInSeconds: 4 * (600 + 1200 + 600) + 120,
    });
    expect(rolling(2).RollbackMaximumBatchSize.Value).toBe(50);
  });

  test('counts with the fleets that schedules make', () => {
    const file = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    const scaling = (min: number) =>
      Scaling.between(2, 4, {
        capacity: MeasuredCapacity.fromFile(file),
        schedules: [ScalingSchedule.at({ name: 'night', schedule: Schedule.cron({ hour: '1' }), min })],
      });
    expect(() => deployment({ scaling: scaling(1), rollout: Rollout.canary() })).toThrow(
      "'rollout' cannot be canary for a fleet of one, whose first step would be more than 50 %: use Rollout.allAtOnce()",
    );
    expect(deployment({ scaling: scaling(3), rollout: Rollout.canary() }).DeploymentConfig).toHaveProperty('BlueGreenUpdatePolicy');
  });

  test('keeps the scaled count', () => {
    const file = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    const scaling = Scaling.between(2, 4, { capacity: MeasuredCapacity.fromFile(file) });
    expect(deployment({ scaling, rollout: Rollout.rolling() })).toMatchObject({ RetainAllVariantProperties: true });
  });

  test.each([
    ['rolling a fleet of one', 1, {}, "'rollout' cannot be rolling for a fleet of one"],
    ['a batch of 4 %', 40, { batchPercent: 4 }, "'rollout.batchPercent' must be between 5 and 50, got 4"],
    ['a batch of 51 %', 40, { batchPercent: 51 }, "'rollout.batchPercent' must be between 5 and 50, got 51"],
    ['half a percent', 40, { batchPercent: 10.5 }, "'rollout.batchPercent' must be a whole number, got 10.5"],
    ['a rollback of 101 %', 40, { rollbackPercent: 101 }, "'rollout.rollbackPercent' must be between 5 and 100, got 101"],
    ['a batch below one instance', 4, { batchPercent: 24 }, 'of 24 % is less than one of 4 instances: make it at least 25'],
    ['more than 8 hours', 20, { batchPercent: 5 }, "'rollout' may take 44520 s, and SageMaker allows 28800 s: 20 bakes of 420 s"],
    ['a bake that no alarm fits into', 4, { bake: Duration.seconds(419) }, 'they look at 300 s'],
    ['a bake above an hour', 4, { bake: Duration.seconds(3601) }, 'must be between 0 and 3600, got 3601'],
    ['a batch that is a Token', 4, { batchPercent: Lazy.number({ produce: () => 50 }) }, "'rollout.batchPercent' must be known at synth"],
  ])('fails on %s [row 74, 76, 78]', (_what, count, props, message) => {
    expect(() => rolling(count, props)).toThrow(message);
  });

  test('fails on a rolling fleet whose size is a Token', () => {
    expect(() => rolling(Lazy.number({ produce: () => 4 }))).toThrow("'scaling of a rolling endpoint' must be known at synth");
  });

  test('takes what is just allowed', () => {
    const quick = { modelDownloadTimeout: minutes(1), startupTimeout: minutes(1), scaling: Scaling.fixed(20) };
    const { DeploymentConfig } = deployment({ ...quick, rollout: Rollout.rolling({ batchPercent: 5 }) });
    expect(DeploymentConfig.RollingUpdatePolicy).toMatchObject({
      MaximumBatchSize: { Value: 5 },
      MaximumExecutionTimeoutInSeconds: 20 * (600 + 120 + 420) + 120,
    });
    expect(rolling(4, { batchPercent: 25 }).MaximumBatchSize.Value).toBe(25);
    expect(rolling(4, { bake: Duration.seconds(420) }).WaitIntervalInSeconds).toBe(420);
  });

  test('watches a new fleet for as long as its slowest rollback alarm needs', () => {
    const bake = (props: Partial<InferenceEndpointProps>) =>
      deployment(props).DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.WaitIntervalInSeconds;
    expect(bake({})).toBe(5 * 60 + 120);
    expect(bake({ enhancedMetrics: true, metricFrequency: Duration.seconds(300) })).toBe(5 * 300 + 120);
    expect(bake({ slo: Slo.availability(99.5) })).toBe(3 * 60 + 120);
  });

  test('sends a canary ahead, in instances or in percent, and watches it and then all [row 76, 78]', () => {
    expect(canary(2)).toEqual({
      TrafficRoutingConfiguration: { Type: 'CANARY', CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 }, WaitIntervalInSeconds: 420 },
      TerminationWaitInSeconds: 120,
      MaximumExecutionTimeoutInSeconds: 3600,
    });
    expect(canary(10, { percent: 10, bake: minutes(60) })).toEqual({
      TrafficRoutingConfiguration: { Type: 'CANARY', CanarySize: { Type: 'CAPACITY_PERCENT', Value: 10 }, WaitIntervalInSeconds: 3600 },
      TerminationWaitInSeconds: 120,
      MaximumExecutionTimeoutInSeconds: 600 + 1200 + 2 * 3600 + 120,
    });
  });

  test('moves traffic in equal steps, for which there is time whatever the size of the fleet [row 76, 78]', () => {
    expect(linear(2).TrafficRoutingConfiguration).toEqual({
      Type: 'LINEAR',
      LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 50 },
      WaitIntervalInSeconds: 420,
    });
    const file = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    const scaling = Scaling.between(10, 19, { capacity: MeasuredCapacity.fromFile(file) });
    const { DeploymentConfig } = deployment({ scaling, rollout: Rollout.linear({ stepPercent: 10 }) });
    expect(DeploymentConfig.BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds).toBe(600 + 1200 + 19 * 420 + 120);
  });

  test.each([
    ['a fleet of one', 1, {}, "'rollout' cannot be canary for a fleet of one"],
    ['0 %', 200, { percent: 0 }, "'rollout.percent' must be between 1 and 50, got 0"],
    ['51 %', 200, { percent: 51 }, "'rollout.percent' must be between 1 and 50, got 51"],
    ['less than one instance', 4, { percent: 24 }, "'rollout.percent' of 24 % is less than one of 4 instances: make it at least 25"],
    ['no instance', 4, { instances: 0 }, "'rollout.instances' must be between 1 and 1000, got 0"],
    ['half an instance', 4, { instances: 1.5 }, "'rollout.instances' must be a whole number, got 1.5"],
    ['more than half the fleet', 5, { instances: 3 }, "'rollout.instances' of 3 is more than half of 5 instances: make it at most 2"],
    ['two sizes', 4, { instances: 1, percent: 25 }, "'rollout.percent' and 'rollout.instances' both give the size"],
    ['a percentage that is a Token', 4, { percent: token(25) }, "'rollout.percent' must be known at synth"],
    ['a count that is a Token', 4, { instances: token(1) }, "'rollout.instances' must be known at synth"],
    ['a bake that no alarm fits into', 4, { bake: Duration.seconds(419) }, 'they look at 300 s'],
  ])('fails on a canary of %s [row 76]', (_what, count, props, message) => {
    expect(() => canary(count, props)).toThrow(message);
  });

  test('takes canaries that are just allowed', () => {
    expect(canary(100, { percent: 1 }).TrafficRoutingConfiguration.CanarySize.Value).toBe(1);
    expect(canary(2, { percent: 50 }).TrafficRoutingConfiguration.CanarySize.Value).toBe(50);
    expect(canary(5, { instances: 2 }).TrafficRoutingConfiguration.CanarySize.Value).toBe(2);
  });

  test.each([
    ['a fleet of one', 1, {}, "'rollout' cannot be linear for a fleet of one"],
    ['9 %', 20, { stepPercent: 9 }, "'rollout.stepPercent' must be between 10 and 50, got 9"],
    ['51 %', 20, { stepPercent: 51 }, "'rollout.stepPercent' must be between 10 and 50, got 51"],
    ['less than one instance', 3, { stepPercent: 33 }, 'of 33 % is less than one of 3 instances: make it at least 34'],
    ['a Token', 4, { stepPercent: token(25) }, "'rollout.stepPercent' must be known at synth"],
    ['more than 8 hours', 10, { stepPercent: 10, bake: minutes(60) }, "'rollout' may take 37920 s, and SageMaker allows 28800 s: 10 bakes"],
  ])('fails on linear steps of %s [row 76, 78]', (_what, count, props, message) => {
    expect(() => linear(count, props)).toThrow(message);
  });

  test('takes linear steps that are just allowed', () => {
    expect(linear(10, { stepPercent: 10 }).TrafficRoutingConfiguration.LinearStepSize.Value).toBe(10);
    expect(linear(3, { stepPercent: 34 }).MaximumExecutionTimeoutInSeconds).toBe(3600);
  });

  test.each([
    ['canary', Rollout.canary()],
    ['linear', Rollout.linear()],
    ['rolling', Rollout.rolling()],
  ])('fails on %s where there are no guardrails, or where the size of the fleet is a Token [row 74]', (kind, rollout) => {
    const of = (props: Partial<InferenceEndpointProps>) => () => deployment({ rollout, ...props });
    expect(of({ instance: InstanceType.ML_INF1_XLARGE, scaling: Scaling.fixed(2) })).toThrow(
      `'rollout' cannot be ${kind} for Inf1 instances`,
    );
    expect(of({ scaling: Scaling.fixed(token(4)) })).toThrow(`'scaling of a ${kind} endpoint' must be known at synth`);
  });

  test('is all at once where there are no guardrails, and warns that nothing rolls back [row 74]', () => {
    const { built, template } = synth((stack) => endpoint(stack, { instance: InstanceType.ML_INF1_XLARGE, scaling: Scaling.fixed(2) }));
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      DeploymentConfig: { BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE' } } },
    });
    expect(built.node.metadata.map(({ data }) => data)).toContainEqual(
      expect.stringContaining('without a bake and without rollback by alarms'),
    );
  });

  test('bakes as long as it is told, whichever way was chosen for the fleet', () => {
    const of = (instance: InstanceType, count: number) =>
      deployment({ instance, scaling: Scaling.fixed(count), rollout: Rollout.auto({ bake: minutes(20) }) }).DeploymentConfig;
    expect(of(GPU, 2).RollingUpdatePolicy.WaitIntervalInSeconds).toBe(1200);
    expect(of(CPU, 2).BlueGreenUpdatePolicy.TrafficRoutingConfiguration.WaitIntervalInSeconds).toBe(1200);
  });

  /** The steps of every size of the fleet, counted one by one; Infinity when a step would be no instance. */
  const mostSteps = (sizes: number[], percent: number): number =>
    Math.max(
      ...sizes.map((size) => {
        const step = Math.floor((size * percent) / 100);
        let count = step < 1 ? Infinity : 0;
        for (let left = size; left > 0 && step >= 1; left -= step) {
          count++;
        }
        return count;
      }),
    );

  const WAYS = ['auto', 'allAtOnce', 'canary', 'linear', 'rolling'] as const;
  const RANGES = { canary: [1, 50], linear: [10, 50], rolling: [5, 50] };
  const make = (way: (typeof WAYS)[number], percent: number, bake: Duration): Rollout =>
    ({
      auto: () => Rollout.auto({ bake }),
      allAtOnce: () => Rollout.allAtOnce({ bake }),
      canary: () => Rollout.canary({ percent, bake }),
      linear: () => Rollout.linear({ stepPercent: percent, bake }),
      rolling: () => Rollout.rolling({ batchPercent: percent, bake }),
    })[way]();

  test('is an error, or steps of whole instances that have time for every bake and start, for any fleet and setting [row 76, 78]', () => {
    let sounds = 0;
    fc.assert(
      fc.property(
        fc.record({
          asked: fc.constantFrom(...WAYS),
          minInstances: fc.integer({ min: 1, max: 60 }),
          more: fc.integer({ min: 0, max: 30 }),
          percent: fc.integer({ min: 0, max: 60 }),
          bake: fc.integer({ min: 300, max: 3700 }),
          startSeconds: fc.integer({ min: 120, max: 7200 }),
          alarmSeconds: fc.constantFrom(180, 300, 1500),
          accelerators: fc.integer({ min: 0, max: 8 }),
        }),
        ({ asked, more, percent, bake, ...fleet }) => {
          const setting: RolloutSetting = { ...fleet, maxInstances: fleet.minInstances + more, unguarded: false };
          const rolls = fleet.accelerators > 0 && fleet.minInstances >= 2;
          const [way, size] = asked === 'auto' ? ([rolls ? 'rolling' : 'allAtOnce', 50] as const) : ([asked, percent] as const);
          const steps = mostSteps(
            Array.from({ length: more + 1 }, (_, i) => fleet.minInstances + i),
            size,
          );
          const whole = way === 'allAtOnce';
          const [least, most] = whole ? [0, 100] : RANGES[way as keyof typeof RANGES];
          const bakes = whole ? 1 : way === 'canary' ? 2 : steps;
          const needed = bakes * bake + (way === 'rolling' ? bakes : 1) * (600 + fleet.startSeconds) + 120;
          const fits = whole || (fleet.minInstances >= 2 && size >= least && size <= most && steps < Infinity);
          const sound = fits && bake >= fleet.alarmSeconds + 120 && bake <= 3600 && needed <= 28_800;
          const rollout = make(asked, percent, Duration.seconds(bake));
          expect(rollout._problems(setting).length === 0).toBe(sound);
          if (sound) {
            sounds++;
            const policies = Object.values(rollout._policy(setting)) as Shape[];
            expect(policies).toHaveLength(1);
            expect(policies[0].maximumExecutionTimeoutInSeconds).toBe(Math.max(3600, needed));
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(sounds).toBeGreaterThan(200);
  });
});
