import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { DATA_ENV, Freeze, isFrozen, LEDGER } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { INTAKE_OPERATION } from '../../lib/constructs/data/data-intake/contract';
import { BUILD } from '../intake/core';
import { contractReader } from '../shared/contract-file';
import { OperationRefused, Plan, requestOf, Run } from './core';
import { booksOf, FilesOptions, planFiles, workFiles } from './files';
import { OperationLease } from './lease';
import { RejudgeLedger } from './ledger';
import { depthOf, planRedrive, RedriveCheckpoint, RedriveOptions, workRedrive } from './redrive';
import type { RejudgeCheckpoint } from './rejudge';
import { Journal, Report, Stored, storeReport } from './report';

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
  now: () => Date;
  pause?: (ms: number) => Promise<unknown>;
  at?: FilesOptions['at'];
  reached?: (checkpoint: RejudgeCheckpoint | RedriveCheckpoint) => void | Promise<void>;
}

/** A step of the machine. `Begin` takes the lease and plans, `Work` goes on until its time is over, `Report` gives the lease back. */
export type StepInput =
  | { action: 'Begin'; id: string; input: unknown }
  | { action: 'Work'; begun: Begun }
  | { action: 'Report'; begun: Begun; error?: { Error: string; Cause: string } };

export interface Begun {
  run: Run;
  plan: Plan;
  before: Record<string, unknown>;
  interrupted?: string;
}

/** What an execution answers: the report, and where it lies. */
export type Outcome = Report & { report: Stored };

/** A step begins with nothing new when no more of its time is left: the largest file takes less. Milliseconds. */
export const LAST_START_MS = 300_000;

type Options = FilesOptions & RedriveOptions;
const isRedrive = ({ request }: Run) => request.operation === INTAKE_OPERATION.redrive;

/** A frozen intake begins nothing. Errors: `OperationRefused` until when, and why. */
function checkFreeze({ request, startedAt }: Run, freeze: Freeze | undefined): void {
  if (!request.dryRun && isFrozen(freeze, new Date(startedAt))) {
    const { until, by, reason } = freeze!;
    throw new OperationRefused(`IntakeFrozen: by ${by} until ${until}: ${reason}: wait, or end the freeze`);
  }
}

export const makeHandler = (deps: OperationsDependencies) => {
  const lease = new OperationLease(deps.dynamo, deps.ledger, deps.now);
  const rows = new RejudgeLedger(deps.dynamo, deps.ledger, deps.now, deps.pause);
  const booksFor = async (run: Run) => (isRedrive(run) ? { deadLetters: await depthOf(deps) } : booksOf({ rows }));

  const begin = async (id: string, input: unknown, options: Options): Promise<Begun> => {
    const run: Run = { id, startedAt: deps.now().toISOString(), request: requestOf(input) };
    checkFreeze(run, (await rows.get(LEDGER.freeze)) as unknown as Freeze | undefined);
    const interrupted = await lease.take(run);
    try {
      const before = await booksFor(run);
      const plan = await (isRedrive(run) ? planRedrive(run, options) : planFiles(run, options));
      return { run, plan, before, ...(interrupted === undefined ? {} : { interrupted }) };
    } catch (error) {
      await lease.giveBack(id);
      throw error;
    }
  };

  const work = async ({ run }: Begun, options: Options): Promise<{ done: boolean }> => {
    const journal = await Journal.open(deps, run, lease);
    if (!journal.progress.done) {
      await (isRedrive(run) ? workRedrive(run, journal, options) : workFiles(run, journal, options));
    }
    return { done: journal.progress.done };
  };

  const report = async ({ run, plan, before, interrupted }: Begun, error?: { Error: string; Cause: string }): Promise<Outcome> => {
    const { id, startedAt, request } = run;
    const { totals, failed, parts } = await lease.progress(id);
    const after = request.dryRun ? undefined : await booksFor(run);
    const facts = { id, dataset: deps.dataset, ...request, contract: deps.contractHash, startedAt, endedAt: deps.now().toISOString() };
    const why = error === undefined ? undefined : `${error.Error}: ${error.Cause}`;
    const made: Report = { ...facts, interrupted, plan, before, after, totals, failed, parts, error: why };
    const stored = await storeReport(deps, made);
    await lease.giveBack(id);
    return { ...made, report: stored };
  };

  return async (
    step: StepInput,
    remaining: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<Begun | Outcome | { done: boolean }> => {
    if (step.action === 'Report') {
      return report(step.begun, step.error);
    }
    const timeLeft = () => remaining() > LAST_START_MS;
    const options: Options = { ...deps, contract: await deps.contract(), lease, rows, timeLeft };
    return step.action === 'Begin' ? begin(step.id, step.input, options) : work(step.begun, options);
  };
};

const logger = new Logger({ serviceName: 'intake-operations' });
let run: ReturnType<typeof makeHandler> | undefined;

export const handler = async (step: StepInput, context: Context): Promise<unknown> => {
  run ??= start(process.env);
  const answer = await run(step, () => context.getRemainingTimeInMillis());
  logger.info('operation', { action: step.action, answer: answer as object });
  return answer;
};

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
    now: () => new Date(),
  });
}
