import { createHash } from 'node:crypto';
import { parquetMetadata } from 'hyparquet';
import type { Checkpoint } from '../../../runtime/intake/attempt';
import { ByteSink } from '../../../runtime/intake/byte-sink';
import { Chunk, ParquetMetadata } from '../../../runtime/intake/parquet-metadata';
import { column } from './contracts';
import { problemsInParquet, SIMPLE, simpleFile } from './simple-files';
import { BUCKETS, World } from './world';

const LEASE = 150;
const CHECKPOINTS: Checkpoint[] = ['leased', 'mid-stream', 'valid uploaded', 'both uploaded', 'committed'];
const world = () => new World(SIMPLE, 'parquet');

describe('an intake that writes Parquet [D3, D4]', () => {
  test('names its object like any other: bytes, rows and SHA-256, and refuses what it refuses otherwise', async () => {
    const [parquet, received] = [world(), new World(SIMPLE)];
    const [row, other] = await Promise.all(
      [parquet, received].map(async (one) => {
        const object = one.send('simple/a.csv', simpleFile('a', 50));
        await one.attempt(object);
        return one.row(object);
      }),
    );
    const bytes = parquet.s3.read(BUCKETS.validated, row.validated!.key, row.validated!.versionId);
    expect(row.validated).toMatchObject({ rows: 38, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    expect(row.validated!.key).toMatch(/^simple\/a\.csv\/version=v1\.[\w-]+\/attempt=[0-9a-f-]{36}\/records\.parquet$/);
    expect(row.counts).toEqual(other.counts);
    expect(row.quarantine!.sha256).toBe(other.quarantine!.sha256);
    expect(await problemsInParquet(parquet)).toEqual([]);
  });

  test.each(CHECKPOINTS.flatMap((checkpoint) => [[checkpoint, 'killAt'] as const, [checkpoint, 'failAt'] as const]))(
    'and dies when it has passed "%s" (%s) leaves a file that the next attempt accounts for, once',
    async (checkpoint, die) => {
      const one = world();
      const objects = [
        one.send('simple/a.csv', simpleFile('a')),
        one.send('simple/b.csv', simpleFile('b')),
        one.send('simple/a.csv', simpleFile('c')),
      ];
      for (const object of objects) {
        await one[die](object, checkpoint);
        one.pass(LEASE + 1);
        await one.attempt(object);
        one.pass(LEASE + 1);
      }
      expect(objects.map((object) => one.row(object).state)).toEqual(Array(3).fill('accounted'));
      expect(await problemsInParquet(one)).toEqual([]);
    },
  );

  test('and whose upload fails, or whose file is rejected, leaves nothing', async () => {
    const one = world();
    const [broken, rejected] = [one.send('simple/a.csv', simpleFile('a')), one.send('simple/b.csv', 'id,amount\nx,1\n"open')];
    one.s3.before = (operation, { bucket }) => {
      if (operation === 'PutObject' && bucket === BUCKETS.validated) {
        throw new Error('the connection broke');
      }
    };
    await expect(one.attempt(broken)).rejects.toThrow('the connection broke');
    one.s3.before = () => undefined;
    expect((await one.attempt(rejected)).outcome).toBe('rejected');
    expect(one.s3.versions.filter(({ bucket }) => bucket !== BUCKETS.raw)).toEqual([]);
  });

  test('reads half of what is read otherwise, and says so', async () => {
    const one = world();
    const object = one.send('simple/a.csv', 'id,amount\n');
    const send = one.s3.client.send.bind(one.s3.client) as (command: unknown) => Promise<object>;
    const larger = async (command: unknown) => ({ ...(await send(command)), ContentLength: 2 ** 30 + 1 });
    await one.attempt(object, { s3: { ...one.s3.client, config: one.s3.client.config, send: larger } as never });
    expect(one.row(object).reason).toMatch(/^larger than 1073741824 bytes after decompression/);
  });

  test('demands a value of a column that the contract requires, and of no other', async () => {
    const columns = [column('a', 'string', { required: true }), column('b', 'string')];
    const one = new World({ ...SIMPLE, columns, primaryKey: [] }, 'parquet');
    const object = one.send('simple/a.csv', 'a,b\nx,\n,y\n');
    await one.attempt(object);
    const { validated, counts } = one.row(object);
    const bytes = one.s3.read(BUCKETS.validated, validated!.key, validated!.versionId);
    const { schema } = parquetMetadata(new Uint8Array(bytes).buffer);
    expect(schema.map(({ repetition_type }) => repetition_type)).toEqual([undefined, 'REQUIRED', 'OPTIONAL']);
    expect(counts).toMatchObject({ valid: 1, quarantined: 1 });
  });

  test('says of many row groups with many columns what each is, in a few bytes', () => {
    const [columns, groups] = [Array.from({ length: 30 }, (_, i) => column(`column ${i}`, i % 2 === 0 ? 'string' : 'integer')), 500];
    const metadata = new ParquetMetadata(columns);
    const sink = new ByteSink();
    metadata.writeStart(sink);
    const chunkOf = (group: number, i: number): Chunk => {
      const start = 2 ** 33 * group + 1000 * i;
      const bounds = { least: Buffer.from('aaaaaaaa'), greatest: Buffer.from('zzzzzzzz'), leastExact: true, greatestExact: false };
      const size = { start, pagesStart: start + 10, end: start + 1000, bytes: 2 ** 20 + i, pages: 1 };
      return { name: columns[i].name, type: columns[i].type, rows: group + 1, nulls: group, ...size, dictionary: i % 3 === 0, bounds };
    };
    for (let group = 0; group < groups; group++) {
      metadata.addGroup(columns.map((_, i) => chunkOf(group, i)));
    }
    metadata.writeEnd(sink);
    const bytes = new Uint8Array(sink.take());
    expect(bytes.length).toBeLessThan(120 * columns.length * groups);
    const read = parquetMetadata(bytes.buffer);
    expect(read.num_rows).toBe(BigInt((groups * (groups + 1)) / 2));
    const found = read.row_groups.map((group) =>
      group.columns.map(({ meta_data: it }) => ({
        ...{ name: it!.path_in_schema[0], start: Number(it!.dictionary_page_offset ?? it!.data_page_offset), rows: Number(it!.num_values) },
        ...{ size: Number(it!.total_compressed_size), bytes: Number(it!.total_uncompressed_size) },
        ...{ nulls: Number(it!.statistics!.null_count), exact: it!.statistics!.is_max_value_exact, codec: it!.codec },
      })),
    );
    expect(found).toEqual(
      Array.from({ length: groups }, (_, group) =>
        columns.map((_, i) => {
          const { name, start, pagesStart, rows, end, bytes: size, nulls, dictionary } = chunkOf(group, i);
          const at = { name, start: dictionary ? start : pagesStart, rows, size: end - start, bytes: size, nulls };
          return { ...at, exact: false, codec: 'GZIP' };
        }),
      ),
    );
  });
});
