import { randomFrom } from '../../../lib/constructs/shared/contract';
import type { Clock } from '../../../operations/measure/clock';
import type { Send } from '../../../operations/measure/open-loop';

/** Time that jumps to the next event: a measurement of an hour takes a second, and comes out the same each time. */
export class VirtualClock implements Clock {
  private time = 0;
  private readonly events: { time: number; resolve: () => void }[] = [];

  public now = (): number => this.time;

  public until(time: number): Promise<void> {
    if (time <= this.time) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let at = this.events.length;
      while (at > 0 && this.events[at - 1].time < time) {
        at--;
      }
      this.events.splice(at, 0, { time, resolve }); // latest first
    });
  }

  /** Lets the time pass until the work is done. */
  public async run<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    const watched = work.finally(() => (state.done = true));
    watched.catch(() => undefined);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve)); // everything that follows from the last event
      const next = state.done ? undefined : this.events.pop();
      if (next === undefined) {
        return watched;
      }
      this.time = next.time;
      next.resolve();
    }
  }
}

/** Service times with that mean, milliseconds. */
export function exponential(mean: number, seed: number): () => number {
  const random = randomFrom(seed);
  return () => -Math.log(1 - random()) * mean;
}

/** One server that takes requests in their order, with a queue without end: M/M/1 when arrivals are Poisson and service times exponential. */
export function singleServer(clock: Clock, service: () => number): Send {
  let free = 0;
  return async () => {
    free = Math.max(free, clock.now()) + service();
    await clock.until(free);
    return undefined;
  };
}
