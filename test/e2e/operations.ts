// `node --import tsx test/e2e/operations.ts`: two versions are released in a local account of its own; then the commands of the one on call
// are run as their users run them, and the janitor of releases looks at what is left [R3]. Last line: `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { InvokeCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ListEndpointConfigsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { type Account, startAccount } from '../../local/account';
import { makeHandler } from '../../runtime/release-janitor/handler';
import { Arena, PREFIX } from './release-faults/arena';
import { Ended, ROOT } from './programs';
import type { ReleaseWorld } from './release-world';

const DAY = 24 * 3600 * 1000;
/** How many times faster platform time runs. */
const CLOCK_FACTOR = 120;
const problems: string[] = [];
let checks = 0;

function check(holds: boolean, text: string): void {
  checks++;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${text}`);
  if (!holds) {
    problems.push(text);
  }
}

/** Runs a command with the environment of the account, as after `eval "$(npm run account -- env)"`. */
function command(account: Account, name: 'rollback' | 'where', ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', `operations/${name}.ts`, ...args], {
    cwd: ROOT,
    env: account.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function says(account: Account, [name, ...args]: ['rollback' | 'where', ...string[]], code: number, ...patterns: RegExp[]) {
  const ended = await command(account, name, ...args);
  const missing = patterns.filter((pattern) => !pattern.test(ended.output));
  check(
    ended.code === code && missing.length === 0,
    `npm run ${name} -- ${args.join(' ')} ends with ${code} and says ${patterns.join(', ')}`,
  );
  console.log(ended.output.replace(/^/gm, '     | '));
}

async function rollbacks(account: Account, world: ReleaseWorld): Promise<string[]> {
  const versions: string[] = [];
  const file = 'flights/junk.csv';
  await world.clients.s3.send(new PutObjectCommand({ Bucket: world.outputs.RawBucket, Key: file, Body: 'no header of flights\n1\n' }));
  for (let i = 0; i < 2; i++) {
    const arn = await world.register();
    await world.approve(arn);
    await world.served(arn);
    versions.push(arn);
  }
  const [first, second] = versions;
  await says(
    account,
    ['where', 'delay/2'],
    0,
    /version delay\/2/,
    /live +true/,
    /-> release release#/,
    /<- training run test-2/,
    /-> endpoint/,
  );
  await says(account, ['rollback', 'delays'], 1, /UnknownModel: .*did you mean 'delay'/);
  await says(account, ['rollback', 'delay', '--to', '7'], 1, /UnknownVersion: .*2, 1/);
  await says(account, ['rollback', 'delay', '--reason', 'too slow'], 0, /version 1 serves instead of 2, after \d+ s/);
  await world.quiet();
  check((await world.live()) === first, 'version 1 serves');
  await world.marked(second, 'rolled back');
  await says(account, ['rollback', 'delay', '--to', '1'], 1, /AlreadyLive/);
  await says(account, ['rollback', 'delay'], 1, /NothingBelow/);
  await says(account, ['where', second], 0, /live +false/, /mark +rolled back: too slow/);
  const [row] = (await world.rows()).filter(({ entry }) => entry.startsWith('release#'));
  await says(account, ['where', row.entry], 0, /state +released/, /console\.aws\.amazon\.com\/states/, /<- version delay\/1/);
  await says(account, ['where', 'no/such.csv'], 1, /NotFound/, /predictions no\/such\.csv, delay\/no\/such\.csv/, /ledgers of flights/);
  await says(account, ['where', file], 0, /^file flights\/junk\.csv$/m, /state +rejected/, /reason +\S/);
  await says(account, ['where', 'delay/1', '--json'], 0, /"kind": "version"/);
  await says(account, ['rollback', 'delay', '--to', '2'], 0, /version 2 serves instead of 1/);
  await world.quiet();
  check((await world.problems(second)).length === 0, 'what must hold after a release holds');
  return versions;
}

/** What releases left behind, as two days later: the deployed function finds it too young, and its core deletes all but three. */
async function janitor(account: Account, world: ReleaseWorld): Promise<void> {
  const { clients } = world;
  const { Functions = [] } = await clients.lambda.send(new ListFunctionsCommand({}));
  const FunctionName = Functions.find(({ FunctionName: name }) => /ReleaseJanitor/.test(name!))!.FunctionName;
  const { Payload, FunctionError } = await clients.lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const answer = new TextDecoder().decode(Payload);
  check(
    FunctionError === undefined && /"configurations": ?0, ?"models": ?0/.test(answer),
    `the janitor finds nothing old enough: ${answer}`,
  );
  const counted = async () => {
    const { Models = [] } = await clients.sageMaker.send(new ListModelsCommand({}));
    const { EndpointConfigs = [] } = await clients.sageMaker.send(new ListEndpointConfigsCommand({}));
    return [EndpointConfigs.length, Models.length];
  };
  for (const to of ['1', '2']) {
    await says(account, ['rollback', 'delay', '--to', to], 0, new RegExp(`version ${to} serves`));
    await world.quiet();
  }
  const before = await counted();
  const live = await world.live();
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const stacks: CloudFormationClient = clients.cloudFormation;
  // The platform clock runs faster than this one, so what is old by it is a day old here in any case.
  const later = () => new Date(Date.now() + 30 * DAY * CLOCK_FACTOR);
  const report = await makeHandler({ prefix: PREFIX, sageMaker: clients.sageMaker, stacks, now: later, logger })();
  const after = await counted();
  console.log(`     | configurations and models: ${before} before, ${after} after, deleted ${JSON.stringify(report)}`);
  check(report.configurations > 0 && report.models > 0 && after[0] === 3 && after[1] === 3, 'later it deletes all but the three newest');
  check((await world.live()) === live, 'what serves is as before');
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const stateDir = mkdtempSync(join(tmpdir(), 'operations-'));
  const account = await startAccount({ stateDir, clockFactor: CLOCK_FACTOR, signal: abort.signal });
  try {
    const arena = new Arena(account, abort.signal);
    await Promise.all([arena.synthesize('config/dev.yaml'), arena.bootstrap()]);
    await arena.deploy();
    await arena.stopClockRules();
    const world = await arena.world();
    await rollbacks(account, world);
    await janitor(account, world);
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
  console.log(`${checks - problems.length} passed, ${problems.length} failed`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.stack);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
