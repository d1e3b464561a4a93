import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import Ajv2019 from 'ajv/dist/2019';
import fc from 'fast-check';
import { DataContract } from '../../../lib';
import { compileChecks } from '../../../runtime/intake/rules';
import { column, contractOf, contractWith, fileOf, FLIGHTS, flightsWith, Loose, orders, refusals, rulesOf } from './contracts';

const first = (document: Loose) => document.schema[0].properties[0];
const amount = (document: Loose) => document.schema[0].properties[1];
const AMOUNT = 'schema[0].properties[1]';

describe('DataContract [D2]', () => {
  test('reads the contract of the example: dataset, owner, key, limits, and the rules that the validator applies [meaning 26]', () => {
    const contract = DataContract.fromFile(FLIGHTS);
    expect([contract.dataset, contract.version, contract.owner]).toEqual(['flights', '1.0.0', 'flight-data']);
    expect(contract.primaryKey).toEqual(['year', 'month', 'day', 'carrier', 'flight', 'origin']);
    expect([contract.freshness!.toHours(), contract.maxQuarantinePercent]).toEqual([25, 1]);
    const rules = rulesOf(contract);
    expect(Object.keys(rules)).toEqual(['dataset', 'version', 'format', 'columns', 'nullTokens', 'primaryKey', 'newlinesQuoted']);
    expect([rules.format, rules.nullTokens, rules.columns.length]).toEqual(['csv', ['NA'], 19]);
    expect(rules.columns.find(({ name }: Loose) => name === 'origin')).toEqual({
      name: 'origin',
      type: 'string',
      required: true,
      pattern: '^[A-Z]{3}$',
      allowed: ['EWR', 'JFK', 'LGA'],
    });
  });

  test('is identified by the rules that records are judged by: another limit of an alarm is the same contract', () => {
    const contract = DataContract.fromFile(FLIGHTS);
    expect(contract._hash).toBe(createHash('sha256').update(contract._json).digest('hex'));
    expect(flightsWith((d) => (d.slaProperties[0].value = 30))._hash).toBe(contract._hash);
    expect(flightsWith((d) => (d.customProperties[3].value = 5))._hash).toBe(contract._hash);
    expect(flightsWith((d) => (d.description.purpose = 'other'))._hash).toBe(contract._hash);
    expect(flightsWith((d) => (d.version = '1.0.1'))._hash).not.toBe(contract._hash);
    expect(flightsWith((d) => (d.customProperties[1].value = ['NULL']))._hash).not.toBe(contract._hash);
  });

  test('has no limit that the document does not state, and csv without null tokens by default', () => {
    const contract = contractOf();
    expect([contract.freshness, contract.maxQuarantinePercent]).toEqual([undefined, undefined]);
    expect(rulesOf(contract)).toEqual({
      dataset: 'orders',
      version: '1.0.0',
      format: 'csv',
      columns: [
        { name: 'id', type: 'string', required: true },
        { name: 'amount', type: 'number', required: false, minimum: 0, maximum: 1000 },
      ],
      nullTokens: [],
      primaryKey: ['id'],
    });
  });

  test('names its dataset after the name, and after the id when there is none', () => {
    expect(contractOf((d) => (d.name = 'big-orders')).dataset).toBe('big-orders');
    expect(contractOf((d) => (d.id = '53581432-6c55-4ba2-a65f-72344a91553a')).dataset).toBe('53581432-6c55-4ba2-a65f-72344a91553a');
  });

  test('prints as its file', () => {
    expect(`${DataContract.fromFile(FLIGHTS)}`).toBe(FLIGHTS);
  });
});

describe('the vendored schema of the standard [D2]', () => {
  const text = readFileSync(`${__dirname}/../../../lib/constructs/data/data-contract/odcs-v3.1.0.json`, 'utf8');

  test('is the one that its notice names', () => {
    const notice = readFileSync(`${__dirname}/../../../lib/constructs/data/data-contract/odcs-v3.1.0.NOTICE.md`, 'utf8');
    expect(notice).toContain(createHash('sha256').update(text).digest('hex'));
  });

  test('is a valid schema: contracts are read without checking that again', () => {
    expect(new Ajv2019({ strict: false }).validateSchema(JSON.parse(text))).toBe(true);
  });
});

