import { GetObjectCommand } from '@aws-sdk/client-s3';
import { gunzipSync } from 'node:zlib';
import type { CompiledContract } from '../lib/constructs/data/data-contract/contract';
import { EntityKey } from '../runtime/stream/entity-key';
import type { Clients } from './clients';
import { DataLineage, DatasetRow, datasetFacts, fileOfLedger, LedgerRow, ManifestFile } from './data-lineage';
import type { Found } from './found';
import { longestOf, MissingObject, Refused, refusedRecords, refusedValues, validRecords, Values } from './record-scan';
import type { Workload } from './workload';

/** Numbers of records that a line lists at most. */
const LISTED = 10;

/** What must be known of a dataset's contract to find a record. */
export type RecordContract = Pick<CompiledContract, 'dataset' | 'format' | 'columns' | 'nullTokens' | 'primaryKey'>;

/** A record by its primary key. */
export interface RecordKey {
  readonly dataset: string;
  readonly values: Readonly<Record<string, string>>;
}

/** `<dataset>?<column>=<value>&...`; undefined for a text that is none. Errors: `InvalidRecordKey`, with what the key is made of. */
export function recordKeyOf(text: string, contracts: readonly RecordContract[]): RecordKey | undefined {
  const [, dataset, query] = /^([a-z0-9-]+)\?(.*)$/s.exec(text) ?? [];
  const contract = contracts.find((one) => one.dataset === dataset);
  if (contract === undefined) {
    return undefined;
  }
  const pairs = query.split('&').map((pair) => {
    const [column, ...value] = pair.split('=');
    return [column, value.join('=')].map(decoded);
  });
  const values = Object.fromEntries(pairs) as Record<string, string>;
  const { primaryKey } = contract;
  const problems = [
    ...(primaryKey.length === 0 ? [`the contract of ${dataset} has no primary key: look for the record's file`] : []),
    ...primaryKey.filter((name) => !(name in values)).map((name) => `'${name}' is missing`),
    ...(primaryKey.length === 0
      ? []
      : Object.keys(values)
          .filter((name) => !primaryKey.includes(name))
          .map((name) => `'${name}' is no part of the key`)),
  ];
  if (problems.length > 0) {
    const example = `${dataset}?${primaryKey.map((name) => `${name}=...`).join('&')}`;
    throw new Error(`InvalidRecordKey: ${problems.join('; ')}${primaryKey.length === 0 ? '' : `: give ${example}`}`);
  }
  return { dataset, values };
}

/** Errors: `InvalidRecordKey` of a percent sign that stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Error(
      `InvalidRecordKey: in '${part}' a percent sign is not followed by the bytes of a character in UTF-8, such as %20 for a blank: write %25 for the sign itself`,
    );
  }
}

/** One place where the record was found. */
interface Hit {
  readonly row: FileRow;
  /** Its number in the file. */
  readonly record: number;
  /** Its number in the validated object; absent for one that was refused. */
  readonly valid?: number;
  readonly refused?: string;
}

/** The outputs that a row names, beside what the ledger says for people. */
interface FileRow extends LedgerRow {
  readonly pk: string;
  readonly validated?: { readonly key: string; readonly versionId: string; readonly rows: number };
  readonly quarantine?: { readonly key: string; readonly versionId: string; readonly rows: number };
}

/** A dataset version with the files that its manifest pins. */
interface Version {
  readonly row: DatasetRow;
  readonly files: readonly ManifestFile[];
}

