import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { envelopeOf } from '../../../runtime/intake/envelope';
import type { FileRow } from '../../../runtime/intake/file-row';
import type { IntakeRequest } from '../../../runtime/intake-operations/core';
import { makeHandler, OperationsDependencies } from '../../../runtime/intake-operations/handler';
import type { Begun, Outcome } from '../../../runtime/operation/steps';
import { runs, seenAtLeast } from '../../support/property-runs';
import { simpleFile } from '../intake/simple-files';
import { BUCKETS } from '../intake/world';
import { Arena, CONTRACTS } from './machine';

const RUNS = 60;
const SPLITTING = { above: 40, rangeBytes: 16 };
const LINES = Object.fromEntries(
  Object.entries(CONTRACTS).map(([hash, { contract }]) => [hash, { ...contract, newlinesQuoted: false }] as const),
);

/** A world in which files above 40 bytes are judged again in ranges of 16. */
class Ranges extends Arena {
  /** Pieces that were stored, by the name of the part and how often. */
  stored(): Record<string, number> {
    const names = this.s3.versions.filter(({ key }) => key.startsWith('_splits/')).map(({ key }) => key.split('/').slice(2).join('/'));
    return names.reduce<Record<string, number>>((all, name) => ({ ...all, [name]: (all[name] ?? 0) + 1 }), {});
  }

  /** Names of outputs that were stored more than once. */
  overwritten(): string[] {
    const names = this.s3.versions.map(({ bucket, key }) => `${bucket}/${key}`).filter((name) => name.includes('/attempt='));
    return names.filter((name, i) => names.indexOf(name) < i);
  }

  override deps(over: Partial<OperationsDependencies> = {}): OperationsDependencies {
    return super.deps({ splitting: SPLITTING, contract: () => Promise.resolve(LINES[this.deployed]), ...over });
  }

  /** What the row says and names, without what differs from attempt to attempt. */
  account(key: string): object {
    const { state, contract, counts, contentSha256, contentBytes, validated, quarantine, rejudged } = this.newest(key);
    const read = (bucket: string, output: FileRow['validated']) =>
      output && { rows: output.rows, text: gunzipSync(this.s3.read(bucket, output.key, output.versionId)).toString() };
    const outputs = [read(BUCKETS.validated, validated), read(BUCKETS.quarantine, quarantine)];
    return { state, contract, counts, contentSha256, contentBytes, outputs, rejudged };
  }

  newest(key: string): FileRow {
    return this.rows().find((row) => row.key === key)!;
  }
}

async function judgedBefore(files: [string, string | Buffer][]): Promise<Ranges> {
  const world = new Ranges();
  for (const [key, bytes] of files) {
    await world.take(world.send(key, bytes));
  }
  return world;
}

const LARGE: [string, string][] = [['simple/large.csv', simpleFile('a', 12)]];

