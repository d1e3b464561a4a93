import { AlarmState, alarmState, EXTRA_PERIODS, Point } from './alarm-state';
import { Published, Statistic } from './metric-series';

/** What an alarm watches. */
export interface AlarmProps {
  readonly series: Published;
  readonly statistic: Statistic;
  readonly periodSeconds: number;
  /** Evaluation periods, all of which must breach. */
  readonly periods: number;
  readonly threshold: number;
  readonly comparison: '>' | '>=' | '<' | '<=';
  /** How long after its end a period is visible, seconds. */
  readonly publishSeconds: number;
}

/** A CloudWatch alarm on the simulator's clock. */
export class Alarm {
  public state: AlarmState = 'INSUFFICIENT_DATA';
  /** When it came into its state, seconds. */
  public since = 0;
  private readonly points: Int8Array;
  /** Seconds between two evaluations: a minute, or the period of a high-resolution alarm. */
  private readonly step: number;

  public constructor(public readonly props: AlarmProps) {
    this.points = new Int8Array(props.periods + EXTRA_PERIODS);
    this.step = Math.min(60, props.periodSeconds);
  }

  /** Evaluates it when it is time to. */
  public tick(now: number): void {
    // As soon as a period is visible: CloudWatch evaluates an alarm at a moment of its own within the step.
    if ((now - this.props.publishSeconds) % this.step !== 0) {
      return;
    }
    const { periods } = this.props;
    for (let place = 0; place < this.points.length; place++) {
      const value = this.value(now, this.points.length - 1 - place);
      this.points[place] = Number.isNaN(value) ? Point.Missing : this.breaches(value) ? Point.Breaching : Point.Within;
    }
    const state = alarmState(this.points, periods, periods);
    if (state !== this.state) {
      this.state = state;
      this.since = now;
    }
  }

  /** Mean of the last `samples` datapoints that are visible; NaN when there are none in the time that is looked at. */
  public mean(now: number, samples: number): number {
    let [sum, count] = [0, 0];
    for (let back = 0; back < samples + EXTRA_PERIODS && count < samples; back++) {
      const value = this.value(now, back);
      if (!Number.isNaN(value)) {
        sum += value;
        count++;
      }
    }
    return sum / count;
  }

  /** The largest visible datapoint of the evaluation periods, or their mean; NaN when there are none. */
  public aggregate(now: number, kind: 'Maximum' | 'Average'): number {
    let [sum, count, maximum] = [0, 0, NaN];
    for (let back = 0; back < this.props.periods; back++) {
      const value = this.value(now, back);
      if (!Number.isNaN(value)) {
        sum += value;
        count++;
        maximum = value <= maximum ? maximum : value;
      }
    }
    return kind === 'Maximum' ? maximum : sum / count;
  }

  /** The datapoint of the period that is `back` before the last visible one. */
  private value(now: number, back: number): number {
    const { series, statistic, periodSeconds, publishSeconds } = this.props;
    const end = Math.floor((now - publishSeconds) / this.step) * this.step - back * periodSeconds;
    return end <= 0 ? NaN : series.statistic(end, periodSeconds, statistic);
  }

  private breaches(value: number): boolean {
    const { threshold, comparison } = this.props;
    switch (comparison) {
      case '>':
        return value > threshold;
      case '>=':
        return value >= threshold;
      case '<':
        return value < threshold;
      case '<=':
        return value <= threshold;
    }
  }
}
