import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES, MAXIMUM_VALIDATED_BYTES } from '../../../lib/constructs/data/data-intake/contract';
import { RecordReader, Unreadable } from '../../../runtime/dataset-builder/record-reader';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { textAt } from '../../../runtime/intake/lexical';
import { runs } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { judgeAs } from '../intake/judged';
import { SIMPLE } from '../intake/simple-files';
import { World } from '../intake/world';
import { builderOf } from './setting';

const NUMBERS = Array.from({ length: 40 }, (_, i) => `n${i}`);
const CONTRACT: CompiledContract = {
  dataset: 'simple',
  version: '1.0.0',
  format: 'csv',
  columns: [column('id', 'string', { required: true }), column('note', 'string'), ...NUMBERS.map((name) => column(name, 'number'))],
  nullTokens: [],
  primaryKey: [],
};
const HEADER = CONTRACT.columns.map(({ name }) => name).join(',');

/** The columns of each record of an object, as the reader gives them; it comes in pieces of so many bytes. */
function read(contract: CompiledContract, text: string | Buffer, pieceBytes = 64 * 1024): string[][] {
  const found: string[][] = [];
  const reader = new RecordReader(contract, ({ fields: { bytes, starts, ends }, order }) => {
    found.push(Array.from(order, (at) => textAt(bytes, starts[at], ends[at])));
  });
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    reader.feed(bytes.subarray(start, start + pieceBytes));
  }
  reader.finish();
  return found;
}

/** What the intake writes of records of a stream. */
const written = (contract: CompiledContract, ...records: string[]) =>
  judgeAs('envelopes', contract, records.map((text, i) => `${envelopeOf(`s:${i}`, new Date(0), Buffer.from(text))}\n`).join(''));
const valuesOf = (record: Record<string, unknown>) =>
  CONTRACT.columns.map(({ name }) => (Object.is(record[name], -0) ? '-0' : String((record[name] as string | number | null) ?? '')));

/** A JSON text of exactly so many bytes; what is missing goes to the id. */
function recordOf(bytes: number, rest: Record<string, unknown>): { text: string; record: Record<string, unknown> } {
  const numbers = JSON.stringify({ id: '', ...rest });
  const record = { id: `,${'x'.repeat(bytes - Buffer.byteLength(numbers) - 1)}`, ...rest };
  return { text: JSON.stringify(record), record };
}

describe('a record as the intake wrote it [D7]', () => {
  test('is read whole when it became longer than any record that is taken', () => {
    const longest = `{"id":",${'x'.repeat(MAXIMUM_RECORD_BYTES - 400)}",${NUMBERS.slice(0, 30)
      .map((name) => `"${name}":1e20`)
      .join()}}`;
    const text = longest.replace('x', 'x'.repeat(MAXIMUM_RECORD_BYTES - longest.length + 1));
    expect(text).toHaveLength(MAXIMUM_RECORD_BYTES);
    const { valid, counts } = written(CONTRACT, text, '{"id":"k"}');
    expect([counts.valid, valid[0].length > MAXIMUM_RECORD_BYTES + 300]).toEqual([2, true]);
    const [first, second] = read(CONTRACT, [HEADER, ...valid, ''].join('\n'));
    expect(first).toEqual(valuesOf(JSON.parse(text) as Record<string, unknown>));
    expect(second).toEqual(valuesOf({ id: 'k' }));
  });

  test('has the values of the record of a stream, whatever they are', () => {
    const texts = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '"', '"a","b"', 'a\nb', 'a\r\nb', '\r', ',', ' x '));
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(1e20, 1e21, -1.2345678901234567e-6, -0, 5e-324),
    );
    const rest = fc.record({ note: texts, n0: number, n1: number, n39: number }, { requiredKeys: [] });
    fc.assert(
      fc.property(rest, fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 1, max: 5000 }), (given, bytes, pieceBytes) => {
        const { text, record } = recordOf(bytes + Buffer.byteLength(JSON.stringify(given)), given);
        const { valid } = written(CONTRACT, text);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(read(CONTRACT, [HEADER, ...valid, ''].join('\n'), pieceBytes)).toEqual([valuesOf({ ...record, ...parsed })]);
      }),
      { numRuns: runs(200) },
    );
  });

  test('is never longer than the longest that is read: a number has 25 characters at most', () => {
    const longest = (text: string) => String(Number(text)).length;
    expect(longest('-0.0000012345678901234567')).toBe(25);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => String(value).length <= 25),
      { numRuns: runs(2000) },
    );
    // A key of one letter, one digit, colon, quotes and comma become 25 characters and a comma.
    expect((MAXIMUM_RECORD_BYTES / '"a":1,'.length) * 26).toBeLessThan(MAXIMUM_VALIDATED_BYTES);
  });

  const JSONL: CompiledContract = { ...CONTRACT, format: 'jsonl' };
  const line = `k${','.repeat(CONTRACT.columns.length - 1)}`;
  test.each<[string, CompiledContract, string | Buffer, RegExp]>([
    ['longer than the longest', CONTRACT, `${HEADER}\n${'x'.repeat(MAXIMUM_VALIDATED_BYTES + 1)}${line}\n`, /'too long'/],
    ['a header that is longer', CONTRACT, `${'x'.repeat(MAXIMUM_VALIDATED_BYTES + 1)}\n${line}\n`, /'too long'/],
    ['JSON that is longer', JSONL, `{"id":"${'x'.repeat(MAXIMUM_VALIDATED_BYTES)}"}\n`, /'too long'/],
    ['no UTF-8', CONTRACT, Buffer.concat([Buffer.from(`${HEADER}\n`), Buffer.from([0xe9]), Buffer.from(`${line}\n`)]), /'invalid UTF-8'/],
    ['a NUL byte', CONTRACT, `${HEADER}\n\0${line}\n`, /'NUL byte'/],
    ['a field less', CONTRACT, `${HEADER}\n${line}\n${line.slice(0, -1)}\n`, /record 2 has not as many fields/],
    ['a field more', CONTRACT, `${HEADER}\n${line},\n`, /record 1 has not as many fields/],
    ['a quote in a bare field', CONTRACT, `${HEADER}\nx"${line}\n`, /record 1 has not as many fields/],
    ['a quote that is open', CONTRACT, `${HEADER}\n"${line}\n`, /a quoted field is open/],
    ['a header with a quote in it', CONTRACT, `a"b,c\n${line}\n`, /the header cannot be read/],
    ['no JSON', JSONL, '{"id":"k"}\n{"id"\n', /not JSON/],
  ])('fails on %s, and gives no values for it', (_, contract, text, why) => {
    expect(() => read(contract, text)).toThrow(why);
    expect(() => read(contract, text)).toThrow(Unreadable);
  });

  test.each([
    ['a field less', 'id,amount\nk\n'],
    ['an open quote', 'id,amount\n"k,1\n'],
    ['bytes that are no gzip', undefined],
  ])('fails the build with what to do when its object has %s', async (_, text) => {
    const world = new World(SIMPLE);
    const file = world.send('simple/a.csv', 'id,amount\nk,1\n');
    await world.attempt(file);
    const { validated } = world.row(file);
    const stored = world.s3.versions.find(({ key, versionId }) => key === validated!.key && versionId === validated!.versionId)!;
    stored.bytes = text === undefined ? Buffer.concat([stored.bytes.subarray(0, 12), Buffer.alloc(9)]) : Buffer.from(text);
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(
      /^DamagedRecords: simple\/.* that the ledger names: re-run 'simple\/a\.csv'$/,
    );
  });
});
