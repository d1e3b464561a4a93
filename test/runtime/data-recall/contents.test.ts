import fc from 'fast-check';
import { DATA_EVENT } from '../../../lib/constructs/data/contract';
import type { ObjectVersion } from '../../../runtime/intake/core';
import { makeHandler } from '../../../runtime/ledger-events/handler';
import { counts } from '../../../runtime/shared/ledger-rows';
import type { FileRow } from '../../../runtime/intake/file-row';
import { withdrawContents } from '../../../runtime/data-recall/contents';
import { runs } from '../../support/property-runs';
import { FakeBus, streamOf } from '../../support/stream-records';
import { builderOf, CATALOGUE } from '../dataset-builder/setting';
import { janitorOf, reopenOrphans } from '../intake/janitor';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';

const BY = { withdrawal: 'w1', withdrawnAt: '2026-03-02T00:00:00.000Z', withdrawnBy: 'anna', withdrawnReason: 'wrong sensor' };
const pk = ({ key, versionId }: Pick<ObjectVersion, 'key' | 'versionId'>) => `object#${key}#${versionId}`;
const seeds = (world: World) =>
  world
    .rows()
    .filter(counts)
    .map(({ pk: row }) => row)
    .sort();

/** Sends files one after another, each a key and the seed of its records: `ax` is `simple/a.csv` with the bytes `x`. */
async function send(world: World, ...files: string[]): Promise<ObjectVersion[]> {
  const objects: ObjectVersion[] = [];
  for (const [key, seed] of files) {
    objects.push(world.send(`simple/${key}.csv`, simpleFile(seed)));
    await world.attempt(objects.at(-1)!);
    world.pass(10);
  }
  return objects;
}

function withdraw(world: World, objects: ObjectVersion[], by = BY): Promise<FileRow[]> {
  const contents = new Map(objects.map((object) => [world.row(object).contentSha256!, pk(object)]));
  return withdrawContents({ client: world.db.client, table: TABLE, pause: () => Promise.resolve() }, contents, by);
}

const contentOf = (world: World, object: ObjectVersion) =>
  world.db.items<{ pk: string }>(TABLE).find((item) => item.pk === `content#${world.row(object).contentSha256}`);

