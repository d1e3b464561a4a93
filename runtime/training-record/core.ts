import { GateVerdict, RunRow, RunState, TrainingPlan } from '../../lib/constructs/delivery/contract';

/** State of the training machine at its end. */
export interface EndedRun extends TrainingPlan {
  readonly verdict?: GateVerdict;
  readonly registered?: { readonly packageArn: string };
  readonly error?: { readonly Error?: string; readonly Cause?: string };
}

/** What the machine says when it ends a run. */
export interface RecordRequest {
  readonly outcome: RunState;
  readonly run: EndedRun;
}

/** AWS Step Functions says it of executions that the machine could not end itself. */
export interface ExecutionEvent {
  readonly detail: { readonly status: string; readonly input?: string; readonly error?: string; readonly cause?: string };
}

/** How a run ended, as its row takes it. */
export interface Ending extends Pick<RunRow, 'packageArn' | 'verdict' | 'error'> {
  readonly runId: string;
  readonly attempt: number;
  readonly state: RunState;
}

/** A row holds 400 KB; the cause of a failed job may be its whole description. */
const LONGEST_ERROR = 2000;

/** Errors: an event without its input, which the service leaves out above its limit; our plans are far smaller. */
export function endingOf(request: RecordRequest | ExecutionEvent): Ending {
  if ('detail' in request) {
    const { status, input, error, cause } = request.detail;
    if (input === undefined) {
      throw new Error(`NoInput: the event of an execution that is ${status} has no input: end its run by hand`);
    }
    const { runId, attempt } = JSON.parse(input) as TrainingPlan;
    return { runId, attempt, state: RunState.FAILED, error: shortened(`execution ${status}`, error, cause) };
  }
  const { outcome, run } = request;
  return {
    runId: run.runId,
    attempt: run.attempt,
    state: outcome,
    verdict: run.verdict,
    packageArn: run.registered?.packageArn,
    error: run.error && shortened(run.error.Error, run.error.Cause),
  };
}

/** The ending of a run that failed after it had registered its version. */
export function registeredAfterAll({ error: _, ...ending }: Ending, packageArn: string): Ending {
  return { ...ending, state: RunState.REGISTERED, packageArn };
}

function shortened(...parts: (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .join(': ')
    .slice(0, LONGEST_ERROR);
}
