import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip, Gunzip } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MAXIMUM_FILE_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { ObjectVersion } from './core';
import type { Output } from './object-output';
import { FileRejected } from './validator';

const GZIP = Buffer.from([0x1f, 0x8b]);
/** Bytes that are judged before the outputs are asked whether they take more. */
const PIECE = 64 * 1024;

/** What its sender can do about a file that is too large. */
export type Advice = (compressed: boolean) => string;

/** Gzip is told by its first bytes, not by a name. */
export function isGzip(first: Buffer): boolean {
  return first.subarray(0, GZIP.length).equals(GZIP);
}

/** Whether Amazon S3 says that an object version does not exist any more. */
export function isGone(error: unknown): boolean {
  return ['NoSuchKey', 'NoSuchVersion', 'MethodNotAllowed'].includes((error as Error).name);
}

/** The answer of Amazon S3, or undefined when it is that the object version is gone. */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isGone(error)) {
      return undefined;
    }
    throw error;
  }
}

/** The bytes of one object version, as they were sent and as they are read. */
export class Source {
  private readonly sha256 = createHash('sha256');
  private read = 0;
  private compressed = false;

  /** The object version, or undefined when it is gone. */
  public static async open(
    { bucket, key, versionId }: ObjectVersion,
    s3: S3Client,
    advice?: Advice,
    maximum = MAXIMUM_FILE_BYTES,
  ): Promise<Source | undefined> {
    const answer = await unlessGone(s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId })));
    return answer && new Source(answer.Body as Readable, answer.ContentLength!, maximum, advice);
  }

  /**
   * One of our own outputs, or undefined when it is gone. It has no maximum: what ranges of one large file gave is joined into one object, and
   * nobody could send that in parts.
   */
  public static async openOutput(
    s3: S3Client,
    bucket: string,
    { key, versionId }: Pick<Output, 'key' | 'versionId'>,
  ): Promise<Source | undefined> {
    return Source.open({ bucket, key, versionId, sequencer: '' }, s3, undefined, Infinity);
  }

  /** `bytes`: length of the object as it was sent. */
  constructor(
    private readonly body: Readable,
    public readonly bytes: number,
    private readonly maximum = MAXIMUM_FILE_BYTES,
    private readonly advice: Advice = () => 'send it in parts',
  ) {}

  /** Gives the bytes up that were not read. */
  public close(): void {
    this.body.destroy();
  }

  /** What identifies the bytes as they were sent, once all of them were read. */
  public digest(): string {
    return this.sha256.digest('hex');
  }

  /** Decompressed pieces. Errors: FileRejected when there are more than the maximum, or when the gzip data is cut or damaged. */
  public async *pieces(): AsyncGenerator<Buffer> {
    let total = 0;
    for await (const chunk of this.decompressed()) {
      total += chunk.length;
      this.checkSize(total);
      for (let start = 0; start < chunk.length; start += PIECE) {
        yield chunk.subarray(start, start + PIECE);
      }
    }
  }

  private async *raw(): AsyncGenerator<Buffer> {
    for await (const chunk of this.body as AsyncIterable<Buffer>) {
      this.sha256.update(chunk);
      this.read += chunk.length;
      yield chunk;
    }
    if (this.read !== this.bytes) {
      throw new Error(`CutTransfer: ${this.read} of ${this.bytes} bytes came: the message comes back`);
    }
  }

  private async *decompressed(): AsyncGenerator<Buffer> {
    const raw = this.raw();
    try {
      let first = Buffer.alloc(0);
      for (let next = await raw.next(); !next.done; next = await raw.next()) {
        first = Buffer.concat([first, next.value]);
        if (first.length >= GZIP.length) {
          break;
        }
      }
      const whole = async function* () {
        yield first;
        yield* raw;
      };
      this.compressed = isGzip(first);
      this.checkSize(this.compressed ? 0 : this.bytes);
      yield* this.compressed ? this.gunzipped(whole()) : whole();
    } finally {
      this.body.destroy();
    }
  }

  private async *gunzipped(compressed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const input = Readable.from(compressed, { objectMode: false });
    const gunzip = createGunzip({ chunkSize: PIECE });
    input.on('error', (error) => gunzip.destroy(error));
    try {
      yield* input.pipe(gunzip) as AsyncIterable<Buffer>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') ?? false) {
        const found = (error as Error).message;
        throw new FileRejected(
          `the gzip data is cut or damaged: ${found}: compress it again, see that gzip -t accepts it, and send it whole`,
        );
      }
      throw error;
    } finally {
      input.destroy();
    }
    this.checkEnd(gunzip);
  }

  private checkSize(bytes: number): void {
    if (bytes > this.maximum) {
      const what = `larger than ${this.maximum} bytes after decompression, which is more than one function reads`;
      throw new FileRejected(`${what}: ${this.advice(this.compressed)}`);
    }
  }

  /** Padding behind the end would hide whatever follows it. */
  private checkEnd(gunzip: Gunzip): void {
    if (gunzip.bytesWritten !== this.bytes) {
      throw new FileRejected(`the gzip data ends after ${gunzip.bytesWritten} of ${this.bytes} bytes: remove what follows it`);
    }
  }
}
