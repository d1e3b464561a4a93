import { createHash } from 'node:crypto';
import { Duplex, PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { ObjectWriter, Place } from './object-writer';

/** An uploaded object, as the ledger names it. */
export interface Output {
  key: string;
  versionId: string;
  bytes: number;
  rows: number;
  /** Of the object's bytes, hexadecimal. */
  sha256: string;
}

/** Streams bytes into one object and knows what it stored. Nothing is readable under its key before `finish()`. */
export abstract class ObjectOutput {
  protected rows = 0;
  private readonly sha256 = createHash('sha256');
  private readonly writer: ObjectWriter;
  private readonly stored: Promise<void>;
  private failed = false;
  private bytes = 0;

  /** `entrance`: takes what is written, and gives the bytes of the object. */
  constructor(
    client: S3Client,
    private readonly place: Place,
    protected readonly entrance: Duplex = new PassThrough(),
  ) {
    const meter = new Transform({
      transform: (chunk: Buffer, _, done) => {
        this.sha256.update(chunk);
        this.bytes += chunk.length;
        done(null, chunk);
      },
    });
    this.writer = new ObjectWriter(client, place);
    this.stored = pipeline(entrance, meter, this.writer);
    this.stored.catch(() => (this.failed = true));
  }

  /** Waits until the stream takes more. Errors: those of the upload. */
  public async drained(): Promise<void> {
    if (this.entrance.writableNeedDrain) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.entrance.off('drain', done).off('close', done);
          resolve();
        };
        this.entrance.once('drain', done).once('close', done);
      });
    }
    if (this.failed || this.entrance.destroyed) {
      await this.stored;
    }
  }

  public async finish(): Promise<Output> {
    this.complete();
    this.entrance.end();
    await this.stored;
    const { versionId } = this.writer;
    const { Bucket, Key: key } = this.place;
    if (versionId === undefined) {
      throw new Error(`UnversionedBucket: ${Bucket} gave no version for ${key}: turn versioning on, the ledger pins versions`);
    }
    return { key, versionId, bytes: this.bytes, rows: this.rows, sha256: this.sha256.digest('hex') };
  }

  /** Gives the upload up, unless it is complete; the parts that it stored so far are removed and never become an object. */
  public async discard(): Promise<void> {
    this.entrance.destroy(new Error('the attempt was given up'));
    await this.stored.catch(() => undefined);
    if (!this.writer.closed) {
      await new Promise((resolve) => this.writer.once('close', resolve));
    }
  }

  /** Writes what was held back. */
  protected abstract complete(): void;
}
