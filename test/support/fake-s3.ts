import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { S3Client } from '@aws-sdk/client-s3';
import { fakeService } from './fake-service';

/** One version of an object. */
export interface StoredVersion {
  bucket: string;
  key: string;
  versionId: string;
  sequencer: string;
  modified: Date;
  bytes: Buffer;
  deleteMarker: boolean;
  /** What the writer said of it, by lower-case name. */
  metadata: Record<string, string>;
}

interface Request {
  method: string;
  path: string;
  query: Record<string, string | null>;
  headers: Record<string, string | undefined>;
  body?: Buffer | Uint8Array | string | Readable;
}

/** Makes the fake answer with an error of Amazon S3 when a hook throws it. */
export class S3Failure extends Error {
  constructor(
    readonly code: string,
    readonly status = 503,
  ) {
    super(code);
  }
}

/**
 * Amazon S3 as far as the data path uses it, below the SDK's client: requests and answers are HTTP, so that serialization, errors and
 * multipart uploads are the real ones. Every bucket is versioned. Nothing is readable before its upload is complete.
 */
export class FakeS3 {
  readonly client: S3Client;
  readonly versions: StoredVersion[] = [];
  /** Multipart uploads that were neither completed nor aborted. */
  readonly openUploads = new Map<string, Map<number, Buffer>>();
  now: () => Date = () => new Date();
  /** Called before each operation takes effect; may throw `S3Failure`, or any error for a broken connection. */
  before: (operation: string, place: { bucket: string; key: string }) => void | Promise<void> = () => undefined;
  /** Called when it has taken effect, before the answer. */
  after: (operation: string, place: { bucket: string; key: string }) => void = () => undefined;
  /** Bytes of one chunk of an answer. */
  chunkBytes = 64 * 1024;
  pageSize = 1000;
  private counter = 0;

  constructor() {
    this.client = new S3Client({ ...fakeService('s3', (request: Request) => this.handle(request)), forcePathStyle: true });
  }

  put(bucket: string, key: string, bytes: Buffer | string): StoredVersion {
    return this.store(bucket, key, Buffer.from(bytes), false);
  }

  deleteVersion(versionId: string): void {
    const index = this.versions.findIndex((version) => version.versionId === versionId);
    if (index >= 0) {
      this.versions.splice(index, 1);
    }
  }

  /** The bytes of a version. Errors: there is none, or it is a delete marker. */
  read(bucket: string, key: string, versionId: string): Buffer {
    const found = this.find(bucket, key, versionId);
    if (found === undefined || found.deleteMarker) {
      throw new Error(`no version ${versionId} of ${bucket}/${key}`);
    }
    return found.bytes;
  }

  /** What a plain listing shows: the newest versions that are no delete markers. */
  current(bucket: string): StoredVersion[] {
    return this.versions.filter((version) => version.bucket === bucket && !version.deleteMarker && this.isLatest(version));
  }

  private find(bucket: string, key: string, versionId?: string | null): StoredVersion | undefined {
    return this.versions.findLast(
      (version) => version.bucket === bucket && version.key === key && (versionId ?? version.versionId) === version.versionId,
    );
  }

  private isLatest(version: StoredVersion): boolean {
    return this.find(version.bucket, version.key) === version;
  }

  private store(bucket: string, key: string, bytes: Buffer, deleteMarker: boolean, metadata: Record<string, string> = {}): StoredVersion {
    const number = ++this.counter;
    const version = {
      bucket,
      key,
      bytes,
      deleteMarker,
      metadata,
      versionId: `v${number}.${createHash('sha256').update(`${number}`).digest('base64url').slice(0, 12)}`,
      sequencer: (0x5aed6dcd90281e5n + BigInt(number)).toString(16).padStart(18, '0').toUpperCase(),
      modified: this.now(),
    };
    this.versions.push(version);
    return version;
  }

  private async handle(request: Request): Promise<{ response: unknown }> {
    const [, bucket, ...rest] = request.path.split('/');
    const place = { bucket, key: decodeURIComponent(rest.join('/')) };
    const operation = operationOf(request);
    try {
      await this.before(operation, place);
      const body = await collect(request.body);
      const answer = this.run(operation, place, request, body);
      this.after(operation, place);
      return { response: answer };
    } catch (error) {
      if (!(error instanceof S3Failure)) {
        throw error;
      }
      return { response: reply(error.status, `<Error><Code>${error.code}</Code><Message>${error.code}</Message></Error>`) };
    }
  }

