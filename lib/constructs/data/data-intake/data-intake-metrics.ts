import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { DATA_METRIC, DATA_METRICS } from '../contract';

/** How to read a metric of an intake. */
export interface IntakeMetricOptions {
  /**
   * Length of one data point.
   *
   * @default Duration.minutes(5)
   */
  readonly period?: Duration;
}

/**
 * The metrics of one intake. Those of records and files lie in the namespace `AiWorkloads` under the dimension `Intake`; no metric sets a unit,
 * because an alarm on the wrong one never gets data.
 */
export class DataIntakeMetrics {
  /** @internal */
  public static _of(intakeName: string, queueName: string, deadLetterQueueName: string): DataIntakeMetrics {
    return new DataIntakeMetrics(intakeName, queueName, deadLetterQueueName);
  }

  private constructor(
    private readonly intakeName: string,
    private readonly queueName: string,
    private readonly deadLetterQueueName: string,
  ) {}

  /** Records read, count. */
  public rowsRead(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.rowsRead, Stats.SUM, options);
  }

  /** Records that passed their contract, count. */
  public rowsValid(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.rowsValid, Stats.SUM, options);
  }

  /** Records that went to quarantine, count. */
  public rowsQuarantined(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.rowsQuarantined, Stats.SUM, options);
  }

  /** Share of a file's records that went to quarantine, percent: of the worst file. */
  public quarantinePercent(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.quarantinePercent, Stats.MAXIMUM, options);
  }

  /** Files of which every record is valid or in quarantine, count; the same bytes sent again are one more. */
  public filesAccounted(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.filesAccounted, Stats.SUM, options);
  }

  /** Files that were refused as a whole, count. */
  public filesRejected(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.filesRejected, Stats.SUM, options);
  }

  /** Files that are neither accounted for nor rejected when the contract's latency is over, 20 minutes without one; counted every 5 minutes. */
  public filesUnaccounted(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.filesUnaccounted, Stats.MAXIMUM, options);
  }

  /** Time since a file brought records, hours; before the first one, since the ledger was made. */
  public hoursSinceFile(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.hoursSinceFile, Stats.MAXIMUM, options);
  }

  /** Valid records of the period of the contract's throughput, up to now, count; there is none without a throughput. */
  public validRowsOfPeriod(options?: IntakeMetricOptions): Metric {
    return this.own(DATA_METRIC.validRowsOfPeriod, Stats.MINIMUM, options);
  }

  /** How long the oldest file waits for its validation, seconds. */
  public ageOfOldestMessage(options?: IntakeMetricOptions): Metric {
    return this.ofQueue('ApproximateAgeOfOldestMessage', this.queueName, options);
  }

  /** Messages whose file could not be validated again and again, count. */
  public deadLetters(options?: IntakeMetricOptions): Metric {
    return this.ofQueue('ApproximateNumberOfMessagesVisible', this.deadLetterQueueName, options);
  }

  private own(metricName: string, statistic: string, options: IntakeMetricOptions = {}): Metric {
    const { namespace, dimension } = DATA_METRICS;
    return new Metric({ namespace, metricName, dimensionsMap: { [dimension]: this.intakeName }, statistic, period: periodOf(options) });
  }

  /** By literal names: a dashboard must not hold the stack of the intake. */
  private ofQueue(metricName: string, queueName: string, options: IntakeMetricOptions = {}): Metric {
    const dimensionsMap = { QueueName: queueName };
    return new Metric({ namespace: 'AWS/SQS', metricName, dimensionsMap, statistic: Stats.MAXIMUM, period: periodOf(options) });
  }
}

function periodOf({ period }: IntakeMetricOptions): Duration {
  return period ?? Duration.minutes(5);
}
