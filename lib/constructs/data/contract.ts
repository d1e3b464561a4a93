/** Names and shapes that the data constructs, their handlers and their tests share. This file imports nothing. */

/** Type of a column's values, named as in the Open Data Contract Standard. */
export type ColumnType = 'string' | 'integer' | 'number' | 'boolean' | 'date' | 'timestamp';

/** What a column's values must be. */
export interface CompiledColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** No null token and no empty field. */
  readonly required: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Unanchored ECMAScript pattern. */
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** The only values. */
  readonly allowed?: readonly string[];
  /** Texts that count as no value although they are no null token: a record with one is refused. */
  readonly missing?: readonly string[];
}

/** How a file rule compares, named as in the standard. Both bounds of `Between` are outside of it. */
export const OPERATORS = [
  'mustBe',
  'mustNotBe',
  'mustBeGreaterThan',
  'mustBeGreaterOrEqualTo',
  'mustBeLessThan',
  'mustBeLessOrEqualTo',
  'mustBeBetween',
  'mustNotBeBetween',
] as const;
export type Operator = (typeof OPERATORS)[number];

/** A comparison of one count, or of its share of the valid records. */
export interface Comparison {
  readonly unit: 'rows' | 'percent';
  readonly operator: Operator;
  /** One number; two for `Between`. */
  readonly limits: readonly number[];
}

/** A rule that judges a file by a count over its valid records (docs/contract-semantics.md). */
export interface FileRule extends Comparison {
  /** Place of the rule in its contract; what it counts is kept under this name. */
  readonly path: string;
  readonly metric: 'nullValues' | 'missingValues' | 'invalidValues' | 'duplicateValues' | 'rowCount';
  /** What is looked at: several for duplicates of a combination, none for rows. */
  readonly columns: readonly string[];
  /** Of missing values: the texts that count as missing beside no value. */
  readonly missing?: readonly string[];
  /** Of invalid values: the only valid ones, and the pattern that they must match. */
  readonly allowed?: readonly string[];
  readonly pattern?: string;
}

/** Whether a number of rows, or of percent, is as a rule wants it. */
export function holds({ operator, limits: [a, b] }: Comparison, value: number): boolean {
  switch (operator) {
    case 'mustBe':
      return value === a;
    case 'mustNotBe':
      return value !== a;
    case 'mustBeGreaterThan':
      return value > a;
    case 'mustBeGreaterOrEqualTo':
      return value >= a;
    case 'mustBeLessThan':
      return value < a;
    case 'mustBeLessOrEqualTo':
      return value <= a;
    case 'mustBeBetween':
      return value > a && value < b;
    case 'mustNotBeBetween':
      return value <= a || value >= b;
  }
}

/** A data contract as the validator reads it. */
export interface CompiledContract {
  readonly dataset: string;
  readonly version: string;
  readonly format: 'csv' | 'jsonl';
  readonly columns: readonly CompiledColumn[];
  /** Texts that mean no value; the empty field always does. */
  readonly nullTokens: readonly string[];
  /** False: no field holds a newline, so that each newline ends a record. Absent: a quoted field of CSV may hold some. */
  readonly newlinesQuoted?: boolean;
  /** Columns that identify a record; empty when the contract names none. */
  readonly primaryKey: readonly string[];
  /** What is asked of a file as a whole; left out when nothing is. */
  readonly fileRules?: readonly FileRule[];
}

/** The limits of a contract's alarms: they judge no record, so the validator does not read them. */
export interface CompiledLimits {
  /** Share of a file's records in quarantine above which its owner is told. */
  readonly maxQuarantinePercent?: number;
  /** Hours without an accepted file after which its owner is told. */
  readonly freshnessHours?: number;
  /** Seconds that a file may wait for its validation. */
  readonly latencySeconds?: number;
  /** Valid records that must come in any period of so many hours. */
  readonly throughput?: { readonly rows: number; readonly hours: number };
}

