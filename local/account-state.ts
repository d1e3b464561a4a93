import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, isAlive } from './processes';

/** What is known of the one account: who starts it and, once it runs, its process. */
export interface AccountRecord {
  /** The program that started it. */
  readonly owner: number;
  readonly ownerCommand: string;
  readonly startedAt: string;
  /** The account's own process, which leads a process group. */
  readonly pid?: number;
  readonly url?: string;
  readonly clockFactor?: number;
}

/** Where the account keeps its lock, log and temporary files; git-ignored. */
export const DEFAULT_STATE_DIR = join(__dirname, '.state');

const lockFile = (stateDir: string): string => join(stateDir, 'account.json');

/** The record of a running (or starting) account; a stale one counts as none. */
export function currentAccount(stateDir: string): AccountRecord | undefined {
  const record = readRecord(lockFile(stateDir));
  return record && isInUse(record) ? record : undefined;
}

/** Whether `pid` is an account of ours and not another process that got its number. */
export function isOurAccount(pid: number): boolean {
  return (commandOf(pid) ?? '').includes('account.launch');
}

/** Takes the lock for this process, or throws when there is an account already. */
export function acquire(stateDir: string): AccountRecord {
  mkdirSync(stateDir, { recursive: true });
  const record: AccountRecord = { owner: process.pid, ownerCommand: commandOf(process.pid) ?? '', startedAt: new Date().toISOString() };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (claim(stateDir, record)) {
      return record;
    }
    const other = currentAccount(stateDir);
    if (other) {
      throw new Error(alreadyRunning(other));
    }
    removeStale(stateDir);
  }
  throw new Error(`AccountLocked: another program takes ${lockFile(stateDir)} at the same moment: try again`);
}

/** Creates the lock file whole or not at all; false when there is one. */
function claim(stateDir: string, record: AccountRecord): boolean {
  const draft = `${lockFile(stateDir)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record));
  try {
    linkSync(draft, lockFile(stateDir));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes a stale lock away; a fresh one that took its place in between is put back. */
function removeStale(stateDir: string): void {
  const aside = `${lockFile(stateDir)}.stale.${process.pid}`;
  try {
    renameSync(lockFile(stateDir), aside);
  } catch {
    return;
  }
  const record = readRecord(aside);
  if (record && isInUse(record)) {
    renameSync(aside, lockFile(stateDir));
  }
  rmSync(aside, { force: true });
}

/** Completes the record once the account runs. */
export function update(stateDir: string, record: AccountRecord): void {
  const draft = `${lockFile(stateDir)}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(record));
  renameSync(draft, lockFile(stateDir));
}

/** Gives the lock back. */
export function release(stateDir: string): void {
  rmSync(lockFile(stateDir), { force: true });
}

function readRecord(file: string): AccountRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as AccountRecord;
  } catch {
    return undefined;
  }
}

function isInUse(record: AccountRecord): boolean {
  if (record.pid !== undefined) {
    return isAlive(record.pid) && isOurAccount(record.pid);
  }
  return isAlive(record.owner) && commandOf(record.owner) === record.ownerCommand;
}

function alreadyRunning(other: AccountRecord): string {
  const what = other.pid === undefined ? `process ${other.owner} is starting one` : `it runs as process ${other.pid} at ${other.url}`;
  return `AccountAlreadyRunning: there is one local account at a time, and ${what} since ${other.startedAt}: use it, or stop it with 'npm run account -- down'`;
}
