import { gunzipSync, gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { problemsOf, SIMPLE, simpleFile } from './simple-files';
import { Killed, TABLE, World } from './world';

type AnyItem = Record<string, { S?: string; N?: string; M?: AnyItem }>;

/** A world in which a file, the same bytes under another key, and a newer version have been taken in, with one crash on the way. */
async function scenario(prepare: (world: World) => void = () => undefined): Promise<World> {
  const world = new World(SIMPLE);
  prepare(world);
  const objects = [
    world.send('simple/a.csv', simpleFile('a')),
    world.send('simple/b.csv', simpleFile('a')),
    world.send('simple/c.csv', simpleFile('c')),
    world.send('simple/c.csv', simpleFile('d')),
  ];
  await world
    .attempt(objects[2], { at: (at) => (at === 'both uploaded' ? Promise.reject(new Killed()) : undefined) })
    .catch(() => undefined);
  for (const object of objects) {
    world.pass(151);
    await world.attempt(object);
  }
  return world;
}

interface Write {
  ConditionExpression?: string;
  Item?: AnyItem;
}

/** Changes the writes of each commit, as a changed source would. */
function rewriting(world: World, change: (writes: Record<string, Write>[]) => void): void {
  const before = world.db.before;
  world.db.before = async (name, input) => {
    await before(name, input);
    if (name === 'TransactWriteItems') {
      change(input.TransactItems as Record<string, Write>[]);
    }
  };
}

/** Two workers that have both looked at the ledger before either of them commits. */
async function twoAtOnce(files: [string, string][], prepare: (world: World) => void = () => undefined): Promise<World> {
  const world = new World(SIMPLE);
  let waiting: (() => void)[] = [];
  let commits = 0;
  world.db.before = async (name) => {
    if (name === 'TransactWriteItems' && ++commits <= 2) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 2) {
          waiting.forEach((go) => go());
          waiting = [];
        }
      });
    }
  };
  prepare(world);
  const objects = files.map(([key, seed]) => world.send(key, simpleFile(seed)));
  await Promise.all(objects.map((object) => world.attempt(object)));
  return world;
}

/** Replaces the stored bytes of an output, and what the ledger says of them, as a validator with a fault would have written them. */
function falsify(world: World, bucket: string, change: (lines: string[]) => string[]): void {
  const row = world.rows().find(({ key, validated }) => key === 'simple/a.csv' && validated !== undefined)!;
  const output = bucket === 'validated' ? row.validated! : row.quarantine!;
  const version = world.s3.versions.find(({ versionId }) => versionId === output.versionId)!;
  const lines = change(
    gunzipSync(version.bytes)
      .toString()
      .split('\n')
      .filter((line) => line !== ''),
  );
  version.bytes = gzipSync(`${lines.join('\n')}\n`);
  const rows = lines.length - (bucket === 'validated' ? 1 : 0);
  const field = bucket === 'validated' ? 'validated' : 'quarantine';
  edit(world.db, row.pk, (item) => {
    const M = item[field].M!;
    M.rows = { N: String(rows) };
    M.bytes = { N: String(version.bytes.length) };
    M.sha256 = { S: createHash('sha256').update(version.bytes).digest('hex') };
  });
}

function edit(db: FakeDynamoDb, pk: string, change: (item: AnyItem) => void): void {
  const table = (db as unknown as { tables: Map<string, Map<string, AnyItem>> }).tables.get(TABLE)!;
  change(table.get(pk)!);
}

