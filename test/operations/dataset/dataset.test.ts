import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { Request, run } from '../../../operations/dataset';
import { compare } from '../../../operations/dataset/compare';
import { namedVersions } from '../../../operations/dataset/named';
import { builderOf } from '../../runtime/dataset-builder/setting';
import { SIMPLE } from '../../runtime/intake/simple-files';
import { World } from '../../runtime/intake/world';
import { arnOf, FakeWorkload } from '../fakes';

/** A workload whose catalogue, ledger and bucket are those of a data path. */
async function setting(...files: [string, string][]) {
  const world = new World({ ...SIMPLE, dataset: 'flights' });
  const fake = new FakeWorkload();
  const ids: string[] = [];
  for (const [key, text] of files) {
    await world.attempt(world.send(`flights/${key}`, text));
    world.pass(90_000);
    ids.push((await builderOf(world).build({ dataset: 'flights' })).id);
  }
  const send = (command: { input: { TableName?: string } }) =>
    (['catalogue', 'ledger'].includes(command.input.TableName ?? '') ? world.db.client : fake.clients.tables).send(command as never);
  const tables = Object.assign(Object.create(DynamoDBDocumentClient.prototype) as DynamoDBDocumentClient, { send });
  const clients = { ...fake.clients, tables, objects: world.s3.client };
  const ask = async (what: string, versions: string[] = [], more: Partial<Request> = {}) =>
    run(clients, await fake.workload(), { what, dataset: 'flights', versions, write: false, now: world.at, ...more });
  return { world, fake, ids, ask, clients };
}

const csv = (...records: string[]) => ['id,amount', ...records, ''].join('\n');
const THREE: [string, string][] = [
  ['a', csv('x,1', 'y,2')],
  ['a', csv('x,1', 'y,3', 'z,4')],
  ['b', csv('z,40')],
];

