import fc from 'fast-check';
import { Comparison, FileRule, holds, OPERATORS } from '../../../lib/constructs/data/data-contract/contract';
import { STANDARDS, versionProblems } from '../../../lib/constructs/data/data-contract/contract-version';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column, contractOf, contractWith, Loose, orders, refusals, rulesOf } from './contracts';

/** A column with rules, as third of the orders. */
const ruled = (quality: Loose[], type = 'string', rest: object = {}) => column('a', type, { quality, ...rest });
const withColumn = (added: Loose) => (d: Loose) => void d.schema[0].properties.push(added);
const withObjectRules =
  (...quality: Loose[]) =>
  (d: Loose) =>
    void (d.schema[0].quality = quality);
const fileRules = (change: (d: Loose) => void): FileRule[] => rulesOf(contractOf(change)).fileRules ?? [];
const RULE = 'schema[0].properties[2].quality[0]';
const OBJECT_RULE = 'schema[0].quality[0]';

describe('the version of the standard [D2, meaning 1]', () => {
  const of = (apiVersion: unknown) => refusals((d) => void (d.apiVersion = apiVersion));

  test('may be each that has a schema here, which is the only thing that a later one needs [meaning 1]', () => {
    for (const apiVersion of Object.keys(STANDARDS)) {
      expect(of(apiVersion)).toEqual([]);
      expect(versionProblems(apiVersion)).toEqual([]);
    }
    expect(Object.keys(STANDARDS)).toEqual(['v3.1.0']);
  });

  test.each([
    ['v3.0.2', "write v3.1.0, and then 'exclusiveMinimum' and 'exclusiveMaximum' are bounds"],
    ['v2.2.2', "write v3.1.0, and then 'uuid' is 'id'"],
    ['v3.2.0', 'this library has no schema of that version: update the library, or write the contract for v3.1.0'],
    ['v4.0.0', 'this library has no schema of that version'],
    ['3.1', 'no version of the standard is written like that: write v3.1.0'],
    [undefined, "write 'apiVersion: v3.1.0'"],
    ['toString', 'no version of the standard'],
  ])('fails on %s with the step to one that is read, and says nothing else about the document [meaning 1]', (apiVersion, step) => {
    const problems = refusals((d) => {
      d.apiVersion = apiVersion;
      delete d.team;
      d.schema = [];
    });
    expect(problems.join('; ')).toMatch(/^'apiVersion' must be one of v3\.1\.0, got (null|")/);
    expect(problems.join('; ')).toContain(step);
    expect(problems.join('; ')).not.toContain("'team.name'");
  });
});

describe('what judges a record and what judges its file [D2]', () => {
  test('is a demand on each record when it is mustBe 0, whatever the unit; every other comparison judges the file [meaning 10]', () => {
    const each = contractOf(withColumn(ruled([{ metric: 'nullValues', mustBe: 0, unit: 'percent' }])));
    expect(rulesOf(each).columns[2].required).toBe(true);
    expect(rulesOf(each).fileRules).toBeUndefined();
    for (const operator of ['mustBeLessThan', 'mustBeLessOrEqualTo', 'mustNotBe', 'mustBeGreaterThan', 'mustBe']) {
      const ofFile = contractOf(withColumn(ruled([{ metric: 'nullValues', [operator]: 1 }])));
      expect(rulesOf(ofFile).columns[2]).toEqual({ name: 'a', type: 'string', required: false });
      expect(rulesOf(ofFile).fileRules).toEqual([
        { path: RULE, metric: 'nullValues', columns: ['a'], unit: 'rows', operator, limits: [1] },
      ]);
    }
  });

  test('keeps the arguments of a metric with its rule', () => {
    const rules = fileRules(
      withColumn(
        ruled([
          { metric: 'missingValues', mustBeLessThan: 5, unit: 'percent', arguments: { missingValues: [null, '', 'n/a'] } },
          { metric: 'invalidValues', mustBeBetween: [0, 10], arguments: { validValues: ['x', 'y'], pattern: '^[a-z]$' } },
          { metric: 'duplicateValues', mustBeLessOrEqualTo: 2 },
        ]),
      ),
    );
    expect(rules).toEqual([
      { path: RULE, metric: 'missingValues', columns: ['a'], missing: ['n/a'], unit: 'percent', operator: 'mustBeLessThan', limits: [5] },
      {
        ...{ path: RULE.replace('[0]', '[0]').replace(/0\]$/, '1]'), metric: 'invalidValues', columns: ['a'] },
        ...{ allowed: ['x', 'y'], pattern: '^[a-z]$', unit: 'rows', operator: 'mustBeBetween', limits: [0, 10] },
      },
      {
        path: RULE.replace(/0\]$/, '2]'),
        metric: 'duplicateValues',
        columns: ['a'],
        unit: 'rows',
        operator: 'mustBeLessOrEqualTo',
        limits: [2],
      },
    ]);
  });

  test('makes a column that is unique beside the key a rule of the file, like mustBe 0 of its duplicates [meaning 17]', () => {
    const unique = fileRules((d) => void (d.schema[0].properties[1].unique = true));
    const said = fileRules((d) => void (d.schema[0].properties[1].quality = [{ metric: 'duplicateValues', mustBe: 0 }]));
    expect(unique).toEqual([{ ...said[0], path: 'schema[0].properties[1].unique' }]);
    const combination = fileRules((d) => {
      d.schema[0].properties.push(column('b', 'string'));
      withObjectRules({ metric: 'duplicateValues', mustBe: 0, arguments: { properties: ['b', 'amount'] } })(d);
    });
    expect(combination).toMatchObject([{ path: OBJECT_RULE, columns: ['b', 'amount'], operator: 'mustBe', limits: [0] }]);
    const partOfKey = fileRules((d) => {
      Object.assign(d.schema[0].properties[1], { primaryKey: true, required: true });
      d.schema[0].properties[0].unique = true;
    });
    expect(partOfKey).toMatchObject([{ path: 'schema[0].properties[0].unique', columns: ['id'] }]);
  });

  test('fails on a tolerance for the primary key, and on columns that have the key among them [meaning 18]', () => {
    expect(refusals((d) => void (d.schema[0].properties[0].quality = [{ metric: 'duplicateValues', mustBeLessThan: 5 }]))).toEqual([
      "'schema[0].properties[0].quality[0]' must be 'mustBe: 0' for the primary key (id), of which a second record goes to quarantine",
    ]);
    const wider = { metric: 'duplicateValues', mustBe: 0, arguments: { properties: ['amount', 'id'] } };
    expect(refusals(withObjectRules(wider))).toEqual([
      `'${OBJECT_RULE}' has the primary key (id) among its columns, which is kept unique: nothing would be counted, so leave it out`,
    ]);
    expect(fileRules(withObjectRules({ ...wider, arguments: { properties: ['id'] } }))).toEqual([]);
  });

  test('counts rows of a file, never a share of them [meaning 19]', () => {
    expect(fileRules(withObjectRules({ metric: 'rowCount', mustBeBetween: [99, 121] }))).toEqual([
      { path: OBJECT_RULE, metric: 'rowCount', columns: [], unit: 'rows', operator: 'mustBeBetween', limits: [99, 121] },
    ]);
    expect(refusals(withObjectRules({ metric: 'rowCount', mustBeGreaterThan: 5, unit: 'percent' }))).toEqual([
      `'${OBJECT_RULE}.unit' must be rows for 'rowCount': there is nothing that the rows are a share of`,
    ]);
  });

  test('fails on more rules about duplicates than a function has room for, and accepts as many as it has', () => {
    const unique = (n: number) => (d: Loose) =>
      void d.schema[0].properties.push(...Array.from({ length: n }, (_, i) => column(`u${i}`, 'string', { unique: true })));
    expect(refusals(unique(4))).toEqual([]);
    expect(refusals(unique(5))).toEqual([
      expect.stringContaining("'schema[0].properties[6].unique' is a rule about duplicates beyond the 4"),
    ]);
  });

  test('changes the hash of a contract, and a contract without such rules has the one it had', () => {
    const plain = contractOf();
    expect(JSON.parse(plain._json)).not.toHaveProperty('fileRules');
    expect(contractOf(withObjectRules({ metric: 'rowCount', mustBeGreaterThan: 5 }))._hash).not.toBe(plain._hash);
  });

  test('says which rules parts of a file cannot be judged by', () => {
    const rules = (d: Loose) => {
      withColumn(
        ruled([
          { metric: 'nullValues', mustBeLessThan: 5 },
          { metric: 'duplicateValues', mustBe: 0 },
        ]),
      )(d);
      withObjectRules({ metric: 'rowCount', mustBeGreaterThan: 1 })(d);
    };
    expect(contractOf(rules)._needsWholeFile).toEqual([RULE.replace(/0\]$/, '1]')]);
    expect(contractOf()._needsWholeFile).toEqual([]);
  });
});

