import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { CompiledColumn, CompiledContract, FileRule, OPERATORS } from '../../../lib/constructs/data/data-contract/contract';
import { contractChanges, versionObjections } from '../../../lib/constructs/data/data-contract/contract-changes';
import { compileChecks } from '../../../runtime/intake/rules';
import { brokenFileRules } from '../../../runtime/intake/file-rules';
import { runs, seenAtLeast } from '../../support/property-runs';
import { judge } from '../../runtime/intake/judged';
import { contractOf, FLIGHTS, Loose, orders } from './contracts';

const ROOT = join(__dirname, '../../..');
const changesOf = (change: (d: Loose) => void, first: (d: Loose) => void = () => undefined) => {
  const before = orders();
  first(before);
  const after = structuredClone(before);
  change(after);
  const [was, is] = [before, after].map((document) => contractOf(() => undefined, document)._rules);
  return contractChanges(was, is).map(({ needs, path, text }) => `${needs} ${path}: ${text}`);
};
const amount = (d: Loose) => d.schema[0].properties[1];
const AMOUNT = 'schema[0].properties[1]';

describe('a change of a contract [D2]', () => {
  test.each<[string, (d: Loose) => void, string]>([
    ['a column that goes', (d) => void d.schema[0].properties.pop(), `${AMOUNT}: column 'amount' is gone`],
    [
      'a new column that must have values',
      (d) => void d.schema[0].properties.push({ name: 'a', logicalType: 'string', required: true }),
      "schema[0].properties[2]: column 'a' is new and must have values",
    ],
    ['another type', (d) => void (amount(d).logicalType = 'integer'), `${AMOUNT}.logicalType: 'amount' was number and is integer`],
    ['a column that must have values now', (d) => void (amount(d).required = true), `${AMOUNT}.required: 'amount' must have values`],
    [
      'a tighter range',
      (d) => void (amount(d).logicalTypeOptions.maximum = 999),
      `${AMOUNT}.logicalTypeOptions.maximum: of 'amount' was 1000 and is 999`,
    ],
    [
      'another pattern',
      (d) => void (d.schema[0].properties[0].logicalTypeOptions = { pattern: '^a' }),
      'schema[0].properties[0].logicalTypeOptions.pattern: the pattern of \'id\' was null and is "^a"',
    ],
    [
      'a shorter text',
      (d) => void (d.schema[0].properties[0].logicalTypeOptions = { maxLength: 5 }),
      "schema[0].properties[0].logicalTypeOptions.maxLength: of 'id' was none and is 5",
    ],
    [
      'a list of values',
      (d) => void (d.schema[0].properties[0].quality = [{ metric: 'invalidValues', mustBe: 0, arguments: { validValues: ['x'] } }]),
      'schema[0].properties[0].quality: of \'id\' refuses "any other"',
    ],
    [
      'texts that count as missing',
      (d) => void (d.schema[0].properties[0].quality = [{ metric: 'missingValues', mustBe: 0, arguments: { missingValues: ['-'] } }]),
      'schema[0].properties[0].quality: of \'id\' calls missing "-"',
    ],
    [
      'a null token',
      (d) => void (d.customProperties = [{ property: 'nullTokens', value: ['NA'] }]),
      'customProperties.nullTokens: what means no value was [] and is ["NA"]',
    ],
    [
      'another format',
      (d) => void (d.customProperties = [{ property: 'format', value: 'jsonl' }]),
      'customProperties.format: the format was "csv" and is "jsonl"',
    ],
    [
      'a promise about newlines',
      (d) => void (d.customProperties = [{ property: 'newlinesQuoted', value: false }]),
      'customProperties.newlinesQuoted: no field may hold a newline',
    ],
    ['another name', (d) => void (d.name = 'sales'), 'name: the name of the dataset was "orders" and is "sales"'],
    [
      'no primary key',
      (d) => void delete d.schema[0].properties[0].primaryKey,
      'schema[0].properties: the primary key was ["id"] and is []',
    ],
    [
      'a rule of the file',
      (d) => void (amount(d).unique = true),
      `${AMOUNT}.unique: duplicateValues of a file was anything and is mustBe 0 rows`,
    ],
  ])('needs a major version when it is %s [meaning 30]', (_what, change, expected) => {
    expect(changesOf(change)).toEqual([`major ${expected}`]);
  });

  test('needs a major version when a column is renamed: one goes, one comes [meaning 30]', () => {
    expect(changesOf((d) => void (amount(d).name = 'sum'))).toEqual([
      `major ${AMOUNT}: column 'amount' is gone`,
      `minor ${AMOUNT}: column 'sum' is new and needs no value`,
    ]);
  });

  test.each<[string, (d: Loose) => void, string]>([
    [
      'a new column that needs no value',
      (d) => void d.schema[0].properties.push({ name: 'a', logicalType: 'string' }),
      "schema[0].properties[2]: column 'a' is new and needs no value",
    ],
    [
      'a wider range',
      (d) => void delete amount(d).logicalTypeOptions.minimum,
      `${AMOUNT}.logicalTypeOptions.minimum: of 'amount' was 0 and is none`,
    ],
    [
      'a column that needs no value any more',
      (d) => void (amount(d).required = false),
      `${AMOUNT}.required: 'amount' needs no values any more`,
    ],
    [
      'more tolerance',
      (d) => void (d.schema[0].quality[0].mustBeGreaterThan = 5),
      'schema[0].quality[0]: rowCount of a file was mustBeGreaterThan 9 rows and is mustBeGreaterThan 5 rows',
    ],
    [
      'no rule of the file',
      (d) => void delete d.schema[0].quality,
      'schema[0].quality[0]: rowCount of a file was mustBeGreaterThan 9 rows and is anything',
    ],
    ['another order', (d) => void d.schema[0].properties.reverse(), 'schema[0].properties: the columns have another order'],
  ])('needs a minor version when it is %s [meaning 31]', (_what, change, expected) => {
    const first = (d: Loose) => {
      amount(d).required = true;
      d.schema[0].quality = [{ metric: 'rowCount', mustBeGreaterThan: 9 }];
    };
    expect(changesOf(change, first)).toEqual([`minor ${expected}`]);
  });

  test('is none when only words and limits of alarms differ [meaning 32]', () => {
    const change = (d: Loose) => {
      d.version = '7.0.0';
      d.description = { purpose: 'x' };
      d.slaProperties = [{ property: 'freshness', value: 1, unit: 'h' }];
      amount(d).classification = 'personal';
      d.team.name = 'other';
    };
    expect(changesOf(change)).toEqual([]);
  });

  test('of a rule is none when the same is said in other words', () => {
    const first = (d: Loose) => void (d.schema[0].quality = [{ metric: 'rowCount', mustBeGreaterThan: 9 }]);
    expect(changesOf((d) => void (d.schema[0].quality = [{ metric: 'rowCount', mustBeGreaterOrEqualTo: 10 }]), first)).toEqual([]);
  });
});

