import { KnativeScaler } from '../../capacity/peers/knative';
import { provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { classicalModel } from '../../capacity/simulator/service-model';
import { PoissonSource, RateStep } from '../../capacity/traces/generated';
import { endpointOf, ListSource } from './support';

/** Instances that may have ten requests at once, so that seven are held in each, and requests that take ten seconds. */
function run(steps: readonly RateStep[] | ListSource, seconds: number, instances = 1, until = seconds, bootSeconds = 20) {
  const serving: number[] = [];
  const result = runScaled(
    {
      endpoint: endpointOf({ service: classicalModel(500), instances }),
      plan: { min: 1, max: 100, policies: [], schedules: [] },
      scaler: (fleet, provisioning, seed) => {
        const scaler = new KnativeScaler(fleet, provisioning, { min: 1, max: 100 }, 10, seed);
        const { tick } = scaler;
        scaler.tick = (now) => {
          tick.call(scaler, now);
          serving.push(fleet.serving + fleet.booting);
        };
        return scaler;
      },
      provisioning: provisioningOf(bootSeconds, { bootSigma: 0 }),
    },
    steps instanceof ListSource ? steps : new PoissonSource(steps, seconds, { draw: () => undefined, prompt: 0, output: 10 }, 1),
    { seed: 1, until },
  );
  return { ...result, serving };
}

test('holds 70 % of what an instance takes at once', () => {
  // 14 a second for 10 s each are 140 at once: 20 instances of 7.
  const { serving } = run([[0, 14]], 1200);
  const late = serving.slice(serving.length / 2);
  expect(late.reduce((sum, value) => sum + value, 0) / late.length).toBeGreaterThan(19.5);
  expect(late.reduce((sum, value) => sum + value, 0) / late.length).toBeLessThan(22);
});

test('a surge to twice what is there is answered within six seconds, and nothing goes for a minute; then half at most in each step', () => {
  // 28 at once on one instance need 4, from the first look on.
  const burst = Array.from({ length: 28 }, () => ({ at: 1, prompt: 0, output: 10 }));
  const { serving } = run(new ListSource(burst), 1, 1, 120);
  expect(serving[0]).toBe(4);
  const kept = serving.findIndex((count) => count < 4);
  // The six seconds' mean is twice as many until 12 s or so; a minute later it ends.
  expect(kept * 2).toBeGreaterThan(60);
  expect(kept * 2).toBeLessThan(90);
  expect(serving.slice(kept, kept + 3)).toEqual([2, 1, 1]);
});

test('it asks for more while others start, and gives up those that start before those that serve: each is billed as long as it was there', () => {
  // A surge of twelve seconds, and instances that take longer to start than a minute of panic lasts: none of them ever serves.
  const steps: RateStep[] = [
    [0, 1],
    [30, 20],
    [42, 1],
  ];
  const { instanceHours, scaleOuts, serving } = run(steps, 300, 1, 300, 200);
  expect(scaleOuts).toBeGreaterThan(1);
  expect(Math.max(...serving)).toBeGreaterThan(10);
  expect(serving[serving.length - 1]).toBeLessThanOrEqual(3);
  expect((instanceHours * 3600) / serving.reduce((sum, count) => sum + 2 * count, 0)).toBeCloseTo(1, 1);
});
