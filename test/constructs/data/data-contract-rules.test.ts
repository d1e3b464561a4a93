import fc from 'fast-check';
import { compileChecks } from '../../../runtime/intake/rules';
import { column, contractOf, contractWith, Loose, orders, refusals, rulesOf } from './contracts';

const first = (document: Loose) => document.schema[0].properties[0];
const amount = (document: Loose) => document.schema[0].properties[1];
const AMOUNT = 'schema[0].properties[1]';

describe('quality rules', () => {
  const ruled = (rule: object, type = 'string', rest: object = {}) => column('a', type, { quality: [{ mustBe: 0, ...rule }], ...rest });
  const ruleOf = (rule: object, type?: string, rest?: object) => rulesOf(contractWith(ruled(rule, type, rest))).columns[1];
  const values = (validValues: unknown) => ({ metric: 'invalidValues', arguments: { validValues } });

  test('make a column required, or give its values or its pattern', () => {
    expect(ruleOf({ metric: 'nullValues' }).required).toBe(true);
    expect(ruleOf({ metric: 'missingValues' }).required).toBe(true);
    expect(ruleOf({ metric: 'missingValues', arguments: { missingValues: [null, ''] } }).required).toBe(true);
    expect(ruleOf({ metric: 'missingValues', arguments: { missingValues: ['NA', ''] } })).toMatchObject({
      required: true,
      missing: ['NA'],
    });
    expect(ruleOf(values(['x', 'y']))).toMatchObject({ required: false, allowed: ['x', 'y'] });
    expect(ruleOf(values([1, 2]), 'integer').allowed).toEqual(['1', '2']);
    expect(ruleOf(values([true]), 'boolean').allowed).toEqual(['true']);
    expect(ruleOf({ metric: 'invalidValues', arguments: { pattern: '^x' }, type: 'library', severity: 'error' }).pattern).toBe('^x');
    const both = column('a', 'string', {
      quality: [
        { ...values(['x']), mustBe: 0 },
        { metric: 'nullValues', mustBe: 0 },
      ],
    });
    expect(rulesOf(contractWith(both)).columns[1]).toMatchObject({ required: true, allowed: ['x'] });
  });

  test('know the null tokens of the contract', () => {
    const missing = ruled({ metric: 'missingValues', arguments: { missingValues: ['NA'] } });
    const change = (d: Loose) => {
      d.schema[0].properties.push(missing);
      d.customProperties = [{ property: 'nullTokens', value: ['NA'] }];
    };
    expect(refusals(change)).toEqual([]);
  });

  test('confirm the primary key', () => {
    expect(refusals((d) => (first(d).quality = [{ metric: 'duplicateValues', mustBe: 0 }]))).toEqual([]);
    const ofObject = { metric: 'duplicateValues', mustBe: 0, arguments: { properties: ['id'] } };
    expect(refusals((d) => (d.schema[0].quality = [ofObject]))).toEqual([]);
  });

  test.each<[string, object, string, string]>([
    ['a text for people', { type: 'text', mustBe: undefined }, 'string', "type' 'text' cannot be checked here: a text is for people"],
    ['SQL', { type: 'sql', query: 'SELECT 1' }, 'string', "type' 'sql' cannot be checked here: there is no database to ask"],
    [
      'another engine',
      { type: 'custom', engine: 'soda', implementation: 'x', mustBe: undefined },
      'string',
      "type' 'custom' cannot be checked here: rules of other engines are not run",
    ],
    ['no metric', { mustBe: undefined, description: 'x' }, 'string', "metric' is missing: use nullValues"],
    ['a number as text', { metric: 'nullValues', mustBe: '0' }, 'string', 'mustBe\' must be a whole number of rows, at least 0, got "0"'],
    ['a warning', { metric: 'nullValues', severity: 'warning' }, 'string', "severity' must be 'error', got \"warning\""],
    [
      'a count of rows',
      { metric: 'rowCount' },
      'string',
      "metric' 'rowCount' counts records: give it to the object, beside its properties",
    ],
    ['nothing invalid', { metric: 'invalidValues' }, 'string', "arguments' must have 'validValues' or 'pattern'"],
    ['an empty list', values([]), 'string', "validValues' must be a list of at least one value"],
    ['a list that is none', values('x'), 'string', "validValues' must be a list of at least one value"],
    ['values of another type', values(['x', 1]), 'integer', 'validValues\' has "x", which is no value of type integer'],
    ['objects as values', values([{}]), 'string', "validValues' has {}, which is no value of type string"],
    ['the empty text as a value', values(['']), 'string', 'validValues\' has "", which is no value of type string'],
    ['a list for decimals', values([1.5]), 'number', 'cannot be checked for a number, whose values have several spellings'],
    ['a wrong pattern', { metric: 'invalidValues', arguments: { pattern: '(' } }, 'string', "pattern' is no regular expression"],
    ['a slow pattern', { metric: 'invalidValues', arguments: { pattern: '(a+)+$' } }, 'string', "pattern' may take a time that grows"],
    ['a pattern that is no text', { metric: 'invalidValues', arguments: { pattern: 1 } }, 'string', "arguments.pattern' must be a text"],
    [
      'an unknown argument',
      { metric: 'invalidValues', arguments: { values: [1] } },
      'string',
      "arguments.values' is unknown: allowed are validValues, pattern",
    ],
    ['an argument where none is', { metric: 'nullValues', arguments: { x: 1 } }, 'string', "arguments.x' is unknown: allowed is none"],
  ])('are never skipped: fails on %s', (_what, rule, type, message) => {
    const defined = Object.fromEntries(Object.entries({ mustBe: 0, ...rule }).filter(([, value]) => value !== undefined));
    const problems = refusals((d) => d.schema[0].properties.push(column('a', type, { quality: [defined] })));
    expect(problems.join('; ')).toContain(`schema[0].properties[2].quality[0]`);
    expect(problems.join('; ')).toContain(message);
  });

  test('fail on the whole object when they are about a column', () => {
    const problems = refusals((d) => (d.schema[0].quality = [{ metric: 'nullValues', mustBe: 0 }]));
    expect(problems).toEqual(["'schema[0].quality[0].metric' 'nullValues' counts values of one column: give it to a column"]);
  });

  test('fail on a second list or pattern, also beside that of the type', () => {
    const twice = [values(['x']), values(['y'])].map((rule) => ({ ...rule, mustBe: 0 }));
    expect(refusals((d) => d.schema[0].properties.push(column('a', 'string', { quality: twice }))).join()).toContain(
      "quality[1]' gives a second list of values",
    );
    const pattern = { metric: 'invalidValues', mustBe: 0, arguments: { pattern: 'b' } };
    const beside = column('a', 'string', { quality: [pattern], logicalTypeOptions: { pattern: 'a' } });
    expect(refusals((d) => d.schema[0].properties.push(beside)).join()).toContain('gives a second pattern beside that of the type options');
  });

  test.each([
    ['the pattern', 'string', ['AB', 'x'], { pattern: '^[A-Z]+$' }, 'x'],
    ['the least length', 'string', ['AB', 'x'], { minLength: 2 }, 'x'],
    ['the greatest length', 'string', ['AB', 'x'], { maxLength: 1 }, 'AB'],
    ['the range', 'integer', [1, 7], { maximum: 6 }, '7'],
  ])('fail on a value that %s of its column refuses', (_what, type, allowed, logicalTypeOptions, refused) => {
    const quality = [{ ...values(allowed), mustBe: 0 }];
    const problems = refusals((d) => d.schema[0].properties.push(column('a', type, { logicalTypeOptions, quality })));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`quality' allows ${JSON.stringify(refused)}, which a null token, a missing value, the pattern`);
  });

  test('fail on a value that is a null token', () => {
    const change = (d: Loose) => {
      d.schema[0].properties.push(ruled(values(['NA', 'x'])));
      d.customProperties = [{ property: 'nullTokens', value: ['NA'] }];
    };
    expect(refusals(change).join()).toContain('allows "NA", which a null token');
  });

  test('allow only what the validator then accepts [meaning 7]', () => {
    const word = fc.string({ minLength: 1, maxLength: 4 });
    const lists = fc.uniqueArray(word, { minLength: 1, maxLength: 5 });
    const limits = fc.record({ minLength: fc.nat(3), maxLength: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(lists, limits, fc.array(word, { maxLength: 2 }), (allowed, logicalTypeOptions, nullTokens) => {
        const document = orders();
        document.schema[0].properties.push(
          column('a', 'string', { logicalTypeOptions, required: true, quality: [{ ...values(allowed), mustBe: 0 }] }),
        );
        document.customProperties = [{ property: 'nullTokens', value: nullTokens }];
        fc.pre(logicalTypeOptions.minLength <= logicalTypeOptions.maxLength);
        const refused = allowed.filter((value) => {
          const { maxLength, minLength } = logicalTypeOptions;
          return nullTokens.includes(value) || [...value].length < minLength || [...value].length > maxLength;
        });
        const problems = refusals(() => undefined, document);
        expect(problems.length > 0).toBe(refused.length > 0);
        if (refused.length === 0) {
          const check = compileChecks(rulesOf(contractOf(() => undefined, document)))[2];
          allowed.forEach((value) => expect(check(Buffer.from(value), 0, Buffer.byteLength(value))).toBeUndefined());
        }
      }),
      { numRuns: 80 },
    );
  });
});