describe('comparisons that make no sense [D2]', () => {
  const nulls = (rule: object) => refusals(withColumn(ruled([{ metric: 'nullValues', ...rule }])));

  test.each<[string, object, string]>([
    ['a negative number', { mustBe: -1 }, "mustBe' must be a whole number of rows, at least 0, got -1"],
    ['half a row', { mustBeLessThan: 2.5 }, "mustBeLessThan' must be a whole number of rows, at least 0, got 2.5"],
    ['a text', { mustNotBe: 'a' }, 'mustNotBe\' must be a whole number of rows, at least 0, got "a"'],
    [
      'more than 100 percent',
      { mustBeLessThan: 100.5, unit: 'percent' },
      "mustBeLessThan' must be a number from 0 to 100, because the unit is percent, got 100.5",
    ],
    ['less than 0 percent', { mustBe: -0.5, unit: 'percent' }, "mustBe' must be a number from 0 to 100"],
    ['the larger number first', { mustBeBetween: [5, 1] }, "mustBeBetween' must give the smaller number first, got [5,1]"],
    ['nothing below 0', { mustBeLessThan: 0 }, "mustBeLessThan' cannot be fulfilled by any number of rows, got 0"],
    [
      'nothing above 100 percent',
      { mustBeGreaterThan: 100, unit: 'percent' },
      "mustBeGreaterThan' cannot be fulfilled by any number of percent",
    ],
    [
      'nothing between neighbours',
      { mustBeBetween: [3, 4] },
      "mustBeBetween' cannot be fulfilled by any number of rows (both bounds lie outside), got [3,4]",
    ],
    [
      'everything from 0',
      { mustBeGreaterOrEqualTo: 0 },
      "mustBeGreaterOrEqualTo' is fulfilled by every number of rows, so it asks for nothing",
    ],
    [
      'everything up to 100 percent',
      { mustBeLessOrEqualTo: 100, unit: 'percent' },
      "mustBeLessOrEqualTo' is fulfilled by every number of percent",
    ],
    ['everything outside of nothing', { mustNotBeBetween: [3, 4] }, "mustNotBeBetween' is fulfilled by every number of rows"],
    ['an unknown unit', { mustBe: 0, unit: 'records' }, 'unit\' must be rows or percent, got "records"'],
    ['a misspelt unit', { mustBe: 0, unit: 'percnt' }, "unit' must be rows or percent, got \"percnt\"; did you mean 'percent'?"],
  ])('fails on %s [meaning 20]', (_what, rule, message) => {
    expect(nulls(rule).join('; ')).toContain(`'${RULE}.${message}`);
  });

  test.each<[object]>([
    [{ mustBeGreaterThan: 0 }],
    [{ mustBeBetween: [3, 5] }],
    [{ mustNotBeBetween: [3, 5] }],
    [{ mustBeLessThan: 100, unit: 'percent' }],
    [{ mustNotBeBetween: [0, 100], unit: 'percent' }],
    [{ mustBe: 0.5, unit: 'percent' }],
    [{ mustBeBetween: [0.1, 0.2], unit: 'percent' }],
  ])('accepts %j, which some counts fulfil and others do not', (rule) => {
    expect(nulls(rule)).toEqual([]);
  });

  test('fails on rules of one count that nothing fulfils together, and names both [meaning 20]', () => {
    const pair = [
      { metric: 'rowCount', mustBeGreaterThan: 10 },
      { metric: 'rowCount', mustBeLessOrEqualTo: 10 },
    ];
    expect(refusals(withObjectRules(...pair))).toEqual([
      `'schema[0].quality[1]' contradicts ${OBJECT_RULE}: no number of rows fulfils all of them`,
    ]);
    expect(refusals(withObjectRules(pair[0], { ...pair[1], mustBeLessOrEqualTo: 11 }))).toEqual([]);
  });

  test('fails on a rule that has nothing left to count, because the column must have values', () => {
    const tolerated = { metric: 'nullValues', mustBeLessThan: 5 };
    expect(refusals(withColumn(ruled([tolerated], 'string', { required: true })))).toEqual([
      expect.stringContaining(`'${RULE}' has nothing to count: 'nullValues' of a column that must have values`),
    ]);
    const missing = (missingValues: string[]) => ({ metric: 'missingValues', mustBeLessThan: 5, arguments: { missingValues } });
    expect(refusals(withColumn(ruled([missing(['']), { metric: 'nullValues', mustBe: 0 }]))).join()).toContain('has nothing to count');
    expect(refusals(withColumn(ruled([missing(['n/a'])], 'string', { required: true })))).toEqual([]);
  });

  test('finds the same senseless comparisons as trying every count does', () => {
    let [never, always] = [0, 0];
    const limit = fc.nat(5);
    fc.assert(
      fc.property(fc.constantFrom(...OPERATORS), limit, limit, fc.constantFrom('rows', 'percent'), (operator, a, b, unit) => {
        const scale = unit === 'percent' ? 20 : 1;
        const limits = operator.endsWith('Between') ? [a * scale, b * scale] : [a * scale];
        fc.pre(limits.length === 1 || a < b);
        const comparison = { operator, limits, unit } as Comparison;
        const counts = Array.from({ length: 401 }, (_, i) => (unit === 'rows' ? i : i / 4));
        const kept = counts.map((value) => holds(comparison, value));
        const pointless = !kept.includes(true) || !kept.includes(false);
        never += kept.includes(true) ? 0 : 1;
        always += kept.includes(false) ? 0 : 1;
        const problems = nulls({ [operator]: limits.length === 2 ? limits : limits[0], unit });
        expect(problems.some((text) => /cannot be fulfilled|is fulfilled by every/.test(text))).toBe(pointless);
      }),
      { numRuns: runs(300) },
    );
    expect(Math.min(never, always)).toBeGreaterThanOrEqual(seenAtLeast(3, 300));
  });
});

