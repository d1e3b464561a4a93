import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column, HEADER, ORDERS } from './contracts';
import { judge, judgeAs } from './judged';
import { World } from './world';

const JSONL: CompiledContract = { ...ORDERS, format: 'jsonl', primaryKey: [] };
const CSV: CompiledContract = { ...JSONL, format: 'csv' };
const TIME = new Date('2026-03-01T10:00:00.000Z');
const good = { id: 1, name: 'Ann', amount: 1.5, day: '2013-02-28', at: '2013-02-28T10:00:00Z', paid: true, country: 'DE' };

const lines = (records: Buffer[]) => records.map((bytes, i) => `${envelopeOf(`shardId-0:${i}`, TIME, bytes)}\n`).join('');

/** Judged as a batch of a stream, as the intake judges its object. */
const judgeBatch = (contract: CompiledContract, records: Buffer[]) => judgeAs('envelopes', contract, lines(records));

const value = fc.oneof(
  fc.constantFrom<unknown>(null, '', 'NA', 'a"b', 'x\ny', 'é, "q"', 1e400, 1e21, -0, 7.5, true, [], '2013-02-29', '\0', '😀'),
  fc.string({ unit: 'binary' }),
  fc.double(),
);
const record = fc
  .record({ id: fc.oneof(fc.integer({ min: -1, max: 1001 }), value) }, { requiredKeys: [] })
  .chain((over) =>
    fc.record({ name: value, amount: value, day: value, extra: value }, { requiredKeys: [] }).map((more) => ({ ...over, ...more })),
  )
  .map((over) => ({ ...good, ...(Object.keys(over).length > 2 ? over : { id: over.id }) }));
const named = fc.constantFrom('x\ny', '\n', 'a, "b"', 'NA').map((name) => ({ ...good, name }));
const text = fc.oneof(
  { weight: 4, arbitrary: record.map((object) => JSON.stringify(object)) },
  { weight: 1, arbitrary: named.map((object) => JSON.stringify(object)) },
  { weight: 1, arbitrary: fc.constantFrom('{', '[]', '"x"', 'null', '1 2', '{"id":1}', JSON.stringify(good)) },
);

