import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clients } from '../../operations/clients';
import { Workload } from '../../operations/workload';

export type Row = Record<string, unknown>;
export const arnOf = (version: number, group = 'air-dev-delay') => `arn:aws:sagemaker:us-east-1:1:model-package/${group}/${version}`;
type Versions = Map<number, { approval: string; metadata: Record<string, string> }>;
const notFound = (message: string) => Object.assign(new Error(message), { name: 'ValidationException' });
type Command = { constructor: { name: string }; input: Record<string, never> };

/** A deployed workload `air-dev` with the trained model `delay` of the dataset `flights`: what the commands read and write of it. */
export class FakeWorkload {
  /** By table; the first of the given keys is the table's own. */
  public readonly tables: Record<string, Row[]> = { releases: [], runs: [], catalogue: [], ledger: [], predictions: [] };
  public readonly versions: Versions = new Map();
  /** Model package groups by name; the first is that of `delay`. */
  public readonly groups: Record<string, Versions> = { 'air-dev-delay': this.versions };
  public readonly objects: Record<string, unknown> = {};
  public live?: number;
  public endpointStatus = 'InService';
  public readonly started: string[] = [];
  /** What executions answer, one after the other; without any they succeed and say nothing. */
  public readonly ends: { status: string; output?: string; error?: string; cause?: string }[] = [];
  /** Called at each look of a waiting command at its execution; answers whether it runs. */
  public running: () => boolean = () => false;

  public readonly clients: Clients = {
    stacks: this.client(CloudFormationClient, {
      DescribeStacksCommand: () => ({
        Stacks: [
          { StackName: 'air-dev-all', Outputs: OUTPUTS },
          { StackName: 'other', Outputs: [] },
        ],
      }),
      ListStackResourcesCommand: () => ({
        StackResourceSummaries: [
          { ResourceType: 'AWS::DynamoDB::Table', LogicalResourceId: 'ApiBooksTally1', PhysicalResourceId: 'tally' },
          { ResourceType: 'AWS::DynamoDB::Table', LogicalResourceId: 'ApiBooksPredictions1', PhysicalResourceId: 'predictions' },
        ],
      }),
    }),
    tables: this.client(DynamoDBDocumentClient, {
      QueryCommand: ({ TableName }) => ({
        Items: [...this.tables[TableName]].sort((a, b) => (String(a.entry) < String(b.entry) ? -1 : 1)),
      }),
      ScanCommand: ({ TableName, ExpressionAttributeNames, ExpressionAttributeValues }) => ({
        Items: this.tables[TableName].filter((row) => {
          const [value] = Object.values(ExpressionAttributeValues as Row);
          const field = row[Object.values(ExpressionAttributeNames as Record<string, string>)[0]];
          return field === value || (value === 'run#' && String(field).startsWith('run#'));
        }),
      }),
      GetCommand: ({ TableName, Key }) => ({
        Item: this.tables[TableName].find((row) => Object.entries(Key as Row).every(([name, value]) => row[name] === value)),
      }),
      TransactWriteCommand: ({ TransactItems }) => this.transact(TransactItems as { Put?: Row; Delete?: Row }[]),
    }),
    registry: this.client(SageMakerClient, {
      ListModelPackageGroupsCommand: ({ NameContains }) => ({
        ModelPackageGroupSummaryList: Object.keys(this.groups)
          .filter((name) => name.includes(NameContains))
          .map((ModelPackageGroupName) => ({ ModelPackageGroupName })),
      }),
      ListModelPackagesCommand: ({ ModelPackageGroupName: group }) => ({
        ModelPackageSummaryList: [...this.groups[group]].map(([version, { approval }]) => ({
          ModelPackageArn: arnOf(version, group),
          ModelPackageVersion: version,
          ModelApprovalStatus: approval,
        })),
      }),
      DescribeModelPackageCommand: ({ ModelPackageName }) => {
        const [group, version] = String(ModelPackageName).split('/').slice(-2);
        const { approval, metadata } = this.groups[group].get(Number(version))!;
        return { ModelApprovalStatus: approval, CustomerMetadataProperties: metadata };
      },
      DescribeEndpointCommand: () => {
        if (this.live === undefined) {
          throw notFound('Could not find endpoint "air-dev-delay".');
        }
        return { EndpointStatus: this.endpointStatus, EndpointConfigName: 'config' };
      },
      DescribeEndpointConfigCommand: () => ({ ProductionVariants: [{ ModelName: 'model' }] }),
      DescribeModelCommand: () => ({ PrimaryContainer: { ModelPackageName: arnOf(this.live!) } }),
    }),
    machines: this.client(SFNClient, {
      StartExecutionCommand: ({ input }) => {
        this.started.push(input);
        return { executionArn: 'arn:execution' };
      },
      DescribeExecutionCommand: () => (this.running() ? { status: 'RUNNING' } : (this.ends.shift() ?? { status: 'SUCCEEDED' })),
    }),
    objects: this.client(S3Client, {
      GetObjectCommand: ({ Key }) => ({ Body: { transformToString: async () => JSON.stringify(this.objects[Key]) } }),
    }),
    region: 'us-east-1',
  };

  /** `trained`: the dataset that each model is trained on, by its name. */
  public workload(clock: 'real' | 'replay' = 'real', trained: Record<string, string> = { delay: 'flights' }): Promise<Workload> {
    const models = Object.entries(trained).map(([name, dataset]) => [name, { model: { training: { dataset } } }] as const);
    const endpoints = { ...Object.fromEntries(models), plain: { model: {} } };
    return Workload.find({ workload: 'air', stage: 'dev', clock, endpoints } as never, this.clients);
  }

  public approve(...versions: number[]): void {
    versions.forEach((version) => this.versions.set(version, { approval: 'Approved', metadata: {} }));
  }

  private transact(items: { Put?: Row; Delete?: Row }[]): object {
    const of = ({ TableName, Key, Item }: Row) => {
      const { model, entry } = (Key ?? Item) as Row;
      return { rows: this.tables[TableName as string], is: (row: Row) => row.model === model && row.entry === entry };
    };
    const refused = items.some(({ Put }) => Put?.ConditionExpression !== undefined && of(Put).rows.some(of(Put).is));
    if (refused) {
      throw new TransactionCanceledException({ message: 'refused', $metadata: {}, CancellationReasons: [] });
    }
    for (const { Put, Delete } of items) {
      const { rows, is } = of((Put ?? Delete)!);
      const at = rows.findIndex(is);
      rows.splice(at < 0 ? rows.length : at, at < 0 ? 0 : 1, ...(Put === undefined ? [] : [Put.Item as Row]));
    }
    return {};
  }

  /** A client of the SDK's class, as its paginators demand; an operation that is not listed fails. */
  private client<T extends object>(type: { prototype: T }, answers: Record<string, (input: Record<string, never>) => object>): T {
    const send = async ({ constructor, input }: Command) => answers[constructor.name](input);
    return Object.assign(Object.create(type.prototype), { send }) as T;
  }
}

const OUTPUTS = Object.entries({
  ReleaseTable: 'releases',
  ReleaseMachine: 'arn:machine',
  delayTrainingRuns: 'runs',
  delayTrainingMachine: 'arn:aws:states:us-east-1:1:stateMachine:air-dev-delay-training',
  CatalogTable: 'catalogue',
  flightsLedger: 'ledger',
  flightsOperations: 'arn:operations',
  RecallMachine: 'arn:recall',
  ValidatedBucket: 'validated',
}).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue }));
