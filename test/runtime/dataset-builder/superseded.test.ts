import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { buildManifest, INLINE_RUNS } from '../../../runtime/dataset-builder/core';
import { Ordinals } from '../../../runtime/dataset-builder/ordinals';
import { newestFirst } from '../../../runtime/dataset-builder/reading';
import type { FileRow } from '../../../runtime/intake/file-row';
import { column } from '../intake/contracts';
import { SIMPLE } from '../intake/simple-files';
import { BUCKETS, World } from '../intake/world';
import { builderOf, CATALOGUE } from './setting';

const csv = (...records: string[]) => ['id,amount', ...records, ''].join('\n');

/** Takes in files, one after the other: a key and its records. */
async function worldOf(files: [string, string][], contract: CompiledContract = SIMPLE): Promise<World> {
  const world = new World(contract);
  for (const [key, text] of files) {
    await world.attempt(world.send(`simple/${key}`, text));
    world.pass(1);
  }
  return world;
}

async function built(world: World) {
  const { build, manifestOf } = builderOf(world);
  const answer = await build({ dataset: 'simple' });
  const manifest = manifestOf(answer);
  const excluded = Object.fromEntries(manifest.objects.map((object) => [object.source.slice('simple/'.length), object.excluded]));
  return { answer, manifest, excluded };
}

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('records whose primary key came again in a newer file [D4, D7]', () => {
  test('do not count: the manifest names them, and rows, catalogue and answer count them apart', async () => {
    const world = await worldOf([
      ['old', csv('a,1', 'b,1', 'c,1', 'd,1')],
      ['new', csv('d,2', 'b,2', 'c,2', 'e,2')],
    ]);
    const { answer, manifest, excluded } = await built(world);
    expect(excluded).toEqual({ old: [[2, 4]], new: undefined });
    expect(manifest.objects.map(({ source, rows, superseded }) => [source, rows, superseded]).sort()).toEqual([
      ['simple/new', 4, 0],
      ['simple/old', 1, 3],
    ]);
    expect(manifest).toMatchObject({ rows: 5, superseded: 3 });
    expect(answer).toMatchObject({ rows: 5, superseded: 3, files: 2, created: true });
    expect(world.db.items(CATALOGUE)).toMatchObject([{ rows: 5, superseded: 3 }]);
  });

  test('of three files count once, in the newest one', async () => {
    const files: [string, string][] = ['1', '2', '3'].map((name) => [name, csv('own' + name + ',1', 'shared,' + name)]);
    expect((await built(await worldOf(files))).excluded).toEqual({ '1': [[2, 2]], '2': [[2, 2]], '3': undefined });
  });

  test('follow the order in which the intake received the files, not that of their names or of their ends', async () => {
    const world = new World(SIMPLE);
    const [first, second] = ['a', 'b'].map((name) => world.send(`simple/${name}`, csv('k,1', `${name},1`)));
    await world.killAt(second, 'leased');
    world.pass(1);
    await world.attempt(first);
    world.pass(200);
    await world.attempt(second);
    expect((await built(world)).excluded).toEqual({ a: undefined, b: [[1, 1]] });
  });

  test('are those of the lesser row key when both files came in the same millisecond', () => {
    const row = (pk: string, receivedAt: string) => ({ pk, receivedAt }) as FileRow;
    const files = [row('a', '2026-01-01T00:00:00.000Z'), row('b', '2026-01-01T00:00:00.000Z'), row('0', '2026-01-01T00:00:00.001Z')];
    expect(newestFirst(files).map(({ pk }) => pk)).toEqual(['0', 'b', 'a']);
    expect(newestFirst([...files].reverse()).map(({ pk }) => pk)).toEqual(['0', 'b', 'a']);
  });

  test('are not made by the same bytes once more: a duplicate has no records', async () => {
    const [old, fresh] = [csv('a,1', 'b,1'), csv('b,2', 'c,2')];
    const world = await worldOf([
      ['old', old],
      ['new', fresh],
      ['old again', old],
    ]);
    expect((await built(world)).excluded).toEqual({ old: [[2, 2]], new: undefined });
  });

  test('are not made by a version that was replaced, nor looked for in it', async () => {
    const world = await worldOf([
      ['kept', csv('a,1', 'b,1')],
      ['replaced', csv('a,2', 'b,2')],
      ['replaced', csv('b,3', 'c,3')],
    ]);
    const { manifest, excluded } = await built(world);
    expect(excluded).toEqual({ kept: [[2, 2]], replaced: undefined });
    expect(manifest.rows).toBe(3);
  });

  test('inside one file are in quarantine: the dataset does not look there again', async () => {
    const world = await worldOf([
      ['old', csv('a,1', 'a,2', 'b,1')],
      ['new', csv('b,2', 'b,3')],
    ]);
    const { manifest, excluded } = await built(world);
    expect(excluded).toEqual({ old: [[2, 2]], new: undefined });
    expect(manifest).toMatchObject({ rows: 2, superseded: 1 });
  });

  test('may have no value in the key, which is a value like others, as in the intake', async () => {
    const contract = { ...SIMPLE, columns: [column('id', 'string'), column('amount', 'integer')], primaryKey: ['id', 'amount'] };
    const world = await worldOf(
      [
        ['old', csv(',1', 'a,', ',2')],
        ['new', csv(',2', 'a,', 'b,1')],
      ],
      contract,
    );
    expect((await built(world)).excluded).toEqual({ old: [[2, 3]], new: undefined });
  });

  test('are none where the contract has no primary key', async () => {
    const world = await worldOf(
      [
        ['old', csv('a,1')],
        ['new', csv('a,2')],
      ],
      { ...SIMPLE, primaryKey: [] },
    );
    expect((await built(world)).manifest).toMatchObject({ rows: 2, superseded: 0 });
  });

  test('are looked for in the pinned versions, whatever lies above them', async () => {
    const world = await worldOf([
      ['old', csv('a,1', 'b,1')],
      ['new', csv('b,2')],
    ]);
    world.rows().forEach(({ validated }) => world.s3.put(BUCKETS.validated, validated!.key, 'other'));
    expect((await built(world)).excluded).toEqual({ old: [[2, 2]], new: undefined });
  });
});

