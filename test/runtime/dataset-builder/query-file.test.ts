import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { VENV_PYTHON } from '../../../local/python';
import { Manifest, queryKey } from '../../../runtime/dataset-builder/core';
import { runs, seenAtLeast } from '../../support/property-runs';
import { column } from '../intake/contracts';
import { BUCKETS, World } from '../intake/world';
import { builderOf, CATALOGUE } from './setting';

const CONTRACT: CompiledContract = {
  ...{ dataset: 'simple', version: '1.0.0', format: 'csv', nullTokens: ['NA', ''], primaryKey: ['id'] },
  columns: [
    { ...column('id', 'string'), required: true },
    column('whole', 'integer'),
    column('real', 'number'),
    column('yes', 'boolean'),
    column('day', 'date'),
    column('at', 'timestamp'),
  ],
};
const QUERIED = { query: 'contract-1' };
const HEADER = 'id,whole,real,yes,day,at';

/** A record as it is sent, and as Apache Arrow should read it. */
const VALUES: [string, (string | null)[]][] = [
  ['7,0.1,true,2012-02-29,2013-06-01T12:00:00Z', ['7', '0.1', 'True', '2012-02-29', '2013-06-01 12:00:00+00:00']],
  ['-9007199254740991,-0.0,false,1970-01-01,2013-01-31T23:00:00.5-01:00', ['-9007199254740991', '-0.0', 'False', '1970-01-01', '2013-02-01 00:00:00.500000+00:00']],
  ['NA,1e300,,NA,', [null, '1e+300', null, null, null]],
  [',,,,', [null, null, null, null, null]],
]; // prettier-ignore
const IDS = ['a', 'b', 'c', '"x,y"', '"two\nlines"', '"say ""hi"""'];
const idOf = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);

/** A file: which ids it has, each with one of the values, and what it is stored as. */
const file = fc.record({
  ids: fc.uniqueArray(fc.nat(IDS.length - 1), { minLength: 1 }),
  values: fc.array(fc.nat(VALUES.length - 1), { minLength: IDS.length, maxLength: IDS.length }),
  validatedFormat: fc.constantFrom('as-received' as const, 'parquet' as const),
});
type File = typeof file extends fc.Arbitrary<infer T> ? T : never;
const textOf = ({ ids, values }: File) => [HEADER, ...ids.map((id) => `${IDS[id]},${VALUES[values[id]][0]}`), ''].join('\n');

async function worldOf(files: File[]): Promise<World> {
  const world = new World(CONTRACT);
  for (const [i, one] of files.entries()) {
    await world.attempt(world.send(`simple/${i}`, textOf(one)), { validatedFormat: one.validatedFormat });
    world.pass(1);
  }
  return world;
}

/** Of each id the record of the newest file; a file with the bytes of another one has none. */
function expected(files: File[]): (string | null)[][] {
  const newest = new Map<number, (string | null)[]>();
  const distinct = files.filter((one, i) => files.findIndex((other) => textOf(other) === textOf(one)) === i);
  distinct.forEach(({ ids, values }) => ids.forEach((id) => newest.set(id, [idOf(IDS[id]), ...VALUES[values[id]][1]])));
  return [...newest.values()].sort(byText);
}
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const storedAt = (world: World, key: string) => world.s3.versions.filter((object) => object.key === key);

