import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { RunRow, RUNS, RunState } from '../../lib/constructs/delivery/contract';
import { monthArrives } from './data-steps';
import { DEMO } from './demo-config';
import { livePackage } from './live-package';
import { Run, Step, until } from './run';

const MODEL = DEMO.model;
const TRAINING_SECONDS = 180;

/** Before anything is trained every stack is there but the endpoint; the API says so. */
export function dayZeroStep(run: Run): Step {
  return {
    title: 'Day zero: no model is trained, and the API says so',
    run: async () => {
      const [{ request }] = await aprilTraffic();
      const { status } = await run.api('POST', `/v2/models/${MODEL}/infer`, { ...request, id: 'day-zero', parameters: {} });
      const live = await livePackage(run);
      if (status !== 503 || live !== undefined) {
        throw new Error(`NotDayZero: the API answered ${status} and the endpoint serves ${live ?? 'nothing'}, expected 503 and nothing`);
      }
      run.figures.dayZeroStatus = status;
    },
  };
}

/** The dataset version of the first months has started a run by itself. */
export function firstTrainingStep(run: Run): Step {
  return {
    title: 'Train on the first months: the gate compares the candidate with a table of late rates',
    run: (say) => ended(run, run.figures.dataset!.id, say),
  };
}

/** Months that arrive one by one behind those of the beginning. */
export const ARRIVALS = 3;

/** A month comes in; its dataset version starts a run, which nobody waits for here. */
export function arrivalStep(run: Run, month: number): Step {
  return {
    title: `Month ${month} arrives: a new dataset version, which starts training`,
    run: async (say) => {
      await monthArrives(run, month, say);
    },
  };
}

/** The run of the newest dataset version has registered a model. Errors: it has not. */
export function registeredStep(run: Run): Step {
  return {
    title: 'Prepare, train, evaluate, judge, register',
    run: async (say) => {
      await ended(run, run.figures.arrivals!.at(-1)!.dataset, say);
      const { state, reasons } = run.figures.training!.at(-1)!;
      if (state !== RunState.REGISTERED) {
        throw new Error(`CandidateRefused: ${reasons.join('; ')}`);
      }
    },
  };
}

/** The run of the newest dataset version has been judged against the version that serves, however that ended. */
export function judgedStep(run: Run): Step {
  return {
    title: 'Judge the candidate of the last month against the version that serves',
    run: (say) => ended(run, run.figures.arrivals!.at(-1)!.dataset, say),
  };
}

/** Waits until the run that a dataset version started has ended. Errors: it failed. */
async function ended(run: Run, datasetId: string, say: (text: string) => void): Promise<void> {
  const row = await until('the end of the training run', TRAINING_SECONDS, run.signal, async () => {
    const found = (await runRows(run)).find(({ plan }) => plan.datasetId === datasetId);
    say(found === undefined ? 'waiting for the event that starts it' : `${found.execution} is ${found.state}`);
    return found !== undefined && found.state !== RunState.RUNNING ? found : undefined;
  });
  if (row.state === RunState.FAILED) {
    throw new Error(`TrainingFailed: ${row.error}`);
  }
  const { state, packageArn, verdict, startedAt, endedAt } = row;
  const seconds = (Date.parse(endedAt!) - Date.parse(startedAt)) / 1000;
  (run.figures.training ??= []).push({
    ...{ datasetId, state, packageArn, seconds },
    reasons: [...verdict!.reasons],
    figures: { ...verdict!.figures },
  });
}

export async function runRows({ clients, outputs }: Run): Promise<RunRow[]> {
  const rows: (RunRow & { pk: string })[] = [];
  const scan = { TableName: outputs[`${MODEL}TrainingRuns`], ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client: clients.dynamo }, scan)) {
    rows.push(...(Items as (RunRow & { pk: string })[]));
  }
  return rows.filter(({ pk }) => pk.startsWith(RUNS.run));
}
