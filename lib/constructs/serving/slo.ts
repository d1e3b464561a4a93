import { Duration, Token } from 'aws-cdk-lib';
import { outsideRange, unknownAtSynth } from '../shared/checks';

/** A latency objective. */
export interface LatencySloProps {
  /** Percentile that must hold, 50 to 99.9, with at most one decimal. */
  readonly percentile: number;
  /** Bound of that percentile of model latency, without network and overhead: 1 ms to 60 s, the time-out of a real-time invocation. */
  readonly below: Duration;
  /**
   * Share of invocations that must succeed, percent, 50 to 99.999. Requests that the model refuses (4xx) do not count as failures.
   *
   * @default 99.5
   */
  readonly availabilityPercent?: number;
}

/** What an endpoint promises: alarms, burn rates and the measured capacity all refer to it. */
export class Slo {
  /** A percentile of model latency stays below a bound, and most invocations succeed. */
  public static latency(props: LatencySloProps): Slo {
    return new Slo(props.availabilityPercent ?? 99.5, props.percentile, props.below);
  }

  /**
   * Only the share of invocations that must succeed; for endpoints whose latency nobody waits for.
   *
   * @param percent 50 to 99.999
   */
  public static availability(percent: number): Slo {
    return new Slo(percent);
  }

  private constructor(
    /** Share of invocations that must succeed, percent. */
    public readonly availabilityPercent: number,
    /** Percentile of model latency that must stay below the bound. */
    public readonly latencyPercentile?: number,
    /** Bound of that percentile. */
    public readonly latencyBelow?: Duration,
  ) {}

  /** Share of invocations that may fail, 0 to 1. @internal */
  public get _errorBudget(): number {
    return Number((1 - this.availabilityPercent / 100).toPrecision(6));
  }

  /** @internal */
  public _problems(): string[] {
    const problems = [
      ...outsideRange('slo.percentile', this.latencyPercentile, 50, 99.9),
      ...outsideRange('slo.availabilityPercent', this.availabilityPercent, 50, 99.999),
      ...unknownAtSynth('slo.percentile', this.latencyPercentile),
      ...unknownAtSynth('slo.availabilityPercent', this.availabilityPercent),
    ];
    const percentile = this.latencyPercentile;
    if (percentile !== undefined && !Token.isUnresolved(percentile) && Math.round(percentile * 10) !== percentile * 10) {
      problems.push(`'slo.percentile' must have at most one decimal, got ${percentile}`);
    }
    const below = this.latencyBelow;
    if (below !== undefined && !below.isUnresolved() && (below.toMilliseconds() < 1 || below.toSeconds({ integral: false }) > 60)) {
      problems.push(`'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got ${below.toMilliseconds()} ms`);
    }
    return problems;
  }
}
