// `npm run scenarios:data`: files and records that are bad, late or missing, and functions that crash, in a local account with the blueprint and every way
// in and out of data: each alarm rings for its real cause, its owner is told, and it is OK again once the cause is mended [D9].
// `--short` does the few that `npm test` runs; `-- landing` those whose alarms' names contain the text. Last line: `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { startAccount } from '../../local/account';
import { stackOutputs } from '../../local/start/clients';
import { dataConfig } from '../support/data-config';
import { Cause, CAUSES } from './data-alarms/causes';
import { DataWorld, Notice, OWNER } from './data-alarms/world';
import { Checks } from './checks';
import { Proof } from './intake-proof';
import { until } from './programs';
import { Arena, PREFIX } from './release-faults/arena';

/** A period of 15 minutes, in which most of these alarms look, is 15 seconds. */
const CLOCK_FACTOR = 60;
const RING_SECONDS = 300;

interface Rung {
  readonly alarm: string;
  readonly cause: string;
  readonly told: string;
  readonly ringsAfter: number;
  readonly okAfter: number;
}

const secondsSince = (start: number): number => Math.round((Date.now() - start) / 100) / 10;

/** What the owner was told of an alarm since a moment, once its last state is this one. */
const toldOf = (world: DataWorld, alarm: string, since: number, state: string): Promise<Notice> =>
  until(`${OWNER.team} being told that ${alarm} is ${state}`, RING_SECONDS, async () => {
    const notice = (await world.told(alarm, since)).at(-1);
    return notice?.NewStateValue === state ? notice : undefined;
  });

const reaches = (world: DataWorld, alarm: string, state: string): Promise<true> =>
  until(`${alarm} being ${state}`, RING_SECONDS, async () => ((await world.alarm(alarm)).state === state ? true : undefined));

/** Lets one cause happen, and looks at its alarms and at what their owner is told until it is mended. */
async function carryOut(world: DataWorld, { cause, alarms, speaker, mended, happen }: Cause): Promise<Rung[]> {
  const names = alarms.map((name) => `${PREFIX}-${name}`);
  const silent = await Promise.all(names.map(async (name) => !(await world.alarm(name)).tells));
  const speakers = names.map((name, i) => (silent[i] ? `${PREFIX}-${speaker}` : name));
  const all = [...new Set([...names, ...speakers])];
  for (const name of all) {
    await until(`${name} not ringing`, RING_SECONDS, async () => ((await world.alarm(name)).state === 'ALARM' ? undefined : true));
  }
  const start = Date.now();
  console.error(`${cause} ...`);
  const mend = await happen(world);
  const rungs = await Promise.all(names.map((name) => reaches(world, name, 'ALARM').then(() => secondsSince(start))));
  const notices: Notice[] = [];
  for (const name of new Set(speakers)) {
    notices.push(await toldOf(world, name, start, 'ALARM'));
  }
  world.proof.holds(
    `${cause}: ${OWNER.team} is told by ${[...new Set(speakers)].join(', ')} what to do`,
    notices.every(({ AlarmDescription }) =>
      /^\[data\/(page|ticket)\] .+ First: .+ Runbook: docs\/runbooks\/data\.md#/.test(AlarmDescription),
    ),
    notices,
  );
  const end = Date.now();
  await mend();
  const calms = await Promise.all(names.map((name) => reaches(world, name, 'OK').then(() => secondsSince(end))));
  for (const name of new Set(speakers)) {
    await toldOf(world, name, start, 'OK');
  }
  world.proof.holds(`${mended}: ${all.join(', ')} OK again`, true);
  return names.map((alarm, i) => ({
    ...{ alarm, cause, ringsAfter: rungs[i], okAfter: calms[i] },
    told: `${OWNER.team}${silent[i] ? ` by ${speakers[i]}` : ''}`,
  }));
}

const checks = new Checks();

async function deployed(arena: Arena): Promise<DataWorld> {
  const config = dataConfig(arena.account.stateDir, (document) => document.setIn(['data', 'streams', 'flights', 'maximumDelayMinutes'], 1));
  await Promise.all([arena.synthesize(config), arena.bootstrap()]);
  await arena.deploy();
  await arena.stopClockRules();
  // Of what the clock starts, only the janitor measures something here.
  await arena.rules(/Janitor/, true);
  const outputs = await stackOutputs(arena.clients);
  return DataWorld.of(arena, new Proof(checks, arena, outputs, config), outputs);
}

function chosen(args: string[]): Cause[] {
  const short = args.includes('--short');
  const texts = args.filter((text) => text !== '--short');
  const found = CAUSES.filter(
    (one) => (!short || one.short) && (texts.length === 0 || one.alarms.some((name) => texts.some((text) => name.includes(text)))),
  );
  if (found.length === 0) {
    throw new Error(`no alarm's name contains ${texts.join(' or ')}: there are ${CAUSES.flatMap(({ alarms }) => alarms).join(', ')}`);
  }
  return found;
}

async function main(): Promise<void> {
  const causes = chosen(process.argv.slice(2));
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const stateDir = mkdtempSync(join(tmpdir(), 'data-alarms-'));
  const account = await startAccount({ stateDir, clockFactor: CLOCK_FACTOR, signal: abort.signal });
  try {
    console.error('deploying the blueprint ...');
    const start = Date.now();
    const world = await deployed(new Arena(account, abort.signal));
    console.error(`deployed in ${secondsSince(start)} s`);
    const table = new Table({ head: ['alarm', 'cause', 'told', 'rings after s', 'OK after s'], style: { head: [], border: [] } });
    for (const cause of causes) {
      try {
        const rungs = await carryOut(world, cause);
        rungs.forEach((rung) => table.push([rung.alarm, rung.cause, rung.told, rung.ringsAfter, rung.okAfter]));
      } catch (error) {
        abort.signal.throwIfAborted();
        world.proof.holds(cause.cause, false, (error as Error).message);
      }
    }
    console.log(table.toString());
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

checks.conclude(main);
