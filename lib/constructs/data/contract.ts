/** Names and shapes that the data constructs, their handlers and their tests share. This file imports nothing. */

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
  /** How long a file may take until it is reported. */
  latencySeconds: 'LATENCY_SECONDS',
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
  /** One item: the withdrawal that is under way, or was the last one. */
  withdrawing: 'withdrawing',
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
