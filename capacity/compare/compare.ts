import { MeasuredRates } from '../../lib/constructs/serving/scaling/staffing';
import { Cell, Row } from './cell';
import { Measured } from './measure';
import { Suite, SuiteProfile, TraceName } from './suite';
import { Performer, Task } from './workers';

/** What was measured before. */
export interface MeasuredCell extends MeasuredRates {
  readonly trace: TraceName;
  readonly gpu: string;
  readonly profile: string;
  readonly concurrency: number;
  /** Where late requests wait. */
  readonly prioritized: MeasuredRates;
}

/** All runs of a comparison. */
export interface Comparison {
  readonly suite: Suite;
  readonly measured: readonly MeasuredCell[];
  readonly rows: readonly Row[];
}

/** Runs a suite: first what is measured of a GPU with the lengths of a trace, then all policies in all cells. */
export async function compare(suite: Suite, performer: Performer, onProgress: (share: number) => void): Promise<Comparison> {
  const pairs = suite.traces.flatMap((trace) => suite.profiles.map((profile) => ({ trace, profile })));
  const groups = pairs.flatMap(({ trace, profile }, pair) =>
    suite.seeds.map((seed) => ({ pair, cells: cellsOf(suite, trace, profile, seed) })),
  );
  let done = 0;
  const onDone = () => onProgress(++done / (pairs.length + groups.length));
  const measured = (await performer.all(
    pairs.map((pair): Task => ({ kind: 'measure', ...pair })),
    onDone,
  )) as Measured[];
  // The longest first, so that no process is left with one at the end.
  const ordered = [...groups].sort((a, b) => pairs[b.pair].profile.meanRate - pairs[a.pair].profile.meanRate);
  const rows = (await performer.all(
    ordered.map(({ pair, cells }): Task => ({ kind: 'cells', cells, measured: measured[pair] })),
    onDone,
  )) as Row[][];
  return {
    suite,
    measured: pairs.map(({ trace, profile }, place) => {
      const { tables: _tables, tunedTables: _tuned, ...rates } = measured[place];
      return { trace, gpu: profile.gpu, profile: profile.profile, ...rates };
    }),
    rows: groups.flatMap((group) => rows[ordered.indexOf(group)]),
  };
}

/** All that the same requests are run in. */
function cellsOf({ boots, otherSeeds }: Suite, trace: TraceName, profile: SuiteProfile, seed: number): Cell[] {
  const of = (semantics: Cell['semantics']) => boots.map((bootSeconds) => ({ trace, profile, bootSeconds, seed, semantics }));
  return [...of('default'), ...(otherSeeds.includes(seed) ? of('other') : [])];
}
