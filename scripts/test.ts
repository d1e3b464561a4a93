// Everything that CI runs, on a fresh clone: `npm test`. `npm test -- lint 'unit 1'` runs the named tasks and what they need.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AUDITED } from '../test/audit/audited';
import { runTasks, summaryOf, Task } from './tasks';

const logs = join(__dirname, '../node_modules/.cache/test-logs');

const matched = (pattern: RegExp) => (log: string) => Number([...log.matchAll(new RegExp(pattern, 'g'))].at(-1)?.[1] ?? 0);
const jest = (log: string) => ({ passed: matched(/Tests:.*?(\d+) passed/)(log), failed: matched(/Tests:.*?(\d+) failed/)(log) });
const pytest = (log: string) => ({
  passed: matched(/(\d+) passed/)(log),
  failed: matched(/(\d+) failed/)(log) + matched(/(\d+) error/)(log),
});

const synth = (stage: string) =>
  `npx cdk synth --quiet -c config=config/${stage}.yaml -o cdk.out/${stage} && npm run --silent gate -- cdk.out/${stage}`;

/** Most of what tests make is soon garbage: with more room for what is young, collecting it takes a sixth less of all their time. */
const third = (shard: 1 | 2 | 3) => `node --max-semi-space-size=64 node_modules/jest/bin/jest.js --ci --shard=${shard}/3`;

/** Each half has an account of its own. */
const account = (shard: 1 | 2) =>
  `PYTHONPATH=test/support local/.venv/bin/python -m pytest -q -p dealt_shards --shard=${shard}/2 test/local/account test/jobs test/examples`;

const e2e = (file: string) => `node --import tsx test/e2e/${file}`;

/**
 * Of those that are ready, those run that stand first: what has clocks to keep, and beside it what only computes. The end-to-end run waits for two thirds of
 * the unit tests, so that it has a lane; the last third runs beside it.
 */
const TASKS: Task[] = [
  { name: 'handlers', command: 'npm run --silent build:handlers' },
  { name: 'python', command: 'npm run --silent account -- install' },
  { name: 'jsii', command: 'npm run --silent build:jsii' },
  { name: 'types', command: 'npx tsc --noEmit' },
  { name: 'local account 1', command: account(1), after: ['python'], waits: true, count: pytest },
  { name: 'local account 2', command: account(2), after: ['python'], waits: true, count: pytest },
  {
    name: 'intake operations',
    command: 'npm run --silent intake:verify',
    after: ['handlers', 'local account 1'],
    waits: true,
    count: pytest,
  },
  {
    name: 'data alarms',
    command: 'npm run --silent scenarios:data -- --short',
    after: ['handlers', 'local account 2'],
    waits: true,
    count: pytest,
  },
  {
    name: 'end to end',
    command: e2e('start-and-verify.ts'),
    after: ['intake operations', 'data alarms', 'unit 1', 'unit 2'],
    first: true,
    count: pytest,
  },
  { name: 'release faults', command: e2e('release-faults.ts --short'), after: ['end to end'], waits: true, count: pytest },
  { name: 'bad starts', command: e2e('bad-starts.ts'), after: ['end to end'], first: true, count: pytest },
  { name: 'isolated network', command: e2e('isolated-network.ts'), after: ['bad starts'], first: true, count: pytest },
  { name: 'stream intake', command: e2e('stream-intake.ts'), after: ['isolated network'], first: true, count: pytest },
  { name: 'served features', command: e2e('served-features.ts'), after: ['stream intake'], first: true, count: pytest },
  // Which third has the audit follows from the names of all files.
  { name: 'unit 1', command: third(1), after: ['handlers', 'python'], count: jest, shows: AUDITED },
  { name: 'unit 2', command: third(2), after: ['handlers', 'python'], count: jest, shows: AUDITED },
  { name: 'unit 3', command: third(3), after: ['handlers', 'python'], count: jest, shows: AUDITED },
  { name: 'lint', command: 'npm run --silent lint' },
  { name: 'gate dev', command: synth('dev'), after: ['handlers'] },
  { name: 'gate prod', command: synth('prod'), after: ['handlers'] },
  { name: 'gate chat', command: synth('chat'), after: ['handlers'] },
  { name: 'packed install', command: 'node --import tsx scripts/packed-install.ts', after: ['jsii', 'handlers'] },
  { name: 'verifier', command: 'local/.venv/bin/python -m pytest -q test/verify', after: ['python'], count: pytest },
];

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !TASKS.some((task) => task.name === name));
  if (unknown.length > 0) {
    console.error(`no task '${unknown.join("', '")}': there are ${TASKS.map((task) => task.name).join(', ')}`);
    process.exit(2);
  }
  rmSync(logs, { recursive: true, force: true });
  const needed = (name: string): string[] => [name, ...(TASKS.find((task) => task.name === name)?.after ?? []).flatMap(needed)];
  const chosen = new Set(wanted.flatMap((name) => (wanted.length > 0 ? needed(name) : [])));
  const results = await runTasks(wanted.length > 0 ? TASKS.filter((task) => chosen.has(task.name)) : TASKS, logs);
  console.log(summaryOf(results).join('\n'));
  process.exitCode = results.every(({ failed }) => failed === 0) ? 0 : 1;
}

void main();
