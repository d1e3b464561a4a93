import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column, HEADER, ORDERS } from './contracts';
import { judge } from './judged';
import { judgeNaively } from './naive';
import { BUCKETS, World } from './world';

const NAMES = HEADER.split(',');
/** Beside the rules of records, some that count what has no value, so that the file as a whole is judged by it. */
const COUNTED: CompiledContract = {
  ...ORDERS,
  fileRules: [
    { path: 'nulls', metric: 'nullValues', columns: ['amount'], unit: 'percent', operator: 'mustBeLessThan', limits: [70] },
    { path: 'missing', metric: 'missingValues', columns: ['name'], missing: ['Bob'], unit: 'rows', operator: 'mustNotBe', limits: [3] },
    {
      path: 'invalid',
      metric: 'invalidValues',
      columns: ['country'],
      allowed: ['DE'],
      unit: 'rows',
      operator: 'mustBeLessThan',
      limits: [3],
    },
    { path: 'twice', metric: 'duplicateValues', columns: ['day', 'paid'], unit: 'rows', operator: 'mustNotBe', limits: [4] },
  ],
};

const field = (good: string[], bad: string[]) =>
  fc.oneof({ weight: 14, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });
const ODD = ['x', '"open', 'a"b', '"a" b', '\0', 'a\rb', '007'];
const values: Record<string, fc.Arbitrary<string>> = {
  id: field(['1', '2', '3', '4', '5', '6', '7', '8'], ['""', 'NA', ...ODD]),
  name: field(['Ann', 'Bob', '"a, b"', '"x\ny"', '"a""b"', 'äé', '', 'NA'], ['A'.repeat(13), ...ODD]),
  amount: field(['1.5', '', '-0', '1e3'], ['1e400', ...ODD]),
  day: field(['2013-02-28', '2012-02-29', ''], ['2013-02-29', ...ODD]),
  at: field(['2013-02-28T10:00:00Z', ''], ODD),
  paid: field(['true', 'false', ''], ODD),
  country: field(['DE', 'FR', ''], ['IT', ...ODD]),
};
const record = fc.record({
  values: fc.record(values),
  layout: fc.oneof(
    { weight: 14, arbitrary: fc.constant('as the header') },
    { weight: 1, arbitrary: fc.constantFrom('one more', 'one less') },
  ),
});
const drawn = fc.record({
  names: fc.oneof(
    { weight: 1, arbitrary: fc.constant(NAMES) },
    { weight: 1, arbitrary: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }) },
  ),
  out: fc.subarray(NAMES.slice(1), { minLength: 1 }),
  records: fc.array(record, { maxLength: 12, size: 'max' }),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

/** The file in which the columns of `out` are there and empty, and the one that lacks them. */
function filesOf({ names, out, records }: Drawn): { full: Buffer; short: Buffer } {
  const kept = names.filter((name) => !out.includes(name));
  const fileOf = (columns: string[]) => {
    const lines = records.map(({ values: given, layout }) => {
      // The same field is missing of both.
      const there = columns.filter((name) => layout !== 'one less' || kept.length < 3 || name !== kept[0]);
      const fields = there.map((name) => (out.includes(name) ? '' : given[name]));
      return (layout === 'one more' ? [...fields, 'x'] : fields).join(',');
    });
    return Buffer.from([columns.join(','), ...lines, ''].join('\n'));
  };
  return { full: fileOf(names), short: fileOf(kept) };
}

/** Verdicts without places in the file and numbers of fields, which are others when columns are left out. */
const verdicts = (file: Buffer, contract: CompiledContract) => {
  const { rejected, counts, valid, quarantine } = judge(contract, file);
  const refused = quarantine.map(({ record: number, rule, column: of }) => ({ number, rule, of }));
  const parsed = judgeNaively(Buffer.from([HEADER, ...valid, ''].join('\n')), { ...contract, primaryKey: [] });
  const texts = 'records' in parsed ? parsed.records.map(({ verdict }) => verdict) : [];
  return { rejected: rejected?.replace(/at byte \d+/, 'at byte'), counts, refused, texts };
};

