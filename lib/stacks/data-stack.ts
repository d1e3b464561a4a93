import { CfnOutput, CrossStackReferences, Duration, ReferenceStrength, RemovalPolicy, Size } from 'aws-cdk-lib';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { onlineOf } from '../config/dataset-rules';
import { BlueprintConfig, StreamConfig } from '../config/schema';
import {
  DataContract,
  DataIntake,
  DatasetCatalog,
  DatasetQueries,
  DataZones,
  FeatureStore,
  FeatureWriter,
  OnlineTable,
  RecordsApi,
  StreamIntake,
  TimeSplit,
} from '../constructs/data';
import { Layer } from '../constructs/ownership';
import { physicalName } from '../constructs/shared/names';
import { WorkloadStack } from './workload-stack';

export interface DataStackProps {
  readonly bus: IEventBus;
  readonly clockParameter?: IStringParameter;
  /** What records of streams count for. Undefined: the file declares no features. */
  readonly features?: FeatureStore;
}

interface StreamSurroundings extends DataStackProps {
  /** Undefined: nobody may post records. */
  readonly records?: RecordsApi;
  readonly removalPolicy: RemovalPolicy;
}

/** Where data lies and how it comes in: zones, one intake per contract, the catalogue of dataset versions. */
export class DataStack extends WorkloadStack {
  public readonly zones: DataZones;
  public readonly intakes: DataIntake[];
  public readonly catalog: DatasetCatalog;

  constructor(scope: Construct, id: string, config: BlueprintConfig, props: DataStackProps) {
    super(scope, id, config, Layer.DATA);
    const { bus, clockParameter } = props;
    const { rawRetentionDays, quarantineRetentionDays, deleteDataWithStack, contracts } = config.data;
    const removalPolicy = deleteDataWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.zones = new DataZones(this, 'Zones', {
      rawRetention: Duration.days(rawRetentionDays),
      quarantineRetention: Duration.days(quarantineRetentionDays),
      removalPolicy,
      deleteObjects: deleteDataWithStack,
    });
    const { raw, validated, quarantine, capture } = this.zones;
    [raw, validated, quarantine, capture].forEach((bucket) => CrossStackReferences.of(bucket).produce(ReferenceStrength.STRONG));
    const teams = Object.keys(config.teams);
    this.intakes = contracts.map((file) => {
      const contract = DataContract.fromFile(file);
      const intakeName = physicalName([this.prefix, contract.dataset], 80);
      return new DataIntake(this, contract.dataset, { zones: this.zones, contract, bus, intakeName, knownOwners: teams, removalPolicy });
    });
    this.catalog = new DatasetCatalog(this, 'Catalog', {
      ...{ zones: this.zones, bus, clockParameter, removalPolicy },
      catalogName: this.prefix,
    });
    this.intakes.forEach((intake) => this.catalog.addDataset(intake, { split: splitFor(config, intake.dataset) }));
    this.tell({ RawBucket: raw.bucketName, ValidatedBucket: validated.bucketName, QuarantineBucket: quarantine.bucketName });
    this.tell({
      CaptureBucket: capture.bucketName,
      CatalogTable: this.catalog.table.tableName,
      DatasetBuilder: this.catalog.builder.functionName,
    });
    this.intakes.forEach(({ dataset, ledger, operations }) =>
      this.tell({ [`${dataset}Ledger`]: ledger.tableName, [`${dataset}Operations`]: operations.stateMachineArn }),
    );
    this.createQueries(config);
    const streamed = this.intakes.filter(({ dataset }) => dataset in config.data.streams);
    const records = this.createRecordsApi(config, clockParameter);
    streamed.forEach((intake) => this.createStream(intake, config.data.streams[intake.dataset], { ...props, records, removalPolicy }));
  }

  /** SQL over the versions of the datasets, where the file asks for it. */
  private createQueries({ data: { queries, deleteDataWithStack } }: BlueprintConfig): void {
    if (queries === undefined) {
      return;
    }
    const { workGroup, database } = new DatasetQueries(this, 'Queries', {
      catalog: this.catalog,
      name: this.prefix,
      scanLimit: Size.mebibytes(queries.scanLimitMegabytes),
      resultRetention: Duration.days(queries.resultRetentionDays),
      removalPolicy: deleteDataWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      deleteObjects: deleteDataWithStack,
    });
    this.tell({ QueryWorkGroup: workGroup, QueryDatabase: database });
  }

  /** One API for the records of all datasets that senders may post; what writes its logs is there before the stack of the bus. */
  private createRecordsApi(
    { data: { streams, httpRequestsPerSecond } }: BlueprintConfig,
    clockParameter?: IStringParameter,
  ): RecordsApi | undefined {
    if (Object.values(streams).every(({ http }) => http === undefined)) {
      return undefined;
    }
    const apiName = physicalName([this.prefix, 'records'], 60);
    const records = new RecordsApi(this, 'Records', { apiName, requestsPerSecond: httpRequestsPerSecond, clockParameter });
    this.tell({ RecordsUrl: records.url });
    return records;
  }

  /** The stream beside the files of a dataset, who may put records on it, and what they count for. */
  private createStream(intake: DataIntake, settings: StreamConfig, around: StreamSurroundings): void {
    const { dataset, intakeName } = intake;
    const { features, clockParameter, records, removalPolicy } = around;
    const { shardCount, retentionDays, landingWindowSeconds, maximumDelayMinutes, http, online } = settings;
    const source = new StreamIntake(this, `${dataset}-stream`, {
      ...{ intake, shardCount, removalPolicy },
      retention: Duration.days(retentionDays),
      landingWindow: Duration.seconds(landingWindowSeconds),
      maximumDelay: maximumDelayMinutes === undefined ? undefined : Duration.minutes(maximumDelayMinutes),
    });
    this.tell({ [`${dataset}Stream`]: source.streamName });
    const onlineName = physicalName([intakeName, 'online'], 100);
    const newest =
      online === undefined
        ? undefined
        : new OnlineTable(this, `${dataset}-online`, { ...onlineOf(online), source, onlineName, removalPolicy });
    if (newest !== undefined) {
      this.tell({ [`${dataset}Online`]: newest.table.tableName });
    }
    if (http !== undefined) {
      records!.addDataset(source, { ...http, online: newest });
    }
    if (features?.features.some((feature) => feature.dataset === dataset)) {
      const writerName = physicalName([intakeName, 'features'], 100);
      new FeatureWriter(this, `${dataset}-features`, { source, store: features, writerName, clockParameter });
    }
  }

  private tell(outputs: Record<string, string>): void {
    Object.entries(outputs).forEach(([name, value]) => new CfnOutput(this, name, { value }));
  }
}

/** The split that the models trained on a dataset ask for: one, as loading the configuration has made sure. */
function splitFor({ endpoints }: BlueprintConfig, dataset: string): TimeSplit | undefined {
  const training = Object.values(endpoints).find(({ model }) => model.training?.dataset === dataset)?.model.training;
  if (training === undefined) {
    return undefined;
  }
  return TimeSplit.closedMonths({ eventTime: training.eventTime, labelDelay: Duration.days(training.labelDelayDays) });
}
