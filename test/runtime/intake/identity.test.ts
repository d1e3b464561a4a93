import fc from 'fast-check';
import { isLater } from '../../../lib/constructs/data/contract';
import { ObjectVersion } from '../../../runtime/intake/core';
import type { FileRow } from '../../../runtime/intake/file-row';
import { counts } from '../../../runtime/shared/ledger-rows';
import { reopenOrphans } from './janitor';
import { problemsOf, SIMPLE, simpleFile } from './simple-files';
import { TABLE, World } from './world';

const pk = ({ key, versionId }: ObjectVersion) => `object#${key}#${versionId}`;
const standing = (world: World) =>
  world
    .rows()
    .filter(counts)
    .map((row) => row.pk);

async function accounted(world: World, ...objects: ObjectVersion[]): Promise<FileRow[]> {
  for (const object of objects) {
    expect((await world.attempt(object)).outcome).toBe('accounted');
  }
  return objects.map((object) => world.row(object));
}

/** Lets the janitor take up orphans until there are none. */
async function settle(world: World, objects: ObjectVersion[]): Promise<void> {
  for (let rows = await reopenOrphans(world); rows.length > 0; rows = await reopenOrphans(world)) {
    await accounted(world, ...rows.map((row) => objects.find(({ versionId }) => versionId === row.versionId)!));
  }
}

describe('the same bytes again [D4]', () => {
  test('under another key are a duplicate with no rows', async () => {
    const world = new World(SIMPLE);
    const [a, b] = [world.send('simple/a.csv', simpleFile('x')), world.send('simple/b.csv', simpleFile('x'))];
    const [, row] = await accounted(world, a, b);
    expect(row).toMatchObject({ state: 'accounted', duplicateOf: pk(a), contentBytes: expect.any(Number) });
    expect([row.counts, row.validated, row.quarantine, row.supersededBy]).toEqual([undefined, undefined, undefined, undefined]);
    expect(standing(world)).toEqual([pk(a)]);
    expect(problemsOf(world)).toEqual([]);
  });

  test.each([
    ['in order', [0, 1]],
    ['the newer one first', [1, 0]],
  ])('under the same key are a duplicate, and the records stay, %s', async (_, order) => {
    const world = new World(SIMPLE);
    const objects = [world.send('simple/a.csv', simpleFile('x')), world.send('simple/a.csv', simpleFile('x'))];
    const [first, second] = order.map((i) => objects[i]);
    await accounted(world, first, second);
    expect(world.row(second).duplicateOf).toBe(pk(first));
    expect(standing(world)).toEqual([pk(first)]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('under the same key make what came between them old, in whichever order they are read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), async (order) => {
        const world = new World(SIMPLE);
        const objects = ['x', 'y', 'x'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
        await accounted(world, ...order.map((i) => objects[i]));
        await settle(world, objects);
        expect(problemsOf(world)).toEqual([]);
        expect(world.row(objects[1]).supersededBy).toBeDefined();
      }),
      { numRuns: 12 },
    );
  });

  test('of a rejected file are rejected again, not a duplicate', async () => {
    const world = new World(SIMPLE);
    const objects = [world.send('simple/a.csv', 'wrong\n1'), world.send('simple/b.csv', 'wrong\n1')];
    for (const object of objects) {
      expect((await world.attempt(object)).outcome).toBe('rejected');
      expect(world.row(object).duplicateOf).toBeUndefined();
    }
    expect(problemsOf(world)).toEqual([]);
  });

  test('count again when their original is superseded: the duplicate is read again', async () => {
    const world = new World(SIMPLE);
    const a1 = world.send('simple/a.csv', simpleFile('x'));
    const b = world.send('simple/b.csv', simpleFile('x'));
    const a2 = world.send('simple/a.csv', simpleFile('y'));
    await accounted(world, a1, b, a2);
    expect(standing(world)).toEqual([pk(a2)]);
    const [orphan] = await reopenOrphans(world);
    expect(orphan).toMatchObject({ pk: pk(b), state: 'received', reopened: 1 });
    const [row] = await accounted(world, b);
    expect(row).toMatchObject({ counts: { read: 6, valid: 5, quarantined: 1 }, attempts: 2 });
    expect(row.duplicateOf).toBeUndefined();
    expect(standing(world).sort()).toEqual([pk(a2), pk(b)].sort());
    expect(problemsOf(world)).toEqual([]);
    expect(await reopenOrphans(world)).toEqual([]);
  });

  test('of several duplicates one stands when the original is superseded', async () => {
    const world = new World(SIMPLE);
    const objects = [
      ...['a', 'b', 'c', 'd'].map((name) => world.send(`simple/${name}.csv`, simpleFile('x'))),
      world.send('simple/a.csv', simpleFile('y')),
    ];
    await accounted(world, ...objects);
    await settle(world, objects);
    expect(standing(world)).toHaveLength(2);
    expect(problemsOf(world)).toEqual([]);
  });

  test('may go back and forth between two keys', async () => {
    const world = new World(SIMPLE);
    const objects: ObjectVersion[] = [];
    for (const [key, seed] of ['ax', 'bx', 'ay', 'by', 'ax', 'bx', 'ax', 'bz', 'az'].map((text) => text.split(''))) {
      objects.push(world.send(`simple/${key}.csv`, simpleFile(seed)));
      await accounted(world, objects.at(-1)!);
      await settle(world, objects);
      expect(problemsOf(world)).toEqual([]);
    }
  });
});