/** How versions of a dataset are divided into training, validation and test data by the time of their events. */
export interface DatasetSplit {
  /** A date or a timestamp, or year, month and day. */
  readonly eventTime: readonly string[];
  /** Whole days before validation and test that are left out, because their labels were not known yet. */
  readonly gapDays: number;
  /** Test is the newest closed months, validation those before; a month is closed when the data reaches its last day. */
  readonly closedMonths?: { readonly validation: number; readonly test: number };
  /** Otherwise: first day of each, `yyyy-MM-dd`. */
  readonly from?: { readonly validation: string; readonly test: string };
}

/** Days in UTC from `from` to before `until`, and the records on them. */
export interface Period {
  readonly from: string;
  readonly until: string;
  readonly rows: number;
}

/** How a dataset version is divided by event time, or why it cannot be. Every record that counts is in exactly one of the five. */
export interface Split extends DatasetSplit {
  /** `Code: what is wrong, what to do`; then there are no periods. */
  readonly problem?: string;
  readonly train?: Period;
  readonly validation?: Period;
  readonly test?: Period;
  /** Records of the days before validation and before test whose labels were not known yet when the period behind them began. */
  readonly gap?: number;
  /** Records behind the test period. */
  readonly open?: number;
}

/**
 * One column of a dataset version, as a line of the statistics beside its manifest. Everything is counted; nothing is sampled or rounded. What it has beside the first four depends on its type; there is none of it when no record has a value, or when the column holds personal data. */
export interface ColumnStatistics {
  readonly name: string;
  readonly type: string;
  /** Records with a value and without one. */
  readonly values: number;
  readonly nulls: number;
  /** Values that have not the form of the type, because an older contract let them pass; only when there are some. Nothing else counts them. */
  readonly unreadable?: number;
  /** Numbers: smallest, largest, sum (integers only, decimal digits) and `[bound, count]` of each bin that has some. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly sum?: string;
  readonly histogram?: [number, number][];
  /** Booleans. */
  readonly true?: number;
  readonly false?: number;
  /** Dates and timestamps: first and last day in UTC, and `[month, count]`. */
  readonly first?: string;
  readonly last?: string;
  readonly months?: [string, number][];
  /** Texts: lengths in characters; `[text, count]` of each text when there are at most 256 and none is longer than 64 characters. */
  readonly shortest?: number;
  readonly longest?: number;
  readonly categories?: [string, number][];
}

/** What the dataset builder is told of a dataset. */
export interface DatasetEntry {
  readonly ledger: string;
  /** Key of its contract, in the bucket of contracts. */
  readonly contract: string;
  readonly split?: DatasetSplit;
  /** Columns with personal data. How a column is classified judges no record, so the contract that is read does not say it. */
  readonly personalData?: readonly string[];
  /** Hash of its contract, when its versions get an object for queries: the table has the columns of that contract. */
  readonly query?: string;
}

/** Objects for queries lie at `datasets/<dataset>/<folder>/<partition>=<id>/`. */
export const QUERY_FILES = { folder: 'query', partition: 'dataset_version' } as const;

/** Format of a validated object. */
export type ObjectFormat = CompiledContract['format'] | 'parquet';

/** Name of a validated object below its attempt, by its format: whoever reads it tells the format by that. */
export const VALIDATED_NAME: Readonly<Record<ObjectFormat, string>> = {
  csv: 'records.csv.gz',
  jsonl: 'records.jsonl.gz',
  parquet: 'records.parquet',
};

/** What an intake writes accepted records as: the format that it receives, or Apache Parquet. */
export const VALIDATED_FORMAT = { asReceived: 'as-received', parquet: 'parquet' } as const;