  private run(operation: string, { bucket, key }: { bucket: string; key: string }, { query, headers }: Request, body: Buffer) {
    switch (operation) {
      case 'GetObject':
      case 'HeadObject':
        return this.get(bucket, key, query.versionId, headers.range);
      case 'PutObject':
        return this.putObject(bucket, key, headers, body);
      case 'CreateMultipartUpload':
        this.openUploads.set(`upload-${++this.counter}`, new Map());
        return reply(200, xml('InitiateMultipartUploadResult', `<UploadId>upload-${this.counter}</UploadId>`));
      case 'UploadPart':
        this.openUploads.get(query.uploadId!)!.set(Number(query.partNumber), body);
        return reply(200, '', { etag: `"part-${query.partNumber}"` });
      case 'CompleteMultipartUpload':
        return this.complete(bucket, key, query.uploadId!, body.toString());
      case 'AbortMultipartUpload':
        this.openUploads.delete(query.uploadId!);
        return reply(204, '');
      case 'DeleteObject':
        return this.deleteObject(bucket, key, query.versionId);
      case 'ListObjectVersions':
        return this.listVersions(bucket, query);
      case 'ListObjectsV2':
        return this.list(bucket, query);
      default:
        return this.deleteObjects(bucket, body.toString());
    }
  }

  private get(bucket: string, key: string, versionId: string | null | undefined, range?: string) {
    const found = this.find(bucket, key, versionId);
    if (found === undefined) {
      throw new S3Failure(versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion', 404);
    }
    if (found.deleteMarker) {
      throw versionId === undefined ? new S3Failure('NoSuchKey', 404) : new S3Failure('MethodNotAllowed', 405);
    }
    const [bytes, place] = range === undefined ? [found.bytes, {}] : within(found.bytes, range);
    const chunks = Array.from({ length: Math.ceil(bytes.length / this.chunkBytes) }, (_, i) =>
      bytes.subarray(i * this.chunkBytes, (i + 1) * this.chunkBytes),
    );
    return {
      ...reply(range === undefined ? 200 : 206, '', {
        'content-length': String(bytes.length),
        'x-amz-version-id': found.versionId,
        ...place,
        ...Object.fromEntries(Object.entries(found.metadata).map(([name, value]) => [META + name, value])),
      }),
      body: Readable.from(chunks),
    };
  }

  /** `If-None-Match: *` lets nothing replace a current version that is no delete marker. */
  private putObject(bucket: string, key: string, headers: Request['headers'], body: Buffer) {
    if (headers['if-none-match'] === '*' && this.find(bucket, key)?.deleteMarker === false) {
      throw new S3Failure('PreconditionFailed', 412);
    }
    const metadata = Object.entries(headers).flatMap(([name, value]) => (name.startsWith(META) ? [[name.slice(META.length), value]] : []));
    const { versionId } = this.store(bucket, key, body, false, Object.fromEntries(metadata));
    return reply(200, '', { 'x-amz-version-id': versionId, etag: '"e"' });
  }

  private complete(bucket: string, key: string, uploadId: string, request: string) {
    const parts = this.openUploads.get(uploadId)!;
    const numbers = [...request.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) => Number(number));
    const bytes = Buffer.concat(numbers.map((number) => parts.get(number)!));
    this.openUploads.delete(uploadId);
    const { versionId } = this.store(bucket, key, bytes, false);
    return reply(200, xml('CompleteMultipartUploadResult', '<ETag>e</ETag>'), { 'x-amz-version-id': versionId });
  }

