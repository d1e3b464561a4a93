import { AUDITED, auditedLine } from './audited';
import { BEFORE_EVENT, BEFORE_MERGE, CRASHES } from './simulation';
import { Mutation, runAndAudit } from './runs';

const POINTS = [...Object.values(CRASHES), BEFORE_MERGE, BEFORE_EVENT];
const ATTEMPT = 'runtime/intake/attempt.ts';
const LEDGER = 'runtime/intake/ledger.ts';
const VALIDATOR = 'runtime/intake/validator.ts';

test('every record of 20 files is in the books once, whatever dies and wherever [D3, D4]', async () => {
  const { hits, problems, looked } = await runAndAudit({ files: 20, rows: 50_000, seed: 'crash' });
  const line = auditedLine({ looked, hits });
  console.log(line);
  expect(line).toMatch(AUDITED);
  expect(problems).toEqual([]);
  expect(looked.records).toBeGreaterThanOrEqual(50_000);
  expect(Object.keys(hits).sort()).toEqual([...POINTS].sort());
  expect(Math.min(...Object.values(hits))).toBeGreaterThanOrEqual(20);
}, 300_000);

const MUTANTS: [string, Mutation[], RegExp][] = [
  [
    'commits before its outputs',
    [
      {
        file: ATTEMPT,
        from: 'const quarantined = await quarantine.finish();',
        to: "const quarantined = { key: 'later', versionId: 'later', bytes: 0, rows: 0, sha256: '' }; setTimeout(() => void quarantine.finish(), 9e5).unref();",
      },
    ],
    /names an object that is not there$/,
  ],
  [
    'commits whatever became of the row',
    [
      { file: LEDGER, from: 'return row?.state === FILE_STATE.validating && row.attempt === attempt;', to: 'return row !== undefined;' },
      {
        file: 'runtime/intake/ledger-writes.ts',
        from: "ConditionExpression: '#state = :validating AND attempt = :attempt'",
        to: "ConditionExpression: '#state <> :attempt AND attempt <> :validating'",
      },
    ],
    / went from (accounted|rejected|validating) to /,
  ],
  [
    'takes no notice of a lease',
    [
      {
        file: LEDGER,
        from: '(#state = :validating AND leaseUntil < :now)',
        to: '(#state = :validating AND (leaseUntil < :now OR leaseUntil > :now))',
      },
    ],
    / went from validating to validating at /,
  ],
  [
    'drops the last record',
    [
      {
        file: 'runtime/intake/framing.ts',
        from: 'const used = this.cut(this.held, true);',
        to: 'const used = this.held.length;',
      },
    ],
    /: 1 records are missing, 0 are there that should not be/,
  ],
  [
    'takes a column that a file lacks for another one',
    [{ file: VALIDATOR, from: 'position === ABSENT ? this.fields.empty : position', to: 'Math.max(position, 0)' }],
    /refuses other records than the contract does/,
  ],
  [
    'writes records of a file that lacks a column as they came',
    [{ file: VALIDATOR, from: 'order.every((position, i) => position === i)', to: 'true' }],
    /records are missing, \d+ are there that should not be/,
  ],
  [
    'keeps the first of two duplicates twice',
    [{ file: VALIDATOR, from: 'if (first !== undefined) {', to: 'if (first !== undefined) {\n this.accept(record, order);' }],
    /records are missing|are there that should not be|refuses other records/,
  ],
];

test.each(MUTANTS)(
  'the audit finds an intake that %s',
  async (_, mutations, found) => {
    const { problems } = await runAndAudit({ files: 9, rows: 900, seed: 'mutant' }, mutations);
    expect(problems).toContainEqual(expect.stringMatching(found));
  },
  120_000,
);