/** Environment variables of the handlers. */
export const DATA_ENV = {
  contractBucket: 'CONTRACT_BUCKET',
  contractKey: 'CONTRACT_KEY',
  contractHash: 'CONTRACT_HASH',
  dataset: 'DATASET',
  intake: 'INTAKE_NAME',
  ledger: 'LEDGER_TABLE',
  rawBucket: 'RAW_BUCKET',
  validatedBucket: 'VALIDATED_BUCKET',
  quarantineBucket: 'QUARANTINE_BUCKET',
  validatedFormat: 'VALIDATED_FORMAT',
  queueUrl: 'QUEUE_URL',
  deadLetterUrl: 'DEAD_LETTER_URL',
  eventBus: 'EVENT_BUS',
  catalogue: 'CATALOGUE_TABLE',
  datasets: 'DATASETS',
  onlineTable: 'ONLINE_TABLE',
  onlineSpec: 'ONLINE_SPEC',
  /** Hours over which valid records are counted for the contract's throughput; absent without one. */
  throughputHours: 'THROUGHPUT_HOURS',
  splitMachine: 'SPLIT_MACHINE',
  splitAbove: 'SPLIT_ABOVE_BYTES',
  rangeBytes: 'RANGE_BYTES',
} as const;

/**
 * Whether a sequencer of Amazon S3 is later than another of the same key. They are hexadecimal of different lengths: the shorter one is padded
 * with zeros on the right (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
 */
export function isLater(a: string, b: string): boolean {
  const length = Math.max(a.length, b.length);
  return a.padEnd(length, '0') > b.padEnd(length, '0');
}

/** Partition key of the ledger and of the catalogue, and the prefixes of the ledger's kinds of item. */
export const LEDGER = {
  key: 'pk',
  /** One per object version: `object#<key>#<version id>`. */
  object: 'object#',
  /** One per content: `content#<SHA-256>`; says which object version stands for these bytes. */
  content: 'content#',
  /** One per key: `head#<key>`; says which object version is current. */
  head: 'head#',
  /** One item: `last` is the last withdrawal. Whoever publishes a dataset makes sure that it is still the one that he saw first. */
  withdrawals: 'withdrawals',
  /** One per shard of a stream: `shard#<stream>#<shard>`; says how far its records have been landed. */
  shard: 'shard#',
  /** One item: the freeze that is on, or was the last one. */
  freeze: 'freeze',
  /** One item: the operation that is under way, or was the last one. */
  operation: 'operation',
} as const;

/**
 * A time in which something is not begun. Whoever would begin it compares the end with the clock, so that it ends by itself and nobody has to remember it.
 * The same item may stand in the table of anything that can be frozen.
 */
export interface Freeze {
  /** Name of this freeze, and of the folder of its report. */
  readonly freeze: string;
  /** ISO 8601. */
  readonly since: string;
  readonly until: string;
  readonly by: string;
  readonly reason: string;
  /** When it was over, and who said so: a person before its time, or the janitor. */
  readonly endedAt?: string;
  readonly endedBy?: string;
  readonly endReason?: string;
}

export const isFrozen = (freeze: Freeze | undefined, now: Date): boolean =>
  freeze !== undefined && freeze.endedAt === undefined && now.getTime() < Date.parse(freeze.until);

/** Milliseconds since 1970 at which work began again, or will; undefined when it was never stopped. */
export const thawOf = (freeze: Freeze | undefined): number | undefined =>
  freeze && Math.min(Date.parse(freeze.until), Date.parse(freeze.endedAt ?? freeze.until));

/** Longest freeze, in hours. Raw objects wait in their bucket, and their messages anew each time, so only patience limits it. */
export const MAXIMUM_FREEZE_HOURS = 168;

/** A message that comes during a freeze is put back for so many seconds, or until its end. */
export const FREEZE_PAUSE_SECONDS = 300;

/** Folder of a dataset in the validated zone in which operations leave their reports. */
export const OPERATIONS_FOLDER = 'operations';

/** Where an operation leaves its report, `<dataset>/operations/<id>/report.json`; beside it lies what it names. */
export const reportKey = (dataset: string, id: string): string => `${dataset}/${OPERATIONS_FOLDER}/${id}/report.json`;

