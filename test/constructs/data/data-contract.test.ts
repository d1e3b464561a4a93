import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import Ajv2019 from 'ajv/dist/2019';
import { DataContract } from '../../../lib';
import { contractOf, fileOf, FLIGHTS, flightsWith, Loose, refusals, rulesOf } from './contracts';

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
