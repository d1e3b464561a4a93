import { Histogram } from './histogram';

/** What a request must meet to count as served; each bound that is given. */
export interface Objective {
  /** Seconds to the first token. */
  readonly firstTokenSeconds?: number;
  /** Mean seconds of the tokens after the first. */
  readonly tokenSeconds?: number;
  /** Seconds to the whole answer. */
  readonly latencySeconds?: number;
}

/** Why requests got no answer. */
export interface Drops {
  /** There was no instance. */
  noInstance: number;
  /** The instance had as many requests as it admits. */
  shed: number;
  /** The answer took longer than the caller may wait. */
  timedOut: number;
  /** Prompt and output do not fit into the memory of any server. */
  tooLong: number;
  /** It waited in the queue for longer than is allowed. */
  expired: number;
}

/** Counts what becomes of requests. */
export class Outcome {
  public requests = 0;
  public completed = 0;
  public missed = 0;
  public generatedTokens = 0;
  public readonly drops: Drops = { noInstance: 0, shed: 0, timedOut: 0, tooLong: 0, expired: 0 };
  public readonly firstToken = new Histogram();
  public readonly latency = new Histogram();

  /** @param from requests that arrive before are not counted, seconds */
  public constructor(
    private readonly objective: Objective,
    private readonly timeoutSeconds: number,
    private readonly from: number,
    private readonly onJudged?: (arrivedAt: number, missed: boolean) => void,
  ) {}

  public get dropped(): number {
    return Object.values(this.drops).reduce((sum: number, count: number) => sum + count, 0);
  }

  public arrived(at: number): void {
    if (at >= this.from) {
      this.requests++;
    }
  }

  public refused(at: number, cause: keyof Drops): void {
    if (at >= this.from) {
      this.drops[cause]++;
      this.missed++;
      this.onJudged?.(at, true);
    }
  }

  /** An answer is complete; a first token that comes with the last one is the answer itself. */
  public answered(arrivedAt: number, firstAt: number, now: number, output: number): void {
    if (arrivedAt < this.from) {
      return;
    }
    const latency = now - arrivedAt;
    if (latency > this.timeoutSeconds) {
      this.refused(arrivedAt, 'timedOut');
      return;
    }
    const first = firstAt - arrivedAt;
    this.completed++;
    this.generatedTokens += output;
    this.firstToken.add(first);
    this.latency.add(latency);
    const { firstTokenSeconds = Infinity, tokenSeconds = Infinity, latencySeconds = Infinity } = this.objective;
    const late = first > firstTokenSeconds || latency > latencySeconds || (output > 1 && latency - first > tokenSeconds * (output - 1));
    if (late) {
      this.missed++;
    }
    this.onJudged?.(arrivedAt, late);
  }
}
