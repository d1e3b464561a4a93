import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { unsettled } from '../../../runtime/dataset-builder/core';
import type { FileRow } from '../../../runtime/intake/file-row';
import { janitorOf } from '../intake/janitor';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';
import { builderOf, CATALOGUE } from './setting';

/** A world that has taken in files, each a key and a seed of its records. */
async function worldOf(files: [string, string][], contractHash = 'contract-1', world = new World(SIMPLE)): Promise<World> {
  for (const [key, seed] of files) {
    await world.attempt(world.send(`simple/${key}.csv`, simpleFile(seed)), { contractHash });
    world.pass(17);
  }
  return world;
}

const idOf = async (world: World, primaryKey?: readonly string[]) => (await builderOf(world, primaryKey).build({ dataset: 'simple' })).id;
const FILES: [string, string][] = [
  ['a', 'a'],
  ['b', 'b'],
  ['c', 'c'],
];

describe('a dataset version [D7]', () => {
  test('lists exactly the objects that committed rows name, as they are stored', async () => {
    const world = await worldOf([...FILES, ['d', 'a'], ['b', 'b2']]);
    await world.attempt(world.send('simple/bad.csv', 'wrong\n'));
    await world.failAt(world.send('simple/dead.csv', simpleFile('dead')), 'both uploaded');
    const { build, manifestOf } = builderOf(world);
    const answer = await build({ dataset: 'simple' });
    const manifest = manifestOf(answer);
    const counted = world.rows().filter((row) => row.state === 'accounted' && !row.duplicateOf && !row.supersededBy);
    expect(counted.map(({ key }) => key).sort()).toEqual(['simple/a.csv', 'simple/b.csv', 'simple/c.csv']);
    expect(manifest.objects.map(({ versionId }) => versionId).sort()).toEqual(counted.map(({ validated }) => validated!.versionId).sort());
    for (const object of manifest.objects) {
      const bytes = world.s3.read(object.bucket, object.key, object.versionId);
      expect(object).toMatchObject({
        bucket: BUCKETS.validated,
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
      const raw = world.s3.read(BUCKETS.raw, object.source, object.sourceVersion);
      expect(object.content).toBe(createHash('sha256').update(raw).digest('hex'));
    }
    expect(answer).toMatchObject({ rows: 15, files: 3, created: true });
    expect(manifest).toMatchObject({ id: answer.id, dataset: 'simple', contract: 'contract-1', primaryKey: ['id'], rows: 15 });
    expect(answer.manifest).toBe(`datasets/simple/${answer.id}/manifest.json`);
  });

  test('has an id of its content only: keys, times and order do not matter', async () => {
    const id = await idOf(await worldOf(FILES));
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(FILES, { minLength: 3 }),
        fc.array(fc.stringMatching(/^[a-z]{3}$/), { minLength: 3, maxLength: 3 }),
        async (files, names) => {
          const world = await worldOf(files.map(([, seed], i) => [`${names[i]}${i}`, seed]));
          world.pass(1e6);
          expect(await idOf(world)).toBe(id);
        },
      ),
      { numRuns: 6 },
    );
    expect(await idOf(await worldOf([...FILES, ['again', 'a']]))).toBe(id);
  });

  test.each([
    ['a different row', async () => idOf(await worldOf([...FILES.slice(0, 2), ['c', 'other']]))],
    ['one file more', async () => idOf(await worldOf([...FILES, ['d', 'd']]))],
    ['one file less', async () => idOf(await worldOf(FILES.slice(0, 2)))],
    ['another contract', async () => idOf(await worldOf(FILES, 'contract-2'))],
    ['another primary key', async () => idOf(await worldOf(FILES), ['id', 'amount'])],
  ])('has another id with %s', async (_, other) => {
    expect(await other()).not.toBe(await idOf(await worldOf(FILES)));
  });

  test('is built again without a change: one row, one version of the manifest', async () => {
    const world = await worldOf(FILES);
    const { build, manifestOf } = builderOf(world);
    const first = await build({ dataset: 'simple' });
    world.pass(1000);
    const second = await build({ detail: { dataset: 'simple' } });
    expect(second).toEqual({ ...first, created: false });
    expect(world.db.items(CATALOGUE)).toEqual([
      {
        pk: `simple#${first.id}`,
        dataset: 'simple',
        contract: 'contract-1',
        id: first.id,
        rows: 15,
        superseded: 0,
        files: 3,
        manifest: first.manifest,
        manifestVersion: first.manifestVersion,
        publishedAt: expect.stringMatching(/^2026-03-01T/),
      },
    ]);
    expect(world.s3.versions.filter(({ key }) => key === first.manifest)).toHaveLength(1);
    expect(manifestOf(first).id).toBe(first.id);
  });

  test('built by two at once has one row, whose manifest both name', async () => {
    const world = await worldOf(FILES);
    world.db.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    const answers = await Promise.all([1, 2, 3].map(() => builderOf(world).build({ dataset: 'simple' })));
    expect(answers.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(answers.map(({ manifestVersion }) => manifestVersion)).size).toBe(1);
    expect(world.db.items(CATALOGUE)).toHaveLength(1);
  });

  test('whose builder died before the catalogue is published by the next one', async () => {
    const world = await worldOf(FILES);
    world.db.before = (operation) => {
      if (operation === 'TransactWriteItems') {
        throw new Error('died');
      }
    };
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow('died');
    world.db.before = () => undefined;
    const { build, manifestOf } = builderOf(world);
    const answer = await build({ dataset: 'simple' });
    expect(answer.created).toBe(true);
    expect(manifestOf(answer).objects).toHaveLength(3);
  });
});

