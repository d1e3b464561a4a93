import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectVersionsCommand, ListObjectVersionsCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { Withdrawal } from '../../lib/constructs/data/contract';
import type { ColumnStatistics, Split } from '../../lib/constructs/data/dataset-catalog/contract';
import type { DatasetRow } from '../data-lineage';

/** One version of an object. */
export interface Pinned {
  readonly key: string;
  readonly versionId: string;
}

/** A manifest as the builder stored it. */
export interface StoredManifest {
  readonly contract: string;
  readonly primaryKey: readonly string[];
  readonly objects: readonly (Pinned & { readonly excludedIn?: Pinned })[];
  readonly split?: Split;
  readonly statistics?: Pinned;
  readonly query?: Pinned;
}

/** A dataset version with its manifest. */
export interface Version {
  readonly row: DatasetRow & Partial<Withdrawal> & { readonly pk: string };
  readonly manifest: StoredManifest;
}

/** What the data is read from. */
export interface Store {
  readonly tables: DynamoDBDocumentClient;
  readonly objects: S3Client;
  readonly catalogue: string;
  readonly bucket: string;
}

/** Every version of a dataset, the oldest first. */
export async function versionsOf(store: Store, dataset: string): Promise<Version[]> {
  const rows: Version['row'][] = [];
  const filter = { FilterExpression: '#dataset = :dataset', ExpressionAttributeNames: { '#dataset': 'dataset' } };
  const query = { TableName: store.catalogue, ConsistentRead: true, ...filter, ExpressionAttributeValues: { ':dataset': dataset } };
  for await (const { Items = [] } of paginateScan({ client: store.tables }, query)) {
    rows.push(...(Items as Version['row'][]));
  }
  const order = ({ publishedAt, id }: DatasetRow) => `${publishedAt} ${id}`;
  rows.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  return Promise.all(rows.map(async (row) => ({ row, manifest: await manifestOf(store, row) })));
}

async function manifestOf(store: Store, { manifest, manifestVersion }: DatasetRow): Promise<StoredManifest> {
  return JSON.parse((await bytesOf(store, { key: manifest, versionId: manifestVersion })).toString()) as StoredManifest;
}

/** The statistics that a manifest pins; none for a version of before there were some. */
export async function statisticsOf(store: Store, { statistics }: StoredManifest): Promise<ColumnStatistics[]> {
  if (statistics === undefined) {
    return [];
  }
  const lines = gunzipSync(await bytesOf(store, statistics)).toString();
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ColumnStatistics);
}

async function bytesOf({ objects, bucket }: Store, { key, versionId }: Pinned): Promise<Buffer> {
  const { Body } = await objects.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
  return Buffer.from(await Body!.transformToByteArray());
}

/** What identifies a version of an object. */
export const nameOf = ({ key, versionId }: Pinned): string => `${key} ${versionId}`;

/** Every version of the objects of a dataset, records and what lies beside manifests, by its name: which it is, and when it was stored. */
export async function storedOf({ objects, bucket }: Store, dataset: string): Promise<Map<string, Pinned & { readonly storedAt: Date }>> {
  const found = new Map<string, Pinned & { readonly storedAt: Date }>();
  for (const Prefix of [`${dataset}/`, `datasets/${dataset}/`]) {
    let page: ListObjectVersionsCommandOutput | undefined;
    do {
      const next = { KeyMarker: page?.NextKeyMarker, VersionIdMarker: page?.NextVersionIdMarker };
      page = await objects.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...next }));
      for (const { Key, VersionId, LastModified } of page.Versions ?? []) {
        const pinned = { key: Key!, versionId: VersionId! };
        found.set(nameOf(pinned), { ...pinned, storedAt: LastModified! });
      }
    } while (page.IsTruncated === true);
  }
  return found;
}

/** The version whose id is or begins with a text. Errors: `UnknownVersion`, `AmbiguousVersion`. */
export function versionIn(versions: readonly Version[], dataset: string, id: string): Version {
  const found = versions.filter(({ row }) => row.id.startsWith(id));
  if (found.length === 0) {
    const known = versions.map(({ row }) => row.id.slice(0, 12)).join(', ');
    throw new Error(`UnknownVersion: '${dataset}' has no version '${id}': known are ${known || 'none'}`);
  }
  if (found.length > 1) {
    throw new Error(`AmbiguousVersion: ${found.length} versions of '${dataset}' begin with '${id}': give more of the id`);
  }
  return found[0];
}
