import { Arn, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase } from 'aws-cdk-lib/aws-glue';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { failOn, mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { generatedName } from '../../shared/names';
import { removalProblems } from '../../shared/removal';
import { DataContract } from '../data-contract/data-contract';
import { DatasetCatalog } from '../dataset-catalog/dataset-catalog';
import { allow, allowRead, allowWrite } from '../grants';
import { columnProblems, createQueryTable, queryPrefix, sqlName } from './query-table';

/** Properties of `DatasetQueries`. */
export interface DatasetQueriesProps {
  /** The catalogue whose datasets become tables, those that are added to it later too. */
  readonly catalog: DatasetCatalog;
  /**
   * Name of the work group, and with underscores for hyphens of the database: 1 to 80 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly name?: string;
  /**
   * What one query may scan, from 10 MB to 1 PB; one that scans more is cancelled, and what it scanned is charged
   * (https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html).
   *
   * @default Size.gibibytes(10) - 5 cents at 5 USD a terabyte (https://aws.amazon.com/athena/pricing/), and hundreds of times what a year of flights of three
   * airports takes: a query that needs more has most likely forgotten something
   */
  readonly scanLimit?: Size;
  /**
   * Results are deleted after this: 1 to 365 whole days. They hold records, and can be had again.
   *
   * @default Duration.days(7)
   */
  readonly resultRetention?: Duration;
  /**
   * What happens to the bucket of results when it leaves the stack. `DESTROY` needs `deleteObjects` as well.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * The second switch: delete all results with the bucket. It counts only together with `removalPolicy: RemovalPolicy.DESTROY`.
   *
   * @default false
   */
  readonly deleteObjects?: boolean;
}

/** The API's bounds (https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html gives the lower one). Bytes. */
const SCAN_LIMITS = { lowest: 10_000_000, highest: 1e15 };

/**
 * SQL over the versions of the datasets of a catalogue: a table for each dataset, and a work group of Amazon Athena that limits what a query may cost.
 *
 * From then on the builder writes the records of each new version that count into one Parquet object, and a query reads only these: never an attempt that was not
 * committed, nor a superseded record. A query must say which versions it wants, `WHERE dataset_version = '<id>'`; without that it is refused. Versions of before, and
 * those whose records another contract judged (`queryProblem` of the manifest), cannot be queried.
 *
 * Where AWS Lake Formation governs the data catalogue, its permissions are needed beside those of `grantQuery`.
 */
export class DatasetQueries extends Construct {
  /** Name of the work group: give it to the client. */
  public readonly workGroup: string;
  /** Name of the database: hyphens of `name` are underscores. */
  public readonly database: string;
  /** Where the results lie, for as long as `resultRetention`. */
  public readonly results: IBucket;
  private readonly catalog: DatasetCatalog;
  private readonly datasets = new Set<string>();

  constructor(scope: Construct, id: string, props: DatasetQueriesProps) {
    super(scope, id);
    failOn(this, 'InvalidDatasetQueries', problemsOf(props));
    this.catalog = props.catalog;
    const name = props.name ?? generatedName(this, 80);
    this.results = this.createResults(props);
    this.workGroup = this.createWorkGroup(name, props.scanLimit ?? Size.gibibytes(10)).name;
    this.database = sqlName(name);
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Stack.of(this).account,
      databaseInput: { name: this.database, description: 'Dataset versions' },
    });
    props.catalog._makeQueryable((contract) => this.addTable(database, contract));
  }

  /** Name of the table of a dataset: hyphens are underscores. Errors: unknown dataset. */
  public table(dataset: string): string {
    failOn(this, 'UnknownDataset', this.datasets.has(dataset) ? [] : [`there is no dataset '${dataset}': add its intake to the catalogue`]);
    return sqlName(dataset);
  }

  /**
   * Lets `grantee` query one dataset in the work group and read the results. All who may query in it can read the results of the others. Errors: unknown dataset.
   */
  public grantQuery(dataset: string, grantee: IGrantable): Grant {
    const { manifests } = this.catalog;
    const prefix = queryPrefix(dataset);
    return allow(grantee, WORK_GROUP_ACTIONS, this.arn('athena', 'workgroup', this.workGroup))
      .combine(allow(grantee, ['glue:GetDatabase', 'glue:GetTable'], ...this.tableArns(this.table(dataset))))
      .combine(allow(grantee, ['s3:GetBucketLocation'], manifests.bucketArn, this.results.bucketArn))
      .combine(allowList(grantee, manifests, prefix))
      .combine(allowRead(grantee, manifests, `${prefix}*`))
      .combine(allowRead(grantee, this.results, '*'))
      .combine(allowWrite(grantee, this.results, '*'))
      .combine(allow(grantee, ['s3:ListMultipartUploadParts'], this.results.arnForObjects('*')));
  }

  private addTable(database: CfnDatabase, contract: DataContract): void {
    failOn(this, 'InvalidDatasetQueries', columnProblems(contract._rules));
    createQueryTable(this, database, this.catalog.manifests, contract._rules);
    this.datasets.add(contract.dataset);
  }

  /** The default database too, which Athena looks for (https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html). */
  private tableArns(table: string): string[] {
    return [
      this.arn('glue', 'catalog'),
      this.arn('glue', 'database', 'default'),
      this.arn('glue', 'database', this.database),
      this.arn('glue', 'table', `${this.database}/${table}`),
    ];
  }

  private arn(service: string, resource: string, resourceName?: string): string {
    return Arn.format({ service, resource, resourceName }, Stack.of(this));
  }

  private createWorkGroup(name: string, scanLimit: Size): CfnWorkGroup {
    const key = this.results.encryptionKey;
    return new CfnWorkGroup(this, 'WorkGroup', {
      name,
      description: 'Queries of dataset versions',
      // Its history and saved queries do not keep a stack from being deleted.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        requesterPaysEnabled: false,
        bytesScannedCutoffPerQuery: scanLimit.toBytes(),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: this.results.s3UrlForObject('results/'),
          expectedBucketOwner: Stack.of(this).account,
          encryptionConfiguration: key === undefined ? { encryptionOption: 'SSE_S3' } : { encryptionOption: 'SSE_KMS', kmsKey: key.keyArn },
        },
      },
    });
  }

  private createResults({ catalog, resultRetention, removalPolicy, deleteObjects }: DatasetQueriesProps): Bucket {
    const { encryptionKey, accessLogs } = { encryptionKey: catalog.manifests.encryptionKey, accessLogs: catalog._zones.accessLogs };
    const bucket = new Bucket(this, 'Results', {
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { id: 'retention', expiration: resultRetention ?? Duration.days(7), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN,
      autoDeleteObjects: deleteObjects ?? false,
    });
    // As for the zones: by the resource's own property, and deleted before the logs are emptied.
    (bucket.node.defaultChild as CfnBucket).loggingConfiguration = {
      destinationBucketName: accessLogs.bucketName,
      logFilePrefix: 'queries/',
    };
    const emptied = accessLogs.node.tryFindChild('AutoDeleteObjectsCustomResource');
    if (emptied !== undefined) {
      bucket.node.addDependency(emptied);
    }
    return bucket;
  }
}