describe('rules that cannot be checked [D2]', () => {
  test.each<[string, (d: Loose) => void, string]>([
    [
      'rowCount of a column',
      withColumn(ruled([{ metric: 'rowCount', mustBe: 5 }])),
      `'${RULE}.metric' 'rowCount' counts records: give it to the object`,
    ],
    [
      'nullValues of the object',
      withObjectRules({ metric: 'nullValues', mustBe: 5 }),
      `'${OBJECT_RULE}.metric' 'nullValues' counts values of one column`,
    ],
    ['invalidValues of the object', withObjectRules({ metric: 'invalidValues', mustBe: 5 }), "'invalidValues' counts values of one column"],
    [
      'duplicates of no columns',
      withObjectRules({ metric: 'duplicateValues', mustBe: 0 }),
      `'${OBJECT_RULE}.arguments.properties' is missing or empty`,
    ],
    [
      'duplicates of a column that is none',
      withObjectRules({ metric: 'duplicateValues', mustBe: 0, arguments: { properties: ['amount', 'amuont', 'amount'] } }),
      'must list columns, each once; no such column, or twice: "amuont", "amount"',
    ],
    [
      'missing values that are no list',
      withColumn(ruled([{ metric: 'missingValues', mustBe: 1, arguments: { missingValues: 'x' } }])),
      "missingValues' must be a list",
    ],
    [
      'a missing value of another type',
      withColumn(ruled([{ metric: 'missingValues', mustBe: 1, arguments: { missingValues: ['n/a'] } }], 'integer')),
      'has "n/a", which is no value of type integer',
    ],
    [
      'a tolerance without list and pattern',
      withColumn(ruled([{ metric: 'invalidValues', mustBeLessThan: 5 }])),
      "must have 'validValues' or 'pattern'",
    ],
    [
      'a schedule',
      withColumn(ruled([{ metric: 'nullValues', mustBe: 0, scheduler: 'cron', schedule: '0 2 * * *' }])),
      `'${RULE}.schedule' cannot be followed here: a rule is applied to each file as it arrives`,
    ],
    [
      'a reconciliation',
      withColumn(ruled([{ metric: 'nullValues', mustBe: 0, method: 'reconciliation' }])),
      `'${RULE}.method' cannot be followed here`,
    ],
    [
      'the older key of a metric',
      withColumn(ruled([{ metric: 'nullValues', rule: 'nullCheck', mustBe: 0 }])),
      `'${RULE}.rule' cannot be followed here: the standard replaced it by 'metric'`,
    ],
    [
      'a warning',
      withColumn(ruled([{ metric: 'nullValues', mustBeLessThan: 5, severity: 'warning' }])),
      `'${RULE}.severity' must be 'error', got "warning"`,
    ],
    ['SQL', withObjectRules({ type: 'sql', query: 'SELECT 1', mustBe: 1 }), `'${OBJECT_RULE}.type' 'sql' cannot be checked here`],
    [
      'a missing value and an allowed one',
      withColumn(
        ruled([
          { metric: 'missingValues', mustBe: 0, arguments: { missingValues: ['x'] } },
          { metric: 'invalidValues', mustBe: 0, arguments: { validValues: ['x', 'y'] } },
        ]),
      ),
      'allows "x", which a null token, a missing value',
    ],
  ])('are errors, never skipped: fails on %s [meaning 21]', (_what, change, message) => {
    expect(refusals(change).join('; ')).toContain(message);
  });

  test('are refused beside everything else that is wrong', () => {
    const problems = refusals((d) => {
      withObjectRules({ metric: 'rowCount', mustBeLessThan: 0 })(d);
      withColumn(ruled([{ metric: 'nullValues', mustBe: -1 }]))(d);
    });
    expect(problems).toHaveLength(2);
  });
});

