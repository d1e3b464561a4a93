import fc from 'fast-check';
import { compileChecks } from '../../../runtime/intake/rules';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from './contracts';

const TEXTS = [
  '',
  '0',
  '-0',
  '1',
  '-1',
  '-9',
  '9',
  '10',
  '007',
  '+1',
  ' 1',
  '1 ',
  '1.0',
  '1e1',
  '-',
  'NA',
  '99999',
  '999999999999999',
  '9007199254740993',
];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.integer({ min: -12, max: 12 }).map(String));
const bound = fc.option(fc.integer({ min: -10, max: 10 }), { nil: undefined, freq: 2 });
const some = fc.option(fc.uniqueArray(text, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 });
const range = {
  type: fc.constantFrom('integer' as const, 'number' as const),
  required: fc.boolean(),
  minimum: bound,
  maximum: bound,
};
const withTexts = fc.record({
  ...range,
  allowed: some,
  missing: some,
  pattern: fc.option(fc.constantFrom('^1', '\\d\\d', '^-?[0-9]$'), { nil: undefined, freq: 2 }),
  maxLength: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 2 }),
});
type Rules = typeof withTexts extends fc.Arbitrary<infer T> ? T : never;
const none = { allowed: undefined, missing: undefined, pattern: undefined, maxLength: undefined };
const rules = fc.oneof(
  withTexts,
  fc.record(range).map((one): Rules => ({ ...none, ...one })),
);

/** The first rule that a text breaks, taken from the platform's own numbers. */
function broken(value: string, { type, required, minimum, maximum, allowed, missing, pattern, maxLength }: Rules, nulls: string[]): string {
  if (value === '' || nulls.includes(value)) {
    return required ? 'required' : 'none';
  }
  const json = /^[-0-9].*[0-9]$|^[0-9]$/.test(value) && !/[^-0-9.e]/.test(value) ? numberOf(value) : undefined;
  if (json === undefined || (type === 'integer' && (/[.e]/.test(value) || !Number.isSafeInteger(json)))) {
    return 'type';
  }
  const checks: [string, boolean][] = [
    ['range', json < (minimum ?? -Infinity) || json > (maximum ?? Infinity)],
    ['missing', missing?.includes(value) ?? false],
    ['length', value.length > (maxLength ?? Infinity)],
    ['pattern', pattern !== undefined && !new RegExp(pattern, 'u').test(value)],
    ['allowed', allowed !== undefined && !allowed.includes(value)],
  ];
  return checks.find(([, breaks]) => breaks)?.[0] ?? 'none';
}

function numberOf(value: string): number | undefined {
  try {
    return JSON.parse(value) as number;
  } catch {
    return undefined;
  }
}

test('a number is refused for the first rule that it breaks, whatever stands for no value and whatever else is asked of it [D2]', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(rules, fc.uniqueArray(text, { maxLength: 2 }), fc.array(text, { minLength: 1, maxLength: 30 }), (rule, nulls, values) => {
      const contract = { dataset: 'd', version: '1.0.0', format: 'csv' as const, primaryKey: [], nullTokens: nulls };
      const [check] = compileChecks({ ...contract, columns: [column('n', rule.type, rule)] });
      for (const value of values) {
        // What lies around a value is not its own.
        const bytes = Buffer.from(`7${value}7`);
        const found = check(bytes, 1, bytes.length - 1)?.rule ?? 'none';
        seen.set(found, (seen.get(found) ?? 0) + 1);
        expect([value, found]).toEqual([value, broken(value, rule, nulls)]);
      }
    }),
    { numRuns: runs(500) },
  );
  for (const rule of ['none', 'required', 'type', 'range', 'missing', 'length', 'pattern', 'allowed']) {
    expect(seen.get(rule) ?? 0).toBeGreaterThanOrEqual(seenAtLeast(5, 500));
  }
});