describe('custom properties', () => {
  const custom =
    (...entries: [string, unknown][]) =>
    (d: Loose) =>
      (d.customProperties = entries.map(([property, value]) => ({ property, value })));

  test('give format and null tokens', () => {
    const rules = rulesOf(contractOf(custom(['format', 'jsonl'], ['nullTokens', ['NA', '-']], ['newlinesQuoted', false])));
    expect([rules.format, rules.nullTokens]).toEqual(['jsonl', ['NA', '-']]);
  });

  test.each([
    ['false', [['newlinesQuoted', false]], false],
    ['true, the default', [['newlinesQuoted', true]], undefined],
    ['left out', [], undefined],
    [
      'false for JSON Lines, which has no quoted newlines anyway',
      [
        ['newlinesQuoted', false],
        ['format', 'jsonl'],
      ],
      undefined,
    ],
  ] as [string, [string, unknown][], boolean | undefined][])('newlinesQuoted %s', (_, entries, compiled) => {
    expect(rulesOf(contractOf(custom(...entries))).newlinesQuoted).toBe(compiled);
  });

  test.each<[string, [string, unknown][], string]>([
    ['a name that is unknown', [['colour', 1]], "'customProperties[0].property' 'colour' is unknown: allowed are format, nullTokens"],
    ['a misspelt name', [['nulltokens', []]], "'nulltokens' is unknown: did you mean 'nullTokens'?"],
    [
      'a name twice',
      [
        ['format', 'csv'],
        ['format', 'csv'],
      ],
      "'customProperties[1].property' 'format' is given twice",
    ],
    ['another format', [['format', 'parquet']], "'customProperties[0].value' of 'format' must be csv or jsonl, got \"parquet\""],
    ['a null token that is no list', [['nullTokens', 'NA']], "of 'nullTokens' must be a list of texts"],
    ['a null token that is a number', [['nullTokens', [-1]]], "of 'nullTokens' must be a list of texts"],
    ['an empty null token', [['nullTokens', ['']]], "of 'nullTokens' must be a list of texts that are not empty"],
    ['less than no quarantine', [['maxQuarantinePercent', -0.1]], "of 'maxQuarantinePercent' must be a number from 0 to 100, got -0.1"],
    ['more than all in quarantine', [['maxQuarantinePercent', 100.1]], 'must be a number from 0 to 100, got 100.1'],
    ['a percentage as text', [['maxQuarantinePercent', '1']], 'must be a number from 0 to 100, got "1"'],
    ['newlinesQuoted that is no boolean', [['newlinesQuoted', 'no']], "of 'newlinesQuoted' must be true or false"],
    [
      'quoted newlines in JSON Lines',
      [
        ['format', 'jsonl'],
        ['newlinesQuoted', true],
      ],
      'must be false for jsonl',
    ],
  ])('fail on %s', (_what, entries, message) => {
    expect(refusals(custom(...entries)).join('; ')).toContain(message);
  });

  test.each([0, 100])('accept %d percent in quarantine [meaning 22]', (percent) => {
    expect(contractOf(custom(['maxQuarantinePercent', percent])).maxQuarantinePercent).toBe(percent);
  });

  test('fail where nobody reads them, and leave those of others alone', () => {
    const own = { property: 'nullTokens', value: [] };
    expect(refusals((d) => (amount(d).customProperties = [own])).join()).toContain(
      `'${AMOUNT}.customProperties[0]' 'nullTokens' is read only at the top of the contract`,
    );
    expect(refusals((d) => (d.schema[0].customProperties = [own])).join()).toContain("'schema[0].customProperties[0]' 'nullTokens'");
    expect(refusals((d) => (amount(d).customProperties = [{ property: 'catalogId', value: 7 }]))).toEqual([]);
  });
});

