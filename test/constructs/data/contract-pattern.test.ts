import { invalidPattern } from '../../../lib/constructs/data/data-contract/contract-pattern';

/** What grows faster than the text: by doubling with each character, or with its square. */
const SLOW = [
  ['a repetition of a repetition', '^(a+)+$'],
  ['a repetition of what may be empty', '^(a*)*$'],
  ['two repetitions of the same characters', '^a*a*$'],
  ['repetitions that overlap', '^[a-z]*[a-z0-9]*$'],
  ['alternatives that make each other up', '^(?:a|ab|b)*$'],
  ['equal alternatives', '^(a|a)*$'],
  ['a separator that may be missing', '^(?:\\w+\\s?)*$'],
  ['optional parts in a row', '^(a?){30}a{30}$'],
  ['a repetition that may begin anywhere', '\\d+$'],
  ['white space at either end', '^\\s+|\\s+$'],
  ['a look ahead that is slow itself', '^(?=(a+)+$)a'],
];

const FAST = [
  ['a code', '^N[0-9A-Z]{2,5}$'],
  ['a list', '^(?:EWR|JFK|LGA)$'],
  ['any length of one class', "^[\\p{L} .'-]*$"],
  ['words with a separator', '^[a-z]+(-[a-z]+)*$'],
  ['a number', '^(0|[1-9]\\d*)(\\.\\d+)?$'],
  ['an address', '^\\w+([-.]\\w+)*@\\w+([-.]\\w+)*$'],
  ['a time', '^(19|20)\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$'],
  ['an identifier', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'],
  ['a look ahead', '^(?!.*--)[a-z-]+$'],
  ['what may stand anywhere', '[0-9]{4}'],
  ['a reference back', '^(.)\\1$'],
  ['characters beyond 16 bits', '^[\\u{1F600}-\\u{1F64F}]+$'],
];

test.each(SLOW)('fails on %s, %s [D2, meaning 7]', (_what, pattern) => {
  expect(() => new RegExp(pattern, 'u')).not.toThrow();
  expect(invalidPattern(pattern)).toMatch(/^may take a time that grows faster than the text.*: begin it with \^/);
});

test.each(FAST)('takes %s, %s [D2, meaning 7]', (_what, pattern) => {
  expect(invalidPattern(pattern)).toBeUndefined();
});

test('fails on what cannot be looked into, and says what to leave out [D2]', () => {
  expect(invalidPattern('^(?<year>\\d{4})$')).toContain('leave out names of groups');
  expect(invalidPattern('^(?:\\d{4})$')).toBeUndefined();
});

test('what it proposes is fast [D2]', () => {
  const proposed = /\^\[a-z\]\S+$/.exec(invalidPattern('^a*a*$')!)![0];
  expect(invalidPattern(proposed)).toBeUndefined();
});
