import fc from 'fast-check';
import type { Checkpoint } from '../../../runtime/intake/attempt';
import { DynamoDbFailure } from '../../support/fake-dynamodb';
import { S3Failure } from '../../support/fake-s3';
import { reopenOrphans } from './janitor';
import { problemsOf, SIMPLE, simpleFile } from './simple-files';
import { World } from './world';

const CHECKPOINTS: Checkpoint[] = ['leased', 'mid-stream', 'valid uploaded', 'both uploaded', 'committed'];
const LEASE = 150;

describe('an attempt that dies [D4]', () => {
  test.each(CHECKPOINTS.flatMap((checkpoint) => [[checkpoint, 'killAt'] as const, [checkpoint, 'failAt'] as const]))(
    'when it has passed "%s" (%s) leaves a file that the next one accounts for, once',
    async (checkpoint, die) => {
      const world = new World(SIMPLE);
      const object = world.send('simple/a.csv', simpleFile('a'));
      await world[die](object, checkpoint);
      if (checkpoint !== 'committed') {
        expect(world.row(object)).toMatchObject({ state: 'validating', attempts: 1 });
        expect(await world.attempt(object)).toEqual({ outcome: 'busy', until: world.at.getTime() / 1000 + LEASE });
      }
      world.pass(LEASE + 1);
      expect((await world.attempt(object)).outcome).toBe(checkpoint === 'committed' ? 'already final' : 'accounted');
      expect(problemsOf(world)).toEqual([]);
      expect((await world.attempt(object)).outcome).toBe('already final');
      expect(problemsOf(world)).toEqual([]);
    },
  );

  test('holds its lease to the second, not longer', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    await world.killAt(object, 'leased');
    world.pass(LEASE);
    expect((await world.attempt(object)).outcome).toBe('busy');
    world.pass(0.001);
    expect((await world.attempt(object)).outcome).toBe('accounted');
  });

  test.each(['mid-stream', 'valid uploaded', 'both uploaded'] as const)(
    'slowly: one that wakes up at "%s" after another has finished changes nothing',
    async (checkpoint) => {
      const world = new World(SIMPLE);
      const object = world.send('simple/a.csv', simpleFile('a'));
      let wake = () => undefined as void;
      const asleep = new Promise<void>((resolve) => (wake = resolve));
      let reached = () => undefined as void;
      const there = new Promise<void>((resolve) => (reached = resolve));
      const slow = world.attempt(object, { at: (at) => (at === checkpoint ? (reached(), asleep) : undefined) });
      await there;
      world.pass(LEASE + 1);
      expect((await world.attempt(object)).outcome).toBe('accounted');
      const committed = world.row(object);
      wake();
      expect(await slow).toEqual({ outcome: 'already final', row: committed });
      expect(world.row(object)).toEqual(committed);
      expect(problemsOf(world)).toEqual([]);
    },
  );

  test('slowly: one that wakes up while another is at work changes nothing', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    let wake = () => undefined as void;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    const slow = world.attempt(object, { at: (at) => (at === 'mid-stream' ? asleep : undefined) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    world.pass(LEASE + 1);
    await world.killAt(object, 'both uploaded');
    wake();
    expect(await slow).toMatchObject({ outcome: 'busy' });
    world.pass(LEASE + 1);
    expect((await world.attempt(object)).outcome).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });

  test('slowly: it cannot reject a file that another one has taken', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', 'wrong\n');
    let wake = () => undefined as void;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    const slow = world.attempt(object, { at: (at) => (at === 'leased' ? asleep : undefined) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    world.pass(LEASE + 1);
    await world.killAt(object, 'leased');
    const held = world.row(object);
    wake();
    expect(await slow).toEqual({ outcome: 'busy', until: held.leaseUntil });
    expect(world.row(object)).toEqual(held);
  });

  test.each(['PutItem', 'UpdateItem', 'TransactWriteItems'])(
    'because the answer to %s is lost leaves a file that ends accounted once',
    async (name) => {
      const world = new World(SIMPLE);
      const object = world.send('simple/a.csv', simpleFile('a'));
      let lost = false;
      world.db.after = (operation) => {
        if (operation === name && !lost) {
          lost = true;
          throw new Error('the connection broke');
        }
      };
      await expect(world.attempt(object)).rejects.toThrow('the connection broke');
      world.pass(LEASE + 1);
      expect((await world.attempt(object)).outcome).toBe(name === 'TransactWriteItems' ? 'already final' : 'accounted');
      expect(problemsOf(world)).toEqual([]);
    },
  );

  test.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'InternalServerError'])(
    'because the table answers %s leaves a file that comes back',
    async (code) => {
      const world = new World(SIMPLE);
      const object = world.send('simple/a.csv', simpleFile('a'));
      for (const operation of ['PutItem', 'UpdateItem', 'GetItem', 'TransactWriteItems']) {
        world.db.before = (name) => {
          if (name === operation) {
            throw new DynamoDbFailure(code);
          }
        };
        await expect(world.attempt(object)).rejects.toThrow(code);
        world.pass(LEASE + 1);
      }
      world.db.before = () => undefined;
      expect((await world.attempt(object)).outcome).toBe('accounted');
      expect(problemsOf(world)).toEqual([]);
    },
  );

  test('whatever breaks, and wherever, ends with every record exactly once', async () => {
    const operation = fc.constantFrom('PutItem', 'UpdateItem', 'GetItem', 'TransactWriteItems', 'GetObject', 'PutObject');
    const step = fc.record({
      file: fc.nat(5),
      fault: fc.option(fc.oneof(fc.constantFrom(...CHECKPOINTS), fc.record({ operation, nth: fc.nat(3), after: fc.boolean() }))),
    });
    /** Three keys; versions of one key differ, and so do keys, but for one pair with the same bytes. */
    const files = [
      ['simple/a.csv', 'a1'],
      ['simple/a.csv', 'a2'],
      ['simple/b.csv', 'b'],
      ['simple/c.csv', 'b'],
      ['simple/c.csv', 'c'],
      ['simple/d.csv', 'c'],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 3, maxLength: 14 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }),
        async (steps, order) => {
          const world = new World(SIMPLE);
          const objects = files.map(([key, seed]) => world.send(key, simpleFile(seed, 5)));
          for (const { file, fault } of steps) {
            await oneStep(world, objects[file], fault);
            world.pass(LEASE + 1);
          }
          for (const index of order) {
            await world.attempt(objects[index]);
          }
          await readOrphansAgain(world, objects);
          expect(problemsOf(world)).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });
});