describe('limits of alarms [D9]', () => {
  const levels =
    (...slaProperties: Loose[]) =>
    (d: Loose) =>
      void (d.slaProperties = slaProperties);

  test.each([
    [{ value: 1, unit: 'min' }, 60],
    [{ value: 1.5, unit: 'minutes' }, 90],
    [{ value: 1, unit: 'h', element: 'orders' }, 3600],
  ])('latency %j is %d seconds that a file may wait [meaning 24]', (level, seconds) => {
    expect(contractOf(levels({ property: 'latency', ...level })).latency!.toSeconds()).toBe(seconds);
  });

  test.each([
    [{ value: 1, unit: 'rows/h' }, 1, 1],
    [{ value: 500, unit: 'rows/d' }, 500, 24],
    [{ value: 9000, unit: 'rows/w', element: 'orders' }, 9000, 168],
  ])('throughput %j is %d valid records in any %d hours [meaning 25]', (level, rows, hours) => {
    const contract = contractOf(levels({ property: 'throughput', ...level }));
    expect([contract.minimumRows, contract.minimumRowsPeriod!.toHours()]).toEqual([rows, hours]);
  });

  test.each<[object, string]>([
    [
      { property: 'latency', value: 0.9, unit: 'min' },
      "'slaProperties[0].value' must be between 1 minute and 1 hour, after which a file is a dead letter",
    ],
    [{ property: 'latency', value: 61, unit: 'min' }, 'must be between 1 minute and 1 hour'],
    [
      { property: 'latency', value: 4, unit: 'd' },
      '\'slaProperties[0].unit\' must be one of min, minute, minutes, h, hr, hour, hours, got "d"',
    ],
    [{ property: 'latency', value: 4, unit: 'm' }, "'slaProperties[0].unit' must be one of min"],
    [
      { property: 'latency', value: 4, unit: 'min', element: 'orders.amount' },
      'must be \'orders\' or left out, got "orders.amount": latency is how long a file may take',
    ],
    [{ property: 'latency', value: 4, unit: 'min', valueExt: 5 }, "'slaProperties[0].valueExt' cannot be followed here"],
    [{ property: 'latency', value: 4, unit: 'toString' }, "'slaProperties[0].unit' must be one of min"],
    [
      { property: 'throughput', value: 0, unit: 'rows/d' },
      "'slaProperties[0].value' must be a whole number of valid records, at least 1, got 0",
    ],
    [{ property: 'throughput', value: 1.5, unit: 'rows/d' }, 'must be a whole number of valid records, at least 1, got 1.5'],
    [{ property: 'throughput', value: 1, unit: 'd' }, '\'slaProperties[0].unit\' must be one of rows/h, rows/d, rows/w, got "d"'],
    [{ property: 'throughput', value: 1, unit: 'rows/d', schedule: '0 2 * * *' }, "'slaProperties[0].schedule' cannot be followed here"],
    [{ property: 'throughput', value: 1, unit: 'rows/d', element: 'orders.id' }, 'all valid records are counted'],
  ])('fail on %j', (level, message) => {
    expect(refusals(levels(level)).join('; ')).toContain(message);
  });

  test('fail when one is given twice, and are none when none is given', () => {
    const latency = { property: 'latency', value: 5, unit: 'min' };
    expect(refusals(levels(latency, latency))).toEqual(["'slaProperties[1]' is a second latency: keep one"]);
    const { latency: none, minimumRows, minimumRowsPeriod } = contractOf();
    expect([none, minimumRows, minimumRowsPeriod]).toEqual([undefined, undefined, undefined]);
  });

  test('are in no hash: another limit is the same contract [meaning 22, 23, 24, 25]', () => {
    const all = levels(
      { property: 'freshness', value: 5, unit: 'h' },
      { property: 'latency', value: 5, unit: 'min' },
      { property: 'throughput', value: 5, unit: 'rows/d' },
    );
    expect(contractOf(all)._hash).toBe(contractOf()._hash);
    expect(contractOf((d) => void (d.customProperties = [{ property: 'maxQuarantinePercent', value: 5 }]))._hash).toBe(contractOf()._hash);
  });
});

