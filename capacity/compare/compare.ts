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
  readonly guardConcurrency: number;
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
  const cells = pairs.flatMap(({ trace, profile }) => cellsOf(suite, trace, profile));
  const of = (cell: { readonly trace: TraceName; readonly profile: SuiteProfile }) =>
    pairs.findIndex(({ trace, profile }) => trace === cell.trace && profile.gpu === cell.profile.gpu);
  let done = 0;
  const onDone = () => onProgress(++done / (pairs.length + cells.length));
  const measured = (await performer.all(
    pairs.map((pair): Task => ({ kind: 'measure', ...pair })),
    onDone,
  )) as Measured[];
  // The longest first, so that no process is left with one at the end.
  const ordered = [...cells].sort((a, b) => b.profile.meanRate - a.profile.meanRate);
  const rows = (await performer.all(
    ordered.map((cell): Task => ({ kind: 'cell', cell, measured: measured[of(cell)] })),
    onDone,
  )) as Row[][];
  return {
    suite,
    measured: pairs.map(({ trace, profile }, place) => {
      const { tables: _, ...rates } = measured[place];
      return { trace, gpu: profile.gpu, profile: profile.profile, ...rates };
    }),
    rows: cells.flatMap((cell) => rows[ordered.indexOf(cell)]),
  };
}

function cellsOf({ boots, seeds, otherSeeds }: Suite, trace: TraceName, profile: SuiteProfile): Cell[] {
  const of = (semantics: Cell['semantics'], some: readonly number[]) =>
    boots.flatMap((bootSeconds) => some.map((seed) => ({ trace, profile, bootSeconds, seed, semantics })));
  return [...of('default', seeds), ...of('other', otherSeeds)];
}
