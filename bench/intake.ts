// `npm run bench:intake`: speed and peak memory of the intake, output included, beside two frameworks and two usual ways to do the same, each run
// in a process of its own, by turns; medians of several. Ends with 1 when a bar is missed. `npm run bench:intake -- <rounds> [text]`; the
// text picks the measurements whose names contain it; one that picks none is an error, and one that picks nothing a bar compares says so.
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
import { chosenIn, roundsIn } from './arguments';
import { Bar, judged } from './bars';
import { installFrameworks } from './install-frameworks';
import type { Measured } from './intake-worker';

const ROOT = resolve(__dirname, '..');
const EXAMPLE = join(ROOT, 'examples/flight-delays');
const COPIES = 20;
/** Peak on 20 times the year, of the peak on the year. */
const GROWTH = 1.1;
/** Records per second of processor time, of those of a framework that holds the year against the same rules and writes nothing. */
const SPEED = { pandera: 0.5, frictionless: 10 };
const LONG_LINE_BYTES = 200 * 1024 * 1024;

let folder: string;
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
  writeFileSync(at('spoiled.csv'), header + spoiled(rows.split('\n', 1000)).join('\n'));
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

/** Breaks one rule of each kind, each in one row, so that all who are measured can be seen to hold the same rules. */
function spoiled(rows: string[]): string[] {
  const breaks: [number, string][] = [
    [1, '13'],
    [9, 'ua'],
    [12, 'BOS'],
    [15, ''],
  ];
  const broken = rows.map((line, i) => {
    const [column, value] = breaks[i / 100 - 1] ?? [];
    return column === undefined ? line : line.split(',').with(column, value!).join(',');
  });
  return [...broken, rows[7]];
}
const SPOILED = 5;

type Command = () => string[];
const worker =
  (reader: string): Command =>
  () => [process.execPath, at('worker.cjs'), reader];
const python: Command = () => [installFrameworks(), join(__dirname, 'intake-python.py')];
const framework =
  (name: string): Command =>
  () => [installFrameworks(), join(__dirname, 'intake-frameworks.py'), name];
/** Name, command, file, and whether one round is enough. */
const ALL: [string, Command, string, boolean][] = [
  ['intake, year', worker('intake'), 'year.csv', false],
  [`intake, ${COPIES} x the year`, worker('intake'), 'years.csv', false],
  ['intake to Parquet, year', worker('intake-parquet'), 'year.csv', false],
  [`intake to Parquet, ${COPIES} x the year`, worker('intake-parquet'), 'years.csv', false],
  ['intake, a line of 200 MB', worker('intake'), 'line.csv', false],
  ['pandera, year', framework('pandera'), 'year.csv', false],
  ['frictionless, year', framework('frictionless'), 'year.csv', true],
  ['csv-parse, year', worker('csv-parse'), 'year.csv', false],
  [`csv-parse, ${COPIES} x the year`, worker('csv-parse'), 'years.csv', true],
  ['Python csv, year', python, 'year.csv', false],
  [`Python csv, ${COPIES} x the year`, python, 'years.csv', true],
];
const [givenRounds, givenText] = process.argv.slice(2);
const ROUNDS = roundsIn(givenRounds, 5);
const MEASUREMENTS = chosenIn(ALL, givenText);

function measure(by: Command, file: string): Measured {
  const command = by();
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
  return barsMissed(results);
}

/** Says of each bar whether it is held, if what it needs was measured, and returns how many are not. */
function barsMissed(results: Measured[][]): number {
  const of = (wanted: string, figure: (run: Measured) => number) => {
    const runs = results[MEASUREMENTS.findIndex(([name]) => name === wanted)];
    return runs === undefined ? Number.NaN : median(runs.map(figure));
  };
  const perCpuSecond = ({ read, cpuSeconds }: Measured) => read / cpuSeconds;
  const peak = ({ mebibytes }: Measured) => mebibytes;
  const faster = (ours: string, theirs: string) => of(`${ours}, year`, perCpuSecond) / of(`${theirs}, year`, perCpuSecond);
  const { lines, missed } = judged([
    ...Object.entries(SPEED).map(([name, least]): Bar => {
      const value = faster('intake', name);
      return { what: `records per CPU second, of those of ${name}`, value, limit: `at least ${least}`, held: value >= least };
    }),
    ...['intake', 'intake to Parquet'].map((name): Bar => {
      const value = of(`${name}, ${COPIES} x the year`, peak) / of(`${name}, year`, peak);
      return {
        what: `${name}: peak on ${COPIES} x the year, of that on the year`,
        value,
        limit: `at most ${GROWTH}`,
        held: value <= GROWTH,
      };
    }),
  ]);
  lines.forEach((line) => console.log(line));
  for (const name of Object.keys(SPEED).filter((one) => !Number.isNaN(faster('intake to Parquet', one)))) {
    console.log(`no bar: intake to Parquet: records per CPU second, of those of ${name}: ${faster('intake to Parquet', name).toFixed(3)}`);
  }
  return missed;
}

/** Errors: somebody who is measured refuses other records than the rest, so the figures would compare different work. */
function checkRules(): void {
  for (const command of [worker('intake'), framework('pandera'), framework('frictionless')]) {
    const { read, valid } = measure(command, 'spoiled.csv');
    if (read - valid !== SPOILED) {
      throw new Error(`BenchFailed: ${command().join(' ')} refuses ${read - valid} of ${read} records, not ${SPOILED}: the rules differ`);
    }
  }
}

async function main(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'bench-intake-'));
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
    checkRules();
    const results = MEASUREMENTS.map(() => [] as Measured[]);
    for (let round = 0; round < ROUNDS; round++) {
      process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`);
      MEASUREMENTS.forEach(([, command, file, once], i) => (once && round > 0 ? undefined : results[i].push(measure(command, file))));
    }
    process.exitCode = Math.min(1, report(results));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void main();
