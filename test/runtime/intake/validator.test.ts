import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MAXIMUM_RECORD_BYTES } from '../../../lib/constructs/data/data-intake/contract';
import { Validator } from '../../../runtime/intake/validator';
import { column, HEADER, ORDERS, row } from './contracts';
import { judge } from './judged';

const file = (...lines: (string | Buffer)[]) =>
  Buffer.concat([HEADER, ...lines].flatMap((line) => [Buffer.from(line as string), Buffer.from('\n')]));
const rulesOf = (...lines: (string | Buffer)[]) =>
  judge(ORDERS, file(...lines)).quarantine.map(({ rule, column: of }) => [rule, of].join(' ').trim());
const verdict = (over: Record<string, string>) => rulesOf(row(1, over))[0] ?? 'valid';

describe('a verdict that is remembered', () => {
  const PATTERNED = { ...ORDERS, columns: [column('code', 'string', { pattern: '^a*$' })], primaryKey: [] };
  const places = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((length) => Array.from({ length }, (_, place) => [length, place]));

  test.each(places)('on a value of %d characters holds for no other that differs in character %d', (length, place) => {
    const good = 'a'.repeat(length);
    const bad = `${good.slice(0, place)}z${good.slice(place + 1)}`;
    const { valid, quarantine } = judge(PATTERNED, `code\n${[good, bad, good, bad].join('\n')}\n`);
    expect([valid, quarantine.map(({ record }) => record)]).toEqual([
      [good, good],
      [2, 4],
    ]);
  });

  test('on a value holds for none whose bytes could be taken for its length', () => {
    const { quarantine } = judge(PATTERNED, `code\n${['a'.repeat(7), `aaaa\x07aaa`, 'a'.repeat(7)].join('\n')}\n`);
    expect(quarantine.map(({ record }) => record)).toEqual([2]);
  });

  test('on a value holds for none that is longer or shorter', () => {
    const exactly = { ...PATTERNED, columns: [column('code', 'string', { allowed: ['aaaa'] })] };
    const { quarantine } = judge(exactly, `code\n${['aaaa', 'aaa', 'aaaaa', 'aaaa', 'aaaaaaaa'].join('\n')}\n`);
    expect(quarantine.map(({ record }) => record)).toEqual([2, 3, 5]);
  });
});

describe('a CSV file [D3]', () => {
  test('may have its columns in any order; what is accepted has the order of the contract', () => {
    const turned = HEADER.split(',').reverse().join(',');
    const { valid, counts } = judge(ORDERS, `${turned}\nDE,true,2013-02-28T10:00:00Z,2013-02-28,1.5,"A ""b"", c",7\n`);
    expect(counts).toMatchObject({ read: 1, valid: 1 });
    expect(valid).toEqual(['7,"A ""b"", c",1.5,2013-02-28,2013-02-28T10:00:00Z,true,DE']);
  });

  test('whose fields hold no newlines loses no more than the records with an open quote', () => {
    const contract = { ...ORDERS, newlinesQuoted: false };
    const lines = [row(1, { name: '"Ann' }), row(2), row(3, { name: '"a, b"' }), row(4, { name: '"' })];
    const { rejected, valid, quarantine } = judge(contract, file(...lines));
    expect([rejected, valid]).toEqual([undefined, [lines[1], lines[2]]]);
    expect(quarantine.map(({ record, rule }) => [record, rule])).toEqual([
      [1, 'quoting'],
      [4, 'quoting'],
    ]);
  });

  test('keeps its accepted records byte for byte', () => {
    const lines = [row(1, { name: '"a, b"' }), row(2, { name: 'NA' }), row(3, { name: 'äé' })];
    expect(judge(ORDERS, file(...lines)).valid).toEqual(lines);
  });

  test('fails with a short reason, not comparing each with each, when its header has 150,000 unknown columns', () => {
    const before = process.cpuUsage();
    const names = Array.from({ length: 150_000 }, (_, i) => i.toString(36)).join(',');
    const { rejected } = judge(ORDERS, `${names}\n`);
    expect(rejected!.length).toBeLessThan(1000);
    expect(rejected).toMatch(
      /^the header does not fit the contract: unknown: "0", "1", .* and 149987 more; not there, which is allowed: "name", .*$/,
    );
    // Compared one by one they would take minutes of the processor; the clock would count what else the machine does.
    expect(process.cpuUsage(before).user).toBeLessThan(20_000_000);
  });

  test('ends with a record like any other when its last newline is missing', () => {
    expect(judge(ORDERS, `${HEADER}\n${row(1)}\n${row(2)}`).counts).toMatchObject({ read: 2, valid: 2 });
    const cut = judge(ORDERS, `${HEADER}\n${row(1)}\n${row(2).slice(0, -4)}`);
    expect(cut.quarantine).toMatchObject([{ record: 2, rule: 'column count' }]);
    expect(judge(ORDERS, `${HEADER}\n${row(1)}\r`).counts).toMatchObject({ read: 1, valid: 1 });
  });

  test('loses only the record that is too long; the next one is read', () => {
    const [fits, tooLong] = [MAXIMUM_RECORD_BYTES, MAXIMUM_RECORD_BYTES + 1].map((length) => 'x'.repeat(length));
    const { quarantine, counts } = judge(ORDERS, file(fits, tooLong, row(1)));
    expect(quarantine).toMatchObject([
      { record: 1, rule: 'column count', length: MAXIMUM_RECORD_BYTES },
      { record: 2, rule: 'too long', length: MAXIMUM_RECORD_BYTES + 1 },
    ]);
    expect(counts).toMatchObject({ read: 3, valid: 1 });
  });

  test('says of each quarantined record where its bytes are, and nothing of its values', () => {
    const bytes = Buffer.from(`\ufeff${HEADER}\r\n\r\n${row(1)}\r\n${row('secret')}\r\n`);
    const [found] = judge(ORDERS, bytes).quarantine;
    expect(found).toEqual({
      record: 2,
      offset: bytes.indexOf('secret'),
      length: row('secret').length,
      rule: 'type',
      column: 'id',
      reason: 'not a integer (6 characters)',
    });
    expect(bytes.subarray(found.offset, found.offset + found.length).toString()).toBe(row('secret'));
  });

  test('counts a record once, under the first rule that it breaks', () => {
    const { counts } = judge(ORDERS, file(row(1), row('x', { day: 'y' }), row(1), row(2, { day: 'y' })));
    expect(counts).toEqual({ read: 4, valid: 1, quarantined: 3, byRule: { type: 2, 'duplicate key': 1 } });
  });
});