  /** Keys in order; of one key the most recently stored version first. */
  private listVersions(bucket: string, query: Request['query']) {
    const all = this.versions
      .map((version, index) => ({ version, index }))
      .filter(({ version }) => version.bucket === bucket && version.key.startsWith(query.prefix ?? ''))
      .sort((a, b) => compare(a.version.key, b.version.key) || b.index - a.index)
      .map(({ version }) => version);
    const marker = query['version-id-marker'];
    const start = marker === undefined || marker === null ? 0 : all.findIndex(({ versionId }) => versionId === marker) + 1;
    const page = all.slice(start, start + this.pageSize);
    const items = page.map((version) => {
      const tag = version.deleteMarker ? 'DeleteMarker' : 'Version';
      const { key, versionId, modified } = version;
      return xml(
        tag,
        `<Key>${escape(key)}</Key><VersionId>${versionId}</VersionId><IsLatest>${this.isLatest(version)}</IsLatest><LastModified>${modified.toISOString()}</LastModified>`,
      );
    });
    const more = start + page.length < all.length;
    const next = more
      ? `<NextKeyMarker>${escape(page.at(-1)!.key)}</NextKeyMarker><NextVersionIdMarker>${page.at(-1)!.versionId}</NextVersionIdMarker>`
      : '';
    return reply(200, xml('ListVersionsResult', `<IsTruncated>${more}</IsTruncated>${next}${items.join('')}`));
  }

  private list(bucket: string, query: Request['query']) {
    const all = this.current(bucket)
      .filter(({ key }) => key.startsWith(query.prefix ?? '') && key > (query['continuation-token'] ?? ''))
      .sort((a, b) => compare(a.key, b.key));
    const page = all.slice(0, this.pageSize);
    const items = page.map(({ key, modified }) =>
      xml('Contents', `<Key>${escape(key)}</Key><LastModified>${modified.toISOString()}</LastModified>`),
    );
    const more = page.length < all.length;
    const next = more ? `<NextContinuationToken>${escape(page.at(-1)!.key)}</NextContinuationToken>` : '';
    return reply(200, xml('ListBucketResult', `<IsTruncated>${more}</IsTruncated>${next}${items.join('')}`));
  }

  /** Without a version a delete marker becomes the newest one. */
  private deleteObject(bucket: string, key: string, versionId: string | null | undefined) {
    if (versionId === undefined || versionId === null) {
      this.store(bucket, key, Buffer.alloc(0), true);
    } else {
      this.deleteVersion(versionId);
    }
    return reply(204, '');
  }

  private deleteObjects(bucket: string, request: string) {
    const objects = [...request.matchAll(/<Key>(.*?)<\/Key>(?:<VersionId>(.*?)<\/VersionId>)?/g)];
    const deleted = objects.map(([, key, versionId]) => [key.replaceAll('&amp;', '&'), versionId]);
    deleted.forEach(([key, versionId]) =>
      versionId === undefined ? this.store(bucket, key, Buffer.alloc(0), true) : this.deleteVersion(versionId),
    );
    return reply(200, xml('DeleteResult', deleted.map(([key]) => xml('Deleted', `<Key>${escape(key)}</Key>`)).join('')));
  }
}

const META = 'x-amz-meta-';

function operationOf({ method, query }: Request): string {
  const has = (name: string) => query[name] !== undefined;
  if (method === 'HEAD') {
    return 'HeadObject';
  }
  if (method === 'GET') {
    return has('versions') ? 'ListObjectVersions' : has('list-type') ? 'ListObjectsV2' : 'GetObject';
  }
  if (method === 'PUT') {
    return has('partNumber') ? 'UploadPart' : 'PutObject';
  }
  if (method === 'DELETE') {
    return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  }
  return has('uploads') ? 'CreateMultipartUpload' : has('uploadId') ? 'CompleteMultipartUpload' : 'DeleteObjects';
}

/** `bytes=<first>-<last>`; without a last one, all from the first on. */
function within(bytes: Buffer, range: string): [Buffer, Record<string, string>] {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range)!;
  if (Number(first) >= bytes.length) {
    throw new S3Failure('InvalidRange', 416);
  }
  const part = bytes.subarray(Number(first), last === '' ? bytes.length : Number(last) + 1);
  return [part, { 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}` }];
}

async function collect(body: Request['body']): Promise<Buffer> {
  if (body === undefined || body === null) {
    return Buffer.alloc(0);
  }
  if (typeof body === 'string' || body instanceof Uint8Array) {
    return Buffer.from(body);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

function reply(statusCode: number, body: string, headers: Record<string, string> = {}) {
  return { statusCode, headers: { 'content-type': 'application/xml', ...headers }, body: Readable.from([Buffer.from(body)]) };
}

const xml = (tag: string, content: string) => `<${tag}>${content}</${tag}>`;
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
