// The other ways in and out of the flights of test/e2e/served-features.ts, by the names that the blueprint's outputs tell: records by HTTP, the newest
// departure of each airport, and SQL over a version. What they must say is computed here from the recorded flights.
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { recordOf } from '../../examples/flight-delays/departures';
import { Flight } from '../../examples/flight-delays/flights';
import { apiClient, Clients, localApiUrl } from '../../local/start/clients';
import { Athena } from './athena';
import { Checks } from './checks';

interface Newest {
  readonly entity: Record<string, string>;
  readonly columns: Record<string, unknown>;
  readonly eventTime: string;
  readonly arrivedAt: string;
  readonly ageSeconds: number;
}

interface Ground {
  readonly url: string;
  readonly clients: Clients;
  readonly outputs: Record<string, string>;
  /** All flights that were put on the stream, in their order. */
  readonly sent: readonly Flight[];
  /** Where the workload clock stands, milliseconds since 1970. */
  readonly clock: number;
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await sleep(200)) {
    const found = await ask();
    if (found !== undefined) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`${what} did not happen within 120 s`);
    }
  }
}

const departedAt = ({ time_hour: hour, minute, dep_delay: delay }: Flight): number =>
  Date.parse(hour) + (Number(minute) + Number(delay)) * 60_000;
const keyOf = ({ year, month, day, carrier, flight, origin }: Flight): string => [year, month, day, carrier, flight, origin].join();

/** What the API of records says of an airport, once that is the wanted departure. */
async function newest(api: ReturnType<typeof apiClient>, origin: string, wanted: number): Promise<Newest> {
  return until(`the newest departure from ${origin} being online`, async () => {
    const { status, body } = await api('GET', `/v1/datasets/flights/newest?origin=${origin}`);
    return status === 200 && Date.parse((body as Newest).eventTime) === wanted ? (body as Newest) : undefined;
  });
}

/** Publishes a version once all records are accounted for; its id. */
async function version({ clients, outputs, sent }: Omit<Ground, 'clock'>): Promise<string> {
  await until(`the ledger accounting for ${sent.length} records`, async () => {
    const { Items = [] } = await clients.dynamo.send(new ScanCommand({ TableName: outputs.flightsLedger, ConsistentRead: true }));
    const objects = Items.filter(({ pk }) => (pk as string).startsWith('object#')) as { state: string; counts?: { read: number } }[];
    const read = objects.reduce((sum, { counts }) => sum + (counts?.read ?? 0), 0);
    return read === sent.length && objects.every(({ state }) => state === 'accounted') ? true : undefined;
  });
  const { Payload, FunctionError } = await clients.lambda.send(
    new InvokeCommand({ FunctionName: outputs.DatasetBuilder, Payload: Buffer.from('{"dataset":"flights"}') }),
  );
  const answer = Buffer.from(Payload!).toString();
  if (FunctionError !== undefined) {
    throw new Error(answer);
  }
  return /datasets\/flights\/([0-9a-f]{64})\/manifest/.exec(answer)![1];
}

/** Flights, those with a delay, sum and largest of the delays, by airport; of a flight that came twice, one. */
function byOrigin(flights: Flight[]): unknown[] {
  const counted = [...new Map(flights.map((flight) => [keyOf(flight), flight])).values()];
  return [...new Set(counted.map(({ origin }) => origin))].sort().map((origin) => {
    const from = counted.filter((flight) => flight.origin === origin);
    const delays = from.filter(({ dep_delay: delay }) => delay !== 'NA').map(({ dep_delay: delay }) => Number(delay));
    return [origin, from.length, delays.length, delays.reduce((sum, delay) => sum + delay, 0), Math.max(...delays)];
  });
}

/** `posted` comes by HTTP, after all that was sent. */
export async function otherWays(checks: Checks, ground: Ground, posted: Flight): Promise<void> {
  const { url, outputs, sent, clock } = ground;
  const post = apiClient(localApiUrl(url, outputs.RecordsUrl));
  const { status, body } = await post('POST', '/v1/datasets/flights/records', JSON.parse(recordOf(posted)));
  checks.same('a flight that is posted is taken [D8]', [status, (body as { accepted?: number }).accepted], [200, 1]);

  const stranger = await post('GET', '/v1/datasets/flights/newest?origin=XXX');
  checks.same('of an airport that nobody reported from nothing is known', stranger.status, 404);

  const all = [...sent, posted];
  for (const origin of ['EWR', 'JFK', 'LGA']) {
    const last = all
      .filter((flight) => flight.origin === origin && flight.dep_delay !== 'NA')
      .reduce((a, b) => (departedAt(b) > departedAt(a) ? b : a));
    const { columns: read, entity, ageSeconds, arrivedAt } = await newest(post, origin, departedAt(last));
    const { dep_delay: delay, ...columns } = read;
    checks.same(
      `the newest departure from ${origin} is read by its key`,
      [entity, Object.keys(columns).sort()],
      [{ origin }, ['carrier', 'flight']],
    );
    checks.same('with its age by the workload clock', ageSeconds, (clock - departedAt(last)) / 1000);
    checks.that('and when it arrived', Math.abs(Date.now() - Date.parse(arrivedAt)) < 3_600_000, () => arrivedAt);
    checks.that(
      'with its delay',
      all.some((flight) => departedAt(flight) === departedAt(last) && Number(flight.dep_delay) === delay),
    );
  }

  const id = await version({ ...ground, sent: all });
  const sql = `SELECT origin, count(*), count(dep_delay), sum(dep_delay), max(dep_delay) FROM ${outputs.QueryDatabase}.flights
    WHERE dataset_version = '${id}' GROUP BY origin ORDER BY origin`;
  const rows = await new Athena(url, outputs.QueryWorkGroup).query(sql);
  checks.same(
    `a query of the version with ${all.length} records, some of which came twice, answers as is counted here [D7]`,
    rows.map(([origin, ...numbers]) => [origin, ...numbers.map(Number)]),
    byOrigin(all),
  );
}
