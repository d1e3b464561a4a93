import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { Departure, departures, recordOf } from '../../examples/flight-delays/departures';
import { Trip } from '../../examples/flight-delays/traffic';
import { FeatureConfig } from '../../lib/config/schema';
import { FEATURES } from '../../lib/constructs/data/features/contract';
import { DEMO } from './demo-config';
import { Run, until } from './run';

/** Of one call (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html). */
const MOST_PER_CALL = 500;
const STORED_SECONDS = 120;

/** Features that requests to the example's model are completed with; none where its signature names none. */
export function toldFeatures({ config }: Pick<Run, 'config'>): FeatureConfig[] {
  const inputs = config.endpoints[DEMO.model].signature?.inputs ?? [];
  return config.data.features.filter(({ name }) => inputs.some(({ feature }) => feature === name));
}

/**
 * The departures that the requests of the replay look at, put on the stream as an airport would report them, in the order in which they left.
 * All others would change nothing, and each is a write of the store.
 */
export class DepartureStream {
  private sent = 0;
  private waiting: readonly Departure[] = [];

  private constructor(
    private readonly run: Run,
    private readonly features: readonly FeatureConfig[],
    private readonly all: readonly Departure[],
  ) {}

  public static async of(run: Run, trips: readonly Trip[]): Promise<DepartureStream> {
    const features = toldFeatures(run);
    const months = new Set(trips.flatMap(({ predictAt }) => [predictAt.getUTCMonth(), predictAt.getUTCMonth() + 1]));
    const known = features.length === 0 ? [] : await departures(months);
    const wanted = new Set(features.flatMap((feature) => trips.flatMap((trip) => lookedAt(known, trip, feature))));
    return new DepartureStream(
      run,
      features,
      known.filter((departure) => wanted.has(departure)),
    );
  }

  /** How many there are. */
  public get records(): number {
    return this.all.length;
  }

  /** Puts those up to a moment on the stream. */
  public async send(moment: Date): Promise<void> {
    const end = this.all.findIndex(({ at }) => at > moment);
    const some = this.all.slice(this.sent, end < 0 ? this.all.length : Math.max(end, this.sent));
    for (let start = 0; start < some.length; start += MOST_PER_CALL) {
      await this.put(some.slice(start, start + MOST_PER_CALL));
    }
    this.sent += some.length;
    this.waiting = [...this.waiting, ...some];
  }

  /** Waits until requests are told of all that was sent. */
  public async stored(): Promise<void> {
    for (const feature of this.features) {
      for (const entity of new Set(this.waiting.map(({ flight }) => entityOf(flight, feature)))) {
        const some = this.waiting.filter(({ flight }) => entityOf(flight, feature) === entity);
        await this.counted(feature, entity, some);
      }
    }
    this.waiting = [];
  }

  private async put(some: readonly Departure[]): Promise<void> {
    const { clients, outputs } = this.run;
    // With one key they keep their order, and a flight that is corrected has its newest version in the end.
    const Records = some.map(({ flight }) => ({ Data: Buffer.from(recordOf(flight)), PartitionKey: flight.origin }));
    const answer = await clients.kinesis.send(new PutRecordsCommand({ StreamName: outputs[`${DEMO.dataset}Stream`], Records }));
    if (answer.FailedRecordCount !== 0) {
      throw new Error(`DeparturesNotTaken: the stream did not take ${answer.FailedRecordCount} of ${some.length} departures`);
    }
  }

  private async counted({ name }: FeatureConfig, entity: string, some: readonly Departure[]): Promise<void> {
    const { clients, outputs, signal } = this.run;
    const query = new QueryCommand({
      ...{ TableName: outputs.FeatureTable, IndexName: FEATURES.timeIndex, ConsistentRead: true, Select: 'COUNT' },
      KeyConditionExpression: '#key = :partition AND #time BETWEEN :first AND :last',
      ExpressionAttributeNames: { '#key': FEATURES.key, '#time': FEATURES.time },
      ExpressionAttributeValues: {
        ...{ ':partition': `${name}#${entity}`, ':first': some[0].at.getTime(), ':last': some.at(-1)!.at.getTime() },
      },
    });
    let there = 0;
    const probe = async () => {
      there = (await clients.dynamo.send(query)).Count ?? 0;
      return there >= some.length ? there : undefined;
    };
    await until(`departures of ${entity} in the store of ${name}`, STORED_SECONDS, signal, probe, () => `${there} of ${some.length}`);
  }
}

/** The departures of a request's entity in its window: those a feature is made of. */
function lookedAt(known: readonly Departure[], trip: Trip, feature: FeatureConfig): Departure[] {
  const until = trip.scheduledDeparture.getTime() - feature.leadSeconds * 1000;
  const after = until - feature.windowSeconds * 1000;
  const entity = entityOf(trip.flight, feature);
  return known.filter(({ at, flight }) => at.getTime() > after && at.getTime() <= until && entityOf(flight, feature) === entity);
}

const entityOf = (flight: Trip['flight'], { entity }: FeatureConfig): string => JSON.stringify(entity.map((column) => flight[column]));
