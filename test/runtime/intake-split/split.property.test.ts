import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { World } from '../intake/world';
import { accountOf, split } from './machine';

const contract = (format: 'csv' | 'jsonl', keyed: boolean): CompiledContract => ({
  dataset: 'numbers',
  version: '1.0.0',
  format,
  columns: [
    column('id', 'integer', { required: true, maximum: 99 }),
    column('note', 'string', { maxLength: 9 }),
    column('name', 'string', { maxLength: 30 }),
  ],
  nullTokens: ['NA'],
  ...(format === 'csv' ? { newlinesQuoted: false } : {}),
  primaryKey: keyed ? ['id'] : [],
  fileRules: [
    { path: 'names', metric: 'nullValues', columns: ['name'], unit: 'percent', operator: 'mustBeLessOrEqualTo', limits: [80] },
    { path: 'rows', metric: 'rowCount', columns: [], unit: 'rows', operator: 'mustNotBe', limits: [6] },
  ],
});

const id = fc.oneof(
  { weight: 12, arbitrary: fc.nat(4).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('NA', '', '100', '-0', 'x') },
);
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('', 'Ann', 'äé', '"a, b"') },
  { weight: 1, arbitrary: fc.constantFrom('"open', 'a"b', 'x\0', '\r', 'n'.repeat(31), 'n'.repeat(200)) },
);
const odd = fc.constantFrom(Buffer.from([0x31, 0xff]), Buffer.from(''), Buffer.from('\r'), Buffer.from('a,b,c'), Buffer.from('\ufeff1,x'));
const note = fc.constantFrom('', 'ok', 'fine', 'far too long');
type Names = ('id' | 'name' | 'note')[];
/** Lines of a file with these columns. */
const csvLine = (columns: Names) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ id, name, note }).map((values) => Buffer.from(columns.map((of) => values[of]).join(','))) },
    { weight: 1, arbitrary: odd },
  );
const jsonLine = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(id, name).map(([a, b]) => Buffer.from(`{"name": ${JSON.stringify(b)}, "id": ${a === '' ? 'null' : a}}`)),
  },
  { weight: 1, arbitrary: odd },
);
/** Headers with the columns in any order, without some that need no value, and such that fit no contract. */
const columns = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom<Names>(['id', 'note', 'name'], ['name', 'note', 'id'], ['id', 'name'], ['name', 'id']) },
  // Without names the file breaks its rule about them.
  { weight: 1, arbitrary: fc.constant<Names>(['note', 'id']) },
);
const header = (names: string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('', '\n\r\n').map((blank) => `${blank}${names.join(',')}`) },
    { weight: 2, arbitrary: fc.constant(names.map((of) => `"${of}"`).join(',')) },
    { weight: 1, arbitrary: fc.constantFrom('name', 'id,id', '"id', 'id,name,more', '') },
  );
const lines = (line: fc.Arbitrary<Buffer>) => fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 16, size: 'max' });

const csvFile = columns.chain((names) =>
  fc.tuple(
    header(names).map((text) => [Buffer.from(`${text}\n`)]),
    lines(csvLine(names)),
  ),
);
const fileOf = (format: 'csv' | 'jsonl') =>
  fc
    .tuple(fc.boolean(), format === 'csv' ? csvFile : fc.tuple(fc.constant([]), lines(jsonLine)), fc.boolean())
    .map(([mark, [head, body], cut]) => {
      const parts = body.flatMap(([bytes, end]) => [bytes, Buffer.from(end)]);
      return Buffer.concat([Buffer.from(mark ? '\ufeff' : ''), ...head, ...(cut ? parts.slice(0, -1) : parts)]);
    });

async function serially(file: Buffer, rules: CompiledContract): Promise<object> {
  const world = new World(rules);
  const object = world.send('numbers/a', file);
  await world.attempt(object);
  return accountOf(world, world.row(object));
}

describe('a file that is split [D5]', () => {
  test.each(['csv', 'jsonl'] as const)(
    '%s: has the row and the outputs of one that one function reads, wherever it is cut',
    async (format) => {
      const seen = { accounted: 0, rejected: 0, acrossRanges: 0 };
      await fc.assert(
        fc.asyncProperty(
          fileOf(format),
          fc.boolean(),
          fc.integer({ min: 2, max: 60 }),
          fc.integer({ min: 1, max: 70 }),
          fc.boolean(),
          async (file, keyed, rangeBytes, chunkBytes, backwards) => {
            const rules = contract(format, keyed);
            const world = new World(rules);
            world.s3.chunkBytes = chunkBytes;
            const object = world.send('numbers/a', file);
            const outcome = await split(world, object, { rangeBytes }, { backwards });
            const row = world.row(object);
            seen[outcome as 'accounted' | 'rejected']++;
            seen.acrossRanges += world.s3.versions.filter(({ key }) => key.endsWith('-duplicates')).length > 0 ? 1 : 0;
            expect(row.state).toBe(outcome);
            expect(accountOf(world, row)).toEqual(await serially(file, rules));
          },
        ),
        { numRuns: runs(50) },
      );
      expect(seen.accounted).toBeGreaterThanOrEqual(seenAtLeast(20, 50));
      expect(seen.acrossRanges).toBeGreaterThanOrEqual(seenAtLeast(2, 50));
      expect(seen.rejected).toBeGreaterThanOrEqual(format === 'csv' ? seenAtLeast(1, 50) : 0);
    },
  );
});