describe('a content that is withdrawn [D10]', () => {
  test('counts no more, while every other file stays, and says who, when and why on the row and on the content', async () => {
    const world = new World(SIMPLE);
    const [a, b, c] = await send(world, 'ax', 'by', 'cz');
    const touched = await withdraw(world, [b]);
    expect(touched.map((row) => row.pk)).toEqual([pk(b)]);
    expect(seeds(world)).toEqual([pk(a), pk(c)].sort());
    expect(world.row(b)).toMatchObject({ state: 'accounted', ...BY, validated: expect.anything() });
    expect(contentOf(world, b)).toMatchObject({ row: pk(b), ...BY });
    expect(world.row(a)).not.toHaveProperty('withdrawal');
  });

  test('goes with every file that has the same bytes', async () => {
    const world = new World(SIMPLE);
    const [a, b, c] = await send(world, 'ax', 'bx', 'cx');
    expect((await withdraw(world, [b])).map((row) => row.pk)).toEqual([pk(a), pk(b), pk(c)]);
    expect([a, b, c].map((object) => world.row(object).withdrawal)).toEqual(['w1', 'w1', 'w1']);
    expect(seeds(world)).toEqual([]);
  });

  test.each([
    ['under the same key', 'ax'],
    ['under another key', 'bx'],
  ])('and comes again %s stays withdrawn, also when the first row was superseded meanwhile', async (_, again) => {
    const world = new World(SIMPLE);
    const [a] = await send(world, 'ax');
    await withdraw(world, [a]);
    const [second] = await send(world, again);
    expect(world.row(second)).toMatchObject({ state: 'accounted', duplicateOf: pk(a), ...BY });
    expect(world.row(second).counts).toBeUndefined();
    const [newer, third] = await send(world, 'ay', again);
    expect(world.row(third)).toMatchObject({ duplicateOf: pk(a), ...BY });
    expect(seeds(world)).toEqual(again === 'bx' ? [pk(newer)] : []);
    expect(await reopenOrphans(world)).toEqual([]);
  });

  test('leaves its duplicates where they are when it is superseded: the janitor does not take them up', async () => {
    const world = new World(SIMPLE);
    const [a, b] = await send(world, 'ax', 'bx');
    await withdraw(world, [a]);
    const [newer] = await send(world, 'ay');
    expect(world.row(a).supersededBy).toBe(pk(newer));
    expect(await reopenOrphans(world)).toEqual([]);
    expect(world.row(b)).toMatchObject({ state: 'accounted', withdrawal: 'w1' });
    expect(seeds(world)).toEqual([pk(newer)]);
  });

  test('does not bring the version before back; a corrected one counts, and so does the older one when it is sent again', async () => {
    const world = new World(SIMPLE);
    const [, wrong] = await send(world, 'ax', 'ay');
    await withdraw(world, [wrong]);
    expect(seeds(world)).toEqual([]);
    expect(await reopenOrphans(world)).toEqual([]);
    const [corrected] = await send(world, 'az');
    expect(seeds(world)).toEqual([pk(corrected)]);
    const [old] = await send(world, 'ax');
    expect(seeds(world)).toEqual([pk(old)]);
  });

  test('of which every version was superseded at its arrival is known for good all the same', async () => {
    const world = new World(SIMPLE);
    const [older, newer] = ['x', 'y'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
    await world.attempt(newer);
    await world.attempt(older);
    expect(contentOf(world, older)).toBeUndefined();
    await withdraw(world, [older]);
    expect(contentOf(world, older)).toMatchObject({ row: pk(older), ...BY });
    const [again] = await send(world, 'bx');
    expect(world.row(again)).toMatchObject({ duplicateOf: pk(older), withdrawal: 'w1' });
  });

  test('is left out of how long no file has come', async () => {
    const world = new World(SIMPLE);
    const [a] = await send(world, 'ax');
    world.pass(3600);
    const janitor = janitorOf(world);
    await janitor.run();
    const before = janitor.measured.HoursSinceFile;
    world.pass(3600);
    const [b] = await send(world, 'by');
    await withdraw(world, [b]);
    await janitor.run();
    expect(janitor.measured.HoursSinceFile).toBeGreaterThan(before + 1);
    expect(world.row(a).withdrawal).toBeUndefined();
  });

  test('is announced once for each file that has it', async () => {
    const world = new World(SIMPLE);
    const objects = await send(world, 'ax', 'bx', 'cy');
    await withdraw(world, [objects[0]]);
    await withdraw(world, [objects[0]], { ...BY, withdrawal: 'w2' });
    const bus = new FakeBus();
    const follow = makeHandler({
      dataset: 'simple',
      validatedBucket: BUCKETS.validated,
      bus: 'bus',
      events: bus.client,
      s3: world.s3.client,
      logger: { error: () => undefined },
    });
    await follow({ Records: streamOf(world.db, TABLE) });
    const told = bus.entries.filter(({ DetailType }) => DetailType === DATA_EVENT.withdrawn).map(({ Detail }) => JSON.parse(Detail!));
    expect(told).toEqual(
      objects.slice(0, 2).map((object) => ({
        ...{ eventId: `${pk(object)}#withdrawn`, dataset: 'simple', key: object.key, versionId: object.versionId, at: BY.withdrawnAt },
        ...{ contentSha256: world.row(object).contentSha256, withdrawal: 'w1', by: 'anna', reason: 'wrong sensor' },
      })),
    );
  });
});

describe('a withdrawal while files come in [D10]', () => {
  /** Withdraws the first file at the moment when the attempt on the second is about to commit. */
  async function amid(first: string[], then: string): Promise<{ world: World; objects: ObjectVersion[] }> {
    const world = new World(SIMPLE);
    const objects = await send(world, ...first);
    let waiting = true;
    world.db.before = async (name) => {
      if (name === 'TransactWriteItems' && waiting) {
        waiting = false;
        await withdraw(world, [objects[0]]);
      }
    };
    return { world, objects: [...objects, ...(await send(world, then))] };
  }

  test('reaches a file with the same bytes that was about to be a plain duplicate', async () => {
    const { world, objects } = await amid(['ax'], 'bx');
    expect(world.row(objects[1])).toMatchObject({ duplicateOf: pk(objects[0]), withdrawal: 'w1' });
  });

  test('reaches a file with the same bytes that was about to stand for them', async () => {
    const { world, objects } = await amid(['ax', 'ay'], 'bx');
    expect(world.row(objects[2])).toMatchObject({ duplicateOf: pk(objects[0]), withdrawal: 'w1' });
    expect(seeds(world)).toEqual([pk(objects[1])]);
  });

  test('wherever it breaks, the same command again completes it, and the first one keeps its name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.boolean(), async (nth, after) => {
        const world = new World(SIMPLE);
        const objects = await send(world, 'ax', 'bx', 'cy', 'dx', 'ez');
        let calls = 0;
        world.db[after ? 'after' : 'before'] = (name) => {
          if (calls++ === nth) {
            throw new Error(`broken at ${name}`);
          }
        };
        const broken = await withdraw(world, [objects[0], objects[2]]).then(
          () => false,
          () => true,
        );
        [world.db.before, world.db.after] = [() => undefined, () => undefined];
        await withdraw(world, [objects[0], objects[2]], { ...BY, withdrawal: 'again', withdrawnBy: 'ben' });
        expect(seeds(world)).toEqual([pk(objects[4])]);
        const [x, y] = [objects[0], objects[2]].map((object) => contentOf(world, object) as unknown as { withdrawal: string });
        expect([objects[0], objects[1], objects[3]].map((object) => world.row(object).withdrawal)).toEqual(Array(3).fill(x.withdrawal));
        expect(world.row(objects[2]).withdrawal).toBe(y.withdrawal);
        expect(broken || x.withdrawal === 'w1').toBe(true);
      }),
      { numRuns: runs(40) },
    );
  });
});

