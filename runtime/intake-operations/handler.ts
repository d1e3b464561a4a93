import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, Freeze, isFrozen, LEDGER } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { INTAKE_OPERATION } from '../../lib/constructs/data/data-intake/contract';
import { BUILD } from '../intake/core';
import { OperationRefused, Plan } from '../operation/core';
import { OperationLease } from '../operation/lease';
import type { Journal } from '../operation/report';
import { makeSteps, Operations, stepsHandler, StepTime } from '../operation/steps';
import { contractReader } from '../shared/contract-file';
import { IntakeRequest, IntakeRun, requestOf } from './core';
import { booksOf, FilesOptions, planFiles, workFiles } from './files';
import { RejudgeLedger } from './ledger';
import { planOfRebuild, RebuildOptions, workRebuild } from './rebuild/operation';
import { depthOf, planRedrive, RedriveCheckpoint, RedriveOptions, workRedrive } from './redrive';
import type { RejudgeCheckpoint } from './rejudge';

export interface OperationsDependencies {
  dataset: string;
  ledger: string;
  rawBucket: string;
  validatedBucket: string;
  quarantineBucket: string;
  queueUrl: string;
  deadLetterUrl: string;
  contractHash: string;
  build: string;
  contract: () => Promise<CompiledContract>;
  s3: S3Client;
  sqs: Pick<SQSClient, 'send'>;
  dynamo: DynamoDBDocumentClient;
  scratchFolder: string;
  /** Absent when the contract or the format of the outputs does not let files be split. */
  splitting?: FilesOptions['splitting'];
  now: () => Date;
  pause?: (ms: number) => Promise<unknown>;
  at?: FilesOptions['at'];
  reached?: (checkpoint: RejudgeCheckpoint | RedriveCheckpoint) => void | Promise<void>;
}

/** What takes no files and judges none: it goes on during a freeze, which is what a lost ledger asks for. */
const MENDS: readonly string[] = [INTAKE_OPERATION.rebuild];

/** A frozen intake begins nothing. Errors: `OperationRefused` until when, and why. */
function checkFreeze({ request, startedAt }: IntakeRun, freeze: Freeze | undefined): void {
  if (!request.dryRun && !MENDS.includes(request.operation) && isFrozen(freeze, new Date(startedAt))) {
    const { until, by, reason } = freeze!;
    throw new OperationRefused(`IntakeFrozen: by ${by} until ${until}: ${reason}: wait, or end the freeze`);
  }
}

type Options = FilesOptions & RedriveOptions & RebuildOptions;

/** How each operation plans and works. */
const KINDS: Record<
  string,
  { plan: (run: IntakeRun, options: Options) => Promise<Plan>; work: (run: IntakeRun, journal: Journal, options: Options) => Promise<void> }
> = {
  [INTAKE_OPERATION.redrive]: { plan: planRedrive, work: workRedrive },
  [INTAKE_OPERATION.revalidate]: { plan: planFiles, work: workFiles },
  [INTAKE_OPERATION.rerun]: { plan: planFiles, work: workFiles },
  [INTAKE_OPERATION.rebuild]: { plan: (_, options) => planOfRebuild(options), work: (_, ...rest) => workRebuild(...rest) },
};

export const makeHandler = (deps: OperationsDependencies) => {
  const lease = new OperationLease(deps.dynamo, deps.ledger, deps.now);
  const rows = new RejudgeLedger(deps.dynamo, deps.ledger, deps.now, deps.pause);
  const optionsOf = async (time: StepTime): Promise<Options> => ({ ...deps, contract: await deps.contract(), lease, rows, ...time });
  const operations: Operations<IntakeRequest> = {
    requestOf,
    datasetOf: () => Promise.resolve(deps.dataset),
    check: async (run) => checkFreeze(run, (await rows.get(LEDGER.freeze)) as unknown as Freeze | undefined),
    leaseOf: () => lease,
    books: async ({ request }) =>
      request.operation === INTAKE_OPERATION.redrive ? { deadLetters: await depthOf(deps) } : booksOf({ rows }),
    plan: async (run, time) => KINDS[run.request.operation].plan(run, await optionsOf(time)),
    work: async (run, journal, time) => KINDS[run.request.operation].work(run, journal, await optionsOf(time)),
    facts: () => Promise.resolve({ contract: deps.contractHash }),
  };
  return makeSteps(deps, operations);
};

const logger = new Logger({ serviceName: 'intake-operations' });

export const handler = stepsHandler<IntakeRequest>(start, ({ action }, answer) => logger.info('operation', { action, answer }));

function start(env: NodeJS.ProcessEnv): ReturnType<typeof makeHandler> {
  const s3 = new S3Client({});
  return makeHandler({
    dataset: env[DATA_ENV.dataset]!,
    ledger: env[DATA_ENV.ledger]!,
    rawBucket: env[DATA_ENV.rawBucket]!,
    validatedBucket: env[DATA_ENV.validatedBucket]!,
    quarantineBucket: env[DATA_ENV.quarantineBucket]!,
    queueUrl: env[DATA_ENV.queueUrl]!,
    deadLetterUrl: env[DATA_ENV.deadLetterUrl]!,
    contractHash: env[DATA_ENV.contractHash]!,
    build: BUILD,
    contract: contractReader(env, s3),
    s3,
    sqs: new SQSClient({}),
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    scratchFolder: tmpdir(),
    splitting:
      env[DATA_ENV.splitAbove] === undefined
        ? undefined
        : { above: Number(env[DATA_ENV.splitAbove]), rangeBytes: Number(env[DATA_ENV.rangeBytes]) },
    now: () => new Date(),
  });
}