describe('the step of a version [D2]', () => {
  const tighter = (was: string, is: string, change: (d: Loose) => void = (d) => void (amount(d).required = true)) => {
    const [before, after] = [orders(), orders()];
    Object.assign(before, { version: was });
    Object.assign(after, { version: is });
    change(after);
    return versionObjections(contractOf(() => undefined, before)._rules, contractOf(() => undefined, after)._rules);
  };
  const looser = (d: Loose) => void delete amount(d).logicalTypeOptions;

  test.each([
    ['1.0.0', '2.0.0', 0, 0],
    ['1.9.9', '2.0.0', 0, 0],
    ['1.0', '2.0', 0, 0],
    ['1.0.0', '1.1.0', 1, 0],
    ['0.1.0', '0.2.0', 1, 0],
    ['1.0.0', '1.0.1', 1, 2],
    ['1.0.0', '1.0.0', 1, 2],
    ['2.0.0', '1.0.0', 1, 2],
    ['1.2.0', '1.1.0', 1, 2],
    ['draft', '2.0.0', 1, 2],
    ['1.0.0', 'two', 1, 2],
  ])('from %s to %s leaves %d objections to a tighter rule and %d to two looser ones [meaning 30, 31]', (was, is, ofTighter, ofLooser) => {
    expect([tighter(was, is).length, tighter(was, is, looser).length]).toEqual([ofTighter, ofLooser]);
  });

  test('is said with the place and what it should be', () => {
    expect(tighter('1.0.0', '1.1.0')).toEqual([
      `'${AMOUNT}.required' 'amount' must have values, which needs a new major version: "1.0.0" to "1.1.0" is a minor one`,
    ]);
    expect(tighter('1.1.0', '1.0.0')[0]).toContain('nobody can tell: write MAJOR.MINOR.PATCH, the newer one higher');
  });

  test('is never asked for when nothing that judges data changes', () => {
    expect(tighter('1.0.0', '1.0.0', () => undefined)).toEqual([]);
    expect(tighter('draft', 'draft', () => undefined)).toEqual([]);
  });
});

