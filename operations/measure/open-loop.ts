import type { Schedule } from './arrivals';
import type { Clock } from './clock';

/** What became of a request: a text when it failed, what it is counted under. When it was served: the tokens that its answer states, or undefined. */
export type Answer = string | number | undefined;

/** Sends request number `i`. Never rejects. */
export type Send = (i: number) => Promise<Answer>;

/** What is told while requests are sent. */
export interface Observer {
  /** `late`: how long after its time request `i` went out, milliseconds. */
  sent(i: number, late: number): void;
  /** `latency`: milliseconds since the time at which request `i` was to be sent. */
  answered(i: number, latency: number, answer: Answer): void;
  /** Why no more requests need to be sent. */
  enough(open: number): string | undefined;
}

/**
 * Sends every request at its time, whatever is still open: what is offered does not depend on what is answered. Latency counts from the time at
 * which a request was to be sent, so that the wait which a slow answer causes to those behind it is not left out (coordinated omission: Gil Tene,
 * https://github.com/giltene/wrk2#acknowledging-coordinated-omission). Returns once all that was sent is answered: why it ended early, if it did.
 */
export async function sendOpenLoop(schedule: Schedule, send: Send, clock: Clock, observer: Observer): Promise<string | undefined> {
  const start = clock.now();
  const open = new Set<Promise<void>>();
  for (let i = 0; i < schedule.length; i++) {
    const due = start + schedule[i];
    // At least once, so that answers are taken in even when every request is late; timers may also be early.
    do {
      await clock.until(due);
    } while (clock.now() < due);
    const reason = observer.enough(open.size);
    if (reason !== undefined) {
      await Promise.all(open);
      return reason;
    }
    observer.sent(i, clock.now() - due);
    const request: Promise<void> = send(i).then((answer) => {
      open.delete(request);
      observer.answered(i, clock.now() - due, answer);
    });
    open.add(request);
  }
  await Promise.all(open);
  return undefined;
}