/** Finds a record by its key: reads what committed rows name, and of refused records the raw bytes. As long as reading the dataset takes. */
export class RecordLookup {
  /** Refused records that could not be looked at: their raw object is gone, or they are too long. */
  public readonly unread: string[] = [];

  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    private readonly data: DataLineage,
  ) {}

  /** Every place where a record with this key stands; `use`: what was made of a dataset version. */
  public async find(key: RecordKey, contract: RecordContract, use: (row: DatasetRow) => Promise<Found[]>): Promise<Found[]> {
    const { dataset, values } = key;
    const hits: Hit[] = [];
    for (const row of (await this.data.accounted(dataset)) as FileRow[]) {
      hits.push(...(await this.inFile(row, new WantedRecord(contract, values))));
    }
    const rows = hits.length === 0 ? [] : await this.data.datasets(dataset);
    const versions = await Promise.all(rows.map(async (row) => ({ row, files: await this.data.files(row) })));
    const named = Object.entries(values).map(([column, value]) => `${column}=${value}`);
    return Promise.all(
      hits.map(async (hit): Promise<Found> => ({
        kind: 'record',
        name: `${dataset}?${named.join('&')}`,
        facts: { state: hit.valid === undefined ? 'in quarantine' : 'valid', record: hit.record, refused: hit.refused },
        from: [fileOfLedger(hit.row)],
        to: await this.versionsWith(hit, versions, use),
      })),
    );
  }

  private async versionsWith(
    { row, valid }: Hit,
    versions: readonly Version[],
    use: (row: DatasetRow) => Promise<Found[]>,
  ): Promise<Found[]> {
    const found: Found[] = [];
    for (const version of valid === undefined ? [] : versions) {
      const file = version.files.find(({ source, sourceVersion }) => source === row.key && sourceVersion === row.versionId);
      if (file !== undefined) {
        const { facts, ...rest } = datasetFacts(version.row);
        const record = file.key === row.validated!.key ? await this.standing(file, valid!) : 'not told: the file was judged again since';
        found.push({ ...rest, facts: { ...facts, 'this record': record }, to: await use(version.row) });
      }
    }
    return found;
  }

  private async inFile(row: FileRow, wanted: WantedRecord): Promise<Hit[]> {
    const { objects } = this.clients;
    const { validated, quarantine } = row;
    const hits: Hit[] = [];
    const refused =
      (quarantine?.rows ?? 0) === 0
        ? []
        : await refusedRecords(objects, { bucket: this.workload.output('QuarantineBucket'), ...quarantine! });
    if ((validated?.rows ?? 0) > 0) {
      const place = { bucket: this.workload.output('ValidatedBucket'), ...validated! };
      let valid = 0;
      for await (const found of validRecords(objects, place, wanted.columns)) {
        valid++;
        hits.push(...(wanted.is(found) ? [{ row, valid, record: numberInFile(valid, refused) }] : []));
      }
    }
    return [...hits, ...(await this.inQuarantine(row, refused, wanted))];
  }

  private async inQuarantine(row: FileRow, refused: readonly Refused[], wanted: WantedRecord): Promise<Hit[]> {
    const hits: Hit[] = [];
    const raw = { bucket: this.workload.output('RawBucket'), key: row.key, versionId: row.versionId };
    const longest = longestOf(raw);
    const long = refused.filter(({ length }) => length > longest).map(({ record }) => record);
    if (long.length > 0) {
      const which = `${long.slice(0, LISTED).join(', ')}${long.length > LISTED ? ', ...' : ''}`;
      this.unread.push(`not the ${long.length} records in quarantine of ${row.key} that are longer than ${longest} bytes: number ${which}`);
    }
    try {
      for await (const [{ record, rule, column, reason }, found] of refusedValues(this.clients.objects, raw, refused, wanted.csv)) {
        const why = [rule, column, reason].filter((part) => part !== undefined).join(', ');
        hits.push(...(found !== undefined && wanted.is(found) ? [{ row, record, refused: why }] : []));
      }
    } catch (error) {
      if (!(error instanceof MissingObject)) {
        throw error;
      }
      this.unread.push(`not the ${refused.length} records in quarantine of ${row.key}: ${error.message}`);
    }
    return hits;
  }

  /** Whether a record counts in the dataset version whose manifest says this of its file. */
  private async standing({ excluded, excludedIn }: ManifestFile, valid: number): Promise<string> {
    const runs = excludedIn === undefined ? (excluded ?? []) : await this.runsIn(excludedIn);
    return runs.every(([first, last]) => valid < first || valid > last) ? 'counts' : 'a newer one with its key counts';
  }

  private async runsIn({ key, versionId }: { readonly key: string; readonly versionId: string }): Promise<(readonly [number, number])[]> {
    const Bucket = this.workload.output('ValidatedBucket');
    const { Body } = await this.clients.objects.send(new GetObjectCommand({ Bucket, Key: key, VersionId: versionId }));
    const lines = gunzipSync(await Body!.transformToByteArray())
      .toString()
      .trimEnd()
      .split('\n');
    return lines.map((line) => JSON.parse(line) as [number, number]);
  }
}

/** The number in its file of the record that is the n-th valid one. */
function numberInFile(valid: number, refused: readonly Refused[]): number {
  const before = [...refused].sort((a, b) => a.record - b.record);
  return before.reduce((number, { record }) => (record <= number ? number + 1 : number), valid);
}

/** A record by the values of its key, in whatever spelling: they are compared as the intake compares them, and no value is the same as no value. */
class WantedRecord {
  public readonly columns: string[];
  public readonly csv: boolean;
  private readonly key: EntityKey;
  private readonly wanted: string;

  constructor(contract: RecordContract, values: Readonly<Record<string, string>>) {
    this.columns = Object.keys(values);
    this.csv = contract.format === 'csv';
    this.key = new EntityKey(contract, this.columns);
    this.wanted = this.key.of(values)!;
  }

  /** A record in quarantine whose key has an object or an array is never it. */
  public is(found: Values): boolean {
    return this.key.of(found) === this.wanted;
  }
}