describe('many runs of superseded records [D7]', () => {
  /** An old file of which so many records, none beside another, came again. */
  const withRuns = (runs: number) =>
    worldOf([
      ['old', csv(...Array.from({ length: 2 * runs }, (_, i) => `k${i},1`))],
      ['new', csv(...Array.from({ length: runs }, (_, i) => `k${2 * i},2`))],
    ]);
  const oldOf = async (world: World) => (await built(world)).manifest.objects.find(({ source }) => source === 'simple/old')!;
  const expected = (runs: number) => Array.from({ length: runs }, (_, i) => [2 * i + 1, 2 * i + 1]);

  test('are in the manifest up to the limit', async () => {
    const old = await oldOf(await withRuns(INLINE_RUNS));
    expect(old).toMatchObject({ excluded: expected(INLINE_RUNS), superseded: INLINE_RUNS });
    expect(old.excludedIn).toBeUndefined();
  });

  test.each([INLINE_RUNS + 1, 10_000])('are in an object beside the manifest above it (%d)', async (runs) => {
    const world = await withRuns(runs);
    const { manifest } = await built(world);
    const old = manifest.objects.find(({ source }) => source === 'simple/old')!;
    const { key, versionId, sha256: digest, bytes, rows } = old.excludedIn!;
    expect(old).toMatchObject({ superseded: runs, rows: runs });
    expect(old.excluded).toBeUndefined();
    expect(key).toBe(`datasets/simple/${manifest.id}/excluded/${old.content}.jsonl.gz`);
    const stored = world.s3.read(BUCKETS.validated, key, versionId);
    expect([digest, bytes, rows]).toEqual([sha256(stored), stored.length, runs]);
    const lines = gunzipSync(stored).toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(expected(runs));
  });

  test('leave no upload open and no row in the catalogue when they cannot be stored', async () => {
    const world = await withRuns(INLINE_RUNS + 1);
    world.s3.before = (_, { key }) => {
      if (key.includes('/excluded/')) {
        throw new Error('broken');
      }
    };
    await expect(built(world)).rejects.toThrow('broken');
    expect([world.s3.openUploads.size, world.db.items(CATALOGUE)]).toEqual([0, []]);
  });
});

