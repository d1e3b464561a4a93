import fc from 'fast-check';
import { CapacityTable, capacityTable, leastInstances } from '../../capacity/bounds/capacity-table';
import { leastInstanceSeconds } from '../../capacity/bounds/least-fleet';
import { Simulation } from '../../capacity/simulator/simulation';
import { PoissonSource } from '../../capacity/traces/generated';
import { runs } from '../support/property-runs';
import { endpointOf } from './support';

const MOST = 4;

/** The cheapest path through all fleets of 0 to `MOST` instances, period by period. */
function dynamicProgramme(needed: readonly number[], seconds: readonly number[], boot: number): number {
  const fleets = Array.from({ length: MOST + 1 }, (_, instances) => instances);
  let costs = fleets.map(() => 0);
  needed.forEach((least, period) => {
    costs = fleets.map((instances) =>
      instances < least
        ? Infinity
        : instances * seconds[period] +
          Math.min(...fleets.map((before) => costs[before] + (period === 0 ? 0 : boot * Math.max(0, instances - before)))),
    );
  });
  return Math.min(...costs);
}

test('the least fleet costs what the cheapest path through all fleets does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: MOST }), fc.integer({ min: 1, max: 90 })), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 400 }),
      (periods, boot) => {
        const [needed, seconds] = [periods.map(([instances]) => instances), periods.map(([, length]) => length)];
        expect(leastInstanceSeconds(needed, seconds, boot)).toBe(dynamicProgramme(needed, seconds, boot));
      },
    ),
    { numRuns: runs(200) },
  );
});

test('a minute that no fleet can serve has no bound', () => {
  expect(leastInstanceSeconds([1, Infinity], [60, 60], 300)).toBe(Infinity);
});

const TABLE: CapacityTable = [
  [1, 2],
  [2, 5],
  [4, 12],
];

test('fleets between the measured ones lie on a straight line, larger ones serve as much for each instance, and a limit is kept', () => {
  expect([0, 0.1, 2, 2.1, 5, 8.5, 8.6, 12, 12.1, 15].map((rate) => leastInstances(TABLE, rate, 5))).toEqual([0, 1, 1, 2, 2, 3, 4, 4, 5, 5]);
  expect(leastInstances(TABLE, 15.1, 5)).toBe(Infinity);
});

test('a fleet of the table meets the objective at its rate, and misses it at more or with fewer', () => {
  const endpoint = endpointOf({ objective: { latencySeconds: 0.6 } });
  const lengths = () => ({ draw: () => undefined, prompt: 40, output: 20 });
  const table = capacityTable(endpoint, lengths, 1, [1, 2, 3]);
  const missed = (instances: number, rate: number) => {
    const source = new PoissonSource([[0, rate]], 900, lengths(), 1);
    const { outcome } = new Simulation({ ...endpoint, instances }, { seed: 1, countFrom: 300 }).run(source);
    return outcome.missed / outcome.requests;
  };
  for (const [instances, rate] of table) {
    expect(rate).toBeGreaterThan(1);
    expect(missed(instances, rate * 0.97)).toBeLessThanOrEqual(0.01);
    expect(missed(instances, rate * 1.1)).toBeGreaterThan(0.01);
  }
  expect(missed(2, table[2][1])).toBeGreaterThan(0.01);
  // Together they serve more than each for itself.
  expect(table[2][1]).toBeGreaterThan(3 * table[0][1]);
});
