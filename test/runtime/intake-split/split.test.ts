import { setTimeout } from 'node:timers/promises';
import { SPLIT_SECONDS } from '../../../lib/constructs/data/data-intake/contract';
import { SplitCheckpoint } from '../../../runtime/intake-split/context';
import { planOf, rangeOf } from '../../../runtime/intake-split/plan';
import { findHeader } from '../../../runtime/intake-split/find-header';
import { ownedLines } from '../../../runtime/intake-split/lines';
import { janitorOf } from '../intake/janitor';
import { problemsOf, SIMPLE, simpleFile } from '../intake/simple-files';
import { World } from '../intake/world';
import { accountOf, execute, killSplitAt, leased, retryAt, split, splitOptions } from './machine';
import { contextOf } from '../../../runtime/intake-split/context';

const LINES = { ...SIMPLE, newlinesQuoted: false };
const CHECKPOINTS: SplitCheckpoint[] = [
  'held',
  'planned',
  'keys stored',
  'duplicates stored',
  'range valid stored',
  'between range and merge',
  'merged valid uploaded',
  'merged both uploaded',
  'merge committed',
];

describe('an execution that splits a file and dies [D4, D5]', () => {
  test.each(CHECKPOINTS)('when it has passed "%s" leaves a file that the next attempt accounts for, once', async (checkpoint) => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    await killSplitAt(world, object, checkpoint, ['keys stored', 'range valid stored'].includes(checkpoint) ? 2 : 1);
    const committed = checkpoint === 'merge committed';
    expect(world.row(object).state).toBe(committed ? 'accounted' : 'validating');
    expect(await split(world, object)).toBe('not leased');
    world.pass(SPLIT_SECONDS.lease + 1);
    expect(await split(world, object)).toBe(committed ? 'not leased' : 'accounted');
    expect(problemsOf(world)).toEqual([]);
    expect(await split(world, object)).toBe('not leased');
    expect(problemsOf(world)).toEqual([]);
  });

  test.each(CHECKPOINTS)('in one step at "%s" goes on when the step is tried again', async (checkpoint) => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const outcome = await retryAt(world, object, checkpoint);
    // The merge that is tried again after its commit finds nothing left to do.
    expect(outcome).toBe(checkpoint === 'merge committed' ? 'superseded' : 'accounted');
    expect(world.row(object).state).toBe('accounted');
    const outputs = ['validated', 'quarantine'].flatMap((bucket) => world.s3.versions.filter((one) => one.bucket === bucket));
    const names = outputs.map(({ bucket, key }) => `${bucket}/${key}`).filter((name) => name.includes('/attempt='));
    expect(names).toHaveLength({ 'merged valid uploaded': 3, 'merged both uploaded': 4 }[checkpoint as string] ?? 2);
    expect(new Set(names).size).toBe(names.length);
    expect(problemsOf(world)).toEqual([]);
    world.pass(2 * 86_400);
    expect(await janitorOf(world).run()).toMatchObject({ swept: names.length - 2 });
    expect(problemsOf(world)).toEqual([]);
  });

  test('before its first step leaves a row whose lease lapses as that of any attempt', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a'));
    await leased(world, object);
    world.pass(151);
    expect(await split(world, object)).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });

  test('is made up for by the janitor, which does so only when the lease has lapsed', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    await killSplitAt(world, object, 'between range and merge');
    const { run, sent } = janitorOf(world);
    world.pass(SPLIT_SECONDS.lease);
    await run();
    expect(sent).toEqual([]);
    world.pass(1);
    await run();
    expect(sent).toEqual([object]);
    expect(await split(world, sent[0])).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });

  test('slowly: steps of an attempt whose row another one has taken change nothing', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const slow = (await leased(world, object))!;
    world.pass(151);
    await world.attempt(object);
    const committed = world.row(object);
    expect(await execute(contextOf(splitOptions(world)), slow)).toBe('superseded');
    expect(world.row(object)).toEqual(committed);
    expect(problemsOf(world)).toEqual([]);
  });

  test('slowly: a merge that wakes up after another attempt has finished changes nothing', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    let wake = () => undefined as void;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let there = false;
    const at = (reached: SplitCheckpoint) => (reached === 'merged valid uploaded' ? ((there = true), asleep) : undefined);
    const slow = split(world, object, { at });
    while (!there) {
      await setTimeout(5);
    }
    world.pass(SPLIT_SECONDS.lease + 1);
    expect((await world.attempt(object)).outcome).toBe('accounted');
    const committed = world.row(object);
    wake();
    expect(await slow).toBe('superseded');
    expect(world.row(object)).toEqual(committed);
    expect(problemsOf(world)).toEqual([]);
  });

  test('because the answer to its commit is lost leaves a file that is accounted once', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    let lost = false;
    world.db.after = (operation) => {
      if (operation === 'TransactWriteItems' && !lost) {
        lost = true;
        throw new Error('the connection broke');
      }
    };
    expect(await split(world, object, {}, { retry: true })).toBe('superseded');
    expect(world.row(object).state).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });
});

