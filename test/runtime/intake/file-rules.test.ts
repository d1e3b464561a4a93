import fc from 'fast-check';
import { CompiledContract, FileRule, OPERATORS } from '../../../lib/constructs/data/data-contract/contract';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { brokenFileRules } from '../../../runtime/intake/file-rules';
import { FileRejected, Validator } from '../../../runtime/intake/validator';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from './contracts';
import { judge } from './judged';

const contract = (fileRules: Partial<FileRule>[], over: Partial<CompiledContract> = {}): CompiledContract => ({
  dataset: 'orders',
  version: '1.0.0',
  format: 'csv',
  columns: [column('id', 'integer', { required: true, minimum: 0 }), column('name', 'string'), column('amount', 'number')],
  nullTokens: ['NA'],
  primaryKey: ['id'],
  fileRules: fileRules.map(
    (rule, i) => ({ path: `rule ${i}`, columns: ['name'], unit: 'rows', operator: 'mustBe', limits: [0], ...rule }) as FileRule,
  ),
  ...over,
});
const file = (...lines: string[]) => ['id,name,amount', ...lines].join('\n');
/** What a rule counts in a file: as its reason says, or what the counts say. */
const count = (rule: Partial<FileRule>, ...lines: string[]) => judge(contract([rule]), file(...lines)).counts.byFileRule!['rule 0'];

describe('what a rule of a file counts [D2, D3]', () => {
  test('no values are empty fields and null tokens; nothing else is [meaning 14]', () => {
    expect(count({ metric: 'nullValues' }, '1,a,', '2,,1', '3,NA,1', '4,na,1', '5," ",1', '6,"",1')).toBe(3);
  });

  test('missing values are those and the texts of the list, also when the list does not name them [meaning 15]', () => {
    const lines = ['1,a,', '2,,1', '3,NA,1', '4,n/a,1', '5,-,1', '6,N/A,1'];
    expect(count({ metric: 'missingValues', missing: ['n/a', '-'] }, ...lines)).toBe(4);
    expect(count({ metric: 'missingValues' }, ...lines)).toBe(2);
  });

  test('invalid values are values that are not in the list, or do not match the pattern, and never no value [meaning 16]', () => {
    const lines = ['1,a,', '2,,1', '3,NA,1', '4,b,1', '5,AB,1', '6,c,1'];
    expect(count({ metric: 'invalidValues', allowed: ['a', 'AB'] }, ...lines)).toBe(2);
    expect(count({ metric: 'invalidValues', pattern: '[a-z]' }, ...lines)).toBe(1);
    expect(count({ metric: 'invalidValues', allowed: ['a', 'AB'], pattern: '^[a-z]$' }, ...lines)).toBe(3);
  });

  test('duplicates are surplus: of n equal ones n - 1, compared by value, and no value equals none [meaning 17]', () => {
    expect(count({ metric: 'duplicateValues' }, '1,a,', '2,a,', '3,a,', '4,b,', '5,,', '6,,', '7,NA,')).toBe(2);
    const amounts = ['1,a,1', '2,a,1.0', '3,b,1e0', '4,a,10e-1', '5,,1', '6,,1'];
    expect(count({ metric: 'duplicateValues', columns: ['amount'] }, ...amounts)).toBe(5);
    expect(count({ metric: 'duplicateValues', columns: ['name', 'amount'] }, ...amounts)).toBe(2);
  });

  test('records in quarantine do not count, whatever they break [meaning 11]', () => {
    expect(count({ metric: 'nullValues' }, '1,,', 'x,,', '1,,', '2,,', '3,a', '4,,x')).toBe(2);
    expect(count({ metric: 'duplicateValues' }, '1,a,x', '2,a,', '3,a,')).toBe(1);
    const rows = contract([{ metric: 'rowCount', columns: [], operator: 'mustBeGreaterThan', limits: [1] }]);
    expect(judge(rows, file('1,a,', '1,a,', 'x,a,')).rejected).toContain('rowCount is 1, mustBeGreaterThan 1');
    expect(judge(rows, file('1,a,', '2,a,')).rejected).toBeUndefined();
  });

  test('a record keeps valid whatever its file is judged, and only the file is told [meaning 10, 11]', () => {
    const { counts, valid, rejected } = judge(
      contract([{ metric: 'nullValues', operator: 'mustBeLessThan', limits: [1] }]),
      file('1,,', '2,a,'),
    );
    expect([counts.valid, counts.quarantined, valid.length]).toEqual([2, 0, 2]);
    expect(rejected).toBe("the file breaks its contract: nullValues of 'name' is 1 (1 of 2 valid records), mustBeLessThan 1 [rule 0]");
  });

  test('values of JSON Lines count like those of CSV', () => {
    const rules = [{ metric: 'nullValues' as const, operator: 'mustBe' as const, limits: [3] }];
    const lines = ['{"id":1}', '{"id":2,"name":null}', '{"id":3,"name":""}', '{"id":4,"name":"a"}'].join('\n');
    const { counts, rejected } = judge(contract(rules, { format: 'jsonl' }), lines);
    expect([counts.byFileRule, rejected]).toEqual([{ 'rule 0': 3 }, undefined]);
  });

  test('a batch of a stream is judged like a file of its own', () => {
    const rules = contract([{ metric: 'nullValues', operator: 'mustBeLessThan', limits: [2] }]);
    const validator = new Validator(rules, { valid: () => undefined, quarantine: () => undefined }, '/tmp', 9, 'envelopes');
    const batch = [{ id: 1 }, { id: 2, name: 'a' }, { id: 3, name: null }];
    const lines = batch.map((value, i) => envelopeOf(`shard:${i}`, new Date(0), Buffer.from(JSON.stringify(value))));
    validator.feed(Buffer.from(lines.join('\n')));
    try {
      expect(() => validator.finish()).toThrow('nullValues');
      expect(validator.counts.byFileRule).toEqual({ 'rule 0': 2 });
    } finally {
      validator.close();
    }
  });

  test('columns may come in another order', () => {
    const rules = contract([{ metric: 'nullValues' }, { metric: 'duplicateValues', columns: ['name', 'amount'] }]);
    const { counts } = judge(rules, 'amount,id,name\n1,1,\n1,2,a\n1,3,a\n,4,a\n');
    expect(counts.byFileRule).toEqual({ 'rule 0': 1, 'rule 1': 1 });
  });
});

