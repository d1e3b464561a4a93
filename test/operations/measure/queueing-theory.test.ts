import { Arrivals, poisson } from '../../../operations/measure/arrivals';
import { MeasureOptions } from '../../../operations/measure/options';
import { measureRate } from '../../../operations/measure/run';
import { exponential, singleServer, VirtualClock } from './queues';

/** Measures one server that serves `mu` requests a second, by exponential times. */
async function measured(mu: number, percentile: number, belowMs: number, seed: number, arrivals: Arrivals = poisson, maxMinutes = 600) {
  const clock = new VirtualClock();
  const send = singleServer(clock, exponential(1000 / mu, seed + 1000));
  const options = { objective: { percentile, belowMs, availabilityPercent: 99.5 }, maxRate: 10 * mu, maxMinutes, seed } as MeasureOptions;
  const bench = { clock, send, arrivals, watchLoop: () => () => 0 };
  return (await clock.run(measureRate(bench, options, 1000 / mu, () => undefined))).rate;
}

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

/**
 * The time in an M/M/1 queue is exponential with rate mu - lambda, so its percentile p is ln(100 / (100 - p)) / (mu - lambda)
 * (https://en.wikipedia.org/wiki/M/M/1_queue#Response_time). Waits of one queue depend on each other, which is why 2,000 answers tell p99 no better.
 */
describe('the rate found for an M/M/1 queue [A2]', () => {
  test.each([
    [100, 99, 100],
    [20, 99, 1000],
    [200, 90, 50],
    [50, 95, 100],
  ])('is the theoretical one within 21 %%, and within 8 %% on average: %d/s, p%d below %d ms', async (mu, percentile, belowMs) => {
    const exact = mu - Math.log(100 / (100 - percentile)) / (belowMs / 1000);
    const errors = [];
    for (const seed of SEEDS) {
      errors.push((await measured(mu, percentile, belowMs, seed)) / exact - 1);
    }
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.21);
    expect(Math.abs(errors.reduce((sum, error) => sum + error) / errors.length)).toBeLessThan(0.08);
  });

  test('is lower when the same number of requests comes in bursts, and higher when they come evenly', async () => {
    const bursts: Arrivals = {
      name: 'in fives',
      schedule: (rate, count, seed) => poisson.schedule(rate / 5, count, seed).map((_, i, all) => all[Math.floor(i / 5)]),
    };
    const even: Arrivals = {
      name: 'even',
      schedule: (rate, count) => Float64Array.from({ length: count }, (_, i) => ((i + 1) / rate) * 1000),
    };
    const [low, middle, high] = [
      await measured(100, 99, 100, 1, bursts),
      await measured(100, 99, 100, 1),
      await measured(100, 99, 100, 1, even),
    ];
    expect(low).toBeLessThan(middle * 0.8);
    expect(high).toBeGreaterThan(middle * 1.2);
  });

  test('is the same again for the same seed', async () => {
    expect(await measured(100, 99, 100, 3)).toBe(await measured(100, 99, 100, 3));
  });

  test('rests on other arrivals in each step, so in the confirmation too', async () => {
    const seeds: number[] = [];
    const watched: Arrivals = { name: 'watched', schedule: (rate, count, seed) => (seeds.push(seed), poisson.schedule(rate, count, seed)) };
    await measured(100, 99, 100, 3, watched);
    expect(seeds.length).toBeGreaterThan(5);
    expect(new Set(seeds).size).toBe(seeds.length);
  });

  test('fails before a step that would not end in time, and says what was held and what it needs', async () => {
    const message = /^OutOfTime: the search at [\d.]+\/s takes \d+ s and .*; [\d.]+\/s was held: give it \d+ minutes or more/;
    await expect(measured(100, 99, 100, 1, poisson, 1)).rejects.toThrow(message);
    await expect(measured(1, 99.9, 10_000, 1, poisson, 3)).rejects.toThrow(/nothing was held yet/);
  });
});