describe('a value [D3]', () => {
  test.each([
    ['id', ['1', '1000'], ['007', '+1', '1.0', '1e2', ' 1', '1 ', '0x1', 'NaN', '١', '99999999999999999999']],
    [
      'amount',
      ['0', '-0', '-0.5', '1e3', '1E-3', '1e-400'],
      ['1e400', '-1e400', 'NaN', 'Infinity', '007', '.5', '1.', '+1', '1,5', '1_000', '0x10', '--1'],
    ],
    [
      'day',
      ['2012-02-29', '2000-02-29', '0001-01-01', '9999-12-31'],
      [
        '2013-02-29',
        '1900-02-29',
        '2013-13-01',
        '2013-00-10',
        '2013-04-31',
        '2013-01-00',
        '0000-01-01',
        '2013-1-1',
        '13-01-01',
        '2013-01-01T00:00:00Z',
        '20130101',
      ],
    ],
    [
      'at',
      ['2013-01-01T00:00:00Z', '2013-12-31T23:59:59.123456+05:30', '2013-12-31T23:59:59-0800', '2013-12-31T23:59:59+02'],
      [
        '2013-01-01T24:00:00Z',
        '2013-01-01T00:60:00Z',
        '2013-01-01T00:00:60Z',
        '2013-02-30T00:00:00Z',
        '2013-01-01T00:00:00',
        '2013-01-01 00:00:00Z',
        '2013-01-01',
        '2013-01-01T00:00:00+24:00',
      ],
    ],
    ['paid', ['true', 'false'], ['True', '1', 'yes', 'TRUE']],
  ])('of %s has one of the documented forms [meaning 4, 5, 9]', (name, good, bad) => {
    const quoted = (text: string) => (text.includes(',') ? `"${text}"` : text);
    expect(good.map((text) => [text, verdict({ [name]: quoted(text) })])).toEqual(good.map((text) => [text, 'valid']));
    expect(bad.map((text) => [text, verdict({ [name]: quoted(text) })])).toEqual(bad.map((text) => [text, `type ${name}`]));
  });

  test.each([
    ['id', '0', 'range'],
    ['id', '1001', 'range'],
    ['amount', '-1000000001', 'range'],
    ['name', 'A'.repeat(13), 'length'],
    ['name', 'x1', 'pattern'],
    ['country', 'IT', 'allowed'],
    ['country', 'de', 'allowed'],
  ])('%s %s is outside the rule', (name, text, rule) => {
    expect(verdict({ [name]: text })).toBe(`${rule} ${name}`);
  });

  test('counts its length in characters, not in UTF-16 units [meaning 8]', () => {
    const contract = { ...ORDERS, columns: [column('id', 'integer'), column('name', 'string', { minLength: 2, maxLength: 2 })] };
    expect(judge(contract, 'id,name\n1,😀😀\n2,😀\n').counts).toMatchObject({ valid: 1, byRule: { length: 1 } });
  });

  test('is none when it is empty or a null token, quoted or not, and only those [meaning 2, 3]', () => {
    expect(['', 'NA', '"NA"', '""'].map((text) => verdict({ amount: text }))).toEqual(['valid', 'valid', 'valid', 'valid']);
    expect(['', 'NA', '"NA"', '""'].map((text) => verdict({ id: text }))).toEqual(Array(4).fill('required id'));
    expect(['na', 'null', 'N/A'].map((text) => verdict({ amount: text }))).toEqual(Array(3).fill('type amount'));
  });

  test('of a pattern column is judged the same however often it comes', () => {
    const lines = Array.from({ length: 900 }, (_, i) => row(i + 1, { name: i % 3 === 0 ? 'x1' : 'Ann' }));
    expect(judge(ORDERS, file(...lines)).counts).toMatchObject({ valid: 600, byRule: { pattern: 300 } });
  });

  test('of a column is not taken for another one that looks alike', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');
    const codes = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => `CODE${a}${b}${c}`)));
    const contract = { ...ORDERS, columns: [column('code', 'string', { pattern: '^CODE[A-M].[N-Z]$' })], primaryKey: [] };
    const { valid } = judge(contract, ['code', ...codes, ...codes].join('\n'));
    const good = codes.filter((code) => code[4] <= 'M' && code[6] >= 'N');
    expect(valid).toEqual([...good, ...good]);
  });

  test('of a pattern column keeps no record in memory', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const contract = { ...ORDERS, columns: [column('a', 'string', { pattern: 'x' }), column('b', 'string')], primaryKey: [] };
    const validator = new Validator(contract, { valid: () => undefined, quarantine: () => undefined }, tmpdir());
    const filler = 'y'.repeat(200_000);
    validator.feed(Buffer.from('a,b\n'));
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 500; i++) {
      validator.feed(Buffer.from(`x-and-a-long-value-${i},${filler}\n`));
    }
    gc();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6);
    expect(validator.finish().valid).toBe(500);
  });
});

