import fc from 'fast-check';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { AggregateDefinition, FEATURES } from '../../../lib/constructs/data/features/contract';
import { makeHandler } from '../../../runtime/feature-writer/handler';
import { FeatureStore } from '../../../runtime/features/store';
import { DynamoDbFailure, FakeDynamoDb } from '../../support/fake-dynamodb';
import { runs } from '../../support/property-runs';
import { offline, OfflineCase } from '../features/offline';
import { column } from '../intake/contracts';
import { eventOf, Sent } from '../stream-landing/shards';

const CONTRACT: CompiledContract = {
  dataset: 'sales',
  version: '1.0.0',
  format: 'csv',
  columns: [
    column('id', 'integer', { required: true }),
    column('shop', 'string', { required: true }),
    column('at', 'timestamp'),
    column('amount', 'number'),
  ],
  nullTokens: ['NA'],
  primaryKey: ['id', 'shop'],
};
const SPENT: AggregateDefinition = {
  name: 'spent',
  dataset: 'sales',
  entity: ['shop'],
  function: 'sum',
  value: 'amount',
  windowSeconds: 600,
  eventTime: { column: 'at', plusMinutes: [] },
  asOf: { column: 'at', plusMinutes: [] },
  leadSeconds: 0,
  nullTokens: ['NA'],
};
const NOON = Date.UTC(2013, 3, 1, 12);
const ARRIVED = new Date('2026-03-01T09:40:00.500Z');

class World {
  readonly db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  readonly store = new FeatureStore({ client: this.db.client, table: 'features', keepSeconds: 86_400 });
  readonly measured: Record<string, number> = {};
  readonly warnings: { reason?: string; error?: Error }[] = [];

  private readonly take: ReturnType<typeof makeHandler>;

  constructor(
    contract = CONTRACT,
    definitions = [SPENT, { ...SPENT, name: 'number', function: 'count' as const }, { ...SPENT, name: 'other', dataset: 'returns' }],
  ) {
    this.take = makeHandler({
      definitions,
      store: this.store,
      contract: () => Promise.resolve(contract),
      clock: { now: () => Promise.resolve(new Date(NOON)) },
      measure: (name, value) => (this.measured[name] = (this.measured[name] ?? 0) + value),
      logger: { warn: (_, fields) => void this.warnings.push(fields) },
      now: () => new Date(ARRIVED.getTime() + 700),
    });
  }

  deliver(...records: Sent[]): Promise<void> {
    return this.take(eventOf(records));
  }

  async read(shop: string, until: number, feature = SPENT) {
    return (await this.store.read(feature, JSON.stringify([shop]), { after: until - 600_000, until })).value;
  }
}

const sent = (sequence: number | string, record: object | string): Sent => ({
  shard: 'shardId-0',
  sequence: String(sequence),
  bytes: Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)),
});
const sale = (over: object = {}) => ({ id: 1, shop: 'a', at: '2013-04-01T11:55:00Z', amount: 2.5, ...over });