describe('another version of a key [D4]', () => {
  test.each([
    ['in order', [0, 1]],
    ['in the other order', [1, 0]],
  ])('supersedes by sequencer, not by arrival: %s', async (_, order) => {
    const world = new World(SIMPLE);
    const objects = [world.send('simple/a.csv', simpleFile('x')), world.send('simple/a.csv', simpleFile('y'))];
    await accounted(world, ...order.map((i) => objects[i]));
    expect(world.row(objects[0]).supersededBy).toBe(pk(objects[1]));
    expect(world.row(objects[1]).supersededBy).toBeUndefined();
    expect(standing(world)).toEqual([pk(objects[1])]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('in any order of arrival ends with the newest one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), async (order) => {
        const world = new World(SIMPLE);
        const objects = ['p', 'q', 'r', 's'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
        await accounted(world, ...order.map((i) => objects[i]));
        expect(standing(world)).toEqual([pk(objects[3])]);
        expect(problemsOf(world)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  test('that is rejected leaves the one before in place', async () => {
    const world = new World(SIMPLE);
    const good = world.send('simple/a.csv', simpleFile('x'));
    const bad = world.send('simple/a.csv', 'wrong\n');
    await accounted(world, good);
    expect((await world.attempt(bad)).outcome).toBe('rejected');
    expect(standing(world)).toEqual([pk(good)]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('keeps the outputs of the old one, which its row still names', async () => {
    const world = new World(SIMPLE);
    const old = world.send('simple/a.csv', simpleFile('x'));
    await accounted(world, old, world.send('simple/a.csv', simpleFile('y')));
    const { validated } = world.row(old);
    expect(world.s3.read('validated', validated!.key, validated!.versionId).length).toBe(validated!.bytes);
  });
});

describe('a sequencer', () => {
  test.each([
    ['0055AED6DCD90281E6', '0055AED6DCD90281E5', true],
    ['0055AED6DCD90281E5', '0055AED6DCD90281E6', false],
    ['0055AED6DCD90281E5', '0055AED6DCD90281E5', false],
    ['0055AED6DCD90281E5', '0055AED6DCD90281E500', false],
    ['0055AED6DCD90281E501', '0055AED6DCD90281E5', true],
    ['1', '0055AED6DCD90281E5', true],
  ])('%s is later than %s: %s', (a, b, expected) => {
    expect(isLater(a, b)).toBe(expected);
  });
});

describe('workers at the same time [D4]', () => {
  /** Lets every call to the table take a while, so that the calls of several workers mix. */
  function mixing(world: World): World {
    world.db.before = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    return world;
  }

  test('on one file: one is at work, the others are told until when', async () => {
    const world = mixing(new World(SIMPLE));
    const object = world.send('simple/a.csv', simpleFile('a'));
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => world.attempt(object)));
    expect(outcomes.filter(({ outcome }) => outcome === 'accounted')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'busy')).toHaveLength(4);
    expect(outcomes.filter((found) => found.outcome === 'busy' && found.until !== world.at.getTime() / 1000 + 150)).toEqual([]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('on files with the same bytes: one has the records, the others are its duplicates', async () => {
    for (let round = 0; round < 4; round++) {
      const world = mixing(new World(SIMPLE));
      const objects = ['a', 'b', 'c'].map((name) => world.send(`simple/${name}.csv`, simpleFile('x')));
      await Promise.all(objects.map((object) => world.attempt(object)));
      const [only] = standing(world);
      expect(standing(world)).toHaveLength(1);
      expect(world.rows().filter(({ duplicateOf }) => duplicateOf === only)).toHaveLength(2);
      expect(problemsOf(world)).toEqual([]);
    }
  });

  test('on versions of one key: the newest one stands', async () => {
    for (let round = 0; round < 4; round++) {
      const world = mixing(new World(SIMPLE));
      const objects = ['p', 'q', 'r', 's'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
      await Promise.all(objects.map((object) => world.attempt(object)));
      expect(standing(world)).toEqual([pk(objects[3])]);
      expect(problemsOf(world)).toEqual([]);
    }
  });

  test('on a duplicate and on what supersedes its original: the duplicate becomes the original', async () => {
    const world = new World(SIMPLE);
    const objects = ['ax', 'bx', 'ay'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
    await accounted(world, objects[0]);
    let waiting = true;
    world.db.before = async (name) => {
      if (name === 'TransactWriteItems' && waiting) {
        waiting = false;
        await accounted(world, objects[2]);
      }
    };
    const [duplicate] = await accounted(world, objects[1]);
    expect(duplicate.duplicateOf).toBeUndefined();
    expect(standing(world).sort()).toEqual([pk(objects[1]), pk(objects[2])].sort());
    expect(problemsOf(world)).toEqual([]);
  });

  test('on everything at once, with the same bytes under two keys and twice under one', async () => {
    for (let round = 0; round < 4; round++) {
      const world = mixing(new World(SIMPLE));
      const objects = ['ax', 'ay', 'bx', 'by', 'bx', 'cx', 'ay'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
      await Promise.all([...objects, ...objects].map((object) => world.attempt(object)));
      await settle(world, objects);
      expect(problemsOf(world)).toEqual([]);
    }
  });

  test('never write the time of an older duplicate over that of a newer one', async () => {
    const world = new World(SIMPLE);
    const objects = ['x', 'x', 'y', 'x'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
    await accounted(world, objects[0]);
    let waiting = true;
    world.db.before = async (name) => {
      if (name === 'TransactWriteItems' && waiting) {
        waiting = false;
        await accounted(world, objects[3]);
      }
    };
    await accounted(world, objects[1], objects[2]);
    expect(standing(world)).toEqual([pk(objects[0])]);
    expect(world.db.items(TABLE).find((item) => item.pk === 'head#simple/a.csv')).toMatchObject({ sequencer: objects[3].sequencer });
    expect(problemsOf(world)).toEqual([]);
  });
});
