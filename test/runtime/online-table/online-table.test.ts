import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { OnlineSpec } from '../../../lib/constructs/data/online-table/contract';
import { eventTimeOf, itemOf } from '../../../runtime/online-table/core';
import { makeHandler } from '../../../runtime/online-table/handler';
import { EntityKey } from '../../../runtime/stream/entity-key';
import { OnlineReader } from '../../../runtime/online-table/reader';
import { DynamoDbFailure, FakeDynamoDb } from '../../support/fake-dynamodb';
import { runs } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { eventOf, Sent } from '../stream-landing/shards';

const CONTRACT: CompiledContract = {
  dataset: 'simple',
  version: '1.0.0',
  format: 'csv',
  columns: [
    column('airport', 'string', { required: true }),
    column('gate', 'number'),
    column('at', 'timestamp'),
    column('delay', 'integer'),
    column('note', 'string'),
  ],
  nullTokens: [],
  primaryKey: [],
};
const SPEC: OnlineSpec = {
  entity: ['airport', 'gate'],
  eventTime: 'at',
  plusMinutes: ['delay'],
  columns: ['delay', 'note'],
  keepSeconds: 3600,
  aheadSeconds: 600,
};
/** When every record of `eventOf` arrives. */
const ARRIVED = new Date('2026-03-01T09:40:00.500Z');

class World {
  readonly db = new FakeDynamoDb();
  readonly measured: Record<string, number> = {};
  readonly warnings: unknown[] = [];
  now = new Date(ARRIVED.getTime() + 700);
  clock = new Date('2013-04-01T12:00:00Z');

  private readonly take: ReturnType<typeof makeHandler>;

  constructor(
    private readonly spec = SPEC,
    contract = CONTRACT,
  ) {
    this.take = makeHandler({
      table: 'online',
      spec,
      dynamo: this.db.client,
      contract: () => Promise.resolve(contract),
      measure: (name, value) => (this.measured[name] = (this.measured[name] ?? 0) + value),
      logger: { warn: (_, fields) => void this.warnings.push(fields) },
      now: () => this.now,
    });
  }

  deliver(...records: Sent[]): Promise<void> {
    return this.take(eventOf(records));
  }

  read(entity: Record<string, unknown>) {
    const clock = { now: () => Promise.resolve(this.clock) };
    return new OnlineReader(this.db.client, 'online', CONTRACT, this.spec, clock, () => this.now).read(entity);
  }
}

const sent = (sequence: number | string, record: object | string): Sent => ({
  shard: 'shardId-0',
  sequence: String(sequence),
  bytes: Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)),
});
const flight = (over: object = {}) => ({ airport: 'EWR', gate: 1, at: '2013-04-01T10:00:00Z', delay: 5, note: 'a', ...over });

