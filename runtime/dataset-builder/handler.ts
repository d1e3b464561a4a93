import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, LEDGER } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import { clockFrom, Clock } from '../shared/clock';
import { fileRows } from '../shared/ledger-rows';
import { buildManifest, manifestKey } from './core';

/** What is known of each dataset at deployment. */
export type Datasets = Record<string, { ledger: string; primaryKey: string[] }>;

export interface BuilderDependencies {
  datasets: Datasets;
  catalogue: string;
  bucket: string;
  s3: Pick<S3Client, 'send'>;
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
  /** False when this version was in the catalogue already: building it again changes and announces nothing. */
  created: boolean;
}

/** Publishes what the ledger has committed as a dataset version; the catalogue's stream announces it. */
export const makeHandler =
  (deps: BuilderDependencies) =>
  async (request: BuildRequest): Promise<BuildAnswer> => {
    const dataset = request.dataset ?? request.detail?.dataset ?? '';
    const known = deps.datasets[dataset];
    if (known === undefined) {
      throw new Error(`UnknownDataset: there is no dataset '${dataset}': known are ${Object.keys(deps.datasets).join(', ')}`);
    }
    const rows: FileRow[] = [];
    for await (const row of fileRows(deps.dynamo, known.ledger)) {
      rows.push(row);
    }
    const manifest = buildManifest(dataset, deps.bucket, known.primaryKey, rows);
    const key = manifestKey(dataset, manifest.id);
    await deps.s3.send(
      new PutObjectCommand({ Bucket: deps.bucket, Key: key, Body: JSON.stringify(manifest, null, 1), ContentType: 'application/json' }),
    );
    const summary = { id: manifest.id, rows: manifest.rows, files: manifest.objects.length, manifest: key };
    return { ...summary, created: await enter(deps, { dataset, contract: manifest.contract, ...summary }) };
  };

/** One row per version, written once. */
async function enter(
  { dynamo, catalogue, clock }: BuilderDependencies,
  row: { dataset: string; id: string; [field: string]: unknown },
): Promise<boolean> {
  const Item = { [LEDGER.key]: `${row.dataset}#${row.id}`, ...row, publishedAt: (await clock.now()).toISOString() };
  try {
    await dynamo.send(new PutCommand({ TableName: catalogue, Item, ConditionExpression: 'attribute_not_exists(pk)' }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) {
      return false;
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
