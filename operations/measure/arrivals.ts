import { randomFrom } from '../../lib/constructs/shared/contract';

/** When requests are sent: milliseconds from the start of a step, ascending. */
export type Schedule = Float64Array;

/** A process of arrivals: a schedule of `count` requests with a mean rate, requests per second. The same seed gives the same schedule. */
export interface Arrivals {
  readonly name: string;
  schedule(rate: number, count: number, seed: number): Schedule;
}

/** Independent clients, as many small ones make them: gaps are exponential. */
export const poisson: Arrivals = {
  name: 'Poisson',
  schedule: (rate, count, seed) => {
    const random = randomFrom(seed);
    // 1 - u, because u may be 0 and never is 1.
    return cumulated(count, () => (-Math.log(1 - random()) / rate) * 1000);
  },
};

/**
 * Arrivals as they were recorded: `count` gaps in a row from a place that the seed picks, from the end on to the beginning, and all stretched or
 * compressed by one factor so that their mean rate is the wanted one. The order and the ratios of gaps, so the bursts, are the record's.
 *
 * @param times milliseconds, ascending
 */
export function recorded(name: string, times: Float64Array): Arrivals {
  const gaps = Float64Array.from({ length: times.length - 1 }, (_, i) => times[i + 1] - times[i]);
  return {
    name: `recorded in ${name}`,
    schedule: (rate, count, seed) => {
      const first = Math.floor(randomFrom(seed)() * gaps.length);
      const schedule = cumulated(count, (i) => gaps[(first + i) % gaps.length]);
      const length = schedule[count - 1];
      if (length === 0) {
        throw new Error(
          `InvalidArrivals: ${name} has ${count} arrivals in a row at one time: its times are too coarse for steps of that length`,
        );
      }
      const factor = ((count / rate) * 1000) / length;
      return schedule.map((time) => time * factor);
    },
  };
}

function cumulated(count: number, gap: (i: number) => number): Schedule {
  let time = 0;
  return Float64Array.from({ length: count }, (_, i) => (time += gap(i)));
}
