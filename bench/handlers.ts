// `npm run bench:handlers [rounds]`: size of each handler's bundle, and the time from the start of its process until the handler is there, beside an
// empty handler. Each start is in a process of its own, by turns; medians of several. What AWS Lambda adds to that (download, a sandbox) is not in it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Table from 'cli-table3';
import { roundsIn } from './arguments';
import { median, ROOT } from './synth-process';

const ROUNDS = roundsIn(process.argv[2], 11);
const EMPTY = 'empty handler';
/** Loads a bundle as AWS Lambda does and says how long that took since the process began. The peak is its own, where the system says so. */
const START = `const { existsSync, readFileSync } = require('node:fs');
  const { handler } = require(process.argv[2]);
  const milliseconds = performance.now();
  const { user, system } = process.cpuUsage();
  if (typeof handler !== 'function') throw new Error('there is no handler');
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const kibibytes = Number(/VmHWM:\\s+(\\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
  console.log(JSON.stringify({ milliseconds, cpuMilliseconds: (user + system) / 1000, mebibytes: kibibytes / 1024 }));
  process.exit();`;

interface Start {
  milliseconds: number;
  /** Of all threads. */
  cpuMilliseconds: number;
  mebibytes: number;
}

interface Bundle {
  name: string;
  file: string;
  starts: Start[];
}

const folder = mkdtempSync(join(tmpdir(), 'bench-handlers-'));

function bundles(): Bundle[] {
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'empty/index.js'), 'exports.handler = async () => undefined;\n');
  const names = readdirSync(join(ROOT, 'assets'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [
    { name: EMPTY, file: join(folder, 'empty/index.js'), starts: [] },
    ...names.map(({ name }) => ({ name, file: join(ROOT, 'assets', name, 'index.js'), starts: [] })),
  ];
}

/** Errors: a handler that cannot be loaded. */
function start({ name, file }: Bundle): Start {
  const env = { PATH: process.env.PATH, AWS_REGION: 'eu-central-1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'start.cjs'), file], { env, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`BenchFailed: ${name} ended with ${status}: ${stderr}`);
  }
  return JSON.parse(stdout) as Start;
}

function report([empty, ...others]: Bundle[]): void {
  const head = ['handler', 'bytes', 'gzip bytes', 'start, ms (median)', 'min', 'max', 'beside empty', 'ms of CPU', 'peak MiB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  const of = ({ starts }: Bundle, figure: (one: Start) => number) => starts.map(figure);
  const base = median(of(empty, ({ milliseconds }) => milliseconds));
  const size = new Map([empty, ...others].map(({ name, file }) => [name, readFileSync(file)]));
  const bySize = [...others].sort((a, b) => size.get(b.name)!.length - size.get(a.name)!.length);
  for (const bundle of [empty, ...bySize]) {
    const bytes = size.get(bundle.name)!;
    const times = of(bundle, ({ milliseconds }) => milliseconds);
    table.push([
      bundle.name,
      ...[bytes.length, gzipSync(bytes).length].map((value) => value.toLocaleString('en')),
      ...[median(times), Math.min(...times), Math.max(...times)].map((value) => value.toFixed(0)),
      `+${(median(times) - base).toFixed(0)} ms`,
      median(of(bundle, ({ cpuMilliseconds }) => cpuMilliseconds)).toFixed(0),
      median(of(bundle, ({ mebibytes }) => mebibytes)).toFixed(0),
    ]);
  }
  console.log(`Node.js ${process.version}, ${ROUNDS} starts of each\n${table.toString()}`);
}

function main(): void {
  try {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build-handlers.mjs'), '--if-changed'], { stdio: ['ignore', 'ignore', 'inherit'] });
    writeFileSync(join(folder, 'start.cjs'), START);
    const all = bundles();
    for (let round = 0; round < ROUNDS; round++) {
      process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
      all.forEach((bundle) => bundle.starts.push(start(bundle)));
    }
    report(all);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main();
