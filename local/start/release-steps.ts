import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { paginateQuery } from '@aws-sdk/lib-dynamodb';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { namesOf, RELEASES, ReleaseState } from '../../lib/constructs/delivery/contract';
import { approvedParameter } from '../../lib/constructs/models/contract';
import { Layer } from '../../lib/constructs/ownership/layer';
import { stackNames } from './clients';
import { DEMO } from './demo-config';
import { deploy, DeploymentOptions } from './deployment';
import { Inbox } from './inbox';
import { livePackage } from './live-package';
import { startTraffic } from './live-traffic';
import { Run, Step, until } from './run';

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
}

/** The newest registered version is approved and served, which is verified. */
export function releaseStep(run: Run, title: string): Step {
  return { title, run: (say) => release(run, ReleaseState.RELEASED, say) };
}

/** What a release changed stays: deploying everything again finds nothing to change. */
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

/** A version that the gate found fast is slow in service: its release is undone by the alarm, and the owner is told. */
export function slowReleaseStep(run: Run): Step {
  return {
    title: 'Approve a version that turns out slow: its release rolls back, and its owner is told',
    run: async (say) => {
      const artifact = run.figures.training!.at(-1)!.packageArn!;
      const [{ request }] = await aprilTraffic();
      const since = Date.now();
      const inbox = await Inbox.ofOwner(run, Layer.DELIVERY);
      await injectFaults(run, { models: [{ artifact, latencyMs: SLOW_MS }] });
      const traffic = startTraffic(run, request, 'slow');
      try {
        await release(run, ReleaseState.FAILED, say);
        const alarm = `${run.prefix}-release-failed`;
        await until(`the notice of ${alarm} in ${inbox.name}`, 60, run.signal, async () => {
          const notices = await inbox.notices(alarm, since);
          say(`rolled back; waiting for the notice in ${inbox.name}`);
          return notices.some(({ NewStateValue }) => NewStateValue === 'ALARM') ? true : undefined;
        });
        run.figures.releases!.at(-1)!.told = { alarm, team: inbox.team, inbox: inbox.name };
      } finally {
        await traffic.stop();
        await inbox.giveBack();
        await injectFaults(run, { models: [] });
      }
    },
  };
}

/** Approves the newest registered version as its owner would. Errors: the release ends otherwise, or another version serves. */
async function release(run: Run, expected: ReleaseState, say: (text: string) => void): Promise<void> {
  const to = run.figures.training!.at(-1)!.packageArn!;
  const approvedAt = Date.now();
  await run.clients.sageMaker.send(new UpdateModelPackageCommand({ ModelPackageArn: to, ModelApprovalStatus: 'Approved' }));
  const row = await until('the end of the release', RELEASE_SECONDS, run.signal, async () => {
    const found = (await releaseRows(run)).filter((other) => other.to === to).at(-1);
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
  const { entry, state, from, reason } = row;
  (run.figures.releases ??= []).push({ entry, state, from, to, reason, live, seconds: (Date.now() - approvedAt) / 1000 });
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
