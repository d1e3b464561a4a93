import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES } from '../../../lib/constructs/data/data-intake/contract';
import type { LongLines } from './long-lines';
import { HEADER, ORDERS, row } from './contracts';
import { Quarantined } from './judged';
import { BUCKETS, World } from './world';

const JSONL: CompiledContract = { ...ORDERS, format: 'jsonl' };
/** How a sender may pack the same bytes. */
const PACKED: Record<string, (bytes: Buffer) => Buffer> = {
  plain: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  'gzip in two members': (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 30)), gzipSync(bytes.subarray(30))]),
};
type Content = string | Buffer;
type Reason = string | RegExp;
const openIn = (where: string) =>
  `a quoted field is still open at the end of the file, in ${where}: end it with a quote before its comma or line end, and double each quote inside it`;
const damaged = (found = '.+') =>
  new RegExp(`^the gzip data is cut or damaged: ${found}: compress it again, see that gzip -t accepts it, and send it whole$`);

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf16 = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
const bytesOf = (...contents: Content[]) => Buffer.concat(contents.map((content) => Buffer.from(content as string)));

/** What became of a file: its row, and its outputs as anybody reads them. */
async function send(contract: CompiledContract, packed: Buffer) {
  const world = new World(contract);
  const object = world.send(`orders/a.${contract.format}`, packed);
  const { outcome } = await world.attempt(object);
  const found = world.row(object);
  const read = (bucket: string, output = found.validated) =>
    output === undefined ? '' : gunzipSync(world.s3.read(bucket, output.key, output.versionId)).toString();
  const refused = read(BUCKETS.quarantine, found.quarantine).split('\n').filter(Boolean);
  const quarantine = refused.map((line) => JSON.parse(line) as Quarantined);
  return { world, outcome, found, validated: read(BUCKETS.validated), quarantine };
}

const EMPTY = /^the file is empty: there is no header, .*: send it with a header in its first line, its columns: "id", "name", /;
const unreadable = (start: string) => new RegExp(`^the header cannot be read: ${start}`);

/** The file as a whole: a reason, its bytes, and neither counts nor outputs. */
async function expectRejected(contract: CompiledContract, packed: Buffer, reason: Reason): Promise<void> {
  const { world, outcome, found } = await send(contract, packed);
  expect([outcome, found.state]).toEqual(['rejected', 'rejected']);
  expect(found.reason).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
  expect(found).toMatchObject({ contentBytes: packed.length, validator: 'test', contract: 'contract-1' });
  expect([found.validated, found.quarantine, found.counts]).toEqual([undefined, undefined, undefined]);
  expect(world.s3.versions.filter(({ bucket }) => bucket !== BUCKETS.raw)).toEqual([]);
}

/** Exactly these records valid, byte for byte, and exactly that one in quarantine, with the place of its bytes. */
async function expectOneRefused(contract: CompiledContract, before: string, bad: Content, after: string, rule: string): Promise<void> {
  const head = contract.format === 'csv' ? `${HEADER}\n` : '';
  const start = bytesOf(head, before, '\n');
  const file = bytesOf(start, bad, '\n', after, '\n');
  for (const pack of Object.values(PACKED)) {
    const { found, validated, quarantine } = await send(contract, pack(file));
    const [name, column] = rule.split(': ');
    expect(found.counts).toEqual({ read: 3, valid: 2, quarantined: 1, byRule: { [name]: 1 } });
    expect(validated).toBe(`${head}${before}\n${after}\n`);
    expect(quarantine).toEqual([
      { record: 2, offset: start.length, length: bytesOf(bad).length, rule: name, ...(column && { column }), reason: expect.any(String) },
    ]);
  }
}

