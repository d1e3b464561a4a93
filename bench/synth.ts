// `npm run bench:synth`: time and memory of a synth of the blueprint beside an empty app, run by turns; medians of several.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';

const ROOT = resolve(__dirname, '..');
const ROUNDS = Number(process.argv[2] ?? 7);
const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object };

/** Seconds and peak memory (MiB) of one synth in a process of its own. */
function synth(app: string, config?: string): { seconds: number; mebibytes: number } {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-synth-'));
  const env = { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify({ ...context, config }) };
  // A child inherits its parent's maxRSS on Linux; VmHWM is its own.
  const report = `import { existsSync, readFileSync } from 'node:fs';
    const own = () => readFileSync('/proc/self/status', 'utf8').match(/VmHWM:.*/)[0];
    const peak = () => (existsSync('/proc/self/status') ? own() : 'VmHWM: ' + process.resourceUsage().maxRSS);
    process.on('exit', () => process.stderr.write(peak()));`;
  const start = performance.now();
  const args = ['--import', 'tsx', '--import', `data:text/javascript,${encodeURIComponent(report)}`, app];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
  const seconds = (performance.now() - start) / 1000;
  rmSync(outdir, { recursive: true });
  if (status !== 0) {
    throw new Error(`SynthFailed: ${app} ended with ${status}: ${stderr}`);
  }
  return { seconds, mebibytes: Number(/VmHWM:\s+(\d+)/.exec(stderr)?.[1]) / 1024 };
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const apps: [string, () => ReturnType<typeof synth>][] = [
  ['empty app', () => synth('bench/empty-app.ts')],
  ['blueprint, dev', () => synth('bin/app.ts', 'config/dev.yaml')],
  ['blueprint, prod', () => synth('bin/app.ts', 'config/prod.yaml')],
];
const runs = apps.map(() => [] as ReturnType<typeof synth>[]);
for (let round = 0; round < ROUNDS; round++) {
  process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
  apps.forEach(([, run], i) => runs[i].push(run()));
}
const base = median(runs[0].map(({ seconds }) => seconds));
const table = new Table({ head: ['synth', 'seconds (median)', 'min', 'max', 'of the empty app', 'peak MiB'], style: { head: [] } });
apps.forEach(([name], i) => {
  const times = runs[i].map(({ seconds }) => seconds);
  const shown = [median(times), Math.min(...times), Math.max(...times)].map((seconds) => seconds.toFixed(2));
  table.push([name, ...shown, `${(median(times) / base).toFixed(2)} x`, median(runs[i].map((run) => run.mebibytes)).toFixed(0)]);
});
console.log(table.toString());
