import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, LEDGER } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import { clockFrom, Clock } from '../shared/clock';
import { fileRows } from '../shared/ledger-rows';
import { buildManifest, Manifest, manifestKey, unsettled } from './core';

/** What is known of each dataset at deployment. */
export type Datasets = Record<string, { ledger: string; primaryKey: string[] }>;

export interface BuilderDependencies {
  datasets: Datasets;
  catalogue: string;
  bucket: string;
  s3: S3Client;
  dynamo: DynamoDBDocumentClient;
  clock: Clock;
}

/** Called by hand with `{ "dataset": name }`, or by an event whose detail is that. */
export interface BuildRequest {
  dataset?: string;
  detail?: { dataset?: string };
}

export interface BuildAnswer {
  id: string;
  rows: number;
  files: number;
  manifest: string;
  /** The manifest is this version of its object, and no other. */
  manifestVersion: string;
  /** False when this version was in the catalogue already: building it again changes and announces nothing. */
  created: boolean;
}

/** Readings of a ledger before the builder gives up because it was moving each time. */
const READINGS = 5;

/** Publishes what the ledger has committed as a dataset version; the catalogue's stream announces it. */
export const makeHandler =
  (deps: BuilderDependencies) =>
  async (request: BuildRequest): Promise<BuildAnswer> => {
    const dataset = request.dataset ?? request.detail?.dataset ?? '';
    const known = Object.hasOwn(deps.datasets, dataset) ? deps.datasets[dataset] : undefined;
    if (known === undefined) {
      throw new Error(`UnknownDataset: there is no dataset '${dataset}': known are ${Object.keys(deps.datasets).join(', ')}`);
    }
    const manifest = buildManifest(dataset, deps.bucket, known.primaryKey, await settledRows(dataset, known.ledger, deps));
    const pk = `${dataset}#${manifest.id}`;
    return (await entered(deps, pk)) ?? (await publish(deps, pk, manifest));
  };

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

/** The answer for a version that is in the catalogue. */
async function entered({ dynamo, catalogue }: BuilderDependencies, pk: string): Promise<BuildAnswer | undefined> {
  const { Item } = await dynamo.send(new GetCommand({ TableName: catalogue, Key: { [LEDGER.key]: pk }, ConsistentRead: true }));
  if (Item === undefined) {
    return undefined;
  }
  const { id, rows, files, manifest, manifestVersion } = Item as BuildAnswer;
  return { id, rows, files, manifest, manifestVersion, created: false };
}

/** Stores the manifest and enters its version: one row per dataset version, written once. */
async function publish(deps: BuilderDependencies, pk: string, manifest: Manifest): Promise<BuildAnswer> {
  const { dynamo, catalogue, clock, s3, bucket } = deps;
  const { id, dataset, rows, contract } = manifest;
  const Key = manifestKey(dataset, id);
  const Body = JSON.stringify(manifest, null, 1);
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType: 'application/json' }));
  if (VersionId === undefined) {
    throw new Error(`UnversionedBucket: ${bucket} gave no version for ${Key}: turn versioning on, the catalogue pins versions`);
  }
  const summary = { id, rows, files: manifest.objects.length, manifest: Key, manifestVersion: VersionId };
  const Item = { [LEDGER.key]: pk, dataset, contract, ...summary, publishedAt: (await clock.now()).toISOString() };
  try {
    await dynamo.send(new PutCommand({ TableName: catalogue, Item, ConditionExpression: 'attribute_not_exists(pk)' }));
    return { ...summary, created: true };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return (await entered(deps, pk))!;
    }
    throw error;
  }
}

const logger = new Logger({ serviceName: 'dataset-builder' });
let run: ReturnType<typeof makeHandler> | undefined;

export const handler = async (request: BuildRequest): Promise<BuildAnswer> => {
  run ??= makeHandler({
    datasets: JSON.parse(process.env[DATA_ENV.datasets]!),
    catalogue: process.env[DATA_ENV.catalogue]!,
    bucket: process.env[DATA_ENV.validatedBucket]!,
    s3: new S3Client({}),
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    clock: clockFrom(process.env),
  });
  const answer = await run(request);
  logger.info('dataset version', { ...answer });
  return answer;
};
