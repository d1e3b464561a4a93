import { createHash } from 'node:crypto';
import { DATA_EVENT } from '../../lib/constructs/data/contract';
import { ObjectFormat } from '../../lib/constructs/data/data-intake/contract';
import { DatasetSplit, QUERY_FILES, Split } from '../../lib/constructs/data/dataset-catalog/contract';
import { counts, isFinal, orphanedDuplicates } from '../shared/ledger-rows';
import { formatOf } from '../intake/core';
import type { FileRow } from '../intake/file-row';
import type { Output } from '../intake/object-output';
import { canonicalJson } from './canonical-json';
import type { Ordinals, Range } from './ordinals';
import type { Superseded } from './reading';

/** An immutable dataset version: exactly the records of these objects that are not excluded, and nothing that is not named here. */
export interface Manifest {
  id: string;
  dataset: string;
  contract: string;
  primaryKey: readonly string[];
  /** Records that count, of all objects together, and those that do not because a newer file has their primary key. */
  rows: number;
  superseded: number;
  objects: ManifestObject[];
  /** How its records are divided by event time; undefined when the dataset has no split. */
  split?: Split;
  /** The object with the statistics of the records that count. `rows`: columns. */
  statistics?: Output;
  /** The object with the records that count, for queries; undefined when the dataset has no table, or for the reason in `queryProblem`. */
  query?: Output;
  /** `Code: why there is no object for queries, what to do`. */
  queryProblem?: string;
}

export interface ManifestObject {
  source: string;
  sourceVersion: string;
  bucket: string;
  /** Of the records: `csv` and `jsonl` are compressed with gzip. */
  format: ObjectFormat;
  key: string;
  versionId: string;
  bytes: number;
  /** Records that count. The object has these and the superseded ones. */
  rows: number;
  superseded: number;
  sha256: string;
  content: string;
  /** Records that do not count, in their order; absent when there are none, or when they are in an object of their own. */
  excluded?: readonly Range[];
  /** The object that has them otherwise: gzip JSON Lines, a run `[first,last]` each. `rows`: runs. */
  excludedIn?: Output;
}

/** Runs of excluded records that a manifest names for one object; more are put into an object beside it. 100 are about 2 KB. */
export const INLINE_RUNS = 100;

/**
 * Why the rows are no state that the ledger was ever in, or one that it is about to leave; undefined when they can be published. They are read
 * page by page while files are accounted, so one may show before, and another after, the same commit.
 */
export function unsettled(rows: readonly FileRow[]): string | undefined {
  const byKey = new Map(rows.map((row) => [row.pk, row]));
  const reopened = rows.filter((row) => row.reopened !== undefined && !isFinal(row)).length + orphanedDuplicates(byKey).length;
  if (reopened > 0) {
    return `${reopened} files are to be read again because the file with the same bytes was superseded`;
  }
  const current = rows.filter(counts);
  const differ = (field: 'key' | 'contentSha256') => new Set(current.map((row) => row[field])).size === current.length;
  const replaced = rows.some(({ supersededBy }) => supersededBy !== undefined && !isFinal(byKey.get(supersededBy)));
  return differ('key') && differ('contentSha256') && !replaced ? undefined : 'files were being accounted while it was read';
}

/** The files whose records a dataset has, in the order of their content. Errors: no committed file, or files of two contracts. */
export function committedFiles(dataset: string, rows: readonly FileRow[]): FileRow[] {
  const files = rows.filter(counts).sort((a, b) => (a.contentSha256! < b.contentSha256! ? -1 : 1));
  if (files.length === 0) {
    throw new Error(`EmptyDataset: '${dataset}' has no accounted file: send one and wait for its '${DATA_EVENT.accounted}' event`);
  }
  const contracts = [...new Set(files.map((file) => file.contract!))];
  if (contracts.length > 1) {
    throw new Error(
      `MixedContracts: files of '${dataset}' were validated with ${contracts.length} contracts (${contracts.join(', ')}): judge the older ones again with 'npm run intake -- rerun'`,
    );
  }
  return files;
}

/** What a version is made of, beside its files. */
export interface Policy {
  primaryKey: readonly string[];
  split?: DatasetSplit;
}

/**
 * The manifest of committed files. Its id is the SHA-256 of canonical JSON (RFC 8785) of content only (content hash and rows of each file, what is
 * excluded, contract, key policy, split parameters), no object keys and no times: the same data is the same version wherever and whenever it is
 * built.
 */
export function buildManifest(
  dataset: string,
  bucket: string,
  { primaryKey, split }: Policy,
  files: readonly FileRow[],
  superseded: Superseded,
): Manifest {
  const objects = files.map((file) => manifestObject(bucket, file, superseded.get(file.pk)));
  const { contract } = files[0];
  const excluded = files.flatMap(({ pk, contentSha256 }) => {
    const ordinals = superseded.get(pk);
    return ordinals === undefined ? [] : [[contentSha256!, ordinals.digest()]];
  });
  const identity = canonicalJson({
    contents: objects.map(({ content, rows }) => [content, rows]),
    contract: contract!,
    primaryKey,
    split: split && ruleOf(split),
    superseded: excluded.length === 0 ? undefined : excluded,
  });
  const sum = (field: 'rows' | 'superseded') => objects.reduce((total, object) => total + object[field], 0);
  return {
    id: createHash('sha256').update(identity).digest('hex'),
    dataset,
    contract: contract!,
    primaryKey,
    rows: sum('rows'),
    superseded: sum('superseded'),
    objects,
  };
}

function ruleOf({ eventTime, gapDays, closedMonths, from }: DatasetSplit) {
  const { validation, test } = closedMonths ?? from!;
  return { eventTime, gapDays, [closedMonths === undefined ? 'from' : 'closedMonths']: { validation, test } };
}

function manifestObject(bucket: string, { key, versionId, validated, contentSha256 }: FileRow, ordinals?: Ordinals): ManifestObject {
  const superseded = ordinals?.count ?? 0;
  return {
    source: key,
    sourceVersion: versionId,
    bucket,
    format: formatOf(validated!.key),
    key: validated!.key,
    versionId: validated!.versionId,
    bytes: validated!.bytes,
    rows: validated!.rows - superseded,
    superseded,
    sha256: validated!.sha256,
    content: contentSha256!,
    ...(ordinals !== undefined && ordinals.runs <= INLINE_RUNS ? { excluded: [...ordinals.ranges()] } : {}),
  };
}

export function manifestKey(dataset: string, id: string): string {
  return `datasets/${dataset}/${id}/manifest.json`;
}

/** Where the statistics of a version are. */
export function statisticsKey(dataset: string, id: string): string {
  return `datasets/${dataset}/${id}/statistics.jsonl.gz`;
}

/** Where the excluded records of one content are, when the manifest is no place for them. */
export function excludedKey(dataset: string, id: string, content: string): string {
  return `datasets/${dataset}/${id}/excluded/${content}.jsonl.gz`;
}

/** Where the records of a version are for queries: the folder is the partition of the dataset's table. */
export function queryKey(dataset: string, id: string): string {
  return `datasets/${dataset}/${QUERY_FILES.folder}/${QUERY_FILES.partition}=${id}/records.parquet`;
}

/** Why a version cannot be in a table with the columns of a contract; undefined when it can. */
export function queryProblem(manifest: Manifest, contract: string): string | undefined {
  return manifest.contract === contract
    ? undefined
    : `OtherContract: its records were judged by contract ${manifest.contract}, and the table has the columns of ${contract}: judge them again with 'npm run intake -- rerun'`;
}
