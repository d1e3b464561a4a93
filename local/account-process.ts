import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { accountEnvironment, clientEnvironment, foreignTargets } from './account-environment';
import { acquire, currentAccount, DEFAULT_STATE_DIR, isOurAccount, release, update } from './account-state';
import { endGroup, isAlive, listenerOf, sleep } from './processes';
import { ensurePython, Progress } from './python';

/** How to start the account. */
export interface StartOptions {
  /** Port on 127.0.0.1. @default - a free one */
  readonly port?: number;
  /** How many times faster platform time runs, 1 to 3600. @default 20 */
  readonly clockFactor?: number;
  /** Folder for lock, log and temporary files. @default local/.state */
  readonly stateDir?: string;
  /** Whether the account ends when this program does, however that happens. @default true */
  readonly tied?: boolean;
  /** An explicit target, which must be on this machine. @default - none */
  readonly endpoint?: string;
  readonly progress?: Progress;
  /** Aborts the start and leaves nothing running. */
  readonly signal?: AbortSignal;
}

/** A running local account. */
export interface Account {
  readonly url: string;
  readonly pid: number;
  /** The complete environment for the CDK CLI and for SDK clients. */
  readonly env: Record<string, string>;
  readonly stateDir: string;
  readonly logFile: string;
  readonly clockFactor: number;
  /** The interpreter of the project's virtual environment. */
  readonly python: string;
  /** Lets the account live on when this program ends. */
  keep(): void;
  /** Ends it and everything it started. */
  stop(): Promise<void>;
}

const READY_SECONDS = 60;

/** Starts the account and waits until it answers. Throws one error that names every problem; nothing is left running then. */
export async function startAccount(options: StartOptions = {}): Promise<Account> {
  const problems = [...foreignTargets(process.env, options.endpoint), ...clockProblems(options.clockFactor)];
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  const stateDir = options.stateDir ?? DEFAULT_STATE_DIR;
  const record = acquire(stateDir);
  let pid: number | undefined;
  try {
    const python = await ensurePython(options.progress, options.signal);
    const port = await choosePort(options.port);
    const account = describe(python, port, stateDir, options.clockFactor ?? 20);
    pid = launch(account, options.tied ?? true);
    update(stateDir, { ...record, pid, url: account.url, clockFactor: account.clockFactor });
    await untilReady(account, pid, options.signal);
    return {
      ...account,
      pid,
      keep: () => rmSync(tiedFile(stateDir), { force: true }),
      stop: () => stopAccount(stateDir).then(() => undefined),
    };
  } catch (error) {
    if (pid !== undefined) {
      await endGroup(pid);
    }
    release(stateDir);
    throw error;
  }
}

/** Ends the account that the lock names, whoever started it; says whether there was one. */
export async function stopAccount(stateDir: string = DEFAULT_STATE_DIR): Promise<boolean> {
  const record = currentAccount(stateDir);
  if (record?.pid !== undefined && isOurAccount(record.pid)) {
    await endGroup(record.pid);
  }
  if (record === undefined || record.pid !== undefined || record.owner === process.pid) {
    release(stateDir);
    rmSync(tiedFile(stateDir), { force: true });
  }
  return record?.pid !== undefined;
}

/** The running account that somebody else started, for example with `npm run account -- up`. */
export function connectAccount(stateDir: string = DEFAULT_STATE_DIR): Omit<Account, 'python'> | undefined {
  const record = currentAccount(stateDir);
  if (record?.pid === undefined || record.url === undefined) {
    return undefined;
  }
  const clockFactor = record.clockFactor ?? 20;
  return {
    ...describe('', Number(new URL(record.url).port), stateDir, clockFactor),
    pid: record.pid,
    keep: () => rmSync(tiedFile(stateDir), { force: true }),
    stop: () => stopAccount(stateDir).then(() => undefined),
  };
}

const tiedFile = (stateDir: string): string => join(stateDir, 'tied');

function describe(python: string, port: number, stateDir: string, clockFactor: number) {
  const url = `http://127.0.0.1:${port}`;
  const env = clientEnvironment(process.env, url, stateDir, clockFactor);
  return { python, url, env, stateDir, clockFactor, logFile: join(stateDir, 'account.log') };
}

function launch(account: ReturnType<typeof describe>, tied: boolean): number {
  const { stateDir } = account;
  for (const folder of ['tmp', 'cdk-home']) {
    rmSync(join(stateDir, folder), { recursive: true, force: true });
    mkdirSync(join(stateDir, folder), { recursive: true });
  }
  writeFileSync(join(stateDir, 'empty'), '');
  if (tied) {
    writeFileSync(tiedFile(stateDir), String(process.pid));
  } else {
    rmSync(tiedFile(stateDir), { force: true });
  }
  const log = openSync(account.logFile, 'w');
  const env = accountEnvironment(process.env, account.url, stateDir, account.clockFactor);
  const child = spawn(account.python, ['-m', 'account.launch'], { cwd: stateDir, env, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  child.on('error', () => undefined);
  if (child.pid === undefined) {
    throw new Error(`AccountNotStarted: ${account.python} could not be run: remove local/.venv and try again`);
  }
  return child.pid;
}

async function untilReady(account: ReturnType<typeof describe>, pid: number, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_SECONDS * 1000;
  for (;;) {
    if (await answers(account.url)) {
      return;
    }
    if (!isAlive(pid)) {
      throw new Error(
        `AccountNotStarted: the account ended while it started; the log is ${account.logFile}:\n${lastLines(account.logFile)}`,
      );
    }
    if (Date.now() > deadline) {
      throw new Error(
        `AccountNotReady: no answer from ${account.url} in ${READY_SECONDS} s; the log is ${account.logFile}:\n${lastLines(account.logFile)}`,
      );
    }
    await sleep(100, signal);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/_ministack/ready`, { signal: AbortSignal.timeout(2000) });
    return response.ok && ((await response.json()) as { status?: string }).status === 'completed';
  } catch {
    return false;
  }
}

async function choosePort(wanted: number | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const holder = listenerOf(wanted ?? 0);
      const reason = error.code === 'EADDRINUSE' ? `is taken${holder ? ` by ${holder}` : ''}` : `cannot be used (${error.code})`;
      reject(new Error(`PortTaken: port ${wanted} on 127.0.0.1 ${reason}: stop that program, or leave out --port to get a free one`));
    });
    server.listen(wanted ?? 0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function clockProblems(factor: number | undefined): string[] {
  const valid = factor === undefined || (Number.isFinite(factor) && factor >= 1 && factor <= 3600);
  return valid ? [] : [`InvalidClockFactor: the platform clock factor must be a number from 1 to 3600, got ${factor}`];
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-20).join('\n') : '(no log)';
}
