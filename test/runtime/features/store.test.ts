import { FEATURES } from '../../../lib/constructs/data/features/contract';
import { windowOf } from '../../../runtime/features/core';
import { FeatureStore } from '../../../runtime/features/store';
import { DELAY, recordOf } from '../../constructs/data/features';
import { DynamoDbFailure, FakeDynamoDb } from '../../support/fake-dynamodb';

const KEY = { year: '2013', month: '4', day: '1', carrier: 'UA', flight: '7', origin: 'EWR' };
const FLIGHT = { ...KEY, time_hour: '2013-04-01T10:00:00Z', minute: '15', dep_delay: '30' };
const NOW = new Date('2013-04-01T10:45:00Z');
const REAL = new Date('2026-05-01T00:00:00.500Z');
const DAY = 86_400;

function world() {
  const db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  const store = new FeatureStore({ client: db.client, table: 'features', keepSeconds: DAY });
  const apply = (fields: object, order: string, now = NOW) =>
    store.apply(DELAY._definition, { fields: { ...FLIGHT, ...fields }, record: recordOf({ ...FLIGHT, ...fields }), order }, now, REAL);
  const read = (event: string, origin = 'EWR') =>
    store.read(DELAY._definition, JSON.stringify([origin]), windowOf(DELAY._definition, Date.parse(event)));
  return { db, store, apply, read };
}

test('a record is one item, which goes a day after it came by real time', async () => {
  const { db, apply } = world();
  expect(await apply({}, '5')).toBe('counted');
  expect(db.items('features')).toEqual([
    {
      [FEATURES.key]: 'origin_delay#["EWR"]',
      [FEATURES.record]: recordOf(FLIGHT),
      [FEATURES.order]: '5',
      [FEATURES.expires]: Date.parse('2026-05-02T00:00:01Z') / 1000,
      [FEATURES.time]: NOW.getTime(),
      [FEATURES.value]: '30',
    },
  ]);
});

test('the start of the window is outside, its end is inside', async () => {
  const { apply, read } = world();
  await apply({}, '1');
  const seen = async (event: string) => (await read(event)).records;
  expect([await seen('2013-04-01T11:44:59.999Z'), await seen('2013-04-01T11:45:00Z')]).toEqual([0, 1]);
  expect([await seen('2013-04-01T12:44:59.999Z'), await seen('2013-04-01T12:45:00Z')]).toEqual([1, 0]);
  expect((await read('2013-04-01T12:00:00Z', 'JFK')).records).toBe(0);
});

test('a record that is late counts for later reads, and one that is too late for any is kept out', async () => {
  const { apply, read } = world();
  expect((await read('2013-04-01T12:00:00Z')).value).toBeNull();
  expect(await apply({}, '1', new Date('2013-04-01T13:00:00Z'))).toBe('counted');
  expect(await read('2013-04-01T12:00:00Z')).toEqual({ value: 30, records: 1, newest: NOW.getTime() });
  const next = { flight: '8' };
  expect(await apply(next, '1', new Date(NOW.getTime() + DAY * 1000 - 1))).toBe('counted');
  expect(await apply({ flight: '9' }, '1', new Date(NOW.getTime() + DAY * 1000))).toBe('late');
  expect((await read('2013-04-01T12:00:00Z')).records).toBe(2);
});

test('a correction takes the place of what it corrects, also when it says that there was nothing or that it was long ago', async () => {
  const { db, apply, read } = world();
  await apply({}, '1');
  expect(await apply({ dep_delay: '90' }, '2')).toBe('counted');
  expect((await read('2013-04-01T12:00:00Z')).value).toBeNull();
  expect(await read('2013-04-01T13:00:00Z')).toEqual({ value: 90, records: 1, newest: Date.parse('2013-04-01T11:45:00Z') });
  expect(await apply({}, '1')).toBe('stale');
  expect(await apply({ dep_delay: 'NA' }, '3')).toBe('without value');
  expect((await read('2013-04-01T13:00:00Z')).records).toBe(0);
  expect(await apply({ dep_delay: '90' }, '2')).toBe('stale');
  expect(await apply({}, '4')).toBe('counted');
  expect(await apply({ dep_delay: '-1440' }, '5')).toBe('late');
  expect((await read('2013-04-01T12:00:00Z')).records).toBe(0);
  expect(db.items('features')).toHaveLength(1);
});

test('a write whose answer was lost is repeated without counting twice', async () => {
  const { db, apply, read } = world();
  let lost = 1;
  db.after = () => {
    if (lost-- > 0) {
      throw new Error('connection reset');
    }
  };
  await expect(apply({}, '1')).rejects.toThrow('connection reset');
  expect(await apply({}, '1')).toBe('stale');
  expect((await read('2013-04-01T12:00:00Z')).records).toBe(1);
});

test('fails when the table does, instead of calling a record stale', async () => {
  const { db, apply, read } = world();
  db.before = () => {
    throw new DynamoDbFailure('ProvisionedThroughputExceededException');
  };
  await expect(apply({}, '1')).rejects.toThrow('ProvisionedThroughputExceeded');
  await expect(read('2013-04-01T12:00:00Z')).rejects.toThrow('ProvisionedThroughputExceeded');
});