/** What a client of a work group calls (https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html). */
const WORK_GROUP_ACTIONS = [
  'athena:GetWorkGroup',
  'athena:StartQueryExecution',
  'athena:StopQueryExecution',
  'athena:GetQueryExecution',
  'athena:GetQueryResults',
];

function allowList(grantee: IGrantable, bucket: IBucket, prefix: string): Grant {
  const conditions = { StringLike: { 's3:prefix': `${prefix}*` } };
  return Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [bucket.bucketArn], conditions });
}

function problemsOf(props: DatasetQueriesProps): string[] {
  const { name, scanLimit, resultRetention } = props;
  return [
    ...unknownAtSynth('name', name),
    ...mismatch('name', name, /^[a-z0-9][a-z0-9-]{0,79}$/, '1 to 80 lower-case letters, digits and hyphens'),
    ...(scanLimit === undefined || scanLimit.isUnresolved()
      ? unknownAmount('scanLimit', scanLimit)
      : outsideRange('scanLimit (bytes)', scanLimit.toBytes(), SCAN_LIMITS.lowest, SCAN_LIMITS.highest)),
    ...retentionProblems(resultRetention),
    ...removalProblems(props),
  ];
}

function retentionProblems(retention: Duration | undefined): string[] {
  if (retention === undefined || retention.isUnresolved()) {
    return unknownAmount('resultRetention', retention);
  }
  const days = retention.toDays({ integral: false });
  return [...outsideRange('resultRetention (days)', days, 1, 365), ...notWhole('resultRetention (days)', days)];
}