function arrowOf(bytes: Buffer): { types: string[]; names: string[]; rows: (string | null)[][] } {
  const folder = mkdtempSync(join(tmpdir(), 'query-file-'));
  try {
    writeFileSync(join(folder, 'records.parquet'), bytes);
    const { status, stdout, stderr } = spawnSync(VENV_PYTHON, [join(__dirname, 'query_file.py'), join(folder, 'records.parquet')]);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout.toString()) as ReturnType<typeof arrowOf>;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const bytesOf = (world: World, { key, versionId }: NonNullable<Manifest['query']>) => world.s3.read(BUCKETS.validated, key, versionId);

describe('the object for queries of a dataset version [D7]', () => {
  test('holds, by Apache Arrow, exactly the records that count, with the types of the contract', async () => {
    let superseded = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 4 }), async (files) => {
        const world = await worldOf(files);
        const { build, manifestOf } = builderOf(world, undefined, undefined, undefined, QUERIED);
        const manifest = manifestOf(await build({ dataset: 'simple' }));
        const { types, names, rows } = arrowOf(bytesOf(world, manifest.query!));
        expect(rows.sort(byText)).toEqual(expected(files));
        expect([manifest.query!.rows, rows.length]).toEqual([manifest.rows, manifest.rows]);
        expect([types, names.join()]).toEqual([['string', 'int64', 'double', 'bool', 'date32[day]', 'timestamp[us, tz=UTC]'], HEADER]);
        superseded += manifest.superseded;
      }),
      { numRuns: runs(12) },
    );
    expect(superseded).toBeGreaterThanOrEqual(seenAtLeast(5, 12));
  }, 120_000);

  const FILES: File[] = [
    { ids: [0, 1, 2, 3], values: [0, 1, 2, 3, 0, 1], validatedFormat: 'as-received' },
    { ids: [1, 3, 4], values: [3, 3, 3, 3, 3, 3], validatedFormat: 'parquet' },
  ];

  test('lies in a folder that has the id of the version, and is pinned by its manifest', async () => {
    const world = await worldOf(FILES);
    const { build, manifestOf } = builderOf(world, undefined, undefined, undefined, QUERIED);
    const { id, query } = manifestOf(await build({ dataset: 'simple' }));
    expect(query!.key).toBe(`datasets/simple/query/dataset_version=${id}/records.parquet`);
    expect(storedAt(world, query!.key).map(({ versionId }) => versionId)).toEqual([query!.versionId]);
  });

  test('is not written for a version that is in the catalogue already, nor for a dataset without a table', async () => {
    const world = await worldOf(FILES);
    const { id } = await builderOf(world).build({ dataset: 'simple' });
    const { created, manifest, manifestVersion } = await builderOf(world, undefined, undefined, undefined, QUERIED).build({
      dataset: 'simple',
    });
    expect(created).toBe(false);
    expect(storedAt(world, queryKey('simple', id))).toEqual([]);
    const { manifestOf } = builderOf(world);
    expect(Object.keys(manifestOf({ manifest, manifestVersion }))).not.toContain('query');
  });

  test('has no other bytes when it is written once more, after a builder that died before its version was in the catalogue', async () => {
    const world = await worldOf(FILES);
    const { build, manifestOf } = builderOf(world, undefined, undefined, undefined, QUERIED);
    world.db.before = (operation) => {
      if (operation === 'TransactWriteItems') {
        throw new Error('died');
      }
    };
    await expect(build({ dataset: 'simple' })).rejects.toThrow('died');
    expect(world.db.items(CATALOGUE)).toEqual([]);
    world.db.before = () => undefined;
    const { query } = manifestOf(await build({ dataset: 'simple' }));
    const [first, second, ...more] = storedAt(world, query!.key);
    expect(more).toEqual([]);
    expect(first.bytes.equals(second.bytes)).toBe(true);
    expect(query!.versionId).toBe(second.versionId);
  });

  test('is none, and the manifest says why, for records that another contract judged: the table has the columns of the new one', async () => {
    const world = await worldOf(FILES);
    const { build, manifestOf } = builderOf(world, undefined, undefined, undefined, { query: 'contract-2' });
    const manifest = manifestOf(await build({ dataset: 'simple' }));
    expect(manifest.query).toBeUndefined();
    expect(manifest.queryProblem).toMatch(/^OtherContract: .* contract-1, .* contract-2: judge them again with 'npm run intake -- rerun'$/);
    expect(storedAt(world, queryKey('simple', manifest.id))).toEqual([]);
  });

  test('that the time does not suffice for leaves nothing in the catalogue and no object', async () => {
    const world = await worldOf(FILES);
    const { build } = builderOf(world, undefined, undefined, undefined, QUERIED);
    let asked = 0;
    await builderOf(await worldOf(FILES)).build({ dataset: 'simple' }, () => (asked++, Number.POSITIVE_INFINITY));
    const remaining = () => (asked-- > 0 ? Number.POSITIVE_INFINITY : 0);
    await expect(build({ dataset: 'simple' }, remaining)).rejects.toThrow(
      /^DatasetTooLarge: the time of the function ended after [34] records/,
    );
    expect(world.db.items(CATALOGUE)).toEqual([]);
    expect(world.s3.versions.filter(({ key }) => key.includes('/query/'))).toEqual([]);
  });
});