describe('a file that is split [D5]', () => {
  test.each([1, 4, 5, 15, 16, 17, 40])('compares keys of %d characters over its ranges as one function does', async (length) => {
    const keys = ['a', 'b', 'c', 'd'].map((letter) => letter.padStart(length, 'k'));
    const bytes = ['id,amount', ...[...keys, ...keys].map((id, i) => `${id},${i}`), `${'e'.padStart(length, 'k')},9`, ''].join('\n');
    const [whole, ranges] = [new World(LINES), new World(LINES)];
    const [one, other] = [whole, ranges].map((world) => world.send('simple/a.csv', bytes));
    await whole.attempt(one);
    expect(await split(ranges, other)).toBe('accounted');
    const account = accountOf(ranges, ranges.row(other));
    expect(account).toEqual(accountOf(whole, whole.row(one)));
    expect(account).toMatchObject({ counts: { read: 9, valid: 5, byRule: { 'duplicate key': 4 } } });
  });

  test.each([
    ['with a newline', 'id,amount\na,1\n', 10],
    ['with both line ends', 'id,amount\r\na,1\r\n', 11],
    ['behind a byte order mark', '\ufeffid,amount\na,1\n', 13],
    ['behind blank lines', '\n\r\nid,amount\na,1\n', 13],
    ['without an end', 'id,amount', 9],
    ['of one letter', 'a\n1\n', 2],
  ])('has its data behind its header, %s', async (_, text, start) => {
    const contract = text.startsWith('a') ? { ...LINES, columns: [LINES.columns[0]].map((one) => ({ ...one, name: 'a' })) } : LINES;
    for (const size of [1, 3, 100]) {
      const bytes = Buffer.from(text);
      const pieces = async function* () {
        for (let offset = 0; offset < bytes.length; offset += size) {
          yield await Promise.resolve({ offset, bytes: bytes.subarray(offset, offset + size) });
        }
      };
      expect((await findHeader(contract, pieces())).dataStart).toBe(start);
    }
  });

  test('is the same content as one that is read whole: whichever comes second is a duplicate', async () => {
    const world = new World(LINES);
    const [first, second, third] = ['a', 'b', 'c'].map((name) => world.send(`simple/${name}.csv`, simpleFile('same', 12)));
    await split(world, first);
    await world.attempt(second);
    await split(world, third);
    expect([second, third].map((object) => world.row(object).duplicateOf)).toEqual([world.row(first).pk, world.row(first).pk]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('supersedes the version before it', async () => {
    const world = new World(LINES);
    const [older, newer] = ['a', 'b'].map((seed) => world.send('simple/a.csv', simpleFile(seed, 12)));
    await world.attempt(older);
    await split(world, newer);
    expect(world.row(older).supersededBy).toBe(world.row(newer).pk);
    expect(problemsOf(world)).toEqual([]);
  });

  test('is rejected with the reason of a whole file when its version is gone', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a'));
    const file = (await leased(world, object))!;
    world.s3.deleteVersion(object.versionId);
    expect(await execute(contextOf(splitOptions(world)), file)).toBe('rejected');
    expect(world.row(object)).toMatchObject({
      state: 'rejected',
      reason: expect.stringMatching(/^gone: .* deleted before it was read: send the file again under its key, /),
    });
    expect(world.row(object).contentBytes).toBeUndefined();
  });

  test('may have records far longer than a range and than a record may be', async () => {
    const lines = ['id,amount', `a,${'9'.repeat(1_200_000)}`, 'b,1', `c,"${'x'.repeat(1_048_577)}`, 'b,2', 'd,4'];
    const serial = new World(LINES);
    const world = new World(LINES);
    const [one, other] = [serial, world].map((each) => each.send('simple/a.csv', lines.join('\n')));
    await serial.attempt(one);
    expect(await split(world, other, { rangeBytes: 100_000 })).toBe('accounted');
    expect(accountOf(world, world.row(other))).toEqual(accountOf(serial, serial.row(one)));
    expect(world.row(other).counts).toMatchObject({ read: 5, valid: 2, byRule: { 'too long': 2, 'duplicate key': 1 } });
  });

  test('leaves its parts where no reader of the dataset comes by, and only there', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    await split(world, object);
    const { validated, quarantine } = world.row(object);
    const named = [validated!.key, quarantine!.key];
    const others = world.s3.versions.filter(({ bucket, key }) => bucket !== 'raw' && !named.includes(key));
    expect(others.length).toBeGreaterThan(10);
    expect(others.filter(({ bucket, key }) => bucket !== 'validated' || !key.startsWith('_splits/simple/'))).toEqual([]);
  });

  test('fails when less of it comes than it has', async () => {
    const world = new World(LINES);
    const file = (await leased(world, world.send('simple/a.csv', simpleFile('a'))))!;
    const longer = { ...file, bytes: file.bytes + 1 };
    await expect(execute(contextOf(splitOptions(world)), longer)).rejects.toThrow(
      /^CutTransfer: \d+ of \d+ bytes came: the step is tried again$/,
    );
  });
});

describe('ranges', () => {
  test.each([
    [100, 0, 10, 10],
    [101, 0, 10, 11],
    [100, 99, 10, 1],
    [100, 100, 10, 1],
    [2560, 0, 10, 256],
    [2561, 0, 10, 233],
  ])('of %d bytes behind %d, of %d bytes each as long as there are at most 256: %d', (bytes, dataStart, wanted, ranges) => {
    const plan = planOf(bytes, dataStart, wanted);
    expect(plan.ranges).toBe(ranges);
    const all = Array.from({ length: ranges }, (_, range) => rangeOf(plan, range, bytes));
    expect([all[0].from, all.at(-1)!.to]).toEqual([dataStart, bytes]);
    all.slice(1).forEach(({ from }, i) => expect(from).toBe(all[i].to));
  });

  test.each([
    [0, 3, 'aaaa\n'],
    [3, 5, ''],
    [4, 6, 'b\n'],
    [5, 6, 'b\n'],
    [6, 8, '\n'],
    [7, 8, '\n'],
    [8, 9, 'c'],
  ])('from %d to before %d own the lines that start there', async (from, to, owned) => {
    const file = Buffer.from('aaaa\nb\n\nc');
    const begin = Math.max(0, from - 1);
    const bytewise = async function* () {
      for (let offset = begin; offset < file.length; offset++) {
        yield { offset, bytes: file.subarray(offset, offset + 1) };
      }
    };
    let text = '';
    for await (const { bytes } of ownedLines(bytewise(), { from, to })) {
      text += bytes.toString();
    }
    expect(text).toBe(owned);
  });
});
