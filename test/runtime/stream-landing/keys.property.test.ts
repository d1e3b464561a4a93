import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { runs } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { judgeAs } from '../intake/judged';
import { Landing, Sent } from './shards';

const CONTRACT: CompiledContract = {
  dataset: 'simple',
  version: '1.0.0',
  format: 'jsonl',
  columns: [column('at', 'timestamp', { required: true }), column('size', 'number', { required: true })],
  nullTokens: [],
  primaryKey: ['at', 'size'],
};

/** One instant in the spellings that a contract allows, and numbers likewise. */
const INSTANTS = [
  [
    '2026-03-01T10:00:00Z',
    '2026-03-01T12:00:00+02:00',
    '2026-03-01T12:00:00.000+0200',
    '2026-03-01T05:00:00-05',
    '2026-03-01T10:00:00.0000004Z',
  ],
  ['2026-03-01T10:00:00.000001Z', '2026-03-01T15:30:00.000001+05:30'],
];
const NUMBERS = [
  ['1', '1.0', '1e0', '10E-1', '100e-2'],
  ['0', '-0', '0.00', '-0e5'],
];
const record = fc
  .record({ instant: fc.nat({ max: 1 }), number: fc.nat({ max: 1 }), at: fc.nat(), size: fc.nat() })
  .map(({ instant, number, at, size }) => {
    const pick = (spellings: string[], which: number) => spellings[which % spellings.length];
    return { name: `${instant}/${number}`, text: `{"at":"${pick(INSTANTS[instant], at)}","size":${pick(NUMBERS[number], size)}}` };
  });

test('no object of a stream holds what the intake takes for one primary key twice, and an object ends nowhere else [D8, D4]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 8 }), async (records) => {
      const landing = new Landing(CONTRACT);
      const sent = records.map(({ text }, i): Sent => ({ shard: 'shardId-0', sequence: String(i + 1), bytes: Buffer.from(text) }));
      await landing.deliver(sent);
      const objects = landing.s3.versions.map(({ bytes }) => bytes.toString());
      expect(objects.flatMap((object) => judgeAs('envelopes', CONTRACT, object).quarantine)).toEqual([]);
      // Computed from how the records were made: a new object begins where a key comes that the one before holds.
      const expected = records.reduce<string[][]>(
        (all, { name }) => (all.at(-1)!.includes(name) ? [...all, [name]] : [...all.slice(0, -1), [...all.at(-1)!, name]]),
        [[]],
      );
      expect(objects.map((object) => object.trimEnd().split('\n').length)).toEqual(expected.map((names) => names.length));
    }),
    { numRuns: runs(150) },
  );
});
