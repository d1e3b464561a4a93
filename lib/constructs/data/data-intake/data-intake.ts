import { Duration, RemovalPolicy, Size, SizeRoundingBehavior, Stack, Token } from 'aws-cdk-lib';
import { ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { isDeadLetterQueue } from '../../shared/acknowledgements';
import { closest, failOn, mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { keyedTable } from '../../shared/keyed-table';
import { generatedName, physicalName } from '../../shared/names';
import { LEDGER } from '../contract';
import { INTAKE_SECONDS, MAXIMUM_FILE_BYTES, MAXIMUM_RECEIVES } from './contract';
import { DataContract } from '../data-contract/data-contract';
import { registerIntakeAlarms } from './data-intake-alarms';
import { contractAsset } from './contract-asset';
import { createJanitor, createRecorder, createValidator } from './data-intake-functions';
import { DataIntakeMetrics } from './data-intake-metrics';
import { createSplitting, splittingProblems } from './data-intake-splitting';
import { createOperations } from './intake-operations';
import { markPersonalData } from './personal-data';
import { DataZones } from '../data-zones';
import { ValidatedFormat } from './validated-format';
import { allow, allowWrite } from '../grants';

/** Properties of a `DataIntake`. */
export interface DataIntakeProps {
  /** Where files arrive and results go, in the Region of the intake. */
  readonly zones: DataZones;
  /** What a record must be. */
  readonly contract: DataContract;
  /**
   * Bus that hears of every file that was accounted for or rejected.
   *
   * @default - nobody is told; the ledger knows
   */
  readonly bus?: IEventBus;
  /**
   * Start of the names of queues and alarms and value of the dimension `Intake`: 1 to 80 lower-case letters, digits and hyphens, known at
   * synth.
   *
   * @default - generated from the construct path
   */
  readonly intakeName?: string;
  /**
   * Teams that may own data; the contract's owner must be one of them.
   *
   * @default - any owner
   */
  readonly knownOwners?: string[];
  /**
   * Files that are validated at the same time: 2 to 1000, a whole number
   * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
   *
   * @default 10 - leaves a new account's concurrency to others
   */
  readonly maxConcurrency?: number;
  /**
   * Memory of the validating function: 512 MiB to 10 GiB, whole mebibytes. Its need is bounded; more memory is more processor
   * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
   *
   * @default Size.mebibytes(1769) - one processor, which is what the validator can use
   */
  readonly memory?: Size;
  /**
   * Files larger than this are cut into ranges that are validated side by side, with the same result, as long as they are not compressed:
   * 1 MiB to 2 GiB, whole mebibytes. Only under a contract that says that no field holds a newline (`newlinesQuoted: false`; JSON Lines
   * always do) and has no rule about duplicates beside the primary key; giving it with another contract is an error. Files above 16 GiB,
   * and those that cannot be split above 2 GiB after decompression, are rejected with a reason that says what to do.
   *
   * @default Size.mebibytes(512) - what one function reads in a quarter of its time; for smaller files, starting the steps takes longer than they save
   */
  readonly splitAbove?: Size;
  /**
   * What accepted records are written as. A change holds for files that arrive from then on; datasets may have objects of both.
   *
   * @default ValidatedFormat.AS_RECEIVED - the bytes of each record stay what they were, and validation takes less than half the processor time
   */
  readonly validatedFormat?: ValidatedFormat;
  /**
   * What happens to the ledger when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

const SPLIT_ABOVE = Size.mebibytes(512);

/**
 * Takes in files below `raw/<dataset>/`: every record of a file ends valid or in quarantine, exactly once, or the file is rejected as a whole.
 *
 * CSV or JSON Lines, gzip or plain, is read as a stream. The ledger says what exists: an object that no committed row names does not.
 */
export class DataIntake extends Construct {
  /** Name of the dataset that the files feed. */
  public readonly dataset: string;
  /** What a record must be. */
  public readonly contract: DataContract;
  /** Where files of this dataset go in the raw zone: `<dataset>/`. */
  public readonly rawPrefix: string;
  /** Start of the names of queues and alarms, and value of the dimension `Intake`. */
  public readonly intakeName: string;
  /** One row per object version; its state says what became of it. */
  public readonly ledger: ITable;
  /** Files that wait for their validation. */
  public readonly queue: IQueue;
  /** Files whose validation failed again and again, or whose event could not be delivered, for 14 days. */
  public readonly deadLetterQueue: IQueue;
  /**
   * What a person may let this intake do: replay dead letters (`redrive`), judge what is in quarantine again (`revalidate`), judge older files
   * again (`rerun`), make up for what the ledger has lost (`rebuild`). Its input is `{operation, dryRun, reason, requestedBy, selection}`; without `dryRun: false` it only says what it would do.
   * Each execution leaves `<dataset>/operations/<execution>/report.json` in the validated zone; of two at once the second is refused.
   * What is refused changed nothing: such an execution succeeds with the answer `{refused}`.
   */
  public readonly operations: IStateMachine;
  /** Records, files and waiting times. */
  public readonly metrics: DataIntakeMetrics;
  private readonly zones: DataZones;

  constructor(scope: Construct, id: string, props: DataIntakeProps) {
    super(scope, id);
    const { zones, contract } = props;
    failOn(this, 'InvalidDataIntake', [...problemsOf(this, props), ...zones._taken(contract.dataset)]);
    zones._claim(contract.dataset, this);
    markPersonalData(this, zones, contract);
    this.zones = zones;
    this.contract = contract;
    this.dataset = contract.dataset;
    this.rawPrefix = `${contract.dataset}/`;
    this.intakeName = props.intakeName ?? generatedName(this, 80);
    const ledger = this.createLedger(props.removalPolicy ?? RemovalPolicy.RETAIN);
    const [queueName, deadLetterName] = [this.intakeName, physicalName([this.intakeName, 'dead-letters'], 80)];
    const deadLetterQueue = this.createDeadLetterQueue('DeadLetters', deadLetterName);
    const queue = this.createQueue(queueName, deadLetterQueue);
    const arrivals = this.listen(queue, deadLetterQueue);
    [this.ledger, this.queue, this.deadLetterQueue] = [ledger, queue, deadLetterQueue];
    this.metrics = DataIntakeMetrics._of(this.intakeName, queueName, deadLetterName);
    const contractFile = contractAsset(this, contract);
    const parts = { scope: this, intakeName: this.intakeName, zones, contract, contractFile, ledger, queue };
    const { maxConcurrency = 10, memory = Size.mebibytes(1769), splitAbove = SPLIT_ABOVE, bus } = props;
    const { validatedFormat = ValidatedFormat.AS_RECEIVED } = props;
    const validator = createValidator(parts, { maxConcurrency, memory, validatedFormat });
    const splits = splittingProblems(contract, validatedFormat).length === 0;
    const splitting = splits ? createSplitting(parts, { above: splitAbove, maxConcurrency, memory, validator }) : undefined;
    const lostChanges = this.createDeadLetterQueue('LostChanges');
    createRecorder(parts, lostChanges, bus);
    const janitor = createJanitor(parts, deadLetterQueue);
    this.operations = createOperations(parts, deadLetterQueue, splits ? splitAbove : undefined);
    registerIntakeAlarms(this, {
      intakeName: this.intakeName,
      contract,
      metrics: this.metrics,
      arrivals,
      validator,
      splitting,
      janitor,
      operations: this.operations,
      lostChanges,
    });
  }

  /** Lets `grantee`, who may be of another account, send files: put objects below `raw/<dataset>/`. */
  public grantSend(grantee: IGrantable): Grant {
    return allowWrite(grantee, this.zones.raw, `${this.rawPrefix}*`);
  }

  /** Lets `grantee` read the ledger. */
  public grantReadLedger(grantee: IGrantable): Grant {
    return allow(grantee, ['dynamodb:GetItem', 'dynamodb:Scan'], this.ledger.tableArn);
  }

  /**
   * Lets `grantee` freeze this intake for a time and end that, as `npm run freeze` does: read and write the one item of the ledger that says so
   * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
   */
  public grantFreeze(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['GetItem', 'PutItem', 'UpdateItem'].map((action) => `dynamodb:${action}`),
      resourceArns: [this.ledger.tableArn],
      conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [LEDGER.freeze] } },
    });
  }

  /** Where files arrive and results go. @internal */
  public get _zones(): DataZones {
    return this.zones;
  }

  /** Whether this intake writes into `zones`. @internal */
  public _feeds(zones: DataZones): boolean {
    return this.zones === zones;
  }

  private createLedger(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Ledger', {
      partitionKey: LEDGER.key,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
  }

  private createQueue(queueName: string, queue: Queue): Queue {
    return new Queue(this, 'Queue', {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(INTAKE_SECONDS.visibility),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue, maxReceiveCount: MAXIMUM_RECEIVES },
    });
  }

  private createDeadLetterQueue(id: string, queueName?: string): Queue {
    const queue = new Queue(this, id, {
      queueName,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    isDeadLetterQueue(queue);
    return queue;
  }

  /** Events that Amazon EventBridge could not deliver lie with the dead letters: they are the same messages and are replayed in the same way. */
  private listen(queue: Queue, deadLetterQueue: Queue): Rule {
    return new Rule(this, 'Arrivals', {
      description: `New files of ${this.dataset} to their intake`,
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [this.zones.raw.bucketName] }, object: { key: [{ prefix: this.rawPrefix }] } },
      },
      targets: [new SqsQueue(queue, { deadLetterQueue, retryAttempts: 185, maxEventAge: Duration.hours(24) })],
    });
  }
}

