import { Duration, Lazy } from 'aws-cdk-lib';
import fc from 'fast-check';
import { InferenceEndpointProps, InstanceType, MeasuredCapacity, Rollout, Scaling, Slo } from '../../../lib/constructs/serving';
import { RollingProps } from '../../../lib/constructs/serving/rollout';
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
    ['waits above 8 hours', 20, { batchPercent: 5, bake: Duration.minutes(60) }, "'rollout' waits 72000 s for 20 batches"],
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
    expect(rolling(20, { batchPercent: 5 }).MaximumBatchSize.Value).toBe(5);
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

  test('has time for every wait, within what SageMaker takes, for any fleet and batch [row 76, 78]', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 420, max: 3600 }),
        (minInstances, more, batchPercent, bake) => {
          const setting = { minInstances, maxInstances: minInstances + more, startSeconds: 1200, alarmSeconds: 300 };
          const rollout = Rollout.rolling({ batchPercent, bake: Duration.seconds(bake) });
          const sizes = Array.from({ length: more + 1 }, (_, i) => minInstances + i);
          const steps = sizes.map((size) => {
            let [left, count] = [size, 0];
            for (; left > 0 && count < 1000; count++) {
              left -= Math.floor((size * batchPercent) / 100);
            }
            return count;
          });
          const waits = Math.max(...steps) * bake;
          const sound =
            minInstances >= 2 && batchPercent >= 5 && batchPercent <= 50 && minInstances * batchPercent >= 100 && waits <= 28_800;
          expect(rollout._problems(setting).length === 0).toBe(sound);
          if (sound) {
            const policy = rollout._policy(setting).rollingUpdatePolicy as Shape;
            expect(policy.maximumExecutionTimeoutInSeconds).toBeGreaterThanOrEqual(waits);
            expect(policy.maximumExecutionTimeoutInSeconds).toBeLessThanOrEqual(28_800);
            expect(policy.maximumExecutionTimeoutInSeconds).toBeGreaterThanOrEqual(600);
          }
        },
      ),
    );
  });
});
