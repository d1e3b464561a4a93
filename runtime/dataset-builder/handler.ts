import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { DATA_ENV, LEDGER, Withdrawal } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { DatasetEntry, DatasetSplit } from '../../lib/constructs/data/dataset-catalog/contract';
import type { FileRow } from '../intake/file-row';
import type { Output } from '../intake/object-output';
import { LineOutput } from '../intake/output';
import { clockFrom, Clock } from '../shared/clock';
import { fileRows } from '../shared/ledger-rows';
import {
  buildManifest,
  committedFiles,
  excludedKey,
  INLINE_RUNS,
  Manifest,
  manifestKey,
  queryKey,
  queryProblem,
  statisticsKey,
  unsettled,
} from './core';
import type { Ordinals } from './ordinals';
import { writeQueryFile } from './query-file';
import { Reading, readRecords } from './reading';
import { splitOf } from './split';
import { enter, lastWithdrawal } from './withdrawals';

export interface BuilderDependencies {
  /** What is known of each dataset at deployment. */
  datasets: Record<string, DatasetEntry>;
  /** The contract at a key. */
  contractAt: (key: string) => Promise<CompiledContract>;
  catalogue: string;
  bucket: string;
  s3: S3Client;
  dynamo: DynamoDBDocumentClient;
  clock: Clock;
  scratchFolder: string;
  /** Records whose keys one run compares, when not as many as its scratch space is made for. */
  maximumRecords?: number;
}

/** Called by hand with `{ "dataset": name }`, or by an event whose detail is that. */
export interface BuildRequest {
  dataset?: string;
  detail?: { dataset?: string };
}

export interface BuildAnswer {
  id: string;
  rows: number;
  /** Records that do not count, because a newer file has their primary key. */
  superseded: number;
  files: number;
  manifest: string;
  /** The manifest is this version of its object, and no other. */
  manifestVersion: string;
  /** False when this version was in the catalogue already: building it again changes and announces nothing. */
  created: boolean;
}

/** Readings of a ledger before the builder gives up because it was moving each time. */
const READINGS = 5;

/** Time that is kept for writing the manifest, milliseconds. */
const WRITING = 60_000;

/** Lines that are written before the output is asked whether it takes more. */
const LINES = 4096;

/** Publishes what the ledger has committed as a dataset version; the catalogue's stream announces it. */
export const makeHandler =
  (deps: BuilderDependencies) =>
  async (request: BuildRequest, remaining: () => number = () => Number.POSITIVE_INFINITY): Promise<BuildAnswer> => {
    const dataset = request.dataset ?? request.detail?.dataset ?? '';
    const known = Object.hasOwn(deps.datasets, dataset) ? deps.datasets[dataset] : undefined;
    if (known === undefined) {
      throw new Error(`UnknownDataset: there is no dataset '${dataset}': known are ${Object.keys(deps.datasets).join(', ')}`);
    }
    const seen = await lastWithdrawal(deps.dynamo, known.ledger);
    const files = committedFiles(dataset, await settledRows(dataset, known.ledger, deps));
    const contract = await deps.contractAt(known.contract);
    const { split, personalData } = known;
    const left = () => remaining() - WRITING;
    const reading = await readRecords(files, contract, split, { ...deps, personalData, left });
    const policy = { primaryKey: contract.primaryKey, split };
    const manifest = buildManifest(dataset, deps.bucket, policy, files, reading.superseded);
    const pk = `${dataset}#${manifest.id}`;
    const whole = async () => ({
      ...(await complete(deps, manifest, files, reading, split)),
      ...(known.query === undefined ? {} : await queryOf(deps, { manifest, files, reading, contract, left, table: known.query })),
    });
    const there = await entered(deps, pk);
    if (there !== undefined) {
      return there;
    }
    const made = await whole();
    return publish(deps, pk, made, { ledger: known.ledger, seen }).catch(async (error: Error) => {
      await unqueried(deps, made, error);
      throw error;
    });
  };

/**
 * What was withdrawn meanwhile may not be queried either: the object that this builder has just written goes again. It alone, by its version: that of
 * another builder, or what a withdrawal has hidden it with, is then the newest again.
 */
async function unqueried({ s3, bucket }: BuilderDependencies, { query }: Manifest, { message }: Error): Promise<void> {
  if (query !== undefined && /^Withdrawn(Meanwhile|Dataset):/.test(message)) {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: query.key, VersionId: query.versionId }));
  }
}

/** The manifest with what its records say: stored beside it where a manifest is no place for it. */
async function complete(
  deps: BuilderDependencies,
  manifest: Manifest,
  files: readonly FileRow[],
  reading: Reading,
  rule: DatasetSplit | undefined,
): Promise<Manifest> {
  const { days, statistics } = reading;
  const split = rule === undefined || days === undefined ? {} : { split: splitOf(rule, days) };
  const columns = statistics.result().map((column) => JSON.stringify(column));
  return {
    ...manifest,
    objects: await withLongExclusions(deps, manifest, files, reading),
    ...split,
    statistics: await storeLines(deps, statisticsKey(manifest.dataset, manifest.id), columns),
  };
}

interface Queried {
  manifest: Manifest;
  files: readonly FileRow[];
  reading: Reading;
  contract: CompiledContract;
  left: () => number;
  /** Hash of the contract whose columns the table has. */
  table: string;
}

