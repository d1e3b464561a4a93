import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { AttributeType, ITable, ProjectionType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { IEventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { failOn, mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { followChanges } from '../shared/table-follower';
import { generatedName } from '../shared/names';
import { isDeadLetterQueue, withoutPolicyFindings } from '../shared/acknowledgements';
import { keyedTable } from '../shared/keyed-table';
import { BOOKS, ENV } from './contract';
import { registerBooksAlarms } from './prediction-books-alarms';

/** Properties of `PredictionBooks`. */
export interface PredictionBooksProps {
  /** Bus that hears of every prediction made, labelled and expired. */
  readonly bus: IEventBus;
  /**
   * Value of the dimension `Api` in the metrics and start of the alarm names: 1 to 60 lower-case letters, digits and hyphens, known at
   * synth.
   *
   * @default - generated from the construct path
   */
  readonly apiName?: string;
  /**
   * A prediction without ground truth expires this long after its event: whole seconds, 1 hour to 365 days, known at synth.
   *
   * @default Duration.hours(48)
   */
  readonly labelWindow?: Duration;
  /**
   * An alarm tells the owner of integration when less than this share of the predictions gets ground truth. Percent, 0 (no alarm) to
   * 100, known at synth.
   *
   * @default 90
   */
  readonly minimumLabelCoverage?: number;
  /**
   * Label coverage is not judged on fewer predictions than this, a whole number from 1 to 1,000,000,000.
   *
   * @default 100
   */
  readonly labelCoverageBase?: number;
  /**
   * Parameter that holds the workload clock of a replay: `real` or `replay(<ISO 8601 time>)`.
   *
   * @default - real time
   */
  readonly clockParameter?: IStringParameter;
  /**
   * What happens to the books when they leave the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Days of event time that label coverage is measured over. @internal */
export const COVERAGE_DAYS = 7;

/**
 * Every prediction and what became of it: open, then labelled or expired, exactly once.
 *
 * A tally moves in the same transaction as the state, so made = labelled + expired + open at any moment, whatever is retried, raced or
 * crashes. Events leave from the table's stream, after the commit.
 */
export class PredictionBooks extends Construct {
  /** One item per prediction, keyed `<model>/<id>`. */
  public readonly predictions: ITable;
  /** Counts per shard, day of event time and model. */
  public readonly tally: ITable;
  /** Changes that could not be announced on the bus, for 14 days. */
  public readonly deadLetterQueue: IQueue;
  /** Value of the dimension `Api`. */
  public readonly apiName: string;
  /** A prediction without ground truth expires this long after its event. */
  public readonly labelWindow: Duration;
  /** Parameter of the workload clock; absent: real time. */
  public readonly clockParameter?: IStringParameter;

  constructor(scope: Construct, id: string, props: PredictionBooksProps) {
    super(scope, id);
    failOn(this, 'InvalidPredictionBooks', problemsOf(props));
    this.apiName = props.apiName ?? generatedName(this, 60);
    this.labelWindow = props.labelWindow ?? Duration.hours(48);
    this.clockParameter = props.clockParameter;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const predictions = this.createPredictions(removalPolicy);
    this.predictions = predictions;
    this.tally = this.createTally(removalPolicy);
    this.deadLetterQueue = this.createDeadLetterQueue();
    this.createPublisher(predictions, props.bus);
    const expiry = this.createExpiry();
    registerBooksAlarms(this, {
      deadLetterQueue: this.deadLetterQueue,
      expiry,
      apiName: this.apiName,
      minimumLabelCoverage: props.minimumLabelCoverage ?? 90,
      labelCoverageBase: props.labelCoverageBase ?? 100,
    });
  }

  /** Lets `grantee` read predictions and tally. */
  public grantRead(grantee: IGrantable): Grant {
    return allow(grantee, this.predictions.tableArn, ['dynamodb:GetItem']).combine(this.grantReadTally(grantee));
  }

  /** Lets `grantee` read the tally. */
  public grantReadTally(grantee: IGrantable): Grant {
    return allow(grantee, this.tally.tableArn, ['dynamodb:Query']);
  }

  /** Lets `grantee` enter, label and expire predictions, which includes reading them. */
  public grantWrite(grantee: IGrantable): Grant {
    const predictions = allow(grantee, this.predictions.tableArn, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
    return predictions.combine(allow(grantee, this.tally.tableArn, ['dynamodb:UpdateItem', 'dynamodb:Query']));
  }

  /** Environment of a function that works on these books, and its grant on the clock. @internal */
  public _serve(fn: Lambda): void {
    fn.addEnvironment(ENV.apiName, this.apiName);
    fn.addEnvironment(ENV.predictionsTable, this.predictions.tableName);
    fn.addEnvironment(ENV.tallyTable, this.tally.tableName);
    fn.addEnvironment(ENV.labelWindowSeconds, String(this.labelWindow.toSeconds()));
    this._giveClock(fn);
    this.grantWrite(fn);
    withoutPolicyFindings(fn);
  }

  /** Lets a function read the workload clock of these books. @internal */
  public _giveClock(fn: Lambda): void {
    if (this.clockParameter !== undefined) {
      fn.addEnvironment('WORKLOAD_CLOCK_PARAMETER', this.clockParameter.parameterName);
      this.clockParameter.grantRead(fn);
    }
  }

  private createPredictions(removalPolicy: RemovalPolicy): Table {
    const table = keyedTable(this, 'Predictions', {
      partitionKey: BOOKS.key,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      removalPolicy,
    });
    table.addGlobalSecondaryIndex({
      indexName: BOOKS.openIndex,
      partitionKey: { name: BOOKS.openShard, type: AttributeType.STRING },
      sortKey: { name: BOOKS.expiresAt, type: AttributeType.STRING },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['model', 'eventTime'],
    });
    return table;
  }

  private createTally(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Tally', {
      partitionKey: BOOKS.shard,
      sortKey: BOOKS.bucket,
      removalPolicy,
    });
  }

  private createDeadLetterQueue(): Queue {
    const queue = new Queue(this, 'Unannounced', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    isDeadLetterQueue(queue);
    return queue;
  }

  /** The outbox: what the stream shows is committed, and it is delivered until the bus took it. */
  private createPublisher(predictions: Table, bus: IEventBus): void {
    const publisher = handlerFunction(this, 'Publisher', {
      handler: 'prediction-events',
      description: 'Announces committed changes of the prediction books on the event bus',
      environment: { [ENV.eventBus]: bus.eventBusName },
      timeout: Duration.seconds(30),
      memory: Size.mebibytes(256),
    });
    followChanges(publisher, predictions, this.deadLetterQueue);
    bus.grantPutEventsTo(publisher);
    withoutPolicyFindings(publisher);
  }

  private createExpiry(): Lambda {
    const expiry = handlerFunction(this, 'Expiry', {
      handler: 'prediction-expiry',
      description: 'Ends predictions whose label window is over and measures label coverage',
      environment: { [ENV.coverageDays]: String(COVERAGE_DAYS) },
      timeout: Duration.seconds(240),
    });
    this._serve(expiry);
    allow(expiry, `${this.predictions.tableArn}/index/${BOOKS.openIndex}`, ['dynamodb:Query']);
    new Rule(this, 'ExpirySchedule', {
      description: 'Ends predictions whose label window is over',
      schedule: Schedule.rate(Duration.minutes(5)),
      targets: [new LambdaFunction(expiry, { retryAttempts: 0 })],
    });
    return expiry;
  }
}

/** Exactly these actions on exactly this resource: a table's own grants cover every index with a wildcard. */
const allow = (grantee: IGrantable, arn: string, actions: string[]): Grant =>
  Grant.addToPrincipal({ grantee, actions, resourceArns: [arn] });

function problemsOf(props: PredictionBooksProps): string[] {
  const seconds = (props.labelWindow?.isUnresolved() ?? true) ? undefined : props.labelWindow?.toSeconds({ integral: false });
  return [
    ...unknownAtSynth('apiName', props.apiName),
    ...mismatch('apiName', props.apiName, /^[a-z0-9][a-z0-9-]{0,59}$/, '1 to 60 lower-case letters, digits and hyphens'),
    ...unknownAmount('labelWindow', props.labelWindow),
    ...outsideRange('labelWindow (seconds)', seconds, 3600, 365 * 86400),
    ...notWhole('labelWindow (seconds)', seconds),
    ...unknownAtSynth('minimumLabelCoverage', props.minimumLabelCoverage),
    ...outsideRange('minimumLabelCoverage', props.minimumLabelCoverage, 0, 100),
    ...unknownAtSynth('labelCoverageBase', props.labelCoverageBase),
    ...outsideRange('labelCoverageBase', props.labelCoverageBase, 1, 1e9),
    ...notWhole('labelCoverageBase', props.labelCoverageBase),
  ];
}