describe('personal data [D2]', () => {
  const classified = (...words: string[]) =>
    contractWith(...words.map((classification, i) => column(`c${i}`, 'string', { classification })));

  test('is what a column is classified as in one of four words, in whatever case [meaning 27]', () => {
    expect(classified('personal', 'PII', 'Sensitive', 'phi', 'public', 'restricted', 'C3').personalData).toEqual(['c0', 'c1', 'c2', 'c3']);
    expect(contractOf().personalData).toEqual([]);
  });

  test.each(['personnal', 'Personal ', 'sensitve', 'PI'])("fails on '%s', which is almost such a word [meaning 27]", (word) => {
    const problems = refusals((d) => void (d.schema[0].properties[1].classification = word));
    expect(problems).toEqual([
      expect.stringMatching(/^'schema\[0\]\.properties\[1\]\.classification' is no word for personal data, but almost/),
    ]);
  });
});

describe('exclusive bounds of a number [D2, meaning 6]', () => {
  test('leave out their value and nothing else', () => {
    const check = (value: number, options: object) => {
      const { minimum = -Infinity, maximum = Infinity } = rulesOf(contractWith(column('a', 'number', { logicalTypeOptions: options })))
        .columns[1];
      return value >= minimum && value <= maximum;
    };
    const some = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(some, some, (bound, value) => {
        fc.pre(Math.abs(bound) < Number.MAX_VALUE);
        expect(check(value, { exclusiveMinimum: bound })).toBe(value > bound);
        expect(check(value, { exclusiveMaximum: bound })).toBe(value < bound);
        expect([check(bound, { exclusiveMinimum: bound }), check(bound, { exclusiveMaximum: bound })]).toEqual([false, false]);
      }),
      { numRuns: runs(100) },
    );
  });
});

test('a contract that says none of this is as it was', () => {
  expect(refusals(() => undefined, orders())).toEqual([]);
});
