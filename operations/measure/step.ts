import { createHistogram, RecordableHistogram } from 'node:perf_hooks';
import type { Arrivals } from './arrivals';
import type { Clock } from './clock';
import { Answer, Observer, Send, sendOpenLoop } from './open-loop';

/** What must hold. */
export interface Objective {
  /** 50 to 99.9. */
  readonly percentile: number;
  /** Bound of that percentile, milliseconds. */
  readonly belowMs: number;
  /** Share of requests that must be served, percent. */
  readonly availabilityPercent: number;
}

export type Verdict = 'held' | 'not held' | 'generator';

/** What the counted answers that were served state of their tokens, prompt and answer together. */
export interface StatedTokens {
  /** Answers that state them, 1 or more. */
  readonly stating: number;
  /** Answers that were served. */
  readonly served: number;
  /** Mean of those that state them. */
  readonly mean: number;
}

export interface StepResult {
  readonly rate: number;
  /** Requests per second that went out. */
  readonly offered: number;
  /** Requests per second that were served, until the last answer. */
  readonly achieved: number;
  /** Counted answers: without those of the run-in. */
  readonly answers: number;
  readonly p50Ms: number;
  /** The objective's percentile. */
  readonly percentileMs: number;
  /** By what went wrong. */
  readonly failures: Readonly<Record<string, number>>;
  /** Absent when no answer states them. */
  readonly tokens?: StatedTokens;
  readonly seconds: number;
  /** How late the generator was at the objective's percentile, milliseconds. */
  readonly generatorLateMs: number;
  readonly verdict: Verdict;
  readonly why: string;
}

/** What a step needs of the world. */
export interface Bench {
  readonly clock: Clock;
  readonly send: Send;
  readonly arrivals: Arrivals;
  /** Starts to watch the generator's own event loop; the function that it returns says how late it was at that percentile, milliseconds. */
  readonly watchLoop: () => (percentile: number) => number;
}

/** Answers beyond the percentile that make it a figure and not an accident: p99 needs 2,000. Those of a queue depend on each other, so 10 are too few. */
const TAIL = 20;
/** An endpoint that is asked 5 % too much falls behind by 5 % of the time; it takes 20 times the bound until that is the bound itself. */
const BOUNDS = 20;
const FEWEST_ANSWERS = 500;
const FEWEST_SECONDS = 10;
/** Share of a step that is not counted: it begins with an empty queue. */
const RUN_IN = 0.1;
/** What fails on this side, before anything is sent. */
const OURS = /\b(EMFILE|ENFILE|EADDRNOTAVAIL|ENOBUFS)\b/;

/** How many requests a step sends, and how many of the first are not counted. */
export function lengthOf({ percentile, belowMs }: Objective, rate: number): { count: number; runIn: number; seconds: number } {
  const forTail = Math.round(TAIL / (1 - percentile / 100));
  const forTime = Math.ceil(rate * Math.max(FEWEST_SECONDS, (BOUNDS * belowMs) / 1000));
  const counted = Math.max(forTail, FEWEST_ANSWERS, forTime);
  const runIn = Math.ceil(counted * RUN_IN);
  return { count: counted + runIn, runIn, seconds: (counted + runIn) / rate };
}

/** Open requests above which a step is not held: four times those of an endpoint that needs the whole bound for each (Little's law). */
export const openLimit = ({ belowMs }: Objective, rate: number): number => Math.max(64, Math.ceil((4 * rate * belowMs) / 1000));

/** The generator is too late when it is late by more than a tenth of the bound. */
export const lateLimit = ({ belowMs }: Objective): number => Math.max(5, belowMs / 10);

