import fc from 'fast-check';
import { STANDARDS } from '../../../lib/constructs/data/data-contract/contract-version';
import { TERMS } from '../../../lib/constructs/data/data-contract/contract-terms';
import { lexicalTest, numberAt } from '../../../runtime/intake/lexical';
import { runs } from '../../support/property-runs';
import { column, contractOf, Loose, orders, refusals, rulesOf } from './contracts';

type Place = keyof typeof TERMS;

/** Names of the properties that a part may have, wherever its schema takes them from. */
function namesOf(schema: Loose, root: Loose): string[] {
  const at = (reference: string) =>
    reference
      .slice(2)
      .split('/')
      .reduce((node, step) => node[step], root);
  const inner = [schema.then, schema.else, schema.$ref && at(schema.$ref)].filter(Boolean);
  const listed = ['allOf', 'anyOf', 'oneOf'].flatMap((name) => schema[name] ?? []);
  return [...Object.keys(schema.properties ?? {}), ...[...inner, ...listed].flatMap((part) => namesOf(part, root))];
}

const schemasOf = (root: Loose): Record<Place, Loose> => ({
  document: root,
  object: root.$defs.SchemaObject,
  property: root.$defs.SchemaProperty,
  quality: root.$defs.DataQuality,
  level: root.$defs.ServiceLevelAgreementProperty,
  server: root.$defs.Server,
});

const treated = (place: Place, how: (treatment: string) => boolean): string[] =>
  Object.entries(TERMS[place]).flatMap(([name, treatment]) => (how(treatment) ? name : []));

const RULE = { metric: 'nullValues', mustBeLessThan: 5 };
const LEVEL = { property: 'freshness', value: 2, unit: 'h' };
/** A contract that has each part, and where that part is. */
const full = (): Loose => {
  const document = orders();
  document.schema[0].properties.push(column('a', 'string', { quality: [{ ...RULE }] }));
  document.slaProperties = [{ ...LEVEL }];
  document.servers = [{ server: 's', type: 'local', path: '.', format: 'csv' }];
  return document;
};
const PARTS: Record<Place, [path: string, of: (d: Loose) => Loose]> = {
  document: ['', (d) => d],
  object: ['schema[0].', (d) => d.schema[0]],
  property: ['schema[0].properties[2].', (d) => d.schema[0].properties[2]],
  quality: ['schema[0].properties[2].quality[0].', (d) => d.schema[0].properties[2].quality[0]],
  level: ['slaProperties[0].', (d) => d.slaProperties[0]],
  server: ['servers[0].', (d) => d.servers[0]],
};

/** Everything that a contract comes to. */
const meaningOf = (document: Loose): unknown => {
  const contract = contractOf(() => undefined, document);
  const { latency, freshness, owner, personalData } = contract;
  return [rulesOf(contract), latency?.toSeconds(), freshness?.toSeconds(), owner, personalData];
};

/** A fitting value of each property that is not a text. */
const SAMPLES: Record<string, unknown> = {
  ...Object.fromEntries(['tags', 'authoritativeDefinitions', 'servers', 'support', 'roles', 'customProperties'].map((name) => [name, []])),
  ...{ description: undefined, price: { priceAmount: 1 }, contractCreatedTs: '2026-01-01T00:00:00Z', dimension: 'accuracy', port: 1 },
  ...{ relationships: [{ type: 'foreignKey', to: 'customers.id' }], properties: [column('x', 'integer', { required: true })] },
  ...{ items: { logicalType: 'integer', quality: [{ type: 'sql', query: 'select 1', mustBe: 0 }] }, transformSourceObjects: ['t'] },
  ...{ partitioned: true, partitionKeyPosition: 1, examples: ['x'], criticalDataElement: true, valueExt: 3 },
};
const sample = (place: Place, name: string): unknown =>
  name in SAMPLES && !(name === 'description' && place !== 'document') ? SAMPLES[name] : 'text';

