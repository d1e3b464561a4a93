import { createGzip, ZlibOptions } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { ObjectOutput } from './object-output';

/** Bytes that are collected before they enter the stream: one write per record would cost more than the validation. */
const BLOCK = 256 * 1024;
/** Blocks that may wait to be compressed. */
const BLOCKS = 4;
const NEWLINE = 0x0a;

/** Streams lines into one gzip-compressed object. */
export class LineOutput extends ObjectOutput {
  private block: Buffer = Buffer.allocUnsafe(BLOCK);
  private readonly free: Buffer[] = [];
  private filled = 0;
  /** Lines that wait to be copied: the bytes from start to before end, without the last newline. */
  private pending?: Buffer;
  private pendingStart = 0;
  private pendingEnd = 0;

  constructor(client: S3Client, Bucket: string, Key: string, ContentType: string) {
    const gzip = createGzip({ level: 1, chunkSize: 64 * 1024, writableHighWaterMark: BLOCKS * BLOCK } as ZlibOptions);
    super(client, { Bucket, Key, ContentType, ContentEncoding: 'gzip' }, gzip);
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

  protected override complete(): void {
    this.copyPending();
    this.flush();
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
      this.entrance.write(Buffer.concat([this.pending.subarray(this.pendingStart, this.pendingEnd), Buffer.from('\n')]));
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
      this.entrance.write(block.subarray(0, this.filled), () => this.free.push(block));
      this.block = this.free.pop() ?? Buffer.allocUnsafe(BLOCK);
      this.filled = 0;
    }
  }
}
