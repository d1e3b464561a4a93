import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { isLater } from '../../../lib/constructs/data/contract';
import { sequencersOf } from '../../../runtime/intake-janitor/core';
import type { FileRow } from '../../../runtime/intake/file-row';
import { makeHandler as makeEvents } from '../../../runtime/ledger-events/handler';
import { FakeBus, streamOf } from '../../support/stream-records';
import { janitorOf } from '../intake/janitor';
import { problemsOf, SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';

const MINUTES = 60;
const DAY = 86_400;

/** Writes the commit records that the stream of the table gives rise to. */
async function recordCommits(world: World): Promise<void> {
  const deps = { dataset: 'simple', validatedBucket: BUCKETS.validated, s3: world.s3.client, logger: { error: () => undefined } };
  await makeEvents({ ...deps, events: new FakeBus().client })({ Records: streamOf(world.db, TABLE) });
}

const outputsOf = (world: World) =>
  [BUCKETS.validated, BUCKETS.quarantine].flatMap((bucket) => world.s3.current(bucket).map(({ key }) => `${bucket}/${key}`));

describe('the janitor resubmits [D4]', () => {
  test('a version whose event was lost, once it is late, as the event would have named it', async () => {
    const world = new World(SIMPLE);
    const { key, versionId } = world.send('simple/a.csv', simpleFile('a'));
    world.pass(20 * MINUTES);
    expect(await janitorOf(world).run()).toMatchObject({ resubmitted: 0 });
    world.pass(1);
    const janitor = janitorOf(world);
    expect(await janitor.run()).toEqual({ unaccounted: 1, resubmitted: 1, deadLettered: 0, reopened: 0, swept: 0, frozen: false });
    expect(janitor.sent).toMatchObject([{ bucket: BUCKETS.raw, key, versionId }]);
    expect(janitor.measured).toMatchObject({ FilesUnaccounted: 1 });
    await world.attempt(janitor.sent[0]);
    expect(problemsOf(world)).toEqual([]);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 0, resubmitted: 0 });
  });

  test('no folder that somebody made in the console', async () => {
    const world = new World(SIMPLE);
    world.send('simple/', '');
    world.pass(21 * MINUTES);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 0, resubmitted: 0 });
  });

  test('nothing that has a final row, accounted or rejected', async () => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/a.csv', simpleFile('a')));
    await world.attempt(world.send('simple/b.csv', 'wrong\n'));
    world.pass(DAY);
    const janitor = janitorOf(world);
    expect(await janitor.run()).toEqual({ unaccounted: 0, resubmitted: 0, deadLettered: 0, reopened: 0, swept: 0, frozen: false });
    expect(janitor.sent).toEqual([]);
  });

  test('nothing of another dataset', async () => {
    const world = new World(SIMPLE);
    world.send('simpleton/a.csv', simpleFile('a'));
    world.pass(DAY);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 0 });
  });

  test('nothing that an attempt is at work on; it is reported all the same', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    world.pass(21 * MINUTES);
    await world.killAt(object, 'leased');
    const busy = janitorOf(world);
    expect(await busy.run()).toMatchObject({ unaccounted: 1, resubmitted: 0 });
    expect(busy.measured).toMatchObject({ FilesUnaccounted: 1 });
    world.pass(151);
    // Its message fails when its visibility timeout is over, and comes back.
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 1, resubmitted: 0 });
    world.pass(720 + 60 - 151);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 1, resubmitted: 0 });
    world.pass(1);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 1, resubmitted: 1 });
  });

  test('an older version too: it counts when the newer one is rejected', async () => {
    const world = new World(SIMPLE);
    const old = world.send('simple/a.csv', simpleFile('a'));
    await world.attempt(world.send('simple/a.csv', 'wrong\n'));
    world.pass(DAY);
    const janitor = janitorOf(world);
    await janitor.run();
    expect(janitor.sent.map(({ versionId }) => versionId)).toEqual([old.versionId]);
    await world.attempt(janitor.sent[0]);
    expect(problemsOf(world)).toEqual([]);
  });

  test.each([
    ['the newest version', [0, 1], 2],
    ['the oldest version', [1, 2], 0],
    ['a version in between', [0, 2], 1],
    ['all versions', [], 2],
    ['all but the oldest', [0], 2],
  ])('in the order of the versions, although the events were lost: %s', async (_, arrived) => {
    const world = new World(SIMPLE);
    const objects = ['p', 'q', 'r'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
    for (const index of arrived) {
      await world.attempt(objects[index]);
    }
    world.pass(DAY);
    const janitor = janitorOf(world);
    await janitor.run();
    expect(janitor.sent).toHaveLength(3 - arrived.length);
    for (const object of janitor.sent) {
      await world.attempt(object);
    }
    expect(problemsOf(world)).toEqual([]);
    expect(world.rows().find(({ supersededBy }) => supersededBy === undefined)!.versionId).toBe(objects[2].versionId);
  });

  test('a version that never becomes final once, and then gives it to a person: its messages would pile up', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    const [sentAt, deadAt]: number[][] = [[], []];
    for (let minute = 0; minute <= 180; minute += 5) {
      const janitor = janitorOf(world);
      await janitor.run();
      sentAt.push(...janitor.sent.map(() => minute));
      deadAt.push(...janitor.dead.map(() => minute));
      expect(janitor.measured.FilesUnaccounted).toBe(minute > 20 ? 1 : 0);
      world.pass(5 * MINUTES);
    }
    expect([sentAt, deadAt]).toEqual([[25], [70]]);
    await world.attempt(object);
    expect(problemsOf(world)).toEqual([]);
  });

  test('a version whose row was there before, also once', async () => {
    const world = new World(SIMPLE);
    await world.failAt(world.send('simple/a.csv', simpleFile('a')), 'leased');
    world.pass(DAY);
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 1, resubmitted: 1 });
    expect(await janitorOf(world).run()).toMatchObject({ unaccounted: 1, resubmitted: 0 });
    expect(world.rows()).toMatchObject([{ state: 'validating', attempts: 1 }]);
  });

  test('through pages of listings and scans', async () => {
    const world = new World(SIMPLE);
    world.s3.pageSize = 2;
    world.db.pageSize = 2;
    const objects = ['a', 'b', 'c', 'd', 'e'].flatMap((name) =>
      [1, 2].map((n) => world.send(`simple/${name}.csv`, simpleFile(`${name}${n}`))),
    );
    await world.attempt(objects[1]);
    world.pass(DAY);
    const janitor = janitorOf(world);
    expect(await janitor.run()).toMatchObject({ unaccounted: 9, resubmitted: 9 });
    expect(new Set(janitor.sent.map(({ versionId }) => versionId)).size).toBe(9);
  });
});

