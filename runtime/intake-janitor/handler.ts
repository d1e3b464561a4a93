import { Logger } from '@aws-lambda-powertools/logger';
import { ConditionalCheckFailedException, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  ListObjectVersionsCommandOutput,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, DATA_METRIC, DATA_METRICS, FILE_STATE, Freeze, isFrozen, LEDGER } from '../../lib/constructs/data/contract';
import { INTAKE_SECONDS } from '../../lib/constructs/data/data-intake/contract';
import { isFolder } from '../intake/core';
import type { FileRow } from '../intake/file-row';
import { freezeOf } from '../shared/freeze';
import { fileRows, orphanedDuplicates } from '../shared/ledger-rows';
import { Log, measureWith, Measure, metricsFor } from '../shared/telemetry';
import { committedFolders, hoursSinceFile, OutputObject, sequencerIn, sequencersOf, sweeper, validRowsOf } from './core';
import { ListedVersion, unaccounted } from './lateness';
import { MessagesOptions, resubmit, sendLate } from './messages';

export interface JanitorDependencies extends MessagesOptions {
  dataset: string;
  validatedBucket: string;
  quarantineBucket: string;
  s3: S3Client;
  dynamo: DynamoDBDocumentClient;
  measure: Measure;
  logger: Pick<Log, 'info' | 'warn'>;
  /** When the ledger was made. */
  ledgerMade: () => Promise<Date>;
  /** What a file may take until it is reported. */
  latencySeconds: number;
  /** Period of the contract's throughput; absent without one. */
  throughputHours?: number;
}

/**
 * Compares the raw zone with the ledger: resubmits what has no final row, puts what has had its time with the dead letters, sweeps what no row names,
 * reports what is late. During a freeze nothing is late, and nothing is sent again; it says when one is over.
 */
export const makeHandler = (deps: JanitorDependencies) => async () => {
  const freeze = await freezeOf(deps.dynamo, deps.ledger);
  const frozen = isFrozen(freeze, deps.now());
  if (freeze !== undefined && !frozen && freeze.endedAt === undefined) {
    await endFreeze(deps, freeze);
  }
  const rows = new Map<string, FileRow>();
  for await (const row of fileRows(deps.dynamo, deps.ledger)) {
    rows.set(row.pk, row);
  }
  const versions = await rawVersions(deps);
  const times = { now: deps.now(), ledgerMade: await deps.ledgerMade(), freeze };
  const late = unaccounted(versions, rows, times, deps.latencySeconds);
  const lost = unaccounted(versions, rows, times, INTAKE_SECONDS.resubmit);
  const orphans = frozen ? [] : orphanedDuplicates(rows);
  for (const row of orphans) {
    await reopen(deps, row);
  }
  const sequencers = sequencersOf(versions, rows);
  const sent = await sendLate(lost, rows, times, (version) => sequencerIn(sequencers, version), deps);
  for (const row of orphans) {
    await resubmit(row, deps);
  }
  const swept = await sweep(deps, rows);
  deps.measure(DATA_METRIC.filesUnaccounted, late.length);
  measureArrivals(deps, rows, times.ledgerMade);
  const report = { unaccounted: late.length, ...sent, reopened: orphans.length, swept, frozen };
  deps.logger.info('janitor', report);
  return report;
};