/** Offers one rate and judges what came back. `times` makes the step longer. */
export async function runStep(bench: Bench, objective: Objective, rate: number, seed: number, times = 1): Promise<StepResult> {
  const { clock, send, arrivals, watchLoop } = bench;
  const { count, runIn } = lengthOf(objective, rate);
  const counted = (count - runIn) * times;
  const tally = new Tally(objective, runIn, counted, openLimit(objective, rate));
  const start = clock.now();
  const loopLate = watchLoop();
  const schedule = arrivals.schedule(rate, counted + runIn, seed);
  const ended = await sendOpenLoop(schedule, send, clock, tally);
  return tally.result(rate, schedule[tally.sentCount - 1] / 1000, (clock.now() - start) / 1000, loopLate(objective.percentile), ended);
}

/** Counts what happens to the requests of a step. Latencies are kept by Node's own HdrHistogram, in microseconds with three digits. */
class Tally implements Observer {
  public sentCount = 0;
  private readonly latencies = createHistogram();
  private readonly lateness = createHistogram();
  private readonly failures: Record<string, number> = {};
  private served = 0;
  private stating = 0;
  private tokens = 0;
  private failed = 0;
  private slow = 0;
  private answeredCount = 0;

  constructor(
    private readonly objective: Objective,
    private readonly runIn: number,
    private readonly counted: number,
    private readonly limit: number,
  ) {}

  public sent(i: number, late: number): void {
    this.sentCount++;
    if (i >= this.runIn) {
      record(this.lateness, late);
    }
  }

  public answered(i: number, latency: number, answer: Answer): void {
    const failed = typeof answer === 'string';
    this.answeredCount += failed ? 0 : 1;
    if (i < this.runIn) {
      return;
    }
    if (failed) {
      this.failed++;
      this.failures[answer] = (this.failures[answer] ?? 0) + 1;
      return;
    }
    // A failure has no latency: a fast one would make the endpoint look better.
    this.served++;
    this.stating += answer === undefined ? 0 : 1;
    this.tokens += answer ?? 0;
    this.slow += latency >= this.objective.belowMs ? 1 : 0;
    record(this.latencies, latency);
  }

  /** The step is also over once too many answers of the whole step are too slow or failed: what is left could not make it good. */
  public enough(open: number): string | undefined {
    if (open >= this.limit) {
      return `${this.limit} requests open`;
    }
    return this.problem(this.counted);
  }

  public result(rate: number, sendSeconds: number, seconds: number, loopLate: number, ended: string | undefined): StepResult {
    const { percentile } = this.objective;
    const late = Math.max(this.lateness.count === 0 ? 0 : this.lateness.percentile(percentile) / 1000, loopLate);
    const why = ended ?? this.problem(this.served + this.failed);
    const ours = Object.keys(this.failures).find((name) => OURS.test(name));
    const generator = why !== undefined && (ours !== undefined || late > lateLimit(this.objective));
    return {
      ...{ rate, offered: this.sentCount / sendSeconds, achieved: this.answeredCount / seconds, answers: this.served + this.failed },
      p50Ms: this.latencies.percentile(50) / 1000,
      percentileMs: this.latencies.percentile(percentile) / 1000,
      ...(this.stating === 0 ? {} : { tokens: { stating: this.stating, served: this.served, mean: this.tokens / this.stating } }),
      ...{ failures: this.failures, seconds, generatorLateMs: late },
      verdict: generator ? 'generator' : why === undefined ? 'held' : 'not held',
      why: generator ? `the load generator was the limit: ${ours ?? `it was ${late.toFixed(0)} ms late itself`}` : (why ?? ''),
    };
  }

  /** What is wrong when `total` answers are judged. By counts, because a histogram rounds. */
  private problem(total: number): string | undefined {
    const { percentile, belowMs, availabilityPercent } = this.objective;
    // 1e-9: 1 - 99 / 100 is a little more than 0.01.
    if (this.failed > total * (1 - availabilityPercent / 100) + 1e-9) {
      return `${this.failed} failed`;
    }
    if (this.slow > (total - this.failed) * (1 - percentile / 100) + 1e-9) {
      return `${this.slow} not below ${belowMs} ms`;
    }
    return undefined;
  }
}

const record = (histogram: RecordableHistogram, ms: number): void => histogram.record(Math.max(1, Math.round(ms * 1000)));
