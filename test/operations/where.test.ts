import { LINEAGE } from '../../lib/constructs/models/contract';
import { Found } from '../../operations/found';
import { servedAt } from '../../lib/constructs/delivery/contract';
import { textOf } from '../../operations/where';
import { Lookup } from '../../operations/where-lookup';
import { arnOf, FakeWorkload } from './fakes';

const RELEASE = 'release#2013-07-01T10:00:00Z#first';

/** Version 1: one file, one dataset, one run, one release that serves; version 2 is registered by another run on the same data. */
function world(): FakeWorkload {
  const made = new FakeWorkload();
  const run = (id: string, version: number) => ({
    ...{ pk: `run#${id}`, state: 'registered', attempt: 2, trigger: 'dataset', startedAt: '2013-07-01', execution: `${id}-2` },
    ...{ packageArn: arnOf(version), plan: { datasetId: 'd1', codeRevision: 'c1' } },
  });
  made.tables.runs.push(run('r1', 1), run('r2', 2), { pk: 'day#2013-07-01', count: 2 });
  made.versions.set(1, { approval: 'Approved', metadata: { [LINEAGE.run]: 'r1' } });
  made.versions.set(2, { approval: 'PendingManualApproval', metadata: { [LINEAGE.run]: 'gone' } });
  made.live = 1;
  made.tables.catalogue.push({
    ...{ pk: 'flights#d1', dataset: 'flights', id: 'd1', rows: 9, superseded: 0, files: 1 },
    ...{ manifest: 'm.json', manifestVersion: 'v', publishedAt: '2013-07-01' },
  });
  made.objects['m.json'] = { objects: [{ source: 'flights/may.csv', sourceVersion: 'v2', rows: 9, key: 'validated', versionId: 'w' }] };
  const file = { key: 'flights/may.csv', state: 'accounted', attempts: 1 };
  made.tables.ledger.push(
    { ...file, pk: 'object#flights/may.csv#v2', versionId: 'v2', receivedAt: '2013-06-02' },
    { ...file, pk: 'object#flights/may.csv#v1', versionId: 'v1', receivedAt: '2013-06-01', supersededBy: 'object#flights/may.csv#v2' },
    { pk: 'head#flights/may.csv', row: 'object#flights/may.csv#v2' },
  );
  made.tables.releases.push({
    ...{ model: 'delay', entry: RELEASE, state: 'released', from: 'none', to: arnOf(1), execution: 'arn:aws:states:execution' },
    ...{ startedAt: '2013-07-01T10:00:00Z', changedAt: '2013-07-01T10:05:00Z' },
  });
  made.tables.predictions.push({
    ...{ key: 'delay/p1', model: 'delay', id: 'p1', state: 'labelled', madeAt: '2013-07-01T12:00:00Z', outcome: true },
    ...{ endpoint: 'air-dev-delay', variant: 'main' },
  });
  return made;
}

const where = async (thing: string, made = world(), clock: 'real' | 'replay' = 'real') =>
  new Lookup(made.clients, await made.workload(clock)).find(thing);
/** A found thing as a chain of names, by what it came from or what came of it. */
const chain = (one: Found | undefined, way: 'from' | 'to'): string[] =>
  one === undefined ? [] : [`${one.kind} ${one.name}`, ...chain(one[way]?.[0], way)];
const UP = ['version delay/1', 'training run r1', 'dataset version flights d1', 'file flights/may.csv'];

