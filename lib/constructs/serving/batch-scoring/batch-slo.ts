import { Duration } from 'aws-cdk-lib';
import { unknownAmount } from '../../shared/checks';
import { seconds } from '../endpoint/endpoint-checks';

/** An objective of a batch. */
export interface BatchSloProps {
  /**
   * Time from the trigger until the last output is there: whole seconds from 5 minutes to 5 days, known at synth. The start of an instance, some
   * minutes, is in it.
   */
  readonly within: Duration;
}

/** What a batch scoring promises: its alarms and time-out refer to it. */
export class BatchSlo {
  /** Every run is finished within a time of its trigger. */
  public static finished(props: BatchSloProps): BatchSlo {
    return new BatchSlo(props.within);
  }

  private constructor(
    /** Time from the trigger until the last output is there. */
    public readonly within: Duration,
  ) {}

  /** @internal */
  public _problems(): string[] {
    return this.within.isUnresolved()
      ? unknownAmount('slo.within', this.within)
      : seconds('slo.within', this.within, 5 * 60, 5 * 24 * 3600);
  }
}
