/** Formats, times and limits that the intake, its handlers and their tests share. This file imports nothing. */

/** Format of a validated object. */
export type ObjectFormat = 'csv' | 'jsonl' | 'parquet';

/** Name of a validated object below its attempt, by its format: whoever reads it tells the format by that. */
export const VALIDATED_NAME: Readonly<Record<ObjectFormat, string>> = {
  csv: 'records.csv.gz',
  jsonl: 'records.jsonl.gz',
  parquet: 'records.parquet',
};

/** What an intake writes accepted records as: the format that it receives, or Apache Parquet. */
export const VALIDATED_FORMAT = { asReceived: 'as-received', parquet: 'parquet' } as const;

/** What a person may let an intake do. */
export const INTAKE_OPERATION = { redrive: 'redrive', revalidate: 'revalidate', rerun: 'rerun', rebuild: 'rebuild' } as const;

/** The janitor's rounds, and its last one for a file that an attempt is at work on. Seconds. */
const [ROUND, OVERDUE_AT_WORK] = [300, 4200];

/** Times of the intake, seconds. Six function times must fit into the visibility timeout. */
export const INTAKE_SECONDS = {
  functionTimeout: 120,
  visibility: 720,
  /** A little more than the function can live, so that a lease never outlives a running owner. */
  lease: 150,
  /** An object version without a final row for longer than this is reported, when its contract does not say how long a file may wait. */
  latency: 1200,
  /** One that nobody is at work on for longer than this is sent again, whatever its contract says: a latency of an hour is kept by that, not spent on it. */
  resubmit: 1200,
  /** How often the janitor compares raw zone and ledger. */
  round: ROUND,
  /** One that is still not final by then is put into the dead-letter queue by the next round, or a little later when an attempt is at work on it. */
  overdue: 3900,
  overdueAtWork: OVERDUE_AT_WORK,
  /**
   * By then each is final or there. That bound holds under every contract and wins over its latency, which only says when somebody is told:
   * what has been tried five times, or lost twice, does not get well by more patience. So a latency is at most an hour, and whoever is told
   * by it is told before the file is a dead letter.
   */
  settled: OVERDUE_AT_WORK + ROUND,
} as const;

/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: fewer would send good messages away when Lambda throttles. */
export const MAXIMUM_RECEIVES = 5;

/** A record longer than this is quarantined, and reading goes on at the next newline. Bytes. */
export const MAXIMUM_RECORD_BYTES = 1024 * 1024;

/**
 * The longest record as the intake writes it, bytes. A record of a stream may become longer in CSV: a number has at most 25 characters and a comma
 * there ("-0.0000012345678901234567"), and with its key at least 6 bytes in JSON; no text becomes longer; a column that is left out is a comma.
 */
export const MAXIMUM_VALIDATED_BYTES = 5 * MAXIMUM_RECORD_BYTES;

/** One function reads at most this much after decompression; larger files are rejected with that reason. Bytes. */
export const MAXIMUM_FILE_BYTES = 2 * 1024 * 1024 * 1024;

/** The same when records are written as Parquet, which takes two to three times the processor time. Bytes. */
export const MAXIMUM_PARQUET_FILE_BYTES = 1024 * 1024 * 1024;

/** One function compares the primary keys of at most this many records; files with more are rejected with that reason. */
export const MAXIMUM_KEYS = 2 ** 25;

/** Rules about duplicates beside the primary key, each of which has keys to compare; those share the limit above. */
export const MAXIMUM_DUPLICATE_RULES = 4;

/** Scratch space that the validating function needs for that many keys: 20 bytes each, twice while it merges. Mebibytes. */
export const INTAKE_SCRATCH_MEBIBYTES = 2048;

/**
 * Where the steps of splitting leave what they have for each other, in the validated zone; it is deleted after a day. No dataset's name starts
 * with an underscore.
 */
export const SPLIT_PARTS = '_splits';

/** Steps of splitting a file: what the state machine asks its function for. */
export const SPLIT_STEP = { plan: 'plan', digest: 'digest', scan: 'scan', order: 'order', write: 'write', merge: 'merge' } as const;

/** Times of splitting a file, seconds. The lease outlives the execution, so that nobody takes a file that is at work. */
export const SPLIT_SECONDS = { functionTimeout: 900, execution: 1800, lease: 1860 } as const;

/** Larger files are not split either: one function reads all of a file for its digest. Bytes. */
export const MAXIMUM_SPLIT_BYTES = 16 * 1024 * 1024 * 1024;

/** Records that a file which is split has at most: their ordinals are 32 bits. */
export const MAXIMUM_SPLIT_RECORDS = 2 ** 32 - 1;

/** Primary keys that one function compares when it has them in sorted files, 20 bytes each. */
export const MAXIMUM_SPLIT_KEYS = 2 ** 28;

/** Scratch space for that, and 8 bytes for each key that is a duplicate. Mebibytes. */
export const SPLIT_SCRATCH_MEBIBYTES = 8192;