/** Validators began again at the moment that it names; this is for those who read of it. */
async function endFreeze({ dynamo, ledger }: JanitorDependencies, { freeze, until }: Freeze): Promise<void> {
  try {
    await dynamo.send(
      new UpdateCommand({
        TableName: ledger,
        Key: { [LEDGER.key]: LEDGER.freeze },
        ConditionExpression: '#freeze = :freeze AND attribute_not_exists(endedAt)',
        UpdateExpression: 'SET endedAt = :until, endedBy = :me, endReason = :why',
        ExpressionAttributeNames: { '#freeze': 'freeze' },
        ExpressionAttributeValues: { ':freeze': freeze, ':until': until, ':me': 'janitor', ':why': 'its time was over' },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}

/** How long ago a file brought records, and how many came of late. */
function measureArrivals({ throughputHours, measure, now }: JanitorDependencies, rows: Map<string, FileRow>, made: Date): void {
  measure(DATA_METRIC.hoursSinceFile, hoursSinceFile(rows.values(), made, now()), 'None');
  const valid = throughputHours === undefined ? undefined : validRowsOf(throughputHours, rows.values(), made, now());
  if (valid !== undefined) {
    measure(DATA_METRIC.validRowsOfPeriod, valid);
  }
}

/** Every version: an older one counts too when a newer one is rejected. */
async function rawVersions({ s3, rawBucket, dataset }: JanitorDependencies): Promise<ListedVersion[]> {
  const versions: ListedVersion[] = [];
  let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({ Bucket: rawBucket, Prefix: `${dataset}/`, ...marker }),
    );
    const listed = (page.Versions ?? []).filter(({ Key }) => !isFolder(Key!));
    versions.push(...listed.map(({ Key, VersionId, LastModified }) => ({ key: Key!, versionId: VersionId!, modified: LastModified! })));
    marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
  return versions;
}

/** accounted duplicate -> received, so that the next attempt can take it. */
async function reopen({ dynamo, ledger, now }: JanitorDependencies, row: FileRow): Promise<void> {
  try {
    await dynamo.send(
      new UpdateCommand({
        TableName: ledger,
        Key: { pk: row.pk },
        ConditionExpression: 'duplicateOf = :owner AND #state = :accounted',
        UpdateExpression: 'SET #state = :received, resumedAt = :now REMOVE duplicateOf ADD reopened :one',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':owner': row.duplicateOf,
          ':accounted': FILE_STATE.accounted,
          ':received': FILE_STATE.received,
          ':now': now().getTime() / 1000,
          ':one': 1,
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}

/** Removes outputs of attempts that nobody committed; returns how many. */
async function sweep(deps: JanitorDependencies, rows: Map<string, FileRow>): Promise<number> {
  const committed = new Set<string>();
  const candidates = new Map<string, OutputObject[]>();
  const possible = sweeper(deps.dataset, rows, committed, deps.now());
  for (const Bucket of [deps.validatedBucket, deps.quarantineBucket]) {
    const objects: OutputObject[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client: deps.s3 }, { Bucket, Prefix: `${deps.dataset}/` })) {
      const page = Contents.map(({ Key, LastModified }) => ({ key: Key!, modified: LastModified! }));
      committedFolders(page).forEach((folder) => committed.add(folder));
      objects.push(...page.filter(possible));
    }
    candidates.set(Bucket, objects);
  }
  let swept = 0;
  for (const [bucket, objects] of candidates) {
    swept += await remove(deps, bucket, objects.filter(possible));
  }
  return swept;
}

/** Amazon S3 deletes 1,000 objects in one call (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html). */
const DELETIONS = 1000;

async function remove({ s3, logger }: JanitorDependencies, Bucket: string, objects: OutputObject[]): Promise<number> {
  let removed = 0;
  for (let start = 0; start < objects.length; start += DELETIONS) {
    const Objects = objects.slice(start, start + DELETIONS).map(({ key }) => ({ Key: key }));
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    Errors.forEach(({ Key, Code }) => logger.warn('an object was not swept', { key: Key, code: Code }));
    removed += Objects.length - Errors.length;
  }
  return removed;
}

let run: (() => Promise<object>) | undefined;

export const handler = (): Promise<object> => {
  run ??= start();
  return run();
};

function start(): () => Promise<object> {
  const env = process.env;
  const low = new DynamoDBClient({});
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.intake]! });
  const clean = makeHandler({
    dataset: env[DATA_ENV.dataset]!,
    ledger: env[DATA_ENV.ledger]!,
    rawBucket: env[DATA_ENV.rawBucket]!,
    validatedBucket: env[DATA_ENV.validatedBucket]!,
    quarantineBucket: env[DATA_ENV.quarantineBucket]!,
    queueUrl: env[DATA_ENV.queueUrl]!,
    deadLetterUrl: env[DATA_ENV.deadLetterUrl]!,
    s3: new S3Client({}),
    sqs: new SQSClient({}),
    dynamo: DynamoDBDocumentClient.from(low),
    ledgerMade: async () => {
      const { Table } = await low.send(new DescribeTableCommand({ TableName: env[DATA_ENV.ledger] }));
      return Table!.CreationDateTime!;
    },
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'intake-janitor' }),
    now: () => new Date(),
    latencySeconds: Number(env[DATA_ENV.latencySeconds]),
    throughputHours: env[DATA_ENV.throughputHours] === undefined ? undefined : Number(env[DATA_ENV.throughputHours]),
  });
  return async () => {
    try {
      return await clean();
    } finally {
      metrics.publishStoredMetrics();
    }
  };
}
