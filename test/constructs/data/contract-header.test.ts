import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { judge } from '../../runtime/intake/judged';
import { column, contractOf, flightsWith, Loose, rulesOf } from './contracts';

/** What becomes of a file with this header and two records under the contract of the orders with one more column. */
const judged = (added: Loose, header: string, ...records: string[]) => {
  const contract = rulesOf(contractOf((d) => void d.schema[0].properties.push(added)));
  return judge(contract, [header, ...records, ''].join('\n'));
};
const ruled = (rule: Loose) => column('note', 'string', { quality: [rule] });
const FITS = 'the header does not fit the contract: ';

describe('the header of a CSV file [D2, D3, meaning 33]', () => {
  test.each<[string, Loose]>([
    ['is required', column('note', 'string', { required: true })],
    ['is part of the primary key', column('note', 'string', { required: true, primaryKey: true })],
    ['must have values in each record', ruled({ metric: 'nullValues', mustBe: 0 })],
    ['must not have missing values', ruled({ metric: 'missingValues', mustBe: 0, arguments: { missingValues: ['-'] } })],
  ])('fails without a column that %s', (_, added) => {
    expect(judged(added, 'id,amount', 'a,1').rejected).toBe(`${FITS}missing: "note"`);
    expect(judged(added, 'note,id,amount', 'x,a,1').rejected).toBeUndefined();
  });

  test('may lack a column that needs no value, which is then empty in each record', () => {
    const { rejected, valid, counts } = judged(
      column('note', 'integer', { logicalTypeOptions: { minimum: 1 } }),
      'amount,id',
      '1,a',
      'x,b',
    );
    expect([rejected, valid, counts.byRule]).toEqual([undefined, ['a,1,'], { type: 1 }]);
  });

  test('fails on a column that the contract does not have and on one that comes twice, and says which was perhaps meant', () => {
    const note = column('note', 'string');
    expect(judged(note, 'id,amount,nota', 'a,1,x').rejected).toBe(`${FITS}unknown: "nota"; not there, which is allowed: "note"`);
    expect(judged(note, 'id,amount,amount', 'a,1,1').rejected).toBe(`${FITS}twice: "amount"`);
  });

  test.each<[string, Loose, string | undefined]>([
    [
      'too many nulls',
      { metric: 'nullValues', mustBeLessThan: 50, unit: 'percent' },
      "nullValues of 'note' is 100 percent (2 of 2 valid records)",
    ],
    ['exactly so many nulls', { metric: 'nullValues', mustBeLessOrEqualTo: 2 }, undefined],
    ['one null more than allowed', { metric: 'nullValues', mustBeLessOrEqualTo: 1 }, "nullValues of 'note' is 2 (2 of 2 valid records)"],
    ['missing values', { metric: 'missingValues', mustBeLessThan: 2 }, "missingValues of 'note' is 2 (2 of 2 valid records)"],
    ['invalid values', { metric: 'invalidValues', mustBeLessThan: 1, arguments: { validValues: ['x'] } }, undefined],
    ['duplicates', { metric: 'duplicateValues', mustBe: 0 }, undefined],
  ])('without a column judges the file by it as by an empty one: %s', (_, rule, why) => {
    const found = judged(ruled(rule), 'id,amount', 'a,1', 'b,2');
    const same = judged(ruled(rule), 'id,amount,note', 'a,1,', 'b,2,');
    expect([found.rejected, found.counts]).toEqual([same.rejected, same.counts]);
    expect(found.rejected).toEqual(why === undefined ? undefined : expect.stringContaining(why));
  });

  test('of the flights may lack what only a flight that took off has, and nothing else', () => {
    const rules = rulesOf(flightsWith(() => undefined)) as CompiledContract;
    const names = rules.columns.map(({ name }) => name);
    const allowed = names.filter((name) => judge(rules, `${names.filter((other) => other !== name).join(',')}\n`).rejected === undefined);
    expect(allowed).toEqual(['dep_time', 'dep_delay', 'arr_time', 'arr_delay', 'tailnum', 'air_time']);
  });
});
