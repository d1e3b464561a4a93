import { Duration, Token } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';

/** A latency objective. */
export interface LatencySloProps {
  /** Percentile that must hold, 50 to 99.9, with at most one decimal, known at synth. */
  readonly percentile: number;
  /**
   * Bound of that percentile of model latency, without network and overhead: whole milliseconds from 1 ms to 60 s, the time-out of a
   * real-time invocation; known at synth
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html).
   */
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
    if (percentile !== undefined && !Token.isUnresolved(percentile) && Number(percentile.toFixed(1)) !== percentile) {
      problems.push(`'slo.percentile' must have at most one decimal, got ${percentile}`);
    }
    return [...problems, ...latencyProblems(this.latencyBelow)];
  }
}

function latencyProblems(below: Duration | undefined): string[] {
  if (below === undefined || below.isUnresolved()) {
    return unknownAmount('slo.below', below);
  }
  const milliseconds = below.toMilliseconds({ integral: false });
  return milliseconds < 1 || milliseconds > 60_000
    ? [`'slo.below' must be between 1 ms and 60 s, the time-out of a real-time invocation, got ${milliseconds} ms`]
    : notWhole('slo.below, in milliseconds,', milliseconds);
}
