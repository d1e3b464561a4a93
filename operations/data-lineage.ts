import { GetObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, LEDGER, Withdrawal } from '../lib/constructs/data/contract';
import type { Clients } from './clients';
import type { Found } from './found';
import type { Workload } from './workload';

/** A dataset version in the catalogue. */
export interface DatasetRow extends Partial<Withdrawal> {
  readonly id: string;
  readonly dataset: string;
  readonly rows: number;
  readonly superseded: number;
  readonly files: number;
  readonly manifest: string;
  readonly manifestVersion: string;
  readonly publishedAt: string;
}

/** What a manifest says of one file. */
export interface ManifestFile {
  readonly source: string;
  readonly sourceVersion: string;
  readonly rows: number;
  readonly key: string;
  readonly versionId: string;
  /** SHA-256 of the raw file. */
  readonly content?: string;
  /** Records that are left out, as runs of first and last. */
  readonly excluded?: readonly (readonly [number, number])[];
  /** Where they are when they are many. */
  readonly excludedIn?: { readonly key: string; readonly versionId: string };
}

/** What the ledger says of one version of a file. */
export interface LedgerRow extends Partial<Withdrawal> {
  readonly key: string;
  readonly versionId: string;
  readonly state: string;
  readonly receivedAt: string;
  readonly accountedAt?: string;
  readonly attempts?: number;
  readonly counts?: Readonly<Record<string, number>>;
  readonly duplicateOf?: string;
  readonly supersededBy?: string;
  readonly reason?: string;
}

/** Files and dataset versions. */
export class DataLineage {
  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
  ) {}

  public async dataset(dataset: string, id: string): Promise<DatasetRow | undefined> {
    const Key = { [LEDGER.key]: `${dataset}#${id}` };
    const { Item } = await this.clients.tables.send(new GetCommand({ TableName: this.workload.output('CatalogTable'), Key }));
    return Item as DatasetRow | undefined;
  }

  /** A dataset version with the files that it consists of. */
  public async datasetFound(dataset: string, id: string): Promise<Found> {
    const row = await this.dataset(dataset, id);
    if (row === undefined) {
      return unknownDataset(dataset, id, this.workload.output('CatalogTable'));
    }
    return { ...datasetFacts(row), from: (await this.files(row)).map(fileOfManifest) };
  }

  public async files({ manifest, manifestVersion }: DatasetRow): Promise<ManifestFile[]> {
    const Bucket = this.workload.output('ValidatedBucket');
    const { Body } = await this.clients.objects.send(new GetObjectCommand({ Bucket, Key: manifest, VersionId: manifestVersion }));
    return (JSON.parse(await Body!.transformToString()) as { objects: ManifestFile[] }).objects;
  }

  /** Every version of a dataset, as it is at this moment. */
  public datasets(dataset: string): Promise<DatasetRow[]> {
    return this.scan<DatasetRow>('CatalogTable', 'dataset', dataset);
  }

  /** Dataset versions that contain a file, with the rows that count of it. */
  public async datasetsWith(dataset: string, key: string): Promise<{ row: DatasetRow; file: ManifestFile }[]> {
    const found: { row: DatasetRow; file: ManifestFile }[] = [];
    for (const row of await this.datasets(dataset)) {
      const file = (await this.files(row)).find(({ source }) => source === key);
      if (file !== undefined) {
        found.push({ row, file });
      }
    }
    return found;
  }

  /** Every version of an object that the ledger of a dataset knows, the oldest first. */
  public async ledger(dataset: string, key: string): Promise<LedgerRow[]> {
    const rows = (await this.scan<LedgerRow & { pk: string }>(`${dataset}Ledger`, 'key', key)).filter(({ pk }) =>
      pk.startsWith(LEDGER.object),
    );
    return rows.sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
  }

  /** Every object version that was accounted for and has records of its own, the oldest first. */
  public async accounted(dataset: string): Promise<LedgerRow[]> {
    const rows = await this.scan<LedgerRow & { pk: string }>(`${dataset}Ledger`, 'state', FILE_STATE.accounted);
    return rows
      .filter(({ pk, duplicateOf }) => pk.startsWith(LEDGER.object) && duplicateOf === undefined)
      .sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
  }

  private async scan<T>(output: string, field: string, value: string): Promise<T[]> {
    const items: T[] = [];
    const pages = paginateScan(
      { client: this.clients.tables },
      {
        TableName: this.workload.output(output),
        ConsistentRead: true,
        FilterExpression: '#field = :value',
        ExpressionAttributeNames: { '#field': field },
        ExpressionAttributeValues: { ':value': value },
      },
    );
    for await (const { Items = [] } of pages) {
      items.push(...(Items as T[]));
    }
    return items;
  }
}

export function datasetFacts(row: DatasetRow): Found {
  const { dataset, id, rows, superseded, files, publishedAt, manifest, manifestVersion } = row;
  return {
    kind: 'dataset version',
    name: `${dataset} ${id}`,
    facts: {
      published: publishedAt,
      files,
      rows,
      superseded,
      manifest,
      'manifest version': manifestVersion,
      withdrawn: withdrawnText(row),
    },
  };
}

const withdrawnText = ({ withdrawal, withdrawnAt, withdrawnBy, withdrawnReason }: Partial<Withdrawal>): string | undefined =>
  withdrawal && `${withdrawnAt} by ${withdrawnBy}: ${withdrawnReason} (${withdrawal})`;

const unknownDataset = (dataset: string, id: string, table: string): Found => ({
  kind: 'dataset version',
  name: `${dataset} ${id}`,
  facts: { unknown: `the catalogue ${table} has no such version` },
});

export const fileOfManifest = ({ source, sourceVersion, rows, key, versionId }: ManifestFile): Found => ({
  kind: 'file',
  name: source,
  facts: { version: sourceVersion, rows, validated: key, 'validated version': versionId },
});

export const fileOfLedger = (row: LedgerRow): Found => ({
  kind: 'file',
  name: row.key,
  facts: {
    version: row.versionId,
    state: row.state,
    attempts: row.attempts,
    received: row.receivedAt,
    accounted: row.accountedAt,
    ...row.counts,
    'same bytes as': row.duplicateOf,
    'replaced by': row.supersededBy,
    withdrawn: withdrawnText(row),
    reason: row.reason,
  },
});