describe('the janitor reports a file that is not final when the latency of its contract is over [D9, meaning 24]', () => {
  const ran = async (world: World, latency: number) => {
    const janitor = janitorOf(world, undefined, 0, latency);
    const { unaccounted } = await janitor.run();
    expect(janitor.measured.FilesUnaccounted).toBe(unaccounted);
    return [unaccounted, janitor.sent.length];
  };
  const lost = () => {
    const world = new World(SIMPLE);
    world.send('simple/lost.csv', simpleFile('a'));
    return world;
  };

  test.each([
    ['5 minutes', 5],
    ['exactly 20 minutes, as without one', 20],
    ['an hour', 60],
  ])('of %s: not a second before and not a second later', async (_, minutes) => {
    const world = lost();
    world.pass(minutes * MINUTES);
    expect((await ran(world, minutes * MINUTES))[0]).toBe(0);
    world.pass(1);
    expect((await ran(world, minutes * MINUTES))[0]).toBe(1);
  });

  test.each([5, 20, 60])(
    'of %d minutes, and sends what was lost again after 20 all the same: the latency is to be kept',
    async (minutes) => {
      const world = lost();
      world.pass(20 * MINUTES);
      expect(await ran(world, minutes * MINUTES)).toEqual([minutes < 20 ? 1 : 0, 0]);
      world.pass(1);
      expect(await ran(world, minutes * MINUTES)).toEqual([minutes > 20 ? 0 : 1, 1]);
    },
  );

  test.each([
    [5, 20],
    [20, 20],
    [60, 60],
  ])('of %d minutes, after a freeze when files have had %d: what came meanwhile comes all at once', async (minutes, calm) => {
    const world = lost();
    const until = new Date(world.at.getTime() + 3_600_000).toISOString();
    await world.db.client.send(
      new PutCommand({ TableName: TABLE, Item: { pk: 'freeze', freeze: 'f', since: world.at.toISOString(), until } }),
    );
    world.pass(3600 + calm * MINUTES - 1);
    expect((await ran(world, minutes * MINUTES))[0]).toBe(0);
    world.pass(1);
    expect((await ran(world, minutes * MINUTES))[0]).toBe(1);
  });
});

describe('the janitor measures how old the data is [D9]', () => {
  const hours = async (world: World) => {
    const janitor = janitorOf(world);
    await janitor.run();
    return janitor.measured.HoursSinceFile;
  };

  test('from the making of the ledger until a file brings valid records, then from that file', async () => {
    const world = new World(SIMPLE);
    world.pass(DAY);
    expect(await hours(world)).toBe(24);
    await world.attempt(world.send('simple/a.csv', simpleFile('a')));
    expect(await hours(world)).toBe(0);
    world.pass(90 * MINUTES);
    expect(await hours(world)).toBe(1.5);
  });

  test.each([
    ['the same bytes again', simpleFile('a')],
    ['a file that is rejected', 'wrong\n'],
    ['a file without records', `${simpleFile('a').toString().split('\n')[0]}\n`],
  ])('and not from %s', async (_, bytes) => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/a.csv', simpleFile('a')));
    world.pass(DAY);
    await world.attempt(world.send('simple/b.csv', bytes));
    expect(await hours(world)).toBe(24);
  });
});

