import { Duration, Size } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IStream } from 'aws-cdk-lib/aws-kinesis';
import { Function as Lambda, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { isDeadLetterQueue, withoutPolicyFindings } from '../../shared/acknowledgements';
import { handlerFunction } from '../../shared/handler-function';
import { physicalName } from '../../shared/names';
import { DATA_ENV } from '../contract';
import type { DataContract } from '../data-contract/data-contract';
import { contractAsset } from '../data-intake/contract-asset';
import { allow } from '../grants';

/** A function that reads every record of a stream. @internal */
export interface StreamConsumerProps {
  readonly stream: IStream;
  /** Value of the dimension `Intake`. */
  readonly intakeName: string;
  readonly contract: DataContract;
  readonly handler: string;
  readonly description: string;
  readonly environment: Record<string, string>;
  /** Most records of one call: 1 to 10,000. */
  readonly batchSize: number;
  /** Time in which records are gathered for one call. */
  readonly window: Duration;
  /** Start of the names of its alarms. */
  readonly name: string;
  /** Longest that a record may wait. */
  readonly maximumDelay: Duration;
  /** What does not happen when it fails, as the end of a sentence. */
  readonly consequence: string;
  /** Heading of its runbook section. */
  readonly runbook: string;
}

/** Time of a function of a stream. */
const TIMEOUT = Duration.minutes(2);

/**
 * Reads a stream from its first record on, each shard in its order by one call at a time, and tries until it succeeds or the stream forgets the
 * record: to give a record up would lose it. So a consumer fails only for what stands around it: a record that it cannot use, whatever is in it, it has
 * to refuse, count and pass by. Only a record larger than a call of AWS Lambda, 6 MB, is given up at once
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
 *
 * @internal
 */
export function streamConsumer(scope: Construct, props: StreamConsumerProps): Lambda {
  const asset = contractAsset(scope, props.contract);
  const consumer = handlerFunction(scope, 'Consumer', {
    handler: props.handler,
    description: props.description,
    timeout: TIMEOUT,
    memory: Size.mebibytes(1024),
    environment: {
      [DATA_ENV.contractBucket]: asset.s3BucketName,
      [DATA_ENV.contractKey]: asset.s3ObjectKey,
      [DATA_ENV.intake]: props.intakeName,
      ...props.environment,
    },
  });
  allow(consumer, ['s3:GetObject'], asset.bucket.arnForObjects(asset.s3ObjectKey));
  const lost = new Queue(scope, 'Lost', { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) });
  isDeadLetterQueue(lost);
  consumer.addEventSource(
    new KinesisEventSource(props.stream, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: props.batchSize,
      maxBatchingWindow: props.window,
      parallelizationFactor: 1,
      bisectBatchOnError: true,
      onFailure: new SqsDlq(lost),
    }),
  );
  withoutPolicyFindings(consumer);
  registerConsumerAlarms(scope, props, consumer, lost);
  return consumer;
}

/** One page for whatever keeps the records back: its causes follow from each other. */
function registerConsumerAlarms(scope: Construct, props: StreamConsumerProps, consumer: Lambda, lost: Queue): void {
  const { name, contract, runbook, consequence, maximumDelay, window } = props;
  const limit = maximumDelay.plus(window);
  const cause = (id: string, end: string, rest: Pick<AlarmSpec, 'summary' | 'firstAction' | 'metric' | 'threshold'> & Partial<AlarmSpec>) =>
    registerAlarm(scope, id, {
      ...{ alarmName: physicalName([name, end], 255), layer: Layer.DATA, severity: Severity.PAGE, runbook, silent: true },
      ...{ evaluationPeriods: 1, treatMissingData: TreatMissingData.NOT_BREACHING, ...rest },
    });
  const options = { statistic: Stats.SUM, period: Duration.minutes(15) };
  const causes = [
    cause('BehindAlarm', 'behind', {
      summary: `A record of the stream of ${contract.dataset} has waited longer than ${limit.toHumanString()}.`,
      firstAction: 'see whether the function fails, is throttled or is slow.',
      metric: consumer.metric('IteratorAge', { statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
      threshold: limit.toMilliseconds(),
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
    }),
    cause('FailingAlarm', 'failing', {
      summary: `The function that reads the stream of ${contract.dataset} fails again and again.`,
      firstAction: 'read the last lines of its log.',
      metric: consumer.metricErrors(options),
      threshold: 3,
    }),
    cause('ThrottledAlarm', 'throttled', {
      summary: `The function that reads the stream of ${contract.dataset} is not let run.`,
      firstAction: "see what uses up the account's concurrency.",
      metric: consumer.metricThrottles(options),
      threshold: 3,
    }),
    cause('LostAlarm', 'records-lost', {
      summary: `Records of the stream of ${contract.dataset} were given up: they expired, or are larger than a call of AWS Lambda.`,
      firstAction: 'read the message: it names shard and range; fetch them from the stream while it still has them.',
      metric: lost.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
      threshold: 1,
    }),
  ];
  registerCompositeAlarm(scope, 'StuckAlarm', {
    ...{ alarmName: physicalName([name, 'stuck'], 255), layer: Layer.DATA, severity: Severity.PAGE, runbook, anyOf: causes },
    summary: `Records of the stream of ${contract.dataset} do not get through: ${consequence}.`,
    firstAction: 'see which of its child alarms is in ALARM.',
  });
}
