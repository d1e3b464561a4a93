import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { VENV_PYTHON } from '../../../local/python';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from './contracts';
import { BUCKETS, World } from './world';

const contractFor = (format: CompiledContract['format']): CompiledContract => ({
  dataset: 'types',
  version: '1.0.0',
  format,
  columns: [
    column('text', 'string'),
    column('needed', 'string', { required: true }),
    column('whole', 'integer'),
    column('real', 'number'),
    column('flag', 'boolean'),
    column('day', 'date'),
    column('at', 'timestamp'),
  ],
  nullTokens: ['NA', '-9'],
  primaryKey: [],
});

const text = fc.oneof(
  fc.constantFrom('', 'NA', '-9', 'a', 'ä', '𝄞', '\ufeffmark', 'two\nlines', 'say "hi", he', '\u2028', '0', 'x'.repeat(70_000)),
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !/[\0\r]/.test(value)),
);
const [edges, numbers] = [
  [
    '0',
    '-0',
    '1',
    '-9',
    '8191',
    '8192',
    '9007199254740991',
    '-9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '123456789012345',
  ],
  ['0', '-0', '0.0', '-0.0', '1e308', '-1e308', '1.7976931348623157e308', '5e-324', '1e400', '0.1', '1E2', '9007199254740993', '2.50'],
];
const DAYS = ['0001-01-01', '1582-10-15', '1969-12-31', '1970-01-01', '2012-02-29', '2013-02-28', '9999-12-31'];
const day = fc.oneof(
  fc.constantFrom(...DAYS),
  fc.date({ min: new Date(0), noInvalidDate: true }).map((date) => date.toISOString().slice(0, 10)),
);
const clock = fc.constantFrom('00:00:00', '23:59:59', '10:20:30.5', '10:20:30.000001', '10:20:30.123456789', '23:59:59.9999999');
const zone = fc.constantFrom('Z', '+00:00', '-00:00', '+05:30', '-0800', '+02', '-11', '+14:00', '-23:59', '+23:59');
const at = fc.tuple(day, clock, zone).map(([date, time, offset]) => `${date}T${time}${offset}`);
const none = <T>(some: fc.Arbitrary<T>) => fc.option(some, { freq: 6 });
const record = fc.record({
  text: none(text),
  needed: fc.oneof({ weight: 9, arbitrary: text.map((value) => `.${value}`) }, { weight: 1, arbitrary: text }),
  whole: none(fc.oneof(fc.constantFrom(...edges), fc.maxSafeInteger().map(String))),
  real: none(
    fc.oneof(
      fc.constantFrom(...numbers),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    ),
  ),
  flag: none(fc.constantFrom('true', 'false')),
  day: none(day),
  at: none(at),
});
type Row = typeof record extends fc.Arbitrary<infer T> ? T : never;

const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const BARE = ['whole', 'real', 'flag'];
/** A file of these records; columns of a CSV one are not in the contract's order, and null is no value in every way that there is. */
const FILE = {
  csv: (rows: Row[]) => {
    const names = ['at', 'needed', 'text', 'whole', 'real', 'flag', 'day'] as const;
    return [names, ...rows.map((row, i) => names.map((name) => quoted(row[name] ?? ['', 'NA'][i % 2])))].join('\n');
  },
  jsonl: (rows: Row[]) =>
    rows
      .map((row) =>
        Object.entries(row).map(([name, value]) => `"${name}":${value !== null && BARE.includes(name) ? value : JSON.stringify(value)}`),
      )
      .map((members, i) => `{${members.filter((member) => i % 2 === 0 || !member.endsWith(':null')).join(',')}}\n`)
      .join(''),
};

