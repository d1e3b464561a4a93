import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(__dirname, '..');
const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object };

/** What one synth in a process of its own took. */
export interface Taken {
  readonly seconds: number;
  /** Seconds of all its threads: what else the machine does hardly shows in it. */
  readonly cpuSeconds: number;
  /** Peak of its memory. */
  readonly mebibytes: number;
  /** Resources in all templates. */
  readonly resources: number;
}

// A child inherits its parent's maxRSS on Linux; VmHWM is its own.
const REPORT = `import { existsSync, readFileSync } from 'node:fs';
  const own = () => readFileSync('/proc/self/status', 'utf8').match(/VmHWM:.*/)[0];
  const peak = () => (existsSync('/proc/self/status') ? own() : 'VmHWM: ' + process.resourceUsage().maxRSS);
  const cpu = () => { const { user, system } = process.cpuUsage(); return ' CPU: ' + (user + system); };
  process.on('exit', () => process.stderr.write(peak() + cpu()));`;

/** Synthesizes an app with the context of the blueprint, changed as given. Errors: an app that ends with another status than 0. */
export function synth(app: string, more: { context?: object; env?: Record<string, string> } = {}): Taken {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-synth-'));
  const env = { ...process.env, ...more.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...more.context }) };
  const start = performance.now();
  const args = ['--import', 'tsx', '--import', `data:text/javascript,${encodeURIComponent(REPORT)}`, app];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8', maxBuffer: 1e9 });
  const seconds = (performance.now() - start) / 1000;
  const resources = status === 0 ? resourcesIn(outdir) : 0;
  rmSync(outdir, { recursive: true });
  if (status !== 0) {
    throw new Error(`SynthFailed: ${app} ended with ${status}: ${stderr.slice(-5000)}`);
  }
  const [, peak, cpu] = /VmHWM:\s+(\d+)[^C]*CPU: (\d+)$/.exec(stderr) ?? [];
  return { seconds, cpuSeconds: Number(cpu) / 1e6, mebibytes: Number(peak) / 1024, resources };
}

function resourcesIn(outdir: string): number {
  const templates = readdirSync(outdir).filter((name) => name.endsWith('.template.json'));
  return templates.reduce((sum, name) => sum + Object.keys(JSON.parse(readFileSync(join(outdir, name), 'utf8')).Resources ?? {}).length, 0);
}

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs apps by turns, so that what else happens on the machine meets all of them; shows which run it is at. */
export function byTurns(apps: readonly { name: string; run: () => Taken; rounds: number }[]): Taken[][] {
  const runs = apps.map(() => [] as Taken[]);
  const rounds = Math.max(...apps.map((app) => app.rounds));
  for (let round = 0; round < rounds; round++) {
    apps.forEach((app, i) => {
      if (round < app.rounds) {
        process.stderr.write(`round ${round + 1} of ${rounds}: ${app.name} ... `);
        const taken = app.run();
        runs[i].push(taken);
        process.stderr.write(`${taken.seconds.toFixed(1)} s, ${taken.cpuSeconds.toFixed(2)} s of CPU, ${taken.mebibytes.toFixed(0)} MiB\n`);
      }
    });
  }
  return runs;
}
