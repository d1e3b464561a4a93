import { spawn } from 'node:child_process';
import { Account } from './account-process';

/** What a client needs of an account. */
export type AccountClient = Pick<Account, 'env' | 'python'>;

/** Runs one of the account's Python clients and returns the JSON lines that it prints. It must end within `seconds`. */
export async function runClient<T>(account: AccountClient, module: string, args: string[], seconds: number): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(account.python, ['-m', module, ...args], {
      env: account.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const lines = output.split('\n').filter((line) => line.startsWith('{'));
      if (lines.length === 0) {
        reject(
          new Error(
            `AccountClientFailed: ${module} ended with ${signal ?? code} and no result:\n${errors.trim().split('\n').slice(-10).join('\n')}`,
          ),
        );
      } else {
        resolve(lines.map((line) => JSON.parse(line) as T));
      }
    });
  });
}
