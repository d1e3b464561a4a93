import fc from 'fast-check';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { ColumnStatistics } from '../../../lib/constructs/data/dataset-catalog/contract';
import { binOf, edgeOf } from '../../../runtime/dataset-builder/bins';
import { column } from '../intake/contracts';
import { World } from '../intake/world';
import { runs } from '../../support/property-runs';
import { builderOf } from './setting';

type Format = CompiledContract['format'];
const contractFor = (format: Format, primaryKey: string[] = []): CompiledContract => ({
  ...{ dataset: 'simple', version: '1.0.0', format, nullTokens: ['NA', ''], primaryKey },
  columns: [
    column('whole', 'integer'),
    column('real', 'number'),
    column('yes', 'boolean'),
    column('day', 'date'),
    column('at', 'timestamp'),
    column('text', 'string'),
  ],
});

interface Values {
  whole: number | null;
  real: number | null;
  yes: boolean | null;
  day: string | null;
  at: string | null;
  text: string | null;
}

const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { freq: 5 });
const record: fc.Arbitrary<Values> = fc.record({
  whole: maybe(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.maxSafeInteger())),
  real: maybe(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 5e-324, -5e-324, 1.5, 0.1))),
  yes: maybe(fc.boolean()),
  day: maybe(fc.constantFrom('2013-01-31', '0001-01-01', '9999-12-31', '2012-02-29')),
  at: maybe(fc.constantFrom('2013-01-31T23:00:00-01:00', '2013-02-01T00:30:00.5+01', '2013-06-01T12:00:00Z')),
  text: maybe(fc.constantFrom('UA', 'ä😀', 'a,b', 'say "hi"', 'two\nlines', 'x'.repeat(64), 'NA', ' ')),
});

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const NAMES = ['whole', 'real', 'yes', 'day', 'at', 'text'] as const;
const TEXT: Record<Format, (records: Values[]) => string> = {
  csv: (records) =>
    [NAMES.join(','), ...records.map((it) => NAMES.map((name) => quoted(it[name] === null ? 'NA' : String(it[name]))).join(',')), ''].join(
      '\n',
    ),
  jsonl: (records) => records.map((it) => `${JSON.stringify(it)}\n`).join(''),
};

async function statisticsFor(format: Format, files: Values[][], primaryKey?: string[]): Promise<ColumnStatistics[]> {
  const world = new World(contractFor(format, primaryKey));
  for (const [i, records] of files.entries()) {
    await world.attempt(world.send(`simple/${i}`, TEXT[format](records)));
    world.pass(1);
  }
  const { build, manifestOf, statisticsOf } = builderOf(world);
  const manifest = manifestOf(await build({ dataset: 'simple' }));
  const found = statisticsOf(manifest);
  expect(manifest.statistics!.rows).toBe(NAMES.length);
  expect(found.every(({ values, nulls }) => values + nulls === manifest.rows)).toBe(true);
  return found;
}

const tally = <T>(of: T[]) => [...new Set(of)].map((value): [T, number] => [value, of.filter((other) => other === value).length]);
/** The bound by arithmetic on the number and not on its bits. */
function boundOf(value: number): number {
  const size = Math.abs(value);
  if (size < 2 ** -1022) {
    return 0;
  }
  let power = Math.floor(Math.log2(size));
  power += size >= 2 ** (power + 1) ? 1 : size < 2 ** power ? -1 : 0;
  const bound = 2 ** power * (1 + Math.floor((size / 2 ** power - 1) * 8) / 8);
  return Math.sign(value) * bound;
}
const UTC: Record<string, string> = {
  '2013-01-31T23:00:00-01:00': '2013-02-01',
  '2013-02-01T00:30:00.5+01': '2013-01-31',
  '2013-06-01T12:00:00Z': '2013-06-01',
};

/** The same statistics with all records in memory. */
function naively(records: Values[]): object[] {
  const valuesOf = <T>(name: keyof Values) => records.map((it) => it[name]).filter((value) => value !== null && value !== 'NA') as T[];
  const numbers = (values: number[]) => ({
    minimum: values.reduce((a, b) => Math.min(a, b)) + 0,
    maximum: values.reduce((a, b) => Math.max(a, b)) + 0,
    histogram: tally(values.map((value) => boundOf(value) + 0)).sort(([a], [b]) => a - b),
  });
  const days = (values: string[]) => {
    const sorted = [...values].sort();
    return { first: sorted[0], last: sorted.at(-1), months: tally(sorted.map((day) => day.slice(0, 7))) };
  };
  const texts = (values: string[]) => {
    const lengths = values.map((text) => [...text].length);
    const categories = tally(values).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return { shortest: Math.min(...lengths), longest: Math.max(...lengths), categories };
  };
  const whole = valuesOf<number>('whole');
  const real = valuesOf<number>('real');
  const yes = valuesOf<boolean>('yes');
  const some = <T>(values: T[], of: (values: T[]) => object) => (values.length === 0 ? {} : of(values));
  const details = [
    some(whole, () => ({ ...numbers(whole), sum: String(whole.reduce((sum, value) => sum + BigInt(value), 0n)) })),
    some(real, numbers),
    { false: yes.filter((it) => !it).length, true: yes.filter((it) => it).length },
    some(valuesOf<string>('day'), days),
    some(
      valuesOf<string>('at').map((at) => UTC[at]),
      days,
    ),
    some(valuesOf<string>('text'), texts),
  ];
  const types = contractFor('csv').columns.map(({ type }) => type);
  return NAMES.map((name, i) => {
    const values = valuesOf(name).length;
    return { name, type: types[i], values, nulls: records.length - values, ...details[i] };
  });
}

