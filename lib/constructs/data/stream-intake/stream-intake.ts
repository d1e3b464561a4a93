import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IStream, Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { registerAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { acknowledgeResource } from '../../shared/acknowledgements';
import { failOn, mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { physicalName } from '../../shared/names';
import { DATA_ENV, DATA_METRIC, DATA_METRICS, STREAM_FOLDER } from '../contract';
import { CompiledContract } from '../data-contract/contract';
import type { DataContract } from '../data-contract/data-contract';
import type { DataIntake } from '../data-intake/data-intake';
import { allow, allowRead, allowWrite } from '../grants';
import { streamConsumer } from './stream-consumer';

/** Properties of a `StreamIntake`. */
export interface StreamIntakeProps {
  /** Intake of the dataset that the records belong to. */
  readonly intake: DataIntake;
  /**
   * Name of the stream and start of the names of alarms: 1 to 100 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - name of the intake
   */
  readonly streamName?: string;
  /**
   * Shards of the stream, a whole number from 1 to 500: each takes 1,000 records or 1 MB in a second
   * (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
   *
   * @default - on demand: the service adds and removes shards; a new stream takes 4,000 records or 4 MB in a second
   */
  readonly shardCount?: number;
  /**
   * Time that the stream keeps a record: whole hours, 1 to 365 days, known at synth. It is the time that is left to repair what keeps
   * records from being landed.
   *
   * @default Duration.days(7) - a failure at the start of a long weekend loses nothing
   */
  readonly retention?: Duration;
  /**
   * Time in which records are gathered for one object of the raw zone: whole seconds, 0 to 300, known at synth. A shard brings at most one
   * object in this time unless it is busy, so that shorter means more and smaller objects. Online tables do not wait for it.
   *
   * @default Duration.minutes(1)
   */
  readonly landingWindow?: Duration;
  /**
   * An alarm pages when a record has waited longer than this, beside the time in which records are gathered: 1 minute to 1 day, known at synth.
   *
   * @default - the contract's latency; without one 5 minutes
   */
  readonly maximumDelay?: Duration;
  /**
   * Key that encrypts the stream.
   *
   * @default - the key of the service, `aws/kinesis`
   */
  readonly encryptionKey?: IKey;
  /**
   * What happens to the stream when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Fewer records of an hour than this say nothing about a share. */
const QUARANTINE_LEAST = 100;

/**
 * Takes in records one by one, beside the files of the same dataset: by a stream whose records are single JSON objects. Each is landed in the raw
 * zone exactly once and accounted for in the same ledger by the same contract; of one primary key the newest counts, however it came.
 */
export class StreamIntake extends Construct {
  /** The intake that accounts for the records. */
  public readonly intake: DataIntake;
  /** The stream. */
  public readonly stream: IStream;
  /** Its name, and start of the names of alarms. */
  public readonly streamName: string;
  /** Longest that a record may wait before an alarm, beside the time in which records are gathered. */
  public readonly maximumDelay: Duration;

  constructor(scope: Construct, id: string, props: StreamIntakeProps) {
    super(scope, id);
    failOn(this, 'InvalidStreamIntake', problemsOf(props));
    const { intake } = props;
    this.intake = intake;
    this.streamName = props.streamName ?? physicalName([intake.intakeName], 100);
    this.maximumDelay = props.maximumDelay ?? intake.contract.latency ?? Duration.minutes(5);
    this.stream = this.createStream(props);
    this.createLanding(props.landingWindow ?? Duration.minutes(1));
    this.registerThrottled();
    this.registerQuarantine(intake.contract.maxQuarantinePercent);
  }

  /**
   * Lets `grantee` put records on the stream. The partition key decides the shard, so that records of one entity keep their order only with one
   * partition key. A record is at most 1 MiB and not aggregated by the Kinesis Producer Library.
   */
  public grantPut(grantee: IGrantable): Grant {
    const grant = allow(grantee, ['kinesis:PutRecord', 'kinesis:PutRecords'], this.stream.streamArn);
    const { encryptionKey } = this.stream;
    return encryptionKey === undefined ? grant : grant.combine(encryptionKey.grant(grantee, 'kms:GenerateDataKey'));
  }

  /** Records that were landed in the raw zone, count: the sum of 5 minutes. */
  public metricRecordsLanded(): Metric {
    return this._metric(DATA_METRIC.recordsLanded, Stats.SUM);
  }

  /** Attempts to put a record that the stream had no room for, count: the sum of 5 minutes. */
  public metricThrottledRecords(): Metric {
    const dimensionsMap = { StreamName: this.streamName };
    const metricName = 'WriteProvisionedThroughputExceeded';
    return new Metric({ namespace: 'AWS/Kinesis', metricName, dimensionsMap, statistic: Stats.SUM, period: Duration.minutes(5) });
  }

  /** A metric of the intake of this stream. @internal */
  public _metric(metricName: string, statistic: string): Metric {
    const { namespace, dimension } = DATA_METRICS;
    return new Metric({
      namespace,
      metricName,
      dimensionsMap: { [dimension]: this.intake.intakeName },
      statistic,
      period: Duration.minutes(5),
    });
  }

  private createStream({ shardCount, retention, encryptionKey, removalPolicy }: StreamIntakeProps): Stream {
    const stream = new Stream(this, 'Stream', {
      streamName: this.streamName,
      // A count of shards and the mode on demand exclude each other.
      ...(shardCount === undefined ? { streamMode: StreamMode.ON_DEMAND } : { streamMode: StreamMode.PROVISIONED, shardCount }),
      retentionPeriod: retention ?? Duration.days(7),
      ...(encryptionKey === undefined ? { encryption: StreamEncryption.MANAGED } : { encryption: StreamEncryption.KMS, encryptionKey }),
      removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN,
    });
    if (encryptionKey !== undefined) {
      Validations.of(stream).acknowledge({
        id: 'AwsSolutions-KDS3',
        reason: 'whoever names a key of their own wants its policy, and pays for its use',
      });
    }
    return stream;
  }

  /** Gathers records in objects of the raw zone, whose events reach the intake as those of files do. */
  private createLanding(window: Duration): void {
    const { intake, stream, streamName } = this;
    const { raw } = intake._zones;
    const consumer = streamConsumer(new Construct(this, 'Landing'), {
      ...{ stream, contract: intake.contract, intakeName: intake.intakeName, name: physicalName([streamName, 'landing'], 240) },
      handler: 'stream-landing',
      description: `Lands records of ${intake.dataset} in the raw zone`,
      environment: { [DATA_ENV.ledger]: intake.ledger.tableName, [DATA_ENV.rawBucket]: raw.bucketName },
      ...{ batchSize: 10_000, window, maximumDelay: this.maximumDelay },
      ...{ consequence: 'they are in no dataset', runbook: 'stream-stuck' },
    });
    // A transaction needs the permission of each of its parts (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
    allow(consumer, ['dynamodb:GetItem', 'dynamodb:UpdateItem'], intake.ledger.tableArn);
    const objects = `${intake.rawPrefix}${STREAM_FOLDER}/${streamName}/*`;
    allowWrite(consumer, raw, objects);
    allowRead(consumer, raw, objects);
    acknowledgeResource(
      consumer,
      raw.arnForObjects(objects),
      'objects are named by shard and sequence number; the wildcard stays below the stream',
    );
  }

  /** The contract's limit is one of files; a batch may be a single record, so here it holds for all records of an hour. */
  private registerQuarantine(percent: number | undefined): void {
    if (percent === undefined) {
      return;
    }
    const { metrics, dataset } = this.intake;
    const period = Duration.hours(1);
    registerAlarm(this, 'QuarantineAlarm', {
      alarmName: physicalName([this.streamName, 'records-quarantined'], 255),
      layer: Layer.DATA,
      severity: Severity.TICKET,
      summary: `More than ${percent} % of the records of ${dataset} went to quarantine within an hour.`,
      firstAction: 'see by which rule: the counts are in the ledger and in the File Accounted events.',
      runbook: 'quarantine-high',
      metric: new MathExpression({
        expression: `IF(read >= ${QUARANTINE_LEAST}, 100 * quarantined / read)`,
        usingMetrics: { read: metrics.rowsRead({ period }), quarantined: metrics.rowsQuarantined({ period }) },
        period,
      }),
      threshold: percent,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private registerThrottled(): void {
    registerAlarm(this, 'SendersThrottledAlarm', {
      alarmName: physicalName([this.streamName, 'senders-throttled'], 255),
      layer: Layer.DATA,
      severity: Severity.TICKET,
      summary: `The stream of ${this.intake.dataset} had no room for records: senders that do not try again lose them.`,
      firstAction: 'see whether one partition key or the sum of all is too much.',
      runbook: 'senders-throttled',
      metric: this.metricThrottledRecords(),
      threshold: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

function problemsOf({ intake, streamName, shardCount, retention, landingWindow, maximumDelay }: StreamIntakeProps): string[] {
  const shape = '1 to 100 lower-case letters, digits and hyphens, starting with a letter or digit';
  return [
    ...unknownAtSynth('streamName', streamName),
    ...mismatch('streamName', streamName, /^[a-z0-9][a-z0-9-]{0,99}$/, shape),
    ...outsideRange('shardCount', shardCount, 1, 500),
    ...notWhole('shardCount', shardCount),
    ...amount('retention (hours)', retention, 24, 365 * 24, (time) => time.toHours({ integral: false })),
    ...amount('landingWindow (seconds)', landingWindow, 0, 300, (time) => time.toSeconds({ integral: false })),
    ...amount('maximumDelay (seconds)', maximumDelay, 60, 86_400, (time) => time.toSeconds({ integral: false })),
    ...fileRuleProblems("'intake'", intake.contract),
  ];
}

/** How a stream is cut into batches says nothing of the data, so rules of a whole file cannot be held against one. @internal */
export function fileRuleProblems(at: string, contract: DataContract): string[] {
  const { fileRules = [] } = JSON.parse(contract._json) as CompiledContract;
  return fileRules.length === 0
    ? []
    : [
        `${at} has the contract ${contract}, of which ${fileRules.map(({ path }) => path).join(', ')} judges a file as a whole, and a stream has none: say mustBe 0 of single records, or take the rule out`,
      ];
}

function amount(name: string, value: Duration | undefined, min: number, max: number, inUnit: (time: Duration) => number): string[] {
  if (value === undefined || value.isUnresolved()) {
    return unknownAmount(name.split(' ')[0], value);
  }
  return [...outsideRange(name, inUnit(value), min, max), ...notWhole(name, inUnit(value))];
}
