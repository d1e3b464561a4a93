// `npm run bench:intake`: speed and peak memory of the intake beside two usual ways to do the same, each run in a process of its own, by
// turns; medians of several. Ends with 1 when memory grows with the file. `npm run bench:intake -- <rounds> [text]`; the
// text picks the measurements whose names contain it.
import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import Table from 'cli-table3';
import { build } from 'esbuild';
import type { CompiledContract } from '../lib/constructs/data/data-contract/contract';
import { DataContract } from '../lib/constructs/data/data-contract/data-contract';
import type { Measured } from './intake-worker';

const ROOT = resolve(__dirname, '..');
const EXAMPLE = join(ROOT, 'examples/flight-delays');
const ROUNDS = Number(process.argv[2] ?? 5);
const COPIES = 20;
/** Peak on 20 times the year, of the peak on the year. */
const GROWTH = 1.1;
const LONG_LINE_BYTES = 200 * 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'bench-intake-'));
const at = (name: string) => join(folder, name);

/** The year, 20 years of the same flights, and a file with one line of 200 MB. */
async function prepare(): Promise<void> {
  const year = gunzipSync(readFileSync(join(EXAMPLE, 'data/flights.csv.gz'))).toString('latin1');
  const header = year.slice(0, year.indexOf('\n') + 1);
  const rows = year.slice(header.length);
  writeFileSync(at('year.csv'), year);
  const years = function* () {
    yield header;
    for (let i = 0; i < COPIES; i++) {
      yield rows.replaceAll(/^2013/gm, String(2013 + i));
    }
  };
  await pipeline(Readable.from(years()), createWriteStream(at('years.csv')));
  const first = rows.slice(0, rows.indexOf('\n') + 1);
  const line = function* () {
    yield header;
    yield first;
    for (let bytes = 0; bytes < LONG_LINE_BYTES; bytes += 1024 * 1024) {
      yield 'x'.repeat(1024 * 1024);
    }
    yield `\n${first.replace('2013', '2014')}`;
  };
  await pipeline(Readable.from(line()), createWriteStream(at('line.csv')));
  const contract = JSON.parse(DataContract.fromFile(join(EXAMPLE, 'contracts/flights.odcs.yaml'))._json) as CompiledContract;
  const columns = contract.columns.map((column) => (column.name === 'year' ? { ...column, maximum: 2013 + COPIES - 1 } : column));
  writeFileSync(at('contract.json'), JSON.stringify({ ...contract, columns }));
}

const worker = (reader: string) => [process.execPath, at('worker.cjs'), reader];
const python = [process.env.PYTHON ?? 'python3', join(__dirname, 'intake-python.py')];
/** Name, command, file, and whether one round is enough. */
const ALL: [string, string[], string, boolean][] = [
  ['intake, year', worker('intake'), 'year.csv', false],
  [`intake, ${COPIES} x the year`, worker('intake'), 'years.csv', false],
  ['intake to Parquet, year', worker('intake-parquet'), 'year.csv', false],
  [`intake to Parquet, ${COPIES} x the year`, worker('intake-parquet'), 'years.csv', false],
  ['intake, a line of 200 MB', worker('intake'), 'line.csv', false],
  ['csv-parse, year', worker('csv-parse'), 'year.csv', false],
  [`csv-parse, ${COPIES} x the year`, worker('csv-parse'), 'years.csv', true],
  ['Python csv, year', python, 'year.csv', false],
  [`Python csv, ${COPIES} x the year`, python, 'years.csv', true],
];
const MEASUREMENTS = ALL.filter(([name]) => name.includes(process.argv[3] ?? ''));

function measure(command: string[], file: string): Measured {
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const { status, stdout, stderr } = spawnSync(command[0], [...command.slice(1), at(file), at('contract.json')], { env, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`BenchFailed: ${command.join(' ')} ended with ${status}: ${stderr}`);
  }
  return JSON.parse(stdout) as Measured;
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function report(results: Measured[][]): number {
  const head = ['', 'rows', 'valid', 'seconds (median)', 'min', 'max', 'rows/s', 'CPU s', 'rows/s of CPU', 'peak MiB'];
  const table = new Table({ head, style: { head: [], border: [] } });
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const peaks = results.map((runs) => median(runs.map(({ mebibytes }) => mebibytes)));
  MEASUREMENTS.forEach(([name], i) => {
    const [{ read, valid }] = results[i];
    const times = results[i].map(({ seconds }) => seconds);
    const cpu = median(results[i].map((run) => run.cpuSeconds));
    const shown = [median(times), Math.min(...times), Math.max(...times)].map((seconds) => seconds.toFixed(2));
    table.push([
      name,
      whole(read),
      whole(valid),
      ...shown,
      whole(read / median(times)),
      cpu.toFixed(2),
      whole(read / cpu),
      peaks[i].toFixed(0),
    ]);
  });
  console.log(table.toString());
  const peakOf = (wanted: string) => peaks[MEASUREMENTS.findIndex(([name]) => name === wanted)];
  const growth = peakOf(`intake, ${COPIES} x the year`) / peakOf('intake, year');
  if (Number.isNaN(growth)) {
    return 0;
  }
  console.log(`Peak on ${COPIES} x the year: ${growth.toFixed(3)} x the peak on the year (at most ${GROWTH}).`);
  return growth <= GROWTH ? 0 : 1;
}

async function main(): Promise<void> {
  try {
    process.stderr.write('preparing\n');
    await prepare();
    const entryPoints = [join(__dirname, 'intake-worker.ts')];
    await build({
      entryPoints,
      outfile: at('worker.cjs'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      keepNames: true,
      logLevel: 'warning',
    });
    const results = MEASUREMENTS.map(() => [] as Measured[]);
    for (let round = 0; round < ROUNDS; round++) {
      process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
      MEASUREMENTS.forEach(([, command, file, once], i) => (once && round > 0 ? undefined : results[i].push(measure(command, file))));
    }
    process.exitCode = report(results);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void main();
