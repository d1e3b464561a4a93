import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { paginateQuery, paginateScan } from '@aws-sdk/lib-dynamodb';
import { namesOf, RELEASES, ReleaseState, RunRow, RUNS, RunState } from '../../lib/constructs/delivery/contract';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { monthArrives } from './data-steps';
import { DEMO } from './demo-config';
import type { ReleaseFigures, TrainingFigures } from './figures';
import { livePackage } from './live-package';
import { Run, Step, until } from './run';

const MODEL = DEMO.model;
const TRAINING_SECONDS = 180;
const RELEASE_SECONDS = 180;

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

/** The first quarter does not suffice; with April the first version passes, is approved, and the endpoint comes alive. */
export function firstReleaseSteps(run: Run): Step[] {
  const april = run.options.months[1] + 1;
  return [
    {
      title: 'Training on the first months: the gate compares the candidate with a table of late rates',
      run: async (say) => {
        await trained(run, run.figures.dataset!.id, say);
      },
    },
    {
      title: 'Another month arrives: train, judge, register',
      run: async (say) => {
        await trainedWith(run, april, say);
      },
    },
    {
      title: 'Approve the first version: the endpoint comes alive',
      run: async (say) => {
        await released(run, ReleaseState.RELEASED, say);
      },
    },
  ];
}

/** Waits until the run that a dataset version started has ended. Errors: it failed; nothing was registered but should be. */
async function trained(run: Run, datasetId: string, say: (text: string) => void): Promise<TrainingFigures> {
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
  const figures = { datasetId, state, packageArn, reasons: [...verdict!.reasons], figures: { ...verdict!.figures }, seconds };
  (run.figures.training ??= []).push(figures);
  return figures;
}

async function trainedWith(run: Run, month: number, say: (text: string) => void): Promise<TrainingFigures> {
  const { id } = await monthArrives(run, month, say);
  const figures = await trained(run, id, say);
  if (figures.state !== RunState.REGISTERED) {
    throw new Error(`CandidateRefused: ${figures.reasons.join('; ')}`);
  }
  return figures;
}

async function runRows({ clients, outputs }: Run): Promise<RunRow[]> {
  const rows: (RunRow & { pk: string })[] = [];
  for await (const { Items = [] } of paginateScan(
    { client: clients.dynamo },
    { TableName: outputs[`${MODEL}TrainingRuns`], ConsistentRead: true },
  )) {
    rows.push(...(Items as (RunRow & { pk: string })[]));
  }
  return rows.filter(({ pk }) => pk.startsWith(RUNS.run));
}

/** Approves the newest registered version as its owner would, and waits until its release has ended as expected. */
export async function released(run: Run, expected: ReleaseState, say: (text: string) => void): Promise<ReleaseFigures> {
  const packageArn = run.figures.training!.at(-1)!.packageArn!;
  const approvedAt = Date.now();
  await run.clients.sageMaker.send(new UpdateModelPackageCommand({ ModelPackageArn: packageArn, ModelApprovalStatus: 'Approved' }));
  const row = await until('the end of the release', RELEASE_SECONDS, run.signal, async () => {
    const found = (await releaseRows(run)).filter(({ to }) => to === packageArn).at(-1);
    say(found === undefined ? 'approved; waiting for the release machine' : `release ${found.state}`);
    return found !== undefined && ENDED.has(found.state) ? found : undefined;
  });
  if (row.state !== expected) {
    throw new Error(`ReleaseEndedOtherwise: the release of ${packageArn} is ${row.state}, expected ${expected}: ${row.reason ?? ''}`);
  }
  const live = await livePackage(run);
  const serves = expected === ReleaseState.RELEASED ? packageArn : row.from;
  if (live !== serves) {
    throw new Error(`OtherVersionServes: the endpoint serves ${live}, expected ${serves}`);
  }
  const figures = { ...row, seconds: (Date.now() - approvedAt) / 1000, live };
  (run.figures.releases ??= []).push(figures);
  return figures;
}

const ENDED = new Set([ReleaseState.RELEASED, ReleaseState.FAILED, ReleaseState.STUCK, ReleaseState.SUPERSEDED]);

export interface ReleaseRow {
  entry: string;
  state: ReleaseState;
  from: string;
  to: string;
  reason?: string;
}

export async function releaseRows({ clients, outputs }: Run): Promise<ReleaseRow[]> {
  const rows: ReleaseRow[] = [];
  const query = {
    TableName: outputs.ReleaseTable,
    ConsistentRead: true,
    KeyConditionExpression: '#model = :model AND begins_with(#entry, :release)',
    ExpressionAttributeNames: { '#model': RELEASES.key, '#entry': RELEASES.sort },
    ExpressionAttributeValues: { ':model': MODEL, ':release': RELEASES.release },
  };
  for await (const { Items = [] } of paginateQuery({ client: clients.dynamo }, query)) {
    rows.push(...(Items as ReleaseRow[]));
  }
  return rows;
}

export const groupOf = ({ prefix }: Run) => namesOf(prefix, MODEL).group;
