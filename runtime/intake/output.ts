import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, ZlibOptions } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { ObjectWriter } from './object-writer';

/** An uploaded object, as the ledger names it. */
export interface Output {
  key: string;
  versionId: string;
  bytes: number;
  rows: number;
  /** Of the object's bytes, hexadecimal. */
  sha256: string;
}

/** Bytes that are collected before they enter the stream: one write per record would cost more than the validation. */
const BLOCK = 256 * 1024;
/** Blocks that may wait to be compressed. */
const BLOCKS = 4;
const NEWLINE = 0x0a;

/** Streams lines into one gzip-compressed object. Nothing is readable under its key before `finish()`. */
export class LineOutput {
  private readonly gzip = createGzip({ level: 1, chunkSize: 64 * 1024, writableHighWaterMark: BLOCKS * BLOCK } as ZlibOptions);
  private readonly sha256 = createHash('sha256');
  private readonly writer: ObjectWriter;
  private readonly stored: Promise<void>;
  private failed = false;
  private block: Buffer = Buffer.allocUnsafe(BLOCK);
  private readonly free: Buffer[] = [];
  private filled = 0;
  /** Lines that wait to be copied: the bytes from start to before end, without the last newline. */
  private pending?: Buffer;
  private pendingStart = 0;
  private pendingEnd = 0;
  private bytes = 0;
  private rows = 0;

  constructor(
    client: S3Client,
    private readonly bucket: string,
    private readonly key: string,
    contentType: string,
  ) {
    const meter = new Transform({
      transform: (chunk: Buffer, _, done) => {
        this.sha256.update(chunk);
        this.bytes += chunk.length;
        done(null, chunk);
      },
    });
    this.writer = new ObjectWriter(client, { Bucket: bucket, Key: key, ContentType: contentType, ContentEncoding: 'gzip' });
    this.stored = pipeline(this.gzip, meter, this.writer);
    this.stored.catch(() => (this.failed = true));
  }

  /** Writes one line; `record` is false for a header, which counts as no row. */
  public write(line: string, record = true): void {
    const bytes = Buffer.from(line);
    this.writeBytes(bytes, 0, bytes.length, record);
  }

  /** Writes the bytes of one line, which must not change any more. Lines that follow each other in one buffer are copied together. */
  public writeBytes(bytes: Buffer, start: number, end: number, record = true): void {
    this.rows += record ? 1 : 0;
    if (bytes === this.pending && start === this.pendingEnd + 1 && bytes[this.pendingEnd] === NEWLINE) {
      this.pendingEnd = end;
      return;
    }
    this.copyPending();
    this.pending = bytes;
    this.pendingStart = start;
    this.pendingEnd = end;
  }

  /** Waits until the stream takes more. Errors: those of the upload. */
  public async drained(): Promise<void> {
    if (this.gzip.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.gzip.off('drain', done).off('close', done);
          resolve();
        };
        this.gzip.once('drain', done).once('close', done);
      });
    }
    if (this.failed || this.gzip.destroyed) {
      await this.stored;
    }
  }

  public async finish(): Promise<Output> {
    this.copyPending();
    this.flush();
    this.gzip.end();
    await this.stored;
    const { versionId } = this.writer;
    if (versionId === undefined) {
      throw new Error(`UnversionedBucket: ${this.bucket} gave no version for ${this.key}: turn versioning on, the ledger pins versions`);
    }
    return { key: this.key, versionId, bytes: this.bytes, rows: this.rows, sha256: this.sha256.digest('hex') };
  }

  /** Gives the upload up, unless it is complete; the parts that it stored so far are removed and never become an object. */
  public async discard(): Promise<void> {
    this.gzip.destroy(new Error('the attempt was given up'));
    await this.stored.catch(() => undefined);
    if (!this.writer.closed) {
      await new Promise((resolve) => this.writer.once('close', resolve));
    }
  }

  private copyPending(): void {
    const length = this.pendingEnd - this.pendingStart + 1;
    if (this.pending === undefined) {
      return;
    }
    if (this.filled + length > BLOCK) {
      this.flush();
    }
    if (length > BLOCK) {
      this.gzip.write(Buffer.concat([this.pending.subarray(this.pendingStart, this.pendingEnd), Buffer.from('\n')]));
    } else {
      this.filled += this.pending.copy(this.block, this.filled, this.pendingStart, this.pendingEnd);
      this.block[this.filled++] = NEWLINE;
    }
    this.pending = undefined;
  }

  /** Hands the block over; it comes back once it is compressed. */
  private flush(): void {
    if (this.filled > 0) {
      const { block } = this;
      this.gzip.write(block.subarray(0, this.filled), () => this.free.push(block));
      this.block = this.free.pop() ?? Buffer.allocUnsafe(BLOCK);
      this.filled = 0;
    }
  }
}
