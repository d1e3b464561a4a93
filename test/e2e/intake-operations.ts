// `npm run intake:verify`: redrive, revalidate, rerun, ledger rebuild and withdraw by their commands, in a local account with the quarter of flights [D4, D6, D10].
// Last line: `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FlightFile, monthlyFiles } from '../../examples/flight-delays/files';
import { COLUMNS } from '../../examples/flight-delays/flights';
import { startAccount } from '../../local/account';
import { stackOutputs } from '../../local/start/clients';
import type { FileRow } from '../../runtime/intake/file-row';
import { Checks } from './checks';
import { Proof, withQueries } from './intake-proof';
import { Ended, until } from './programs';
import { Arena } from './release-faults/arena';

const QUARTER = { files: 9, records: 80_789, natural: 3 };

const sum = (rows: FileRow[], field: 'read' | 'valid' | 'quarantined') =>
  rows.reduce((total, { counts }) => total + (counts?.[field] ?? 0), 0);

/** Where two records of the quarter are, by their keys: one in quarantine and its neighbour. */
async function finds(proof: Proof, files: FlightFile[]): Promise<void> {
  const file = files.find(({ bytes }) => bytes.includes(',D942DN,'))!;
  const [header, ...lines] = file.bytes.toString().trimEnd().split('\n');
  const names = header.split(',');
  const refused = lines.findIndex((line) => line.includes(',D942DN,'));
  for (const [at, state] of [
    [refused, 'in quarantine'],
    [refused + 1, 'valid'],
  ] as const) {
    const values = lines[at].split(',');
    const key = ['year', 'month', 'day', 'carrier', 'flight', 'origin'].map((name) => `${name}=${values[names.indexOf(name)]}`).join('&');
    const { output } = await proof.command('where', `flights?${key}`, '--json');
    const found = JSON.parse(output.slice(output.indexOf('[\n'))) as { facts: Record<string, unknown>; from: { name: string }[] }[];
    proof.holds(
      `where finds record ${at + 1} of ${file.name}: ${state}`,
      found.length === 1 && found[0].from[0].name.endsWith(file.name) && found[0].facts.state === state && found[0].facts.record === at + 1,
      found,
    );
  }
}

async function redrives(proof: Proof, arena: Arena, accounted: FileRow[]): Promise<void> {
  const empty = await proof.intake('redrive');
  proof.holds('an empty dead-letter queue is nothing to do', empty.code === 0 && empty.output.includes('There is nothing to do'));
  await arena.rules(/Arrivals/, false);
  const [april] = (await monthlyFiles([4, 4])).files;
  const lost = await proof.send(april);
  await arena.rules(/Arrivals/, true);
  await proof.dead(proof.messageOf(lost));
  await proof.dead(proof.messageOf(accounted[0]));
  await proof.dead('nothing');
  const plan = await proof.intake('redrive');
  proof.holds('a dry run says what it would do', /replay +1\n +final +1\n +unreadable +1\n/.test(plan.output) && plan.code === 0, plan);
  proof.holds('and changes nothing', (await proof.rows()).length === QUARTER.files && plan.output.includes('Nothing was changed'));
  const unsaid = await proof.intake('redrive', '--yes');
  proof.holds('nothing is done without a reason', unsaid.code === 2 && unsaid.output.includes('--reason'), unsaid);
  const done = await proof.intake('redrive', '--yes', '--reason', 'the rule was off');
  proof.holds('--yes replays, and says what nobody can read', done.code === 1 && /parked\/.*\.json/.test(done.output), done);
  const rows = await proof.final(QUARTER.files + 1);
  proof.holds(
    'the replayed file is accounted for',
    rows.some(({ key }) => key === lost.key),
  );
  const again = await proof.intake('redrive');
  proof.holds('the queue is empty', again.output.includes('There is nothing to do'), again);
}