const word = fc.constantFrom('', 'NA', '-', 'a', 'b', 'ab', 'abc', '1', '2', '7', '1.5', '2013-02-28', 'true');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const some = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, of]) => of !== undefined)) as T;
const columnOf = (name: string): fc.Arbitrary<CompiledColumn> =>
  fc
    .record({
      name: fc.constant(name),
      type: fc.constantFrom('string', 'integer', 'number'),
      required: fc.boolean(),
      minimum: maybe(fc.integer({ min: 0, max: 3 })),
      maximum: maybe(fc.integer({ min: 3, max: 8 })),
      minLength: maybe(fc.nat(2)),
      maxLength: maybe(fc.integer({ min: 2, max: 4 })),
      pattern: maybe(fc.constantFrom('a', '^[a-z]+$', '1')),
      allowed: maybe(fc.uniqueArray(fc.constantFrom('a', 'b', 'ab', '1', '2'), { minLength: 1 })),
      missing: maybe(fc.uniqueArray(fc.constantFrom('-', 'b', '7'), { minLength: 1 })),
    })
    .map((column) => some(column) as CompiledColumn);
const contract = fc
  .record({ a: columnOf('a'), b: columnOf('b'), nullTokens: fc.constantFrom(['NA'], []) })
  .map(({ a, b, nullTokens }): CompiledContract => ({
    dataset: 'd',
    version: '1.0.0',
    format: 'csv',
    columns: [a, b],
    nullTokens,
    primaryKey: [],
  }));
/** Another version: some columns drawn again in part, one added. */
const mutation = fc.record({
  of: fc.constantFrom(0, 1),
  from: columnOf('x'),
  keys: fc.subarray(['type', 'required', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'allowed', 'missing'] as const, {
    maxLength: 3,
  }),
  nullTokens: maybe(fc.constantFrom(['NA'], ['NA', '-'], [])),
  added: maybe(columnOf('c')),
});
const mutate = (before: CompiledContract, { of, from, keys, nullTokens, added }: Loose): CompiledContract => {
  const columns = before.columns.map((column, i) =>
    i === of ? some({ ...column, ...Object.fromEntries(keys.map((key: string) => [key, from[key]])) }) : column,
  ) as CompiledColumn[];
  return { ...before, columns: added === undefined ? columns : [...columns, added], nullTokens: nullTokens ?? before.nullTokens };
};
const accepts = ({ columns, ...rest }: CompiledContract, record: Record<string, string>): boolean => {
  const checks = compileChecks({ columns, ...rest });
  return columns.every(({ name }, i) => checks[i](Buffer.from(record[name] ?? ''), 0, Buffer.byteLength(record[name] ?? '')) === undefined);
};
const needsMajor = (before: CompiledContract, after: CompiledContract) =>
  contractChanges(before, after).some(({ needs }) => needs === 'major');