describe('the id of a version [D7]', () => {
  test('is that of contents, contract and primary key alone when nothing is superseded', async () => {
    const world = await worldOf([
      ['a', csv('a,1', 'b,1')],
      ['b', csv('c,2')],
    ]);
    const contents = world.rows().map(({ contentSha256, validated }) => [contentSha256, validated!.rows]);
    const identity = { contents: contents.sort(([a], [b]) => (a! < b! ? -1 : 1)), contract: 'contract-1', primaryKey: ['id'] };
    expect((await built(world)).manifest.id).toBe(sha256(JSON.stringify(identity)));
  });

  test('is the same whenever and under whichever names the same files arrive in the same order, and another in the other', async () => {
    const [one, two] = [csv('a,1', 'b,1'), csv('b,2', 'c,2')];
    const idOf = async (files: [string, string][], wait = 0) => {
      const world = await worldOf(files);
      world.pass(wait);
      return (await built(world)).manifest.id;
    };
    const id = await idOf([
      ['x', one],
      ['y', two],
    ]);
    expect(
      await idOf(
        [
          ['q', one],
          ['p', two],
        ],
        1e6,
      ),
    ).toBe(id);
    expect(
      await idOf([
        ['y', two],
        ['x', one],
      ]),
    ).not.toBe(id);
  });

  test('says which records are excluded, not only how many', () => {
    const file = { pk: 'f', contentSha256: 'c', contract: 'k', validated: { key: 'a/records.csv.gz', rows: 9 } } as FileRow;
    const idOf = (...ordinals: number[]) => {
      const set = new Ordinals();
      ordinals.forEach((ordinal) => set.add(ordinal));
      return buildManifest('simple', 'bucket', { primaryKey: ['id'] }, [file], new Map([['f', set]])).id;
    };
    expect(new Set([idOf(1, 2), idOf(1, 3), idOf(2, 3), idOf(1, 2, 3)]).size).toBe(4);
    expect(idOf(1, 2)).toBe(idOf(1, 2));
  });
});

describe('superseded records cannot be found', () => {
  const files: [string, string][] = [
    ['old', csv('a,1', 'b,1')],
    ['new', csv('b,2')],
  ];

  test('fails on more records than one run compares, before it reads any, and compares as many', async () => {
    const world = await worldOf(files);
    await expect(builderOf(world, ['id'], 2).build({ dataset: 'simple' })).rejects.toThrow(
      'DatasetTooLarge: 3 records, and one run compares the keys of 2: divide the data into datasets, or leave the primary key out of the contract',
    );
    expect(await builderOf(world, ['id'], 3).build({ dataset: 'simple' })).toMatchObject({ rows: 2, superseded: 1 });
  });

  test('fails when the time ends, a minute before the function does', async () => {
    const { build } = builderOf(await worldOf(files));
    await expect(build({ dataset: 'simple' }, () => 60_000)).rejects.toThrow(
      /^DatasetTooLarge: the time of the function ended after 1 records: divide the data into datasets/,
    );
    expect(await build({ dataset: 'simple' }, () => 60_001)).toMatchObject({ created: true });
  });

  test('fails on records that are gone', async () => {
    const world = await worldOf(files);
    world.s3.deleteVersion(world.rows()[0].validated!.versionId);
    await expect(built(world)).rejects.toThrow(
      /^MissingRecords: simple\/old\/.*, is gone from validated: restore it, or re-run 'simple\/old'$/,
    );
    expect(world.db.items(CATALOGUE)).toEqual([]);
  });

  test.each(['other bytes', 'another number of records'])('fails on %s than the ledger names', async (what) => {
    const world = await worldOf(files);
    const [{ pk, validated }] = world.rows();
    const damaged = what === 'other bytes' ? { ...validated!, sha256: '0' } : { ...validated!, rows: 3 };
    const send = world.db.client.send.bind(world.db.client) as (command: unknown) => Promise<{ Items?: FileRow[] }>;
    world.db.client.send = (async (command: unknown) => {
      const answer = await send(command);
      const Items = answer.Items?.map((row) => (row.pk === pk ? { ...row, validated: damaged } : row));
      return Items === undefined ? answer : { ...answer, Items };
    }) as never;
    await expect(built(world)).rejects.toThrow(/^DamagedRecords: simple\/old\/.* that the ledger names: re-run 'simple\/old'$/);
  });

  test('fails on a primary key that the records of an older contract do not have', async () => {
    const world = await worldOf(files);
    const contract = { ...world.contract, columns: [...world.contract.columns, column('day', 'date')], primaryKey: ['id', 'day'] };
    const { build } = builderOf(Object.assign(Object.create(world) as World, { contract }));
    await expect(build({ dataset: 'simple' })).rejects.toThrow(
      'UnknownKey: the primary key has columns that the records do not have: day: re-run their files',
    );
  });
});