async function revalidates(proof: Proof): Promise<void> {
  const before = await proof.publish();
  const records = await proof.recordsOf(before);
  await proof.deployContract('1.1.0', '^[ND][0-9A-Z]{2,5}$');
  const [asBefore, other] = (await monthlyFiles([5, 5])).files;
  await proof.send(asBefore);
  const gated = withGate(other);
  await proof.send(gated);
  const rows = await proof.final(QUARTER.files + 3);
  const mixed = await proof.publish();
  proof.holds('files of two contracts are no dataset', mixed.errorMessage?.startsWith('MixedContracts') === true, mixed);
  const refused = sum(rows, 'quarantined');
  const done = await proof.intake('revalidate', '--yes', '--reason', 'D942DN is a tail number');
  proof.holds(
    'revalidate releases every record of D942DN',
    done.code === 0 && new RegExp(`released +${refused}\n`).test(done.output),
    done,
  );
  const after = await proof.rows();
  const judged = after.filter(({ rejudged }) => rejudged !== undefined);
  proof.holds(
    `${judged.length} files: read = valid + released + quarantined now`,
    judged.length === QUARTER.files + 1 && judged.every(balanced),
  );
  proof.holds('no record is in quarantine', sum(after, 'quarantined') === 0 && sum(after, 'valid') === sum(after, 'read'));
  const published = await proof.publish();
  const now = await proof.recordsOf(published);
  const released = now.filter((line) => line.includes(',D942DN,')).length;
  proof.holds(
    `a dataset version has all ${now.length} records, ${released} of them released`,
    now.length === sum(after, 'read') && released === refused,
  );
  const gates = gated.records;
  proof.holds(
    `each record has the ${COLUMNS.length + 1} columns of the new contract, and the ${gates} of one file have a gate`,
    now.every((line) => line.split(',').length === COLUMNS.length + 1) && now.filter((line) => line.includes(',C12,')).length === gates,
  );
  const found = await proof.queried(published.id!, 'gate');
  proof.holds('a query finds those gates', found === gates, found);
  const old = await proof.recordsOf(before);
  proof.holds('the version before reads as before', old.length === records.length && old.every((line, i) => line === records[i]));
}

/** The same file with one more column, which the contract of today has in another place. */
function withGate(file: FlightFile): FlightFile {
  const [header, ...lines] = file.bytes.toString().trimEnd().split('\n');
  return { ...file, bytes: Buffer.from([`${header},gate`, ...lines.map((line) => `${line},C12`), ''].join('\n')) };
}

const balanced = ({ counts, rejudged, earlier }: FileRow): boolean =>
  counts!.read === earlier!.at(-1)!.counts.valid + rejudged!.released + counts!.quarantined && rejudged!.refused === 0;

async function reruns(proof: Proof): Promise<void> {
  await proof.deployContract('2.0.0', '^N[0-9A-Z]{2,5}$');
  const before = await proof.rows();
  const kept = await proof.intake('revalidate', '--yes', '--reason', 'to see');
  proof.holds(
    'a tighter contract takes no record by revalidate',
    kept.code === 1 && kept.output.includes('use rerun if that is meant'),
    kept,
  );
  const done = await proof.intake('rerun', '--yes', '--reason', 'D942DN is no tail number after all');
  const after = await proof.rows();
  proof.holds('rerun does', done.code === 0 && sum(after, 'quarantined') > 0 && sum(after, 'read') === sum(before, 'read'), done);
  proof.holds('one contract has judged all files', new Set(after.map(({ contract }) => contract)).size === 1);
  const { rows } = await proof.publish();
  proof.holds(`a dataset version of ${rows} records`, rows === sum(after, 'valid'));
}

/** The report of an operation, as its command prints it for machines. */
const reportIn = ({ output }: Ended): Record<string, never> => JSON.parse(output.slice(output.indexOf('{\n'))) as Record<string, never>;

