import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CompiledContract, MAXIMUM_FILE_BYTES } from '../../lib/constructs/data/contract';
import { attemptPrefix, ObjectVersion } from './core';
import { FileRow, Ledger, Result } from './ledger';
import { LineOutput } from './output';
import { FileRejected, Validator } from './validator';

/** Moments at which a test may kill an attempt. Production passes nothing. */
export type Checkpoint = 'leased' | 'mid-stream' | 'valid uploaded' | 'both uploaded' | 'committed';

export interface AttemptOptions {
  s3: S3Client;
  ledger: Ledger;
  contract: CompiledContract;
  /** SHA-256 of the compiled contract, and what identifies this build of the validator. */
  contractHash: string;
  build: string;
  validatedBucket: string;
  quarantineBucket: string;
  scratchFolder: string;
  at?: (checkpoint: Checkpoint) => void | Promise<void>;
}

/** How an attempt ended. `busy`: another one holds the lease until then (epoch seconds). */
export type Outcome = { outcome: 'accounted' | 'rejected' | 'already final'; row: FileRow } | { outcome: 'busy'; until: number };

/**
 * Takes one object version from received to its final state: lease, stream, upload under an attempt of its own, one conditional commit.
 * Whatever dies in between leaves objects that no committed row names: they do not exist.
 */
export async function attemptFile(object: ObjectVersion, options: AttemptOptions): Promise<Outcome> {
  const { ledger } = options;
  const lease = await ledger.lease(object, randomUUID());
  if ('final' in lease) {
    return { outcome: 'already final', row: lease.final };
  }
  if ('busyUntil' in lease) {
    return { outcome: 'busy', until: lease.busyUntil };
  }
  await options.at?.('leased');
  const outcome = await processFile(object, lease.attempt, options);
  const done =
    typeof outcome === 'string'
      ? await ledger.reject(object, lease.attempt, outcome, options.contractHash)
      : await ledger.commit(object, lease.attempt, outcome);
  const row = (await ledger.get(`object#${object.key}#${object.versionId}`))!;
  if (!done) {
    return row.leaseUntil === undefined ? { outcome: 'already final', row } : { outcome: 'busy', until: row.leaseUntil };
  }
  await options.at?.('committed');
  return { outcome: typeof outcome === 'string' ? 'rejected' : 'accounted', row };
}

/** The result to commit, or the reason for which the file as a whole is rejected. */
async function processFile(object: ObjectVersion, attempt: string, options: AttemptOptions): Promise<Result | string> {
  const body = await open(object, options.s3);
  if (typeof body === 'string') {
    return body;
  }
  const prefix = attemptPrefix(options.contract.dataset, object, attempt);
  const extension = options.contract.format === 'csv' ? 'csv.gz' : 'jsonl.gz';
  const contentType = options.contract.format === 'csv' ? 'text/csv' : 'application/x-ndjson';
  const valid = new LineOutput(options.s3, options.validatedBucket, `${prefix}/records.${extension}`, contentType);
  const quarantine = new LineOutput(options.s3, options.quarantineBucket, `${prefix}/records.jsonl.gz`, 'application/x-ndjson');
  if (options.contract.format === 'csv') {
    valid.write(options.contract.columns.map(({ name }) => name).join(','), false);
  }
  const validator = new Validator(
    options.contract,
    { valid: (line) => valid.write(line), quarantine: (line) => quarantine.write(line) },
    options.scratchFolder,
  );
  try {
    const content = await stream(body, validator, [valid, quarantine], options);
    const counts = validator.finish();
    const validated = await valid.finish();
    await options.at?.('valid uploaded');
    const quarantined = await quarantine.finish();
    await options.at?.('both uploaded');
    return { ...content, counts, validated, quarantine: quarantined, validator: options.build, contract: options.contractHash };
  } catch (error) {
    await Promise.all([valid.discard(), quarantine.discard()]);
    if (error instanceof FileRejected) {
      return error.message;
    }
    throw error;
  } finally {
    validator.close();
  }
}

async function open({ bucket, key, versionId }: ObjectVersion, s3: S3Client): Promise<Readable | string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    return Body as Readable;
  } catch (error) {
    if (['NoSuchKey', 'NoSuchVersion', 'MethodNotAllowed'].includes((error as Error).name)) {
      return 'gone: the object version was deleted before it was read';
    }
    throw error;
  }
}

/** Feeds the validator; returns what identifies the bytes as they were sent. Errors: FileRejected on broken or oversized input. */
async function stream(
  body: Readable,
  validator: Validator,
  outputs: LineOutput[],
  options: AttemptOptions,
): Promise<Pick<Result, 'contentSha256' | 'contentBytes'>> {
  const sha256 = createHash('sha256');
  let contentBytes = 0;
  let read = 0;
  let halfway = false;
  const counted = async function* () {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sha256.update(chunk);
      contentBytes += chunk.length;
      yield chunk;
    }
  };
  for await (const chunk of decompressed(counted())) {
    read += chunk.length;
    if (read > MAXIMUM_FILE_BYTES) {
      throw new FileRejected(
        `larger than ${MAXIMUM_FILE_BYTES} bytes after decompression, which is more than one function reads: send it in parts`,
      );
    }
    validator.feed(chunk);
    if (!halfway) {
      halfway = true;
      await options.at?.('mid-stream');
    }
    await Promise.all(outputs.map((output) => output.drained()));
  }
  return { contentSha256: sha256.digest('hex'), contentBytes };
}

/** Gzip is told by its first bytes, not by a name. Errors: FileRejected when it is cut or damaged. */
async function* decompressed(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const first = await source.next();
  if (first.done) {
    return;
  }
  const whole = async function* () {
    yield first.value;
    yield* source;
  };
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const input = Readable.from(whole());
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  input.on('error', (error) => gunzip.destroy(error));
  try {
    yield* input.pipe(gunzip) as AsyncIterable<Buffer> as AsyncGenerator<Buffer>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') ?? false) {
      throw new FileRejected(`the gzip data is cut or damaged: ${(error as Error).message}`);
    }
    throw error;
  }
}
