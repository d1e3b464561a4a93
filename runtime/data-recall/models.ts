import {
  DescribeModelPackageCommand,
  ModelPackageSummary,
  paginateListModelPackages,
  SageMakerClient,
  UpdateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { DynamoDBDocumentClient, paginateQuery, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Withdrawal } from '../../lib/constructs/data/contract';
import { MarkReason, namesOf, RELEASES, ReleaseTimes } from '../../lib/constructs/delivery/contract';
import { LINEAGE } from '../../lib/constructs/models/contract';
import { endpointOf, groupsOf } from '../model-release/registry';
import { markEntry } from '../model-release/table';
import { datasetIn } from '../shared/run-version';
import { DatasetState, unlessDone } from './catalogue';

/** A registered version of a model that was trained on what is withdrawn. */
export interface AffectedVersion {
  arn: string;
  version: number;
  dataset: string;
  approval: string;
  live: boolean;
  /** Why it is not released, whatever its approval. */
  mark?: string;
}

/** One model: its versions that are affected, the newest first, and the one to take instead. */
export interface AffectedModel {
  model: string;
  versions: AffectedVersion[];
  /** Newest version that is approved, or waits for it, and was trained on data that nobody has withdrawn, now or before. */
  clean?: OfferedVersion;
  /** Newer ones that could be released and are not offered, the newest first: their data was withdrawn before, or is not in the catalogue. */
  passedOver: PassedVersion[];
}

/** A version that could be released. */
export interface OfferedVersion {
  version: number;
  arn: string;
  approval: string;
}

export interface PassedVersion extends OfferedVersion {
  /** Absent: its registration names none. */
  dataset?: string;
  data: Exclude<DatasetState, 'published'>;
}

/** A row of the release table; which fields it has depends on `entry`. */
interface Row extends ReleaseTimes {
  entry: string;
  reason?: string;
}

const OFFERED = ['Approved', 'PendingManualApproval'];

/** An approval description has at most 1,024 characters (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html). */
const DESCRIPTION = 1024;

/** The models of a workload, by their groups in the registry and their rows in the release table. */
export class Models {
  constructor(
    private readonly client: SageMakerClient,
    private readonly tables: DynamoDBDocumentClient,
    private readonly table: string,
    private readonly prefix: string,
    private readonly stateOf: (dataset: string) => Promise<DatasetState>,
  ) {}

  /** Names of all models, in their order. */
  public async names(): Promise<string[]> {
    return (await groupsOf(this.client, this.prefix)).map((group) => group.slice(this.prefix.length + 1)).sort();
  }

  /** What of one model was trained on these dataset versions; undefined when nothing was. */
  public async affected(model: string, datasets: ReadonlySet<string>): Promise<AffectedModel | undefined> {
    const trained = new Map<ModelPackageSummary, string>();
    const others: ModelPackageSummary[] = [];
    for (const summary of await this.summaries(model)) {
      const dataset = await this.datasetOf(summary, datasets);
      if (dataset === undefined) {
        others.push(summary);
      } else {
        trained.set(summary, dataset);
      }
    }
    if (trained.size === 0) {
      return undefined;
    }
    const rows = await this.rows(model);
    const live = (await endpointOf(this.client, namesOf(this.prefix, model).endpoint))?.packageArn;
    const markOf = (version: number) => rows.find(({ entry }) => entry === markEntry(version))?.reason;
    const versions = [...trained].map(([summary, dataset]) => {
      const shown = shownOf(summary);
      return { ...shown, dataset, live: shown.arn === live, mark: markOf(shown.version) };
    });
    const offered = others.map(shownOf).filter(({ version, approval }) => OFFERED.includes(approval) && markOf(version) === undefined);
    return { model, versions: versions.sort(newestFirst), ...(await this.instead(offered.sort(newestFirst))) };
  }

  /** The first of these whose data is in the catalogue and was not withdrawn, with those before it. */
  private async instead(offered: readonly OfferedVersion[]): Promise<Pick<AffectedModel, 'clean' | 'passedOver'>> {
    const passedOver: PassedVersion[] = [];
    for (const version of offered) {
      const dataset = await this.lineageOf(version.arn);
      const data = dataset === undefined ? 'unknown' : await this.stateOf(dataset);
      if (data === 'published') {
        return { clean: version, passedOver };
      }
      passedOver.push({ ...version, dataset, data });
    }
    return { passedOver };
  }

  /** Its releases, as far as they tell who served when. */
  public async releases(model: string): Promise<ReleaseTimes[]> {
    return (await this.rows(model)).filter(({ entry }) => entry.startsWith(RELEASES.release));
  }

  /**
   * Bars a version from release: first by a mark, which the release machine respects whatever becomes of the approval, then in the registry. The one
   * that serves must be left alone: without it the machine would go back to an older one by itself.
   */
  public async bar(model: string, { version, arn, dataset, approval }: AffectedVersion, by: Withdrawal): Promise<void> {
    const why = `dataset ${dataset} was withdrawn: ${by.withdrawnReason}`;
    await unlessDone(
      this.tables.send(
        new PutCommand({
          TableName: this.table,
          Item: {
            ...{ [RELEASES.key]: model, [RELEASES.sort]: markEntry(version) },
            ...{ reason: MarkReason.WITHDRAWN, why, by: by.withdrawnBy, at: by.withdrawnAt },
          },
          ConditionExpression: 'attribute_not_exists(#reason) OR #reason <> :withdrawn',
          ExpressionAttributeNames: { '#reason': 'reason' },
          ExpressionAttributeValues: { ':withdrawn': MarkReason.WITHDRAWN },
        }),
      ),
    );
    if (approval !== 'Rejected') {
      const ApprovalDescription = `${by.withdrawal}: ${why}`.slice(0, DESCRIPTION);
      await this.client.send(new UpdateModelPackageCommand({ ModelPackageArn: arn, ModelApprovalStatus: 'Rejected', ApprovalDescription }));
    }
  }

  private async summaries(model: string): Promise<ModelPackageSummary[]> {
    const found: ModelPackageSummary[] = [];
    const { group } = namesOf(this.prefix, model);
    for await (const { ModelPackageSummaryList = [] } of paginateListModelPackages(
      { client: this.client },
      { ModelPackageGroupName: group },
    )) {
      found.push(...ModelPackageSummaryList);
    }
    return found;
  }

  /**
   * The one of these dataset versions that a version was trained on. A list of versions has no lineage, but the registrar's descriptions name the
   * beginning of the id: only where that may be one of them, or where somebody else described the version, is it looked into.
   */
  private async datasetOf(
    { ModelPackageArn, ModelPackageDescription }: ModelPackageSummary,
    datasets: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const start = datasetIn(ModelPackageDescription);
    if (start !== undefined && ![...datasets].some((id) => id.startsWith(start))) {
      return undefined;
    }
    const dataset = await this.lineageOf(ModelPackageArn!);
    return dataset !== undefined && datasets.has(dataset) ? dataset : undefined;
  }

  private async lineageOf(arn: string): Promise<string | undefined> {
    const found = await this.client.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
    return found.CustomerMetadataProperties?.[LINEAGE.dataset];
  }

  private async rows(model: string): Promise<Row[]> {
    const rows: Row[] = [];
    const query = {
      TableName: this.table,
      ConsistentRead: true,
      KeyConditionExpression: '#model = :model',
      ExpressionAttributeNames: { '#model': RELEASES.key },
      ExpressionAttributeValues: { ':model': model },
    };
    for await (const { Items = [] } of paginateQuery({ client: this.tables }, query)) {
      rows.push(...(Items as Row[]));
    }
    return rows;
  }
}

const shownOf = ({ ModelPackageArn, ModelPackageVersion, ModelApprovalStatus }: ModelPackageSummary) => ({
  ...{ arn: ModelPackageArn!, version: ModelPackageVersion ?? 0, approval: ModelApprovalStatus ?? '' },
});

const newestFirst = (a: { version: number }, b: { version: number }): number => b.version - a.version;
