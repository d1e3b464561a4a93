import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, paginateScan, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER, Withdrawal } from '../../lib/constructs/data/contract';
import { queryKey } from '../dataset-builder/core';

/** A dataset version in the catalogue. */
export interface VersionRow extends Partial<Withdrawal> {
  id: string;
  dataset: string;
  rows: number;
  files: number;
  manifest: string;
  manifestVersion: string;
  publishedAt: string;
}

/** Whether data may be trained on: of a version that is not in the catalogue nobody can say. */
export type DatasetState = 'published' | 'withdrawn' | 'unknown';

/** Dataset versions, their manifests, and what is queried of them. */
export class Catalogue {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly table: string,
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  public async get(dataset: string, id: string): Promise<VersionRow | undefined> {
    const Key = { [LEDGER.key]: `${dataset}#${id}` };
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key, ConsistentRead: true }));
    return Item as VersionRow | undefined;
  }

  /** What the catalogue says of a version, whichever of these datasets it is one of. */
  public async stateOf(datasets: readonly string[], id: string): Promise<DatasetState> {
    const rows = (await Promise.all(datasets.map((dataset) => this.get(dataset, id)))).filter((row) => row !== undefined);
    if (rows.length === 0) {
      return 'unknown';
    }
    return rows.some(({ withdrawal }) => withdrawal !== undefined) ? 'withdrawn' : 'published';
  }

  /** Versions of which one file has one of these contents, by their ids. */
  public async versionsWith(dataset: string, contents: ReadonlySet<string>): Promise<VersionRow[]> {
    const found: VersionRow[] = [];
    for await (const row of this.versions(dataset)) {
      if ((await this.contentsOf(row)).some((content) => contents.has(content))) {
        found.push(row);
      }
    }
    return found.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Nothing is trained on the version any more, and it is not published again. Who, when and why stay those of the first time. */
  public async withdraw(dataset: string, id: string, by: Withdrawal): Promise<void> {
    await unlessDone(
      this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { [LEDGER.key]: `${dataset}#${id}` },
          ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(withdrawal)',
          UpdateExpression: 'SET withdrawal = :id, withdrawnAt = :at, withdrawnBy = :by, withdrawnReason = :why',
          ExpressionAttributeValues: { ':id': by.withdrawal, ':at': by.withdrawnAt, ':by': by.withdrawnBy, ':why': by.withdrawnReason },
        }),
      ),
    );
  }

  /**
   * Nobody queries the version any more: a delete marker lies on its object, whichever builder wrote it last. The bytes go with the next sweep. Whether there
   * is an object is told by a list, which a delete marker is not in
   * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html).
   */
  public async hide(dataset: string, id: string): Promise<boolean> {
    const Key = queryKey(dataset, id);
    const { Contents = [] } = await this.s3.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: Key }));
    if (Contents.length === 0) {
      return false;
    }
    await this.s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key }));
    return true;
  }

  private async *versions(dataset: string): AsyncGenerator<VersionRow> {
    const pages = paginateScan(
      { client: this.client },
      {
        TableName: this.table,
        ConsistentRead: true,
        FilterExpression: '#dataset = :dataset',
        ExpressionAttributeNames: { '#dataset': 'dataset' },
        ExpressionAttributeValues: { ':dataset': dataset },
      },
    );
    for await (const { Items = [] } of pages) {
      yield* Items as VersionRow[];
    }
  }

  private async contentsOf({ manifest, manifestVersion }: VersionRow): Promise<string[]> {
    const pinned = { Bucket: this.bucket, Key: manifest, VersionId: manifestVersion };
    const { Body } = await this.s3.send(new GetObjectCommand(pinned));
    const { objects } = JSON.parse(await Body!.transformToString()) as { objects: { content: string }[] };
    return objects.map(({ content }) => content);
  }
}

/** A conditional write that was done before is done. */
export async function unlessDone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') {
      throw error;
    }
  }
}
