import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import type { DatasetSplit } from '../../../lib/constructs/data/dataset-catalog/contract';
import { Canonical, canonicalJson } from '../../../runtime/dataset-builder/canonical-json';
import { buildManifest, Policy } from '../../../runtime/dataset-builder/core';
import { Ordinals } from '../../../runtime/dataset-builder/ordinals';
import { findPython } from '../../../local/python';
import type { FileRow } from '../../../runtime/intake/file-row';
import { runs } from '../../support/property-runs';

interface File {
  content: string;
  rows: number;
  excluded: number[];
}

interface Version extends Policy {
  contract: string;
  files: File[];
}

const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const split: fc.Arbitrary<DatasetSplit> = fc.record({
  eventTime: fc.constantFrom(['when'], ['year', 'month', 'day']),
  gapDays: fc.nat(27),
  closedMonths: fc.record({ validation: fc.integer({ min: 1, max: 12 }), test: fc.integer({ min: 1, max: 12 }) }),
});
const version: fc.Arbitrary<Version> = fc.record({
  contract: hash,
  primaryKey: fc.uniqueArray(fc.constantFrom('id', 'day', 'größe', 'a b'), { maxLength: 3 }),
  split: fc.option(split, { nil: undefined }),
  files: fc.uniqueArray(
    fc.record({ content: hash, rows: fc.integer({ min: 10, max: 99 }), excluded: fc.uniqueArray(fc.integer({ min: 1, max: 9 })) }),
    { minLength: 1, maxLength: 5, selector: ({ content }) => content },
  ),
});

/** The version's id, with names, places and times that `salt` makes. */
function idOf({ files, contract, ...policy }: Version, salt = '', shuffled = files): string {
  const ordinals = new Map<string, Ordinals>();
  const rows = shuffled.map(({ content, rows: count, excluded }, i) => {
    const pk = `object#${salt}${i}`;
    if (excluded.length > 0) {
      const set = new Ordinals();
      [...excluded].sort((a, b) => a - b).forEach((ordinal) => set.add(ordinal));
      ordinals.set(pk, set);
    }
    const validated = { key: `${salt}/${i}/records.csv.gz`, versionId: salt, bytes: salt.length, rows: count, sha256: salt };
    return {
      pk,
      key: `key-${salt}-${i}`,
      versionId: salt,
      receivedAt: salt,
      contentSha256: content,
      contract,
      validated,
    } as unknown as FileRow;
  });
  // In the order that `committedFiles` gives.
  const ordered = rows.sort((a, b) => (a.contentSha256! < b.contentSha256! ? -1 : 1));
  return buildManifest('simple', `bucket-${salt}`, policy, ordered, ordinals).id;
}

describe('the id of a dataset version [D7]', () => {
  test('does not depend on names, places, times, sizes and order', () => {
    fc.assert(
      fc.property(version, fc.string(), fc.nat(), (it, salt, turn) => {
        const at = turn % it.files.length;
        expect(idOf(it, salt, [...it.files.slice(at), ...it.files.slice(0, at)])).toBe(idOf(it));
      }),
      { numRuns: runs(200) },
    );
  });

  const other = (text: string) => `${text.slice(1)}${text.startsWith('0') ? '1' : '0'}`;
  const first = (it: Version, change: Partial<File>): Version => ({ ...it, files: [{ ...it.files[0], ...change }, ...it.files.slice(1)] });
  const SPLIT: DatasetSplit = { eventTime: ['when'], gapDays: 3, closedMonths: { validation: 1, test: 1 } };
  const resplit = (it: Version, change: Partial<DatasetSplit>) => [
    { ...it, split: SPLIT },
    { ...it, split: { ...SPLIT, ...change } },
  ];
  test.each<[string, (it: Version) => Version[]]>([
    ['a file', (it) => [it, { ...it, files: [...it.files, { content: 'f'.repeat(64), rows: 1, excluded: [] }] }]],
    ['the content of a file', (it) => [it, first(it, { content: other(it.files[0].content) })]],
    ['the rows of a file', (it) => [it, first(it, { rows: it.files[0].rows + 1 })]],
    ['a record that is excluded', (it) => [first(it, { excluded: [1, 3] }), first(it, { excluded: [1, 4] })]],
    ['the contract', (it) => [it, { ...it, contract: other(it.contract) }]],
    ['a column of the primary key', (it) => [it, { ...it, primaryKey: [...it.primaryKey, 'more'] }]],
    [
      'the order of the primary key',
      (it) => [
        { ...it, primaryKey: ['a', 'b'] },
        { ...it, primaryKey: ['b', 'a'] },
      ],
    ],
    [
      'that there is a split',
      (it) => [
        { ...it, split: undefined },
        { ...it, split: SPLIT },
      ],
    ],
    ['the event time', (it) => resplit(it, { eventTime: ['then'] })],
    ['the gap', (it) => resplit(it, { gapDays: 4 })],
    ['the months of validation', (it) => resplit(it, { closedMonths: { validation: 2, test: 1 } })],
    ['the months of the test', (it) => resplit(it, { closedMonths: { validation: 1, test: 2 } })],
    ['the rule of the split', (it) => resplit(it, { closedMonths: undefined, from: { validation: '2013-01-01', test: '2013-02-01' } })],
  ])('depends on %s', (_, changed) => {
    fc.assert(
      fc.property(version, (it) => {
        const [one, two] = changed(it);
        expect(idOf(one)).not.toBe(idOf(two));
      }),
      { numRuns: runs(50) },
    );
  });

  test('is what a program in another language computes', () => {
    const versions = fc.sample(version, { numRuns: 200, seed: 7 });
    const text = execFileSync(findPython(process.env), [`${__dirname}/identity.py`], { input: JSON.stringify(versions), encoding: 'utf8' });
    expect(text.trim().split('\n')).toEqual(versions.map((it) => idOf(it)));
  });
});

describe('canonical JSON', () => {
  test.each<[Canonical, string]>([
    // The example of RFC 8785, 3.2.2 and 3.2.3.
    [
      {
        numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
        string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
        literals: [null, true, false],
      },
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ],
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, ö: 7 },
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
    ],
    [{ b: undefined, a: -0 }, '{"a":0}'],
  ])('is that of RFC 8785 (%#)', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test.each<[Canonical, string]>([
    [NaN, 'InvalidJson: NaN is no number of JSON, which has finite ones only: report this as a fault'],
    [[Infinity], 'InvalidJson: Infinity is no number of JSON, which has finite ones only: report this as a fault'],
    [
      { a: '\ud800' },
      `half a surrogate pair, which no UTF-8 holds: "\\ud800": write the names of the dataset's policy in whole characters`,
    ],
    [{ '\udc00': 1 }, 'InvalidJson: a text has half a surrogate pair'],
  ])('fails on what it has no form for (%#)', (value, problem) => {
    expect(() => canonicalJson(value)).toThrow(problem);
  });
});