async function queryOf(
  { s3, bucket }: BuilderDependencies,
  { manifest, files, reading, contract, left, table }: Queried,
): Promise<Pick<Manifest, 'query' | 'queryProblem'>> {
  const problem = queryProblem(manifest, table);
  if (problem !== undefined) {
    return { queryProblem: problem };
  }
  const key = queryKey(manifest.dataset, manifest.id);
  return { query: await writeQueryFile(files, contract, reading.superseded, { s3, bucket, left, key }) };
}

async function settledRows(dataset: string, ledger: string, { dynamo }: BuilderDependencies): Promise<FileRow[]> {
  let problem: string | undefined;
  for (let reading = 0; reading < READINGS; reading++) {
    const rows: FileRow[] = [];
    for await (const row of fileRows(dynamo, ledger)) {
      rows.push(row);
    }
    problem = unsettled(rows);
    if (problem === undefined) {
      return rows;
    }
  }
  throw new Error(`UnsettledLedger: '${dataset}' cannot be published now, ${problem}: try again in a few minutes`);
}

/** The answer for a version that is in the catalogue. Errors: `WithdrawnDataset`. */
async function entered({ dynamo, catalogue }: BuilderDependencies, pk: string): Promise<BuildAnswer | undefined> {
  const { Item } = await dynamo.send(new GetCommand({ TableName: catalogue, Key: { [LEDGER.key]: pk }, ConsistentRead: true }));
  if (Item === undefined) {
    return undefined;
  }
  const { id, rows, superseded, files, manifest, manifestVersion, withdrawal, withdrawnReason } = Item as BuildAnswer & Partial<Withdrawal>;
  if (withdrawal !== undefined) {
    throw new Error(
      `WithdrawnDataset: what is accounted for is version ${id}, which was withdrawn (${withdrawnReason}): withdraw the files that are wrong too, or send others`,
    );
  }
  return { id, rows, superseded, files, manifest, manifestVersion, created: false };
}

/** The objects of a manifest are in the order of the files. */
async function withLongExclusions(
  deps: BuilderDependencies,
  manifest: Manifest,
  files: readonly FileRow[],
  { superseded }: Reading,
): Promise<Manifest['objects']> {
  const objects = [];
  for (const [i, object] of manifest.objects.entries()) {
    const ordinals = superseded.get(files[i].pk);
    const long = ordinals !== undefined && ordinals.runs > INLINE_RUNS;
    const key = excludedKey(manifest.dataset, manifest.id, object.content);
    objects.push(long ? { ...object, excludedIn: await storeLines(deps, key, rangesOf(ordinals)) } : object);
  }
  return objects;
}

function* rangesOf(ordinals: Ordinals): Generator<string> {
  for (const range of ordinals.ranges()) {
    yield JSON.stringify(range);
  }
}

/** Stores lines as one gzip object. */
async function storeLines({ s3, bucket }: BuilderDependencies, key: string, all: Iterable<string>): Promise<Output> {
  const output = new LineOutput(s3, bucket, key, 'application/x-ndjson');
  try {
    let lines = 0;
    for (const line of all) {
      output.write(line);
      if (++lines % LINES === 0) {
        await output.drained();
      }
    }
    return await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** Stores the manifest and enters its version: one row per dataset version, written once, unless a file was withdrawn since the ledger was read. */
async function publish(
  deps: BuilderDependencies,
  pk: string,
  manifest: Manifest,
  since: { ledger: string; seen: string | undefined },
): Promise<BuildAnswer> {
  const { dynamo, catalogue, clock, s3, bucket } = deps;
  const { id, dataset, rows, superseded, contract } = manifest;
  const Key = manifestKey(dataset, id);
  const Body = JSON.stringify(manifest, null, 1);
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType: 'application/json' }));
  if (VersionId === undefined) {
    throw new Error(`UnversionedBucket: ${bucket} gave no version for ${Key}: turn versioning on, the catalogue pins versions`);
  }
  const summary = { id, rows, superseded, files: manifest.objects.length, manifest: Key, manifestVersion: VersionId };
  const Item = { [LEDGER.key]: pk, dataset, contract, ...summary, publishedAt: (await clock.now()).toISOString() };
  return (await enter(dynamo, { catalogue, Item, ...since })) ? { ...summary, created: true } : (await entered(deps, pk))!;
}

const logger = new Logger({ serviceName: 'dataset-builder' });
const storage = new S3Client({});
let run: ReturnType<typeof makeHandler> | undefined;

/** Contracts are immutable: the key has their hash. */
function contractsIn(s3: S3Client, Bucket: string): (key: string) => Promise<CompiledContract> {
  const read = new Map<string, CompiledContract>();
  return async (Key) => {
    if (!read.has(Key)) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      read.set(Key, JSON.parse(await Body!.transformToString()) as CompiledContract);
    }
    return read.get(Key)!;
  };
}

export const handler = async (request: BuildRequest, context: Context): Promise<BuildAnswer> => {
  run ??= makeHandler({
    contractAt: contractsIn(storage, process.env[DATA_ENV.contractBucket]!),
    datasets: JSON.parse(process.env[DATA_ENV.datasets]!),
    catalogue: process.env[DATA_ENV.catalogue]!,
    bucket: process.env[DATA_ENV.validatedBucket]!,
    s3: storage,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    clock: clockFrom(process.env),
    scratchFolder: tmpdir(),
  });
  const answer = await run(request, () => context.getRemainingTimeInMillis());
  logger.info('dataset version', { ...answer });
  return answer;
};
