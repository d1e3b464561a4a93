import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isAlive, sleep } from './processes';

/** Says what is being done, in a few words. */
export type Progress = (text: string) => void;

const VENV = join(__dirname, '.venv');
const LOCK = join(__dirname, 'requirements.lock');
const STAMP = join(VENV, 'requirements.sha256');
const BUSY = join(__dirname, '.state', 'venv.busy');
const OLDEST = [3, 10];
const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

/** The interpreter of the project's virtual environment. */
export const VENV_PYTHON = join(VENV, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** Arguments before a lock file: nothing is built here, and nothing is installed that it does not name by hash. */
export const INSTALL_LOCKED = [
  '-m',
  'pip',
  'install',
  '--quiet',
  '--no-input',
  '--disable-pip-version-check',
  '--require-hashes',
  '--only-binary',
  ':all:',
  '-r',
];

/** Makes the virtual environment from requirements.lock unless it is there already, and returns its interpreter. */
export async function ensurePython(progress: Progress = () => undefined, signal?: AbortSignal): Promise<string> {
  const python = findPython(process.env);
  const wanted = createHash('sha256').update(readFileSync(LOCK)).digest('hex');
  if (isReady(wanted)) {
    return VENV_PYTHON;
  }
  await alone(signal, async () => {
    if (isReady(wanted)) {
      return;
    }
    progress(`creating the Python environment with ${python}`);
    rmSync(VENV, { recursive: true, force: true });
    await run(python, ['-m', 'venv', VENV], signal);
    progress('installing the locked Python packages (about 340 MB, once)');
    await run(VENV_PYTHON, [...INSTALL_LOCKED, LOCK], signal);
    writeFileSync(STAMP, wanted);
  });
  return VENV_PYTHON;
}

/** The first Python of at least 3.10: $PYTHON, or one on the PATH. Says what it found when none fits. */
export function findPython(env: NodeJS.ProcessEnv): string {
  const tried: string[] = [];
  for (const name of env.PYTHON ? [env.PYTHON] : NAMES) {
    const version = versionOf(name, env);
    if (version && (version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1]))) {
      return name;
    }
    if (version) {
      tried.push(`${name} is ${version.join('.')}`);
    }
  }
  const found = tried.length === 0 ? 'no Python was found' : tried.join(', ');
  throw new Error(
    `PythonMissing: the local account needs Python ${OLDEST.join('.')} or newer, but ${found}: install it, or set PYTHON to its path`,
  );
}

function versionOf(name: string, env: NodeJS.ProcessEnv): number[] | undefined {
  try {
    const text = execFileSync(name, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    });
    return text.trim().split('.').map(Number);
  } catch {
    return undefined;
  }
}

function isReady(wanted: string): boolean {
  return existsSync(VENV_PYTHON) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted;
}

/** One program at a time makes the environment; the others wait for it. */
async function alone(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  mkdirSync(dirname(BUSY), { recursive: true });
  for (;;) {
    try {
      writeFileSync(BUSY, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const other = existsSync(BUSY) ? Number(readFileSync(BUSY, 'utf8')) : 0;
      if (other > 0 && !isAlive(other)) {
        rmSync(BUSY, { force: true });
      }
      await sleep(200, signal);
    }
  }
  try {
    await work();
  } finally {
    rmSync(BUSY, { force: true });
  }
}

function run(command: string, args: string[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(
              `PythonSetupFailed: '${command} ${args.slice(0, 3).join(' ')} ...' ended with ${code}:\n${output.trim().split('\n').slice(-15).join('\n')}`,
            ),
          ),
    );
  });
}
