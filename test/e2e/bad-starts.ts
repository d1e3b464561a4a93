// What `npm start` does with bad input and interruptions: a clear message, nothing half done, nothing left running [W1, L1].
// One of the tasks of `npm test`, which interrupts three of its steps; `npm run interrupts` interrupts every one.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { currentAccount, DEFAULT_STATE_DIR } from '../../local/account-state';
import { isAlive } from '../../local/processes';
import { Checks } from './checks';
import { processTree, ROOT, until } from './programs';

const SOME = ['Synthesize', 'Deploy', 'Replay'];
const ALL = [
  'Start the local account',
  'Synthesize',
  'Deploy',
  'Subscribe to',
  'Upload',
  'Wait until',
  'Publish what',
  'Kill the',
  'Approve a version',
  'Replay',
  'See it go back',
  'Release it again',
  'Deploy all stacks again',
];

/** A developer's own AWS settings, which must neither be used nor be in the way. */
const OWN_AWS = { AWS_PROFILE: 'no-such-profile', AWS_ACCESS_KEY_ID: 'AKIAOWN', AWS_SECRET_ACCESS_KEY: 'own', AWS_SESSION_TOKEN: 'own' };

const checks = new Checks();
const folder = mkdtempSync(join(tmpdir(), 'bad-starts-'));

/** `npm start` as a terminal runs it: in a process group of its own, which Ctrl-C reaches as a whole. */
class Started {
  public output = '';
  private readonly child;
  private readonly ended: Promise<number | null>;

  constructor(args: string[], env: Record<string, string | undefined> = {}) {
    const options = {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
      detached: true,
    };
    this.child = spawn(process.execPath, ['local/start.mjs', ...args], options);
    this.child.stdout.on('data', (data: Buffer) => (this.output += data.toString()));
    this.child.stderr.on('data', (data: Buffer) => (this.output += data.toString()));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
  }

  public async reaches(step: string): Promise<void> {
    await until(`step '${step}'`, 240, () =>
      Promise.resolve(this.output.includes(`❯ ${step}`) || this.child.exitCode !== null ? true : undefined),
    );
  }

  public interrupt(): void {
    process.kill(-this.child.pid!, 'SIGINT');
  }

  public async code(): Promise<number | null> {
    return this.ended;
  }

  public processes(): number[] {
    return [...processTree(this.child.pid!), ...accountProcesses()];
  }
}

function accountProcesses(): number[] {
  const pid = currentAccount(DEFAULT_STATE_DIR)?.pid;
  return pid === undefined ? [] : [...processTree(pid), ...containers()];
}

/** The containers lead process groups of their own. */
function containers(): number[] {
  try {
    const hosts = JSON.parse(readFileSync(join(DEFAULT_STATE_DIR, 'endpoints.json'), 'utf8')) as object;
    return [...JSON.stringify(hosts).matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid));
  } catch {
    return [];
  }
}

async function refused(what: string, args: string[], env: Record<string, string>, message: RegExp): Promise<void> {
  const started = new Started(args, env);
  const code = await started.code();
  checks.that(`${what}: ends with 1 and says why`, code === 1 && message.test(started.output), () => `${code}: ${started.output}`);
  checks.same(`${what}: no account is left`, currentAccount(DEFAULT_STATE_DIR), undefined);
}

async function refusals(): Promise<void> {
  const old = join(folder, 'old-python');
  writeFileSync(old, '#!/bin/sh\necho 3.8\n', { mode: 0o755 });
  const misspelt = join(folder, 'misspelt.yaml');
  writeFileSync(
    misspelt,
    readFileSync(join(ROOT, 'config/dev.yaml'), 'utf8').replace('budget:', 'buget:').replaceAll('../examples', `${ROOT}/examples`),
  );
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  await refused(
    'a foreign endpoint',
    [],
    { AWS_ENDPOINT_URL_S3: 'https://s3.eu-central-1.amazonaws.com' },
    /ForeignEndpoint: AWS_ENDPOINT_URL_S3/,
  );
  await refused('--endpoint', ['--endpoint', 'https://example.com'], {}, /--endpoint 'https:\/\/example.com' is refused/);
  await refused('an unknown option', ['--month', '1'], {}, /InvalidOption: .*--month/);
  await refused('no Python', [], { PYTHON: join(folder, 'none') }, /Python 3\.10/);
  await refused('an old Python', [], { PYTHON: old }, /Python 3\.10/);
  await refused('a config that is not there', ['--config', 'config/none.yaml'], {}, /InvalidConfig: there is no file/);
  await refused('a misspelt key', ['--config', misspelt], {}, /unknown key: did you mean 'budget'\?/);
  await refused('a port that is taken', ['--port', String(port)], {}, new RegExp(`PortTaken: port ${port} `));
  server.close();
}

async function interrupted(step: string): Promise<void> {
  const started = new Started([], OWN_AWS);
  await started.reaches(step);
  await new Promise((resolve) => setTimeout(resolve, 700));
  const processes = started.processes();
  started.interrupt();
  checks.same(`Ctrl-C at '${step}': ends with`, await started.code(), 130);
  checks.that(`Ctrl-C at '${step}': says so`, /Interrupted: SIGINT/.test(started.output), () => started.output);
  await until('the end of every process', 15, () => Promise.resolve(processes.some(isAlive) ? undefined : true)).catch(() => undefined);
  checks.same(`Ctrl-C at '${step}': none of ${processes.length} processes is left`, processes.filter(isAlive), []);
  checks.same(`Ctrl-C at '${step}': no account is left`, currentAccount(DEFAULT_STATE_DIR), undefined);
}

/** The second one ends; the first one goes on. */
async function twice(): Promise<void> {
  const first = new Started([], OWN_AWS);
  await first.reaches('Deploy');
  const second = new Started([]);
  checks.same('a second npm start at once: ends with', await second.code(), 1);
  checks.that('a second npm start at once: says why', /AccountAlreadyRunning/.test(second.output), () => second.output);
  await first.reaches('Upload');
  checks.that('the first one is not disturbed', first.output.includes('❯ Upload'), () => first.output);
  first.interrupt();
  await first.code();
  checks.same('no account is left', currentAccount(DEFAULT_STATE_DIR), undefined);
}

async function main(): Promise<void> {
  if (currentAccount(DEFAULT_STATE_DIR) !== undefined) {
    throw new Error("AccountAlreadyRunning: stop it with 'npm run account -- down', then run this again");
  }
  await refusals();
  await twice();
  for (const step of process.argv.includes('--all') ? ALL : SOME) {
    await interrupted(step);
  }
}

checks.conclude(main, () => rmSync(folder, { recursive: true, force: true }));
