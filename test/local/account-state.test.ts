import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquire, currentAccount, release, update } from '../../local/account-state';

const newDir = (): string => mkdtempSync(join(tmpdir(), 'account-state-'));
const deadPid = (): number => spawnSync('true').pid;

describe('the lock of the one local account [L1]', () => {
  test('is taken once and given back', () => {
    const dir = newDir();
    acquire(dir);
    expect(currentAccount(dir)?.owner).toBe(process.pid);
    release(dir);
    expect(currentAccount(dir)).toBeUndefined();
  });

  test('fails when a running program holds it, and says who', () => {
    const dir = newDir();
    acquire(dir);
    expect(() => acquire(dir)).toThrow(
      `AccountAlreadyRunning: there is one local account at a time, and process ${process.pid} is starting one`,
    );
  });

  test('of a program that is gone is taken over', () => {
    const dir = newDir();
    update(dir, { owner: deadPid(), ownerCommand: 'node', startedAt: 'then' });
    expect(currentAccount(dir)).toBeUndefined();
    expect(acquire(dir).owner).toBe(process.pid);
  });

  test('of an account whose process id now belongs to another program is stale', () => {
    const dir = newDir();
    const other = spawn('sleep', ['30']);
    try {
      update(dir, { owner: deadPid(), ownerCommand: 'node', startedAt: 'then', pid: other.pid, url: 'http://127.0.0.1:1' });
      expect(currentAccount(dir)).toBeUndefined();
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('that was cut off is stale, not fatal', () => {
    const dir = newDir();
    writeFileSync(join(dir, 'account.json'), '{"owner":');
    expect(acquire(dir).owner).toBe(process.pid);
    expect(JSON.parse(readFileSync(join(dir, 'account.json'), 'utf8'))).toMatchObject({ owner: process.pid });
  });
});