describe('a dataset version cannot be built [D7]', () => {
  test('fails for a dataset that is not there, and says which are', async () => {
    const { build } = builderOf(new World(SIMPLE));
    for (const request of [{ dataset: 'other' }, {}, { dataset: 'constructor' }]) {
      await expect(build(request)).rejects.toThrow(/^UnknownDataset: there is no dataset '.*': known are simple$/);
    }
  });

  test('fails without an accounted file', async () => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/bad.csv', 'wrong\n'));
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(
      "EmptyDataset: 'simple' has no accounted file: send one and wait for its 'File Accounted' event",
    );
    expect(world.db.items(CATALOGUE)).toEqual([]);
  });

  test('fails when files were validated with two contracts', async () => {
    const world = await worldOf([['d', 'd']], 'contract-2', await worldOf(FILES));
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(
      /^MixedContracts: files of 'simple' were validated with 2 contracts \(contract-[12], contract-[12]\): judge the older ones again with 'npm run intake -- rerun'$/,
    );
  });

  test('fails while a file whose original was superseded waits to be read again, and no longer', async () => {
    const world = await worldOf([
      ['a', 'x'],
      ['b', 'x'],
      ['a', 'y'],
    ]);
    const build = () => builderOf(world).build({ dataset: 'simple' });
    await expect(build()).rejects.toThrow(/^UnsettledLedger: 'simple' cannot be published now, 1 files are to be read again/);
    const janitor = janitorOf(world);
    await janitor.run();
    await expect(build()).rejects.toThrow(/^UnsettledLedger/);
    await world.attempt(janitor.sent[0]);
    expect(await build()).toMatchObject({ files: 2, rows: 10 });
  });

  test('fails on a bucket that gives no versions', async () => {
    const world = await worldOf(FILES);
    const send = world.s3.client.send.bind(world.s3.client) as (command: unknown) => Promise<object>;
    world.s3.client.send = (async (command: unknown) => ({ ...(await send(command)), VersionId: undefined })) as never;
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(
      /^UnversionedBucket: validated gave no version for datasets/,
    );
  });
});

describe('a ledger that moves while it is read [D7]', () => {
  /** Commits something between two pages of the first scan. */
  async function buildWhile(world: World, commit: () => Promise<unknown>) {
    world.db.pageSize = 1;
    let pages = 0;
    world.db.after = async (operation) => {
      if (operation === 'Scan' && ++pages === 4) {
        await commit();
      }
    };
    return builderOf(world).build({ dataset: 'simple' });
  }

  test.each([3, 6, 8])('is read again, so that no record counts twice or not at all (with %d files before)', async (files) => {
    const world = await worldOf(Array.from({ length: files }, (_, i) => [`f${i}`, `s${i}`]));
    const late = world.send('simple/f0.csv', simpleFile('newer'));
    await world.killAt(late, 'leased');
    world.pass(151);
    const answer = await buildWhile(world, () => world.attempt(late));
    expect(answer).toMatchObject({ files, rows: files * 5 });
    const sources = builderOf(world)
      .manifestOf(answer)
      .objects.map(({ sourceVersion }) => sourceVersion);
    expect(sources.includes(late.versionId)).toBe(true);
  });

  test.each<[string, Partial<FileRow>[]]>([
    ['two versions of a key count', [{ key: 'a' }, { key: 'a', contentSha256: '2' }]],
    ['the same bytes count twice', [{ contentSha256: '1' }, { key: 'b', contentSha256: '1' }]],
    [
      'what replaced a version is not final yet',
      [{ supersededBy: 'object#b' }, { pk: 'object#b', key: 'b', state: 'validating', contentSha256: '2' }],
    ],
    ['what replaced a version was not there yet', [{ supersededBy: 'object#gone' }]],
  ])('is no state to publish when %s', (_, rows) => {
    const filled = rows.map(
      (row, i) => ({ pk: `object#${i}`, key: `k${i}`, sequencer: '1', state: 'accounted', contentSha256: String(i), ...row }) as FileRow,
    );
    expect(unsettled(filled)).toBe('files were being accounted while it was read');
  });

  test('fails after five readings that all met a change', async () => {
    const world = await worldOf(FILES);
    const original = world.db.client.send.bind(world.db.client) as (command: {
      constructor: { name: string };
    }) => Promise<{ Items?: FileRow[] }>;
    let scans = 0;
    world.db.client.send = (async (command: { constructor: { name: string } }) => {
      const answer = await original(command);
      scans += command.constructor.name === 'ScanCommand' ? 1 : 0;
      return answer.Items === undefined ? answer : { ...answer, Items: answer.Items.map((row) => ({ ...row, key: 'simple/same.csv' })) };
    }) as never;
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(
      "UnsettledLedger: 'simple' cannot be published now, files were being accounted while it was read: try again in a few minutes",
    );
    expect([scans, TABLE]).toEqual([5, 'ledger']);
  });
});
