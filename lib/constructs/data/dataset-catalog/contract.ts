/** Shapes of dataset versions that the catalogue, its builder and their tests share. This file imports nothing. */

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

/** Days in UTC from `from` to before `until`, in the order of their texts, and the records on them. */
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
