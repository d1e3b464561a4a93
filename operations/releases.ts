import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  paginateListModelPackages,
} from '@aws-sdk/client-sagemaker';
import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { MarkReason, namesOf, RELEASES, ReleaseState } from '../lib/constructs/delivery/contract';
import type { Clients } from './clients';
import type { Workload } from './workload';

/** A row of the release table; which fields it has depends on `entry`. */
export interface Row {
  readonly entry: string;
  readonly state?: ReleaseState;
  readonly from?: string;
  readonly to?: string;
  readonly startedAt?: string;
  readonly changedAt?: string;
  readonly execution?: string;
  readonly reason?: string | MarkReason;
  readonly why?: string;
  readonly by?: string;
  readonly at?: string;
}

export const versionNumber = (arn: string): number => Number(arn.split('/').at(-1));
export const markEntry = (version: number): string => `${RELEASES.mark}${String(version).padStart(6, '0')}`;

const UNDER_WAY: readonly (string | undefined)[] = [
  ReleaseState.RECORDED,
  ReleaseState.UPDATING,
  ReleaseState.RESTORING,
  ReleaseState.RESTORE_UPDATING,
];
export const isUnderWay = ({ state }: Row): boolean => UNDER_WAY.includes(state);
export const releasesIn = (rows: readonly Row[]): Row[] => rows.filter(({ entry }) => entry.startsWith(RELEASES.release));

/** Reads what is known of one model's versions and releases. */
export class Releases {
  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    public readonly model: string,
  ) {}

  public get table(): string {
    return this.workload.output('ReleaseTable');
  }

  public get group(): string {
    return namesOf(this.workload.prefix, this.model).group;
  }

  public async rows(): Promise<Row[]> {
    const rows: Row[] = [];
    const pages = paginateQuery(
      { client: this.clients.tables },
      {
        TableName: this.table,
        ConsistentRead: true,
        KeyConditionExpression: '#model = :model',
        ExpressionAttributeNames: { '#model': RELEASES.key },
        ExpressionAttributeValues: { ':model': this.model },
      },
    );
    for await (const { Items = [] } of pages) {
      rows.push(...(Items as Row[]));
    }
    return rows;
  }

  /** Every version with its approval, by number. */
  public async versions(): Promise<Map<number, { arn: string; approval: string }>> {
    const found = new Map<number, { arn: string; approval: string }>();
    const pages = paginateListModelPackages({ client: this.clients.registry }, { ModelPackageGroupName: this.group });
    for await (const { ModelPackageSummaryList = [] } of pages) {
      for (const { ModelPackageArn, ModelPackageVersion, ModelApprovalStatus } of ModelPackageSummaryList) {
        found.set(ModelPackageVersion!, { arn: ModelPackageArn!, approval: ModelApprovalStatus! });
      }
    }
    return found;
  }

  /** What the endpoint serves; `arn` is undefined when that is no registered version. Undefined without an endpoint. */
  public async live(): Promise<{ status: string; arn?: string; endpoint: string } | undefined> {
    const { registry } = this.clients;
    const { endpoint } = namesOf(this.workload.prefix, this.model);
    try {
      const { EndpointStatus, EndpointConfigName } = await registry.send(new DescribeEndpointCommand({ EndpointName: endpoint }));
      const { ProductionVariants } = await registry.send(new DescribeEndpointConfigCommand({ EndpointConfigName }));
      const described = await registry.send(new DescribeModelCommand({ ModelName: ProductionVariants?.[0].ModelName }));
      const container = described.PrimaryContainer ?? described.Containers?.[0];
      return { status: EndpointStatus!, arn: container?.ModelPackageName, endpoint };
    } catch (error) {
      if (/could not find|does not exist/i.test((error as Error).message)) {
        return undefined;
      }
      throw error;
    }
  }
}
