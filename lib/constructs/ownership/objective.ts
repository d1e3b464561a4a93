import { Duration } from 'aws-cdk-lib';
import { mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { OBJECTIVE, ObjectiveMeasure } from './objective-contract';

/** Letters and digits, so that a name can also stand in metric math and in a URL. */
const NAME = /^[A-Za-z][A-Za-z0-9]{1,63}$/;

/** A business number that is computed from predictions and their ground truth. Its unit is percent. */
export class ObjectiveMetric {
  /**
   * Share of the positive outcomes that a positive decision came before, in time to act: how many late arrivals were warned of.
   *
   * @param name metric name: 2 to 64 letters and digits, starting with a letter
   */
  public static recall(name: string): ObjectiveMetric {
    return new ObjectiveMetric(name, ObjectiveMeasure.RECALL);
  }

  /**
   * Share of the predictions that are positive: how many flights get a warning.
   *
   * @param name metric name: 2 to 64 letters and digits, starting with a letter
   */
  public static positiveRate(name: string): ObjectiveMetric {
    return new ObjectiveMetric(name, ObjectiveMeasure.POSITIVE_RATE);
  }

  private constructor(
    /** Metric name in Amazon CloudWatch. */
    public readonly metricName: string,
    /** What is counted. */
    public readonly measure: ObjectiveMeasure,
  ) {
    const problems = [
      ...unknownAtSynth('name', metricName),
      ...mismatch('name', metricName, NAME, '2 to 64 letters and digits, starting with a letter'),
    ];
    if (metricName === OBJECTIVE.labelsMetric) {
      problems.push(`'name' must not be '${OBJECTIVE.labelsMetric}': that metric holds the number of labels`);
    }
    if (problems.length > 0) {
      throw new Error(`InvalidObjectiveMetric: ${problems.join('; ')}`);
    }
  }
}

/** The price that an objective may not be bought at. */
export class ObjectiveGuard {
  /**
   * A metric that must not rise above a ceiling.
   *
   * @param percent ceiling, above 0 and at most 100, known at synth
   * @param metric what must stay below it
   */
  public static atMost(percent: number, metric: ObjectiveMetric): ObjectiveGuard {
    return new ObjectiveGuard(percent, metric);
  }

  private constructor(
    /** Ceiling, percent. */
    public readonly percent: number,
    /** Metric that must stay below it. */
    public readonly metric: ObjectiveMetric,
  ) {
    const problems = percentProblems('percent', percent);
    if (problems.length > 0) {
      throw new Error(`InvalidObjectiveGuard: ${problems.join('; ')}`);
    }
  }
}

/** Options of an `Objective`. */
export interface ObjectiveOptions {
  /** Length of the rolling window: 1 to 90 whole days of event time (UTC), the current day included; known at synth. */
  readonly over: Duration;
  /**
   * The price that the objective may not be bought at.
   *
   * @default - none; required for a recall, which predicting 'yes' for everything would meet
   */
  readonly guard?: ObjectiveGuard;
  /**
   * Fewer labelled predictions than this in the window are not evaluated: a whole number from 1 to 1,000,000,000.
   *
   * @default 1000
   */
  readonly minimumLabels?: number;
}

/** What a workload is for, as a metric with a target. */
export class Objective {
  /**
   * A metric that must reach a target.
   *
   * @param percent target, above 0 and at most 100, known at synth
   * @param metric what must reach it
   * @param options window, guard and the number of labels it takes
   */
  public static atLeast(percent: number, metric: ObjectiveMetric, options: ObjectiveOptions): Objective {
    return new Objective(percent, metric, options);
  }

  /** Target, percent. */
  public readonly percent: number;
  /** Metric that must reach it. */
  public readonly metric: ObjectiveMetric;
  /** Length of the rolling window. */
  public readonly over: Duration;
  /** The price that the objective may not be bought at. */
  public readonly guard?: ObjectiveGuard;
  /** Fewer labels than this are not evaluated. */
  public readonly minimumLabels: number;

  private constructor(percent: number, metric: ObjectiveMetric, options: ObjectiveOptions) {
    this.percent = percent;
    this.metric = metric;
    this.over = options.over;
    this.guard = options.guard;
    this.minimumLabels = options.minimumLabels ?? 1000;
    const problems = this.problems();
    if (problems.length > 0) {
      throw new Error(`InvalidObjective: ${problems.join('; ')}`);
    }
  }

  private problems(): string[] {
    const days = this.over.isUnresolved() ? undefined : this.over.toDays({ integral: false });
    const problems = [
      ...percentProblems('percent', this.percent),
      ...unknownAmount('over', this.over),
      ...outsideRange('over (days)', days, 1, 90),
      ...notWhole('over (days)', days),
      ...unknownAtSynth('minimumLabels', this.minimumLabels),
      ...outsideRange('minimumLabels', this.minimumLabels, 1, 1e9),
      ...notWhole('minimumLabels', this.minimumLabels),
    ];
    if (this.metric.measure === ObjectiveMeasure.RECALL && this.guard === undefined) {
      problems.push(
        `'guard' is missing: predicting 'yes' for everything would meet '${this.metric.metricName}'; ` +
          'add ObjectiveGuard.atMost(percent, ObjectiveMetric.positiveRate(name))',
      );
    }
    if (this.guard?.metric.metricName === this.metric.metricName) {
      problems.push(`'guard' has the same metric name '${this.metric.metricName}' as the objective: give it another one`);
    }
    return problems;
  }
}

/** Known at synth, because people read it: in alarms and on the dashboard. */
function percentProblems(name: string, percent: number): string[] {
  const unknown = unknownAtSynth(name, percent);
  return unknown.length > 0 || (percent > 0 && percent <= 100) ? unknown : [`'${name}' must be above 0 and at most 100, got ${percent}`];
}
