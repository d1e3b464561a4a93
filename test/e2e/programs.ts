import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');
export const PYTHON = join(ROOT, 'local/.venv/bin/python');

export interface Ended {
  code: number | null;
  output: string;
}

/** Runs a program to its end and keeps everything that it prints. It is killed after `seconds`. */
export function run(command: string, args: string[], seconds: number): Promise<Ended> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: seconds * 1000 });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, output: signal === null ? output : `${output}\nended by ${signal}` }));
  });
}

/** What the verifier printed: the failed lines of each section. */
export interface Verdict extends Ended {
  failures: Record<string, string[]>;
}

/** Runs the verifier as a user would. */
export async function verify(): Promise<Verdict> {
  const ended = await run('npm', ['run', '--silent', 'verify:start'], 300);
  const failures: Record<string, string[]> = {};
  let section = '';
  for (const line of ended.output.split('\n')) {
    section = /^[a-z]+$/.test(line) ? line : section;
    if (line === section && section !== '') {
      failures[section] = [];
    } else if (line.startsWith('  FAIL')) {
      failures[section].push(line.slice(6).trim());
    }
  }
  return { ...ended, failures };
}

/** A process and every process below it, by the system's own table. */
export function processTree(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = rows.map((row) => row.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] => pairs.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)]);
  return [pid, ...below(pid)];
}

/** Asks until there is an answer. Errors: none in `seconds`. */
export async function until<T>(what: string, seconds: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) {
      return answer;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} did not come in ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
