import { join } from 'node:path';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { namesOf, RELEASES, ReleaseState } from '../../lib/constructs/delivery/contract';
import { approvedParameter } from '../../lib/constructs/models/contract';
import { Layer } from '../../lib/constructs/ownership/layer';
import { stackNames } from './clients';
import { runCommand } from './commands';
import { DEMO } from './demo-config';
import { deploy, DeploymentOptions } from './deployment';
import type { ReleaseFigures } from './figures';
import { Inbox } from './inbox';
import { livePackage } from './live-package';
import { startTraffic } from './live-traffic';
import { Run, Step, until } from './run';

const ROOT = join(__dirname, '../..');
const ROLLBACK = join(ROOT, 'operations/rollback.ts');
const MODEL = DEMO.model;
const RELEASE_SECONDS = 240;
/** Far above the latency objective of the example. */
const SLOW_MS = 1500;
const ENDED = new Set([ReleaseState.RELEASED, ReleaseState.FAILED, ReleaseState.STUCK, ReleaseState.SUPERSEDED]);

interface ReleaseRow {
  entry: string;
  state: ReleaseState;
  from: string;
  to: string;
  reason?: string;
  startedAt: string;
  changedAt: string;
}

/** The newest registered version is approved and served, which is verified. */
export function releaseStep(run: Run, title: string): Step {
  return { title, run: async (say) => ended(run, await approve(run), ReleaseState.RELEASED, say) };
}

/** What the release changed stays: deploying everything again finds nothing to change. */
export function redeploymentStep(run: Run, deployment: (say: (text: string) => void) => DeploymentOptions): Step {
  return {
    title: 'Deploy all stacks again: nothing changes',
    run: async (say) => {
      const before = await deployedState(run);
      const started = Date.now();
      await deploy(deployment(say));
      const after = await deployedState(run);
      const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
      run.figures.redeployment = { seconds: (Date.now() - started) / 1000, changed };
      if (changed.length > 0) {
        throw new Error(`DeploymentChanged: ${changed.map((name) => `${name}: ${before[name]} became ${after[name]}`).join('; ')}`);
      }
    },
  };
}

/** A version that the gate found fast is slow in service: an alarm ends its release, its owner is told, and it goes back. */
export function slowReleaseSteps(run: Run): [Step, Step] {
  let begun: Begun;
  let told: ReleaseFigures['told'];
  return [
    {
      title: 'Approve a version that turns out slow: an alarm ends its release, and its owner is told',
      run: async (say) => {
        const artifact = run.figures.training!.at(-1)!.packageArn!;
        const [{ request }] = await aprilTraffic();
        await injectFaults(run, { models: [{ artifact, latencyMs: SLOW_MS }] });
        const traffic = startTraffic(run, request, 'slow');
        try {
          begun = await approve(run);
          told = await toldOfFailure(run, begun, say);
        } finally {
          await traffic.stop();
          await injectFaults(run, { models: [] });
        }
      },
    },
    {
      title: 'See it go back to the version that served before',
      run: async (say) => {
        await ended(run, begun, ReleaseState.FAILED, say);
        run.figures.releases!.at(-1)!.told = told;
      },
    },
  ];
}

/** What made the version slow is gone and was not the version: a person takes its mark away, which releases it again. */
export function secondTryStep(run: Run): Step {
  return {
    title: 'Release it again with one command, now that it is not slow: it takes over',
    run: async (say) => {
      const begun = { to: run.figures.releases!.at(-1)!.to, approvedAt: Date.now() };
      const args = [
        MODEL,
        '--to',
        begun.to.split('/').at(-1)!,
        '--reason',
        'its host was slow, not the version',
        '--config',
        run.options.config,
      ];
      await runCommand(process.execPath, ['--import', 'tsx', ROLLBACK, ...args], {
        ...{ cwd: ROOT, env: run.account.env, signal: run.signal, line: say },
        logFile: join(run.account.stateDir, 'rollback.log'),
      });
      await ended(run, begun, ReleaseState.RELEASED, say);
    },
  };
}

