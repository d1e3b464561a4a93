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

/** Departures of an airport in the order in which they happened. */
class Departures {
  constructor(private readonly all: readonly Departure[]) {}

  /** Those after one moment and up to another. */
  between(after: number, until: number): readonly Departure[] {
    return this.all.slice(this.countUntil(after), this.countUntil(until));
  }

  private countUntil(moment: number): number {
    let [low, high] = [0, this.all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      [low, high] = this.all[middle].at <= moment ? [middle + 1, high] : [low, middle];
    }
    return low;
  }
}

function departuresOf(flights: readonly Flight[]): Map<string, Departures> {
  const all = flights
    .filter(({ dep_delay }) => dep_delay !== 'NA')
    .map((flight) => ({ flight, at: Date.parse(flight.time_hour) + (Number(flight.minute) + Number(flight.dep_delay)) * 60_000 }))
    .sort((a, b) => a.at - b.at);
  const origins = [...new Set(all.map(({ flight }) => flight.origin))];
  return new Map(origins.map((origin) => [origin, new Departures(all.filter(({ flight }) => flight.origin === origin))]));
}

/** What the store says when it has heard of what left the airport a little more than an hour before the window's end, and a little later. */
async function online(departures: Departures, origin: string, event: Date): Promise<number | null> {
  const window = windowOf(definition, event.getTime());
  const db = new FakeDynamoDb([FEATURES.key, FEATURES.record], { [FEATURES.timeIndex]: FEATURES.time });
  const store = new FeatureStore({ client: db.client, table: 'features', keepSeconds: 86_400 });
  for (const { flight, at } of departures.between(window.after - HOUR / 4, window.until + HOUR / 4)) {
    await store.apply(definition, { fields: flight, record: recordOf(flight), order: '1' }, new Date(at));
  }
  return (await store.read(definition, JSON.stringify([origin]), window)).value;
}

/** The specification by hand: mean delay of the airport's departures in (t - 60 min, t], t an hour before the flight's own time. */
function byHand(departures: Departures, event: Date): number | null {
  const t = event.getTime() - HOUR;
  const delays = departures.between(t - HOUR, t).map(({ flight }) => Number(flight.dep_delay));
  return delays.length === 0 ? null : delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
}

test('on the 500 flights of the traffic online is offline, and both are what the specification says by hand [D8]', async () => {
  const trips = await aprilTraffic();
  const lines = [...(await linesOf(new Set([3, 4])))];
  const departures = departuresOf(lines.map(parseFlight));
  const records = lines.map((line) => line.split(','));
  const origins = trips.map(({ id }) => id.split('-')[5]);
  const reads = trips.map(({ scheduledDeparture }, i): [string[], number] => [
    [origins[i]],
    windowOf(definition, scheduledDeparture.getTime()).until,
  ]);
  const [trained] = offline([{ definition, columns: COLUMNS, records, reads }]);
  const served = [];
  for (const [i, { scheduledDeparture }] of trips.entries()) {
    served.push(await online(departures.get(origins[i])!, origins[i], scheduledDeparture));
  }
  const hand = trips.map(({ scheduledDeparture }, i) => byHand(departures.get(origins[i])!, scheduledDeparture));
  const away = (a: number | null, b: number | null) => (a === null || b === null ? Number(a !== b) : Math.abs(a - b));
  expect(Math.max(...served.map((value, i) => away(value, trained[i])))).toBe(0);
  expect(Math.max(...served.map((value, i) => away(value, hand[i])))).toBeLessThan(1e-9);
  expect({ flights: served.length, without: served.filter((value) => value === null).length }).toEqual({ flights: 500, without: 20 });
}, 60_000);

test('the definition that the training of the example computes with is the declared one', () => {
  expect(JSON.parse(readFileSync('examples/flight-delays/model/features.json', 'utf8'))).toEqual([definition]);
});
