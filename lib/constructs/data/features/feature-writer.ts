import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { failOn, mismatch, unknownAtSynth } from '../../shared/checks';
import { generatedName } from '../../shared/names';
import { streamConsumer } from '../stream-intake/stream-consumer';
import { StreamIntake } from '../stream-intake/stream-intake';
import { FEATURE_METRIC } from './contract';
import { FeatureStore } from './feature-store';

/** Properties of a `FeatureWriter`. */
export interface FeatureWriterProps {
  /** Stream whose records count. Versions of one record keep their order only with one partition key. */
  readonly source: StreamIntake;
  /** Store with at least one feature of the dataset of that stream. */
  readonly store: FeatureStore;
  /**
   * Start of the names of its alarms: 1 to 100 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly writerName?: string;
  /**
   * Parameter that holds the workload clock of a replay: how late a record is, is held against it.
   *
   * @default - real time
   */
  readonly clockParameter?: IStringParameter;
}

/**
 * Counts the records of a stream for the features of its dataset, within seconds and beside whatever else reads the stream. Records that the
 * contract refuses do not count. Records that come as files count for training alone: send to the stream what requests need to see.
 */
export class FeatureWriter extends Construct {
  private readonly source: StreamIntake;

  constructor(scope: Construct, id: string, props: FeatureWriterProps) {
    super(scope, id);
    failOn(this, 'InvalidFeatureWriter', problemsOf(props));
    this.source = props.source;
    this.createConsumer(props);
  }

  /** Records, by feature, that count from now on: new ones and corrections. Count: the sum of 5 minutes. */
  public metricRecordsCounted(): Metric {
    return this.source._metric(FEATURE_METRIC.counted, Stats.SUM);
  }

  /** Records, by feature, that came later than the store keeps. Count: the sum of 5 minutes. */
  public metricRecordsLate(): Metric {
    return this.source._metric(FEATURE_METRIC.late, Stats.SUM);
  }

  /**
   * Records, by feature, that no feature can read although they keep the contract, and those whose event time is beyond what a date can say. Count: the
   * sum of 5 minutes.
   */
  public metricRecordsRefused(): Metric {
    return this.source._metric(FEATURE_METRIC.refused, Stats.SUM);
  }

  /** From the arrival of a record in the stream until it counts. Milliseconds: the longest of 5 minutes. */
  public metricMillisecondsToFeature(): Metric {
    return this.source._metric(FEATURE_METRIC.milliseconds, Stats.MAXIMUM);
  }

  private createConsumer({ source, store, writerName, clockParameter }: FeatureWriterProps): void {
    const { intake, stream, maximumDelay } = source;
    const consumer = streamConsumer(this, {
      ...{ stream, contract: intake.contract, intakeName: intake.intakeName, name: writerName ?? generatedName(this, 100) },
      handler: 'feature-writer',
      description: `Counts records of ${intake.dataset} for features`,
      environment: store._environment(),
      ...{ batchSize: 1000, window: Duration.seconds(0), maximumDelay },
      ...{ consequence: 'features are made without the newest records', runbook: 'features-behind' },
    });
    store.grantWrite(consumer);
    if (clockParameter !== undefined) {
      consumer.addEnvironment('WORKLOAD_CLOCK_PARAMETER', clockParameter.parameterName);
      clockParameter.grantRead(consumer);
    }
  }
}

function problemsOf({ source, store, writerName }: FeatureWriterProps): string[] {
  const { dataset } = source.intake;
  const shape = '1 to 100 lower-case letters, digits and hyphens, starting with a letter or digit';
  return [
    ...unknownAtSynth('writerName', writerName),
    ...mismatch('writerName', writerName, /^[a-z0-9][a-z0-9-]{0,99}$/, shape),
    ...(store.features.some((feature) => feature.dataset === dataset)
      ? []
      : [`'store' has no feature of '${dataset}', which 'source' brings: give the stream of a dataset that features are made of`]),
  ];
}
