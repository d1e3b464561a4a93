import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_KEYS, MAXIMUM_PARQUET_FILE_BYTES, VALIDATED_FORMAT, VALIDATED_NAME } from '../../lib/constructs/data/data-intake/contract';
import { attemptPrefix, objectKey, ObjectVersion } from './core';
import { inputFormat } from './envelope';
import { headerLine } from './header';
import { FileRow, GONE, Rejection, Result } from './file-row';
import { Ledger } from './ledger';
import { ObjectOutput } from './object-output';
import { LineOutput } from './output';
import { ParquetOutput } from './parquet-output';
import { Source } from './source';
import { adviceOf, Splitter } from './splitter';
import { FileRejected, Sink, Validator } from './validator';

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
  /** What accepted records are written as, when not as they were received. */
  validatedFormat?: (typeof VALIDATED_FORMAT)[keyof typeof VALIDATED_FORMAT];
  scratchFolder: string;
  /** How often the message was received that brings the file. */
  receives?: number;
  /** Takes files that are too large for one function; left out when the contract does not let them be split. */
  splitter?: Pick<Splitter, 'take'>;
  at?: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Called with the number of each record that goes to quarantine, in their order. */
  refused?: (record: number) => void;
}

/**
 * How an attempt ended. `busy`: another one holds the lease until then (epoch seconds). `handed over`: the attempt goes on in an execution of
 * the state machine that splits files.
 */
export type Outcome =
  { outcome: 'accounted' | 'rejected' | 'already final'; row: FileRow } | { outcome: 'busy'; until: number } | { outcome: 'handed over' };

/**
 * Takes one object version from received to its final state: lease, stream, upload under an attempt of its own, one conditional commit.
 * Whatever dies in between leaves objects that no committed row names: they do not exist.
 */
export async function attemptFile(object: ObjectVersion, options: AttemptOptions): Promise<Outcome> {
  const { ledger } = options;
  const lease = await ledger.lease(object, randomUUID(), options.receives);
  if ('final' in lease) {
    return { outcome: 'already final', row: lease.final };
  }
  if ('busyUntil' in lease) {
    return { outcome: 'busy', until: lease.busyUntil };
  }
  await options.at?.('leased');
  const found = await processFile(object, lease.attempt, options);
  if (found === undefined) {
    await ledger.handOver(object, lease.attempt);
    return { outcome: 'handed over' };
  }
  const rejected = 'reason' in found;
  const done = rejected ? await ledger.reject(object, lease.attempt, found) : await ledger.commit(object, lease.attempt, found);
  const row = (await ledger.get(objectKey(object)))!;
  if (!done) {
    return row.leaseUntil === undefined ? { outcome: 'already final', row } : { outcome: 'busy', until: row.leaseUntil };
  }
  await options.at?.('committed');
  return { outcome: rejected ? 'rejected' : 'accounted', row };
}

/**
 * What a file is worth under the contract: the result to commit, with its outputs uploaded, or why the file as a whole is rejected; undefined
 * when it was handed over to the splitter.
 */
export async function processFile(
  object: ObjectVersion,
  attempt: string,
  options: Omit<AttemptOptions, 'ledger'>,
): Promise<Result | Rejection | undefined> {
  const judged = { validator: options.build, contract: options.contractHash };
  const format = inputFormat(options.contract, object.key);
  // A batch of a stream has no header, and its lines are envelopes: ranges of it would be judged as those of a file.
  const splitter = format === 'envelopes' ? undefined : options.splitter;
  const parquet = options.validatedFormat === VALIDATED_FORMAT.parquet;
  const source = parquet
    ? await Source.open(object, options.s3, () => 'send it in parts', MAXIMUM_PARQUET_FILE_BYTES)
    : await Source.open(object, options.s3, adviceOf(options.contract, splitter !== undefined));
  if (source === undefined) {
    return { ...judged, reason: GONE };
  }
  if (await isHandedOver(source, object, attempt, splitter)) {
    return undefined;
  }
  const { valid, quarantine, sink } = outputs(object, attempt, options);
  const refused = (line: string) => {
    sink.quarantine(line);
    options.refused?.(validator.counts.read);
  };
  const validator = new Validator(options.contract, { ...sink, quarantine: refused }, options.scratchFolder, MAXIMUM_KEYS, format);
  try {
    await judge(source, validator, [valid, quarantine], options);
    const counts = validator.finish();
    const content = { contentSha256: source.digest(), contentBytes: source.bytes };
    const validated = await valid.finish();
    await options.at?.('valid uploaded');
    const quarantined = await quarantine.finish();
    await options.at?.('both uploaded');
    return { ...judged, ...content, counts, validated, quarantine: quarantined };
  } catch (error) {
    await Promise.all([valid.discard(), quarantine.discard()]);
    if (error instanceof FileRejected) {
      return { ...judged, contentBytes: source.bytes, reason: error.message };
    }
    throw error;
  } finally {
    validator.close();
  }
}

async function isHandedOver(
  source: Source,
  object: ObjectVersion,
  attempt: string,
  splitter: AttemptOptions['splitter'],
): Promise<boolean> {
  let reads = false;
  try {
    const taken = (await splitter?.take({ object, attempt, bytes: source.bytes })) ?? false;
    reads = !taken;
    return taken;
  } finally {
    if (!reads) {
      source.close();
    }
  }
}

interface Outputs {
  valid: ObjectOutput;
  quarantine: ObjectOutput;
  sink: Sink;
}

/** Both outputs of an attempt, and what fills them. */
function outputs(object: ObjectVersion, attempt: string, options: Omit<AttemptOptions, 'ledger'>): Outputs {
  const { s3, contract, quarantineBucket, validatedFormat } = options;
  const prefix = attemptPrefix(contract.dataset, object, attempt);
  const quarantine = new LineOutput(s3, quarantineBucket, `${prefix}/records.jsonl.gz`, 'application/x-ndjson');
  const refused = (line: string) => quarantine.write(line);
  if (validatedFormat === VALIDATED_FORMAT.parquet) {
    const valid = new ParquetOutput(s3, options.validatedBucket, `${prefix}/${VALIDATED_NAME.parquet}`, contract);
    return { valid, quarantine, sink: { values: (fields, order) => valid.writeValues(fields, order), quarantine: refused } };
  }
  const valid = linesAsReceived(prefix, options);
  return { valid, quarantine, sink: { valid: (bytes, start, end) => valid.writeBytes(bytes, start, end), quarantine: refused } };
}

/** The output in the format of the contract; a CSV one starts with the contract's header. */
function linesAsReceived(prefix: string, { s3, contract, validatedBucket }: Omit<AttemptOptions, 'ledger'>): LineOutput {
  const csv = contract.format === 'csv';
  const valid = new LineOutput(
    s3,
    validatedBucket,
    `${prefix}/${VALIDATED_NAME[contract.format]}`,
    csv ? 'text/csv' : 'application/x-ndjson',
  );
  if (csv) {
    valid.write(headerLine(contract), false);
  }
  return valid;
}

/** Feeds the validator. Errors: FileRejected on broken or oversized input. */
async function judge(source: Source, validator: Validator, into: ObjectOutput[], { at }: Pick<AttemptOptions, 'at'>): Promise<void> {
  let halfway = false;
  for await (const piece of source.pieces()) {
    validator.feed(piece);
    if (!halfway) {
      halfway = true;
      await at?.('mid-stream');
    }
    await Promise.all(into.map((output) => output.drained()));
  }
}
