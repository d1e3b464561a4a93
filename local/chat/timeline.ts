import type { Sample } from './observer';
import type { Answer } from './replay';

/** One minute of the platform clock. */
export interface Minute {
  /** Minutes since the beginning of the run. */
  readonly minute: number;
  /** Requests sent in it. */
  readonly requests: number;
  /** Requests that were open, on average. */
  readonly concurrency: number;
  /** At its end. */
  readonly copies: number;
  readonly desiredCopies: number;
  readonly instances: number;
  /** Of the requests sent in it that were answered, seconds; undefined without any. */
  readonly firstTokenP50?: number;
  readonly firstTokenP99?: number;
  readonly answerP50?: number;
  readonly answerP99?: number;
  /** Of the requests sent in it, by reason. */
  readonly failures: Readonly<Record<string, number>>;
}

const MINUTE = 60;

/** What happened, minute by minute, up to the last sample. A minute counts the requests that were sent in it, however long they took. */
export function timeline(answers: readonly Answer[], samples: readonly Sample[]): Minute[] {
  const minutes = Math.ceil(Math.max(0, ...samples.map(({ at }) => at)) / MINUTE);
  return Array.from({ length: minutes }, (_, minute) => {
    const [start, end] = [minute * MINUTE, (minute + 1) * MINUTE];
    const sent = answers.filter((answer) => answer.sent >= start && answer.sent < end);
    const whole = sent.filter(({ failure }) => failure === undefined);
    const latest = samples.filter(({ at }) => at < end).at(-1);
    const failures: Record<string, number> = {};
    sent.forEach(({ failure }) => failure !== undefined && (failures[failure] = (failures[failure] ?? 0) + 1));
    const [first, answer] = [whole.map((one) => one.first! - one.sent), whole.map((one) => one.ended - one.sent)];
    return {
      ...{ minute, requests: sent.length, concurrency: openSeconds(answers, start, end) / MINUTE, failures },
      ...{ copies: latest?.copies ?? 0, desiredCopies: latest?.desiredCopies ?? 0, instances: latest?.instances ?? 0 },
      ...{ firstTokenP50: percentile(first, 50), firstTokenP99: percentile(first, 99) },
      ...{ answerP50: percentile(answer, 50), answerP99: percentile(answer, 99) },
    };
  });
}

/** Seconds that requests were open between two times, all together. */
const openSeconds = (answers: readonly Answer[], start: number, end: number): number =>
  answers.reduce((sum, { sent, ended }) => sum + Math.max(0, Math.min(ended, end) - Math.max(sent, start)), 0);

/** The smallest value that at least `p` percent of the values do not exceed; undefined without values. */
export function percentile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

/** What the run was to show. */
export interface Story {
  readonly copiesAtFirst: number;
  readonly mostCopies: number;
  /** Minute in which copies were first more than at first; undefined: they never were. */
  readonly scaledOut?: number;
  /** Minute after the peak in which there were fewer copies. */
  readonly scaledIn?: number;
  /** Minute in which there was neither copy nor instance. */
  readonly zero?: number;
  /** Minute in which there was a copy again. */
  readonly back?: number;
}

export function story(samples: readonly Sample[]): Story {
  const copiesAtFirst = samples[0]?.copies ?? 0;
  const mostCopies = Math.max(0, ...samples.map(({ copies }) => copies));
  const after = (from: number, holds: (sample: Sample) => boolean): number => samples.findIndex((sample, i) => i >= from && holds(sample));
  const out = after(0, ({ copies }) => copies > copiesAtFirst);
  const peak = after(0, ({ copies }) => copies === mostCopies);
  const fewer = out < 0 ? -1 : after(peak, ({ copies }) => copies < mostCopies);
  const zero = after(Math.max(0, fewer), ({ copies, instances }) => copies === 0 && instances === 0);
  const back = zero < 0 ? -1 : after(zero, ({ copies }) => copies > 0);
  const minute = (i: number) => (i < 0 ? undefined : samples[i].at / MINUTE);
  return { copiesAtFirst, mostCopies, scaledOut: minute(out), scaledIn: minute(fewer), zero: minute(zero), back: minute(back) };
}