describe('a document that is none', () => {
  test.each([
    ['that is not there', () => '/nowhere/contract.yaml', 'the file does not exist: give the path of a contract'],
    ['that is a folder', () => mkdtempSync(`${tmpdir()}/folder-`), 'the file does not exist: give the path of a contract'],
    ['that is no YAML', () => fileOf('a: [1'), 'the file is no YAML: Flow sequence in block collection'],
    ['that has a key twice', () => fileOf('id: a\nid: b'), 'the file is no YAML: Map keys must be unique at line 2, column 1'],
    ['that is empty', () => fileOf(''), 'the contract must be object, got null'],
    ['that is a list', () => fileOf('- a'), 'the contract must be object, got ["a"]'],
  ])('fails on a file %s, and names it', (_what, make, message) => {
    const file = make();
    let thrown = '';
    try {
      DataContract.fromFile(file);
    } catch (error) {
      thrown = (error as Error).message;
    }
    expect(thrown).toMatch(/^InvalidDataContract: /);
    expect(thrown).toContain(message);
    expect(thrown.endsWith(`[in ${file}]`)).toBe(true);
  });

  test('fails with every problem of schema and sense at once, each by its place', () => {
    const problems = refusals((d) => {
      delete d.version;
      d.team = {};
      d.owner = 'shop';
      first(d).requried = true;
      amount(d).name = 'id';
      amount(d).logicalTypeOptions = { minimum: 5, maximum: 4 };
    });
    expect(problems).toEqual([
      "'version' is missing",
      expect.stringContaining("'owner' is unknown to the standard: known here are version, kind"),
      "'schema[0].properties[0].requried' is unknown to the standard: did you mean 'required'?",
      "'team.name' is missing: it names the team that owns the data",
      '\'schema[0].properties[1].name\' "id" is the name of schema[0].properties[0] already: names must differ',
      "'schema[0].properties[1].logicalTypeOptions' has an empty range: nothing is at least 5 and at most 4",
    ]);
  });
});

