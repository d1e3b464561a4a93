// The commands of the runbook that make up for changes that the stream gave up on: what they read is what the functions take.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { DynamoDBRecord } from 'aws-lambda';
import { marshall } from '@aws-sdk/util-dynamodb';
import { makeHandler as makeAnnouncer } from '../../../runtime/dataset-events/handler';
import { makeHandler as makeRecorder } from '../../../runtime/ledger-events/handler';
import { read, ROOT } from '../../docs/pages';
import { FakeBus, streamOf } from '../../support/stream-records';
import { builderOf, CATALOGUE } from '../dataset-builder/setting';
import { SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';

const SEARCH = 'import json, sys, jmespath; print(json.dumps(jmespath.search(sys.argv[1], json.load(sys.stdin))))';

/** What the AWS CLI makes of the answer of a scan, by the `--query` in a section of the runbook: it is JMESPath. */
function asked(section: string, items: Record<string, unknown>[]): { Records: DynamoDBRecord[] } {
  const text = read('docs/runbooks/data.md').split(`\n## ${section}\n`)[1].split('\n## ')[0];
  const query = /--query "([^"]+)"/.exec(text)![1];
  const input = JSON.stringify({ Items: items.map((item) => marshall(item, { removeUndefinedValues: true })) });
  return JSON.parse(execFileSync(join(ROOT, 'local/.venv/bin/python'), ['-c', SEARCH, query], { input, encoding: 'utf8' })) as {
    Records: DynamoDBRecord[];
  };
}

const commits = (world: World) =>
  world.s3
    .current(BUCKETS.validated)
    .filter(({ key }) => key.endsWith('/commit.json'))
    .map(({ key, bytes }) => [key, JSON.parse(bytes.toString()) as unknown] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Accounted, duplicate, superseded and rejected files, and a dataset version of them. */
async function taken(): Promise<World> {
  const world = new World(SIMPLE);
  const files = [simpleFile('a'), simpleFile('a'), simpleFile('c'), 'wrong\n'].map((text, i) => world.send(`simple/${i}.csv`, text));
  files.push(world.send('simple/2.csv', simpleFile('d')));
  for (const file of files) {
    await world.attempt(file);
  }
  world.pass(1);
  await builderOf(world).build({ dataset: 'simple' });
  return world;
}

function recorderOf(world: World) {
  const bus = new FakeBus();
  const deps = {
    dataset: 'simple',
    validatedBucket: BUCKETS.validated,
    bus: 'bus',
    s3: world.s3.client,
    logger: { error: () => undefined },
  };
  return { bus, run: makeRecorder({ ...deps, events: bus.client }) };
}

describe('what the runbook says to do about changes that were lost', () => {
  test('brings the commit records and events that the stream would have brought, by the same ids [D4]', async () => {
    const [world, twin] = [await taken(), await taken()];
    const byHand = recorderOf(world);
    const event = asked('changes-lost', world.db.items(TABLE));
    expect(event.Records).toHaveLength(world.rows().length);
    expect(world.db.items(TABLE).length).toBeGreaterThan(event.Records.length);
    expect(await byHand.run(event)).toEqual({ batchItemFailures: [] });
    const byStream = recorderOf(twin);
    await byStream.run({ Records: streamOf(twin.db, TABLE) });
    expect(commits(world)).toHaveLength(commits(twin).length);
    expect(commits(world).map(([, row]) => row)).toEqual(expect.arrayContaining(world.rows()));
    const again = recorderOf(world);
    const before = commits(world);
    await again.run({ Records: streamOf(world.db, TABLE) });
    expect(commits(world)).toEqual(before);
    const ids = ({ bus }: { bus: FakeBus }) => [...new Set(bus.details().map(({ eventId }) => eventId))].sort();
    expect(ids(byHand)).toHaveLength(world.rows().length);
    expect(ids(byHand)).toEqual(ids(again));
  });

  test('names the row from which on nothing was taken', async () => {
    const world = await taken();
    const { run, bus } = recorderOf(world);
    bus.refuse = () => 0;
    const event = asked('changes-lost', world.db.items(TABLE));
    const { batchItemFailures } = await run(event);
    expect(batchItemFailures).toEqual([{ itemIdentifier: event.Records[0].dynamodb!.SequenceNumber }]);
    expect(batchItemFailures[0].itemIdentifier).toMatch(/^object#simple\//);
  });

  test('announces dataset versions as their own announcement would have [D7]', async () => {
    const world = await taken();
    const [byHand, byStream] = [new FakeBus(), new FakeBus()];
    const announcer = (bus: FakeBus) =>
      makeAnnouncer({ bus: 'bus', source: 'ai-workloads', client: bus.client, logger: { error: () => undefined } });
    await announcer(byStream)({ Records: streamOf(world.db, CATALOGUE) });
    expect(await announcer(byHand)(asked('datasets-unannounced', world.db.items(CATALOGUE)))).toEqual({ batchItemFailures: [] });
    expect(byHand.details()).toHaveLength(1);
    expect(byHand.details()).toEqual(byStream.details());
  });
});
