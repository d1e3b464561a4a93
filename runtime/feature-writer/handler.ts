import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { KinesisStreamEvent } from 'aws-lambda';
import { DATA_ENV, DATA_METRICS } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { AggregateDefinition, FEATURE_ENV, FEATURE_METRIC } from '../../lib/constructs/data/features/contract';
import { Applied, FeatureStore } from '../features/store';
import { Clock, clockFrom } from '../shared/clock';
import { contractReader } from '../shared/contract-file';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { batchOf, StreamRecord } from '../stream/batch';
import { RecordJudge } from '../stream/record-judge';
import { RecordKey } from '../stream/record-key';

export interface FeatureWriterDependencies {
  definitions: readonly AggregateDefinition[];
  store: Pick<FeatureStore, 'apply'>;
  contract: () => Promise<CompiledContract>;
  /** Of the workload: how late a record is. */
  clock: Clock;
  measure: Measure;
  logger: Pick<Log, 'warn'>;
  now: () => Date;
}

/** Writes that are under way at the same time. */
const PARALLEL = 32;

/** A record that keeps the contract, for one feature. */
interface Entry {
  definition: AggregateDefinition;
  fields: Record<string, unknown>;
  record: string;
  source: StreamRecord;
}

/** What tells valid records from others, and what names them: by their primary key, which features need. */
interface Reading {
  judge: RecordJudge;
  key: RecordKey;
}

/**
 * Counts records of a stream for features. Each is one conditional write of its own item, so that neither order nor number of deliveries changes
 * what the store holds in the end; the first error ends the batch, which comes again.
 */
export const makeHandler = (deps: FeatureWriterDependencies) => {
  let reading: Reading | undefined;
  return async (event: KinesisStreamEvent): Promise<void> => {
    const contract = await deps.contract();
    reading ??= { judge: new RecordJudge(contract), key: new RecordKey(contract, contract.primaryKey) };
    const { shard, records } = batchOf(event);
    const now = await deps.clock.now();
    const entries = records.flatMap((source) => entriesOf(source, reading!, contract, shard, deps));
    const seen: Record<string, number> = {};
    for (let start = 0; start < entries.length; start += PARALLEL) {
      const applied = entries.slice(start, start + PARALLEL).map((entry) => apply(entry, now, shard, deps));
      for (const outcome of await Promise.all(applied)) {
        seen[outcome] = (seen[outcome] ?? 0) + 1;
      }
    }
    deps.measure(FEATURE_METRIC.counted, seen.counted ?? 0);
    deps.measure(FEATURE_METRIC.late, seen.late ?? 0);
    deps.measure(FEATURE_METRIC.refused, seen.refused ?? 0);
    deps.measure(FEATURE_METRIC.milliseconds, deps.now().getTime() - records[0].arrived.getTime(), MetricUnit.Milliseconds);
  };
};

/** `refused`: the feature cannot read it, or its event time is none that there is. Errors: the store fails. */
async function apply(
  { definition, fields, record, source }: Entry,
  now: Date,
  shard: string,
  { store, logger, now: real }: FeatureWriterDependencies,
): Promise<Applied | 'refused'> {
  const refused = (why: { reason: string } | { error: Error }) => {
    logger.warn('a record cannot be counted', { shard, sequence: source.sequence, feature: definition.name, ...why });
    return 'refused' as const;
  };
  try {
    const outcome = await store.apply(definition, { fields, record, order: orderOf(source) }, now, real());
    return outcome === 'beyond time' ? refused({ reason: 'its event time is beyond what a date can say' }) : outcome;
  } catch (error) {
    if (!/^Invalid(Moment|Value):/.test((error as Error).message)) {
      throw error;
    }
    return refused({ error: error as Error });
  }
}

function entriesOf(
  source: StreamRecord,
  { judge, key }: Reading,
  contract: CompiledContract,
  shard: string,
  { definitions, logger }: FeatureWriterDependencies,
): Entry[] {
  const verdict = judge.judge(source.line);
  if ('refusal' in verdict) {
    logger.warn('a record is not counted', { shard, sequence: source.sequence, reason: verdict.refusal.rule });
    return [];
  }
  const own = definitions.filter(({ dataset }) => dataset === contract.dataset);
  return own.map((definition) => ({ definition, fields: verdict.record, record: key.ofRecord(verdict.record)!, source }));
}

/** Versions of one record are in the order of the stream: the sequence number, led by its number of digits so that texts compare as numbers. */
const orderOf = ({ sequence }: StreamRecord): string => String(sequence.length).padStart(3, '0') + sequence;

function dependenciesFrom(env: NodeJS.ProcessEnv): FeatureWriterDependencies & { flush: () => void } {
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.intake]! });
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
  return {
    definitions: JSON.parse(env[FEATURE_ENV.definitions]!) as AggregateDefinition[],
    store: new FeatureStore({ client, table: env[FEATURE_ENV.table]!, keepSeconds: Number(env[FEATURE_ENV.keepSeconds]) }),
    contract: contractReader(env, new S3Client({})),
    clock: clockFrom(env),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'feature-writer' }),
    now: () => new Date(),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
