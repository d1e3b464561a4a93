import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { DATA_ENV, DATA_METRICS } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { OnlineSpec } from '../../lib/constructs/data/online-table/contract';
import { RECORD_STATUS, RECORDS_ENV, RECORDS_METRIC, RECORDS_ROUTE, RECORDS_SECONDS } from '../../lib/constructs/data/records-api/contract';
import { API_METRIC } from '../../lib/constructs/integration/contract';
import { answer, reply, Request } from '../inference-api/http';
import { envelopeOf } from '../intake/envelope';
import { OnlineReader } from '../online-table/reader';
import { clockFrom } from '../shared/clock';
import { contractReader } from '../shared/contract-file';
import { Log, Measure, measureWith, metricsFor, publishing } from '../shared/telemetry';
import { RecordJudge } from '../stream/record-judge';
import { RecordKey } from '../stream/record-key';
import { recordsIn, textOf } from './body';
import { answerNewest } from './newest';
import { Entry, NotTaken, putInOrder, PutOptions } from './put';

export interface RecordsApiDependencies extends Omit<PutOptions, 'deadline' | 'onFault' | 'logger'> {
  dataset: string;
  /** Columns of which records with the same values keep their order. */
  orderedBy: readonly string[];
  contract: () => Promise<CompiledContract>;
  /** How the table of the newest records is read; absent without one. */
  online?: { columns: readonly string[]; reader: (contract: CompiledContract) => Pick<OnlineReader, 'read'> };
  measure: Measure;
  logger: Log;
}

export type RecordsRequest = Request & Pick<APIGatewayProxyEvent, 'headers' | 'multiValueQueryStringParameters'>;

/** What the answer says of one record. */
export interface RecordResult {
  /** Its place in the request, from 0 on. */
  index: number;
  status: (typeof RECORD_STATUS)[keyof typeof RECORD_STATUS];
  /** Of a quarantined record: the rule of the contract, and a reason without the value. */
  rule?: string;
  column?: string;
  reason?: string;
}

/**
 * Takes records by HTTP, and says of an entity what is known now. Each record is judged by the contract, which tells its sender at once what the intake will say; all of them are put on the stream,
 * because the intake accounts for every record. Nothing is taken of a request that is refused as a whole.
 */
export const makeHandler = (deps: RecordsApiDependencies) => {
  let judge: ((text: string) => { key: string; result: Omit<RecordResult, 'index'> }) | undefined;
  const take = async (request: RecordsRequest): Promise<APIGatewayProxyResult> => {
    const deadline = deps.now() + RECORDS_SECONDS.putting * 1000;
    const texts = recordsIn(textOf(request), contentTypeOf(request));
    judge ??= judgeOf(await deps.contract(), deps.orderedBy);
    const judged = texts.map(judge);
    const entries: Entry[] = texts.map((text, i) => ({ text, key: judged[i].key }));
    const outcome = await putInOrder(entries, { ...deps, deadline, onFault: () => deps.measure(API_METRIC.apiFault, 1) });
    const results = judged.map(({ result }, index): RecordResult =>
      outcome[index] === undefined ? { index, ...result } : { index, status: RECORD_STATUS.notTaken },
    );
    const missing = outcome.filter((why) => why !== undefined);
    deps.measure(RECORDS_METRIC.taken, texts.length - missing.length);
    deps.measure(RECORDS_METRIC.notTaken, missing.length);
    return answerOf(results, missing);
  };
  const newest = async ({ multiValueQueryStringParameters }: RecordsRequest, { columns, reader }: NonNullable<typeof deps.online>) =>
    answerNewest(multiValueQueryStringParameters, columns, reader(await deps.contract()));
  const path = `/v1/datasets/${deps.dataset}`;
  return (request: RecordsRequest): Promise<APIGatewayProxyResult> => {
    const { online } = deps;
    const read = online === undefined ? {} : { [`GET ${path}/${RECORDS_ROUTE.newest}`]: () => newest(request, online) };
    return answer({ [`POST ${path}/${RECORDS_ROUTE.records}`]: () => take(request), ...read }, request, deps);
  };
};

function contentTypeOf({ headers }: RecordsRequest): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
}

function judgeOf(contract: CompiledContract, orderedBy: readonly string[]) {
  const judge = new RecordJudge(contract);
  const key = new RecordKey(contract, orderedBy);
  return (text: string) => {
    const verdict = judge.judge(envelopeOf('', new Date(0), Buffer.from(text)));
    const result = 'record' in verdict ? { status: RECORD_STATUS.accepted } : { status: RECORD_STATUS.quarantined, ...verdict.refusal };
    return { key: key.of(text), result };
  };
}

/** 200 when the stream has every record; else 429 when it only had no room, and 503. */
function answerOf(results: RecordResult[], missing: NotTaken[]): APIGatewayProxyResult {
  const count = (wanted: RecordResult['status']) => results.filter(({ status }) => status === wanted).length;
  const { accepted, quarantined, notTaken } = RECORD_STATUS;
  const body = { records: results.length, accepted: count(accepted), quarantined: count(quarantined), notTaken: count(notTaken), results };
  if (missing.length === 0) {
    return reply(200, body);
  }
  const throttled = missing.every((why) => why === 'throttled');
  const why = throttled ? 'the stream had no room for' : 'the stream did not take';
  const error = `${why} ${missing.length} of ${results.length} records: send those of 'resend' again, in their order, and no others`;
  const resend = results.filter(({ status }) => status === notTaken).map(({ index }) => index);
  return reply(throttled ? 429 : 503, { error, resend, ...body }, { 'retry-after': '1' });
}

/** One client for all requests; the key of an entity follows the contract. */
function onlineFrom(env: NodeJS.ProcessEnv): RecordsApiDependencies['online'] {
  const table = env[DATA_ENV.onlineTable];
  if (table === undefined) {
    return undefined;
  }
  const spec = JSON.parse(env[DATA_ENV.onlineSpec]!) as Pick<OnlineSpec, 'entity'>;
  const [dynamo, clock] = [DynamoDBDocumentClient.from(new DynamoDBClient({})), clockFrom(env)];
  return { columns: spec.entity, reader: (contract) => new OnlineReader(dynamo, table, contract, spec, clock) };
}

function dependenciesFrom(env: NodeJS.ProcessEnv): RecordsApiDependencies & { flush: () => void } {
  const metrics = metricsFor({ [DATA_METRICS.dimension]: env[DATA_ENV.intake]! });
  return {
    dataset: env[DATA_ENV.dataset]!,
    stream: env[RECORDS_ENV.stream]!,
    orderedBy: JSON.parse(env[RECORDS_ENV.orderedBy]!) as string[],
    contract: contractReader(env, new S3Client({})),
    online: onlineFrom(env),
    // What is tried again, and when, is decided here: records of one key must not pass each other.
    kinesis: new KinesisClient({ maxAttempts: 1 }),
    now: Date.now,
    sleep: (milliseconds) => sleep(milliseconds),
    random: Math.random,
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'records-api' }),
    flush: () => metrics.publishStoredMetrics(),
  };
}

export const handler = publishing(() => dependenciesFrom(process.env), makeHandler);