describe('a file that the intake splits is judged again in ranges [D5, D6]', () => {
  const value = fc.constantFrom('0', '1', '3', '4', '99', 'bad', '', 'x y');
  const file = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 9 }), value), { minLength: 8, maxLength: 25, size: 'max' })
    .map((records) => ['id,amount', ...records.map(([id, amount]) => `k${id},${amount}`), ''].join('\n'));

  test('and is worth what it is when it is judged whole: entry, row, outputs, and what was released and refused', async () => {
    const kept = { judged: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(
        file,
        fc.constantFrom('loose', 'tight', 'other', 'wider'),
        fc.constantFrom('rerun', 'revalidate'),
        async (bytes, hash, operation) => {
          const found = [];
          for (const splitting of [SPLITTING, undefined]) {
            const world = await judgedBefore([['simple/a.csv', bytes]]);
            world.deployed = hash;
            const outcome = await world.operate({ operation }, { splitting });
            expect(Object.keys(world.stored()).length > 0).toBe(splitting !== undefined);
            found.push({ entries: world.entries(outcome), totals: outcome.totals, account: world.account('simple/a.csv') });
          }
          expect(found[0]).toEqual(found[1]);
          kept[found[0].totals.judged === 1 ? 'judged' : 'failed']++;
        },
      ),
      { numRuns: runs(RUNS) },
    );
    Object.entries(kept).forEach(([what, times]) => expect([what, times >= seenAtLeast(2, RUNS)]).toEqual([what, true]));
  });

  test.each([
    ['at the limit is judged whole', 'x'.repeat(27), false],
    ['one byte above it is not', 'x'.repeat(28), true],
  ])('%s', async (_, id, split) => {
    const world = await judgedBefore([['simple/a.csv', `id,amount\n${id},1\n`]]);
    world.deployed = 'loose';
    expect((await world.operate({ operation: 'rerun' })).totals).toMatchObject({ judged: 1 });
    expect(Object.keys(world.stored()).length > 0).toBe(split);
  });

  test('unless it is a batch of a stream', async () => {
    const lines = Array.from({ length: 12 }, (_, i) => {
      return `${envelopeOf(`shard:${i}`, new Date(0), Buffer.from(`{"id":"k${i}","amount":${i % 5}}`))}\n`;
    });
    const world = await judgedBefore([['simple/stream/s/shard/1.jsonl', lines.join('')]]);
    expect(world.newest('simple/stream/s/shard/1.jsonl').counts).toMatchObject({ read: 12, valid: 12 });
    world.deployed = 'tight';
    expect((await world.operate({ operation: 'rerun' })).totals).toMatchObject({ judged: 1, refused: 2 });
    expect(world.newest('simple/stream/s/shard/1.jsonl').counts).toMatchObject({ read: 12, valid: 10 });
    expect(world.stored()).toEqual({});
  });

  test('unless it is compressed, or the contract does not let it be split', async () => {
    const world = await judgedBefore([
      ['simple/a.csv', gzipSync(simpleFile('a', 12), { level: 0 })],
      ...LARGE.map(([, text]) => ['simple/b.csv', text] as [string, string]),
    ]);
    world.deployed = 'loose';
    expect((await world.operate({ operation: 'rerun' }, { splitting: undefined })).totals).toMatchObject({ judged: 2 });
    world.deployed = 'tight';
    expect((await world.operate({ operation: 'rerun', selection: { prefix: 'simple/a' } })).totals).toMatchObject({ judged: 1 });
    expect(world.stored()).toEqual({});
  });
});