/** Folder of a dataset in the raw zone that only the landing of its stream writes into. Its objects hold one record of the stream on each line. */
export const STREAM_FOLDER = 'stream';

/** What a row, the item of its content or a dataset version says when it was withdrawn; there is no way back. */
export interface Withdrawal {
  /** Which withdrawal it was: the name of its report. */
  readonly withdrawal: string;
  /** ISO 8601. */
  readonly withdrawnAt: string;
  readonly withdrawnBy: string;
  readonly withdrawnReason: string;
}

/** What an online table keeps of a stream: the newest record, by event time, of each entity. */
export interface OnlineSpec {
  /** Columns that name the entity. */
  readonly entity: readonly string[];
  /** Column of the event time, a timestamp or a date, and numeric columns of minutes that are added to it. */
  readonly eventTime: string;
  readonly plusMinutes: readonly string[];
  /** Columns that the table holds. */
  readonly columns: readonly string[];
  /** Time that an entity is kept after its newest record arrived. */
  readonly keepSeconds: number;
}

/** What a person may let an intake do. */
export const INTAKE_OPERATION = { redrive: 'redrive', revalidate: 'revalidate', rerun: 'rerun' } as const;

/** States of an object version. It ends in one of the last two. */
export const FILE_STATE = { received: 'received', validating: 'validating', accounted: 'accounted', rejected: 'rejected' } as const;

/** Event types on the bus. */
export const DATA_EVENT = {
  source: 'ai-workloads',
  accounted: 'File Accounted',
  rejected: 'File Rejected',
  withdrawn: 'File Withdrawn',
  frozen: 'Intake Frozen',
  thawed: 'Intake Thawed',
  published: 'Dataset Published',
} as const;

/** Namespace and dimension of the metrics below. Its value is the name of the intake: stages in one account may hold equal datasets. */
export const DATA_METRICS = { namespace: 'AiWorkloads', dimension: 'Intake' } as const;

/** Metrics. Units: Count, Percent or Hours (published without a unit) where the name says so. */
export const DATA_METRIC = {
  rowsRead: 'RowsRead',
  rowsValid: 'RowsValid',
  rowsQuarantined: 'RowsQuarantined',
  /** Of one file. */
  quarantinePercent: 'QuarantinePercent',
  filesAccounted: 'FilesAccounted',
  filesRejected: 'FilesRejected',
  /** Object versions without a final row for longer than the limit. */
  filesUnaccounted: 'FilesUnaccounted',
  /** Since a file brought records; before the first one, since the ledger was made. */
  hoursSinceFile: 'HoursSinceFile',
  /** Records of a stream that were landed in the raw zone, each once. */
  recordsLanded: 'RecordsLanded',
  /** Records of a stream that keep the contract and have an event time: the online table knows them, or a newer one. */
  recordsOnline: 'RecordsOnline',
  /** Records of a stream that the online table does not take: refused by the contract, without event time, or too large. */
  recordsNotOnline: 'RecordsNotOnline',
  /** From the arrival of a record in the stream until the online table has it; of a batch the longest. Milliseconds. */
  millisecondsToOnline: 'MillisecondsToOnline',
  /** Valid records of the period of the contract's throughput, up to now; nothing before the ledger is that old. */
  validRowsOfPeriod: 'ValidRowsOfPeriod',
} as const;

/** Times of the intake, seconds. Six function times must fit into the visibility timeout. */
export const INTAKE_SECONDS = {
  functionTimeout: 120,
  visibility: 720,
  /** A little more than the function can live, so that a lease never outlives a running owner. */
  lease: 150,
  /** An object version without a final row for longer than this is reported. */
  unaccounted: 1200,
} as const;

/** A record longer than this is quarantined, and reading goes on at the next newline. Bytes. */
export const MAXIMUM_RECORD_BYTES = 1024 * 1024;

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
