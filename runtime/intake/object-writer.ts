import { Writable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** Least size of a part that is not the last (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). Bytes. */
const PART = 5 * 1024 * 1024;
const FIRST_BUFFER = 256 * 1024;

export interface Place {
  Bucket: string;
  Key: string;
  ContentType: string;
  ContentEncoding?: string;
}

/**
 * Writes a stream into one object: in one call when it is small, in parts otherwise. It holds two parts, one that fills and one that is on its
 * way, and reuses them, so its memory does not grow with the object. Nothing is readable under the key before the end.
 */
export class ObjectWriter extends Writable {
  /** Set at the end. Undefined when the bucket gave none. */
  public versionId?: string;
  private buffer: Buffer = Buffer.allocUnsafe(FIRST_BUFFER);
  private spare?: Buffer;
  private filled = 0;
  private uploadId?: string;
  /** What the stream asked for last: an upload may only be given up when nothing is under way any more. */
  private work: Promise<void> = Promise.resolve();
  private onItsWay: Promise<void> = Promise.resolve();
  private readonly parts: CompletedPart[] = [];

  constructor(
    private readonly client: S3Client,
    private readonly place: Place,
  ) {
    super({ highWaterMark: FIRST_BUFFER });
  }

  public override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.work = this.take(chunk);
    this.work.then(() => done(), done);
  }

  public override _final(done: (error?: Error | null) => void): void {
    this.work = this.complete();
    this.work.then(() => done(), done);
  }

  /** Removes the parts of an upload that was not completed. */
  public override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.abort().then(() => done(error), done);
  }

  private async take(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      this.makeRoom(chunk.length - from);
      const copied = chunk.copy(this.buffer, this.filled, from);
      this.filled += copied;
      from += copied;
      if (this.filled === PART) {
        await this.sendPart();
      }
    }
  }

  private makeRoom(bytes: number): void {
    const wanted = Math.min(PART, this.filled + bytes);
    if (wanted > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.min(PART, Math.max(wanted, 2 * this.buffer.length)));
      this.buffer.copy(grown, 0, 0, this.filled);
      this.buffer = grown;
    }
  }

  /** Sends what was filled, once the part before has arrived, and goes on with the buffer of that one. */
  private async sendPart(): Promise<void> {
    await this.onItsWay;
    const { Bucket, Key } = this.place;
    this.uploadId ??= await this.start();
    const [body, PartNumber] = [this.buffer, this.parts.length + 1];
    this.parts.push({ PartNumber });
    const part = { Bucket, Key, UploadId: this.uploadId, PartNumber, Body: body.subarray(0, this.filled) };
    this.buffer = this.spare ?? Buffer.allocUnsafe(PART);
    this.spare = undefined;
    this.filled = 0;
    this.onItsWay = this.client.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: ChecksumAlgorithm.CRC32 })).then((answer) => {
      this.parts[PartNumber - 1] = { PartNumber, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 };
      this.spare = body;
    });
    this.onItsWay.catch(() => undefined);
  }

  private async start(): Promise<string> {
    const { UploadId } = await this.client.send(
      new CreateMultipartUploadCommand({ ...this.place, ChecksumAlgorithm: ChecksumAlgorithm.CRC32 }),
    );
    return UploadId!;
  }

  private async complete(): Promise<void> {
    if (this.uploadId === undefined) {
      const Body = this.buffer.subarray(0, this.filled);
      const put = new PutObjectCommand({ ...this.place, Body, ChecksumAlgorithm: ChecksumAlgorithm.CRC32 });
      this.versionId = (await this.client.send(put)).VersionId;
      return;
    }
    if (this.filled > 0) {
      await this.sendPart();
    }
    await this.onItsWay;
    const { Bucket, Key } = this.place;
    const complete = { Bucket, Key, UploadId: this.uploadId, MultipartUpload: { Parts: this.parts } };
    this.versionId = (await this.client.send(new CompleteMultipartUploadCommand(complete))).VersionId;
    this.uploadId = undefined;
  }

  private async abort(): Promise<void> {
    await this.work.catch(() => undefined);
    await this.onItsWay.catch(() => undefined);
    if (this.uploadId !== undefined) {
      const { Bucket, Key } = this.place;
      await this.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: this.uploadId }));
    }
  }
}
