import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { EntityKey } from '../../../runtime/stream/entity-key';
import { RecordJudge } from '../../../runtime/stream/record-judge';
import { RecordKey } from '../../../runtime/stream/record-key';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from '../intake/contracts';

const COLUMNS = ['name', 'count', 'share', 'at'];
const CONTRACT: CompiledContract = {
  ...{ dataset: 'simple', version: '1.0.0', format: 'jsonl', nullTokens: ['NA', '-9'], primaryKey: COLUMNS },
  columns: [column('name', 'string'), column('count', 'integer'), column('share', 'number'), column('at', 'timestamp')],
};

/** Of each column values in the spellings of JSON, many of them the same; the empty text leaves the column out. */
const NONE = ['', 'null', '"NA"', '"-9"'];
const VALUES: Record<string, string[]> = {
  name: [...NONE, '""', '"\\u004eA"', '"a"', '"\\u0061"', '"-9.0"', '"0"'],
  count: ['', 'null', '-9', '-9.0', '-90e-1', '0', '-0', '0.0', '7', '7.0', '70e-1', '0.7E1'],
  share: ['', 'null', '-9', '-9.00', '-0.09e2', '0', '-0.0', '1.5', '15e-1', '1.50', '1e3', '1000'],
  at: [
    ...NONE,
    '""',
    '"2024-01-01T00:00:00Z"',
    '"2024-01-01T01:30:00.0+0130"',
    '"2023-12-31T23:00:00.000-01"',
    '"2024-01-01T00:00:00.000001Z"',
  ],
};

const record = fc
  .tuple(...COLUMNS.map((name) => fc.constantFrom(...VALUES[name])))
  .map((texts) => `{${COLUMNS.flatMap((name, i) => (texts[i] === '' ? [] : [`"${name}":${texts[i]}`])).join()}}`);
const alike = fc.tuple(record, record, fc.constantFrom(...COLUMNS), fc.boolean());

test('two records are one entity exactly when the intake takes them for one key: by no value, by number and by instant [D8]', () => {
  const judge = new RecordJudge(CONTRACT);
  const read = (text: string) => {
    const verdict = judge.judge(envelopeOf('s:1', new Date(0), Buffer.from(text)));
    expect(verdict).toHaveProperty('record');
    return (verdict as { record: Record<string, unknown> }).record;
  };
  const seen = { same: 0, different: 0 };
  fc.assert(
    fc.property(alike, ([one, other, name, all]) => {
      const columns = all ? COLUMNS : [name];
      const [entity, key] = [new EntityKey(CONTRACT, columns), new RecordKey(CONTRACT, columns)];
      const [left, right] = [read(one), read(other)];
      const same = entity.of(left) === entity.of(right);
      expect(same).toBe(key.ofRecord(left) === key.ofRecord(right));
      seen[same ? 'same' : 'different'] += 1;
    }),
    { numRuns: runs(600) },
  );
  expect(Math.min(seen.same, seen.different)).toBeGreaterThanOrEqual(seenAtLeast(50, 600));
});
