import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import { ObjectOutput } from '../intake/object-output';

/**
 * Joins compressed parts into one object. Gzip members one behind the other are a gzip file (RFC 1952, section 2.2), so nothing is compressed
 * again. The bytes come through here because the ledger names their SHA-256, which no copy inside Amazon S3 computes.
 */
export class JoinedOutput extends ObjectOutput {
  constructor(client: S3Client, Bucket: string, Key: string, ContentType: string) {
    super(client, { Bucket, Key, ContentType, ContentEncoding: 'gzip' });
  }

  /** Appends a part with so many records. */
  public async append(part: Readable | Buffer, rows: number): Promise<void> {
    this.rows += rows;
    for await (const bytes of Buffer.isBuffer(part) ? [part] : (part as AsyncIterable<Buffer>)) {
      this.entrance.write(bytes);
      await this.drained();
    }
  }

  protected override complete(): void {
    // Nothing is held back.
  }
}
