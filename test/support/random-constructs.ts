import { Lazy } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { gated } from './gated';
import { runs, seenAtLeast, showProgress } from './property-runs';

/** How many random constructs a property tries. */
const USUAL = 200;
export const RUNS = runs(USUAL);

export const number = (value: number) => Lazy.number({ produce: () => value });

/** Mostly sound, sometimes at or over an edge, sometimes no whole number, rarely a Token. */
export const counts =
  (soundWeight: number, edges: (low: number, high: number) => number[]) =>
  (low: number, high: number): fc.Arbitrary<number> =>
    fc.oneof(
      { weight: soundWeight, arbitrary: fc.integer({ min: low, max: high }) },
      { weight: 1, arbitrary: fc.constantFrom(...edges(low, high)) },
      { weight: 1, arbitrary: fc.integer({ min: low, max: high }).map(number) },
    );

/** Each outcome is a template that passes the gate, or a message of `ours`; neither is rare. `known` are findings that are the caller's word. */
export async function expectTemplateOrOurError<T>(
  props: fc.Arbitrary<T>,
  outcome: (given: T) => Template | string,
  { ours, seed, known }: { ours: RegExp; seed: number; known?: RegExp },
): Promise<void> {
  const seen = { built: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(props, async (given) => {
      showProgress(seen.built + seen.refused + 1, RUNS);
      const result = outcome(given);
      if (typeof result === 'string') {
        seen.refused++;
        expect(result).toMatch(ours);
        return;
      }
      seen.built++;
      expect((await gated(result)).filter((finding) => known === undefined || !known.test(finding))).toEqual([]);
    }),
    { numRuns: RUNS, seed, includeErrorInReport: true },
  );
  expect(Math.min(seen.built, seen.refused)).toBeGreaterThanOrEqual(seenAtLeast(RUNS / 20, USUAL));
}