/** Its owner hears of a release that failed when the way back begins, long before that ends. */
async function toldOfFailure(run: Run, { approvedAt }: Begun, say: (text: string) => void): Promise<ReleaseFigures['told']> {
  const alarm = `${run.prefix}-release-failed`;
  const inbox = await Inbox.ofOwner(run, Layer.DELIVERY);
  try {
    return await until(`the notice of ${alarm} in ${inbox.name}`, RELEASE_SECONDS, run.signal, async () => {
      const raised = (await inbox.notices(alarm, approvedAt)).find(({ NewStateValue }) => NewStateValue === 'ALARM');
      say(`approved; waiting for the notice in ${inbox.name}`);
      if (raised === undefined) {
        return undefined;
      }
      return { alarm, team: inbox.team, inbox: inbox.name, seconds: (Date.parse(raised.StateChangeTime) - approvedAt) / 1000 };
    });
  } finally {
    await inbox.giveBack();
  }
}

/** A version that somebody approved, or released again. Milliseconds. */
interface Begun {
  to: string;
  approvedAt: number;
}

/** Approves the newest registered version as its owner would. */
async function approve(run: Run): Promise<Begun> {
  const to = run.figures.training!.at(-1)!.packageArn!;
  const approvedAt = Date.now();
  await run.clients.sageMaker.send(new UpdateModelPackageCommand({ ModelPackageArn: to, ModelApprovalStatus: 'Approved' }));
  return { to, approvedAt };
}

/** Waits for the end of a release. Errors: it ends otherwise than expected, or another version serves. */
async function ended(run: Run, { to, approvedAt }: Begun, expected: ReleaseState, say: (text: string) => void): Promise<void> {
  const row = await until('the end of the release', RELEASE_SECONDS, run.signal, async () => {
    const since = new Date(approvedAt).toISOString();
    const found = (await releaseRows(run)).filter((other) => other.to === to && other.startedAt >= since).at(-1);
    say(found === undefined ? 'approved; waiting for the release machine' : `release ${found.state}`);
    return found !== undefined && ENDED.has(found.state) ? found : undefined;
  });
  if (row.state !== expected) {
    throw new Error(`ReleaseEndedOtherwise: the release of ${to} is ${row.state}, expected ${expected}: ${row.reason ?? ''}`);
  }
  const live = await livePackage(run);
  const serves = expected === ReleaseState.RELEASED ? to : row.from;
  if (live !== serves) {
    throw new Error(`OtherVersionServes: the endpoint serves ${live}, expected ${serves}`);
  }
  const { entry, state, from, reason, changedAt } = row;
  (run.figures.releases ??= []).push({ entry, state, from, to, reason, live, seconds: (Date.parse(changedAt) - approvedAt) / 1000 });
}

async function releaseRows({ clients, outputs }: Run): Promise<ReleaseRow[]> {
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

/** What a deployment could change: when each stack was updated, the pointer, and what serves. */
async function deployedState(run: Run): Promise<Record<string, string | undefined>> {
  const { cloudFormation, ssm } = run.clients;
  const stacks = await Promise.all(
    (await stackNames(run.clients)).map(async (StackName): Promise<[string, string]> => {
      const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      return [StackName, `${Stacks[0].StackStatus} ${Stacks[0].LastUpdatedTime?.toISOString() ?? ''}`];
    }),
  );
  const pointer = await ssm.send(new GetParameterCommand({ Name: approvedParameter(run.prefix, MODEL) }));
  return {
    ...Object.fromEntries(stacks),
    pointer: `${pointer.Parameter?.Value} version ${pointer.Parameter?.Version}`,
    [namesOf(run.prefix, MODEL).endpoint]: await livePackage(run),
  };
}

/** Faults are the account's: nothing deployed and no code of the example knows of them. */
async function injectFaults({ account }: Run, faults: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${account.url}/_account/faults`, { method: 'PUT', headers, body: JSON.stringify(faults) });
  if (!answer.ok) {
    throw new Error(`FaultRefused: ${await answer.text()}`);
  }
}