describe('columns that need no value and that a file of CSV lacks [D2, D3, meaning 33]', () => {
  test('are as good as there and empty: each record has its verdict, its values and its counts, and the file is judged alike', () => {
    const seen = { valid: 0, quarantined: 0, rejected: 0, contractsOrder: 0 };
    fc.assert(
      fc.property(drawn, (given) => {
        const { full, short } = filesOf(given);
        const found = verdicts(short, COUNTED);
        expect(found).toEqual(verdicts(full, COUNTED));
        expect(found.texts).toHaveLength(found.counts.valid);
        seen.valid += found.counts.valid;
        seen.quarantined += found.counts.quarantined;
        seen.rejected += found.rejected?.startsWith('the file breaks its contract') === true ? 1 : 0;
        seen.contractsOrder += given.names === NAMES ? 1 : 0;
      }),
      { numRuns: runs(1500) },
    );
    expect(seen.valid).toBeGreaterThanOrEqual(seenAtLeast(1500, 1500));
    expect(seen.quarantined).toBeGreaterThanOrEqual(seenAtLeast(1500, 1500));
    expect(Math.min(seen.rejected, seen.contractsOrder)).toBeGreaterThanOrEqual(seenAtLeast(100, 1500));
  });

  test('give what a second reading of the rules finds, record by record, with the places of the bytes in quarantine', () => {
    let records = 0;
    fc.assert(
      fc.property(drawn, (given) => {
        const { short } = filesOf(given);
        const { rejected, valid, quarantine } = judge(ORDERS, short);
        const naive = judgeNaively(short, ORDERS);
        expect(rejected !== undefined).toBe('rejected' in naive);
        if ('rejected' in naive) {
          return;
        }
        records += naive.records.length;
        const refused = naive.records.flatMap(({ offset, length, verdict }, i) =>
          typeof verdict === 'string' ? [{ record: i + 1, offset, length, rule: verdict }] : [],
        );
        expect(quarantine.map(({ record: number, offset, length, rule }) => ({ record: number, offset, length, rule }))).toEqual(refused);
        const written = judgeNaively(Buffer.from([HEADER, ...valid, ''].join('\n')), ORDERS);
        const accepted = naive.records.map(({ verdict }) => verdict).filter((verdict) => typeof verdict !== 'string');
        expect('records' in written && written.records.map(({ verdict }) => verdict)).toEqual(accepted);
      }),
      { numRuns: runs(1500) },
    );
    expect(records).toBeGreaterThanOrEqual(seenAtLeast(5000, 1500));
  });

  test('give the same Parquet, byte for byte', async () => {
    let accounted = 0;
    await fc.assert(
      fc.asyncProperty(drawn, async (given) => {
        const { full, short } = filesOf(given);
        const outputs = [];
        for (const file of [full, short]) {
          const world = new World(ORDERS, 'parquet');
          const object = world.send('orders/a.csv', file);
          await world.attempt(object);
          const { state, validated } = world.row(object);
          outputs.push([state, validated && world.s3.read(BUCKETS.validated, validated.key, validated.versionId).toString('base64')]);
        }
        expect(outputs[1]).toEqual(outputs[0]);
        accounted += outputs[0][0] === 'accounted' ? 1 : 0;
      }),
      { numRuns: runs(150) },
    );
    expect(accounted).toBeGreaterThanOrEqual(seenAtLeast(75, 150));
  });

  test('stay empty in the record behind one that has more fields than the header', () => {
    const contract = { ...ORDERS, columns: [column('id', 'integer', { required: true }), column('name', 'string'), column('day', 'date')] };
    const { valid, quarantine } = judge(contract, 'id,name\n1,Ann,2013-02-28,x,y\n2,Bob\n3,Cid,2013-02-28\n4,\n');
    expect(valid).toEqual(['2,Bob,', '4,,']);
    expect(quarantine.map(({ record: number, reason }) => [number, reason])).toEqual([
      [1, '5 fields, not 2'],
      [3, '3 fields, not 2'],
    ]);
  });

  test('leave a record whose one field is empty a record only when it is quoted: a blank line is none', () => {
    const contract = { ...ORDERS, columns: [column('name', 'string'), column('day', 'date')], primaryKey: [] };
    const { counts, valid } = judge(contract, 'name\n""\n\nAnn\n');
    expect([counts.read, valid]).toEqual([2, [',', 'Ann,']]);
  });
});