describe.each(Object.entries(PACKED))('a file of CSV, %s, is rejected as a whole [D3]', (_, pack) => {
  const file = (...lines: string[]) => [HEADER, ...lines, ''].join('\n');
  test.each<[string, Content, Reason]>([
    ['is empty', '', EMPTY],
    ['has a byte order mark alone', '\ufeff', EMPTY],
    ['has blank lines alone', '\n\r\n\n', EMPTY],
    ['lacks a column that needs a value', `${HEADER.replace('id,', '')}\n`, 'the header does not fit the contract: missing: "id"'],
    ['has a column twice', `${HEADER},id\n`, 'the header does not fit the contract: twice: "id"'],
    ['has an unknown column', `${HEADER},extra\n`, 'the header does not fit the contract: unknown: "extra"'],
    [
      'misspells one that needs a value',
      `${HEADER.replace('id', 'ID')}\n`,
      'the header does not fit the contract: missing: "id"; unknown: "ID"',
    ],
    [
      'misspells one that may be left out',
      `${HEADER.replace('day', 'dya')}\n`,
      'the header does not fit the contract: unknown: "dya"; not there, which is allowed: "day"',
    ],
    [
      'has blanks in its header',
      `${HEADER.replace(',name', ', name')}\n`,
      'the header does not fit the contract: unknown: " name"; not there, which is allowed: "name"',
    ],
    [
      'has no header',
      `${row(1)}\n`,
      /^the header does not fit the contract: missing: "id"; unknown: "1", .*; not there, which is allowed: "name", /,
    ],
    [
      'has another separator',
      file(row(1)).replaceAll(',', ';'),
      /^the header does not fit the contract: missing: "id"; unknown: "id;name;/,
    ],
    [
      'has a broken header',
      `"id"x,${HEADER}\n`,
      unreadable('in field 1 a quote or a carriage return stands where RFC 4180 allows none: end each line with LF or CR LF'),
    ],
    ['misquotes the third name', `${HEADER.replace('amount', 'a"mount')}\n`, unreadable('in field 3 a quote or a carriage return')],
    [
      'has a header in Latin-1',
      latin1(`${HEADER},ä\n`),
      unreadable('it is not in UTF-8: send the file in UTF-8, with or without a byte order mark'),
    ],
    ['is in UTF-16', utf16(file(row(1))), unreadable('it is not in UTF-8: send')],
    ['has a NUL in its header', `${HEADER}\0\n`, unreadable('it has a NUL byte, as texts in UTF-16 have: send the file in UTF-8')],
    [
      'has a header over 1 MiB',
      `${'x'.repeat(MAXIMUM_RECORD_BYTES + 1)}\n`,
      unreadable('it is longer than 1048576 bytes: begin the file with a header'),
    ],
    [
      'ends its lines with CR alone',
      file(row(1), row(2)).replaceAll('\n', '\r'),
      unreadable('in field 7 a quote or a carriage return stands where RFC 4180 allows none: end each line with LF or CR LF'),
    ],
    [
      'has a quote open at its end',
      file(row(1), row(2, { name: '"open' })),
      openIn(`record 2, which begins at byte ${file(row(1)).length}`),
    ],
    ['has a quote open in its header', `"${file(row(1))}`, openIn('the header, which begins at byte 0')],
  ])('that %s', (__, bytes, reason) => expectRejected(ORDERS, pack(bytesOf(bytes)), reason));
});

describe.each([
  ['CSV', ORDERS, [HEADER, row(1), row(2), ''].join('\n')],
  ['JSON Lines', JSONL, '{"id":1}\n{"id":2}\n'],
] as const)('a gzip file of %s is rejected as a whole [D3]', (_, contract, text) => {
  const whole = gzipSync(text);
  const flip = (at: number) => Buffer.from(whole.map((byte, i) => (i === whole.length + at ? byte ^ 1 : byte)));
  test.each<[string, Buffer, Reason]>([
    ['is cut', whole.subarray(0, -9), damaged('unexpected end of file')],
    ['is cut in its header', whole.subarray(0, 2), damaged()],
    ['lacks its last byte', whole.subarray(0, -1), damaged('unexpected end of file')],
    ['is damaged', Buffer.concat([whole.subarray(0, 10), Buffer.alloc(80, 0xff)]), damaged()],
    ['has another check sum', flip(-8), damaged('incorrect data check')],
    ['has another length', flip(-4), damaged('incorrect length check')],
    ['has bytes behind its end', Buffer.concat([whole, Buffer.from('more')]), damaged()],
    ['is cut in its second member', Buffer.concat([whole, whole.subarray(0, -3)]), damaged('unexpected end of file')],
    [
      'hides data behind padding',
      Buffer.concat([whole, Buffer.alloc(10), whole]),
      /^the gzip data ends after \d+ of \d+ bytes: remove what follows it$/,
    ],
  ])('that %s', (__, bytes, reason) => expectRejected(contract, bytes, reason));
});

test('a file of CSV that was compressed twice is rejected: the inner gzip is no header [D3]', () =>
  expectRejected(
    ORDERS,
    gzipSync(gzipSync(`${HEADER}\n`)),
    /^the header cannot be read: it (is not in UTF-8|has a NUL byte).*: send the file in UTF-8, .* compressed once with gzip$/,
  ));

