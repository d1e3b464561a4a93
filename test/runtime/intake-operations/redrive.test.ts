import { simpleFile } from '../intake/simple-files';
import { BUCKETS } from '../intake/world';
import { Arena, messageOf, QUEUES } from './machine';

/** A dead-letter queue with a file that nobody has taken, one that is final, and a message that says nothing. */
async function deadLetters(): Promise<Arena> {
  const world = new Arena();
  const [open, final] = ['open', 'final'].map((name) => world.send(`simple/${name}.csv`, simpleFile(name)));
  await world.take(final);
  [messageOf(open), messageOf(final), '{"detail":{}}'].forEach((body) => world.queues.put(QUEUES.dead, body));
  world.pass(60);
  return world;
}

const dead = (world: Arena) => world.queues.bodies(QUEUES.dead);
const sent = (world: Arena) => world.queues.bodies(QUEUES.intake);
const parked = (world: Arena) => world.s3.current(BUCKETS.validated).filter(({ key }) => key.includes('/parked/'));

describe('redrive [D6]', () => {
  test('says in a dry run what is to be replayed, what is final and what says nothing, and leaves every message', async () => {
    const world = await deadLetters();
    const outcome = await world.operate({ operation: 'redrive', dryRun: true });
    expect(outcome.plan.totals).toEqual({ messages: 3, replay: 1, final: 1, unreadable: 1 });
    expect(outcome.plan.first).toMatchObject([
      { messageId: 'm1', what: 'replay', key: 'simple/open.csv' },
      { messageId: 'm2', what: 'final', key: 'simple/final.csv' },
      { messageId: 'm3', what: 'unreadable', why: expect.stringContaining('UnknownMessage') },
    ]);
    expect(dead(world)).toHaveLength(3);
    expect(world.queues.of(QUEUES.dead).every(({ visibleAt }) => visibleAt <= world.at.getTime())).toBe(true);
    expect([sent(world), parked(world)]).toEqual([[], []]);
  });

  test('sends what is not final to the intake as it came, deletes what is, and keeps beside its report what says nothing', async () => {
    const world = await deadLetters();
    const [open, , nothing] = dead(world);
    const outcome = await world.operate({ operation: 'redrive' });
    expect(outcome).toMatchObject({
      totals: { replayed: 1, final: 1, failed: 1 },
      failed: [{ messageId: 'm3', parked: 'simple/operations/run-1/parked/m3.json' }],
      ...{ before: { deadLetters: 3 }, after: { deadLetters: 0 } },
    });
    expect([dead(world), sent(world)]).toEqual([[], [open]]);
    expect(parked(world).map(({ bytes }) => JSON.parse(bytes.toString()))).toMatchObject([{ MessageId: 'm3', Body: nothing }]);
    expect(world.entries(outcome)).toHaveLength(3);
    await world.drain();
    expect(world.problems()).toEqual([]);
  });

  test.each(['not json', '[]', '{}', 'null', ''])('takes %j for a message that says nothing', async (body) => {
    const world = new Arena();
    world.queues.put(QUEUES.dead, body);
    expect((await world.operate({ operation: 'redrive' })).failed).toHaveLength(1);
  });

  test('leaves what came after it began for the next time, so that a message that fails at once is not replayed for ever', async () => {
    const world = await deadLetters();
    let came = 0;
    world.queues.after = (operation) => {
      if (operation === 'SendMessage') {
        world.pass(0.001);
        came++;
        world.queues.put(QUEUES.dead, sent(world)[0]);
      }
    };
    const outcome = await world.operate({ operation: 'redrive' });
    expect([came, outcome.totals.replayed, dead(world).length]).toEqual([1, 1, 1]);
    expect(world.queues.of(QUEUES.dead)[0].visibleAt).toBeLessThanOrEqual(world.at.getTime());
  });

  test('empties a long queue in several steps when their time is over, each message once', async () => {
    const world = new Arena();
    const objects = Array.from({ length: 130 }, (_, i) => world.send(`simple/${i}.csv`, simpleFile(String(i), 2)));
    objects.forEach((object) => world.queues.put(QUEUES.dead, messageOf(object)));
    let looks = 0;
    const outcome = await world.operate({ operation: 'redrive' }, {}, () => (++looks % 60 === 0 ? 0 : Infinity));
    expect(outcome.totals).toEqual({ replayed: 130 });
    expect(new Set(world.entries(outcome).map(({ messageId }) => messageId)).size).toBe(130);
    expect([dead(world).length, sent(world).length]).toEqual([0, 130]);
  });

  test.each(['sent', 'parked', 'written', 'deleted'] as const)('that dies when a message is %s loses none', async (moment) => {
    const world = await deadLetters();
    let died = false;
    const reached = (at: string) => {
      if (at === moment && !died) {
        died = true;
        return world.die();
      }
      return undefined;
    };
    await world.operate({ operation: 'redrive' }, { reached });
    expect(world.deaths).toBe(1);
    world.pass(961);
    await world.drain();
    await world.operate({ operation: 'redrive' });
    await world.drain();
    expect([dead(world), parked(world).length > 0]).toEqual([[], true]);
    expect(world.problems()).toEqual([]);
  });

  test.each(['ReceiveMessage', 'SendMessage', 'DeleteMessage'])(
    'that cannot %s once goes on, and every file is taken once',
    async (name) => {
      for (const when of ['before', 'after'] as const) {
        const world = await deadLetters();
        let failed = false;
        world.queues[when] = (operation) => {
          if (operation === name && !failed) {
            failed = true;
            throw new Error('the connection broke');
          }
        };
        await world.operate({ operation: 'redrive' });
        world.pass(961);
        await world.operate({ operation: 'redrive' });
        await world.drain();
        expect(dead(world)).toEqual([]);
        expect(world.problems()).toEqual([]);
      }
    },
  );
});
