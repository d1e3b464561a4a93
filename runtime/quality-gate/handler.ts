import type { Readable } from 'node:stream';
import { Logger } from '@aws-lambda-powertools/logger';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CurrentVersion,
  EvaluationReport,
  GateRules,
  GateVerdict,
  TRAINING_ENV,
  TrainingPlan,
} from '../../lib/constructs/delivery/contract';
import { Log } from '../shared/telemetry';
import { judge, unsuppliable } from './core';
import { readPredictions, UnusablePredictions } from './predictions';

/** State of the training machine after the evaluation. */
export interface GateRequest extends TrainingPlan {
  readonly live: { readonly version?: CurrentVersion };
}

export interface GateDependencies {
  rules: GateRules;
  s3: Pick<S3Client, 'send'>;
  logger: Pick<Log, 'info'>;
}

/** Judges an evaluation and keeps the verdict beside it, as `gate.json`. */
export const makeHandler =
  ({ rules, s3, logger }: GateDependencies) =>
  async (request: GateRequest): Promise<GateVerdict> => {
    const { runId, candidateNumber, datasetId, uris, live } = request;
    const report = JSON.parse(await (await open(s3, `${uris.evaluation}/evaluation.json`)).transformToString()) as EvaluationReport;
    if (report.datasetId !== datasetId) {
      throw new Error(`OtherEvaluation: ${uris.evaluation} is of the dataset '${report.datasetId}', not of '${datasetId}': evaluate again`);
    }
    // A model that refuses every request leaves no scores: what it asked for says more than that they are missing.
    const unsupplied = unsuppliable(report, rules);
    const verdict = await judged(await open(s3, `${uris.evaluation}/predictions.csv.gz`), unsupplied, (data) => {
      if ((data.current === undefined) !== (live.version === undefined)) {
        throw new Error(
          `OtherEvaluation: ${uris.evaluation} has ${data.current === undefined ? 'no ' : ''}scores of a current version: evaluate again`,
        );
      }
      return judge(data, report, rules, { candidateNumber, newerData: live.version?.newerData ?? false });
    });
    const [Bucket, Key] = placeOf(`${uris.gate}/gate.json`);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(verdict, null, 1), ContentType: 'application/json' }));
    logger.info('verdict', { runId, ...verdict });
    return verdict;
  };

async function judged(
  source: unknown,
  unsupplied: string[],
  judgeData: (data: Awaited<ReturnType<typeof readPredictions>>) => GateVerdict,
): Promise<GateVerdict> {
  try {
    return judgeData(await readPredictions(source as Readable));
  } catch (error) {
    if (error instanceof UnusablePredictions) {
      return { passed: false, reasons: [...unsupplied, error.message], figures: {} };
    }
    throw error;
  }
}

async function open(s3: Pick<S3Client, 'send'>, uri: string) {
  const [Bucket, Key] = placeOf(uri);
  return (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!;
}

function placeOf(uri: string): [bucket: string, key: string] {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)!;
  return [bucket, key];
}

let run: ReturnType<typeof makeHandler> | undefined;

export const handler = (request: GateRequest): Promise<GateVerdict> => {
  run ??= makeHandler({
    rules: JSON.parse(process.env[TRAINING_ENV.rules]!),
    s3: new S3Client({}),
    logger: new Logger({ serviceName: 'quality-gate' }),
  });
  return run(request);
};
