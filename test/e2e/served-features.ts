// A feature from its records to a prediction, in a local account of its own: a blueprint whose config declares it is deployed, an afternoon's
// flights are put on the stream, a request is answered by a model that the API told the airport's delay, and the kept prediction says what it was
// told. What it must have been is computed here from the recorded flights, without the engine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { Node } from 'yaml';
import { departedAt, recordOf } from '../../examples/flight-delays/departures';
import { Flight, linesOf, parseFlight, scheduledAt } from '../../examples/flight-delays/flights';
import { requestFor } from '../../examples/flight-delays/traffic';
import { BOOKS } from '../../lib/constructs/integration/contract';
import { Account, startAccount } from '../../local/account';
import { apiClient, Clients, clientsFor, CREDENTIALS, localApiUrl, REGION, stackOutputs } from '../../local/start/clients';
import { bootstrap, checkDeployment, deploy, synthesize } from '../../local/start/deployment';
import { dataConfig } from '../support/data-config';
import { Checks } from './checks';
import { otherWays } from './served-data';

const MODEL = 'told';
const MINUTE = 60_000;
const checks = new Checks();

/** The dev config with every way in and out of data, and beside its trained model one that is there at once and tells what it was told. */
const configFile = (folder: string): string =>
  dataConfig(folder, (document) => {
    const tensor = (name: string, datatype: string) => ({ name, datatype, shape: [-1] });
    document.setIn(['endpoints', MODEL], {
      model: { asset: join(__dirname, 'feature-model') },
      image: { scikitLearn: '1.4-2' },
      instance: 'ml.m5.large',
      slo: { latencyPercentile: 99, latencyBelowMs: 500 },
      scaling: { fixed: 1 },
      signature: {
        inputs: (document.getIn(['endpoints', 'delay', 'signature', 'inputs']) as Node).clone(),
        outputs: [tensor('told', 'BYTES'), tensor('warn', 'BOOL')],
      },
    });
  });

/** Mean delay of the flights that left an airport in an hour, and when the last of them did. */
function delayIn(flights: Flight[], origin: string, until: number): { value: number; records: number; newest: number } {
  const left = flights.flatMap((flight) => {
    const time = departedAt(flight);
    const counts = flight.origin === origin && time !== undefined && time > until - 60 * MINUTE && time <= until;
    return counts ? [{ time, delay: Number(flight.dep_delay) }] : [];
  });
  return {
    value: left.reduce((sum, { delay }) => sum + delay, 0) / left.length,
    records: left.length,
    newest: Math.max(...left.map(({ time }) => time)),
  };
}

/** The world of one deployment. */
class World {
  private readonly clients: Clients;
  private readonly kinesis: KinesisClient;
  private outputs: Record<string, string> = {};
  private predictions = '';
  private clock = 0;
  /** All flights that were put on the stream. */
  private readonly sent: Flight[] = [];

  constructor(private readonly account: Account) {
    this.clients = clientsFor(account.url);
    this.kinesis = new KinesisClient({ endpoint: account.url, region: REGION, credentials: CREDENTIALS });
  }

  async connect(): Promise<void> {
    this.outputs = await stackOutputs(this.clients);
    const read = await checkDeployment(this.clients, { account: this.account });
    const { StackResources = [] } = await this.clients.cloudFormation.send(
      new DescribeStackResourcesCommand({ StackName: 'flight-delays-dev-integration' }),
    );
    const tables = StackResources.filter(({ ResourceType }) => ResourceType === 'AWS::DynamoDB::Table');
    this.predictions = tables.find(({ LogicalResourceId }) => LogicalResourceId!.includes('Predictions'))!.PhysicalResourceId!;
    checks.that(`all of its ${read} resources are read back from their own services [L2]`, read > 200);
  }

  async setClock(time: number): Promise<void> {
    this.clock = time;
    const Value = `replay(${new Date(time).toISOString()})`;
    await this.clients.ssm.send(new PutParameterCommand({ Name: this.outputs.ClockParameter, Value, Overwrite: true }));
  }

  async put(flights: Flight[]): Promise<void> {
    const Records = flights.map((flight) => ({ Data: Buffer.from(recordOf(flight)), PartitionKey: flight.origin }));
    const { FailedRecordCount } = await this.kinesis.send(new PutRecordsCommand({ StreamName: this.outputs.flightsStream, Records }));
    checks.same('flights that the stream did not take', FailedRecordCount, 0);
    this.sent.push(...flights);
  }

  /** Posts the next flight of an airport, and looks at all of them in the other ways. */
  async lookOtherwise(flights: Flight[]): Promise<void> {
    const posted = flights.find(
      (flight) => flight.origin === 'JFK' && departedAt(flight)! > Math.max(...this.sent.map(scheduledAt)) + 240 * MINUTE,
    )!;
    const { account, clients, outputs, sent } = this;
    await otherWays(checks, { url: account.url, clients, outputs, sent, clock: this.clock }, posted);
  }

  /** Records that the store has, once they are so many. */
  async stored(count: number): Promise<number> {
    for (const end = Date.now() + 60_000; ; await sleep(200)) {
      const { Items = [] } = await this.clients.dynamo.send(
        new ScanCommand({ TableName: this.outputs.FeatureTable, ConsistentRead: true }),
      );
      if (Items.length >= count || Date.now() > end) {
        return Items.length;
      }
    }
  }