describe('the audit [D4]', () => {
  test('finds nothing wrong with what the intake does', async () => {
    expect(problemsOf(await scenario())).toEqual([]);
  });

  test('fails on a commit before the outputs', async () => {
    const world = await scenario((made) => {
      made.s3.after = (operation, { bucket }) => {
        if (operation === 'PutObject' && bucket === 'quarantine') {
          made.s3.versions.pop();
        }
      };
    });
    expect(problemsOf(world)).toContainEqual(expect.stringMatching(/names no object in quarantine$/));
  });

  test.each<[string, [string, string][]]>([
    [
      'the same bytes under two keys',
      [
        ['simple/a.csv', 'x'],
        ['simple/b.csv', 'x'],
      ],
    ],
    [
      'two versions of a key',
      [
        ['simple/a.csv', 'x'],
        ['simple/a.csv', 'y'],
      ],
    ],
  ])('fails on an unconditional commit of %s, while the conditional one is right', async (_, files) => {
    const unconditional = await twoAtOnce(files, (world) =>
      rewriting(world, (writes) => writes.forEach((write) => delete Object.values(write)[0].ConditionExpression)),
    );
    expect(problemsOf(unconditional)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .* times instead of /)]));
    expect(problemsOf(await twoAtOnce(files))).toEqual([]);
  });

  test('fails when the last record is dropped', async () => {
    const world = await scenario();
    falsify(world, 'validated', (lines) => lines.slice(0, -1));
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .*: 0 times instead of 1$/)]));
  });

  test('fails when the first record is kept twice', async () => {
    const world = await scenario();
    falsify(world, 'validated', ([header, first, ...rest]) => [header, first, first, ...rest]);
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .*: 2 times instead of 1$/)]));
  });

  test('fails when a record is neither valid nor quarantined', async () => {
    const world = await scenario();
    falsify(world, 'quarantine', () => []);
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^quarantined record .*: 0 times instead of 1$/)]));
  });

  test('fails when stored bytes are not those that the ledger names', async () => {
    const world = await scenario();
    const version = world.s3.versions.find(({ bucket }) => bucket === 'validated')!;
    const named = world.s3.versions.filter(
      ({ bucket, versionId }) => bucket === 'validated' && world.rows().some(({ validated }) => validated?.versionId === versionId),
    );
    named[0].bytes = gzipSync(gunzipSync(named[0].bytes), { level: 9 });
    expect(version).toBeDefined();
    expect(problemsOf(world)).toContainEqual(expect.stringMatching(/names other bytes in validated$/));
  });

  test.each([
    ['a duplicate counts', 'duplicateOf'],
    ['a superseded version counts', 'supersededBy'],
  ])('fails when %s', async (_, field) => {
    const world = await scenario();
    const original = world.rows().find(({ key, validated }) => key === 'simple/a.csv' && validated !== undefined)!;
    const row = world.rows().find((found) => found[field as 'duplicateOf'] !== undefined)!;
    edit(world.db, row.pk, (item) => {
      delete item[field];
      const source = (world.db as unknown as { tables: Map<string, Map<string, AnyItem>> }).tables.get(TABLE)!.get(original.pk)!;
      ['validated', 'quarantine', 'counts'].forEach((name) => (item[name] ??= source[name]));
    });
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .* times instead of /)]));
  });

  test('fails when a row never becomes final', async () => {
    const world = await scenario();
    edit(world.db, world.rows()[0].pk, (item) => (item.state = { S: 'validating' }));
    expect(problemsOf(world)).toContainEqual(expect.stringMatching(/is validating, not accounted$/));
  });

  test.each([
    ['nobody claims a content', 'content#'],
    ['nobody says which version is current', 'head#'],
  ])('fails when %s', async (_, prefix) => {
    const world = await scenario((made) =>
      rewriting(made, (writes) => {
        const kept = writes.filter(({ Put }) => !Put?.Item?.pk.S?.startsWith(prefix));
        writes.splice(0, writes.length, ...kept);
      }),
    );
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .* times instead of /)]));
  });

  test('fails when arrival decides what is current instead of the sequencer', async () => {
    const world = new World(SIMPLE);
    const objects = [world.send('simple/a.csv', simpleFile('x')), world.send('simple/a.csv', simpleFile('y'))];
    await world.attempt(objects[1]);
    await world.attempt({ ...objects[0], sequencer: 'FF' });
    expect(problemsOf(world)).toEqual(expect.arrayContaining([expect.stringMatching(/^valid record .*: 0 times instead of 1$/)]));
  });
});