describe.each(Object.entries(PACKED))('a file that looks bad and is good, %s [D3]', (_, pack) => {
  const turned = HEADER.split(',').reverse().join(',');
  test.each<[string, string, string[]]>([
    ['has only a header', `${HEADER}\n`, []],
    ['has only a header without a newline', HEADER, []],
    ['has a byte order mark', `\ufeff${HEADER}\n${row(1)}\n`, [row(1)]],
    ['mixes line ends', `${HEADER}\r\n${row(1)}\n${row(2)}\r\n${row(3)}\n`, [row(1), row(2), row(3)]],
    ['ends without a newline', `${HEADER}\n${row(1)}\n${row(2)}`, [row(1), row(2)]],
    ['has blank lines', `\n${HEADER}\n\n${row(1)}\r\n\r\n`, [row(1)]],
    ['has its columns in another order', `${turned}\n${row(1).split(',').reverse().join(',')}\n`, [row(1)]],
    ['quotes its header', `"${HEADER.replaceAll(',', '","')}"\n${row(1)}\n`, [row(1)]],
    ['lacks columns that need no value', `day,id,paid\n2013-02-28,1,true\n,2,\n`, ['1,,,2013-02-28,,true,', '2,,,,,,']],
    ['has only the column that needs a value', `id\n1\n2`, ['1,,,,,,', '2,,,,,,']],
    ['lacks columns and has no records', 'id,day\n', []],
  ])('%s', async (__, text, records) => {
    const { found, validated, quarantine } = await send(ORDERS, pack(Buffer.from(text)));
    expect(found.counts).toEqual({ read: records.length, valid: records.length, quarantined: 0, byRule: {} });
    expect([validated, quarantine]).toEqual([[HEADER, ...records, ''].join('\n'), []]);
  });

  test.each<[string, string, string[]]>([
    ['of JSON Lines is empty', '', []],
    ['of JSON Lines has blank lines alone', '\n\r\n', []],
    ['of JSON Lines has a byte order mark', '\ufeff{"id":1}\n', ['{"id":1}']],
    ['of JSON Lines mixes line ends', '{"id":1}\r\n{"id":2}\n{"id":3}', ['{"id":1}', '{"id":2}', '{"id":3}']],
    ['of JSON Lines has a CR between its tokens', '{"id":1,\r"name"\r\r:"A"}\r\n', ['{"id":1, "name"  :"A"}']],
    ['of JSON Lines has its keys in any order', '{ "name" : "A, \\"" , "id":1 }\n', ['{ "name" : "A, \\"" , "id":1 }']],
  ])('%s', async (__, text, records) => {
    const { found, validated, quarantine } = await send(JSONL, pack(Buffer.from(text)));
    expect(found.counts).toEqual({ read: records.length, valid: records.length, quarantined: 0, byRule: {} });
    expect([validated, quarantine]).toEqual([records.map((record) => `${record}\n`).join(''), []]);
  });
});

describe('a record of CSV goes to quarantine, alone [D3]', () => {
  const one = (over: Record<string, string>) => row(2, over);
  test.each<[string, Content, string]>([
    ['a NUL byte', one({ name: 'A\0n' }), 'NUL byte'],
    ['invalid UTF-8', latin1(one({ name: 'é' })), 'invalid UTF-8'],
    ['half of a surrogate pair', bytesOf('2,', Buffer.from([0xed, 0xa0, 0x80]), ',,,,,'), 'invalid UTF-8'],
    ['an overlong form', bytesOf('2,', Buffer.from([0xc0, 0xaf]), ',,,,,'), 'invalid UTF-8'],
    ['a field less', '2,Ann', 'column count'],
    ['a field more', `${one({})},`, 'column count'],
    ['the next record behind a lone CR', `${row(2)}\r${row(3)}`, 'quoting'],
    ['a CR in a field', one({ name: 'a\rb' }), 'quoting'],
    ['text behind a quoted field', one({ name: '"a" b' }), 'quoting'],
    ['a quote in a bare field', one({ name: 'a "b"' }), 'quoting'],
    ['1e400', one({ amount: '1e400' }), 'type: amount'],
    ['NaN', one({ amount: 'NaN' }), 'type: amount'],
    ['Infinity', one({ amount: 'Infinity' }), 'type: amount'],
    ['-Infinity', one({ amount: '-Infinity' }), 'type: amount'],
    ['007', row('007'), 'type: id'],
    ['007 as a number', one({ amount: '007' }), 'type: amount'],
    ['1.0 as an integer', row('1.0'), 'type: id'],
    ['no integer of 64 bits', row('9007199254740993'), 'type: id'],
    ['2013-02-29', one({ day: '2013-02-29' }), 'type: day'],
    ['2013-04-31', one({ day: '2013-04-31' }), 'type: day'],
    ['1900-02-29', one({ day: '1900-02-29' }), 'type: day'],
    ['month 13', one({ day: '2013-13-01' }), 'type: day'],
    ['hour 24', one({ at: '2013-01-01T24:00:00Z' }), 'type: at'],
    ['second 60', one({ at: '2013-01-01T00:00:60Z' }), 'type: at'],
    ['a time that does not exist', one({ at: '2013-02-29T10:00:00Z' }), 'type: at'],
    ['a time without a zone', one({ at: '2013-01-01T10:00:00' }), 'type: at'],
    ['no value in a required column', row('NA'), 'required: id'],
    ['the key of an earlier record', row(1, { name: 'Bob' }), 'duplicate key'],
  ])('with %s', (_, bad, rule) => expectOneRefused(ORDERS, row(1), bad, row(9), rule));
});

