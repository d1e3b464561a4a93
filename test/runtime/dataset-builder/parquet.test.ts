import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { monthlyFiles } from '../../../examples/flight-delays/files';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { DatasetSplit } from '../../../lib/constructs/data/dataset-catalog/contract';
import type { Manifest } from '../../../runtime/dataset-builder/core';
import { VENV_PYTHON } from '../../../local/python';
import { flightsContract } from '../../support/flights-contract';
import { column } from '../intake/contracts';
import { SIMPLE } from '../intake/simple-files';
import { BUCKETS, World } from '../intake/world';
import { builderOf } from './setting';

const SPLIT: DatasetSplit = { eventTime: ['year', 'month', 'day'], gapDays: 2, closedMonths: { validation: 1, test: 1 } };

type Written = NonNullable<World['validatedFormat']>;

/** A world that has taken in these files, one after the other, each written as its own format says. */
async function worldOf(contract: CompiledContract, files: [string, string | Buffer, Written][]): Promise<World> {
  const world = new World(contract);
  for (const [key, bytes, validatedFormat] of files) {
    expect((await world.attempt(world.send(`${contract.dataset}/${key}`, bytes), { validatedFormat })).outcome).toBe('accounted');
    world.pass(1);
  }
  return world;
}

async function built(world: World, split?: DatasetSplit) {
  const { build, manifestOf, statisticsOf } = builderOf(world, undefined, undefined, split);
  const answer = await build({ dataset: world.contract.dataset });
  const manifest = manifestOf(answer);
  return { answer, manifest, statistics: statisticsOf(manifest) };
}

/** What a dataset is, whatever its objects are written as. */
const meaning = ({ objects, ...manifest }: Manifest) => ({
  ...{ ...manifest, statistics: manifest.statistics?.sha256 },
  objects: objects.map(({ source, rows, superseded, excluded, content }) => ({ source, rows, superseded, excluded, content })),
});

/** The three splits that jobs/prepare.py makes of a dataset version. */
function prepared(world: World, { manifest, manifestVersion }: { manifest: string; manifestVersion: string }): Record<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'prepared-'));
  try {
    mkdirSync(join(folder, 'objects'));
    const stored = world.s3.versions.filter(({ bucket }) => bucket === BUCKETS.validated);
    stored.forEach(({ bytes }, i) => writeFileSync(join(folder, 'objects', String(i)), bytes));
    const names = stored.map(({ bucket, key, versionId }, i) => [`${bucket}/${key}#${versionId}`, `objects/${i}`]);
    writeFileSync(join(folder, 'index.json'), JSON.stringify(Object.fromEntries(names)));
    const program = join(__dirname, 'prepare_stored.py');
    const { status, stderr } = spawnSync(VENV_PYTHON, [program, folder, manifest, manifestVersion, join(folder, 'out')], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const read = (split: string) =>
      gunzipSync(readFileSync(join(folder, 'out', split, 'records.csv.gz')))
        .toString()
        .trimEnd()
        .split('\n');
    return Object.fromEntries(['train', 'validation', 'test'].map((split) => [split, read(split)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a dataset of objects in Parquet [D3, D7]', () => {
  test('is the version that it would be as CSV, and is prepared to the same records', async () => {
    const { files } = await monthlyFiles([1, 3], 7);
    const contract = flightsContract();
    const corrected = Buffer.concat([files[0].bytes.subarray(0, 40_000), Buffer.from('cut')]);
    const sent: [string, Buffer][] = [...files.map(({ name, bytes }): [string, Buffer] => [name, bytes]), ['corrected.csv', corrected]];
    const [parquet, csv] = [
      await worldOf(
        contract,
        sent.map(([name, bytes]) => [name, bytes, 'parquet']),
      ),
      await worldOf(
        contract,
        sent.map(([name, bytes]) => [name, bytes, 'as-received']),
      ),
    ];
    const [one, other] = [await built(parquet, SPLIT), await built(csv, SPLIT)];
    expect(one.answer.superseded).toBeGreaterThan(100);
    expect(one.statistics).toEqual(other.statistics);
    expect(meaning(one.manifest)).toEqual(meaning(other.manifest));
    expect(one.manifest.objects.map(({ format }) => format)).toEqual(Array(10).fill('parquet'));
    expect(other.manifest.objects.map(({ format }) => format)).toEqual(Array(10).fill('csv'));
    const [ours, theirs] = [prepared(parquet, one.answer), prepared(csv, other.answer)];
    const withoutNulls = (line: string) =>
      line
        .split(',')
        .map((value) => (value === 'NA' ? '' : value))
        .join(',');
    expect(Object.values(ours).flat().length).toBeGreaterThan(70_000);
    for (const split of Object.keys(theirs)) {
      expect(ours[split]).toEqual(theirs[split].map(withoutNulls));
    }
  });

  test('may have some as they were received: keys are the same in every format, also instants and what is no value', async () => {
    const contract: CompiledContract = {
      ...SIMPLE,
      columns: [
        column('at', 'timestamp'),
        column('on', 'date'),
        column('size', 'number'),
        column('ok', 'boolean'),
        column('name', 'string'),
      ],
      nullTokens: ['NA'],
      primaryKey: ['name', 'at', 'on', 'size', 'ok'],
    };
    const spellings = [
      '2013-01-01T10:00:00Z,2012-02-29,1.0,true,ä',
      '2013-01-01T11:30:00.000+01:30,2012-02-29,1,true,ä',
      'NA,,NA,,"\ufeff"',
      ',NA,,NA,\ufeff',
      '0001-01-01T00:00:00+14:00,9999-12-31,-0,false,0',
    ];
    const file = (...records: string[]) => ['at,on,size,ok,name', ...records, ''].join('\n');
    for (const [first, second] of [
      ['parquet', 'as-received'],
      ['as-received', 'parquet'],
      ['parquet', 'parquet'],
    ] as const) {
      const world = await worldOf(contract, [
        ['old', file(...[0, 2, 4].map((i) => spellings[i])), first],
        ['new', file('2013-01-01T10:00:01Z,2012-02-29,1,true,ä', ...[1, 3].map((i) => spellings[i])), second],
      ]);
      const { manifest } = await built(world);
      expect(manifest.objects.find(({ source }) => source === 'simple/old')).toMatchObject({ rows: 1, superseded: 2, excluded: [[1, 2]] });
    }
  });

  test.each([
    ['other bytes', (bytes: Buffer) => bytes.fill(0, 40, 60), /^DamagedRecords: /],
    ['a footer that cannot be read', (bytes: Buffer) => bytes.fill(0, bytes.length - 30), /^DamagedRecords: /],
    ['fewer bytes', (bytes: Buffer) => bytes.subarray(0, 50), /^DamagedRecords: /],
  ])('is not published when one has %s', async (_, change, error) => {
    const file = (name: string) => ['id,amount', ...Array.from({ length: 50 }, (__, i) => `${name}-${i},${i}`), ''].join('\n');
    const world = await worldOf(SIMPLE, [
      ['a', file('a'), 'parquet'],
      ['b', file('b'), 'parquet'],
    ]);
    const version = world.s3.versions.find(({ bucket, key }) => bucket === BUCKETS.validated && key.startsWith('simple/a/'))!;
    version.bytes = change(Buffer.from(version.bytes));
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(error);
    world.s3.deleteVersion(version.versionId);
    await expect(builderOf(world).build({ dataset: 'simple' })).rejects.toThrow(/^MissingRecords: /);
  });
});