describe('the online table [D8]', () => {
  test('gives the columns of the newest record by event time, with that time and its age by the workload clock', async () => {
    const world = new World();
    await world.deliver(
      sent(1, flight({ note: 'old' })),
      sent(2, flight({ at: '2013-04-01T11:00:00Z', note: 'new' })),
      sent(3, flight({ delay: 9 })),
    );
    expect(await world.read({ airport: 'EWR', gate: 1 })).toEqual({
      columns: { delay: 5, note: 'new' },
      eventTime: new Date('2013-04-01T11:05:00Z'),
      arrivedAt: ARRIVED,
      ageSeconds: 55 * 60,
    });
  });

  test('tells entities apart, and takes a number in every spelling', async () => {
    const world = new World();
    await world.deliver(
      sent(1, '{"airport":"EWR","gate":1.50,"at":"2013-04-01T10:00:00Z","delay":0}'),
      sent(2, flight({ gate: 15, note: 'b' })),
    );
    expect((await world.read({ airport: 'EWR', gate: 1.5 }))?.columns).toEqual({ delay: 0, note: null });
    expect((await world.read({ airport: 'EWR', gate: '15e0' }))?.columns.note).toBe('b');
    expect(await world.read({ airport: 'EWR,1', gate: 1 })).toBeUndefined();
    const delays = new World({ ...SPEC, entity: ['delay'] });
    await delays.deliver(sent(1, '{"airport":"EWR","at":"2013-04-01T10:00:00Z","delay":7.0}'));
    expect(await Promise.all(['7', '7.0', '70e-1', 7].map((delay) => delays.read({ delay })))).not.toContain(undefined);
    expect(await delays.read({ delay: '7.5' })).toBeUndefined();
    expect(await world.read({ airport: 'JFK', gate: 15 })).toBeUndefined();
  });

  test('takes an instant in every spelling for one', async () => {
    const world = new World({ ...SPEC, entity: ['at'] });
    await world.deliver(sent(1, flight({ at: '2013-04-01T10:00:00Z' })), sent(2, flight({ at: '2013-04-01T12:00:00.0+02', note: 'b' })));
    expect(world.db.items<{ pk: string }>('online').map(({ pk }) => pk)).toEqual(['["2013-04-01T10:00:00Z"]']);
    expect((await world.read({ at: '2013-04-01T04:30:00-05:30' }))?.columns.note).toBe('b');
    expect(await world.read({ at: '2013-04-01T10:00:00.000001Z' })).toBeUndefined();
    expect(await world.read({ at: 'yesterday' })).toBeUndefined();
  });

  test('takes no record that the contract refuses, that has no event time or that is too large, counts them and goes on', async () => {
    const world = new World();
    const large = flight({ airport: 'L', note: 'x'.repeat(400 * 1024) });
    const key = flight({ airport: 'K'.repeat(2048) });
    await world.deliver(
      sent(1, flight({ gate: 'x' })),
      sent(2, flight({ delay: null })),
      sent(3, '{'),
      sent(4, large),
      sent(5, key),
      sent(6, flight({ airport: 'JFK' })),
    );
    expect(world.db.items<{ pk: string }>('online').map(({ pk }) => pk)).toEqual(['["JFK","1"]']);
    expect(world.measured).toEqual({ RecordsOnline: 1, RecordsNotOnline: 5, MillisecondsToOnline: 700 });
    expect(world.warnings).toMatchObject(
      [{ reason: 'type' }, { reason: /event time/ }, { reason: 'syntax' }, { reason: /larger/ }, { reason: /larger/ }].map(({ reason }) =>
        reason instanceof RegExp ? { reason: expect.stringMatching(reason) } : { reason },
      ),
    );
  });

  test('takes no record whose event is further ahead of its arrival than allowed, which would keep truthful ones out', async () => {
    const world = new World();
    const ahead = (milliseconds: number) => new Date(ARRIVED.getTime() + 600_000 + milliseconds).toISOString();
    await world.deliver(sent(1, flight({ delay: 0, at: ahead(1), note: 'liar' })), sent(2, flight({ note: 'truthful' })));
    expect((await world.read({ airport: 'EWR', gate: 1 }))?.columns.note).toBe('truthful');
    expect(world.measured).toMatchObject({ RecordsOnline: 1, RecordsNotOnline: 1 });
    expect(world.warnings).toMatchObject([{ sequence: '1', reason: 'its event time is too far ahead of its arrival' }]);
    await world.deliver(
      sent(3, flight({ delay: 0, at: ahead(0), note: 'at the edge' })),
      sent(4, flight({ delay: 1, at: ahead(-59_999) })),
    );
    expect((await world.read({ airport: 'EWR', gate: 1 }))?.columns.note).toBe('at the edge');
  });

  test.each([999999999999, -999999999999, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -145e9])(
    'takes no record whose event time is beyond what a date can say, as %d minutes from now, and goes on',
    async (delay) => {
      const spec = { ...SPEC, aheadSeconds: 365 * 86_400 };
      const world = new World(spec);
      await world.deliver(sent(1, flight({ delay })), sent(2, flight({ airport: 'JFK' })));
      expect(await world.read({ airport: 'EWR', gate: 1 })).toBeUndefined();
      expect(await world.read({ airport: 'JFK', gate: 1 })).toBeDefined();
      expect(world.measured).toMatchObject({ RecordsOnline: 1, RecordsNotOnline: 1 });
      expect(world.warnings).toMatchObject([{ sequence: '1', reason: 'it has no event time' }]);
    },
  );

  test('takes no record whose event time has a null token of the contract, in whatever spelling of the number', async () => {
    const world = new World(SPEC, { ...CONTRACT, nullTokens: ['NA', '-9', '1970-01-01T00:00:00Z'] });
    const spelled = (delay: string) => `{"airport":"EWR","gate":1,"at":"2013-04-01T10:00:00Z","delay":${delay}}`;
    const none = [spelled('-9'), spelled('-9.0'), flight({ at: 'NA' }), flight({ at: '1970-01-01T00:00:00Z' })].map((record, i) =>
      sent(i + 1, record),
    );
    await world.deliver(...none, sent(9, flight({ airport: 'JFK', delay: -90 })));
    expect(world.db.items<{ pk: string }>('online').map(({ pk }) => pk)).toEqual(['["JFK","1"]']);
    expect(world.warnings).toMatchObject(none.map(({ sequence }) => ({ sequence, reason: 'it has no event time' })));
  });

  test('takes the first moment that a date can say, and none before it', async () => {
    const world = new World();
    const [first, before] = ['1970-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z'];
    await world.deliver(sent(1, flight({ at: first, delay: -144e9 })), sent(2, flight({ airport: 'JFK', at: before, delay: -144e9 })));
    expect((await world.read({ airport: 'EWR', gate: 1 }))?.eventTime).toEqual(new Date(-8.64e15));
    expect(await world.read({ airport: 'JFK', gate: 1 })).toBeUndefined();
  });

  test('forgets an entity of which nothing has arrived for long, even before Amazon DynamoDB removes it', async () => {
    const world = new World();
    await world.deliver(sent(1, flight()));
    world.now = new Date(ARRIVED.getTime() + 3599_000);
    expect(await world.read({ airport: 'EWR', gate: 1 })).toBeDefined();
    world.now = new Date(ARRIVED.getTime() + 3601_000);
    expect(await world.read({ airport: 'EWR', gate: 1 })).toBeUndefined();
  });

  test('holds numbers that an attribute of a table could not', async () => {
    const world = new World();
    await world.deliver(sent(1, flight({ gate: 1e300 })));
    expect((await world.read({ airport: 'EWR', gate: 1e300 }))?.columns.delay).toBe(5);
  });

  test('fails the delivery when a write fails, so that it comes again', async () => {
    const world = new World();
    let broken = true;
    world.db.before = () => {
      if (broken) {
        throw new DynamoDbFailure('ProvisionedThroughputExceededException');
      }
    };
    await expect(world.deliver(sent(1, flight()))).rejects.toThrow('ProvisionedThroughputExceeded');
    broken = false;
    await world.deliver(sent(1, flight()));
    expect(await world.read({ airport: 'EWR', gate: 1 })).toBeDefined();
  });
});

