import { Duration, Lazy, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, FilterRule, Function as Lambda, IFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { registerAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { acknowledgeResource, isDeadLetterQueue, withoutPolicyFindings } from '../../shared/acknowledgements';
import { failOn, mismatch, unknownAtSynth } from '../../shared/checks';
import { handlerFunction } from '../../shared/handler-function';
import { keyedTable } from '../../shared/keyed-table';
import { generatedName, physicalName } from '../../shared/names';
import { DATA_ENV, LEDGER } from '../contract';
import { CompiledContract } from '../data-contract/contract';
import { INTAKE_SCRATCH_MEBIBYTES } from '../data-intake/contract';
import { DatasetEntry, QUERY_FILES } from './contract';
import { DataContract } from '../data-contract/data-contract';
import { DataIntake } from '../data-intake/data-intake';
import { contractAsset } from '../data-intake/contract-asset';
import { DataZones } from '../data-zones';
import { allow, allowRead, allowWrite } from '../grants';
import { Dataset, entryOf, sizeProblems } from './dataset-entry';
import { TimeSplit } from './time-split';

/** Properties of a `DatasetCatalog`. */
export interface DatasetCatalogProps {
  /** Where validated records lie; manifests are put beside them, below `datasets/`. */
  readonly zones: DataZones;
  /**
   * Bus that hears of each new dataset version.
   *
   * @default - nobody is told; the catalogue knows
   */
  readonly bus?: IEventBus;
  /**
   * Start of the names of alarms: 1 to 80 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly catalogName?: string;
  /**
   * Parameter that holds the workload clock of a replay, `real` or `replay(<ISO 8601 time>)`: it dates the versions.
   *
   * @default - real time
   */
  readonly clockParameter?: IStringParameter;
  /**
   * What happens to the catalogue when it leaves the stack. The manifests stay with the zones.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** How versions of a dataset are made. */
export interface DatasetOptions {
  /**
   * How its versions are divided into training, validation and test data; a part of their identity. Training needs it.
   *
   * @default - versions are not divided
   */
  readonly split?: TimeSplit;
}

/** Prefix of the manifests. */
const MANIFESTS = 'datasets';

/**
 * Immutable versions of datasets. A manifest pins exactly the objects that committed ledger rows name: versions, checksums, rows, contract.
 * Of records with one primary key in several files the one of the newest file counts; the manifest names the others, which are superseded.
 * Its id is a hash of the content, so that the same data is the same version. Each version is entered once and announced on the bus.
 *
 * Limits: 14 minutes to read the records, and 2^25 (33,554,432) of them where the contract has a primary key; more is the error `DatasetTooLarge`.
 */
export class DatasetCatalog extends Construct {
  /** One row per dataset version. */
  public readonly table: ITable;
  /** Publishes what was committed as a dataset version: invoke it with `{"dataset": "<name>"}`, or by an event whose detail is that. */
  public readonly builder: IFunction;
  /** Bucket of the manifests, and of the objects that they name. */
  public readonly manifests: IBucket;
  /** @internal */
  public readonly _zones: DataZones;
  private readonly datasets = new Map<string, Dataset>();
  private readonly build: Lambda;
  private createQueryTable?: (contract: DataContract) => void;
  private readonly followers: ((intake: DataIntake) => void)[] = [];

  constructor(scope: Construct, id: string, props: DatasetCatalogProps) {
    super(scope, id);
    failOn(this, 'InvalidDatasetCatalog', [
      ...unknownAtSynth('catalogName', props.catalogName),
      ...mismatch('catalogName', props.catalogName, /^[a-z0-9][a-z0-9-]{0,79}$/, '1 to 80 lower-case letters, digits and hyphens'),
    ]);
    this._zones = props.zones;
    this.manifests = props.zones.validated;
    const name = props.catalogName ?? generatedName(this, 80);
    const table = this.createTable(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.table = table;
    this.build = this.createBuilder(props.clockParameter);
    this.builder = this.build;
    this.createFailingAlarm(name);
    if (props.bus !== undefined) {
      this.createAnnouncer(name, table, props.bus);
    }
  }

  /**
   * Lets the catalogue publish versions of the dataset that an intake feeds. The builder may read its records. Errors: a second intake of that
   * dataset; other zones; a split by columns that are no event time.
   */
  public addDataset(intake: DataIntake, options: DatasetOptions = {}): void {
    const { dataset, contract, ledger } = intake;
    failOn(this, 'InvalidDataset', this.problemsOf(intake, options));
    const asset = contractAsset(new Construct(this, `Dataset-${dataset}`), contract);
    this.datasets.set(dataset, { intake, options, asset });
    this.createQueryTable?.(contract);
    this.followers.forEach((follow) => follow(intake));
    allow(this.build, ['dynamodb:Scan', 'dynamodb:GetItem', 'dynamodb:ConditionCheckItem'], ledger.tableArn);
    allow(this.build, ['s3:GetObject'], asset.bucket.arnForObjects(asset.s3ObjectKey));
    const records = `${dataset}/*`;
    allowRead(this.build, this._zones.validated, records);
    const reason = 'attempts have random names; the wildcard stays below the dataset, whose records are counted';
    acknowledgeResource(this.build, this._zones.validated.arnForObjects(records), reason);
  }

  /** Lets `grantee` read the catalogue and every manifest. */
  public grantRead(grantee: IGrantable): Grant {
    const table = allow(grantee, ['dynamodb:GetItem', 'dynamodb:Scan'], this.table.tableArn);
    return table.combine(allowRead(grantee, this._zones.validated, `${MANIFESTS}/*`));
  }

  /** Lets `grantee`, who may be of another account, read the manifests of one dataset and the objects that they name. Errors: unknown dataset. */
  public grantReadDataset(dataset: string, grantee: IGrantable): Grant {
    failOn(
      this,
      'UnknownDataset',
      this.datasets.has(dataset) ? [] : [`there is no dataset '${dataset}': add its intake with addDataset()`],
    );
    return allowRead(grantee, this._zones.validated, `${MANIFESTS}/${dataset}/*`, `${dataset}/*`);
  }

  /** How versions of a dataset are divided; undefined when it has no split or is not in the catalogue. @internal */
  public _splitOf(dataset: string): TimeSplit | undefined {
    return this.datasets.get(dataset)?.options.split;
  }

  /** Calls `follow` for each dataset, now or when it is added. @internal */
  public _eachDataset(follow: (intake: DataIntake) => void): void {
    this.followers.push(follow);
    this.datasets.forEach(({ intake }) => follow(intake));
  }

  /** Has an object for queries written beside each version, and `createTable` called for each dataset, now or when it is added. @internal */
  public _makeQueryable(createTable: (contract: DataContract) => void): void {
    failOn(this, 'InvalidDatasetCatalog', [
      ...(this.createQueryTable === undefined ? [] : ['it has its DatasetQueries already: use that one']),
      ...sizeProblems([...this.datasets.values()], true),
    ]);
    this.createQueryTable = createTable;
    // A builder takes back what it wrote of a version that was withdrawn meanwhile; a wildcard, as for what it writes.
    const copies = this._zones.validated.arnForObjects(`${MANIFESTS}/*/${QUERY_FILES.folder}/*`);
    allow(this.build, ['s3:DeleteObjectVersion'], copies);
    acknowledgeResource(this.build, copies, 'an object for queries is named by the dataset and the id of its version');
    this.datasets.forEach(({ intake }) => createTable(intake.contract));
  }

  /** Lets `grantee` publish dataset versions: invoke the builder. */
  public grantBuild(grantee: IGrantable): Grant {
    return this.build.grantInvoke(grantee);
  }

  private createTable(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Versions', {
      partitionKey: LEDGER.key,
      stream: StreamViewType.NEW_IMAGE,
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
  }

  private createBuilder(clockParameter: IStringParameter | undefined): Lambda {
    const { validated } = this._zones;
    const builder = handlerFunction(this, 'Builder', {
      handler: 'dataset-builder',
      description: 'Publishes what the ledgers have committed as dataset versions',
      timeout: Duration.minutes(15),
      // One whole processor (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html): comparing keys is work for one.
      memory: Size.mebibytes(1769),
      ephemeralStorage: Size.mebibytes(INTAKE_SCRATCH_MEBIBYTES),
      environment: {
        [DATA_ENV.catalogue]: this.table.tableName,
        [DATA_ENV.validatedBucket]: validated.bucketName,
        [DATA_ENV.contractBucket]: Lazy.string({ produce: () => [...this.datasets.values()][0]?.asset.s3BucketName }),
        [DATA_ENV.datasets]: Lazy.string({ produce: () => Stack.of(this).toJsonString(this.entries()) }),
        ...(clockParameter === undefined ? {} : { WORKLOAD_CLOCK_PARAMETER: clockParameter.parameterName }),
      },
    });
    clockParameter?.grantRead(builder);
    allow(builder, ['dynamodb:GetItem', 'dynamodb:PutItem'], this.table.tableArn);
    allowWrite(builder, validated, `${MANIFESTS}/*`);
    acknowledgeResource(builder, validated.arnForObjects(`${MANIFESTS}/*`), 'a manifest is named by the hash of what it names');
    withoutPolicyFindings(builder);
    return builder;
  }

  private entries(): Record<string, DatasetEntry> {
    return Object.fromEntries([...this.datasets].map(([name, dataset]) => [name, entryOf(dataset, this.createQueryTable !== undefined)]));
  }

  /** The outbox: what the stream shows is in the catalogue, and it is delivered until the bus took it. */
  private createAnnouncer(name: string, table: Table, bus: IEventBus): void {
    const unannounced = new Queue(this, 'Unannounced', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    isDeadLetterQueue(unannounced);
    const announcer = handlerFunction(this, 'Announcer', {
      handler: 'dataset-events',
      description: 'Announces dataset versions on the event bus',
      environment: { [DATA_ENV.eventBus]: bus.eventBusName },
      timeout: Duration.seconds(30),
      memory: Size.mebibytes(256),
    });
    announcer.addEventSource(
      new DynamoEventSource(table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 10,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 20,
        onFailure: new SqsDlq(unannounced),
        filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual('INSERT') })],
      }),
    );
    bus.grantPutEventsTo(announcer);
    withoutPolicyFindings(announcer);
    registerAlarm(this, 'UnannouncedAlarm', {
      ...TICKET,
      alarmName: physicalName([name, 'datasets-unannounced'], 255),
      summary: 'A dataset version is in the catalogue, but the event bus did not take its announcement.',
      firstAction:
        'check that the bus exists and that the announcer may put events on it, then announce the version that the message names.',
      runbook: 'datasets-unannounced',
      metric: unannounced.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
      threshold: 1,
    });
  }

  private createFailingAlarm(name: string): void {
    registerAlarm(this, 'FailingAlarm', {
      ...TICKET,
      alarmName: physicalName([name, 'datasets-failing'], 255),
      summary: 'A dataset version could not be published.',
      firstAction: 'read the error in the log of the builder: it says what to do.',
      runbook: 'datasets-failing',
      metric: this.build.metricErrors({ statistic: Stats.SUM, period: Duration.minutes(5) }),
      threshold: 1,
    });
  }

  private problemsOf(intake: DataIntake, options: DatasetOptions): string[] {
    const { dataset } = intake;
    const split = options.split?._problems(JSON.parse(intake.contract._json) as CompiledContract) ?? [];
    if (split.length > 0) {
      return split;
    }
    return [
      ...(this.datasets.has(dataset) ? [`dataset '${dataset}' is in this catalogue already`] : []),
      ...(intake._feeds(this._zones) ? [] : [`the intake of '${dataset}' writes into other zones: give catalogue and intake the same`]),
      ...sizeProblems([...this.datasets.values(), { intake, options }], this.createQueryTable !== undefined),
    ];
  }
}

const TICKET = {
  layer: Layer.DATA,
  severity: Severity.TICKET,
  evaluationPeriods: 1,
  treatMissingData: TreatMissingData.NOT_BREACHING,
};
