import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { KinesisStreamEvent } from 'aws-lambda';
import { DATA_ENV, DATA_METRIC, DATA_METRICS } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { contractReader } from '../shared/contract-file';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { batchOf } from '../stream/batch';
import { RecordJudge } from '../stream/record-judge';
import { RecordKey } from '../stream/record-key';
import { Checkpoints } from './checkpoints';
import { landBatch, LandOptions } from './land';

export interface LandingDependencies extends Omit<LandOptions, 'keyOf' | 'dataset'> {
  contract: () => Promise<CompiledContract>;
  measure: Measure;
  logger: Pick<Log, 'info'>;
}

/**
 * Lands batches of a stream in the raw zone, where the intake takes them as it takes files. An error is never one of a record, since every
 * record is landed: so the whole batch comes again, and what was landed of it is known.
 */
export const makeHandler = (deps: LandingDependencies) => {
  let keyOf: ReturnType<typeof keyReader> | undefined;
  return async (event: KinesisStreamEvent): Promise<void> => {
    const contract = await deps.contract();
    keyOf ??= keyReader(contract);
    const batch = batchOf(event);
    const landed = await landBatch(batch, { ...deps, dataset: contract.dataset, keyOf });
    const { stream, shard, records } = batch;
    deps.logger.info('batch', {
      stream,
      shard,
      first: records[0].sequence,
      last: records.at(-1)!.sequence,
      records: records.length,
      landed,
    });
    deps.measure(DATA_METRIC.recordsLanded, landed);
  };
};

/** Compares keys as the intake will: what it takes for one key must not come twice in an object. */
function keyReader(contract: CompiledContract): LandOptions['keyOf'] {
  if (contract.primaryKey.length === 0) {
    return () => undefined;
  }
  const judge = new RecordJudge(contract);
  const key = new RecordKey(contract, contract.primaryKey);
  return (line) => {
    const verdict = judge.judge(line);
    return 'record' in verdict ? key.ofRecord(verdict.record) : undefined;
  };
}

function dependenciesFrom(env: NodeJS.ProcessEnv): LandingDependencies & { flush: () => void } {
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.intake]! });
  const s3 = new S3Client({});
  return {
    s3,
    checkpoints: new Checkpoints(DynamoDBDocumentClient.from(new DynamoDBClient({})), env[DATA_ENV.ledger]!),
    rawBucket: env[DATA_ENV.rawBucket]!,
    contract: contractReader(env, s3),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'stream-landing' }),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
