import { Duration } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';

/** An objective of answers that nobody waits for on the line. */
export interface AsyncSloProps {
  /**
   * Time from an invocation until its answer lies in the bucket: whole seconds from 1 minute to 1 hour, known at synth. With a minimum of 0
   * instances it holds the start of one too, which takes 5 to 10 minutes.
   */
  readonly within: Duration;
  /**
   * Share of invocations that must succeed, percent, 50 to 99.999. Those that the model refuses (4xx) do not count as failures.
   *
   * @default 99.5
   */
  readonly availabilityPercent?: number;
}

/** What an asynchronous endpoint promises: alarms and the target of scaling refer to it. */
export class AsyncSlo {
  /** Answers arrive within a time, and most invocations succeed. */
  public static answers(props: AsyncSloProps): AsyncSlo {
    return new AsyncSlo(props.within, props.availabilityPercent ?? 99.5);
  }

  private constructor(
    /** Time from an invocation until its answer lies in the bucket. */
    public readonly within: Duration,
    /** Share of invocations that must succeed, percent. */
    public readonly availabilityPercent: number,
  ) {}

  /** Share of invocations that may fail, 0 to 1. @internal */
  public get _errorBudget(): number {
    return Number((1 - this.availabilityPercent / 100).toPrecision(6));
  }

  /** @internal */
  public _problems(): string[] {
    return [
      ...this.timeProblems(),
      ...unknownAtSynth('slo.availabilityPercent', this.availabilityPercent),
      ...outsideRange('slo.availabilityPercent', this.availabilityPercent, 50, 99.999),
    ];
  }

  private timeProblems(): string[] {
    if (this.within.isUnresolved()) {
      return unknownAmount('slo.within', this.within);
    }
    const seconds = this.within.toSeconds({ integral: false });
    return [...notWhole('slo.within, in seconds,', seconds), ...outsideRange('slo.within, in seconds,', seconds, 60, 3600)];
  }
}