async function rebuilds(proof: Proof): Promise<void> {
  const { id } = await proof.publish();
  await until('the commit records', 120, async () =>
    (await proof.command('ledger', 'rebuild', 'flights')).output.includes('There is nothing to do') ? true : undefined,
  );
  const before = await proof.items();
  for (const pk of before.keys()) {
    await proof.forget(pk);
  }
  const plan = await proof.command('ledger', 'rebuild', 'flights');
  proof.holds(`a rebuild would write ${before.size} items`, new RegExp(`missing +${before.size}\n`).test(plan.output), plan);
  proof.holds('and has written none', (await proof.items()).size === 0);
  const done = await proof.command('ledger', 'rebuild', 'flights', '--yes', '--reason', 'the table was emptied');
  const after = await proof.items();
  proof.holds(
    `the machine has written ${after.size} items`,
    done.code === 0 && new RegExp(`written +${before.size}\n`).test(done.output),
    done,
  );
  const lost = [...before].filter(([pk, item]) => !isDeepStrictEqual(item, after.get(pk)));
  proof.holds('the ledger is the old one, item for item', lost.length === 0 && after.size === before.size, lost);
  proof.holds('the dataset has the id that it had', (await proof.publish()).id === id);
}

async function withdraws(proof: Proof): Promise<void> {
  const { id, rows } = await proof.publish();
  const file = (await proof.rows()).find(({ key }) => key.includes('2013-01')) ?? (await proof.rows())[0];
  const dry = await proof.command('withdraw', file.key, '--reason', 'wrong sensor');
  proof.holds('a withdrawal says what it would touch', dry.code === 0 && dry.output.includes(`Would withdraw ${file.key} of flights`), dry);
  proof.holds(
    'and touches nothing',
    (await proof.rows()).every(({ withdrawal }) => withdrawal === undefined),
  );
  proof.holds(`a query of the version finds its ${rows} records`, (await proof.queried(id!)) === rows);
  const done = reportIn(await proof.command('withdraw', file.key, '--reason', 'wrong sensor', '--yes', '--json')) as Record<
    string,
    unknown
  >;
  proof.holds(
    'the machine has withdrawn the file and the dataset versions that have it',
    (done.totals as Record<string, number>)['files withdrawn'] === 1 &&
      (done.totals as Record<string, number>)['dataset versions withdrawn'] > 0,
    done,
  );
  const withdrawn = (await proof.rows()).filter(({ withdrawal }) => withdrawal !== undefined);
  proof.holds('the row says so', withdrawn.length === 1 && withdrawn[0].key === file.key && withdrawn[0].withdrawal === done.id, withdrawn);
  proof.holds('and so does the dataset version', (await proof.version(id!))?.withdrawal === done.id);
  proof.holds('a query of it finds nothing any more', (await proof.queried(id!)) === 0);
  const next = await proof.publish();
  proof.holds(`a query of the next version finds its ${next.rows} records`, (await proof.queried(next.id!)) === next.rows);
  proof.holds(`the next version has ${next.rows} records`, next.id !== id && next.rows === rows! - file.counts!.valid, next);
  const unknown = await proof.command('withdraw', 'flights/none.csv', '--reason', 'to see');
  proof.holds(
    'a file that nobody knows is refused',
    unknown.code === 1 && unknown.output.includes('OperationRefused: UnknownThing'),
    unknown,
  );
  const again = await proof.command('withdraw', file.key, '--reason', 'once more', '--yes');
  proof.holds(
    'the same again changes nothing',
    again.code === 0 && (await proof.rows()).filter(({ withdrawal }) => withdrawal === done.id).length === 1,
    again,
  );
}

const checks = new Checks();

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const stateDir = mkdtempSync(join(tmpdir(), 'intake-operations-'));
  const account = await startAccount({ stateDir, signal: abort.signal });
  try {
    const arena = new Arena(account, abort.signal);
    const config = arena.config('config', withQueries);
    await Promise.all([arena.synthesize(config), arena.bootstrap()]);
    await arena.deploy();
    const proof = new Proof(checks, arena, await stackOutputs(arena.clients), config);
    const { files } = await monthlyFiles([1, 3]);
    for (const file of files) {
      await proof.send(file);
    }
    const accounted = await proof.final(QUARTER.files);
    const [read, refused] = [sum(accounted, 'read'), sum(accounted, 'quarantined')];
    proof.holds(`the quarter: ${read} records, ${refused} in quarantine`, read === QUARTER.records && refused === QUARTER.natural);
    await finds(proof, files);
    await redrives(proof, arena, accounted);
    await revalidates(proof);
    await reruns(proof);
    await rebuilds(proof);
    await withdraws(proof);
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

checks.conclude(main);
