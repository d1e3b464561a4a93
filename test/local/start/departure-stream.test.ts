import { resolve } from 'node:path';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { departures } from '../../../examples/flight-delays/departures';
import { aprilTraffic, Trip } from '../../../examples/flight-delays/traffic';
import { loadBlueprint } from '../../../lib/config/load';
import { DepartureStream, toldFeatures } from '../../../local/start/departure-stream';
import type { Run } from '../../../local/start/run';

const config = loadBlueprint(resolve(__dirname, '../../../config/dev.yaml'));
const HOUR = 3_600_000;
let trips: Trip[];

beforeAll(async () => {
  trips = await aprilTraffic();
});

/** A run whose stream refuses some records, and whose store has what was put. */
function fakeRun({ refused = 0, stored = (put: number) => put, of = config } = {}) {
  const put: { flight: Record<string, unknown>; key: string; call: number }[] = [];
  let calls = 0;
  const kinesis = {
    send: ({ input }: PutRecordsCommand) => {
      calls++;
      input.Records!.forEach(({ Data, PartitionKey }) =>
        put.push({ flight: JSON.parse(Buffer.from(Data!).toString()), key: PartitionKey!, call: calls }),
      );
      return Promise.resolve({ FailedRecordCount: refused });
    },
  };
  const dynamo = { send: () => Promise.resolve({ Count: stored(put.length) }) };
  const run = {
    config: of,
    clients: { kinesis, dynamo },
    outputs: { flightsStream: 's', FeatureTable: 't' },
    signal: AbortSignal.timeout(60_000),
  };
  return { run: run as unknown as Run, put };
}

describe('the departures that the replay streams [D8]', () => {
  test('are those in an hour that some prediction looks at, each once, in the order in which they left', async () => {
    const { run, put } = fakeRun();
    const stream = await DepartureStream.of(run, trips);
    await stream.send(new Date('2013-05-02'));
    const wanted = (await departures(new Set([3, 4]))).filter(({ at, flight }) =>
      trips.some(
        ({ predictAt, flight: { origin } }) => origin === flight.origin && at <= predictAt && at.getTime() > predictAt.getTime() - HOUR,
      ),
    );
    expect(stream.records).toBe(8335);
    expect(put.map(({ flight }) => `${flight.time_hour as string} ${flight.carrier as string}${flight.flight as number}`)).toEqual(
      wanted.map(({ flight }) => `${flight.time_hour} ${flight.carrier}${flight.flight}`),
    );
    expect(put.every(({ flight, key }) => flight.origin === key)).toBe(true);
    expect(Math.max(...put.map(({ call }) => put.filter((other) => other.call === call).length))).toBe(500);
  }, 60_000);

  test('are sent up to a moment, and those behind it by the next call', async () => {
    const { run, put } = fakeRun();
    const stream = await DepartureStream.of(run, trips);
    await stream.send(new Date('2013-04-03T00:00:00Z'));
    const first = put.length;
    await stream.send(new Date('2013-04-02T00:00:00Z'));
    expect(put).toHaveLength(first);
    await stream.send(new Date('2013-04-04T00:00:00Z'));
    expect(first).toBeGreaterThan(100);
    expect(put.length).toBeGreaterThan(first);
    expect(put.slice(0, first).every(({ flight }) => (flight.time_hour as string) < '2013-04-03T01')).toBe(true);
    await stream.stored();
  }, 60_000);

  test('are none for a model that is told nothing', async () => {
    const untold = structuredClone(config);
    untold.endpoints.delay.signature!.inputs = untold.endpoints.delay.signature!.inputs.filter(({ feature }) => feature === undefined);
    const { run, put } = fakeRun({ of: untold });
    const stream = await DepartureStream.of(run, trips);
    await stream.send(new Date('2013-05-02'));
    await stream.stored();
    expect([toldFeatures(run), stream.records, put]).toEqual([[], 0, []]);
  });

  test('fails when the stream does not take one', async () => {
    const { run } = fakeRun({ refused: 1 });
    const stream = await DepartureStream.of(run, trips);
    await expect(stream.send(new Date('2013-04-02'))).rejects.toThrow(/DeparturesNotTaken: the stream did not take 1 of \d+ departures/);
  });

  test('are waited for until the store has all of an airport', async () => {
    let asked = 0;
    const { run } = fakeRun({ stored: (put) => (asked++ < 3 ? 0 : put) });
    const stream = await DepartureStream.of(run, trips);
    await stream.send(new Date('2013-04-02'));
    await stream.stored();
    expect(asked).toBe(3 + 3);
  });
});