describe('the primary key [D3, D4]', () => {
  test('is unique among the accepted records of a file: the first wins, later ones cite it [meaning 28]', () => {
    const { valid, quarantine } = judge(ORDERS, file(row(5, { day: 'x' }), row(5), row(6), row(5, { name: 'Bob' })));
    expect(valid).toEqual([row(5), row(6)]);
    expect(quarantine).toMatchObject([
      { record: 1, rule: 'type' },
      { record: 4, rule: 'duplicate key', reason: 'record 2 has the same primary key' },
    ]);
  });

  test('is one key however its number is spelt', () => {
    const contract = { ...ORDERS, columns: [column('k', 'number'), column('s', 'string')], primaryKey: ['k', 's'] };
    const { quarantine } = judge(contract, 'k,s\n1,a\n1.0,a\n1e0,a\n0,b\n-0,b\n1,"a"\n10e-1,c\n');
    expect(quarantine.map(({ record }) => record)).toEqual([2, 3, 5, 6]);
  });

  test('does not run into its neighbour', () => {
    const contract = { ...ORDERS, columns: [column('a', 'string'), column('b', 'string')], primaryKey: ['a', 'b'] };
    expect(judge(contract, 'a,b\nx,yz\nxy,z\n1:x,y\n1,:xy\n').counts.valid).toBe(4);
    const json = { ...contract, format: 'jsonl' as const };
    expect(judge(json, '{"a":"x\\u0001","b":"y"}\n{"a":"x","b":"\\u0001y"}\n').counts.valid).toBe(2);
  });

  test('is not asked for when the contract names none', () => {
    expect(judge({ ...ORDERS, primaryKey: [] }, file(row(1), row(1))).counts.valid).toBe(2);
  });
});

describe('a JSON Lines file [D3]', () => {
  const JSONL = { ...ORDERS, format: 'jsonl' as const };
  test('keeps its accepted records byte for byte; its keys may come in any order or be missing', () => {
    const lines = [
      '{"id":1,"paid":true}',
      '{ "amount": 1.5e3, "id": 2, "name": null }',
      '{"id":3,"day":"2013-02-28","at":"2013-02-28T10:00:00Z"}',
    ];
    expect(judge(JSONL, lines.join('\r\n')).valid).toEqual(lines);
  });

  test('does not take a method of every object for a value', () => {
    const contract = { ...JSONL, columns: [column('toString', 'string', { required: true })], primaryKey: [] };
    expect(judge(contract, '{}\n').counts.byRule).toEqual({ required: 1 });
  });
});
