import { monitorEventLoopDelay } from 'node:perf_hooks';
import { MeasureOptions } from './options';
import { ToldStep } from './report';
import { CONFIRMATION, findRate, Found, StepKind } from './search';
import { Bench, lengthOf, runStep } from './step';

/** Share of the warm-up's rate, one request at a time, at which the search begins. */
const BEGIN = 0.5;
const RESOLUTION_MS = 10;

/** Where the search begins, requests per second. */
export const beginning = (typicalMs: number, { maxRate }: Pick<MeasureOptions, 'maxRate'>): number =>
  Math.min(maxRate, (BEGIN * 1000) / typicalMs);

/**
 * Finds the rate that the endpoint holds, within the time. `typicalMs`: latency of one request alone. Errors: those of the search, and `OutOfTime`
 * before a step that would not end in time.
 */
export async function measureRate(
  bench: Bench,
  options: MeasureOptions,
  typicalMs: number,
  tell: (step: ToldStep) => void,
): Promise<Found> {
  const { objective, maxRate, maxMinutes, seed } = options;
  const deadline = bench.clock.now() + maxMinutes * 60_000;
  let steps = 0;
  let held: number | undefined;
  const run = async (rate: number, kind: StepKind) => {
    const times = kind === 'confirmation' ? CONFIRMATION : 1;
    const seconds = lengthOf(objective, rate).seconds * times;
    if (bench.clock.now() + seconds * 1000 > deadline) {
      const known = held === undefined ? 'nothing was held yet' : `${held}/s was held`;
      const minutes = Math.ceil(maxMinutes + seconds / 60);
      throw new Error(
        `OutOfTime: the ${kind} at ${rate}/s takes ${seconds.toFixed(0)} s and would end after --max-minutes ${maxMinutes}; ${known}: give it ` +
          `${minutes} minutes or more, or take a lower --percentile, which needs fewer answers`,
      );
    }
    // Every step has arrivals of its own, the confirmation too.
    const result = await runStep(bench, objective, rate, seed + 1000 * steps++, times);
    held = result.verdict === 'held' ? Math.max(held ?? 0, rate) : held;
    tell({ kind, result });
    return result;
  };
  return findRate({ start: beginning(typicalMs, options), maxRate, run });
}

/** How late this process is, by its own event loop. Node's monitor counts the interval of its samples with the delay. */
export function watchEventLoop(): (percentile: number) => number {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  return (percentile) => {
    monitor.disable();
    return monitor.count === 0 ? 0 : Math.max(0, monitor.percentile(percentile) / 1e6 - RESOLUTION_MS);
  };
}
