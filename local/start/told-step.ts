import { GetObjectCommand } from '@aws-sdk/client-s3';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { ledgerRows } from './data-steps';
import { DEMO } from './demo-config';
import { toldFeatures } from './departure-stream';
import type { ToldFigures } from './figures';
import { Run, Step, until } from './run';
import { runRows } from './training-steps';

/** Columns that a flight is known by, in the order of a prediction's id. */
const KEY = ['year', 'month', 'day', 'carrier', 'flight', 'origin'];
const SPLITS = ['test', 'validation', 'train'] as const;
const NEARLY = 1e-9;

/** What a prediction keeps of one feature, of all that the API writes down. */
interface Kept {
  value: number | null;
  reason?: string;
}

/** What the API told the model is what the model was trained on, flight by flight; and what was streamed is in the books. */
export function toldStep(run: Run): Step {
  return {
    title: 'Compare what the model was told of the last hour with what it was trained on',
    run: async (say) => {
      const { departures } = run.figures;
      departures!.objects = await landed(run, departures!.records, say);
      const [feature] = toldFeatures(run);
      if (feature !== undefined) {
        run.figures.told = compared(await keptBy(run, feature.name), await trainedOn(run, feature.name));
      }
    },
  };
}

/** Objects that the stream was landed in. Errors: departures of them are in no final row. */
async function landed(run: Run, records: number, say: (text: string) => void): Promise<number> {
  let final = 0;
  const probe = async () => {
    const rows = (await ledgerRows(run)).filter(({ batch, state }) => batch !== undefined && state === 'accounted');
    final = rows.reduce((sum, { batch }) => sum + batch!.records, 0);
    say(`${final} of ${records} departures are accounted for`);
    return final === records ? rows.length : undefined;
  };
  return until('the end of every departure in the ledger', 90, run.signal, probe, () => `${final} of ${records}`);
}

/** By flight of the replay: what its prediction was told. */
async function keptBy({ clients, outputs }: Run, feature: string): Promise<Map<string, Kept>> {
  const asked = new Set((await aprilTraffic()).map(({ id }) => id));
  const kept = new Map<string, Kept>();
  const scan = { TableName: outputs.PredictionsTable, ConsistentRead: true };
  for await (const { Items = [] } of paginateScan({ client: clients.dynamo }, scan)) {
    for (const { id, model, features } of Items.filter(({ id }) => asked.has(id as string))) {
      if (model === DEMO.model) {
        kept.set(id as string, (JSON.parse(features as string) as Record<string, Kept[]>)[feature][0]);
      }
    }
  }
  return kept;
}

/** By flight: the column of the data that the version that answered was made of. */
async function trainedOn(run: Run, feature: string): Promise<Map<string, number | null>> {
  const version = run.figures.releases![0].to;
  const { plan } = (await runRows(run)).find(({ packageArn }) => packageArn === version)!;
  const found = new Map<string, number | null>();
  for (const split of SPLITS) {
    const [, Bucket, prefix] = /^s3:\/\/([^/]+)\/(.+)$/.exec(plan.uris[split])!;
    const { Body } = await run.clients.s3.send(new GetObjectCommand({ Bucket, Key: `${prefix}/records.csv.gz` }));
    const [header, ...lines] = (await promisify(gunzip)(await Body!.transformToByteArray())).toString().trimEnd().split(/\r?\n/);
    const columns = header.split(',');
    const [places, at] = [KEY.map((name) => columns.indexOf(name)), columns.indexOf(feature)];
    for (const values of lines.map((line) => line.split(','))) {
      found.set(places.map((place) => values[place]).join('-'), values[at] === '' ? null : Number(values[at]));
    }
  }
  return found;
}

function compared(kept: Map<string, Kept>, trained: Map<string, number | null>): ToldFigures {
  const answered = [...kept].filter(([, { reason }]) => reason !== 'store unavailable');
  const pairs = answered.filter(([id]) => trained.has(id)).map(([id, { value }]) => [value, trained.get(id)!] as const);
  const differences = pairs.map(([one, other]) =>
    one === null || other === null ? (one === other ? 0 : Infinity) : Math.abs(one - other),
  );
  return {
    values: answered.filter(([, { value }]) => value !== null).length,
    withoutRecords: answered.filter(([, { value }]) => value === null).length,
    unavailable: kept.size - answered.length,
    compared: pairs.length,
    equal: differences.filter((difference) => difference <= NEARLY).length,
    largestDifference: Math.max(0, ...differences.filter(Number.isFinite)),
  };
}