describe('freshness', () => {
  const level = (entry: object) => (d: Loose) => (d.slaProperties = [{ property: 'freshness', ...entry }]);

  test.each([
    [{ value: 1, unit: 'h' }, 1],
    [{ value: 1.5, unit: 'hours' }, 1.5],
    [{ value: 7, unit: 'd' }, 168],
    [{ value: 365, unit: 'days' }, 8760],
    [{ value: 2, unit: 'd', element: 'orders' }, 48],
  ])('%j is %d hours [meaning 23]', (entry, hours) => {
    expect(contractOf(level(entry)).freshness!.toHours({ integral: false })).toBe(hours);
  });

  test.each([
    [{ value: 0.9, unit: 'h' }, "'slaProperties[0].value' must be between 1 hour and 365 days, got 0.9 h"],
    [{ value: 366, unit: 'd' }, 'must be between 1 hour and 365 days, got 366 d'],
    [{ value: '25', unit: 'h' }, 'must be between 1 hour and 365 days, got "25" h'],
    [{ value: 1, unit: 'w' }, '\'slaProperties[0].unit\' must be one of h, hr, hour, hours, d, day, days, got "w"'],
    [{ value: 1 }, "'slaProperties[0].unit' must be one of h, hr, hour, hours, d, day, days, got none"],
    [{ value: 1, unit: 'd', element: 'orders.amount' }, "'slaProperties[0].element' must be 'orders' or left out"],
  ])('fails on %j', (entry, message) => {
    expect(refusals(level(entry)).join('; ')).toContain(message);
  });

  test('fails when it is given twice, or under a misspelt name', () => {
    const entry = { property: 'freshness', value: 1, unit: 'd' };
    expect(refusals((d) => (d.slaProperties = [entry, entry]))).toEqual(["'slaProperties[1]' is a second freshness: keep one"]);
    expect(refusals((d) => (d.slaProperties = [{ ...entry, property: 'freshnes' }])).join()).toContain("did you mean 'freshness'?");
    expect(refusals((d) => (d.slaProperties = [{ ...entry, property: 'speed' }])).join()).toContain(
      'known are freshness, latency, throughput, availability',
    );
  });

  test('stands beside the other service levels of the standard, which are for people', () => {
    expect(refusals((d) => (d.slaProperties = [{ property: 'retention', value: 4, unit: 'y' }]))).toEqual([]);
  });
});