  /** Asks until the store has answered in its 200 ms, which a busy machine may miss: that is told apart from what is asserted here. */
  async ask(flight: Flight, id: string): Promise<{ told: unknown; kept: Record<string, unknown> }> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.askOnce(flight, `${id}-${attempt}`);
      if (answer.kept.reason !== 'store unavailable' || attempt === 10) {
        return answer;
      }
      console.log(`     (${id}: the store did not answer in time)`);
    }
  }

  /** Asks for a prediction; what the model says that it was told, and what is kept of it. */
  private async askOnce(flight: Flight, id: string): Promise<{ told: unknown; kept: Record<string, unknown> }> {
    const api = apiClient(localApiUrl(this.account.url, this.outputs.ApiUrl));
    const { status, body } = await api('POST', `/v2/models/${MODEL}/infer`, requestFor(flight, id, new Date(scheduledAt(flight))));
    if (status !== 200) {
      throw new Error(`the API answered ${status}: ${JSON.stringify(body)}`);
    }
    const { outputs } = body as { outputs: { name: string; data: string[] }[] };
    const Key = { [BOOKS.key]: `${MODEL}/${id}` };
    const { Item } = await this.clients.dynamo.send(new GetCommand({ TableName: this.predictions, Key, ConsistentRead: true }));
    const { origin_delay: kept } = JSON.parse((Item?.features as string | undefined) ?? '{}') as Record<string, Record<string, unknown>[]>;
    return { told: JSON.parse(outputs.find(({ name }) => name === 'told')!.data[0]), kept: kept[0] };
  }
}

async function scenario(world: World): Promise<void> {
  const april = (await linesOf(new Set([4]))).map(parseFlight);
  const now = Date.parse('2013-04-18T21:00:00Z');
  const afternoon = april.filter((flight) => scheduledAt(flight) > now - 180 * MINUTE && scheduledAt(flight) <= now);
  await world.setClock(now);
  const start = Date.now();
  await world.put(afternoon);
  const stored = await world.stored(afternoon.length);
  checks.same(
    `flights of an afternoon in the store ${((Date.now() - start) / 1000).toFixed(1)} s after they were put [D8]`,
    stored,
    afternoon.length,
  );

  for (const origin of ['EWR', 'JFK', 'LGA']) {
    // The next that leaves an hour from now: what is known ends now.
    const flight = april
      .filter((one) => one.origin === origin && scheduledAt(one) >= now + 60 * MINUTE)
      .sort((a, b) => scheduledAt(a) - scheduledAt(b))[0];
    const until = scheduledAt(flight) - 60 * MINUTE;
    const { value, records, newest } = delayIn(afternoon, origin, until);
    const { told, kept } = await world.ask(flight, `next-${origin}`);
    checks.same(`the model is told the mean delay of ${records} departures from ${origin}, ${value.toFixed(2)} minutes [D8]`, told, value);
    checks.same('and the prediction keeps it, as of when, and how old it was', kept, {
      ...{ entity: JSON.stringify([origin]), value, asOf: new Date(until).toISOString(), records },
      ...{ newest: new Date(newest).toISOString(), ageSeconds: (now - newest) / 1000 },
    });
  }

  // One shard is read in its order: once the flight of the morning is there, those before it came again.
  await world.put([...afternoon, april.find((flight) => scheduledAt(flight) < now - 300 * MINUTE)!]);
  checks.same('records in the store', await world.stored(afternoon.length + 1), afternoon.length + 1);
  const [again] = april.filter((one) => one.origin === 'JFK' && scheduledAt(one) === now + 60 * MINUTE);
  checks.same('flights that come again count once', (await world.ask(again, 'again')).told, delayIn(afternoon, 'JFK', now).value);
  const early = april.find(
    (one) => one.origin === 'JFK' && scheduledAt(one) < now - 24 * 60 * MINUTE && scheduledAt(one) > now - 48 * 60 * MINUTE,
  )!;
  const { told, kept } = await world.ask(early, 'nothing-known');
  checks.same('without records the model is told null, and the prediction keeps why', [told, kept.reason], [null, 'no records']);
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const folder = mkdtempSync(join(tmpdir(), 'served-features-'));
  try {
    const account = await startAccount({ stateDir: join(folder, 'state'), signal: abort.signal });
    try {
      const deployment = { account, config: configFile(folder), signal: abort.signal, say: () => undefined };
      await synthesize(deployment, { steps: [] } as never);
      await bootstrap(deployment);
      await deploy(deployment);
      const world = new World(account);
      await checks.part('the blueprint with every way in and out of data deploys', () => world.connect());
      await checks.part('a feature from its records to a prediction [D8]', () => scenario(world));
      await checks.part('the other ways in and out of the flights [D7, D8]', async () =>
        world.lookOtherwise((await linesOf(new Set([4]))).map(parseFlight)),
      );
    } finally {
      await account.stop();
    }
  } finally {
    if (process.env.KEEP_LOGS === undefined) {
      rmSync(folder, { recursive: true, force: true });
    } else {
      console.log(folder);
    }
  }
}

checks.conclude(main);
