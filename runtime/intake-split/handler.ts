import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, DATA_METRICS } from '../../lib/constructs/data/contract';
import { SPLIT_STEP } from '../../lib/constructs/data/data-intake/contract';
import { BUILD, objectKey } from '../intake/core';
import { publishFile } from '../intake/file-metrics';
import { Ledger } from '../intake/ledger';
import { contractReader } from '../shared/contract-file';
import { Log, metricsFor } from '../shared/telemetry';
import { contextOf, SplitContext } from './context';
import { mergeRanges } from './merge';
import { SplitFile } from './plan';
import { scanRange, writeRange } from './ranges';
import { digestFile, orderRanges, planFile } from './steps';

/** What the state machine calls a step with. */
export interface StepEvent {
  step: (typeof SPLIT_STEP)[keyof typeof SPLIT_STEP];
  file: SplitFile;
  /** Of the steps `scan` and `write`. */
  range?: number;
  /** All ranges; of the steps `order` and `merge`. */
  ranges?: number[];
  /** Of the step `merge`. */
  sha256?: string;
}

export interface Clients {
  s3: S3Client;
  dynamo: Pick<DynamoDBDocumentClient, 'send'>;
}

export function makeHandler(env: NodeJS.ProcessEnv, clients: Clients, logger: Pick<Log, 'info'>, metrics: Metrics) {
  const contract = contractReader(env, clients.s3);
  const ledger = new Ledger(clients.dynamo, env[DATA_ENV.ledger]!);
  const context = async (): Promise<SplitContext> =>
    contextOf({
      ledger,
      s3: clients.s3,
      contract: await contract(),
      contractHash: env[DATA_ENV.contractHash]!,
      build: BUILD,
      validatedBucket: env[DATA_ENV.validatedBucket]!,
      quarantineBucket: env[DATA_ENV.quarantineBucket]!,
      scratchFolder: tmpdir(),
      rangeBytes: Number(env[DATA_ENV.rangeBytes]),
    });

  return async (event: StepEvent): Promise<object> => {
    const { step, file, range } = event;
    const answer = await run(await context(), event);
    logger.info('step', { step, range, key: file.object.key, versionId: file.object.versionId, attempt: file.attempt, ...answer });
    const { outcome } = answer as { outcome?: string };
    if (outcome === 'accounted' || outcome === 'rejected') {
      publishFile(metrics, (await ledger.get(objectKey(file.object)))!);
      metrics.publishStoredMetrics();
    }
    return answer;
  };
}

/** Only `scan` and `write` are called for each range; they answer nothing, so that the answers of all ranges stay small. */
async function run(context: SplitContext, { step, file, range, ranges, sha256 }: StepEvent): Promise<object> {
  switch (step) {
    case 'plan':
      return planFile(context, file);
    case 'digest':
      return digestFile(context, file);
    case 'scan':
      await scanRange(context, file, range!);
      return {};
    case 'order':
      return orderRanges(context, file, ranges!.length);
    case 'write':
      await writeRange(context, file, range!);
      return {};
    case 'merge':
      return mergeRanges(context, file, ranges!.length, sha256!);
  }
}

let handle: ReturnType<typeof makeHandler> | undefined;

export const handler = (event: StepEvent): Promise<object> => {
  handle ??= makeHandler(
    process.env,
    { s3: new S3Client({}), dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})) },
    new Logger({ serviceName: 'intake-split' }),
    metricsFor({ [DATA_METRICS.dimension]: process.env[DATA_ENV.intake]! }),
  );
  return handle(event);
};
