import { FEATURES } from '../../../lib/constructs/data/features/contract';
import { FeatureStore } from '../../../runtime/features/store';
import type { FeatureOptions } from '../../../runtime/inference-api/features';
import type { Signature } from '../../../runtime/inference-api/signature';
import { eventOf } from '../../../runtime/prediction-events/core';
import { DELAY, recordOf } from '../../constructs/data/features';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { setting, START } from '../prediction-books/setting';

const SIGNATURE: Signature = {
  inputs: [
    { name: 'risk', datatype: 'FP64', shape: [-1] },
    { name: 'origin', datatype: 'BYTES', shape: [-1] },
    { name: 'delay', datatype: 'FP64', shape: [-1], feature: 'origin_delay' },
  ],
  outputs: [],
};
/** An hour after the clock's now, so that the window ends now. */
const EVENT = new Date(START.getTime() + 3_600_000).toISOString();
const request = (origins: string[], more: object[] = [], event = EVENT) => ({
  id: 'f-1',
  parameters: { event_time: event },
  inputs: [
    { name: 'risk', datatype: 'FP64', shape: [origins.length], data: origins.map(() => 0.7) },
    { name: 'origin', datatype: 'BYTES', shape: [origins.length], data: origins },
    ...more,
  ],
});

/** The API in front of a store that knows two departures of EWR, ten minutes and half an hour ago. */
async function world(over: Partial<FeatureOptions> = {}) {
  const db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  const store = new FeatureStore({ client: db.client, table: 'features', keepSeconds: 86_400 });
  for (const [flight, minutes, delay] of [
    [1, 10, 5],
    [2, 30, 20],
  ] as const) {
    const time_hour = new Date(START.getTime() - (minutes + delay) * 60_000).toISOString();
    const fields = { year: 2013, month: 4, day: 1, carrier: 'UA', flight, origin: 'EWR', time_hour, minute: 0, dep_delay: delay };
    await store.apply(DELAY._definition, { fields, record: recordOf(fields), order: '1' }, START);
  }
  const features = { definitions: [DELAY._definition], store, keepSeconds: 86_400, timeoutMs: 1000, ...over };
  const s = setting({ signatures: { delay: SIGNATURE }, features });
  s.inferDeps.settings.decisionOutput = undefined;
  const kept = () => JSON.parse((s.db.items('predictions')[0] as { features: string }).features);
  const sent = (call = 0) => JSON.parse(s.calls[call].body).inputs.at(-1);
  return { ...s, kept, sent };
}

describe('features of a request [D8]', () => {
  test('are filled in for the model, and kept with the prediction: value, moment, age and how many records', async () => {
    const it = await world();
    expect((await it.infer(request(['EWR']))).statusCode).toBe(200);
    expect(it.sent()).toEqual({ name: 'delay', datatype: 'FP64', shape: [1], data: [12.5] });
    const newest = new Date(START.getTime() - 600_000).toISOString();
    const served = { entity: '["EWR"]', value: 12.5, asOf: START.toISOString(), records: 2, newest, ageSeconds: 600 };
    expect(it.kept()).toEqual({ delay: [served] });
    expect(it.measured).toMatchObject({ FeaturesNull: 0, FeatureTime: expect.any(Number), Predictions: 1 });
    expect(it.measured.FeaturesUnavailable).toBeUndefined();
  });

  test('are null, and counted, where nothing happened', async () => {
    const it = await world();
    await it.infer(request(['JFK', 'EWR', 'JFK']));
    expect(it.sent()).toMatchObject({ shape: [3], data: [null, 12.5, null] });
    expect(it.kept().delay).toEqual([
      { entity: '["JFK"]', value: null, asOf: START.toISOString(), records: 0, reason: 'no records' },
      expect.objectContaining({ entity: '["EWR"]', value: 12.5 }),
    ]);
    expect(it.measured).toMatchObject({ FeaturesNull: 1 });
  });

  test.each<[string, Partial<FeatureOptions>]>([
    ['fails', { store: { read: () => Promise.reject(new Error('throttled')) } }],
    ['never answers', { store: { read: () => new Promise(() => undefined) }, timeoutMs: 30 }],
  ])('are null when the store %s: the prediction is made, the failure is counted', async (_, over) => {
    const it = await world(over);
    expect((await it.infer(request(['EWR', 'JFK']))).statusCode).toBe(200);
    expect(it.sent().data).toEqual([null, null]);
    expect(it.kept().delay[0]).toEqual({ entity: '["EWR"]', value: null, asOf: START.toISOString(), reason: 'store unavailable' });
    expect(it.measured).toMatchObject({ FeaturesUnavailable: 2, FeaturesNull: 2 });
    expect(it.logged.map(({ message }) => message)).toContain('feature unavailable');
  });

  test('end their lookups together with the time of the request', async () => {
    let signal: AbortSignal | undefined;
    const read: FeatureStore['read'] = (_definition, _entity, _window, given) => {
      signal = given;
      return Promise.resolve({ value: 1, records: 1 });
    };
    const it = await world({ store: { read }, timeoutMs: 20 });
    await it.infer(request(['EWR']));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(signal!.aborted).toBe(true);
  });

  test('are null where the window begins before what the store keeps, instead of a part of the truth', async () => {
    const it = await world({ keepSeconds: 3600 });
    await it.infer(request(['EWR']));
    await it.infer({ ...request(['EWR'], [], new Date(Date.parse(EVENT) - 1).toISOString()), id: 'f-2' });
    expect([it.sent(0).data, it.sent(1).data]).toEqual([[12.5], [null]]);
    expect((it.db.items('predictions')[1] as { features: string }).features).toContain('before what is kept');
  });

  test('are not asked of clients: a request that brings one is refused, and the metadata does not tell it', async () => {
    const it = await world();
    const answer = await it.infer(request(['EWR'], [{ name: 'delay', datatype: 'FP64', shape: [1], data: [3] }]));
    expect([answer.statusCode, JSON.parse(answer.body).error]).toEqual([400, "input 'delay' is filled in by the API: leave it out"]);
    const metadata = JSON.parse((await it.get('/v2/models/{model}', { model: 'delay' })).body);
    expect(metadata.inputs.map(({ name }: { name: string }) => name)).toEqual(['risk', 'origin']);
    expect(JSON.parse((await it.infer(request([], []))).body)).toBeDefined();
  });

  test('are looked up for a hundred rows, and a request with more is refused before anything is looked up', async () => {
    const it = await world();
    it.inferDeps.settings.maximumRequestBytes = 100_000;
    const rows = (count: number) => it.infer(request(Array.from({ length: count }, (_, i) => `A${i % 40}`)));
    expect((await rows(101)).statusCode).toBe(400);
    expect(it.calls).toEqual([]);
    expect((await rows(100)).statusCode).toBe(200);
    expect(it.kept().delay).toHaveLength(40);
  });

  test('do not make a repeated request another one: it gets the answer that was given', async () => {
    const it = await world();
    const first = await it.infer(request(['EWR']));
    it.inferDeps.features = { ...it.inferDeps.features!, store: { read: () => Promise.reject(new Error('gone')) } };
    expect((await it.infer(request(['EWR']))).body).toBe(first.body);
    expect(it.calls).toHaveLength(1);
  });

  test('are in the event of the prediction', async () => {
    const it = await world();
    await it.infer(request(['EWR']));
    const made = eventOf(undefined, it.db.items('predictions')[0] as never)!;
    expect(made.detail.features).toEqual(it.kept());
  });
});