describe('the janitor counts valid records of the last hours [D9, meaning 25]', () => {
  const volume = async (world: World, hours?: number) => {
    const janitor = janitorOf(world, hours);
    await janitor.run();
    return janitor.measured.ValidRowsOfPeriod;
  };
  const send = async (world: World, key: string, seed: string, records = 4) =>
    world.attempt(world.send(`simple/${key}.csv`, simpleFile(seed, records)));

  test('when the ledger is as old as the period, and not before', async () => {
    const world = new World(SIMPLE);
    await send(world, 'a', 'a');
    world.pass(DAY - 1);
    expect(await volume(world, 24)).toBeUndefined();
    world.pass(1);
    expect(await volume(world, 24)).toBe(0);
    expect(await volume(world, 25)).toBeUndefined();
    expect(await volume(world)).toBeUndefined();
  });

  test('of which three in four are valid here, until they are older than the period', async () => {
    const world = new World(SIMPLE);
    world.pass(DAY);
    await send(world, 'a', 'a');
    world.pass(60 * MINUTES);
    await send(world, 'b', 'b', 8);
    expect(await volume(world, 24)).toBe(9);
    world.pass(DAY - 60 * MINUTES);
    expect(await volume(world, 24)).toBe(6);
    world.pass(60 * MINUTES);
    expect(await volume(world, 24)).toBe(0);
  });

  test('once each: neither repeated bytes, nor rejected files, nor what a newer version supersedes', async () => {
    const world = new World(SIMPLE);
    world.pass(DAY);
    await send(world, 'a', 'a');
    await send(world, 'again', 'a');
    await world.attempt(world.send('simple/wrong.csv', 'wrong\n'));
    expect(await volume(world, 24)).toBe(3);
    await send(world, 'a', 'c', 8);
    expect(await volume(world, 24)).toBe(6);
  });
});

describe('a sequencer that is made up [D4]', () => {
  const version = (versionId: string) => ({ key: 'k', versionId, modified: new Date(0) });
  const rowOf = (versionId: string, sequencer: string) => [`object#k#${versionId}`, { sequencer } as FileRow] as const;

  test('lies between those of its neighbours, however many miss theirs', () => {
    const newestFirst = ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map(version);
    const rows = new Map([rowOf('b', '0055AED6DCD90281E5'), rowOf('e', '0055AED6DCD90281E501'), rowOf('f', '0055AED6DCD90281E6')]);
    const sequencers = [...sequencersOf(newestFirst, rows).values()];
    expect(sequencers).toHaveLength(7);
    sequencers.slice(1).forEach((sequencer, i) => expect(isLater(sequencer, sequencers[i])).toBe(true));
  });

  test('lies behind one that was made up before', () => {
    const first = sequencersOf([version('b'), version('a')], new Map([rowOf('a', '0055AED6DCD90281E5')])).get('object#k#b')!;
    const rows = new Map([rowOf('a', '0055AED6DCD90281E5'), rowOf('b', first), rowOf('d', '0055AED6DCD90281E501')]);
    const second = sequencersOf([version('d'), version('c'), version('b'), version('a')], rows).get('object#k#c')!;
    expect([isLater(second, first), isLater('0055AED6DCD90281E501', second)]).toEqual([true, true]);
  });
});