describe('what a stream brings to features [D8]', () => {
  test('counts for each feature of its dataset, and is measured', async () => {
    const world = new World();
    await world.deliver(sent(1, sale()), sent(2, sale({ id: 2, amount: 4 })), sent(3, sale({ id: 3, shop: 'b' })));
    expect(await world.read('a', NOON)).toBe(6.5);
    expect(await world.read('a', NOON, { ...SPENT, name: 'number', function: 'count' })).toBe(2);
    expect(await world.read('a', NOON, { ...SPENT, name: 'other' })).toBeNull();
    expect(world.measured).toEqual({
      FeatureRecordsCounted: 6,
      FeatureRecordsLate: 0,
      FeatureRecordsRefused: 0,
      MillisecondsToFeature: 700,
    });
  });

  test('does not count when the contract refuses it, when it has no value, or when no read can cover it any more', async () => {
    const world = new World();
    await world.deliver(
      sent(1, 'no record'),
      sent(2, sale({ amount: 'much' })),
      sent(3, sale({ id: 3, amount: null })),
      sent(4, sale({ id: 4, at: '2013-03-31T12:00:00Z' })),
    );
    expect(await world.read('a', NOON)).toBeNull();
    expect(world.warnings.map(({ reason }) => reason)).toEqual(['syntax', 'type']);
    expect(world.measured).toMatchObject({ FeatureRecordsCounted: 0, FeatureRecordsLate: 2 });
  });

  test('is refused, told with its place and measured when a feature cannot read it although its contract can; the others of its batch count', async () => {
    const texts = CONTRACT.columns.map((one) => (one.name === 'at' ? column('at', 'string') : one));
    const world = new World({ ...CONTRACT, columns: texts });
    await world.deliver(sent(1, sale()), sent(2, sale({ id: 2, at: 'noon' })), sent(3, sale({ id: 3, amount: 4 })));
    expect(await world.read('a', NOON)).toBe(6.5);
    expect(world.measured).toMatchObject({ FeatureRecordsCounted: 4, FeatureRecordsRefused: 2 });
    expect(world.warnings).toMatchObject(
      ['spent', 'number'].map((feature) => ({
        ...{ shard: 'shardId-0', sequence: '2', feature },
        error: expect.objectContaining({ message: expect.stringMatching(/^InvalidMoment: 'at' is 'noon', not a timestamp/) }),
      })),
    );
  });

  describe('is refused when its event time is beyond what a date can say, whatever integer it is moved by', () => {
    const moved = { ...SPENT, eventTime: { column: 'at', plusMinutes: ['late'] } };
    const columns = [...CONTRACT.columns, column('late', 'integer')];
    const delivered = async (...records: object[]) => {
      const world = new World({ ...CONTRACT, columns }, [moved]);
      await world.deliver(...records.map((record, i) => sent(i + 1, sale(record))));
      return world;
    };
    const far = [999999999999, -999999999999, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

    test.each(far)('%d minutes: the others of its batch count', async (late) => {
      const world = await delivered({ late: 0 }, { id: 2, late }, { id: 3, late: 1, amount: 4 });
      expect(await world.read('a', NOON, moved)).toBe(6.5);
      expect(world.measured).toMatchObject({ FeatureRecordsCounted: 2, FeatureRecordsLate: 0, FeatureRecordsRefused: 1 });
      expect(world.warnings).toMatchObject([{ sequence: '2', feature: 'spent', reason: 'its event time is beyond what a date can say' }]);
    });

    test('a correction to such a time takes the record back, as it does in training', async () => {
      const world = await delivered({ late: 0 }, { id: 2, late: 0, amount: 4 }, { late: far[0] });
      expect(await world.read('a', NOON, moved)).toBe(4);
      expect(world.measured).toMatchObject({ FeatureRecordsCounted: 2, FeatureRecordsRefused: 1 });
    });
  });

  test('is in the order of the stream also where a sequence number has one digit more', async () => {
    const world = new World();
    await world.deliver(sent(10, sale({ amount: 1 })), sent(9, sale({ amount: 7 })));
    expect(await world.read('a', NOON)).toBe(1);
  });

  test('counts a record once in every spelling of its primary key, the newest', async () => {
    const world = new World({ ...CONTRACT, primaryKey: ['at', 'shop'] });
    const spellings = ['2013-04-01T11:55:00Z', '2013-04-01T13:55:00.000+02:00', '2013-04-01T06:25:00-0530'];
    await world.deliver(...spellings.map((at, i) => sent(i + 1, sale({ at, amount: i + 1 }))));
    await world.deliver(sent(4, sale({ at: '2013-04-01T11:55:00.001Z', amount: 10 })));
    expect(await world.read('a', NOON)).toBe(13);
  });

  test('fails as a whole when the table does, and counts once when it comes again', async () => {
    const world = new World();
    const records = Array.from({ length: 40 }, (_, id) => sent(id + 1, sale({ id, amount: 1 })));
    let calls = 0;
    world.db.before = () => {
      if (++calls === 35) {
        throw new DynamoDbFailure('ThrottlingException');
      }
    };
    await expect(world.deliver(...records)).rejects.toThrow('ThrottlingException');
    await world.deliver(...records);
    expect(await world.read('a', NOON)).toBe(40);
  });
});

/** Random sales and corrections in one order; the function dies at random writes, before or after they took effect, and batches come again. */
const sales = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 8 }),
    minute: fc.integer({ min: 45, max: 60 }),
    amount: fc.oneof(fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })),
  }),
  { minLength: 1, maxLength: 30 },
);
const faults = fc.array(fc.record({ call: fc.integer({ min: 1, max: 60 }), after: fc.boolean() }), { maxLength: 6 });

test('every record counts exactly once, in its newest version, whatever dies and comes again: online is offline', async () => {
  const stories = fc.sample(fc.tuple(sales, faults, fc.integer({ min: 1, max: 9 })), runs(60));
  const cases: OfflineCase[] = [];
  const online: (number | null)[] = [];
  let died = 0;
  for (const [history, planned, batch] of stories) {
    const world = new World();
    let call = 0;
    const fail = (after: boolean) => () => {
      call += after ? 0 : 1;
      if (planned.some((fault) => fault.call === call && fault.after === after)) {
        died++;
        throw new Error('connection reset');
      }
    };
    [world.db.before, world.db.after] = [fail(false), fail(true)];
    const records = history.map(({ id, minute, amount }, i) => {
      const at = new Date(NOON - 3_600_000 + minute * 60_000).toISOString().slice(0, 19);
      return { id, shop: 'ab'[id % 2], at: `${at}Z`, amount, sequence: i + 1 };
    });
    for (let start = 0; start < records.length; start += batch) {
      const some = records.slice(Math.max(0, start - 3), start + batch).map(({ sequence, ...record }) => sent(sequence, record));
      const refused = () =>
        world.deliver(...some).then(
          () => false,
          () => true,
        );
      // Comes again as it was, until it succeeds; no more than six faults are planned.
      for (let failures = 0; await refused();) {
        expect(++failures).toBeLessThanOrEqual(6);
      }
    }
    [world.db.before, world.db.after] = [() => undefined, () => undefined];
    const newest = [...new Map(records.map((record) => [record.id, record])).values()];
    const texts = newest.map(({ id, shop, at, amount }) => [String(id), shop, at, amount === null ? 'NA' : String(amount)]);
    const reads = ['a', 'b'].flatMap((shop) => [NOON, NOON - 300_000].map((until): [string[], number] => [[shop], until]));
    cases.push({ definition: SPENT, columns: ['id', 'shop', 'at', 'amount'], records: texts, reads });
    for (const [[shop], until] of reads) {
      online.push(await world.read(shop, until));
    }
  }
  expect(online).toEqual(offline(cases).flat());
  expect(died).toBeGreaterThan(stories.length / 4);
});
