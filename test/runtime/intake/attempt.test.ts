import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { MAXIMUM_FILE_BYTES } from '../../../lib/constructs/data/data-intake/contract';
import { Output } from '../../../runtime/intake/object-output';
import { Source } from '../../../runtime/intake/source';
import { S3Failure } from '../../support/fake-s3';
import { HEADER, ORDERS, row } from './contracts';
import { BUCKETS, World } from './world';

const file = (...lines: string[]) => [HEADER, ...lines, ''].join('\n');

async function rowOf(world: World, bytes: Buffer | string) {
  const object = world.send('orders/a.csv', bytes);
  const outcome = await world.attempt(object);
  return { outcome: outcome.outcome, row: world.row(object) };
}

const stored = (world: World, bucket: string, output: Output) => world.s3.read(bucket, output.key, output.versionId);

describe('one attempt at a file [D3, D4]', () => {
  test('leaves both outputs as the ledger names them: bytes, rows and SHA-256', async () => {
    const world = new World();
    const { outcome, row: found } = await rowOf(world, file(row(1), row('x'), row(2)));
    expect(outcome).toBe('accounted');
    for (const [bucket, output] of [[BUCKETS.validated, found.validated!] as const, [BUCKETS.quarantine, found.quarantine!] as const]) {
      const bytes = stored(world, bucket, output);
      expect(output).toMatchObject({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    }
    expect(gunzipSync(stored(world, BUCKETS.validated, found.validated!)).toString()).toBe(file(row(1), row(2)));
    expect(JSON.parse(gunzipSync(stored(world, BUCKETS.quarantine, found.quarantine!)).toString())).toMatchObject({
      record: 2,
      rule: 'type',
    });
    expect(found).toMatchObject({
      state: 'accounted',
      counts: { read: 3, valid: 2, quarantined: 1, byRule: { type: 1 } },
      validated: { rows: 2 },
      quarantine: { rows: 1 },
      validator: 'test',
      contract: 'contract-1',
      attempts: 1,
    });
    expect(found.validated!.key).toMatch(/^orders\/a\.csv\/version=v1\.[\w-]+\/attempt=[0-9a-f-]{36}\/records\.csv\.gz$/);
    expect(found.leaseUntil).toBeUndefined();
  });

  test('knows the bytes as they were sent', async () => {
    const bytes = gzipSync(file(row(1)));
    const { row: found } = await rowOf(new World(), bytes);
    expect(found).toMatchObject({
      contentBytes: bytes.length,
      contentSha256: createHash('sha256').update(bytes).digest('hex'),
      counts: { read: 1, valid: 1 },
    });
  });

  test('of a JSON Lines contract writes no header', async () => {
    const world = new World({ ...ORDERS, format: 'jsonl' });
    const { row: found } = await rowOf(world, '{"id":1}\n{"id":0}\n');
    expect(found.validated!.key).toMatch(/records\.jsonl\.gz$/);
    expect(gunzipSync(stored(world, BUCKETS.validated, found.validated!)).toString()).toBe('{"id":1}\n');
  });

  test('rejects a file that breaks a rule of the file, with its counts, and leaves none of its outputs [D2, meaning 11]', async () => {
    const rule = { path: 'q', metric: 'rowCount', columns: [], unit: 'rows', operator: 'mustBeGreaterThan', limits: [2] } as const;
    const world = new World({ ...ORDERS, fileRules: [rule] });
    const { outcome, row: found } = await rowOf(world, file(row(1), row(1), row(2)));
    expect(outcome).toBe('rejected');
    expect(found.reason).toBe('the file breaks its contract: rowCount is 2, mustBeGreaterThan 2 [q]');
    expect(world.s3.versions.filter(({ bucket }) => bucket !== BUCKETS.raw)).toEqual([]);
    const { row: enough } = await rowOf(new World({ ...ORDERS, fileRules: [rule] }), file(row(1), row(2), row(3)));
    expect([enough.state, enough.counts!.byFileRule]).toEqual(['accounted', undefined]);
  });

  test.each([1, 2, 3, 7])('reads gzip in several members that comes in chunks of %d bytes', async (chunkBytes) => {
    const world = new World();
    world.s3.chunkBytes = chunkBytes;
    const { row: found } = await rowOf(world, Buffer.concat([gzipSync(file(row(1))), gzipSync(`${row(2)}\n`)]));
    expect(found.counts).toMatchObject({ read: 2, valid: 2 });
  });

  test.each([1, 5])('reads a plain file that comes in chunks of %d bytes', async (chunkBytes) => {
    const world = new World();
    world.s3.chunkBytes = chunkBytes;
    expect((await rowOf(world, `\ufeff${file(row(1), row(2))}`)).row.counts).toMatchObject({ read: 2, valid: 2 });
  });

  test('rejects a version that was deleted before it was read', async () => {
    const world = new World();
    const object = world.send('orders/a.csv', file(row(1)));
    world.s3.deleteVersion(object.versionId);
    expect((await world.attempt(object)).outcome).toBe('rejected');
    expect(world.row(object)).toMatchObject({
      state: 'rejected',
      reason: expect.stringMatching(/^gone: .* deleted before it was read: send the file again under its key, /),
    });
  });

  test('comes back when the transfer ends early, because records would be missing', async () => {
    const short = new Source(Readable.from([Buffer.from('half')]), 8);
    const read = async () => {
      for await (const piece of short.pieces()) {
        expect(piece.toString()).toBe('half');
      }
    };
    await expect(read()).rejects.toThrow('CutTransfer: 4 of 8 bytes came: the message comes back');
  });

  test.each([
    ['plain', Buffer.alloc(200_000)],
    ['gzip', gzipSync(randomBytes(200_000))],
  ])('ends with the error of a transfer of a %s file that breaks', async (_, bytes) => {
    const broken = async function* () {
      yield bytes.subarray(0, 100_000);
      throw new Error('the connection broke');
    };
    const source = new Source(Readable.from(broken()), bytes.length);
    const read = async () => {
      for await (const piece of source.pieces()) {
        expect(piece.length).toBeLessThan(bytes.length);
      }
    };
    await expect(read()).rejects.toThrow('the connection broke');
  });

  test.each([
    ['plain', Buffer.alloc(101)],
    ['gzip', gzipSync(Buffer.alloc(101))],
  ])('reads no more than its limit of a %s file and says so', async (_, bytes) => {
    const source = new Source(Readable.from([bytes]), bytes.length, 100);
    const read = async () => {
      for await (const piece of source.pieces()) {
        expect(piece.length).toBeLessThanOrEqual(100);
      }
    };
    await expect(read()).rejects.toThrow(
      'larger than 100 bytes after decompression, which is more than one function reads: send it in parts',
    );
    expect(MAXIMUM_FILE_BYTES).toBe(2147483648);
  });

  test.each([
    ['plain', Buffer.alloc(200_000)],
    ['gzip', gzipSync(randomBytes(200_000))],
  ])('closes the stream of a %s file that it rejects', async (_, bytes) => {
    const body = Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]);
    const source = new Source(body, bytes.length);
    const read = async () => {
      for await (const piece of source.pieces()) {
        throw new Error(`stop at ${piece.length}`);
      }
    };
    await expect(read()).rejects.toThrow('stop at');
    expect(body.destroyed).toBe(true);
  });

  test('writes outputs of more than one part, which are complete', async () => {
    const world = new World({ ...ORDERS, primaryKey: [], columns: [{ name: 'v', type: 'string', required: true }] });
    const lines = Array.from({ length: 60 }, () => randomBytes(100_000).toString('hex'));
    const { row: found } = await rowOf(world, ['v', ...lines, ''].join('\n'));
    const bytes = stored(world, BUCKETS.validated, found.validated!);
    expect(bytes.length).toBeGreaterThan(6e6);
    expect(gunzipSync(bytes).toString()).toBe(['v', ...lines, ''].join('\n'));
    expect(found.validated!.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(world.s3.openUploads.size).toBe(0);
  });

  test('gives an unfinished upload up, so that no parts are left', async () => {
    const world = new World({ ...ORDERS, primaryKey: [], columns: [{ name: 'v', type: 'string', required: true }] });
    world.s3.before = () => new Promise((resolve) => setTimeout(resolve, 20));
    const lines = Array.from({ length: 130 }, () => randomBytes(100_000).toString('hex'));
    const { outcome } = await rowOf(world, ['v', ...lines, '"open'].join('\n'));
    expect(outcome).toBe('rejected');
    expect(world.s3.openUploads.size).toBe(0);
    expect(world.s3.versions.filter(({ bucket }) => bucket !== BUCKETS.raw)).toEqual([]);
  });

  test.each(['PutObject', 'GetObject'])('ends with the error when %s is throttled, and the next one succeeds', async (operation) => {
    const world = new World();
    const object = world.send('orders/a.csv', file(row(1)));
    world.s3.before = (name) => {
      if (name === operation) {
        throw new S3Failure('SlowDown');
      }
    };
    await expect(world.attempt(object)).rejects.toThrow('SlowDown');
    world.s3.before = () => undefined;
    world.pass(151);
    expect((await world.attempt(object)).outcome).toBe('accounted');
    expect(world.row(object).attempts).toBe(2);
  });

  test.each(['UploadPart', 'CompleteMultipartUpload'])('ends with the error when %s fails, and leaves no parts', async (operation) => {
    const world = new World({ ...ORDERS, primaryKey: [], columns: [{ name: 'v', type: 'string', required: true }] });
    world.s3.before = (name) => {
      if (name === operation) {
        throw new S3Failure('InternalError', 500);
      }
    };
    const lines = Array.from({ length: 130 }, () => randomBytes(100_000).toString('hex'));
    const object = world.send('orders/a.csv', ['v', ...lines, ''].join('\n'));
    await expect(world.attempt(object)).rejects.toThrow('InternalError');
    expect(world.s3.openUploads.size).toBe(0);
    expect(world.row(object).state).toBe('validating');
  });

  test('fails on a bucket that gives no versions', async () => {
    const world = new World();
    const object = world.send('orders/a.csv', file(row(1)));
    const send = world.s3.client.send.bind(world.s3.client) as (command: unknown) => Promise<object>;
    const s3 = {
      ...world.s3.client,
      config: world.s3.client.config,
      send: async (command: unknown) => ({ ...(await send(command)), VersionId: undefined }),
    };
    await expect(world.attempt(object, { s3: s3 as never })).rejects.toThrow(
      /^UnversionedBucket: validated gave no version for orders\/a.csv/,
    );
  });
});
