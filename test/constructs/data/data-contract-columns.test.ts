import fc from 'fast-check';
import { DataContract } from '../../../lib';
import { column, contractOf, contractWith, Loose, refusals, rulesOf } from './contracts';

const first = (document: Loose) => document.schema[0].properties[0];
const amount = (document: Loose) => document.schema[0].properties[1];
const AMOUNT = 'schema[0].properties[1]';

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