describe('what the schema of the standard refuses is said in words', () => {
  test.each<[string, (d: Loose) => void, string[]]>([
    ['a number as version', (d) => (d.version = 1), ["'version' must be string, got 1"]],
    ['another kind', (d) => (d.kind = 'Contract'), ['\'kind\' must be one of DataContract, got "Contract"']],
    ['a schema that is no list', (d) => (d.schema = 3), ["'schema' must be array, got 3"]],
    ['a team that is a text', (d) => (d.team = 'shop'), ['\'team\' has none of the forms that the standard allows, got "shop"']],
    ['a member without name', (d) => (d.team = [{}]), ["'team[0].username' is missing", expect.stringContaining("'team.name' is missing")]],
    [
      'a bound of the wrong type',
      (d) => (amount(d).logicalTypeOptions.minimum = 'a'),
      [`'${AMOUNT}.logicalTypeOptions.minimum' must be number, got "a"`],
    ],
    [
      'an option of another type',
      (d) => (amount(d).logicalTypeOptions = { pattern: 'a' }),
      [
        `'${AMOUNT}.logicalTypeOptions.pattern' is unknown to the standard: known here are multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum, format`,
      ],
    ],
    [
      'a rule without operator',
      (d) => (amount(d).quality = [{ metric: 'nullValues' }]),
      [expect.stringMatching(/quality\[0\]' needs exactly one of mustBe, mustNotBe, .*mustNotBeBetween$/)],
    ],
    [
      'arguments that are none, and not on what follows from that',
      (d) => (d.schema[0].quality = [{ metric: 'duplicateValues', mustBe: 0, arguments: 3 }]),
      ["'schema[0].quality[0].arguments' must be object, got 3"],
    ],
    [
      'a metric that is none',
      (d) => (amount(d).quality = [{ metric: 'nulls', mustBe: 0 }]),
      [`'${AMOUNT}.quality[0].metric' must be one of nullValues, missingValues, invalidValues, duplicateValues, rowCount, got "nulls"`],
    ],
    [
      'a list as a service level',
      (d) => (d.slaProperties = [{ property: 'retention', value: [1] }]),
      ["'slaProperties[0].value' has none of the forms that the standard allows, got [1]"],
    ],
  ])('and fails on %s', (_what, change, expected) => {
    expect(refusals(change)).toEqual(expected);
  });
});

describe('nonsense that the standard accepts [meaning 4, 26, 29]', () => {
  test.each<[string, (d: Loose) => void, string]>([
    ['no schema', (d) => delete d.schema, "'schema' is missing or empty: say what a record must be"],
    ['an empty schema', (d) => (d.schema = []), "'schema' is missing or empty: say what a record must be"],
    ['two objects', (d) => d.schema.push({ name: 'other' }), "'schema' must have one object, got 2"],
    ['no columns', (d) => (d.schema[0].properties = []), "'schema[0].properties' is empty: say what columns a record has"],
    ['no team', (d) => delete d.team, "'team.name' is missing: it names the team that owns the data"],
    ['a team without name', (d) => (d.team = { members: [] }), "'team.name' is missing"],
    ['a blank owner', (d) => (d.team = { name: ' ' }), "'team.name' is missing"],
    ['the older form of a team', (d) => (d.team = [{ username: 'a' }]), "'team.name' is missing"],
    ['a blank version', (d) => (d.version = ' '), "'version' is empty"],
    ['a name that is no prefix', (d) => (d.name = 'My Orders'), "'name' must be 1 to 63 lower-case letters, digits and inner hyphens"],
    ['a name of 64 characters', (d) => (d.name = 'x'.repeat(64)), "'name' must be 1 to 63"],
    ['a name that ends in a hyphen', (d) => (d.name = 'a-'), "'name' must be 1 to 63"],
    ['an id that is no prefix', (d) => (d.id = 'urn:a'), "'id' must be 1 to 63"],
    ['the name that manifests have', (d) => (d.name = 'datasets'), "not 'datasets'"],
    ['no type', (d) => delete amount(d).logicalType, `'${AMOUNT}.logicalType' is missing: give one of string, integer, number`],
    ['a type of no field', (d) => (amount(d).logicalType = 'array'), `'${AMOUNT}.logicalType' must be one of string, integer, number`],
    ['a misspelt type', (d) => (amount(d).logicalType = 'interger'), "did you mean 'integer'?"],
    ['a comma in a name', (d) => (first(d).name = 'a,b'), "'schema[0].properties[0].name' must be a text without commas, quotes"],
    ['a space before a name', (d) => (first(d).name = ' a'), 'outer spaces, got " a"'],
    ['a newline in a name', (d) => (first(d).name = 'a\nb'), 'control characters'],
    ['an empty name', (d) => (first(d).name = ''), "'schema[0].properties[0].name' must be a text"],
    ['another physical name', (d) => (first(d).physicalName = 'ID'), "'schema[0].properties[0].physicalName' must equal 'name'"],
    ['options of a boolean', (d) => Object.assign(amount(d), { logicalType: 'boolean' }), 'a boolean has no options'],
  ])('fails on %s', (_what, change, message) => {
    const problems = refusals(change);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('; ')).toContain(message);
  });

  test.each([1, 63])('accepts a name of %d characters', (length) => {
    expect(contractOf((d) => (d.name = 'x'.repeat(length))).dataset).toHaveLength(length);
  });

  test('accepts a unique column that is the primary key, and a physical name that equals the name', () => {
    expect(refusals((d) => Object.assign(first(d), { unique: true, physicalName: 'id' }))).toEqual([]);
  });
});

describe('options of a type', () => {
  const text = (options: object, rest: object = {}) => contractWith(column('a', 'string', { logicalTypeOptions: options, ...rest }));
  const other = (logicalType: string, logicalTypeOptions: object) => contractWith(column('a', logicalType, { logicalTypeOptions }));
  const ruleOf = (contract: DataContract) => rulesOf(contract).columns[1];

  test.each([
    ['minLength above maxLength', { minLength: 3, maxLength: 2 }, "maxLength' must be at least 3, got 2: no text could be valid"],
    ['a maxLength of 0', { maxLength: 0 }, "maxLength' must be at least 1, got 0"],
    ['an open bracket', { pattern: '[a' }, "pattern' is no regular expression of ECMAScript with the flag 'u': Invalid regular expression"],
    ['an escape that the flag u refuses', { pattern: '\\_' }, "pattern' is no regular expression"],
    ['a slow pattern', { pattern: '^(\\w+\\s?)*$', maxLength: 20 }, "pattern' may take a time that grows faster than the text"],
    ['a format', { format: 'email' }, "format' cannot be checked here: say it with 'pattern', got \"email\""],
  ])('fail on a text with %s', (_what, options, message) => {
    expect(() => text(options)).toThrow(message);
  });

  test('hold the lengths of a text at both edges', () => {
    expect(ruleOf(text({ minLength: 2, maxLength: 2, pattern: '^a' }))).toMatchObject({ minLength: 2, maxLength: 2, pattern: '^a' });
    expect(ruleOf(text({ minLength: 0, maxLength: 1 }))).toMatchObject({ minLength: 0, maxLength: 1 });
  });

  test.each([
    [
      { exclusiveMinimum: 0, exclusiveMaximum: 10 },
      { minimum: 1, maximum: 9 },
    ],
    [{ exclusiveMinimum: 0.5 }, { minimum: 1 }],
    [
      { minimum: 0.5, maximum: 9.5 },
      { minimum: 1, maximum: 9 },
    ],
    [{ format: 'i8' }, { minimum: -128, maximum: 127 }],
    [
      { format: 'u16', maximum: 10 },
      { minimum: 0, maximum: 10 },
    ],
    [
      { format: 'i64', minimum: 0, maximum: 9007199254740991 },
      { minimum: 0, maximum: 9007199254740991 },
    ],
    [
      { minimum: 5, maximum: 5 },
      { minimum: 5, maximum: 5 },
    ],
  ])('of an integer, %j, become whole bounds [meaning 5, 6]', (options, expected) => {
    const { name, type, required, ...bounds } = ruleOf(other('integer', options));
    expect([name, type, required, bounds]).toEqual(['a', 'integer', false, expected]);
  });

  test.each([
    ['integer', { minimum: 2.2, maximum: 2.8 }, "logicalTypeOptions' has an empty range: nothing is at least 3 and at most 2"],
    ['integer', { exclusiveMinimum: 1, exclusiveMaximum: 2 }, 'nothing is at least 2 and at most 1'],
    ['integer', { format: 'u8', minimum: 256 }, 'nothing is at least 256 and at most 255'],
    ['integer', { format: 'i64' }, "format' 'i64' holds integers beyond 9007199254740991"],
    ['integer', { format: 'u64', minimum: 0 }, "format' 'u64' holds integers beyond"],
    ['integer', { maximum: 9007199254740992 }, "maximum' must be between -9007199254740991 and 9007199254740991"],
    ['integer', { multipleOf: 5 }, "multipleOf' cannot be checked here"],
    ['number', { minimum: 1.5, maximum: 1.4 }, 'nothing is at least 1.5 and at most 1.4'],
    ['number', { exclusiveMinimum: 2, maximum: 2 }, 'nothing is at least 2.0000000000000004 and at most 2'],
    ['number', { exclusiveMaximum: 0, minimum: 0 }, 'nothing is at least 0 and at most -5e-324'],
    ['number', { exclusiveMinimum: Number.MAX_VALUE }, 'nothing is at least Infinity and at most Infinity'],
    ['date', { format: 'dd.MM.yyyy' }, "format' must be 'yyyy-MM-dd', got \"dd.MM.yyyy\""],
    ['date', { minimum: '2020-01-01' }, "minimum' cannot be checked here: bounds of times are not compared"],
    ['timestamp', { format: 'yyyy-MM-dd HH:mm:ss' }, "format' must be 'yyyy-MM-dd'T'HH:mm:ssX'"],
    ['timestamp', { timezone: false }, "timezone' does not fit: every timestamp must carry its offset"],
    ['timestamp', { defaultTimezone: 'Etc/UTC' }, "defaultTimezone' does not fit"],
  ])('fail on %s with %j [meaning 5, 6, 9]', (type, options, message) => {
    expect(() => other(type, options)).toThrow(message);
  });

  test.each([
    ['number', { format: 'f64' }, {}],
    ['number', { exclusiveMinimum: -1, exclusiveMaximum: 1 }, { minimum: -0.9999999999999999, maximum: 0.9999999999999999 }],
    ['number', { format: 'f32' }, { minimum: -3.4028234663852886e38, maximum: 3.4028234663852886e38 }],
    ['date', { format: 'yyyy-MM-dd' }, {}],
    ['timestamp', { format: "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", timezone: true, defaultTimezone: 'Etc/UTC' }, {}],
  ])('of %s, %j, are understood', (type, options, expected) => {
    expect(ruleOf(other(type, options))).toEqual({ name: 'a', type, required: false, ...expected });
  });

  test('of an integer are refused exactly when no whole number fits', () => {
    const bound = fc.integer({ min: -40, max: 40 }).map((n) => n / 4);
    fc.assert(
      fc.property(bound, bound, fc.boolean(), fc.boolean(), (low, high, openLow, openHigh) => {
        const options = { [openLow ? 'exclusiveMinimum' : 'minimum']: low, [openHigh ? 'exclusiveMaximum' : 'maximum']: high };
        const fits = (n: number) => (openLow ? n > low : n >= low) && (openHigh ? n < high : n <= high);
        const whole = Array.from({ length: 41 }, (_, i) => i - 20).filter(fits);
        const problems = refusals((d) => d.schema[0].properties.splice(1, 1, column('a', 'integer', { logicalTypeOptions: options })));
        expect(problems.length > 0).toBe(whole.length === 0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the primary key', () => {
  const keyed = (...positions: (number | undefined)[]) =>
    contractOf((d) => {
      d.schema[0].properties = positions.map((primaryKeyPosition, i) =>
        column(`c${i}`, 'string', {
          required: true,
          primaryKey: true,
          ...(primaryKeyPosition === undefined ? {} : { primaryKeyPosition }),
        }),
      );
    });

  test('has the order of its positions, or of the columns when it gives none [meaning 28]', () => {
    expect(keyed(2, 3, 1).primaryKey).toEqual(['c2', 'c0', 'c1']);
    expect(keyed(undefined, undefined).primaryKey).toEqual(['c0', 'c1']);
    expect(keyed(-1, -1).primaryKey).toEqual(['c0', 'c1']);
    expect(keyed(...Array.from({ length: 11 }, (_, i) => 11 - i)).primaryKey[0]).toBe('c10');
  });

  test.each([
    ['a gap', [1, 3], "1 to 2, each once, to the primary key's columns, got 1, 3"],
    ['a position twice', [1, 1], 'got 1, 1'],
    ['a position from 0', [0, 1], 'got 0, 1'],
    ['a position for some only', [1, undefined], 'got 1, none'],
  ])('fails on %s', (_what, positions, message) => {
    expect(() => keyed(...positions)).toThrow(message);
  });

  test('fails on a position of a column that is not in it, and on a column that may have no value', () => {
    expect(refusals((d) => (amount(d).primaryKeyPosition = 1))).toEqual([
      `'${AMOUNT}.primaryKeyPosition' needs 'primaryKey: true': add it, or leave the position out`,
    ]);
    expect(refusals((d) => delete first(d).required)).toEqual([
      '\'schema[0].properties[0].required\' must be true for "id": a primary key without value identifies nothing',
    ]);
  });

  test('may be left out', () => {
    expect(contractOf((d) => delete first(d).primaryKey).primaryKey).toEqual([]);
  });
});

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