describe('npm run where [O4, R3]', () => {
  test.each(['delay/1', arnOf(1)])('a version, by %s: back to its files, on to its release and endpoint', async (thing) => {
    const { found } = await where(thing);
    expect(chain(found[0], 'from')).toEqual(UP);
    expect(found[0].to!.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`release ${RELEASE}`, 'endpoint air-dev-delay']);
    expect(found[0].facts).toMatchObject({ live: true, approval: 'Approved', 'release attempts': 1 });
    expect(found[0].from![0].facts).toMatchObject({
      ...{ state: 'registered', attempts: 2 },
      log: 'https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/arn:aws:states:us-east-1:1:execution:air-dev-delay-training:r1-2',
    });
  });

  test('a version that does not serve and whose run is not known says so', async () => {
    const { found } = await where('delay/2');
    expect([found[0].facts.live, found[0].to, found[0].from![0].facts.unknown]).toEqual([false, [], 'the runs table runs has no such run']);
  });

  test('a release, with its execution, its log and its version', async () => {
    const { found } = await where(RELEASE);
    expect(found[0].facts).toMatchObject({
      state: 'released',
      execution: 'arn:aws:states:execution',
      log: expect.stringMatching(/^https:/),
    });
    expect(chain(found[0], 'from')).toEqual([`release ${RELEASE}`, ...UP]);
  });

  test.each(['p1', 'delay/p1'])('a prediction, by %s: its label, and the version that served then, back to its files', async (thing) => {
    const { found } = await where(thing);
    expect(found[0].facts).toMatchObject({
      state: 'labelled',
      label: true,
      variant: 'main',
      'answered by': 'the version that served then',
    });
    expect(chain(found[0], 'from')).toEqual(['prediction delay/p1', ...UP]);
  });

  test('a prediction of a replayed clock does not claim more than is known', async () => {
    const made = world();
    expect((await where('p1', made, 'replay')).found[0].facts['answered by']).toBe('the only version that was ever released');
    made.tables.releases.push({ ...made.tables.releases[0], entry: 'release#later', to: arnOf(2) });
    const { facts, from } = (await where('p1', made, 'replay')).found[0];
    expect([facts['answered by'], from!.length]).toEqual(['one of these: the clock was replayed, so its time is in no release', 2]);
  });

  test.each(['flights/may.csv', 's3://raw/flights/may.csv'])(
    'a file, by %s: each version, and what came of it, whether live',
    async (thing) => {
      const { found } = await where(thing);
      expect(found.map(({ facts, to }) => [facts.version, facts['replaced by'], to!.length])).toEqual([
        ['v1', 'object#flights/may.csv#v2', 0],
        ['v2', undefined, 1],
      ]);
      expect(chain(found[1], 'to')).toEqual([UP[3], UP[2], UP[1], UP[0]]);
      const versions = found[1].to![0].to!.map(({ to }) => [to![0].name, to![0].facts.live]);
      expect(versions).toEqual([
        ['delay/1', true],
        ['delay/2', false],
      ]);
    },
  );

  test('fails on what is not known, and says where it looked', async () => {
    const answer = await where('flights/june.csv');
    expect(() => textOf('flights/june.csv', answer, false)).toThrow(
      "NotFound: 'flights/june.csv' is not known. Looked at\n" +
        '  predictions flights/june.csv, delay/flights/june.csv, plain/flights/june.csv in predictions\n' +
        '  object flights/june.csv in the ledgers of flights',
    );
    expect((await where('delay/7')).looked[0]).toBe('versions of air-dev-delay in the registry');
    expect((await where('release#x')).looked[0]).toBe('releases of delay in releases');
  });

  test('prints for people, indented by lineage, and JSON for machines', async () => {
    const answer = await where('delay/1');
    const text = textOf('delay/1', answer, false).split('\n');
    expect(text[0]).toBe('version delay/1');
    expect(text).toContainEqual(expect.stringMatching(/^ {2}<- training run r1$/));
    expect(text).toContainEqual(expect.stringMatching(/^ {2}-> endpoint air-dev-delay$/));
    expect(JSON.parse(textOf('delay/1', answer, true))).toMatchObject([{ kind: 'version', name: 'delay/1' }]);
  });
});

describe('the version that served at a time', () => {
  const row = (n: number, state: string, from: string, startedAt: string, changedAt: string) =>
    ({ entry: `release#${n}`, state, from, to: `arn:v${n}`, startedAt, changedAt }) as never;
  const rows = [
    row(1, 'released', 'none', '2013-01-01T00:00:00Z', '2013-01-01T01:00:00Z'),
    row(2, 'failed', 'arn:v1', '2013-01-02T00:00:00Z', '2013-01-02T01:00:00Z'),
    row(3, 'released', 'arn:v1', '2013-01-03T00:00:00Z', '2013-01-03T01:00:00Z'),
    row(4, 'updating', 'arn:v3', '2013-01-04T00:00:00Z', '2013-01-04T00:10:00Z'),
  ];

  test.each([
    ['2012-12-31T00:00:00Z', []],
    ['2013-01-01T00:30:00Z', ['arn:v1']],
    ['2013-01-01T12:00:00Z', ['arn:v1']],
    ['2013-01-02T00:30:00Z', ['arn:v1', 'arn:v2']],
    ['2013-01-02T12:00:00Z', ['arn:v1']],
    ['2013-01-03T00:59:59Z', ['arn:v1', 'arn:v3']],
    ['2013-01-03T12:00:00Z', ['arn:v3']],
    ['2013-01-05T00:00:00Z', ['arn:v3', 'arn:v4']],
  ])('at %s it is one of %j', (time, expected) => {
    expect(servedAt(rows, time)).toEqual(expected);
  });
});
