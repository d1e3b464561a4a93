import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ObjectWriter } from '../../../runtime/intake/object-writer';
import { FakeS3, S3Failure } from '../../support/fake-s3';

const PART = 5 * 1024 * 1024;
const PLACE = { Bucket: 'bucket', Key: 'key', ContentType: 'text/csv', ContentEncoding: 'gzip' };

/** Cuts bytes into chunks of changing sizes. */
function* chunksOf(bytes: Buffer, sizes: number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function write(s3: FakeS3, bytes: Buffer, sizes = [16_384, 1, 70_000]): Promise<ObjectWriter> {
  const writer = new ObjectWriter(s3.client, PLACE);
  await pipeline(Readable.from(chunksOf(bytes, sizes)), writer);
  return writer;
}

describe('the bytes of an object [D3]', () => {
  test.each([
    [0, [1], 0],
    [1, [1], 0],
    [PART - 1, [65_536], 0],
    [PART, [PART], 1],
    [PART, [1_000_000], 1],
    [PART + 1, [PART + 1], 2],
    [2 * PART, [300_000], 2],
    [3 * PART + 17, [7_000_000], 4],
  ])('arrive in order: %d bytes in chunks of %j make %d parts', async (length, sizes, parts) => {
    const s3 = new FakeS3();
    const sent: string[] = [];
    s3.before = async (operation) => {
      sent.push(operation);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const bytes = randomBytes(length);
    const { versionId } = await write(s3, bytes, sizes);
    expect(s3.read('bucket', 'key', versionId!).equals(bytes)).toBe(true);
    expect(sent.filter((operation) => operation === 'UploadPart')).toHaveLength(parts);
    expect(sent.filter((operation) => operation === 'PutObject')).toHaveLength(parts === 0 ? 1 : 0);
    expect(s3.openUploads.size).toBe(0);
  });

  test('are held in two parts at most, whatever their number', async () => {
    const s3 = new FakeS3();
    s3.before = () => new Promise((resolve) => setTimeout(resolve, 30));
    const bodies = new Set<ArrayBufferLike>();
    const send = s3.client.send.bind(s3.client) as (command: { input: { Body?: Buffer } }) => Promise<unknown>;
    s3.client.send = ((command: { input: { Body?: Buffer } }) => {
      if (command.input.Body !== undefined) {
        bodies.add(command.input.Body.buffer);
      }
      return send(command);
    }) as never;
    await write(s3, Buffer.alloc(6 * PART, 'x'));
    expect(bodies.size).toBe(2);
  });

  test.each(['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload', 'PutObject'])(
    'are no object when %s fails, and no parts are left',
    async (operation) => {
      const s3 = new FakeS3();
      s3.before = (name) => {
        if (name === operation) {
          throw new S3Failure('InternalError', 500);
        }
      };
      await expect(write(s3, Buffer.alloc(operation === 'PutObject' ? 10 : 3 * PART))).rejects.toThrow('InternalError');
      expect([s3.versions, s3.openUploads.size]).toEqual([[], 0]);
    },
  );

  test('are no object when their source ends with an error', async () => {
    const s3 = new FakeS3();
    const source = async function* () {
      yield Buffer.alloc(2 * PART);
      throw new Error('cut');
    };
    const writer = new ObjectWriter(s3.client, PLACE);
    const closed = new Promise((resolve) => writer.once('close', resolve));
    await expect(pipeline(Readable.from(source()), writer)).rejects.toThrow('cut');
    await closed;
    expect([s3.versions, s3.openUploads.size]).toEqual([[], 0]);
  });

  test('carry a checksum in every call', async () => {
    const s3 = new FakeS3();
    const inputs: Record<string, unknown>[] = [];
    const send = s3.client.send.bind(s3.client) as (command: unknown) => Promise<unknown>;
    s3.client.send = ((command: { input: Record<string, unknown> }) => {
      inputs.push(command.input);
      return send(command);
    }) as never;
    await write(s3, Buffer.alloc(PART + 1));
    await write(s3, Buffer.alloc(1));
    expect(inputs.filter(({ MultipartUpload }) => MultipartUpload === undefined).map(({ ChecksumAlgorithm }) => ChecksumAlgorithm)).toEqual(
      Array(4).fill('CRC32'),
    );
  });
});
