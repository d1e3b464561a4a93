import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';

export interface CommandOptions {
  readonly cwd: string;
  readonly env: Record<string, string>;
  /** Keeps everything that the command prints. */
  readonly logFile: string;
  readonly signal: AbortSignal;
  /** Hears each line as it comes. */
  readonly line?: (text: string) => void;
}

/** Runs a command to its end. Errors: another exit code than 0, with the last lines and the log's place; an abort, which ends it. */
export async function runCommand(command: string, args: string[], options: CommandOptions): Promise<void> {
  const log = createWriteStream(options.logFile);
  const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const end = () => process.kill(-child.pid!, 'SIGKILL');
  options.signal.addEventListener('abort', end, { once: true });
  let rest = '';
  const hear = (data: Buffer) => {
    log.write(data);
    const lines = (rest + data.toString()).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach((text) => options.line?.(text));
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  options.signal.removeEventListener('abort', end);
  await new Promise((resolve) => log.end(resolve));
  options.signal.throwIfAborted();
  if (code !== 0) {
    throw new Error(
      `CommandFailed: ${[command, ...args].join(' ')} ended with ${code}; its log is ${options.logFile}:\n${tail(options.logFile)}`,
    );
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-25).join('\n');
}
