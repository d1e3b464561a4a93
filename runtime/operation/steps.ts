import type { S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { OperationRefused, OperationRequest, Plan, Run } from './core';
import type { OperationLease } from './lease';
import { Journal, Report, Stored, storeReport } from './report';

/** A step of the machine. `Begin` takes the lease and plans, `Work` goes on until its time is over, `Report` gives the lease back. */
export type StepInput<Request extends OperationRequest> =
  | { action: 'Begin'; id: string; input: unknown }
  | { action: 'Work'; begun: Begun<Request> }
  | { action: 'Report'; begun: Begun<Request>; error?: { Error: string; Cause: string } };

export interface Begun<Request extends OperationRequest> {
  run: Run<Request>;
  plan: Plan;
  before: Record<string, unknown>;
  interrupted?: string;
}

/** What an execution answers: the report, and where it lies. */
export type Outcome = Report & { report: Stored };

/** What some operations are: how they are asked for, and what they do. */
export interface Operations<Request extends OperationRequest> {
  /** Errors: `OperationRefused` with every problem of the input. */
  requestOf: (input: unknown) => Request;
  /** Errors: `OperationRefused` for a thing that no dataset has. */
  datasetOf: (request: Request) => Promise<string>;
  /** Errors: `OperationRefused` while it may not be begun. */
  check?: (run: Run<Request>) => Promise<void>;
  leaseOf: (dataset: string) => OperationLease;
  /** What the books hold, before and after. */
  books: (run: Run<Request>) => Promise<Record<string, unknown>>;
  /** Writes nothing. Errors: `OperationRefused` when nothing can be done. */
  plan: (run: Run<Request>, time: StepTime) => Promise<Plan>;
  /** Goes on where the journal is. It may be repeated from any point, by an execution that knows nothing of the one before. */
  work: (run: Run<Request>, journal: Journal, time: StepTime) => Promise<void>;
  /** What a report says beside that. */
  facts?: (run: Run<Request>) => Promise<Record<string, unknown>>;
}

/** How much of a step is left. */
export interface StepTime {
  /** Whether it may begin with another thing. */
  timeLeft: () => boolean;
}

export interface StepsDependencies {
  s3: Pick<S3Client, 'send'>;
  validatedBucket: string;
  now: () => Date;
}

/** A step begins with nothing new when no more of its time is left: the largest file takes less. Milliseconds. */
export const LAST_START_MS = 300_000;

/** The steps of the machine of some operations: a plan first, then the work unless it is a dry run, and a report in any case. */
export function makeSteps<Request extends OperationRequest>(deps: StepsDependencies, operations: Operations<Request>) {
  const placeOf = ({ dataset }: Run<Request>) => ({ ...deps, dataset });

  const begin = async (id: string, input: unknown, time: StepTime): Promise<Begun<Request>> => {
    const request = operations.requestOf(input);
    const run = { id, startedAt: deps.now().toISOString(), dataset: await operations.datasetOf(request), request };
    await operations.check?.(run);
    const lease = operations.leaseOf(run.dataset);
    const interrupted = await lease.take(run);
    try {
      const before = await operations.books(run);
      const plan = await operations.plan(run, time);
      return { run, plan, before, ...(interrupted === undefined ? {} : { interrupted }) };
    } catch (error) {
      await lease.giveBack(id);
      throw error;
    }
  };

  const work = async ({ run }: Begun<Request>, time: StepTime): Promise<{ done: boolean }> => {
    const journal = await Journal.open(placeOf(run), run, operations.leaseOf(run.dataset));
    if (!journal.progress.done) {
      await operations.work(run, journal, time);
    }
    return { done: journal.progress.done };
  };

  const report = async ({ run, plan, before, interrupted }: Begun<Request>, error?: { Error: string; Cause: string }): Promise<Outcome> => {
    const { id, startedAt, dataset, request } = run;
    const lease = operations.leaseOf(dataset);
    const { totals, failed, parts } = await lease.progress(id);
    const after = request.dryRun ? undefined : await operations.books(run);
    const facts = { id, dataset, ...request, ...(await operations.facts?.(run)), startedAt, endedAt: deps.now().toISOString() };
    const why = error === undefined ? undefined : `${error.Error}: ${error.Cause}`;
    const made: Report = { ...facts, interrupted, plan, before, after, totals, failed, parts, error: why };
    const stored = await storeReport(placeOf(run), made);
    await lease.giveBack(id);
    return { ...made, report: stored };
  };

  return async (
    step: StepInput<Request>,
    remaining: () => number = () => Number.POSITIVE_INFINITY,
  ): Promise<Begun<Request> | Outcome | { done: boolean }> => {
    const time = { timeLeft: () => remaining() > LAST_START_MS };
    switch (step.action) {
      case 'Begin':
        return begin(step.id, step.input, time);
      case 'Work':
        return work(step.begun, time);
      case 'Report':
        return report(step.begun, step.error);
    }
  };
}

/**
 * What AWS Lambda calls: the steps are made when they are needed first. A request that is refused is an answer, and no failed execution: nothing was
 * changed, and nobody has to look at it.
 */
export function stepsHandler<Request extends OperationRequest>(
  make: (env: NodeJS.ProcessEnv) => ReturnType<typeof makeSteps<Request>>,
  log: (step: StepInput<Request>, answer: object) => void,
): (step: StepInput<Request>, context: Context) => Promise<unknown> {
  let run: ReturnType<typeof makeSteps<Request>> | undefined;
  return async (step, context) => {
    run ??= make(process.env);
    const answer = await run(step, () => context.getRemainingTimeInMillis()).catch((error: unknown) => {
      if (step.action === 'Begin' && error instanceof OperationRefused) {
        return { refused: error.message };
      }
      throw error;
    });
    log(step, answer);
    return answer;
  };
}
