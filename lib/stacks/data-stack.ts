import { CfnOutput, CrossStackReferences, Duration, ReferenceStrength, RemovalPolicy } from 'aws-cdk-lib';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { BlueprintConfig, StreamConfig } from '../config/schema';
import {
  DataContract,
  DataIntake,
  DatasetCatalog,
  DataZones,
  FeatureStore,
  FeatureWriter,
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
    this.intakes
      .filter(({ dataset }) => dataset in config.data.streams)
      .forEach((intake) => this.createStream(intake, config.data.streams[intake.dataset], props, removalPolicy));
  }

  /** The stream beside the files of a dataset, and what its records count for. */
  private createStream(
    intake: DataIntake,
    settings: StreamConfig,
    { features, clockParameter }: DataStackProps,
    removalPolicy: RemovalPolicy,
  ): void {
    const { dataset, intakeName } = intake;
    const { shardCount, retentionDays, landingWindowSeconds, maximumDelayMinutes } = settings;
    const source = new StreamIntake(this, `${dataset}-stream`, {
      ...{ intake, shardCount, removalPolicy },
      retention: Duration.days(retentionDays),
      landingWindow: Duration.seconds(landingWindowSeconds),
      maximumDelay: maximumDelayMinutes === undefined ? undefined : Duration.minutes(maximumDelayMinutes),
    });
    this.tell({ [`${dataset}Stream`]: source.streamName });
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
