import { readFileSync } from 'node:fs';
import { COLUMNS, Flight, linesOf, parseFlight } from '../../../examples/flight-delays/flights';
import { aprilTraffic } from '../../../examples/flight-delays/traffic';
import { FEATURES } from '../../../lib/constructs/data/features/contract';
import { windowOf } from '../../../runtime/features/core';
import { FeatureStore } from '../../../runtime/features/store';
import { DELAY, recordOf } from '../../constructs/data/features';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { offline } from './offline';

const HOUR = 3_600_000;
const definition = DELAY._definition;

interface Departure {
  flight: Flight;
  at: number;
}

/** Departures of March and April in the order in which they happened. */
async function departures(): Promise<Departure[]> {
  const flights = (await linesOf(new Set([3, 4]))).map(parseFlight).filter(({ dep_delay }) => dep_delay !== 'NA');
  return flights
    .map((flight) => ({ flight, at: Date.parse(flight.time_hour) + (Number(flight.minute) + Number(flight.dep_delay)) * 60_000 }))
    .sort((a, b) => a.at - b.at);
}

/** What the store says when it has heard of what left the airport a little more than an hour before the window's end, and a little later. */
async function online(all: readonly Departure[], origin: string, event: Date): Promise<number | null> {
  const window = windowOf(definition, event.getTime());
  const db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  const store = new FeatureStore({ client: db.client, table: 'features', keepSeconds: 86_400 });
  const near = (at: number) => at > window.after - HOUR / 4 && at <= window.until + HOUR / 4;
  for (const { flight, at } of all.filter((departure) => departure.flight.origin === origin && near(departure.at))) {
    await store.apply(definition, { fields: flight, record: recordOf(flight), order: '1' }, new Date(at));
  }
  return (await store.read(definition, JSON.stringify([origin]), window)).value;
}

/** The specification by hand: mean delay of the airport's departures in (t - 60 min, t], t an hour before the flight's own time. */
function byHand(all: readonly Departure[], origin: string, event: Date): number | null {
  const t = event.getTime() - HOUR;
  const delays = all
    .filter(({ flight, at }) => flight.origin === origin && t - HOUR < at && at <= t)
    .map(({ flight }) => Number(flight.dep_delay));
  return delays.length === 0 ? null : delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
}

test('on the 500 flights of the traffic online is offline, and both are what the specification says by hand [D8]', async () => {
  const trips = await aprilTraffic();
  const all = await departures();
  const records = [...(await linesOf(new Set([1, 2, 3, 4])))].map((line) => line.split(','));
  const origins = trips.map(({ id }) => id.split('-')[5]);
  const reads = trips.map(({ scheduledDeparture }, i): [string[], number] => [
    [origins[i]],
    windowOf(definition, scheduledDeparture.getTime()).until,
  ]);
  const [trained] = offline([{ definition, columns: COLUMNS, records, reads }]);
  const served = [];
  for (const [i, { scheduledDeparture }] of trips.entries()) {
    served.push(await online(all, origins[i], scheduledDeparture));
  }
  const hand = trips.map(({ scheduledDeparture }, i) => byHand(all, origins[i], scheduledDeparture));
  const away = (a: number | null, b: number | null) => (a === null || b === null ? Number(a !== b) : Math.abs(a - b));
  expect(Math.max(...served.map((value, i) => away(value, trained[i])))).toBe(0);
  expect(Math.max(...served.map((value, i) => away(value, hand[i])))).toBeLessThan(1e-9);
  expect({ flights: served.length, without: served.filter((value) => value === null).length }).toEqual({ flights: 500, without: 20 });
}, 60_000);

test('the definition that the training of the example computes with is the declared one', () => {
  expect(JSON.parse(readFileSync('examples/flight-delays/model/features.json', 'utf8'))).toEqual([definition]);
});