describe('what the standard lets a contract say [D2]', () => {
  test.each(Object.keys(STANDARDS))(
    'in %s: each property has its treatment, so that none of a later version is skipped [meaning 21]',
    (version) => {
      const root = STANDARDS[version] as Loose;
      for (const [place, schema] of Object.entries(schemasOf(root))) {
        expect([place, Object.keys(TERMS[place as Place]).sort()]).toEqual([place, [...new Set(namesOf(schema, root))].sort()]);
      }
    },
  );

  const refused = (['document', 'object', 'property', 'quality', 'level'] as const).flatMap((place) =>
    treated(place, (treatment) => treatment !== 'read' && treatment !== 'told').map((name) => [place, name] as const),
  );
  test.each(refused)('that nobody checks is an error at its place, never skipped: %s.%s [meaning 21]', (place, name) => {
    const [path, of] = PARTS[place];
    const value = name === 'customProperties' ? [{ property: 'x', value: 1 }] : sample(place, name);
    expect(refusals((d) => void (of(d)[name] = value), full()).join('; ')).toContain(`'${path}${name}`);
  });

  test('has rules that nobody checks in more than one place, and each part has some that are read', () => {
    expect(refused.length).toBeGreaterThan(14);
    expect((Object.keys(PARTS) as Place[]).filter((place) => treated(place, (treatment) => treatment === 'read').length === 0)).toEqual([
      'server',
    ]);
  });

  const told = (Object.keys(PARTS) as Place[]).flatMap((place) =>
    treated(place, (treatment) => treatment === 'told')
      .filter((name) => place !== 'server' || name === 'format' || name === 'delimiter' || name === 'description')
      .map((name) => [place, name] as const),
  );
  test.each(told)('for people changes nothing of what is checked: %s.%s [meaning 34]', (place, name) => {
    const document = full();
    const before = meaningOf(full());
    const value = sample(place, name);
    if (place === 'server') {
      document.servers = [{ server: 's', type: 's3', location: 's3://b', format: 'parquet', delimiter: 'new_line', description: 'x' }];
    } else if (value !== undefined && name !== 'servers') {
      PARTS[place][1](document)[name] = place === 'property' && name === 'physicalType' ? 'varchar(1)' : value;
    }
    expect(meaningOf(document)).toEqual(before);
  });

  test('for people are the service levels that no alarm is of [meaning 34]', () => {
    const document = full();
    document.slaProperties.push({ property: 'retention', value: 3, unit: 'y' }, { property: 'availability', value: '99.9 %' });
    expect(meaningOf(document)).toEqual(meaningOf(full()));
  });

  const changed: [Place, string, unknown][] = [
    ...(['version', 'name'] as const).map((name): [Place, string, unknown] => ['document', name, name === 'name' ? 'other' : '2.0.0']),
    ['document', 'id', 'other'],
    ['document', 'apiVersion', 'v9'],
    ['document', 'kind', 'Other'],
    ['document', 'status', 'retired'],
    ['document', 'schema', []],
    ['document', 'team', { name: 'other' }],
    ['document', 'slaProperties', []],
    ['document', 'customProperties', [{ property: 'nullTokens', value: ['NA'] }]],
    ['object', 'name', 1],
    ['object', 'logicalType', 'string'],
    ['object', 'properties', []],
    ['object', 'quality', [{ metric: 'rowCount', mustBeGreaterThan: 1 }]],
    ['object', 'customProperties', [{ property: 'nullTokens', value: ['NA'] }]],
    ['property', 'name', 'other'],
    ['property', 'primaryKey', true],
    ['property', 'primaryKeyPosition', 2],
    ['property', 'logicalType', 'integer'],
    ['property', 'logicalTypeOptions', { maxLength: 3 }],
    ['property', 'physicalName', 'other'],
    ['property', 'required', true],
    ['property', 'unique', true],
    ['property', 'classification', 'pii'],
    ['property', 'quality', []],
    ['property', 'customProperties', [{ property: 'nullTokens', value: ['NA'] }]],
    ['quality', 'type', 'text'],
    ['quality', 'metric', 'duplicateValues'],
    ['quality', 'arguments', { x: 1 }],
    ['quality', 'unit', 'percent'],
    ['quality', 'severity', 'warning'],
    ...treated('quality', (treatment) => treatment === 'read')
      .filter((name) => name.startsWith('must'))
      .map((name): [Place, string, unknown] => ['quality', name, name.endsWith('Between') ? [1, 3] : 3]),
    ['level', 'property', 'latency'],
    ['level', 'value', 3],
    ['level', 'unit', 'd'],
    ['level', 'element', 'orders.amount'],
  ];
  test.each(changed)('that is read counts: another %s.%s changes the contract or is an error [meaning 21]', (place, name, value) => {
    const document = full();
    if (name === 'id') {
      delete document.name;
    }
    PARTS[place][1](document)[name] = value;
    if (refusals(() => undefined, document).length === 0) {
      expect(meaningOf(document)).not.toEqual(meaningOf(full()));
    }
  });

  test('that is read is tried above, all of it', () => {
    const tried = changed.map(([place, name]) => `${place}.${name}`);
    const read = (Object.keys(PARTS) as Place[]).flatMap((place) =>
      treated(place, (treatment) => treatment === 'read').map((name) => `${place}.${name}`),
    );
    expect(tried.sort()).toEqual(read.sort());
  });
});

