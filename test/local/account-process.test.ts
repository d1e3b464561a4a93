import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAccount, startAccount, stopAccount } from '../../local/account';
import { isAlive, sleep } from '../../local/processes';

const ROOT = join(__dirname, '..', '..');
const newDir = (): string => mkdtempSync(join(tmpdir(), 'account-process-'));

/** Starts the account in a program of its own, so that the test can kill that program. */
const STARTER = `require('tsx/cjs'); require('./local/account').startAccount({ stateDir: process.argv[1] }).then((a) => console.log(a.pid)).then(() => setInterval(() => 0, 1000))`;

describe('the life of the local account [L1]', () => {
  test('answers on loopback, is one at a time, is found by others, and stops without a trace', async () => {
    const stateDir = newDir();
    const account = await startAccount({ stateDir, clockFactor: 60 });
    expect(account.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${account.url}/_ministack/ready`)).ok).toBe(true);
    await expect(startAccount({ stateDir })).rejects.toThrow('AccountAlreadyRunning');
    expect(connectAccount(stateDir)).toMatchObject({ url: account.url, pid: account.pid, clockFactor: 60 });
    await account.stop();
    expect(isAlive(account.pid)).toBe(false);
    expect(connectAccount(stateDir)).toBeUndefined();
    expect(await stopAccount(stateDir)).toBe(false);
  });

  test('ends when the program that it is tied to is killed', async () => {
    const stateDir = newDir();
    const starter = spawn(process.execPath, ['-e', STARTER, stateDir], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => starter.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))));
    expect(isAlive(pid)).toBe(true);
    starter.kill('SIGKILL');
    for (let waited = 0; isAlive(pid) && waited < 50; waited++) {
      await sleep(100);
    }
    expect(isAlive(pid)).toBe(false);
    expect(connectAccount(stateDir)).toBeUndefined();
  });

  test('fails on a port that is taken, says what to do and gives the lock back', async () => {
    const stateDir = newDir();
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    await expect(startAccount({ stateDir, port })).rejects.toThrow(
      new RegExp(`PortTaken: port ${port} on 127.0.0.1 is taken.*: stop that program, or leave out --port`),
    );
    server.close();
    expect(existsSync(join(stateDir, 'account.json'))).toBe(false);
  });

  test('fails when it is interrupted while it starts, and leaves nothing running', async () => {
    const stateDir = newDir();
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('Interrupted')), 300);
    await expect(startAccount({ stateDir, signal: abort.signal })).rejects.toThrow('Interrupted');
    expect(existsSync(join(stateDir, 'account.json'))).toBe(false);
    expect(
      spawnSync('sh', ['-c', `ps -eo command | grep '[a]ccount.launch' | grep -c ${stateDir}`])
        .stdout.toString()
        .trim(),
    ).toBe('0');
  });

  test('fails on a foreign endpoint and an impossible clock, both at once', async () => {
    await expect(startAccount({ stateDir: newDir(), endpoint: 'https://aws.example', clockFactor: 0 })).rejects.toThrow(
      /ForeignEndpoint[\s\S]*InvalidClockFactor/,
    );
  });
});
