import { Duration, Size, Validations } from 'aws-cdk-lib';
import { LambdaIntegration, Resource, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IStringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { withoutPolicyFindings } from '../../shared/acknowledgements';
import { failOn } from '../../shared/checks';
import { handlerFunction } from '../../shared/handler-function';
import { generatedName } from '../../shared/names';
import { grantExecute, REST_LIMIT, restApiProblems, signedRestApi } from '../../shared/rest-api';
import { unknownColumn } from '../column-names';
import { DATA_ENV } from '../contract';
import type { DataContract } from '../data-contract/data-contract';
import { contractAsset } from '../data-intake/contract-asset';
import { allow } from '../grants';
import type { OnlineTable } from '../online-table/online-table';
import type { StreamIntake } from '../stream-intake/stream-intake';
import { RECORDS_ENV, RECORDS_MEDIA, RECORDS_METRIC, RECORDS_ROUTE, RECORDS_SECONDS } from './contract';
import { registerRecordsAlarms } from './records-api-alarms';

/** Properties of a `RecordsApi`. */
export interface RecordsApiProps {
  /**
   * Name of the API and start of its alarm names: 1 to 60 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly apiName?: string;
  /**
   * Requests per second that the stage lets through, all datasets together, 1 to 10000. Above it the answer is 429, and nothing of the request was taken.
   *
   * @default 100
   */
  readonly requestsPerSecond?: number;
  /**
   * Requests that may arrive at once above the rate, a whole number from 1 to 5000.
   *
   * @default - twice the rate, at most 5000; 5000 when the rate is a Token
   */
  readonly burst?: number;
  /**
   * Parameter that holds the workload clock of a replay: the age of what is read is by it.
   *
   * @default - real time
   */
  readonly clockParameter?: IStringParameter;
}

/** How an API takes the records of a dataset. */
export interface RecordsOptions {
  /**
   * Columns of the contract: records of one request with the same values in them keep their order on the stream. With few values a request takes
   * longer, because such records are put one after the other, each when the stream has the one before.
   *
   * @default - the primary key; without one the records of a request have no order
   */
  readonly orderedBy?: string[];
  /**
   * Table of the same stream: what it knows of an entity is read by `GET /v1/datasets/{dataset}/newest`, with the columns that name the entity in the
   * query.
   *
   * @default - nothing is read
   */
  readonly online?: OnlineTable;
}

/**
 * Takes records by HTTP: `POST /v1/datasets/{dataset}/records` with one JSON object, an array of them, or one on each line, at most 500 records and
 * 1,000,000 bytes. Each is judged by the contract at once and put on the stream of its dataset; the answer says of each what became of it. A body
 * that is not UTF-8 is refused, and nothing of it is taken: a character that was replaced would be another record.
 *
 * With an online table, `GET /v1/datasets/{dataset}/newest?<column>=<value>` answers the columns of the entity's newest record with its event time
 * (`eventTime`), when it arrived (`arrivedAt`) and its age (`ageSeconds`, negative for an event ahead of now); 404 when nothing is known of it.
 *
 * The API does not own the account's API Gateway logging role: create that once per account and Region before the first stage.
 */
export class RecordsApi extends Construct {
  /** The API. */
  public readonly api: RestApi;
  /** Its name. */
  public readonly apiName: string;
  private readonly clockParameter?: IStringParameter;
  private readonly sources = new Map<string, StreamIntake>();
  private readonly readable = new Set<string>();
  private readonly root: Resource;

  constructor(scope: Construct, id: string, props: RecordsApiProps = {}) {
    super(scope, id);
    failOn(this, 'InvalidRecordsApi', restApiProblems(props));
    this.apiName = props.apiName ?? generatedName(this, 60);
    this.api = signedRestApi(this, {
      ...props,
      apiName: this.apiName,
      description: 'Takes records of datasets',
      binaryMediaTypes: Object.values(RECORDS_MEDIA),
    });
    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-APIG2',
      reason: 'the function judges each record by the contract, and says more than a schema of the API could, whose limits are others',
    });
    this.clockParameter = props.clockParameter;
    this.root = this.api.root.addResource('v1').addResource('datasets');
  }

  /** Base address; routes start with `v1/`. */
  public get url(): string {
    return this.api.url;
  }

  /**
   * Takes records of the dataset that a stream feeds. Errors: the dataset has a route already; a column that its contract does not have; a column
   * that is named twice; an online table of another stream.
   */
  public addDataset(source: StreamIntake, options: RecordsOptions = {}): void {
    const { dataset, contract } = source.intake;
    failOn(this, 'InvalidRecords', [
      ...(this.sources.has(dataset) ? [`'${dataset}' has a route already: give each dataset one stream`] : []),
      ...orderProblems(contract, options),
      ...(options.online === undefined || options.online._source === source
        ? []
        : [`'online' holds records of ${options.online._source.intake.dataset}: give a table of the stream that is added`]),
    ]);
    this.sources.set(dataset, source);
    const scope = new Construct(this, `Dataset-${dataset}`);
    const taker = this.createTaker(scope, source, orderOf(contract, options));
    const integration = new LambdaIntegration(taker, { timeout: REST_LIMIT, allowTestInvoke: false });
    const routes = this.root.addResource(dataset);
    routes.addResource(RECORDS_ROUTE.records).addMethod('POST', integration);
    if (options.online !== undefined) {
      this.letRead(taker, options.online);
      routes.addResource(RECORDS_ROUTE.newest).addMethod('GET', integration);
      this.readable.add(dataset);
    }
    registerRecordsAlarms(scope, this.apiName, source, taker);
  }

  /**
   * Lets `grantee` send records, and nothing else. Errors: a dataset that has no route.
   *
   * @param dataset left out, every dataset of this API
   */
  public grantSend(grantee: IGrantable, dataset?: string): Grant {
    if (dataset !== undefined) {
      this.sourceOf(dataset);
    }
    return grantExecute(this.api, grantee, [`POST/v1/datasets/${dataset ?? '*'}/${RECORDS_ROUTE.records}`]);
  }

  /**
   * Lets `grantee` read what is known now of the entities of a dataset, and nothing else. Errors: a dataset that has no online table here.
   *
   * @param dataset left out, every dataset of this API
   */
  public grantReadNewest(grantee: IGrantable, dataset?: string): Grant {
    const known = [...this.readable].join(', ') || 'none yet';
    failOn(
      this,
      'UnknownDataset',
      dataset === undefined || this.readable.has(dataset)
        ? []
        : [`there is no online table of '${dataset}' (${known}): add its stream with addDataset() and 'online'`],
    );
    return grantExecute(this.api, grantee, [`GET/v1/datasets/${dataset ?? '*'}/${RECORDS_ROUTE.newest}`]);
  }

  /** Records of a dataset that were taken by HTTP, quarantined ones among them; count: the sum of 5 minutes. Errors: a dataset that has no route. */
  public metricRecordsTaken(dataset: string): Metric {
    return this.sourceOf(dataset)._metric(RECORDS_METRIC.taken, Stats.SUM);
  }

  /** Records of a dataset that senders were told to send again; count: the sum of 5 minutes. Errors: a dataset that has no route. */
  public metricRecordsNotTaken(dataset: string): Metric {
    return this.sourceOf(dataset)._metric(RECORDS_METRIC.notTaken, Stats.SUM);
  }

  private sourceOf(dataset: string): StreamIntake {
    const source = this.sources.get(dataset);
    const known = [...this.sources.keys()].join(', ') || 'none yet';
    failOn(
      this,
      'UnknownDataset',
      source === undefined ? [`there is no dataset '${dataset}' (${known}): add its stream with addDataset()`] : [],
    );
    return source!;
  }

  /** The function reads one item of the table for each request. */
  private letRead(taker: Lambda, online: OnlineTable): void {
    taker.addEnvironment(DATA_ENV.onlineTable, online.table.tableName);
    taker.addEnvironment(DATA_ENV.onlineSpec, JSON.stringify({ entity: online.entity }));
    allow(taker, ['dynamodb:GetItem'], online.table.tableArn);
    if (this.clockParameter !== undefined) {
      taker.addEnvironment('WORKLOAD_CLOCK_PARAMETER', this.clockParameter.parameterName);
      this.clockParameter.grantRead(taker);
    }
  }

  private createTaker(scope: Construct, source: StreamIntake, orderedBy: readonly string[]): Lambda {
    const { dataset, contract, intakeName } = source.intake;
    const asset = contractAsset(scope, contract);
    const taker = handlerFunction(scope, 'Taker', {
      handler: 'records-api',
      description: `Takes records of ${dataset} by HTTP`,
      timeout: Duration.seconds(RECORDS_SECONDS.functionTimeout),
      memory: Size.mebibytes(1024),
      environment: {
        [DATA_ENV.contractBucket]: asset.s3BucketName,
        [DATA_ENV.contractKey]: asset.s3ObjectKey,
        [DATA_ENV.intake]: intakeName,
        [DATA_ENV.dataset]: dataset,
        [RECORDS_ENV.stream]: source.stream.streamName,
        [RECORDS_ENV.orderedBy]: JSON.stringify(orderedBy),
      },
    });
    allow(taker, ['s3:GetObject'], asset.bucket.arnForObjects(asset.s3ObjectKey));
    source.grantPut(taker);
    withoutPolicyFindings(taker);
    return taker;
  }
}

const orderOf = ({ _rules }: DataContract, { orderedBy }: RecordsOptions): readonly string[] => orderedBy ?? _rules.primaryKey;

/** What is wrong with the order of a dataset's records. @internal */
export function orderProblems(contract: DataContract, options: RecordsOptions): string[] {
  const orderedBy = orderOf(contract, options);
  return [
    ...orderedBy.flatMap((name) => unknownColumn('orderedBy', name, contract._rules.columns)),
    ...orderedBy.filter((name, i) => orderedBy.indexOf(name) < i).map((name) => `'orderedBy' names '${name}' twice: name it once`),
  ];
}