/** Takes the same file in twice, as Parquet and as it is, and leaves both where the reader finds them. */
async function takeIn(folder: string, name: string, contract: CompiledContract, file: string): Promise<void> {
  const output = async (validatedFormat: 'parquet' | 'as-received') => {
    const world = new World(contract);
    const object = world.send(`types/${name}`, file);
    await world.attempt(object, { validatedFormat });
    const { state, validated, counts } = world.row(object);
    return { state, counts, rows: validated!.rows, bytes: world.s3.read(BUCKETS.validated, validated!.key, validated!.versionId) };
  };
  const [parquet, received] = [await output('parquet'), await output('as-received')];
  expect({ ...parquet, bytes: 0 }).toEqual({ ...received, bytes: 0 });
  writeFileSync(join(folder, `${name}.parquet`), parquet.bytes);
  writeFileSync(join(folder, `${name}.${contract.format}`), gunzipSync(received.bytes));
}

function differences(folder: string, contract: CompiledContract): { problems: string[]; rows: number; groups: number } {
  writeFileSync(join(folder, 'contract.json'), JSON.stringify(contract));
  const { stdout, stderr } = spawnSync(VENV_PYTHON, [join(__dirname, 'parquet_values.py'), folder], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { problems: string[]; rows: number; groups: number };
}

describe.each(['csv', 'jsonl'] as const)('records of %s that are written as Parquet [D3]', (format) => {
  const contract = contractFor(format);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'parquet-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  test('have, for another reader, the types of the contract and the values of the same records as they were received', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 40, size: 'max' }), (rows) =>
        takeIn(folder, String(++number), contract, FILE[format](rows)),
      ),
      { numRuns: runs(60), endOnFailure: true },
    );
    const { problems, rows } = differences(folder, contract);
    expect(problems).toEqual([]);
    expect(rows).toBeGreaterThanOrEqual(seenAtLeast(150, 60));
  });

  test('may be none', async () => {
    await takeIn(folder, 'none', contract, FILE[format]([]));
    expect(differences(folder, contract)).toEqual({ problems: [], rows: 0, groups: 0 });
  });

  test('are in several row groups when they are many or long', async () => {
    const row: Row = { text: null, needed: '', whole: '-1', real: '-0', flag: 'true', day: '2013-02-28', at: '2013-02-28T10:00:00+01:00' };
    const many = Array.from({ length: 80_000 }, (_, i) => ({
      ...{ ...row, needed: `n${i % 977}`, text: i % 3 === 0 ? null : `t${i}` },
      ...{ whole: String(i), real: ['0', '-0', '1.5', '-0.0'][i % 4] },
    }));
    await takeIn(folder, 'many', contract, FILE[format](many));
    expect(differences(folder, contract)).toEqual({ problems: [], rows: many.length, groups: 2 });
    const long = Array.from({ length: 40 }, (_, i) => ({ ...row, needed: `${i}`.repeat(450_000) }));
    await takeIn(folder, 'many', contract, FILE[format](long));
    expect(differences(folder, contract)).toMatchObject({ problems: [], rows: long.length, groups: 2 });
  });

  test('are in several pages when they are many or long, with values that repeat and values that do not', async () => {
    const one = { ...contract, columns: [column('text', 'string'), column('needed', 'string', { required: true })] };
    const rows = (texts: (i: number) => [string, string], count: number) =>
      Array.from({ length: count }, (_, i) => texts(i)).map(([text, needed]) =>
        format === 'csv' ? `${needed},${text}` : JSON.stringify({ text, needed }),
      );
    const file = (lines: string[]) => (format === 'csv' ? ['needed,text', ...lines] : lines).join('\n');
    const few = rows((i) => [i % 1000 < 500 ? '' : `t${i % 5}`, `n${(i * 7919) % 300}`], 300_000);
    await takeIn(folder, 'few', one, file(few));
    expect(differences(folder, one)).toEqual({ problems: [], rows: few.length, groups: 2 });
    const different = rows((i) => [`${i}`.padEnd(i % 200, '€'), `${'\u{10ffff}'.repeat(i % 40)}${i}`], 30_000);
    await takeIn(folder, 'few', one, file(different));
    expect(differences(folder, one)).toEqual({ problems: [], rows: different.length, groups: 1 });
  });
});
