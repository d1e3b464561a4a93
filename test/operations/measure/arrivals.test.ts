import * as fc from 'fast-check';
import { poisson, recorded } from '../../../operations/measure/arrivals';
import { recordedFrom } from '../../../operations/measure/recorded-file';

const gapsOf = (times: ArrayLike<number>): number[] => Array.from(times, (time, i) => time - (i === 0 ? 0 : times[i - 1]));

/** Kolmogorov and Smirnov's largest distance between the gaps and an exponential distribution, times the root of their number. */
function distance(gaps: number[], mean: number): number {
  const sorted = [...gaps].sort((a, b) => a - b);
  const far = sorted.map((gap, i) => {
    const expected = 1 - Math.exp(-gap / mean);
    return Math.max(Math.abs(expected - i / sorted.length), Math.abs(expected - (i + 1) / sorted.length));
  });
  return Math.max(...far) * Math.sqrt(sorted.length);
}

/** One in a thousand of truly exponential samples is farther away. */
const CRITICAL = 1.95;

describe('Poisson arrivals', () => {
  test.each([
    [1, 1],
    [40, 2],
    [40, 12345],
    [900, 7],
  ])('have exponential gaps with the mean of the rate: %d/s, seed %d', (rate, seed) => {
    const count = 10_000;
    const gaps = gapsOf(poisson.schedule(rate, count, seed));
    expect(distance(gaps, 1000 / rate)).toBeLessThan(CRITICAL);
    const mean = gaps.reduce((sum, gap) => sum + gap) / count;
    expect(Math.abs(mean / (1000 / rate) - 1)).toBeLessThan(3.3 / Math.sqrt(count));
    // A long gap says nothing about the next one.
    const product = gaps.slice(1).reduce((sum, gap, i) => sum + (gap - mean) * (gaps[i] - mean), 0);
    expect(Math.abs(product / mean ** 2 / count)).toBeLessThan(3.3 / Math.sqrt(count));
  });

  test('fails on gaps that are regular, uniform, or exponential with another mean', () => {
    const gaps = gapsOf(poisson.schedule(10, 10_000, 1));
    const others = [gaps.map(() => 100), gaps.map((_, i) => (i % 200) + 0.5), gaps.map((gap) => gap * 1.1)];
    expect(others.filter((other) => distance(other, 100) < CRITICAL)).toEqual([]);
  });

  test('are the same for the same seed and others for another', () => {
    expect(poisson.schedule(40, 100, 5)).toEqual(poisson.schedule(40, 100, 5));
    expect(poisson.schedule(40, 100, 5)).not.toEqual(poisson.schedule(40, 100, 6));
  });

  test('ascend from after the start, whatever the rate and the seed', () => {
    const anything = [fc.double({ min: 0.01, max: 1e5, noNaN: true }), fc.integer({ min: 1, max: 500 }), fc.nat()] as const;
    fc.assert(
      fc.property(...anything, (rate, count, seed) => {
        const gaps = gapsOf(poisson.schedule(rate, count, seed));
        return gaps.length === count && gaps.every((gap) => gap >= 0 && Number.isFinite(gap));
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe('recorded arrivals', () => {
  const record = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 2, maxLength: 60 }).filter((gaps) => gaps.some((gap) => gap > 0));

  test('have exactly the wanted mean rate, and the gaps of the record in their order and ratio', () => {
    const rates = fc.double({ min: 0.01, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(record, rates, fc.integer({ min: 1, max: 4 }), fc.nat(), (gaps, rate, rounds, seed) => {
        let time = 1e12;
        const times = Float64Array.from([time, ...gaps.map((gap) => (time += gap))]);
        const count = gaps.length * rounds;
        const schedule = recorded('r', times).schedule(rate, count, seed);
        expect(schedule[count - 1] / (count / rate) / 1000).toBeCloseTo(1, 9);
        const factor = schedule[count - 1] / (gaps.reduce((sum, gap) => sum + gap) * rounds);
        const found = gapsOf(schedule);
        const fits = (first: number) =>
          found.every((gap, i) => Math.abs(gap - gaps[(first + i) % gaps.length] * factor) <= 1e-6 * schedule[count - 1]);
        expect(gaps.some((_, first) => fits(first))).toBe(true);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test('begin elsewhere for another seed, so that a confirmation sees other bursts', () => {
    const times = poisson.schedule(1, 1000, 3);
    const of = (seed: number) => recorded('r', times).schedule(50, 200, seed);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  test('fails on a stretch of the record in which all times are equal', () => {
    const times = Float64Array.from([...new Array<number>(500).fill(0), 1000]);
    expect(() => recorded('coarse.txt', times).schedule(10, 100, 1)).toThrow(
      'InvalidArrivals: coarse.txt has 100 arrivals in a row at one time',
    );
  });
});

describe('a file of recorded arrivals', () => {
  const lines = (time: (i: number) => string) => Array.from({ length: 150 }, (_, i) => time(i));
  /** Gaps alone tell what was read, because schedules are scaled. */
  const ratios = (content: string) => {
    const schedule = recordedFrom('f', content).schedule(1, 149, 0);
    return gapsOf(schedule).map((gap) => Number((gap / gapsOf(schedule)[0]).toFixed(3)));
  };
  const squares = ratios(lines((i) => String(i ** 2)).join('\n'));

  test.each([
    [
      'the Azure traces',
      [
        'TIMESTAMP,ContextTokens,GeneratedTokens',
        ...lines(
          (i) =>
            `2023-11-16 18:${String(10 + Math.floor(i ** 2 / 6e4)).padStart(2, '0')}:${((i ** 2 / 1000) % 60).toFixed(7).padStart(10, '0')},374,44`,
        ),
      ],
    ],
    ['ISO 8601', lines((i) => new Date(1e12 + i ** 2 * 10).toISOString())],
    ['seconds, in any order, with Windows ends of line', [...lines((i) => `${i ** 2 / 1e4}\r`)].reverse()],
  ])('is read as %s', (_, content) => {
    expect(ratios(content.join('\n'))).toEqual(squares);
  });

  test('keeps fractions of a millisecond', () => {
    const content = lines((i) => `2023-11-16 18:00:00.${String(i * (i % 2 === 0 ? 10 : 11)).padStart(7, '0')}`).join('\n');
    expect(new Set(ratios(content)).size).toBeGreaterThan(1);
  });

  test.each([
    ['a line without a time', [...lines(String), 'noon'], "line 151 has no time, got 'noon'"],
    ['too few arrivals', lines(String).slice(0, 99), 'it has 99 arrivals, and a record needs 100'],
    ['arrivals at one time', lines(() => '5'), 'all arrivals have the same time'],
    ['a header of another kind', ['time', ...lines(String)], "line 1 has no time, got 'time'"],
  ])('fails on %s', (_, content, message) => {
    expect(() => recordedFrom('f.csv', content.join('\n'))).toThrow(`InvalidArrivals: f.csv: ${message}`);
  });
});