describe('options of a type that the standard has [D2]', () => {
  const STRICT: Record<string, unknown> = {
    ...{ minLength: 3, maxLength: 3, pattern: '^a$', multipleOf: 2, minimum: 3, maximum: 3, exclusiveMinimum: 3, exclusiveMaximum: 3 },
    ...{ timezone: false, defaultTimezone: 'Europe/Berlin' },
  };
  const TIMES = ['date', 'timestamp'];
  const FORMATS: Record<string, string> = { string: 'email', date: 'HH:mm:ss', timestamp: 'HH:mm:ss', integer: 'i8', number: 'f32' };
  const conditionsOf = ({ properties, anyOf }: Loose): string[] =>
    anyOf === undefined ? [properties.logicalType.const] : anyOf.flatMap(conditionsOf);
  const options = Object.entries(STANDARDS).flatMap(([version, root]) =>
    (root as Loose).$defs.SchemaBaseProperty.allOf
      .filter((part: Loose) => part.if !== undefined)
      .flatMap((part: Loose) =>
        conditionsOf(part.if).map((type) => [type, Object.keys(part.then.properties.logicalTypeOptions.properties)]),
      )
      .filter(([type]: [string]) => type in FORMATS)
      .flatMap(([type, names]: [string, string[]]) => names.map((name) => [version, type, name])),
  );

  test.each(options as [string, string, string][])('in %s: of a %s counts or is an error: %s [meaning 21]', (_version, type, name) => {
    const bound = TIMES.includes(type) && /^(exclusive)?(minimum|maximum)$/i.test(name);
    const value = name === 'format' ? FORMATS[type] : bound ? '2020-01-01' : STRICT[name];
    expect(value).toBeDefined();
    const withOptions = (logicalTypeOptions?: object) => (d: Loose) =>
      void d.schema[0].properties.push(column('a', type, logicalTypeOptions && { logicalTypeOptions }));
    const change = withOptions({ [name]: value });
    if (refusals(change).length === 0) {
      expect(rulesOf(contractOf(change))).not.toEqual(rulesOf(contractOf(withOptions())));
    }
  });

  test('are those of every type of a column but a boolean, which has none', () => {
    expect([...new Set((options as string[][]).map(([, type]) => type))].sort()).toEqual(Object.keys(FORMATS).sort());
  });
});

describe('values that a contract lists [D2]', () => {
  const problemsWith = (type: string, value: unknown) =>
    refusals((d) =>
      d.schema[0].properties.push(
        column('a', type, { quality: [{ metric: 'invalidValues', mustBe: 0, arguments: { validValues: [value] } }] }),
      ),
    );

  test.each(['2020-02-30', '2021-02-29', '1900-02-29', '0000-01-01', '2020-13-01', '2020-00-10', '2020-1-1'])(
    'are values of the type: fails on the date %s [meaning 16]',
    (value) => {
      expect(problemsWith('date', value).join()).toContain(`has "${value}", which is no value of type date`);
    },
  );

  test('are those dates and integers that the validator takes, and no others [meaning 16]', () => {
    const isDay = lexicalTest('date')!;
    const digits = (n: number, length: number) => String(n).padStart(length, '0');
    const days = fc
      .tuple(fc.nat(9999), fc.nat(13), fc.nat(32))
      .map(([year, month, day]) => `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`);
    const integers = fc.oneof(
      fc.maxSafeInteger().map(String),
      fc.bigInt({ min: 9007199254740980n, max: 9007199254741000n }).map((n) => String(n)),
    );
    const takes = (test: (bytes: Buffer) => boolean, value: string) => test(Buffer.from(value));
    fc.assert(
      fc.property(days, integers, (day, integer) => {
        expect([day, problemsWith('date', day).length === 0]).toEqual([day, takes((b) => isDay(b, 0, b.length), day)]);
        const safe = takes((b) => !Number.isNaN(numberAt('integer', b, 0, b.length)), integer);
        expect([integer, problemsWith('integer', integer).length === 0]).toEqual([integer, safe]);
      }),
      { numRuns: runs(200) },
    );
  });
});

test('a null token may be a number that the column would hold: whoever names it says that it stands for no value [meaning 2]', () => {
  const contract = contractOf((d) => void (d.customProperties = [{ property: 'nullTokens', value: ['0', '-999'] }]));
  expect(rulesOf(contract)).toMatchObject({ nullTokens: ['0', '-999'], columns: [{ name: 'id' }, { name: 'amount', minimum: 0 }] });
});