describe('the steps of an operation on such a file [D5, D6]', () => {
  test('go on where the one before was when its time is over: each range is judged once, and other files come behind it', async () => {
    const world = await judgedBefore([['simple/0.csv', 'id,amount\na,bad\n'], ...LARGE, ['simple/z.csv', 'id,amount\nz,bad\n']]);
    world.deployed = 'loose';
    let steps = 0;
    const spent = () => (++steps % 3 === 0 ? 0 : 900_000);
    const outcome = await world.operate({ operation: 'rerun' }, {}, spent);
    expect(outcome.totals).toMatchObject({ judged: 3, released: 5 });
    expect(steps).toBeGreaterThan(9);
    expect(Object.values(world.stored()).every((times) => times === 1)).toBe(true);
    expect(Object.keys(world.stored()).filter((name) => name.endsWith('-scanned.json')).length).toBeGreaterThan(4);
    expect(
      world
        .entries(outcome)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['simple/0.csv', 'simple/large.csv', 'simple/z.csv']);
    expect(world.problems()).toEqual([]);
  });

  test('end with the same file when each has time for one piece only', async () => {
    const [slow, fast] = [await judgedBefore(LARGE), await judgedBefore(LARGE)];
    for (const [world, remaining] of [
      [slow, () => 0],
      [fast, undefined],
    ] as const) {
      world.deployed = 'loose';
      expect((await world.operate({ operation: 'revalidate' }, {}, remaining)).totals).toMatchObject({ judged: 1, released: 3 });
    }
    expect(slow.account(LARGE[0][0])).toEqual(fast.account(LARGE[0][0]));
  });

  test.each([
    'plan.json',
    'digest.json',
    '1-keys',
    '1-scanned.json',
    'ordered.json',
    '2-valid.gz',
    '2-quarantine.gz',
    '2-counts.json',
    'records.csv.gz',
    'records.jsonl.gz',
  ])('that die when %s is stored, before or after, begin that piece again and judge the file once', async (name) => {
    for (const when of ['before', 'after'] as const) {
      const world = await judgedBefore(LARGE);
      world.deployed = 'loose';
      let died = false;
      // The process ends before the part is stored, or hears nothing of it afterwards.
      world.s3[when] = (operation: string, { key }: { key: string }) => {
        if (died || !key.endsWith(`/${name}`) || !['PutObject', 'CompleteMultipartUpload'].includes(operation)) {
          return undefined;
        }
        died = true;
        if (when === 'after') {
          throw new Error('the connection broke');
        }
        return world.die() as never;
      };
      const outcome = await world.operate({ operation: 'rerun' });
      expect([died, world.deaths]).toEqual([true, 1]);
      expect(world.overwritten()).toEqual([]);
      expect(outcome.totals).toMatchObject({ judged: 1, released: 3, refused: 0, valid: 12, quarantined: 0 });
      expect(world.newest('simple/large.csv').reopened).toBe(1);
      expect(world.problems()).toEqual([]);
    }
  });

  test.each(['plan.json', '1-scanned.json', '2-counts.json', 'records.csv.gz', 'records.jsonl.gz'])(
    'that are given up when %s is stored, and go on beside the one in their place, judge the file once and list it as judged',
    async (name) => {
      const world = await judgedBefore(LARGE);
      world.deployed = 'loose';
      let givenUp = false;
      world.s3.after = (operation, { key }) => {
        if (!givenUp && key.endsWith(`/${name}`) && ['PutObject', 'CompleteMultipartUpload'].includes(operation)) {
          givenUp = true;
          // Its answer comes all the same.
          void world.die();
        }
      };
      const outcome = await world.operate({ operation: 'rerun' });
      expect([givenUp, world.deaths]).toEqual([true, 1]);
      expect(world.overwritten()).toEqual([]);
      expect(world.entries(outcome)).toMatchObject([{ outcome: 'judged', released: 3, refused: 0, valid: 12, quarantined: 0 }]);
      expect(world.newest('simple/large.csv').reopened).toBe(1);
      expect(world.problems()).toEqual([]);
    },
  );

  test('that die between the new result and the note of it list the file once', async () => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    let died = false;
    const reached = (at: string) => (at === 'committed' && !died ? ((died = true), world.die()) : undefined);
    const outcome = await world.operate({ operation: 'rerun' }, { reached });
    expect(world.entries(outcome)).toMatchObject([{ outcome: 'judged', released: 3 }]);
    expect([died, world.newest('simple/large.csv').reopened]).toEqual([true, 1]);
    expect(world.problems()).toEqual([]);
  });

  test('begin the file anew when another contract was deployed between them: its ranges are judged alike', async () => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    const request = { operation: 'rerun', dryRun: false, reason: 'test', requestedBy: 'anna' };
    const older = makeHandler(world.deps());
    const begun = (await older({ action: 'Begin', id: 'run', input: request })) as Begun<IntakeRequest>;
    for (let step = 0; step < 5; step++) {
      expect(await older({ action: 'Work', begun }, () => 0)).toEqual({ done: false });
    }
    world.deployed = 'tight';
    const newer = makeHandler(world.deps());
    while (!((await newer({ action: 'Work', begun }, () => 0)) as { done: boolean }).done);
    const outcome = (await newer({ action: 'Report', begun })) as Outcome;
    const attempts = new Set(Object.keys(world.stored()).map((name) => name.split('/')[0]));
    expect([outcome.totals.judged, attempts.size]).toEqual([1, 2]);
    expect(world.newest('simple/large.csv').contract).toBe('tight');
    expect(world.problems()).toEqual([]);
  });

  test('leave a piece out at which each of them fails, and judge the other files', async () => {
    const world = await judgedBefore([...LARGE, ['simple/z.csv', 'id,amount\nz,bad\n']]);
    world.deployed = 'loose';
    world.s3.before = (operation, { key }) => {
      if (operation === 'PutObject' && key.endsWith('/2-scanned.json')) {
        throw new Error('the part cannot be stored');
      }
    };
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.failed).toMatchObject([{ key: 'simple/large.csv', why: 'the part cannot be stored' }]);
    expect(outcome.totals).toMatchObject({ judged: 1, failed: 1 });
    expect(world.newest('simple/large.csv')).toMatchObject({ state: 'accounted', contract: 'strict' });
    expect(world.problems()).toEqual([]);
  });

  test.each([
    [
      'is superseded',
      (world: Ranges) => world.take(world.send('simple/large.csv', simpleFile('newer', 12))).then(() => undefined),
      'changed meanwhile',
    ],
    ['is gone', (world: Ranges) => Promise.resolve(world.s3.deleteVersion(world.newest('simple/large.csv').versionId)), 'failed'],
  ])('keep the result of a file that %s while they are at it', async (_, happens, outcome) => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    let happened = false;
    world.s3.before = async (operation, { key }) => {
      if (!happened && operation === 'PutObject' && key.endsWith('/ordered.json')) {
        happened = true;
        world.deployed = 'strict';
        await happens(world);
        world.deployed = 'loose';
      }
    };
    const done = await world.operate({ operation: 'rerun' });
    expect(world.entries(done)).toMatchObject([{ outcome, key: 'simple/large.csv' }]);
    expect(world.rows().every(({ contract }) => contract === 'strict')).toBe(true);
  });

  test('do not take what an earlier operation found for their own', async () => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    await world.operate({ operation: 'rerun' });
    world.s3.before = async (operation, { key }) => {
      if (operation === 'PutObject' && key.endsWith('/ordered.json')) {
        world.s3.before = () => undefined;
        await world.take(world.send('simple/large.csv', simpleFile('newer', 12)));
      }
    };
    const outcome = await world.operate({ operation: 'rerun', selection: { all: true } });
    expect(world.entries(outcome)[0]).toMatchObject({ outcome: 'changed meanwhile', key: 'simple/large.csv' });
    expect(world.problems()).toEqual([]);
  });

  test('leave a file that has more records than can be numbered with its result, and say why', async () => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    world.s3.before = (operation, { key }) => {
      if (operation === 'GetObject' && key.endsWith('/0-scanned.json')) {
        world.s3.versions.findLast((version) => version.key === key)!.bytes = Buffer.from('{"records":4294967296,"keys":1}');
      }
    };
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.failed).toMatchObject([
      {
        key: 'simple/large.csv',
        why: expect.stringMatching(/^the contract would reject it: more than 4294967295 records: send it in parts: /),
      },
    ]);
    expect(world.newest('simple/large.csv').contract).toBe('strict');
  });

  test.each([
    [
      'whose header does not fit any more',
      { columns: [...LINES.loose.columns, { ...LINES.loose.columns[0], name: 'more', required: true }] },
      /^the contract would reject it: the header does not fit the contract: missing: "more": it keeps its result/,
    ],
    [
      'that breaks a rule of files',
      { fileRules: [{ metric: 'rowCount', columns: [], operator: 'mustBe', unit: 'rows', limits: [1], path: 'p' }] },
      /^the contract would reject it: the file breaks its contract: rowCount is 12/,
    ],
  ])('leave a file %s with its result, and say why', async (_, over, why) => {
    const world = await judgedBefore(LARGE);
    world.deployed = 'loose';
    const outcome = await world.operate({ operation: 'rerun' }, { contract: () => Promise.resolve({ ...LINES.loose, ...over } as never) });
    expect(outcome.failed).toMatchObject([{ key: 'simple/large.csv', why: expect.stringMatching(why) }]);
    expect(world.newest('simple/large.csv').contract).toBe('strict');
  });
});