describe('a record of JSON Lines goes to quarantine, alone [D3]', () => {
  const records: [Content, string][] = [
    ['{"id":2', 'syntax'],
    ['{"id":2,}', 'syntax'],
    ["{'id':2}", 'syntax'],
    ['{"id":2}{"id":3}', 'syntax'],
    ['{"id":2}\r{"id":3}', 'syntax'],
    ['{"id":2} // comment', 'syntax'],
    ['{"id":007}', 'syntax'],
    ['{"id":2,"amount":NaN}', 'syntax'],
    ['{"id":2,"amount":Infinity}', 'syntax'],
    ['{"id":2,"name":"a\tb"}', 'syntax'],
    ['\ufeff{"id":2}', 'syntax'],
    ['   ', 'syntax'],
    ['[2]', 'syntax'],
    ['[{"id":2}]', 'syntax'],
    ['null', 'syntax'],
    ['2', 'syntax'],
    ['"id"', 'syntax'],
    ['{"id":2,"name":"A\0n"}', 'NUL byte'],
    ['{"id":2,"name":"A\\u0000n"}', 'NUL byte: name'],
    [latin1('{"id":2,"name":"é"}'), 'invalid UTF-8'],
    ['{"id":2,"name":"\\ud800"}', 'invalid Unicode: name'],
    ['{"id":2,"name":"\\uDC00\\uD800"}', 'invalid Unicode: name'],
    ['{"id":2,"id":3}', 'repeated key'],
    ['{"id":2,"id":2}', 'repeated key'],
    ['{"id":2,"\\u0069d":3}', 'repeated key'],
    ['{"name":"\\\\","id":2,"name" :"b"}', 'repeated key'],
    ['{"name":{"x":1},"id":2,"name":"b"}', 'repeated key'],
    ['{"id":2,"other":2}', 'unknown key'],
    ['{"id":2,"ID":2}', 'unknown key'],
    ['{"id":2,"__proto__":{}}', 'unknown key'],
    ['{"id":2,"name":{"x":1}}', 'type: name'],
    ['{"id":2,"name":{"x":1,"x":2}}', 'type: name'],
    ['{"id":2,"name":["a"]}', 'type: name'],
    ['{"id":2,"name":[]}', 'type: name'],
    ['{"id":2,"name":5}', 'type: name'],
    ['{"id":"2"}', 'type: id'],
    ['{"id":2.5}', 'type: id'],
    ['{"id":1e400}', 'type: id'],
    ['{"id":true}', 'type: id'],
    ['{"id":12345678901234567890}', 'type: id'],
    ['{"id":2,"amount":1e400}', 'type: amount'],
    ['{"id":2,"amount":-1e400}', 'type: amount'],
    ['{"id":2,"amount":"1.5"}', 'type: amount'],
    ['{"id":2,"amount":""}', 'type: amount'],
    ['{"id":2,"amount":"NaN"}', 'type: amount'],
    ['{"id":2,"amount":"NA"}', 'type: amount'],
    ['{"id":2,"paid":"true"}', 'type: paid'],
    ['{"id":2,"day":"2013-02-29"}', 'type: day'],
    ['{"id":2,"day":"2013-04-31"}', 'type: day'],
    ['{"id":2,"at":"2013-01-01T24:00:00Z"}', 'type: at'],
    ['{}', 'required: id'],
    ['{"id":null}', 'required: id'],
    ['{"id":1}', 'duplicate key'],
  ];
  test.each(records.map(([bad, rule]) => [JSON.stringify(String(bad)), rule, bad] as const))('%s: %s', (_, rule, bad) =>
    expectOneRefused(JSONL, '{"id":1}', bad, '{"id":9,"name":""}', rule),
  );
});

test('a line of 200 MB goes to quarantine, alone, and needs no more memory than one of 2 MB [D3]', () => {
  const output = execFileSync(process.execPath, ['--import', 'tsx', join(__dirname, 'long-lines.ts')], { encoding: 'utf8' });
  const { files, growthMebibytes } = JSON.parse(output) as LongLines;
  expect(files.map(({ name }) => name)).toEqual(['CSV', 'CSV in gzip', 'CSV with an open quote', 'JSON Lines', 'JSON Lines in gzip']);
  for (const { name, state, counts, refused } of files) {
    expect([name, state, counts]).toEqual([name, 'accounted', { read: 3, valid: 2, quarantined: 1, byRule: { 'too long': 1 } }]);
    expect(refused).toMatchObject({ record: 2, rule: 'too long', length: 200 * 1024 * 1024 });
  }
  expect(growthMebibytes).toBeLessThan(48);
});
