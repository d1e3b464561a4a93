// `npm run scenarios`: deploys the blueprint with every way in and out of data into a local account and drives every alarm of it OK -> ALARM -> OK
// through its own metrics [O1]. That no alarm of the data layer is missing says test/stacks/blueprint.test.ts.
// `npm run scenarios -- objective` drives those whose names contain the text. Last line: `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { DisableRuleCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { startAccount } from '../../local/account';
import { driveAlarms } from '../../local/alarm-scenario';
import { Clients, clientsFor } from '../../local/start/clients';
import { bootstrap, deploy, synthesize } from '../../local/start/deployment';
import { dataConfig } from '../support/data-config';

interface Alarm {
  name: string;
  description: string;
  /** Topics that it tells; none when a composite alarm or a rollback speaks for it. */
  actions: string[];
}

async function alarmsOf({ cloudWatch }: Clients): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  for await (const page of paginateDescribeAlarms({ client: cloudWatch }, { AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] })) {
    for (const { AlarmName, AlarmDescription, AlarmActions } of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
      alarms.push({ name: AlarmName!, description: AlarmDescription ?? '', actions: AlarmActions ?? [] });
    }
  }
  return alarms.sort((a, b) => a.name.localeCompare(b.name));
}

/** The scheduled jobs publish what is so (no labels, nothing late) and would contradict the scenario: they stand still meanwhile. */
async function pauseSchedules({ events }: Clients): Promise<void> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  for (const { Name } of Rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined)) {
    await events.send(new DisableRuleCommand({ Name }));
  }
}

async function main(): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'alarm-scenarios-'));
  const say = (text: string) => console.error(text);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const { signal } = abort;
  const account = await startAccount({ stateDir, progress: say, signal });
  try {
    const options = { account, config: dataConfig(stateDir), signal, say: () => undefined };
    say('deploying the blueprint');
    await synthesize(options, { months: [1, 1], seed: 0, clockFactor: account.clockFactor, steps: [] });
    await bootstrap(options);
    await deploy(options);
    const clients = clientsFor(account.url);
    await pauseSchedules(clients);
    const wanted = process.argv.slice(2);
    const alarms = (await alarmsOf(clients)).filter(({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)));
    say(`driving ${alarms.length} alarms`);
    const outcomes = await driveAlarms(
      account,
      alarms.map(({ name }) => name),
      1500,
    );
    const table = new Table({ head: ['alarm', 'states', 'told in ALARM', 'seconds', 'problem'], style: { head: [], border: [] } });
    let failed = 0;
    for (const { name, actions } of alarms) {
      const outcome = outcomes.find(({ alarm }) => alarm === name);
      const told = (outcome?.notified.ALARM ?? []).map((topic) => topic.split(':').at(-1)!);
      const expected = actions.map((topic) => topic.split(':').at(-1)!);
      const problem = outcome?.problem ?? (expected.every((topic) => told.includes(topic)) ? null : `was to tell ${expected.join(', ')}`);
      failed += outcome === undefined || problem !== null ? 1 : 0;
      table.push([
        name,
        (outcome?.states ?? []).map(({ state }) => state).join(' '),
        told.join(', '),
        outcome?.seconds.toFixed(0) ?? '',
        problem ?? '',
      ]);
    }
    console.log(table.toString());
    console.log(`${alarms.length - failed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
