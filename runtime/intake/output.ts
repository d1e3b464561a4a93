import { createHash } from 'node:crypto';
import { pipeline, Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

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

/** Streams lines into one gzip-compressed object. Nothing is readable under its key before `finish()`. */
export class LineOutput {
  private readonly gzip = createGzip({ level: 1 });
  private readonly sha256 = createHash('sha256');
  private readonly upload: Promise<{ VersionId?: string }>;
  private block = Buffer.allocUnsafe(BLOCK);
  private filled = 0;
  private bytes = 0;
  private rows = 0;
  private failed?: Error;

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
    const Body = pipeline(this.gzip, meter, () => undefined);
    const params = { Bucket: bucket, Key: key, Body, ContentType: contentType, ContentEncoding: 'gzip' };
    this.upload = new Upload({ client, params, queueSize: 2 }).done();
    this.upload.catch((error: Error) => {
      this.failed = error;
      this.gzip.destroy(error);
    });
  }

  public write(line: Buffer | string, record = true): void {
    const length = typeof line === 'string' ? Buffer.byteLength(line) : line.length;
    if (this.filled + length + 1 > this.block.length) {
      this.flush();
    }
    if (length + 1 > this.block.length) {
      this.gzip.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
    } else {
      this.filled += typeof line === 'string' ? this.block.write(line, this.filled) : line.copy(this.block, this.filled);
      this.block[this.filled++] = 0x0a;
    }
    this.rows += record ? 1 : 0;
  }

  /** Waits until the stream takes more; errors of the upload surface here. */
  public async drained(): Promise<void> {
    while (this.failed === undefined && this.gzip.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.gzip.off('drain', done).off('close', done);
          resolve();
        };
        this.gzip.once('drain', done).once('close', done);
      });
    }
    if (this.failed !== undefined || this.gzip.destroyed) {
      await this.upload;
    }
  }

  public async finish(): Promise<Output> {
    this.flush();
    this.gzip.end();
    const { VersionId } = await this.upload;
    if (VersionId === undefined) {
      throw new Error(`UnversionedBucket: ${this.bucket} gave no version for ${this.key}: turn versioning on, the ledger pins versions`);
    }
    return { key: this.key, versionId: VersionId, bytes: this.bytes, rows: this.rows, sha256: this.sha256.digest('hex') };
  }

  /** Gives the upload up, unless it is complete; the parts that it stored so far are removed and never become an object. */
  public async discard(): Promise<void> {
    this.gzip.destroy(new Error('the attempt was given up'));
    await this.upload.catch(() => undefined);
  }

  private flush(): void {
    if (this.filled > 0) {
      this.gzip.write(this.block.subarray(0, this.filled));
      this.block = Buffer.allocUnsafe(BLOCK);
      this.filled = 0;
    }
  }
}
