import { createHash } from 'node:crypto';
import type { Checkpoint } from '../../../runtime/intake/attempt';
import { parquetSchema } from '../../../runtime/intake/parquet-kinds';
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

  test('demands a value of a column that the contract requires, and of no other', () => {
    const columns = [column('a', 'string', { required: true }), column('b', 'string')];
    expect(parquetSchema({ columns }).map(({ repetition_type }) => repetition_type)).toEqual([undefined, 'REQUIRED', 'OPTIONAL']);
  });
});