describe('how a file is judged [D2, D3]', () => {
  const verdict = (rule: Partial<FileRule>, valid: number, counted: number) =>
    brokenFileRules(contract([{ metric: 'nullValues', ...rule }]), { valid, byFileRule: { 'rule 0': counted } }) === undefined;

  test.each<[FileRule['operator'], number[], number[], number[]]>([
    ['mustBe', [3], [3], [0, 2, 4]],
    ['mustNotBe', [3], [2, 4], [3]],
    ['mustBeGreaterThan', [3], [4, 9], [3, 0]],
    ['mustBeGreaterOrEqualTo', [3], [3, 4], [2]],
    ['mustBeLessThan', [3], [2, 0], [3, 4]],
    ['mustBeLessOrEqualTo', [3], [3, 0], [4]],
    ['mustBeBetween', [3, 6], [4, 5], [3, 6, 0, 9]],
    ['mustNotBeBetween', [3, 6], [3, 6, 0, 9], [4, 5]],
  ])('%s %j takes %j and refuses %j, as rows and as percent [meaning 13]', (operator, limits, good, bad) => {
    for (const [counts, wanted] of [
      [good, true],
      [bad, false],
    ] as const) {
      counts.forEach((value) => expect([value, verdict({ operator, limits }, 100, value)]).toEqual([value, wanted]));
      counts.forEach((value) => expect([value, verdict({ operator, limits, unit: 'percent' }, 300, 3 * value)]).toEqual([value, wanted]));
    }
  });

  test('percent are of the valid records, exact at the limit, and 0 of a file without any [meaning 12]', () => {
    const below = (limit: number) => ({ unit: 'percent', operator: 'mustBeLessThan', limits: [limit] }) as const;
    expect([verdict(below(5), 100, 5), verdict(below(5), 101, 5), verdict(below(5), 20, 1), verdict(below(5), 7, 1)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(verdict({ ...below(0.1), operator: 'mustBeLessOrEqualTo' }, 1000, 1)).toBe(true);
    expect(verdict(below(5), 0, 0)).toBe(true);
    expect(verdict({ ...below(5), operator: 'mustBeGreaterThan' }, 0, 0)).toBe(false);
    expect(judge(contract([{ metric: 'nullValues', ...below(5) }]), 'id,name,amount\n').rejected).toBeUndefined();
  });

  test('names every broken rule at once, up to ten, and no value [meaning 11]', () => {
    const many = Array.from({ length: 12 }, () => ({ metric: 'invalidValues' as const, allowed: ['secret-a'] }));
    const { rejected } = judge(contract(many), file('1,secret-b,'));
    expect(rejected!.match(/\[rule \d+\]/g)).toHaveLength(10);
    expect(rejected).toMatch(/; and 2 more$/);
    expect(rejected).not.toContain('secret');
  });

  test('leaves the rest of a file as it is: a quote that is open rejects it first', () => {
    expect(judge(contract([{ metric: 'rowCount', columns: [], limits: [9] }]), 'id,name,amount\n1,"a').rejected).toContain('still open');
  });

  test('counts of parts add up to those of the file, unless parts share keys', () => {
    const rules = contract(
      [
        { metric: 'nullValues', limits: [3] },
        { metric: 'invalidValues', allowed: ['a'], limits: [1] },
      ],
      { primaryKey: [] },
    );
    const parts = [
      ['1,,', '2,b,'],
      ['3,,', '4,NA,', '5,a,'],
    ].map((lines) => {
      const part = { offset: 0, recordsBefore: 0 };
      const validator = new Validator(rules, { valid: () => undefined, quarantine: () => undefined }, '/nowhere', 9, 'csv', part);
      validator.feed(Buffer.from(file(...lines)));
      return validator.finish();
    });
    const sum = (path: string) => parts.reduce((total, { byFileRule }) => total + byFileRule![path], 0);
    const merged = { valid: parts[0].valid + parts[1].valid, byFileRule: { 'rule 0': sum('rule 0'), 'rule 1': sum('rule 1') } };
    expect(merged).toEqual({ valid: 5, byFileRule: { 'rule 0': 3, 'rule 1': 1 } });
    expect(brokenFileRules(rules, merged)).toBeUndefined();
    expect(brokenFileRules(rules, parts[0])).toContain('nullValues');
  });

  test('gives all sets of keys together the room of one', () => {
    const limited = (fileRules: Partial<FileRule>[], primaryKey = ['id']) => {
      const validator = new Validator(
        contract(fileRules, { primaryKey }),
        { valid: () => undefined, quarantine: () => undefined },
        '/tmp',
        6,
      );
      const lines = Array.from({ length: 7 }, (_, i) => `${i},n${i},`);
      try {
        validator.feed(Buffer.from(`${file(...lines)}\n`));
        return undefined;
      } catch (error) {
        expect(error).toBeInstanceOf(FileRejected);
        return (error as Error).message;
      } finally {
        validator.close();
      }
    };
    expect(limited([])).toContain('more than 6 records');
    expect(limited([{ metric: 'duplicateValues' }])).toContain('more than 3 records');
    expect(limited([{ metric: 'duplicateValues' }], [])).toContain('more than 6 records');
    expect(limited([{ metric: 'nullValues' }], [])).toBeUndefined();
  });

  test('is what a second reading of the rules finds, on any file', () => {
    const name = fc.constantFrom('', 'NA', 'n/a', 'a', 'b', 'ab');
    const amount = fc.constantFrom('', '1', '1.0', '2', 'x');
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), name, amount), { maxLength: 14 });
    const rule = fc.record({
      metric: fc.constantFrom('nullValues', 'missingValues', 'invalidValues', 'duplicateValues', 'rowCount' as const),
      unit: fc.constantFrom('rows', 'percent' as const),
      operator: fc.constantFrom(...OPERATORS),
      limits: fc.tuple(fc.nat(3), fc.integer({ min: 4, max: 60 })),
    });
    let [rejections, acceptances] = [0, 0];
    fc.assert(
      fc.property(rows, rule, (records, drawn) => {
        const { metric } = drawn;
        const rules = contract([
          {
            ...drawn,
            unit: metric === 'rowCount' ? 'rows' : (drawn.unit as FileRule['unit']),
            ...(metric === 'missingValues' ? { missing: ['n/a'] } : {}),
            ...(metric === 'invalidValues' ? { allowed: ['a', 'ab'], pattern: 'b' } : {}),
            columns: metric === 'rowCount' ? [] : ['name'],
          },
        ]);
        const seen = new Set<number>();
        const valid = records.filter(([id, , a]) => a !== 'x' && !seen.has(id) && seen.add(id) !== undefined);
        const names = valid.map(([, n]) => n);
        const present = names.filter((n) => n !== '' && n !== 'NA');
        const counted = {
          nullValues: names.length - present.length,
          missingValues: names.length - present.filter((n) => n !== 'n/a').length,
          invalidValues: present.filter((n) => n !== 'ab').length,
          duplicateValues: present.length - new Set(present).size,
          rowCount: valid.length,
        }[metric];
        const [low, high] = drawn.limits;
        const value = rules.fileRules![0].unit === 'rows' ? counted : valid.length === 0 ? 0 : (counted / valid.length) * 100;
        const wanted = {
          mustBe: Math.abs(value - low) < 1e-9,
          mustNotBe: Math.abs(value - low) >= 1e-9,
          mustBeGreaterThan: value > low,
          mustBeGreaterOrEqualTo: !(value < low),
          mustBeLessThan: value < low,
          mustBeLessOrEqualTo: !(value > low),
          mustBeBetween: low < value && value < high,
          mustNotBeBetween: !(low < value && value < high),
        }[drawn.operator];
        const { rejected } = judge(rules, file(...records.map((record) => record.join(','))));
        expect(rejected === undefined).toBe(wanted);
        acceptances += wanted ? 1 : 0;
        rejections += wanted ? 0 : 1;
      }),
      { numRuns: runs(1000) },
    );
    expect(Math.min(rejections, acceptances)).toBeGreaterThanOrEqual(seenAtLeast(200, 1000));
  });
});

describe('missing values that a record must not have [D2]', () => {
  const columns = [column('name', 'string', { required: true, missing: ['n/a', '-'] }), column('size', 'integer', { missing: ['-1'] })];
  const rules = contract([], { columns, primaryKey: [], fileRules: undefined });

  test('send it to quarantine, and name no value [meaning 15]', () => {
    const { counts, quarantine, valid } = judge(rules, 'name,size\nn/a,1\na,-1\n,1\nNA,1\nN/A,\nb,-10\n');
    expect([counts.byRule, valid]).toEqual([{ missing: 2, required: 2 }, ['N/A,', 'b,-10']]);
    expect(quarantine[0]).toMatchObject({ record: 1, rule: 'missing', column: 'name', reason: 'a value that the contract calls missing' });
  });
});
