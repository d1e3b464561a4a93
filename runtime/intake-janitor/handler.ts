import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  ListObjectVersionsCommandOutput,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, DATA_METRIC, DATA_METRICS, FILE_STATE } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import { fileRows } from '../shared/ledger-rows';
import { Log, measureWith, Measure, metricsFor } from '../shared/telemetry';
import { ListedVersion, orphanedDuplicates, sweepable, unaccounted } from './core';

export interface JanitorDependencies {
  dataset: string;
  ledger: string;
  rawBucket: string;
  outputBuckets: string[];
  queueUrl: string;
  s3: S3Client;
  sqs: Pick<SQSClient, 'send'>;
  dynamo: DynamoDBDocumentClient;
  measure: Measure;
  logger: Pick<Log, 'info'>;
  now: () => Date;
}

/** Compares the raw zone with the ledger: resubmits what has no final row, sweeps what no row names, reports what is late. */
export const makeHandler = (deps: JanitorDependencies) => async () => {
  const rows = new Map<string, FileRow>();
  for await (const row of fileRows(deps.dynamo, deps.ledger)) {
    rows.set(row.pk, row);
  }
  const late = unaccounted(await rawVersions(deps), rows, deps.now());
  const orphans = orphanedDuplicates(rows);
  for (const row of orphans) {
    await reopen(deps, row);
  }
  for (const { key, versionId } of [...late, ...orphans]) {
    await deps.sqs.send(new SendMessageCommand({ QueueUrl: deps.queueUrl, MessageBody: messageFor(deps.rawBucket, key, versionId, rows) }));
  }
  let swept = 0;
  for (const bucket of deps.outputBuckets) {
    swept += await sweep(deps, bucket, rows);
  }
  deps.measure(DATA_METRIC.filesUnaccounted, late.length);
  const report = { resubmitted: late.length, reopened: orphans.length, swept };
  deps.logger.info('janitor', report);
  return report;
};

/** The newest versions only: an older one that was never read is superseded anyway. */
async function rawVersions({ s3, rawBucket, dataset }: JanitorDependencies): Promise<ListedVersion[]> {
  const versions: ListedVersion[] = [];
  let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket: rawBucket, Prefix: `${dataset}/`, ...marker }),
    );
    const newest = (page.Versions ?? []).filter(({ IsLatest }) => IsLatest);
    versions.push(...newest.map(({ Key, VersionId, LastModified }) => ({ key: Key!, versionId: VersionId!, modified: LastModified! })));
    marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return versions;
}

/** accounted duplicate -> received, so that the next attempt can take it. */
async function reopen({ dynamo, ledger }: JanitorDependencies, row: FileRow): Promise<void> {
  try {
    await dynamo.send(
      new UpdateCommand({
        TableName: ledger,
        Key: { pk: row.pk },
        ConditionExpression: 'duplicateOf = :owner AND #state = :accounted',
        UpdateExpression: 'SET #state = :received REMOVE duplicateOf',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':owner': row.duplicateOf, ':accounted': FILE_STATE.accounted, ':received': FILE_STATE.received },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}

/** The message that Amazon EventBridge would have sent; the row keeps the sequencer of the first one. */
function messageFor(bucket: string, key: string, versionId: string, rows: Map<string, FileRow>): string {
  const sequencer = rows.get(`object#${key}#${versionId}`)?.sequencer ?? '';
  return JSON.stringify({ detail: { bucket: { name: bucket }, object: { key, 'version-id': versionId, sequencer } } });
}

async function sweep({ s3, dataset, now }: JanitorDependencies, bucket: string, rows: Map<string, FileRow>): Promise<number> {
  let swept = 0;
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: `${dataset}/` })) {
    const keys = sweepable(
      Contents.map(({ Key, LastModified }) => ({ key: Key!, modified: LastModified! })),
      rows,
      now(),
    );
    if (keys.length > 0) {
      await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
      swept += keys.length;
    }
  }
  return swept;
}

let run: (() => Promise<object>) | undefined;

export const handler = (): Promise<object> => {
  run ??= start();
  return run();
};

function start(): () => Promise<object> {
  const env = process.env;
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.dataset]! });
  const clean = makeHandler({
    dataset: env[DATA_ENV.dataset]!,
    ledger: env[DATA_ENV.ledger]!,
    rawBucket: env[DATA_ENV.rawBucket]!,
    outputBuckets: [env[DATA_ENV.validatedBucket]!, env[DATA_ENV.quarantineBucket]!],
    queueUrl: env[DATA_ENV.queueUrl]!,
    s3: new S3Client({}),
    sqs: new SQSClient({}),
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'intake-janitor' }),
    now: () => new Date(),
  });
  return async () => {
    try {
      return await clean();
    } finally {
      metrics.publishStoredMetrics();
    }
  };
}
