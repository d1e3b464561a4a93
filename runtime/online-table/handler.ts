import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { KinesisStreamEvent } from 'aws-lambda';
import { DATA_ENV, DATA_METRIC, DATA_METRICS } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { OnlineSpec } from '../../lib/constructs/data/online-table/contract';
import { contractReader } from '../shared/contract-file';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { batchOf } from '../stream/batch';
import { EntityKey } from '../stream/entity-key';
import { RecordJudge } from '../stream/record-judge';
import { itemOf, newestOf, OnlineItem } from './core';

export interface OnlineTableDependencies {
  table: string;
  spec: OnlineSpec;
  dynamo: Pick<DynamoDBDocumentClient, 'send'>;
  contract: () => Promise<CompiledContract>;
  measure: Measure;
  logger: Pick<Log, 'warn'>;
  now: () => Date;
}

/** Writes that are under way at the same time. */
const PARALLEL = 32;

/**
 * Keeps the newest record of each entity. Each write is conditional on being newer than what is there, so that neither order nor number of
 * deliveries changes what the table holds in the end.
 */
export const makeHandler = (deps: OnlineTableDependencies) => {
  let judge: RecordJudge | undefined;
  return async (event: KinesisStreamEvent): Promise<void> => {
    const contract = await deps.contract();
    judge ??= new RecordJudge(contract);
    const key = new EntityKey(contract, deps.spec.entity);
    const { shard, records } = batchOf(event);
    const items: OnlineItem[] = [];
    let refused = 0;
    for (const record of records) {
      const verdict = judge.judge(record.line);
      const item = 'record' in verdict ? itemOf(verdict.record, record, deps.spec, key, contract.nullTokens) : verdict.refusal.rule;
      if (typeof item === 'string') {
        refused++;
        deps.logger.warn('a record is not in the online table', { shard, sequence: record.sequence, reason: item });
      } else {
        items.push(item);
      }
    }
    const newest = newestOf(items);
    for (let start = 0; start < newest.length; start += PARALLEL) {
      await Promise.all(newest.slice(start, start + PARALLEL).map((item) => write(item, deps)));
    }
    deps.measure(DATA_METRIC.recordsOnline, items.length);
    deps.measure(DATA_METRIC.recordsNotOnline, refused);
    deps.measure(DATA_METRIC.millisecondsToOnline, deps.now().getTime() - records[0].arrived.getTime(), MetricUnit.Milliseconds);
  };
};

async function write(Item: OnlineItem, { dynamo, table }: OnlineTableDependencies): Promise<void> {
  const put = new PutCommand({
    TableName: table,
    Item,
    ConditionExpression: 'attribute_not_exists(pk) OR eventTime < :time OR (eventTime = :time AND #position < :position)',
    ExpressionAttributeNames: { '#position': 'position' },
    ExpressionAttributeValues: { ':time': Item.eventTime, ':position': Item.position },
  });
  try {
    await dynamo.send(put);
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}

function dependenciesFrom(env: NodeJS.ProcessEnv): OnlineTableDependencies & { flush: () => void } {
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.intake]! });
  return {
    table: env[DATA_ENV.onlineTable]!,
    spec: JSON.parse(env[DATA_ENV.onlineSpec]!) as OnlineSpec,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    contract: contractReader(env, new S3Client({})),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'online-table' }),
    now: () => new Date(),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
