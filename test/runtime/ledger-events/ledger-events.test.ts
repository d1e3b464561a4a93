import { makeHandler } from '../../../runtime/ledger-events/handler';
import type { FileRow } from '../../../runtime/intake/file-row';
import { S3Failure } from '../../support/fake-s3';
import { FakeBus, streamOf } from '../../support/stream-records';
import { janitorOf } from '../intake/janitor';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';

interface Detail {
  eventId: string;
  dataset: string;
  key: string;
  versionId: string;
  at: string;
  counts?: { read: number };
  duplicateOf?: string;
  supersededBy?: string;
  reason?: string;
  validated?: { key: string };
}

/** Files of every kind: accounted, duplicate, superseded, rejected, and one that died once on the way. */
async function taken(): Promise<World> {
  const world = new World(SIMPLE);
  const objects = [
    world.send('simple/a.csv', simpleFile('a')),
    world.send('simple/b.csv', simpleFile('a')),
    world.send('simple/c.csv', simpleFile('c')),
    world.send('simple/c.csv', simpleFile('d')),
    world.send('simple/e.csv', 'wrong\n'),
  ];
  await world.failAt(objects[0], 'both uploaded');
  world.pass(151);
  for (const object of objects) {
    await world.attempt(object);
  }
  return world;
}

function eventsOf(world: World, over: { bus?: string } = { bus: 'flights-dev' }) {
  const bus = new FakeBus();
  const logged: string[] = [];
  const handler = makeHandler({
    dataset: 'simple',
    validatedBucket: BUCKETS.validated,
    events: bus.client,
    s3: world.s3.client,
    logger: { error: (message) => void logged.push(message) },
    ...over,
  });
  return { handler, bus, logged };
}

const recordsIn = (world: World) =>
  world.s3
    .current(BUCKETS.validated)
    .filter(({ key }) => key.endsWith('/commit.json'))
    .map(({ key, bytes }) => ({ key, row: JSON.parse(bytes.toString()) as FileRow }));