describe('a dataset that is built while a file is withdrawn [D10]', () => {
  test('is never published with the file once the withdrawal was done, at whatever moment it comes', async () => {
    let refused = 0;
    let published = 0;
    for (let moment = 0; moment < 14; moment++) {
      const world = new World(SIMPLE);
      const objects = await send(world, 'ax', 'by', 'cz');
      const content = world.row(objects[1]).contentSha256!;
      const { build, manifestOf } = builderOf(world);
      const names = (item: { manifest: string; manifestVersion: string }) =>
        manifestOf(item).objects.some((one) => one.content === content);
      let calls = 0;
      let inside = false;
      let before: unknown[] = [];
      const step = async () => {
        if (!inside && calls++ === moment) {
          inside = true;
          await withdraw(world, [objects[1]]);
          before = world.db.items<{ pk: string }>(CATALOGUE).map((item) => item.pk);
          inside = false;
        }
      };
      [world.db.before, world.s3.before] = [step, step];
      await build({ dataset: 'simple' }).then(
        () => published++,
        (error: Error) => {
          expect(error.message).toMatch(/^WithdrawnMeanwhile: .*: build again$/);
          refused++;
        },
      );
      const later = world.db
        .items<{ pk: string; manifest: string; manifestVersion: string }>(CATALOGUE)
        .filter((item) => world.row(objects[1]).withdrawal !== undefined && !before.includes(item.pk));
      expect(later.filter(names)).toEqual([]);
      [world.db.before, world.s3.before] = [() => undefined, () => undefined];
      if (world.row(objects[1]).withdrawal !== undefined) {
        expect(names(await build({ dataset: 'simple' }))).toBe(false);
      }
    }
    expect(refused).toBeGreaterThan(3);
    expect(published).toBeGreaterThan(3);
  });
});
