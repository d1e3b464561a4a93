import fc from 'fast-check';
import type { AggregateDefinition } from '../../../lib/constructs/data/features/contract';
import { aggregated, entityOf, isBeyondTime, observationOf, partitionOf, windowOf } from '../../../runtime/features/core';
import { FURTHEST_MOMENT } from '../../../runtime/shared/moments';
import { runs, seenAtLeast } from '../../support/property-runs';
import { offline, OfflineCase } from './offline';

const DELAY: AggregateDefinition = {
  name: 'origin_delay',
  dataset: 'flights',
  entity: ['origin'],
  function: 'mean',
  value: 'dep_delay',
  windowSeconds: 3600,
  eventTime: { column: 'time_hour', plusMinutes: ['minute', 'dep_delay'] },
  asOf: { column: 'time_hour', plusMinutes: ['minute'] },
  leadSeconds: 3600,
  nullTokens: ['NA'],
};
const FLIGHT = { origin: 'EWR', time_hour: '2013-04-01T10:00:00Z', minute: '15', dep_delay: '-4' };
const at = (time: string) => Date.parse(time);

test('a flight is observed when it departed, and not at all when it did not', () => {
  expect(observationOf(DELAY, FLIGHT)).toEqual({ entity: '["EWR"]', time: at('2013-04-01T10:11:00Z'), value: -4 });
  expect(observationOf(DELAY, { ...FLIGHT, dep_delay: 'NA' })).toBeUndefined();
  expect(observationOf(DELAY, { ...FLIGHT, time_hour: '' })).toBeUndefined();
  expect(observationOf(DELAY, { ...FLIGHT, minute: null })).toBeUndefined();
  expect(entityOf(DELAY, { origin: 7 })).toBe('["7"]');
});

test('a request sees the hour that ended an hour before its event', () => {
  const window = windowOf(DELAY, at('2013-04-01T12:00:00Z'));
  expect(window).toEqual({ after: at('2013-04-01T10:00:00Z'), until: at('2013-04-01T11:00:00Z') });
});

test.each([
  ['2013-03-10T02:30:00-0500', '2013-03-10T07:30:00Z'],
  ['2013-11-03T01:30:00-04:00', '2013-11-03T05:30:00Z'],
  ['2013-11-03T01:30:00-05:00', '2013-11-03T06:30:00Z'],
  ['2013-03-10T02:30:00-05', '2013-03-10T07:30:00Z'],
  ['2013-03-10T02:30:00.25+02', '2013-03-10T00:30:00.250Z'],
  ['2016-02-29T23:59:59.9996+00:00', '2016-02-29T23:59:59.999Z'],
  ['0099-12-31T00:00:00.5Z', '0099-12-31T00:00:00.500Z'],
  ['9999-01-01T00:00:00.07Z', '9999-01-01T00:00:00.070Z'],
])('%s is the same millisecond to both engines', (text, expected) => {
  const definition: AggregateDefinition = {
    ...DELAY,
    function: 'count',
    eventTime: { column: 'time_hour', plusMinutes: [] },
    windowSeconds: 60,
  };
  expect(observationOf(definition, { ...FLIGHT, time_hour: text })!.time).toBe(at(expected));
  const columns = ['origin', 'time_hour', 'minute', 'dep_delay'];
  const reads: [string[], number][] = [-1, 0, 59_999, 60_000].map((later) => [['EWR'], at(expected) + later]);
  expect(offline([{ definition, columns, records: [['EWR', text, '0', '1']], reads }])).toEqual([[0, 1, 1, 0]]);
});