type Fault = Checkpoint | { operation: string; nth: number; after: boolean } | null;

async function oneStep(world: World, object: Parameters<World['attempt']>[0], fault: Fault): Promise<void> {
  let calls = 0;
  const breakAt = (when: boolean) => (name: string) => {
    if (fault !== null && typeof fault === 'object' && name === fault.operation && fault.after === when && calls++ === fault.nth) {
      throw new Error('broken');
    }
  };
  [world.db.before, world.db.after, world.s3.before, world.s3.after] = [breakAt(false), breakAt(true), breakAt(false), breakAt(true)];
  const at = (checkpoint: Checkpoint) => {
    if (checkpoint === fault) {
      throw new Error('broken');
    }
  };
  await world.attempt(object, { at }).catch((error: Error) => expect(error.message).toBe('broken'));
  const nothing = () => undefined;
  [world.db.before, world.db.after, world.s3.before, world.s3.after] = [nothing, nothing, nothing, nothing];
}

/** What the janitor does: duplicates whose original was superseded are read again. */
async function readOrphansAgain(world: World, objects: Parameters<World['attempt']>[0][]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const row of await reopenOrphans(world)) {
      await world.attempt(objects.find(({ versionId }) => versionId === row.versionId)!);
    }
  }
}

describe('a transaction on the ledger [D4]', () => {
  test('that meets another is tried again', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    let conflicts = 3;
    world.db.before = (name) => {
      if (name === 'TransactWriteItems' && conflicts-- > 0) {
        throw new DynamoDbFailure('TransactionCanceledException', {
          CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
        });
      }
    };
    expect((await world.attempt(object)).outcome).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });

  test.each([
    ['TransactionConflict', 'TransactionConflict'],
    ['ThrottlingError', 'ThrottlingError'],
    ['ValidationError', 'ValidationError'],
  ])('that is always cancelled by %s ends with that error, and the file comes back', async (code) => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    world.db.before = (name) => {
      if (name === 'TransactWriteItems') {
        throw new DynamoDbFailure('TransactionCanceledException', { CancellationReasons: [{ Code: 'None' }, { Code: code }] });
      }
    };
    await expect(world.attempt(object)).rejects.toThrow('TransactionCanceledException');
    world.db.before = () => undefined;
    world.pass(LEASE + 1);
    expect((await world.attempt(object)).outcome).toBe('accounted');
    expect(problemsOf(world)).toEqual([]);
  });

  test('of which a condition never holds ends with an error that says so', async () => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    world.db.before = (name) => {
      if (name === 'TransactWriteItems') {
        throw new DynamoDbFailure('TransactionCanceledException', { CancellationReasons: [{ Code: 'ConditionalCheckFailed' }] });
      }
    };
    await expect(world.attempt(object)).rejects.toThrow(
      /^LedgerContended: object#simple\/a.csv#v1\..* could not be committed in 16 rounds/,
    );
  });
});

describe('the storage [D4]', () => {
  test.each(['GetObject', 'PutObject'])('that throttles %s only delays a file', async (name) => {
    const world = new World(SIMPLE);
    const object = world.send('simple/a.csv', simpleFile('a'));
    world.s3.before = (operation) => {
      if (operation === name) {
        throw new S3Failure('SlowDown');
      }
    };
    for (let i = 0; i < 3; i++) {
      await expect(world.attempt(object)).rejects.toThrow('SlowDown');
      world.pass(LEASE + 1);
    }
    world.s3.before = () => undefined;
    expect((await world.attempt(object)).outcome).toBe('accounted');
    expect(world.row(object).attempts).toBe(4);
    expect(problemsOf(world)).toEqual([]);
  });
});