describe('what is called compatible [D2, meaning 30, 31]', () => {
  test('takes each record that was valid before, whatever the change', () => {
    let [compatible, incompatible, broken, taken] = [0, 0, 0, 0];
    const record = fc.record({ a: word, b: word });
    fc.assert(
      fc.property(contract, mutation, fc.array(record, { minLength: 15, maxLength: 15 }), (before, change, records) => {
        const after = mutate(before, change);
        const lost = records.filter((values) => accepts(before, values) && !accepts(after, values));
        if (needsMajor(before, after)) {
          incompatible++;
          broken += lost.length > 0 ? 1 : 0;
        } else {
          expect(lost).toEqual([]);
          compatible++;
          taken += records.filter((values) => accepts(before, values)).length;
        }
      }),
      { numRuns: runs(3000) },
    );
    // Both verdicts are met often, and a "major" is not only a word: records do get lost by some.
    expect(Math.min(compatible, incompatible)).toBeGreaterThanOrEqual(seenAtLeast(250, 3000));
    expect(Math.min(broken, taken)).toBeGreaterThanOrEqual(seenAtLeast(100, 3000));
  });

  test('takes each file that was accepted before, as it was sent, and each of its records that was valid', () => {
    const seen = { widened: 0, valid: 0, rejected: 0 };
    fc.assert(
      fc.property(contract, mutation, fc.array(fc.record({ a: word, b: word }), { maxLength: 15 }), (before, change, records) => {
        const after = mutate(before, change);
        const file = ['a,b', ...records.map(({ a, b }) => `${a},${b}`), ''].join('\n');
        const refused = (judged: ReturnType<typeof judge>) => judged.quarantine.map(({ record }) => record);
        const [was, is] = [judge(before, file), judge(after, file)];
        seen.rejected += is.rejected === undefined ? 0 : 1;
        if (!needsMajor(before, after)) {
          expect([is.rejected, is.counts.read]).toEqual([undefined, was.counts.read]);
          expect(refused(was)).toEqual(expect.arrayContaining(refused(is)));
          seen.widened += after.columns.length > before.columns.length ? 1 : 0;
          seen.valid += is.counts.valid;
        }
      }),
      { numRuns: runs(3000) },
    );
    // A column that must have values is a reason to reject the file; one that need not is there, too.
    expect(Math.min(seen.widened, seen.rejected)).toBeGreaterThanOrEqual(seenAtLeast(50, 3000));
    expect(seen.valid).toBeGreaterThanOrEqual(seenAtLeast(50, 3000));
  });

  test('is so for one bound, list or demand at a time exactly when a value gets lost', () => {
    const values = ['', '-1', ...Array.from({ length: 12 }, (_, i) => String(i))];
    const column = fc.record({
      required: fc.boolean(),
      minimum: maybe(fc.integer({ min: 0, max: 3 })),
      maximum: maybe(fc.integer({ min: 4, max: 9 })),
      allowed: maybe(fc.uniqueArray(fc.constantFrom('4', '3'), { minLength: 1 })),
    });
    const key = fc.constantFrom('required', 'minimum', 'maximum', 'allowed');
    fc.assert(
      fc.property(column, column, key, (was, is, changedKey) => {
        const make = (of: object) =>
          ({
            dataset: 'd',
            version: '1',
            format: 'csv',
            nullTokens: [],
            primaryKey: [],
            columns: [some({ name: 'a', type: 'integer', ...of })],
          }) as unknown as CompiledContract;
        // Without a list the bounds alone decide, so that each of them shows.
        const base = changedKey === 'allowed' ? { required: was.required, allowed: was.allowed } : { ...was, allowed: undefined };
        const [before, after] = [make(base), make({ ...base, [changedKey]: (is as Loose)[changedKey] })];
        const lost = values.some((value) => accepts(before, { a: value }) && !accepts(after, { a: value }));
        expect(needsMajor(before, after)).toBe(lost);
      }),
      { numRuns: runs(1000) },
    );
  });

  test('takes each file that was accepted before, and only that: rules of files, tried on every count', () => {
    const rule = fc.record({ operator: fc.constantFrom(...OPERATORS), a: fc.nat(6), b: fc.integer({ min: 7, max: 9 }) }).map(
      ({ operator, a, b }) =>
        ({
          path: 'p',
          metric: 'rowCount',
          columns: [],
          unit: 'rows',
          operator,
          limits: operator.endsWith('Between') ? [a, b] : [a],
        }) as FileRule,
    );
    const rules = fc.array(rule, { maxLength: 2 });
    let majors = 0;
    fc.assert(
      fc.property(rules, rules, (was, is) => {
        const make = (fileRules: FileRule[]): CompiledContract => ({ ...contractOf()._rules, fileRules });
        const fine = (fileRules: FileRule[], valid: number) => brokenFileRules({ fileRules }, { valid }) === undefined;
        const lost = Array.from({ length: 30 }, (_, i) => i).some((valid) => fine(was, valid) && !fine(is, valid));
        expect(needsMajor(make(was), make(is))).toBe(lost);
        majors += lost ? 1 : 0;
      }),
      { numRuns: runs(1000) },
    );
    expect(majors).toBeGreaterThanOrEqual(seenAtLeast(100, 1000));
  });
});

describe('npm run contract -- diff [D2]', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'bin/contract.ts', ...args], { cwd: ROOT, encoding: 'utf8' });
  const other = join(tmpdir(), `contract-${process.pid}.odcs.yaml`);
  const write = (change: (text: string) => string) => writeFileSync(other, change(readFileSync(FLIGHTS, 'utf8')));

  test('names every change with its place and what it needs, and ends with 1 when the version does not allow them', () => {
    write((text) =>
      text.replace('maximum: 6000', 'maximum: 7000').replace('[EWR, JFK, LGA]', '[EWR, JFK]').replace('value: 25', 'value: 26'),
    );
    const { status, stdout, stderr } = run('diff', FLIGHTS, other);
    expect(stdout).toContain("major  'schema[0].properties[12].quality' of 'origin' refuses \"LGA\"");
    expect(stdout).toContain("minor  'schema[0].properties[15].logicalTypeOptions.maximum' of 'distance' was 6000 and is 7000");
    expect(stdout).toContain('none   limits of alarms were');
    expect(stdout).toContain('2 changes from 1.0.0 to 1.0.0, 2 of them not allowed by that step');
    expect(stderr).toContain('needs a new major version: "1.0.0" to "1.0.0" is none');
    expect(status).toBe(1);
  });

  test('ends with 0 when it does, and with 2 when it could not look', () => {
    write((text) => text.replace('version: 1.0.0', 'version: 2.0.0').replace('[EWR, JFK, LGA]', '[EWR, JFK]'));
    expect(run('diff', FLIGHTS, other).status).toBe(0);
    const missing = run('diff', FLIGHTS, '/nowhere.yaml');
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringContaining('the file does not exist')]);
    expect([run().status, run('diff', FLIGHTS).status]).toEqual([2, 2]);
  });
});
