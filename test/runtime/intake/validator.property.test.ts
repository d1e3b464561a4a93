import fc from 'fast-check';
import { column, HEADER, ORDERS, row } from './contracts';
import { judge } from './judged';
import { judgeNaively } from './naive';
import { runs, seenAtLeast } from '../../support/property-runs';

const token = fc.constantFrom(
  ...[
    '',
    'NA',
    '1',
    '2',
    '007',
    '-0',
    '1.5',
    '1e400',
    'NaN',
    'true',
    'DE',
    'Ann',
    'äé',
    '2013-02-29',
    '2012-02-29',
    '2013-02-28T10:00:00Z',
  ],
  ...['"', '""', '"a,b"', '"x\ny"', '"a""b"', '\r', 'a"b', '\0', '😀', 'A'.repeat(13)],
);
const field = (good: string) => fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: token });
const line = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        id: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -1, max: 12 }).map(String) }, { weight: 1, arbitrary: token }),
        name: field('Ann'),
        amount: field('1.5'),
        day: field('2013-02-28'),
        at: fc.oneof(...['Z', '+02', '-0530', '+05:30', '+24', '+0'].map((zone) => field(`2013-02-28T10:00:00${zone}`))),
        paid: field('true'),
        country: field('DE'),
      })
      .map(({ id, ...over }) => Buffer.from(row(id, over))),
  },
  { weight: 1, arbitrary: fc.array(token, { maxLength: 9 }).map((tokens) => Buffer.from(tokens.join(','))) },
  { weight: 1, arbitrary: fc.constantFrom(Buffer.from([0x31, 0xff, 0x2c]), Buffer.from(''), Buffer.from('\r')) },
);
const header = fc.oneof(
  { weight: 8, arbitrary: fc.constant(HEADER) },
  { weight: 1, arbitrary: fc.constantFrom(`${HEADER},id`, 'name', `"id"${HEADER.slice(2)}`) },
);
const ending = fc.constantFrom('\n', '\r\n');
const csv = fc
  .tuple(fc.boolean(), header, fc.array(fc.tuple(line, ending), { maxLength: 12, size: 'max' }), fc.boolean())
  .map(([mark, first, lines, cut]) => {
    const parts = lines.flatMap(([bytes, end]) => [bytes, Buffer.from(end)]);
    return Buffer.concat([Buffer.from(mark ? '\ufeff' : ''), Buffer.from(`${first}\n`), ...(cut ? parts.slice(0, -1) : parts)]);
  });

describe('any CSV file [D3, D4]', () => {
  test('is read = valid + quarantined, every ordinal once', () => {
    fc.assert(
      fc.property(csv, (file) => {
        const { rejected, counts, valid, quarantine } = judge(ORDERS, file);
        fc.pre(rejected === undefined);
        expect(counts.read).toBe(valid.length + quarantine.length);
        expect([counts.valid, counts.quarantined]).toEqual([valid.length, quarantine.length]);
        expect(Object.values(counts.byRule).reduce((sum, n) => sum + n, 0)).toBe(quarantine.length);
        const ordinals = quarantine.map(({ record }) => record);
        expect(new Set(ordinals).size).toBe(ordinals.length);
        expect(ordinals.every((ordinal) => ordinal >= 1 && ordinal <= counts.read)).toBe(true);
      }),
      { numRuns: runs(1500) },
    );
  });

  test('is judged the same however it is cut into chunks', () => {
    fc.assert(
      fc.property(csv, fc.array(fc.nat(2000), { maxLength: 6 }), (file, places) => {
        const cuts = [0, ...places.map((place) => place % (file.length + 1)).sort((a, b) => a - b), file.length];
        const chunks = cuts.slice(1).map((end, i) => file.subarray(cuts[i], end));
        expect(judge(ORDERS, ...chunks)).toEqual(judge(ORDERS, file));
      }),
      { numRuns: runs(1500) },
    );
  });

  test('is judged record by record as a second reading of the rules does', () => {
    let [records, rejections] = [0, 0];
    fc.assert(
      fc.property(csv, (file) => {
        const { rejected, valid, quarantine, counts } = judge(ORDERS, file);
        const naive = judgeNaively(file, ORDERS);
        expect(rejected !== undefined).toBe('rejected' in naive);
        if ('rejected' in naive) {
          rejections++;
          return;
        }
        records += naive.records.length;
        expect(counts.read).toBe(naive.records.length);
        const refused = naive.records.flatMap(({ offset, length, verdict }, i) =>
          typeof verdict === 'string' ? [{ record: i + 1, offset, length, rule: verdict }] : [],
        );
        expect(quarantine.map(({ record, offset, length, rule }) => ({ record, offset, length, rule }))).toEqual(refused);
        const accepted = naive.records.filter(({ verdict }) => typeof verdict !== 'string');
        expect(valid).toEqual(accepted.map(({ offset, length }) => file.subarray(offset, offset + length).toString()));
      }),
      { numRuns: runs(3000) },
    );
    expect(records).toBeGreaterThanOrEqual(seenAtLeast(5000, 3000));
    expect(rejections).toBeGreaterThanOrEqual(seenAtLeast(50, 3000));
  });

  test('with its columns in another order gives the same values', () => {
    const contract = { ...ORDERS, columns: [column('a', 'string'), column('b', 'string')], primaryKey: [] };
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', '\n', 'ä'), maxLength: 5 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        fc.pre(a !== '' || b !== '');
        const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
        const { valid } = judge(contract, `b,a\n${quoted(b)},${quoted(a)}\n`);
        const again = judgeNaively(Buffer.from(`a,b\n${valid[0]}\n`), contract);
        expect(again).toMatchObject({ records: [{ verdict: [a, b] }] });
      }),
    );
  });
});

describe('any JSON Lines file [D3]', () => {
  const JSONL = { ...ORDERS, format: 'jsonl' as const, columns: [column('id', 'integer'), column('name', 'string')] };
  const blank = fc.string({ unit: fc.constantFrom(' ', '\t', '\r'), maxLength: 2 });
  const name = fc.string({ unit: fc.constantFrom('a', ' ', '\r', '\u2028', 'ä', '"', '\\'), maxLength: 4 });
  const records = fc.array(fc.tuple(name, fc.array(blank, { minLength: 9, maxLength: 9 })), { minLength: 1, maxLength: 6 });

  test('has its accepted records as one line each, with the values that were sent, for readers that end a line at a CR too', () => {
    let returns = 0;
    fc.assert(
      fc.property(records, ending, (sent, end) => {
        const lines = sent.map(([text, blanks], id) => {
          const tokens = ['{', '"id"', ':', String(id), ',', '"name"', ':', JSON.stringify(text), '}'];
          return tokens.map((token, i) => blanks[i] + token).join('');
        });
        returns += lines.join('').includes('\r') ? 1 : 0;
        const { valid, counts } = judge(JSONL, lines.join(end));
        expect([counts.valid, counts.read]).toEqual([sent.length, sent.length]);
        expect(
          valid
            .join('\n')
            .split(/\r\n|\n|\r/)
            .map((line) => JSON.parse(line) as object),
        ).toEqual(sent.map(([text], id) => ({ id, name: text })));
        expect(valid.map((line) => line.length)).toEqual(lines.map((line) => line.length));
      }),
      { numRuns: runs(500) },
    );
    expect(returns).toBeGreaterThanOrEqual(seenAtLeast(100, 500));
  });
});
