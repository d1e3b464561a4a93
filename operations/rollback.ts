import { userInfo } from 'node:os';
import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { TransactWriteCommand, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { Listr } from 'listr2';
import { loadBlueprint } from '../lib/config/load';
import { MarkReason, RELEASES } from '../lib/constructs/delivery/contract';
import { Clients, defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { isUnderWay, markEntry, Releases, releasesIn, versionNumber } from './releases';
import { planRollback, progressOf, RollbackPlan } from './rollback-plan';
import { Workload } from './workload';

const USAGE = `Usage: npm run rollback -- <model> [options]

Goes back to an earlier approved version: marks the versions above it, wakes the release machine and waits until the endpoint serves it.
Ending the command while it waits changes nothing: the release goes on, and the same command continues to watch it.

Options:
  --to VERSION   number of the version (default: the newest approved one without a mark below the live one)
  --reason TEXT  why, for those who read the marks later
  --config FILE  config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

/** Amazon DynamoDB changes at most 100 items in one transaction (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html). */
const TRANSACTION = 100;
const WAIT_SECONDS = 3 * 3600;

export interface RollbackOptions {
  readonly model: string;
  readonly to?: number;
  readonly reason: string;
  readonly by: string;
  readonly now: () => Date;
  readonly pause: () => Promise<void>;
  readonly say: (text: string) => void;
}

export interface RollbackOutcome {
  /** Number of the version that served; undefined when none did. */
  readonly from?: number;
  readonly to: number;
  readonly seconds: number;
}

/** Goes back and waits until the version serves. Errors: a refusal, or `RollbackFailed` with what to do. */
export async function rollBack(clients: Clients, workload: Workload, options: RollbackOptions): Promise<RollbackOutcome> {
  const { model, now, say } = options;
  workload.checkModel(model);
  const releases = new Releases(clients, workload, model);
  const started = now().getTime();
  const [rows, versions, live] = await Promise.all([releases.rows(), releases.versions(), releases.live()]);
  const from = live?.arn === undefined ? undefined : versionNumber(live.arn);
  const approvals = new Map([...versions].map(([version, { approval }]) => [version, approval]));
  const plan = planRollback({ model, approvals, rows, live: from, to: options.to });
  say(`from version ${from ?? 'none'} to version ${plan.to}${plan.mark.length === 0 ? '' : `; marking ${plan.mark.join(', ')}`}`);
  await write(clients, releases.table, plan, options);
  const before = new Set(
    releasesIn(rows)
      .filter((row) => !isUnderWay(row))
      .map(({ entry }) => entry),
  );
  const execution = await wake(clients, workload, model);
  await untilServed(clients, releases, { ...options, to: plan.to, before, execution, started });
  return { from, to: plan.to, seconds: Math.round((now().getTime() - started) / 1000) };
}

/** A version that got a mark meanwhile keeps that one; the target's goes first, so that no version below it is ever desired. */
async function write(clients: Clients, TableName: string, plan: RollbackPlan, { model, reason, by, now }: RollbackOptions): Promise<void> {
  const key = (version: number) => ({ [RELEASES.key]: model, [RELEASES.sort]: markEntry(version) });
  const marks = plan.mark.map((version) => ({
    Put: {
      TableName,
      Item: { ...key(version), reason: MarkReason.ROLLED_BACK, why: reason, by, at: now().toISOString() },
      ConditionExpression: 'attribute_not_exists(#entry)',
      ExpressionAttributeNames: { '#entry': RELEASES.sort },
    },
  }));
  const writes: NonNullable<TransactWriteCommandInput['TransactItems']> = [
    ...(plan.unmark ? [{ Delete: { TableName, Key: key(plan.to) } }] : []),
    ...marks,
  ];
  for (let start = 0; start < writes.length; start += TRANSACTION) {
    try {
      await clients.tables.send(new TransactWriteCommand({ TransactItems: writes.slice(start, start + TRANSACTION) }));
    } catch (error) {
      if ((error as Error).name === 'TransactionCanceledException') {
        throw new Error(`MarksChanged: somebody else marks versions of ${model} at this moment: run the same command again`);
      }
      throw error;
    }
  }
}

async function wake({ machines }: Clients, workload: Workload, model: string): Promise<string> {
  const stateMachineArn = workload.output('ReleaseMachine');
  const { executionArn } = await machines.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ model }) }));
  return executionArn!;
}

interface Waiting extends RollbackOptions {
  readonly to: number;
  readonly before: ReadonlySet<string>;
  readonly execution: string;
  readonly started: number;
}

async function untilServed(clients: Clients, releases: Releases, waiting: Waiting): Promise<void> {
  const { model, to, before, execution, started, now, pause, say } = waiting;
  for (;;) {
    // First: an execution that is seen to have ended has written everything that is read after it.
    const { status } = await clients.machines.send(new DescribeExecutionCommand({ executionArn: execution }));
    const [rows, live] = await Promise.all([releases.rows(), releases.live()]);
    const serving = live && { status: live.status, version: live.arn === undefined ? undefined : versionNumber(live.arn) };
    const look = { to, before, releases: releasesIn(rows), rows, live: serving, ended: status !== 'RUNNING' };
    const progress = progressOf(look, isUnderWay);
    if (progress.state === 'done') {
      return;
    }
    const help = `see docs/runbooks/delivery.md#release-stuck; execution ${execution}`;
    if (progress.state === 'failed') {
      throw new Error(`RollbackFailed: version ${to} of ${model} does not serve: ${progress.why}: ${help}`);
    }
    const seconds = Math.round((now().getTime() - started) / 1000);
    if (seconds > WAIT_SECONDS) {
      throw new Error(`RollbackFailed: version ${to} of ${model} does not serve after ${seconds} s: ${progress.text}: ${help}`);
    }
    say(`${progress.text} (${seconds} s)`);
    await pause();
  }
}

function versionOf(text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d{0,5}$/.test(text)) {
    throw new UsageError(`InvalidOption: --to must be the number of a version, from 1, got '${text}'\n\n${USAGE}`);
  }
  return text === undefined ? undefined : Number(text);
}

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values, argument } = argumentsOf(args, { to: text, reason: text, config: text }, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const to = versionOf(values.to as string | undefined);
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  let outcome: RollbackOutcome | undefined;
  const rollback = new Listr(
    [
      {
        title: `Rolling ${argument} back`,
        task: async (_, task) => {
          outcome = await rollBack(clients, await Workload.find(config, clients), {
            ...{ model: argument, to, reason: (values.reason as string | undefined) ?? 'no reason given' },
            by: userInfo().username,
            now: () => new Date(),
            pause: () => new Promise((resolve) => setTimeout(resolve, 2000)),
            say: (line) => (task.output = line),
          });
        },
      },
    ],
    { renderer: 'default', fallbackRenderer: 'verbose', collectErrors: false },
  );
  await rollback.run();
  console.log(`${argument}: version ${outcome!.to} serves instead of ${outcome!.from ?? 'none'}, after ${outcome!.seconds} s`);
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
