import { ALLOWED_MISSES } from '../profiles/objective';

const MINUTE = 60;
/** Minutes that hold the objective after which a breach is over. */
const QUIET_MINUTES = 5;

/** A time in which requests came that missed the objective more often than allowed. */
export interface Breach {
  /** Begin of its first minute that does so, seconds. */
  readonly from: number;
  /** End of its last one: from then on the objective holds again. */
  readonly until: number;
}

/**
 * When an endpoint breaks its objective, and how long until it holds again: requests are put to the minute in which they came, so that a load step shows from
 * the step on. Keeps two numbers for each minute of the trace.
 */
export class Breaches {
  private readonly requests: number[] = [];
  private readonly missed: number[] = [];

  /** What became of a request. */
  public judged(arrivedAt: number, missed: boolean): void {
    const minute = Math.floor(arrivedAt / MINUTE);
    this.requests[minute] = (this.requests[minute] ?? 0) + 1;
    this.missed[minute] = (this.missed[minute] ?? 0) + (missed ? 1 : 0);
  }

  /** In the order of time. Breaches less than five minutes apart are one. */
  public get all(): Breach[] {
    const found: { from: number; until: number }[] = [];
    this.requests.forEach((requests, minute) => {
      if (this.missed[minute] <= ALLOWED_MISSES * requests) {
        return;
      }
      const last = found.at(-1);
      if (last !== undefined && minute * MINUTE - last.until < QUIET_MINUTES * MINUTE) {
        last.until = (minute + 1) * MINUTE;
      } else {
        found.push({ from: minute * MINUTE, until: (minute + 1) * MINUTE });
      }
    });
    return found;
  }
}