function problemsOf(scope: Construct, props: DataIntakeProps): string[] {
  const shape = '1 to 80 lower-case letters, digits and hyphens, starting with a letter or digit';
  const [memory, splitAbove] = [props.memory, props.splitAbove].map(mebibytes);
  return [
    ...unknownAtSynth('intakeName', props.intakeName),
    ...mismatch('intakeName', props.intakeName, /^[a-z0-9][a-z0-9-]{0,79}$/, shape),
    ...outsideRange('maxConcurrency', props.maxConcurrency, 2, 1000),
    ...notWhole('maxConcurrency', props.maxConcurrency),
    ...unknownAmount('memory', props.memory),
    ...outsideRange('memory (MiB)', memory, 512, 10240),
    ...notWhole('memory (MiB)', memory),
    ...unknownAmount('splitAbove', props.splitAbove),
    ...outsideRange('splitAbove (MiB)', splitAbove, 1, MAXIMUM_FILE_BYTES / 2 ** 20),
    ...notWhole('splitAbove (MiB)', splitAbove),
    ...(props.splitAbove === undefined
      ? []
      : splittingProblems(props.contract, props.validatedFormat).map((why) => `'splitAbove' cannot hold: ${why}`)),
    ...ownerProblems(props),
    ...regionProblems(scope, props),
  ];
}

function mebibytes(size: Size | undefined): number | undefined {
  return (size?.isUnresolved() ?? true) ? undefined : size?.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
}

function ownerProblems({ contract, knownOwners }: DataIntakeProps): string[] {
  if (knownOwners === undefined || knownOwners.includes(contract.owner)) {
    return [];
  }
  const meant = closest(contract.owner, knownOwners);
  const hint = meant === undefined ? `known are ${knownOwners.join(', ')}` : `did you mean '${meant}'?`;
  return [`'contract' ${contract} belongs to team '${contract.owner}', which is not known: ${hint}`];
}

/** Amazon S3 announces objects in the Region of their bucket. */
function regionProblems(scope: Construct, { zones }: DataIntakeProps): string[] {
  const [here, there] = [Stack.of(scope).region, zones.raw.env.region];
  return [here, there].some((region) => Token.isUnresolved(region)) || here === there
    ? []
    : [`'zones' are in ${there} but the intake in ${here}: put both into one Region`];
}