describe('the janitor takes up duplicates [D4]', () => {
  test('whose original was superseded, and only while they are the newest of their key', async () => {
    const world = new World(SIMPLE);
    const objects = ['ax', 'bx', 'cx', 'cy', 'az'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
    for (const object of objects) {
      await world.attempt(object);
    }
    const janitor = janitorOf(world);
    expect(await janitor.run()).toMatchObject({ reopened: 1 });
    expect(janitor.sent).toEqual([objects[1]]);
    expect(world.row(objects[1])).toMatchObject({ state: 'received', reopened: 1 });
    expect(await janitorOf(world).run()).toMatchObject({ reopened: 0 });
  });

  test('not when it is the same key that has moved on', async () => {
    const world = new World(SIMPLE);
    const objects = ['x', 'x', 'y'].map((seed) => world.send('simple/a.csv', simpleFile(seed)));
    for (const object of objects) {
      await world.attempt(object);
    }
    expect(await janitorOf(world).run()).toMatchObject({ reopened: 0 });
    expect(problemsOf(world)).toEqual([]);
  });

  test('again through the queue when it dies between the table and the queue', async () => {
    const world = new World(SIMPLE);
    for (const [key, seed] of ['ax', 'bx', 'ay']) {
      await world.attempt(world.send(`simple/${key}.csv`, simpleFile(seed)));
    }
    let updated = false;
    world.db.after = (operation) => {
      if (operation === 'UpdateItem' && !updated) {
        updated = true;
        throw new Error('died');
      }
    };
    await expect(janitorOf(world).run()).rejects.toThrow('died');
    world.pass(21 * MINUTES);
    const janitor = janitorOf(world);
    expect(await janitor.run()).toMatchObject({ resubmitted: 1 });
    await world.attempt(janitor.sent[0]);
    expect(problemsOf(world)).toEqual([]);
  });
});

describe('the janitor sweeps [D4]', () => {
  test('attempts that nobody committed, after a day, and nothing that a row names', async () => {
    const world = new World(SIMPLE);
    const objects = ['ax', 'ay', 'bz'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
    await world.failAt(objects[0], 'both uploaded');
    await world.killAt(objects[1], 'valid uploaded');
    world.pass(151);
    for (const object of objects) {
      await world.attempt(object);
    }
    await recordCommits(world);
    const before = outputsOf(world);
    const named = world.rows().flatMap(({ validated, quarantine }) => [`validated/${validated!.key}`, `quarantine/${quarantine!.key}`]);
    world.pass(DAY - 151);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
    world.pass(152);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 3 });
    const after = outputsOf(world);
    expect(after).toEqual(expect.arrayContaining(named));
    expect(after).toHaveLength(named.length + 3);
    expect(
      before
        .filter((key) => !after.includes(key))
        .map((key) => key.replace(/^(\w+)\/.*\/(\w+).*$/, '$1 $2'))
        .sort(),
    ).toEqual(['quarantine records', 'validated records', 'validated records']);
    expect(problemsOf(world)).toEqual([]);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
  });

  test('the outputs of a duplicate, but not its commit record', async () => {
    const world = new World(SIMPLE);
    for (const key of ['a', 'b']) {
      await world.attempt(world.send(`simple/${key}.csv`, simpleFile('x')));
    }
    await recordCommits(world);
    world.pass(DAY + 1);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 2 });
    expect(outputsOf(world).filter((key) => key.endsWith('commit.json'))).toHaveLength(2);
    expect(problemsOf(world)).toEqual([]);
  });

  test('nothing while an attempt is still at work', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('x'));
    await world.killAt(object, 'both uploaded');
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
  });

  test('nothing when the table was lost, so that it can be rebuilt', async () => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/a.csv', simpleFile('x')));
    await world.attempt(world.send('simple/b.csv', simpleFile('y')));
    await recordCommits(world);
    const before = outputsOf(world);
    (world.db as unknown as { tables: Map<string, unknown> }).tables.clear();
    world.pass(30 * DAY);
    const janitor = janitorOf(world);
    expect(await janitor.run()).toMatchObject({ swept: 0, resubmitted: 2 });
    for (const object of janitor.sent) {
      await world.attempt(object);
    }
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
    expect(outputsOf(world)).toEqual(expect.arrayContaining(before));
    expect(problemsOf(world)).toEqual([]);
  });

  test('nothing of a version that the table does not know, with or without a commit record', async () => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/a.csv', simpleFile('x')));
    const before = outputsOf(world);
    (world.db as unknown as { tables: Map<string, unknown> }).tables.clear();
    world.s3.versions.splice(0, world.s3.versions.length, ...world.s3.versions.filter(({ bucket }) => bucket !== BUCKETS.raw));
    world.pass(30 * DAY);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
    expect(outputsOf(world)).toEqual(before);
  });

  test('nothing that is no output of an attempt', async () => {
    const world = new World(SIMPLE);
    await world.attempt(world.send('simple/a.csv', simpleFile('x')));
    ['simple/notes.txt', 'simple/version=1/x', 'datasets/simple/1/manifest.json'].forEach((key) =>
      world.s3.put(BUCKETS.validated, key, 'x'),
    );
    world.pass(30 * DAY);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 0 });
  });

  test('more than one call can delete, page by page', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('x'));
    await world.attempt(object);
    const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    for (let n = 0; n < 1005; n++) {
      world.s3.put(BUCKETS.validated, `simple/a.csv/version=${object.versionId}/attempt=${uuid(n)}/records.csv.gz`, 'x');
    }
    world.pass(2 * DAY);
    const calls: string[] = [];
    world.s3.before = (operation) => void calls.push(operation);
    expect(await janitorOf(world).run()).toMatchObject({ swept: 1005 });
    expect(calls.filter((operation) => operation === 'DeleteObjects')).toHaveLength(2);
  });
});
