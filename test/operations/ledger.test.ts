import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { requestOf } from '../../operations/ledger';
import { OperationReport } from '../../operations/operation-machine';
import { planText, wouldDo } from '../../operations/operation-text';

describe('npm run ledger [D4]', () => {
  test('asks the machine of the intake for a rebuild of the whole ledger', () => {
    expect(requestOf('rebuild', ['flights'], { yes: true, reason: 'the table was emptied' })).toMatchObject({
      dataset: 'flights',
      request: { operation: 'rebuild', reason: 'the table was emptied', selection: {} },
    });
  });

  test.each([
    ['restore', ['flights'], {}, "give 'rebuild' and a dataset, got 'restore flights'"],
    ['rebuild', [], {}, "give 'rebuild' and a dataset, got 'rebuild'"],
    ['rebuild', ['a', 'b'], {}, "got 'rebuild a b'"],
    ['rebuild', ['flights'], { yes: true }, '--yes needs --reason'],
  ])('refuses %s %j with %j', (what, datasets, values, problem) => {
    expect(() => requestOf(what, datasets, values)).toThrow(problem);
  });

  test('says in numbers what the table lacks, and by name what needs somebody', () => {
    const report = {
      ...{ dataset: 'flights', operation: 'rebuild', contract: 'c'.repeat(64) },
      plan: {
        totals: { items: 2, missing: 1, older: 0, conflicts: 1, same: 7, newer: 1, records: 9 },
        first: [
          { item: 'object#b#1', what: 'differs' },
          { item: 'object#a#1', what: 'missing' },
        ],
      },
    } as never as OperationReport;
    expect(planText(report).split('\n')).toEqual([
      'rebuild of flights, contract cccccccccccc, would deal with',
      ...['  items      2', '  missing    1', '  older      0', '  conflicts  1', '  same       7', '  newer      1', '  records    9'],
      ...['which are:', '  item        what', '  object#b#1  differs', '  object#a#1  missing'],
    ]);
    expect(wouldDo(report)).toBe(true);
    expect(wouldDo({ ...report, plan: { totals: { items: 0 }, first: [] } })).toBe(false);
  });

  test('ends with 2 and its usage when it is called wrongly', () => {
    const args = ['--import', 'tsx', join(__dirname, '../../operations/ledger.ts'), 'rebuild'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stderr.includes('Usage: npm run ledger -- rebuild <dataset>')]).toEqual([2, true]);
  });
});
