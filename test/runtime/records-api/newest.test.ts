import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { OnlineSpec } from '../../../lib/constructs/data/online-table/contract';
import { itemOf } from '../../../runtime/online-table/core';
import { OnlineReader } from '../../../runtime/online-table/reader';
import { RecordsApiDependencies } from '../../../runtime/records-api/handler';
import { EntityKey } from '../../../runtime/stream/entity-key';
import { DynamoDbFailure, FakeDynamoDb } from '../../support/fake-dynamodb';
import { reading, READINGS, RecordsWorld } from './world';

const ARRIVED = new Date('2026-03-01T10:06:00Z');

/** The function, and the table of another that has taken some readings. */
async function world(entity: string[], records: object[], { now = ARRIVED, clock = ARRIVED, contract = READINGS } = {}) {
  const spec: OnlineSpec = {
    ...{ entity, eventTime: 'at', plusMinutes: [], columns: ['value', 'note'] },
    ...{ keepSeconds: 3600, aheadSeconds: 600 },
  };
  const db = new FakeDynamoDb();
  for (const record of records) {
    const Item = itemOf(
      { ...record },
      { sequence: '1', arrived: ARRIVED } as never,
      spec,
      new EntityKey(contract, entity),
      contract.nullTokens,
    );
    await db.client.send(new PutCommand({ TableName: 'online', Item: Item as object as Record<string, unknown> }));
  }
  const replay = { now: () => Promise.resolve(clock) };
  const online: RecordsApiDependencies['online'] = {
    columns: entity,
    reader: () => new OnlineReader(db.client, 'online', contract, spec, replay, () => now),
  };
  return { db, api: new RecordsWorld({ online }) };
}

describe('reading the newest record of an entity by HTTP [D8]', () => {
  test('answers its columns with the time of its event and its age by the workload clock', async () => {
    const { api } = await world(['sensor'], [reading('a', 5, 1.5), reading('b', 4, 2)], { clock: new Date('2026-03-01T10:07:30Z') });
    expect(await api.newest({ sensor: 'a' })).toMatchObject({
      status: 200,
      body: {
        entity: { sensor: 'a' },
        columns: { value: 1.5, note: null },
        eventTime: '2026-03-01T10:05:00.000Z',
        arrivedAt: ARRIVED.toISOString(),
        ageSeconds: 150,
      },
    });
  });

  test('has a negative age for an event ahead of now', async () => {
    const { api } = await world(['sensor'], [reading('a', 10)]);
    expect(await api.newest({ sensor: 'a' })).toMatchObject({ status: 200, body: { ageSeconds: -240 } });
  });

  test('takes numbers and instants in every spelling, and the columns in any order', async () => {
    const { api } = await world(['at', 'value'], [reading('a', 5, 15)]);
    expect(await api.newest({ value: '1.5e1', at: '2026-03-01T11:05:00+01:00' })).toMatchObject({ status: 200 });
    expect(await api.newest({ value: '16', at: '2026-03-01T11:05:00+01:00' })).toMatchObject({ status: 404 });
  });

  test('names an entity without a value by the empty text', async () => {
    const { api } = await world(['note'], [reading('a', 5, 3)]);
    expect(await api.newest({ note: '' })).toMatchObject({ status: 200, body: { columns: { value: 3 } } });
  });

  test('knows one entity by no value, whether that is null, left out or a null token of the contract', async () => {
    const contract = { ...READINGS, nullTokens: ['NA', '-9'] };
    const records = [{ ...reading('a', 5, 1), note: 'NA' }, { ...reading('a', 5, 2), note: null }, reading('a', 5, 3)];
    for (const [i, record] of records.entries()) {
      const { api, db } = await world(['note'], [record], { contract });
      expect(db.items<{ pk: string }>('online').map(({ pk }) => pk)).toEqual(['[""]']);
      for (const note of ['', 'NA', '-9']) {
        expect(await api.newest({ note })).toMatchObject({ status: 200, body: { columns: { value: i + 1 } } });
      }
      expect(await api.newest({ note: 'NAN' })).toMatchObject({ status: 404 });
    }
    // A number is a null token by its own text, as in the intake.
    expect(['-9', -9, '-9.0', 'NA', 9].map((value) => new EntityKey(contract, ['value']).of({ value }))).toEqual([
      '[""]',
      '[""]',
      '["-9"]',
      '[""]',
      '["9"]',
    ]);
  });

  test.each<[string, Date]>([
    ['is not there', ARRIVED],
    ['was kept as long as is said, and is still stored', new Date(ARRIVED.getTime() + 3600_000)],
  ])('answers 404 for what %s', async (why, now) => {
    const { api } = await world(['sensor'], [reading('a', 5)], { now });
    const { status, body } = await api.newest({ sensor: why === 'is not there' ? 'b' : 'a' });
    expect([status, (body as { error: string }).error]).toEqual([404, expect.stringContaining('nothing is known of this entity now')]);
  });

  test.each<Record<string, string | string[]> | null>([
    null,
    {},
    { sensor: 'a' },
    { sensor: 'a', note: '', at: 'x' },
    { sensor: 'a', other: 'x' },
    { sensor: ['a', 'b'], note: '' },
    { sensor: 'a', note: ['', ''] },
  ])('refuses the query %j, and says what names an entity', async (query) => {
    const { api } = await world(['sensor', 'note'], []);
    const { status, body } = await api.newest(query);
    expect([status, (body as { error: string }).error]).toEqual([400, expect.stringContaining('name the entity by sensor, note')]);
  });

  test('answers 500 when the table does not answer, and counts a fault', async () => {
    const { api, db } = await world(['sensor'], [reading('a', 5)]);
    db.before = () => {
      throw new DynamoDbFailure('InternalServerError');
    };
    expect(await api.newest({ sensor: 'a' })).toMatchObject({ status: 500 });
    expect(api.measured).toEqual({ ApiFault: 1 });
  });

  test('has no route without a table', async () => {
    expect(await new RecordsWorld().newest({ sensor: 'a' })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('no route') },
    });
  });
});