describe('an event time that is further from 1970 than a date can be', () => {
  const { value: _, ...definition }: AggregateDefinition = { ...DELAY, function: 'count', windowSeconds: 1 };
  const always = { ...definition, windowSeconds: (3 * FURTHEST_MOMENT) / 1000 };
  const columns = ['origin', 'time_hour', 'minute', 'dep_delay'];
  const LAST = FURTHEST_MOMENT / 60_000;
  const epoch = (milliseconds: number, minute: number, more: number) => [
    ...['EWR', new Date(milliseconds).toISOString(), String(minute), String(more)],
  ];
  const fieldsOf = (record: readonly string[]) => Object.fromEntries(columns.map((name, i) => [name, record[i]]));
  const online = (record: readonly string[]) => observationOf(definition, fieldsOf(record))?.time;
  /** Whether training counts it just from this moment on; without a moment whether it never does. */
  const casesOf = (record: string[], moment: number | undefined): OfflineCase[] =>
    moment === undefined
      ? [{ definition: always, columns, records: [record], reads: [[['EWR'], 2 * FURTHEST_MOMENT]] }]
      : [{ definition, columns, records: [record], reads: [moment - 1, moment].map((until) => [['EWR'], until]) }];
  const countsOf = (moment: number | undefined) => (moment === undefined ? [0] : [0, 1]);

  test.each<[string, string[], number | undefined]>([
    ['at the last moment', epoch(0, LAST, 0), FURTHEST_MOMENT],
    ['a millisecond after it', epoch(1, LAST, 0), undefined],
    ['at the first moment', epoch(0, -LAST, 0), -FURTHEST_MOMENT],
    ['a millisecond before it', epoch(-1, -LAST, 0), undefined],
    ['as far as an integer of a contract goes', epoch(0, 0, Number.MAX_SAFE_INTEGER), undefined],
    ['as far as one goes into the past', epoch(0, Number.MIN_SAFE_INTEGER, 0), undefined],
    ['out and back, for each step counts', epoch(0, LAST + 1, -LAST - 1), undefined],
    ['from one end to the other', epoch(0, -LAST, 2 * LAST), FURTHEST_MOMENT],
  ])('%s is the same to both engines', (__, record, moment) => {
    expect(online(record)).toBe(moment);
    expect(isBeyondTime(definition, fieldsOf(record))).toBe(moment === undefined);
    expect(offline(casesOf(record, moment))).toEqual([countsOf(moment)]);
  });

  test('is none to both engines, and every other one is exact to the millisecond', () => {
    const minutes = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer({ min: -1e9, max: 1e9 }),
      ...[LAST, -LAST, 2 * LAST, -2 * LAST].map((near) => fc.integer({ min: near - 3, max: near + 3 })),
    );
    const records = fc.sample(fc.tuple(fc.integer({ min: -6e13, max: 2e14 }), minutes, minutes), runs(300));
    /** Whole numbers without an end, as a second opinion. */
    const exact = ([start, ...steps]: readonly number[]) => {
      const sums = steps.map((___, i) => BigInt(start) + steps.slice(0, i + 1).reduce((sum, step) => sum + BigInt(step) * 60_000n, 0n));
      const inside = sums.every((sum) => sum <= BigInt(FURTHEST_MOMENT) && sum >= -BigInt(FURTHEST_MOMENT));
      return inside ? Number(sums.at(-1)) : undefined;
    };
    const moments = records.map(exact);
    const texts = records.map(([start, minute, more]) => epoch(start, minute, more));
    expect(texts.map(online)).toEqual(moments);
    expect(offline(texts.flatMap((record, i) => casesOf(record, moments[i])))).toEqual(moments.map(countsOf));
    const beyond = moments.filter((moment) => moment === undefined).length;
    expect(Math.min(beyond, moments.length - beyond)).toBeGreaterThanOrEqual(seenAtLeast(30, 300));
  });
});

test('fails on a value that no contract lets through', () => {
  expect(() => observationOf(DELAY, { ...FLIGHT, time_hour: '2013-04-01' })).toThrow(
    "InvalidMoment: 'time_hour' is '2013-04-01', not a timestamp",
  );
  expect(() => observationOf(DELAY, { ...FLIGHT, dep_delay: 'late' })).toThrow("InvalidValue: 'dep_delay' is 'late', not a number");
});

test('nothing gives a count of zero and no other value; what no double holds is none', () => {
  expect(['mean', 'sum', 'min', 'max'].map((name) => aggregated(name as 'mean', []))).toEqual([null, null, null, null]);
  expect(aggregated('count', [])).toBe(0);
  expect(aggregated('sum', [1e308, 1e308])).toBeNull();
  expect(aggregated('mean', [3, 1, 2])).toBe(2);
  expect([aggregated('min', [3, 1, 2]), aggregated('max', [3, 1, 2])]).toEqual([1, 3]);
  expect(Object.is(aggregated('min', [0, -0]), 0)).toBe(true);
});

test('partitions of long entities are hashed', () => {
  expect(partitionOf('f', '["EWR"]')).toBe('f#["EWR"]');
  expect(partitionOf('f', `["${'x'.repeat(600)}"]`)).toMatch(/^f#[0-9a-f]{64}$/);
});