test.each([
  ['2013-04-01T10:00:00Z', '2013-04-01T10:00:00Z'],
  ['2013-04-01T10:00:00.25+02:00', '2013-04-01T08:00:00.250Z'],
  ['2013-04-01T10:00:00+0530', '2013-04-01T04:30:00Z'],
  ['2013-04-01T10:00:00-02', '2013-04-01T12:00:00Z'],
  ['2013-04-01', '2013-04-01T00:00:00Z'],
])('event time %s is %s [D8]', (at, expected) => {
  expect(eventTimeOf({ at }, { eventTime: 'at', plusMinutes: [] }, [])).toBe(Date.parse(expected));
});

test('the online table ends the same whatever the order, the cuts and the number of deliveries [D8]', async () => {
  const record = fc.record({
    airport: fc.constantFrom('EWR', 'JFK'),
    gate: fc.constant(1),
    at: fc.integer({ min: 0, max: 4 }).map((minute) => `2013-04-01T10:0${minute}:00Z`),
    delay: fc.integer({ min: -2, max: 2 }),
    note: fc.string({ maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 12 }),
      fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
      async (records, deliveries) => {
        const world = new World();
        // Sequence numbers of 9, 10, 11, ...: as texts they would compare otherwise.
        const all = records.map((one, i) => sent(9 + i, one));
        for (const picked of deliveries) {
          await world.deliver(...picked.map((which) => all[which % all.length]));
        }
        await world.deliver(...[...all].reverse());
        for (const airport of ['EWR', 'JFK']) {
          const times = records
            .map((one, i) => ({ one, i, time: Date.parse(one.at) + one.delay * 60_000 }))
            .filter(({ one }) => one.airport === airport);
          const newest = times.sort((a, b) => b.time - a.time || b.i - a.i)[0];
          const found = await world.read({ airport, gate: 1 });
          expect(found?.eventTime.getTime()).toBe(newest?.time);
          expect(found?.columns).toEqual(newest && { delay: newest.one.delay, note: newest.one.note });
        }
      },
    ),
    { numRuns: runs(150) },
  );
});

describe('an item of the online table has at most what Amazon DynamoDB takes [D8]', () => {
  const spec = { ...SPEC, entity: ['airport'], plusMinutes: [], columns: ['note'] };
  const made = (airport: string, note: string) =>
    itemOf(
      { airport, note, at: '2026-03-01T09:00:00Z' },
      { sequence: '1', arrived: ARRIVED, line: '' },
      spec,
      new EntityKey(CONTRACT, spec.entity),
      [],
    );

  // The key is the text as a JSON array, the columns are a JSON object.
  test.each([
    ['a key of 2,048 bytes', 'K'.repeat(2044), '', true],
    ['a key of 2,049 bytes', 'K'.repeat(2045), '', false],
    ['a key of 2,049 bytes in fewer characters', 'é'.repeat(1022) + 'K', '', false],
    ['columns of 390 KiB', 'K', 'n'.repeat(390 * 1024 - '{"note":""}'.length), true],
    ['columns of a byte more', 'K', 'n'.repeat(390 * 1024 - '{"note":""}'.length + 1), false],
  ])('%s', (_, airport, note, fits) => {
    const item = made(airport, note);
    expect(typeof item === 'string' ? item : item.position).toBe(fits ? '0011' : 'it is larger than an item of the table');
  });
});