describe.each(['csv', 'jsonl'] as const)('statistics of a dataset version, as %s [D7]', (format) => {
  test('are those of all its records in memory, bit for bit the same however they are divided into files', async () => {
    const files = fc.array(fc.array(record, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(files, async (sent) => {
        const distinct = sent.filter((records, i) => sent.findIndex((other) => TEXT[format](other) === TEXT[format](records)) === i);
        const all = distinct.flat();
        const found = await statisticsFor(format, sent);
        expect(found).toEqual(naively(all));
        expect(JSON.stringify(await statisticsFor(format, [[...all].reverse()]))).toBe(JSON.stringify(found));
      }),
      { numRuns: runs(60) },
    );
  });
});

describe('statistics [D7]', () => {
  const NOTHING: Values = { whole: null, real: null, yes: null, day: null, at: null, text: null };
  const textsOf = async (texts: string[]) => (await statisticsFor('csv', [texts.map((text) => ({ ...NOTHING, text }))])).at(-1)!;

  test('leave superseded records out', async () => {
    const old = [1, 2, 3].map((whole) => ({ ...NOTHING, whole, yes: true }));
    const [whole, , yes] = await statisticsFor('csv', [old, [{ ...NOTHING, whole: 2, yes: false }]], ['whole']);
    expect(whole).toMatchObject({ values: 3, minimum: 1, maximum: 3, sum: '6' });
    expect(yes).toMatchObject({ true: 2, false: 1 });
  });

  test('list up to 256 texts of up to 64 characters, and none of a column that has more or longer ones', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);
    expect((await textsOf([...many(256), 't7'])).categories).toHaveLength(256);
    expect(await textsOf(many(257))).toEqual({ name: 'text', type: 'string', values: 257, nulls: 0, shortest: 2, longest: 4 });
    expect((await textsOf(['ä'.repeat(64)])).categories).toHaveLength(1);
    expect((await textsOf(['ä'.repeat(65), 'b'])).categories).toBeUndefined();
  });

  test('say of columns with personal data how many values they have, and nothing of the values', async () => {
    const person = { whole: 41, real: 1.5, yes: true, day: '1980-02-29', at: '2013-06-01T12:00:00Z', text: 'Ada' };
    const statisticsWith = async (personalData: string[]) => {
      const world = new World(contractFor('jsonl'));
      await world.attempt(world.send('simple/a', TEXT.jsonl([person, NOTHING, { ...NOTHING, text: 'NA', whole: 5 }])));
      const { build, manifestOf, statisticsOf } = builderOf(world, [], undefined, undefined, { personalData });
      return statisticsOf(manifestOf(await build({ dataset: 'simple' })));
    };
    const plain = await statisticsWith([]);
    const counts = ({ name, type, values, nulls }: ColumnStatistics) => ({ name, type, values, nulls });
    expect(plain.every((column) => Object.keys(column).length > 4)).toBe(true);
    expect(await statisticsWith([...NAMES])).toEqual(plain.map(counts));
    expect(await statisticsWith(['text'])).toEqual([...plain.slice(0, -1), counts(plain.at(-1)!)]);
  });

  test('sum whole numbers beyond what a number holds exactly', async () => {
    const large = [...Array<number>(9).fill(Number.MAX_SAFE_INTEGER), 1, -3].map((whole) => ({ ...NOTHING, whole }));
    expect((await statisticsFor('csv', [large]))[0].sum).toBe(String(9n * BigInt(Number.MAX_SAFE_INTEGER) - 2n));
  });

  test('count values that the column of a newer contract does not have apart, and a column that is not there as empty', async () => {
    const world = new World({ ...contractFor('csv'), columns: [column('whole', 'string'), column('text', 'string')] });
    await world.attempt(world.send('simple/a', 'whole,text\n1,a\nx,b\nNA,c\n'));
    const { build, manifestOf, statisticsOf } = builderOf(Object.assign(Object.create(world) as World, { contract: contractFor('csv') }));
    const found = statisticsOf(manifestOf(await build({ dataset: 'simple' })));
    expect(found[0]).toMatchObject({ values: 2, nulls: 1, unreadable: 1, minimum: 1, maximum: 1, sum: '1' });
    expect(found[1]).toEqual({ name: 'real', type: 'number', values: 0, nulls: 3 });
  });
});

describe('the bins of numbers', () => {
  test('hold what lies from their bound to an eighth above it, and order numbers as they are', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(edgeOf(binOf(a)) + 0).toBe(boundOf(a) + 0);
        expect(edgeOf(binOf(low))).toBeLessThanOrEqual(edgeOf(binOf(high)));
      }),
      { numRuns: runs(2000) },
    );
    expect([1, 15, 16, 17, 18, 100, -100, 0.1].map((value) => edgeOf(binOf(value)))).toEqual([1, 15, 16, 16, 18, 96, -96, 0.09375]);
  });
});
