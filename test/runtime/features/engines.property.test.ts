import fc from 'fast-check';
import { AGGREGATE_FUNCTIONS, AggregateDefinition, FEATURES } from '../../../lib/constructs/data/features/contract';
import { observationOf, windowOf } from '../../../runtime/features/core';
import { FeatureStore } from '../../../runtime/features/store';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { runs, seenAtLeast } from '../../support/property-runs';
import { offline, OfflineCase } from './offline';

/**
 * Two engines, one definition: what the online store answers after any deliveries is, bit for bit, what the engine of training computes from
 * the newest version of each record that was delivered by then. [D8]
 */
const COLUMNS = ['id', 'shop', 'at', 'extra', 'amount'];
const ENTITIES = ['EWR', 'JFK'];
const START = Date.UTC(2013, 2, 10, 6); // clocks in New York go forward at 7
const MINUTE = 60_000;
const CASES = runs(150);

interface Version {
  id: number;
  minute: number;
  offset: string;
  extra: string;
  amount: string;
  /** Of the version, so that later deliveries may bring older ones. */
  order: number;
}

type Step = { deliver: Version } | { read: { entity: number; minute: number } };

const minute = fc.integer({ min: 0, max: 20 });
const amount = fc.oneof(
  fc.integer({ min: -20, max: 90 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('', 'NA', '-0', '0', '0.1', '0.2', '0.3', '1e308', '-1e308', '9007199254740991', '5e-324'),
);
const version = fc.record({
  id: fc.integer({ min: 0, max: 9 }),
  minute,
  offset: fc.constantFrom('Z', '+00:00', '-05:00', '-04:00', '+0530', '+02', '-05', '.257Z', '.2579999Z'),
  // Integers of a contract reach further than moments do.
  extra: fc.constantFrom('0', '0', '5', '-7', 'NA', '', '999999999999', '-9007199254740991'),
  amount,
  order: fc.integer({ min: 0, max: 4 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: version.map((deliver) => ({ deliver })) },
  { weight: 1, arbitrary: fc.record({ entity: fc.integer({ min: 0, max: 1 }), minute }).map((read) => ({ read })) },
);
const definition = fc
  .record({
    function: fc.constantFrom(...AGGREGATE_FUNCTIONS),
    window: fc.integer({ min: 1, max: 12 }),
    lead: fc.integer({ min: 0, max: 5 }),
    moved: fc.boolean(),
    valued: fc.boolean(),
  })
  .map(({ function: name, window, lead, moved, valued }): AggregateDefinition => ({
    name: 'spent',
    dataset: 'sales',
    entity: ['shop'],
    function: name,
    ...(name === 'count' && !valued ? {} : { value: 'amount' }),
    windowSeconds: window * 60,
    leadSeconds: lead * 60,
    eventTime: { column: 'at', plusMinutes: moved ? ['extra'] : [] },
    asOf: { column: 'at', plusMinutes: [] },
    nullTokens: ['NA'],
  }));

/** A record in the fields of the contract. The same version number of a record is always the same content. */
function fieldsOf({ id, minute: at, offset, extra, amount: value }: Version): Record<string, string> {
  const [, sign, hours, minutes] = /([+-])(\d\d)(?::?(\d\d))?$/.exec(offset) ?? [];
  const shift = sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0));
  const local = new Date(START + (at + shift) * MINUTE).toISOString().slice(0, 19);
  return { id: String(id), shop: ENTITIES[id % 2], at: `${local}${offset}`, extra, amount: value };
}

interface Played {
  definition: AggregateDefinition;
  cases: OfflineCase[];
  online: (number | null)[];
}

/** Delivers and reads in this order; for each read, what training would be given: the newest version that was delivered of each record. */
async function play(of: AggregateDefinition, steps: readonly Step[], pageSize: number): Promise<Played> {
  const db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  db.pageSize = pageSize;
  const store = new FeatureStore({ client: db.client, table: 'features', keepSeconds: 86_400 });
  const content = new Map<string, Version>();
  const known = new Map<number, Version>();
  const played: Played = { definition: of, cases: [], online: [] };
  for (const action of steps) {
    if ('deliver' in action) {
      const name = `${action.deliver.id}/${action.deliver.order}`;
      const given = content.get(name) ?? action.deliver;
      content.set(name, given);
      await store.apply(of, { fields: fieldsOf(given), record: fieldsOf(given).id, order: String(given.order) }, new Date(START));
      if ((known.get(given.id)?.order ?? -1) < given.order) {
        known.set(given.id, given);
      }
    } else {
      const window = windowOf(of, START + action.read.minute * MINUTE);
      const entity = ENTITIES[action.read.entity];
      played.online.push((await store.read(of, JSON.stringify([entity]), window)).value);
      const records = [...known.values()].map(fieldsOf).map((fields) => COLUMNS.map((column) => fields[column]));
      played.cases.push({ definition: of, columns: COLUMNS, records, reads: [[[entity], window.until]] });
    }
  }
  return played;
}

test('online is offline, bit for bit, whatever comes late, twice, out of order or corrected, and at both ends of the window', async () => {
  const histories = fc.sample(fc.tuple(definition, fc.array(step, { minLength: 15, maxLength: 50 }), fc.constantFrom(1, 2, 100)), CASES);
  const all = await Promise.all(histories.map(([of, steps, pageSize]) => play(of, steps, pageSize)));
  const cases = all.flatMap((played) => played.cases);
  const online = all.flatMap((played) => played.online);
  const expected = offline(cases).map(([value]) => value);
  const different = cases.flatMap((found, i) =>
    Object.is(online[i], expected[i]) ? [] : [{ ...found, online: online[i], offline: expected[i] }],
  );
  expect(different).toEqual([]);
  const seen = { reads: cases.length, values: online.filter((value) => value !== null && value !== 0).length, first: 0, last: 0 };
  for (const { definition: of, records, reads } of cases) {
    const times = records.flatMap(
      (record) => observationOf(of, Object.fromEntries(COLUMNS.map((name, i) => [name, record[i]])))?.time ?? [],
    );
    seen.last += Number(times.includes(reads[0][1]));
    seen.first += Number(times.includes(reads[0][1] - of.windowSeconds * 1000));
  }
  expect(seen.reads).toBeGreaterThanOrEqual(seenAtLeast(300, 150));
  expect(seen.values).toBeGreaterThanOrEqual(seenAtLeast(150, 150));
  expect(Math.min(seen.first, seen.last)).toBeGreaterThanOrEqual(seenAtLeast(30, 150));
});