const usual = 300;
describe('a batch of a stream [D8]', () => {
  test('is judged record by record as the same records in a file of JSON Lines are', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (records) => {
        const alone = judge(JSONL, records.join('\n'));
        const batch = judgeBatch(
          JSONL,
          records.map((one) => Buffer.from(one)),
        );
        expect(batch.counts).toEqual(alone.counts);
        expect(batch.valid).toEqual(alone.valid);
        const verdicts = ({ quarantine }: typeof batch) =>
          quarantine.map(({ record: ordinal, rule, column: at, reason }) => ({ ordinal, rule, at, reason }));
        expect(verdicts(batch)).toEqual(verdicts(alone));
      }),
      { numRuns: runs(300) },
    );
  });

  test.each([
    ['', CSV],
    [' without newlines in them', { ...CSV, newlinesQuoted: false }],
  ])('of a dataset of CSV files%s is written as CSV with the same values', (_, contract) => {
    let newlines = 0;
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (records) => {
        const bytes = records.map((one) => Buffer.from(one));
        const asCsv = judgeBatch(contract, bytes);
        const asJson = judgeBatch(JSONL, bytes);
        const all = asJson.valid.map((line) => JSON.parse(line) as { id: number });
        const written = all.filter(
          (one) => contract.newlinesQuoted !== false || !Object.values(one).some((of) => String(of).includes('\n')),
        );
        newlines += all.length - written.length;
        expect(asCsv.counts).toMatchObject({ read: asJson.counts.read, valid: written.length });
        const again = judge(contract, [HEADER, ...asCsv.valid].join('\n'));
        expect(again.valid).toEqual(asCsv.valid);
        expect(again.valid.map((line) => line.split(',')[0])).toEqual(written.map(({ id }) => String(id)));
      }),
      { numRuns: runs(usual) },
    );
    expect(newlines).toBeGreaterThanOrEqual(contract.newlinesQuoted === false ? seenAtLeast(20, usual) : 0);
  });

  test.each([
    ['CSV whose fields hold no newlines', { ...CSV, newlinesQuoted: false }, 'a\nb', ['newline', 'name']],
    ['CSV whose fields hold no newlines', { ...CSV, newlinesQuoted: false }, '\r\n', ['newline', 'name']],
    ['CSV whose fields hold no newlines', { ...CSV, newlinesQuoted: false, nullTokens: ['\n'] }, '\n', ['newline', 'name']],
    ['CSV whose fields hold no newlines', { ...CSV, newlinesQuoted: false }, 'a, "b"', undefined],
    ['CSV', CSV, 'a\nb', undefined],
    ['JSON Lines', JSONL, 'a\nb', undefined],
  ])('of %s has its records judged as files have: %#', (_, contract, name, refusal) => {
    const { quarantine, valid } = judgeBatch(contract, [Buffer.from(JSON.stringify({ ...good, name })), Buffer.from(JSON.stringify(good))]);
    expect(quarantine.map(({ record: at, rule, column: where }) => [at, rule, where])).toEqual(
      refusal === undefined ? [] : [[1, ...refusal]],
    );
    expect(valid).toHaveLength(refusal === undefined ? 2 : 1);
    if (contract.format === 'csv') {
      const file = judge(contract, `${HEADER}\n${['1', `"${name.replaceAll('"', '""')}"`, ...Object.values(good).slice(2)].join(',')}\n`);
      expect(file.counts.valid).toBe(refusal === undefined ? 1 : 0);
    }
  });

  test('accounts for each record once, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (records) => {
        const bytes = records.map((one) => Buffer.from(one));
        const { counts } = judgeBatch(JSONL, bytes);
        expect(counts.read).toBe(bytes.length);
        const kept = lines(bytes)
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as { data?: string; data_base64?: string })
          .map(({ data, data_base64: base64 }) => (data === undefined ? Buffer.from(base64!, 'base64') : Buffer.from(data)));
        expect(kept).toEqual(bytes);
      }),
      { numRuns: runs(300) },
    );
  });

  test('takes JSON over several lines as one record, and writes it on one', () => {
    const { valid, counts } = judgeBatch(JSONL, [Buffer.from(JSON.stringify(good, null, 2).replaceAll('\n', '\r\n'))]);
    expect(counts).toMatchObject({ read: 1, valid: 1 });
    expect(valid[0]).not.toMatch(/[\r\n]/);
    expect(JSON.parse(valid[0])).toEqual(good);
  });

  test.each([
    ['no JSON', Buffer.from('id=1\nid=2'), 'syntax'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid UTF-8'],
    ['empty', Buffer.alloc(0), 'syntax'],
    ['of 1 MiB and a byte', Buffer.from(JSON.stringify({ ...good, name: 'x'.repeat(2 ** 20) })), 'too long'],
    ['of control characters up to 1 MiB', Buffer.alloc(2 ** 20, 0x01), 'syntax'],
  ])('quarantines a record that is %s by its ordinal, and goes on', (_, bytes, rule) => {
    const { counts, quarantine } = judgeBatch(JSONL, [Buffer.from(JSON.stringify(good)), bytes, Buffer.from(JSON.stringify(good))]);
    expect(counts).toMatchObject({ read: 3, valid: 2, quarantined: 1 });
    expect(quarantine).toMatchObject([{ record: 2, rule }]);
  });

  test('writes a record of one empty column so that it is a record', () => {
    const contract: CompiledContract = { ...CSV, columns: [column('a', 'string')] };
    expect(judgeBatch(contract, [Buffer.from('{"a":null}')]).valid).toEqual(['""']);
  });

  test('lies below the stream folder; a file of the same dataset is read by the contract', async () => {
    const world = new World({ ...ORDERS, primaryKey: [] });
    const batch = world.send('orders/stream/s/shardId-0/0.jsonl', lines([Buffer.from(JSON.stringify(good)), Buffer.from('{')]));
    const file = world.send('orders/streams.csv', `${HEADER}\n1,Ann,1.5,2013-02-28,2013-02-28T10:00:00Z,true,DE\n`);
    await world.attempt(batch);
    await world.attempt(file);
    expect(world.row(batch).counts).toEqual({ read: 2, valid: 1, quarantined: 1, byRule: { syntax: 1 } });
    expect(world.row(file).counts).toMatchObject({ read: 1, valid: 1 });
  });
});
