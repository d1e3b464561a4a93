import * as fc from 'fast-check';
import { findRate, StepKind } from '../../../operations/measure/search';
import type { StepResult, Verdict } from '../../../operations/measure/step';

/** Runs a search on an endpoint whose verdict is known for each rate. */
async function searched(start: number, maxRate: number, verdictOf: (rate: number, kind: StepKind, steps: number) => Verdict) {
  const tried: { rate: number; kind: StepKind }[] = [];
  const run = async (rate: number, kind: StepKind) => {
    tried.push({ rate, kind });
    return { verdict: verdictOf(rate, kind, tried.length), why: 'a reason' } as StepResult;
  };
  return { tried, found: await findRate({ start, maxRate, run }) };
}
const upTo = (capacity: number) => (rate: number) => (rate <= capacity ? 'held' : 'not held') as Verdict;

describe('the search for the rate', () => {
  test('ends at most 6 % below the capacity, whatever that is and wherever it begins', async () => {
    const rate = fc.double({ min: 0.05, max: 5000, noNaN: true });
    await fc.assert(
      fc.asyncProperty(rate, rate, async (capacity, beginning) => {
        const start = Math.min(beginning, capacity * 100);
        const { found, tried } = await searched(start, 10_000, upTo(capacity));
        expect(found.rate / capacity).toBeLessThanOrEqual(1);
        expect(found.rate / capacity).toBeGreaterThan(0.94);
        expect(tried.at(-1)).toEqual({ rate: found.rate, kind: 'confirmation' });
        expect(tried.length).toBeLessThan(30);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test('doubles, halves the interval, and confirms', async () => {
    const { tried } = await searched(10, 1000, upTo(45));
    expect(tried.map(({ rate }) => rate)).toEqual([10, 20, 40, 80, 56.6, 47.6, 43.6, 45.6, 43.6]);
  });

  test('never offers more than the maximum, and says when it held that', async () => {
    const { found, tried } = await searched(10, 33.3, upTo(1000));
    expect(found).toMatchObject({ rate: 33.3, atMaxRate: true });
    expect(Math.max(...tried.map(({ rate }) => rate))).toBe(33.3);
    expect((await searched(10, 100, upTo(50))).found.atMaxRate).toBe(false);
  });

  test('goes lower as long as the confirmation is not held', async () => {
    const { found } = await searched(10, 1000, (rate, kind) => upTo(kind === 'search' ? 45 : 38)(rate));
    expect(found.rate).toBeLessThanOrEqual(38);
    expect(found.rate).toBeGreaterThan(36);
  });

  test('repeats a step once that the generator spoilt', async () => {
    const { found, tried } = await searched(10, 40, (_rate, _kind, steps) => (steps === 2 ? 'generator' : 'held'));
    expect(tried.map(({ rate }) => rate)).toEqual([10, 20, 20, 40, 40]);
    expect(found.rate).toBe(40);
  });

  test.each([
    [
      'the generator is the limit',
      (rate: number) => (rate > 20 ? 'generator' : 'held') as Verdict,
      /^LoadGeneratorLimit: at 40\/s a reason: .*; 20\/s was held: --max-rate 20/,
    ],
    ['no rate holds', () => 'not held' as Verdict, /^ObjectiveNotHeld: not even 0.0197\/s holds it \(a reason\)/],
    [
      'nothing is confirmed',
      (_rate: number, kind: StepKind) => (kind === 'search' ? upTo(45)(_rate) : 'not held'),
      /^Unsteady: 43.6\/s held once/,
    ],
  ])('fails when %s', async (_, verdictOf, message) => {
    await expect(searched(10, 1000, verdictOf)).rejects.toThrow(message);
  });
});