describe('npm run dataset [D7]', () => {
  test('lists the versions of a dataset, the oldest first', async () => {
    const { ask, ids } = await setting(...THREE);
    const { text, data } = await ask('list');
    expect(text.split('\n').map((line) => line.split(/ {2,}/).filter((part) => part !== ''))).toEqual([
      ['version', 'published', 'rows', 'superseded', 'files', 'split'],
      [ids[0].slice(0, 12), '2026-03-02T01:00:00.000Z', '2', '0', '1'],
      [ids[1].slice(0, 12), '2026-03-03T02:00:00.000Z', '3', '0', '1'],
      [ids[2].slice(0, 12), '2026-03-04T03:00:00.000Z', '3', '1', '2'],
    ]);
    expect((data as { id: string }[]).map(({ id }) => id)).toEqual(ids);
  });

  test('shows what a version holds and what was trained on it, by the beginning of its id', async () => {
    const { ask, ids, fake } = await setting(...THREE);
    fake.versions.set(1, { approval: 'Rejected', metadata: { [LINEAGE.dataset]: ids[2] } });
    const { text } = await ask('show', [ids[2].slice(0, 10)]);
    expect(text).toMatch(/^rows +3, 1 superseded, 2 files$/m);
    expect(text).toMatch(/^models +delay\/1 \(Rejected\)$/m);
    expect(text).toMatch(/^split +none$/m);
    expect(text).toMatch(/^id +string +3 +0 +1 characters +1 characters +3$/m);
    expect(text).toMatch(/^amount +integer +3 +0 +1 +40$/m);
  });

  test('says how far two versions differ', async () => {
    const { ask, ids } = await setting(...THREE);
    const { data, text } = await ask('diff', [ids[0], ids[1]]);
    expect(data).toEqual([
      { column: 'id', values: [2, 3], nulls: [0, 0], distance: expect.closeTo(1 / 3, 12) },
      { column: 'amount', values: [2, 3], nulls: [0, 0], distance: expect.closeTo(2 / 3, 12) },
    ]);
    expect(text).toContain('has 2 rows');
    expect((await ask('diff', [ids[1], ids[1]])).data).toMatchObject([{ distance: 0 }, { distance: 0 }]);
  });

  test('tells what a sweep would delete, and deletes with --write only', async () => {
    const { ask, ids, world, fake } = await setting(...THREE);
    fake.versions.set(7, { approval: 'Rejected', metadata: { [LINEAGE.dataset]: ids[0] } });
    const before = world.s3.versions.length;
    const dry = await ask('sweep', [], { keep: 1 });
    expect(dry.text.split('\n').map((line) => line.replace(/ {2,}/g, ' '))).toEqual([
      `stays ${ids[0].slice(0, 12)} 2026-03-02T01:00:00.000Z delay/7 (Rejected)`,
      `stays ${ids[2].slice(0, 12)} 2026-03-04T03:00:00.000Z one of the 1 newest`,
      `goes ${ids[1].slice(0, 12)} 2026-03-03T02:00:00.000Z nothing names it`,
      'goes 0 objects with records of replaced or withdrawn files that no version pins',
      'goes 0 objects beside manifests that no version names',
      'Nothing was deleted: --write does.',
    ]);
    expect(world.s3.versions).toHaveLength(before);
    const done = await ask('sweep', [], { keep: 1, write: true });
    expect(done.text).toContain('1 versions and 2 objects were deleted');
    expect(((await ask('list')).data as { id: string }[]).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    fake.versions.clear();
    expect((await ask('sweep', [], { keep: 1, write: true })).data).toMatchObject({ doomed: [ids[0]], versions: 1, objects: 3 });
    expect((await ask('sweep', [], { keep: 1, write: true })).data).toMatchObject({ doomed: [], versions: 0, objects: 0 });
  });

  test('keeps in a sweep what a model names that the config file does not have any more', async () => {
    const { ask, ids, fake } = await setting(...THREE);
    fake.groups['air-dev-retired'] = new Map([[7, { approval: 'Approved', metadata: { [LINEAGE.dataset]: ids[0] } }]]);
    expect((await ask('sweep', [], { keep: 1, write: true })).data).toMatchObject({ doomed: [ids[1]] });
    expect(((await ask('list')).data as { id: string }[]).map(({ id }) => id)).toEqual([ids[0], ids[2]]);
  });

  test.each<[string, string[], Partial<Request>, string]>([
    ['list', [], { dataset: 'flight' }, "UnknownDataset: there is no dataset 'flight' in air-dev: known are flights"],
    ['show', ['nothing'], {}, "UnknownVersion: 'flights' has no version 'nothing': known are "],
    ['show', [''], {}, "AmbiguousVersion: 3 versions of 'flights' begin with '': give more of the id"],
    ['show', [], {}, "InvalidOption: 'show' with 0 versions is nothing that can be asked"],
    ['sweep', [], {}, 'InvalidOption: --keep must be a whole number of at least 1, got nothing'],
    ['sweep', [], { keep: 0 }, 'InvalidOption: --keep must be a whole number of at least 1, got 0'],
    ['sweep', [], { keep: 1.5 }, 'InvalidOption: --keep must be a whole number of at least 1, got 1.5'],
    ['sweep', [], { keep: Number.NaN }, 'InvalidOption: --keep must be a whole number of at least 1, got NaN'],
  ])('fails on %s %j', async (what, versions, more, problem) => {
    const { ask } = await setting(...THREE);
    await expect(ask(what, versions, more)).rejects.toThrow(problem);
  });
});

describe('what names a dataset version [D7]', () => {
  const named = async (fake: FakeWorkload, trained?: Record<string, string>) =>
    Object.fromEntries(await namedVersions(fake.clients, await fake.workload('real', trained)));
  const runOn = (datasetId: string, more: object = {}) => ({
    pk: `run#${datasetId}`,
    execution: `of-${datasetId}`,
    plan: { datasetId },
    ...more,
  });

  test.each(['Approved', 'Rejected', 'PendingManualApproval'])('is a model version in the registry that is %s', async (approval) => {
    const fake = new FakeWorkload();
    fake.versions.set(3, { approval, metadata: { [LINEAGE.dataset]: 'd' } });
    expect(await named(fake)).toEqual({ d: [`delay/3 (${approval})`] });
  });

  test('is a training run that has not ended, and none that has', async () => {
    const fake = new FakeWorkload();
    fake.tables.runs.push(
      runOn('now'),
      runOn('then', { endedAt: '2013-07-01' }),
      runOn('registered', { endedAt: '2013-07-01', packageArn: arnOf(1) }),
    );
    expect(await named(fake)).toEqual({ now: ['training run of-now, under way'] });
  });

  test('is a model version that was ever released, also one that the registry does not have any more', async () => {
    const fake = new FakeWorkload();
    fake.tables.runs.push(...[1, 2, 3].map((version) => runOn(`d${version}`, { endedAt: '2013-07-01', packageArn: arnOf(version) })));
    fake.tables.releases.push({ model: 'delay', entry: 'release#2013#x', state: 'failed', from: arnOf(1), to: arnOf(2) });
    expect(await named(fake)).toEqual({ d1: ['delay/1 (released)'], d2: ['delay/2 (released)'] });
  });

  test('is a version, a run or a release of a model that is trained on another dataset today', async () => {
    const fake = new FakeWorkload();
    fake.versions.set(3, { approval: 'Approved', metadata: { [LINEAGE.dataset]: 'd' } });
    fake.tables.runs.push(runOn('now'), runOn('then', { endedAt: '2013-07-01', packageArn: arnOf(2) }));
    fake.tables.releases.push({ model: 'delay', entry: 'release#2013#x', state: 'released', to: arnOf(2) });
    expect(await named(fake, { delay: 'weather' })).toEqual({
      d: ['delay/3 (Approved)'],
      now: ['training run of-now, under way'],
      then: ['delay/2 (released)'],
    });
  });

  test('is a version of a model that the config file does not have any more, and whose stack with its table of runs is gone', async () => {
    const fake = new FakeWorkload();
    fake.groups['air-dev-gone-by'] = new Map([[1, { approval: 'Rejected', metadata: { [LINEAGE.dataset]: 'old' } }]]);
    fake.groups['stair-dev-gone-by'] = new Map([[1, { approval: 'Rejected', metadata: { [LINEAGE.dataset]: 'of another workload' } }]]);
    expect(await named(fake, {})).toEqual({ old: ['gone-by/1 (Rejected)'] });
    expect(await named(fake, { delay: 'flights', 'not-deployed-yet': 'flights' })).toEqual({ old: ['gone-by/1 (Rejected)'] });
  });
});

describe('the distance of two columns', () => {
  const column = { name: 'c', values: 4, nulls: 0 };
  test.each<[string, object, object, number | undefined]>([
    ['integer', { histogram: [[1, 2], [2, 2]] }, { histogram: [[1, 4]] }, 0.5], // prettier-ignore
    ['integer', { histogram: [[-8, 1], [9, 3]] }, { histogram: [[10, 4]] }, 1], // prettier-ignore
    ['date', { months: [['2013-01', 1], ['2013-02', 3]] }, { months: [['2013-02', 4]] }, 0.25], // prettier-ignore
    ['string', { categories: [['a', 4]] }, { categories: [['a', 1], ['b', 3]] }, 0.75], // prettier-ignore
    ['string', { categories: [['a', 4]] }, {}, undefined],
    ['boolean', { true: 4, false: 0 }, { true: 2, false: 2 }, 0.5],
    ['boolean', {}, {}, undefined],
    ['boolean', {}, { true: 2, false: 2 }, undefined],
    ['number', {}, { histogram: [[1, 4]] }, undefined],
  ])('of type %s is told from their counts (%#)', (type, one, other, distance) => {
    expect(compare([{ ...column, type, ...one }], [{ ...column, type, ...other }])[0].distance).toEqual(distance);
  });

  test('is not told for a column that one version lacks, or has with another type', () => {
    expect(compare([{ ...column, type: 'string' }], [{ ...column, type: 'integer' }])).toEqual([]);
  });
});
