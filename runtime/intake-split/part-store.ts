import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ObjectWriter } from '../intake/object-writer';

/** What the steps of an execution leave for each other, in one bucket. A step that is tried again writes the same bytes again. */
export class PartStore {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  public async putJson(key: string, value: object): Promise<void> {
    const Body = JSON.stringify(value);
    await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body, ContentType: 'application/json' }));
  }

  public async getJson<T>(key: string): Promise<T> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return JSON.parse(await Body!.transformToString()) as T;
  }

  public async getBytes(key: string): Promise<Uint8Array> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return Body!.transformToByteArray();
  }

  public async get(key: string): Promise<Readable> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return Body as Readable;
  }

  /** Stores the bytes of an open file. */
  public async putFile(key: string, file: number): Promise<void> {
    const from = createReadStream('', { fd: file, autoClose: false, start: 0 });
    await pipeline(from, new ObjectWriter(this.s3, { Bucket: this.bucket, Key: key, ContentType: 'application/octet-stream' }));
  }
}

/** Does something for each number below `count`, a few at a time. */
export async function forEach(count: number, act: (index: number) => Promise<void>, atOnce = 16): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) {
      await act(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}
