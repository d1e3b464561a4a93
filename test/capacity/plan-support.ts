import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planCommand } from '../../capacity/cli/plan-command';

export const scratch = mkdtempSync(join(tmpdir(), 'plan-'));

/** A file with this content; its path. */
export function file(name: string, content: string): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

/** Runs the command: what it wrote and what it had drawn. */
export function command(args: readonly string[], isTTY = false) {
  const [out, err, drawn]: [string[], string[], string[]] = [[], [], []];
  const write = (to: string[]) => ({ write: (text: string) => to.push(text), isTTY });
  const code = planCommand([...args], write(out), write(err), (path) => drawn.push(path));
  return { code, out: out.join(''), err: err.join(''), drawn };
}

/** A load that a small fleet serves. */
export const STEADY = ['--rps', '1', '--hours', '1', '--prompt-tokens', '500', '--output-tokens', '60', '--seeds', '2'];
export const LLAMA = ['--region', 'us-east-1', '--model', 'llama-3-8b'];
export const planned = (args: readonly string[]) => JSON.parse(command([...args, '--json']).out);
