import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListMultipartUploadsCommandOutput,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { HubFile } from './hub';

/** A place in a bucket; the prefix is empty or ends with a slash. */
export interface Place {
  readonly bucket: string;
  readonly prefix: string;
}

/** User metadata with what the content of an object was checked against. */
const CHECKED = 'hub-content';
const contentId = ({ sha256, gitBlob }: HubFile): string => sha256 ?? gitBlob ?? '';

/** Parts are held in memory: four of them for each file that is under way. At most 10,000 make an object. */
const LEAST_PART = 16 * 1024 ** 2;
const partSize = (size: number): number => Math.max(LEAST_PART, Math.ceil(size / 9_000));

/** Where a revision is stored. */
export class Store {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  /** Errors: `NoSuchBucket`, `WrongRegion`, `AccessDenied`. */
  public async check(): Promise<void> {
    const region = await this.s3.config.region();
    await this.s3.send(new HeadBucketCommand({ Bucket: this.bucket })).catch((error: unknown) => {
      throw bucketError(this.bucket, region, error);
    });
  }

  /** Sizes of the objects below a prefix, by key. */
  public async list(prefix: string): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for await (const { Contents } of paginateListObjectsV2({ client: this.s3 }, { Bucket: this.bucket, Prefix: prefix })) {
      Contents?.forEach(({ Key, Size }) => found.set(Key!, Size ?? 0));
    }
    return found;
  }

  /** Whether an object was put here for this very content. */
  public async holds(key: string, file: HubFile): Promise<boolean> {
    const { ContentLength, Metadata } = await this.s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
    return ContentLength === file.size && Metadata?.[CHECKED] === contentId(file);
  }

  /** Stores what `bytes` gives; when it fails, nothing is there. */
  public async put(key: string, file: HubFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const params = {
      Bucket: this.bucket,
      Key: key,
      Body: Readable.from(bytes, { objectMode: false }),
      Metadata: { [CHECKED]: contentId(file) },
    };
    await new Upload({ client: this.s3, params, partSize: partSize(file.size) }).done();
  }

  public async putJson(key: string, value: unknown): Promise<void> {
    const Body = `${JSON.stringify(value, null, 2)}\n`;
    await this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body, ContentType: 'application/json' }));
  }

  public async remove(key: string): Promise<void> {
    await this.s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /** Frees what runs that were killed have left: parts of uploads that began before `since` cost money and are never seen. */
  public async abortUploads(prefix: string, since: Date): Promise<number> {
    const input = { Bucket: this.bucket, Prefix: prefix };
    let page: ListMultipartUploadsCommandOutput | undefined;
    let aborted = 0;
    do {
      page = await this.s3.send(
        new ListMultipartUploadsCommand({ ...input, KeyMarker: page?.NextKeyMarker, UploadIdMarker: page?.NextUploadIdMarker }),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Initiated !== undefined && Initiated < since) {
          await this.s3.send(new AbortMultipartUploadCommand({ Bucket: this.bucket, Key, UploadId }));
          aborted++;
        }
      }
    } while (page.IsTruncated === true);
    return aborted;
  }
}

function bucketError(bucket: string, region: string, error: unknown): Error {
  const { name, message, $metadata, $response } = error as {
    name: string;
    message: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string> };
  };
  const there = $response?.headers?.['x-amz-bucket-region'];
  switch ($metadata?.httpStatusCode) {
    case 404:
      return new Error(`NoSuchBucket: there is no bucket ${bucket}: make it in the Region of the endpoint, or correct --to`);
    case 301:
      return new Error(
        `WrongRegion: ${bucket} is in ${there ?? 'another Region'}, the command in ${region}: set AWS_REGION to the bucket's`,
      );
    case 403:
      return new Error(
        `AccessDenied: these credentials may not use ${bucket}: they need s3:ListBucket and s3:ListBucketMultipartUploads on it, s3:GetObject, ` +
          's3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects, and kms:GenerateDataKey and kms:Decrypt on its key',
      );
    default:
      return new Error(`BucketUnreachable: ${bucket}: ${name}: ${message}`);
  }
}