describe('events of the ledger [D4]', () => {
  test('are one for each final row, whatever happened on the way to it', async () => {
    const world = await taken();
    const { handler, bus } = eventsOf(world);
    expect(await handler({ Records: streamOf(world.db, TABLE) })).toEqual({ batchItemFailures: [] });
    expect(bus.details<Detail>().map(({ eventId }) => eventId)).toEqual(world.rows().map(({ pk }) => pk));
    expect(bus.entries.map(({ DetailType }) => DetailType)).toEqual([...Array(4).fill('File Accounted'), 'File Rejected']);
    expect(new Set(bus.entries.map(({ Source, EventBusName }) => `${Source} ${EventBusName}`))).toEqual(
      new Set(['ai-workloads flights-dev']),
    );
  });

  test('say what the row says', async () => {
    const world = await taken();
    const { handler, bus } = eventsOf(world);
    await handler({ Records: streamOf(world.db, TABLE) });
    const [accounted, duplicate, , , rejected] = bus.details<Detail>();
    const [row] = world.rows();
    expect(accounted).toEqual({
      eventId: row.pk,
      dataset: 'simple',
      key: 'simple/a.csv',
      versionId: row.versionId,
      at: row.accountedAt,
      counts: row.counts,
      validated: row.validated,
      quarantine: row.quarantine,
    });
    expect(duplicate).toMatchObject({ duplicateOf: row.pk });
    expect([duplicate.counts, duplicate.validated]).toEqual([undefined, undefined]);
    expect(rejected).toMatchObject({ reason: expect.stringContaining('header') });
  });

  test('are another one, with an id of its own, when a duplicate was taken up again', async () => {
    const world = new World(SIMPLE);
    const objects = ['ax', 'bx', 'ay'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
    for (const object of objects) {
      await world.attempt(object);
    }
    await janitorOf(world).run();
    await world.attempt(objects[1]);
    const { handler, bus } = eventsOf(world);
    await handler({ Records: streamOf(world.db, TABLE) });
    const pk = world.row(objects[1]).pk;
    expect(bus.details<Detail>().filter(({ key }) => key === 'simple/b.csv')).toMatchObject([
      { eventId: pk, duplicateOf: world.row(objects[0]).pk },
      { eventId: `${pk}#1`, counts: { read: 6 } },
    ]);
  });

  test('leave out none when a commit record cannot be written, and come again from that row on', async () => {
    const world = await taken();
    const { handler, bus, logged } = eventsOf(world);
    const records = streamOf(world.db, TABLE);
    let writes = 0;
    world.s3.before = (operation) => {
      if (operation === 'PutObject' && ++writes === 3) {
        throw new S3Failure('SlowDown');
      }
    };
    const { batchItemFailures } = await handler({ Records: records });
    expect(logged).toEqual(['a commit record was not written']);
    expect(bus.details<Detail>()).toHaveLength(2);
    world.s3.before = () => undefined;
    const rest = records.slice(records.findIndex(({ dynamodb }) => dynamodb!.SequenceNumber === batchItemFailures[0].itemIdentifier));
    expect(rest.length).toBeLessThan(records.length);
    expect(await handler({ Records: rest })).toEqual({ batchItemFailures: [] });
    expect(bus.details<Detail>().map(({ eventId }) => eventId)).toEqual(world.rows().map(({ pk }) => pk));
  });

  test('come again from the first one that the bus refused', async () => {
    const world = await taken();
    const { handler, bus } = eventsOf(world);
    const records = streamOf(world.db, TABLE);
    bus.refuse = () => 1;
    const { batchItemFailures } = await handler({ Records: records });
    bus.refuse = () => undefined;
    await handler({
      Records: records.slice(records.findIndex(({ dynamodb }) => dynamodb!.SequenceNumber === batchItemFailures[0].itemIdentifier)),
    });
    expect(new Set(bus.details<Detail>().map(({ eventId }) => eventId))).toEqual(new Set(world.rows().map(({ pk }) => pk)));
  });

  test('are not sent when nobody listens; the commit records are written all the same', async () => {
    const world = await taken();
    const { handler, bus } = eventsOf(world, {});
    expect(await handler({ Records: streamOf(world.db, TABLE) })).toEqual({ batchItemFailures: [] });
    expect(bus.entries).toEqual([]);
    expect(recordsIn(world)).toHaveLength(5);
  });

  test('are not made of a row that is removed', async () => {
    const world = await taken();
    const { handler, bus } = eventsOf(world);
    const removals = streamOf(world.db, TABLE).map(({ dynamodb }) => ({
      eventName: 'REMOVE' as const,
      dynamodb: { OldImage: dynamodb!.NewImage },
    }));
    expect(await handler({ Records: removals })).toEqual({ batchItemFailures: [] });
    expect(bus.entries).toEqual([]);
  });
});

describe('commit records [D4]', () => {
  test('lie beside the outputs of the attempt that was committed', async () => {
    const world = await taken();
    await eventsOf(world).handler({ Records: streamOf(world.db, TABLE) });
    const folder = (key: string) => key.replace(/[^/]+$/, '');
    for (const { key, row } of recordsIn(world).filter((found) => found.row.validated !== undefined)) {
      expect(folder(key)).toBe(folder(row.validated!.key));
      expect(folder(key)).toBe(folder(row.quarantine!.key));
    }
  });

  test('rebuild a table that was dropped: every final row, every current version, every content', async () => {
    const world = await taken();
    const late = world.send('simple/b.csv', simpleFile('z'));
    await world.attempt(late);
    const again = world.send('simple/c.csv', simpleFile('d'));
    await world.attempt(again);
    await eventsOf(world).handler({ Records: streamOf(world.db, TABLE) });
    const rows = recordsIn(world).map(({ row }) => row);
    const sorted = (items: { pk: string }[]) => [...items].sort((a, b) => (a.pk < b.pk ? -1 : 1));
    expect(sorted(rebuilt(rows))).toEqual(sorted(world.db.items<{ pk: string }>(TABLE)));
  });

  test('rebuild it as well when a duplicate was taken up again', async () => {
    const world = new World(SIMPLE);
    const objects = ['ax', 'bx', 'ay'].map(([key, seed]) => world.send(`simple/${key}.csv`, simpleFile(seed)));
    for (const object of objects) {
      await world.attempt(object);
    }
    await janitorOf(world).run();
    await world.attempt(objects[1]);
    await eventsOf(world).handler({ Records: streamOf(world.db, TABLE) });
    const newest = new Map<string, FileRow>();
    for (const { row } of recordsIn(world)) {
      newest.set(row.pk, (newest.get(row.pk)?.attempts ?? 0) > row.attempts! ? newest.get(row.pk)! : row);
    }
    const sorted = (items: { pk: string }[]) => [...items].sort((a, b) => (a.pk < b.pk ? -1 : 1));
    expect(sorted(rebuilt([...newest.values()]))).toEqual(sorted(world.db.items<{ pk: string }>(TABLE)));
  });
});

/** All items of a ledger, from its final rows. */
function rebuilt(rows: FileRow[]): { pk: string }[] {
  const accounted = rows.filter(({ state }) => state === 'accounted');
  const heads = [...new Set(accounted.map(({ key }) => key))].map((key) => {
    const versions = accounted.filter((row) => row.key === key);
    const standing = versions.find(({ supersededBy }) => supersededBy === undefined)!;
    const current = versions.find(({ pk }) => pk === standing.duplicateOf) ?? standing;
    return {
      pk: `head#${key}`,
      row: current.pk,
      sequencer: versions
        .map(({ sequencer }) => sequencer)
        .sort()
        .at(-1)!,
    };
  });
  const owners = accounted.filter(({ duplicateOf }) => duplicateOf === undefined);
  const contents = new Map<string, FileRow>();
  for (const row of owners) {
    const other = contents.get(row.contentSha256!);
    contents.set(row.contentSha256!, other === undefined || other.supersededBy !== undefined ? row : other);
  }
  return [...rows, ...heads, ...[...contents].map(([sha256, row]) => ({ pk: `content#${sha256}`, row: row.pk }))];
}
