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
const half = (shard: 1 | 2) => `node --max-semi-space-size=64 node_modules/jest/bin/jest.js --ci --shard=${shard}/2`;

/** Each half has an account of its own. */
const account = (shard: 1 | 2) =>
  `PYTHONPATH=test/support local/.venv/bin/python -m pytest -q -p dealt_shards --shard=${shard}/2 test/local/account test/jobs test/examples`;

const TASKS: Task[] = [
  { name: 'handlers', command: 'npm run --silent build:handlers' },
  { name: 'python', command: 'npm run --silent account -- install' },
  { name: 'jsii', command: 'npm run --silent build:jsii' },
  // Which half has the audit follows from the sizes of all files.
  { name: 'unit 1', command: half(1), after: ['handlers', 'python'], count: jest, shows: AUDITED },
  { name: 'unit 2', command: half(2), after: ['handlers', 'python'], count: jest, shows: AUDITED },
  { name: 'types', command: 'npx tsc --noEmit' },
  { name: 'lint', command: 'npm run --silent lint' },
  { name: 'gate dev', command: synth('dev'), after: ['handlers'] },
  { name: 'gate prod', command: synth('prod'), after: ['handlers'] },
  { name: 'gate chat', command: synth('chat'), after: ['handlers'] },
  { name: 'packed install', command: 'node --import tsx scripts/packed-install.ts', after: ['jsii', 'handlers'] },
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
  { name: 'verifier', command: 'local/.venv/bin/python -m pytest -q test/verify', after: ['python'], count: pytest },
  {
    name: 'end to end',
    command: 'node --import tsx test/e2e/start-and-verify.ts',
    after: [
      'handlers',
      'python',
      'unit 1',
      'unit 2',
      'local account 1',
      'local account 2',
      'intake operations',
      'data alarms',
      'verifier',
      'packed install',
      'lint',
      'types',
      'gate dev',
      'gate prod',
      'gate chat',
    ],
    count: pytest,
  },
  { name: 'bad starts', command: 'node --import tsx test/e2e/bad-starts.ts', after: ['end to end'], count: pytest },
  { name: 'isolated network', command: 'node --import tsx test/e2e/isolated-network.ts', after: ['bad starts'], count: pytest },
  { name: 'stream intake', command: 'node --import tsx test/e2e/stream-intake.ts', after: ['bad starts'], count: pytest },
  { name: 'served features', command: 'node --import tsx test/e2e/served-features.ts', after: ['stream intake'], count: pytest },
  {
    name: 'release faults',
    command: 'node --import tsx test/e2e/release-faults.ts --short',
    after: ['end to end'],
    count: pytest,
  },
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
