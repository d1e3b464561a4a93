import { execFileSync } from 'node:child_process';

/** The command line of a running process, or undefined when there is none of that id. */
export function commandOf(pid: number): string | undefined {
  try {
    return (
      execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() ||
      undefined
    );
  } catch {
    return undefined;
  }
}

/** Whether a process of that id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Who listens on a port, as far as the system tells; for error messages only. */
export function listenerOf(port: number): string | undefined {
  try {
    const pid = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split('\n')[0];
    return pid ? `process ${pid} (${commandOf(Number(pid)) ?? 'unknown'})` : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves after `milliseconds`; rejects at once when `signal` is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) {
      aborted();
    }
  });
}

/** Ends a process group: politely first, and by force after `patience` milliseconds. */
export async function endGroup(pid: number, patience = 4000): Promise<void> {
  signalTo(pid, 'SIGTERM');
  const deadline = Date.now() + patience;
  while (isAlive(pid) && Date.now() < deadline) {
    await sleep(50);
  }
  signalTo(-pid, 'SIGKILL');
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw error;
    }
  }
}
