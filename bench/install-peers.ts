import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './synth-process';

export const PEERS = join(ROOT, 'bench/peers');

/** Installs the peers in their own folder, as their lock file says, once. */
export function installPeers(): void {
  if (!existsSync(join(PEERS, 'node_modules', '@cdklabs'))) {
    process.stderr.write('installing the peers in bench/peers\n');
    execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: PEERS, stdio: ['ignore', 'ignore', 'inherit'] });
  }
}
