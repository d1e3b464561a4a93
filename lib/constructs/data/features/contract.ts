/** Names and shapes that feature constructs, both engines, their handlers and tests share. This file imports nothing. */

/** What a rolling aggregate makes of the values in its window. */
export const AGGREGATE_FUNCTIONS = ['mean', 'sum', 'count', 'min', 'max'] as const;

/**
 * A moment that a record names: a timestamp column, moved by columns of whole minutes, one after the other. A record that lacks one of them has no
 * such moment, and neither has one that a step leads further than 8.64e15 milliseconds from 1970 (`runtime/shared/moments.ts`).
 */
export interface MomentDefinition {
  readonly column: string;
  readonly plusMinutes: readonly string[];
}

/**
 * A rolling aggregate as data: what the Python engine of training (`jobs/rolling_aggregate.py`) and the TypeScript engine of serving
 * (`runtime/features/core.ts`) are both given.
 *
 * Its value for an entity at a moment t is the function of `value` over the records of that entity whose event time lies in
 * (t - window, t]. For a row of training data t is `asOf` less `leadSeconds`; for a request it is the request's `event_time` less
 * `leadSeconds`, so `asOf` names the columns that say what a request gives as its `event_time`.
 */
export interface AggregateDefinition {
  /** Column in training data and input of the model. */
  readonly name: string;
  readonly dataset: string;
  /** Columns of the record, and inputs of a request, that say whose records count. */
  readonly entity: readonly string[];
  /** Those of them that are integers: each names one entity in every spelling of its number, such as `7`, `7.0` and `70e-1` of JSON. Absent for none. */
  readonly integers?: readonly string[];
  readonly function: (typeof AGGREGATE_FUNCTIONS)[number];
  /** Column with the number; absent for `count`. A record without a value does not count. */
  readonly value?: string;
  readonly windowSeconds: number;
  readonly eventTime: MomentDefinition;
  readonly asOf: MomentDefinition;
  readonly leadSeconds: number;
  /** Texts that mean no value in the records of the dataset, as its contract says; the empty text always does. */
  readonly nullTokens: readonly string[];
  /**
   * Of JSON Lines the numbers that mean no value: an intake compares null tokens with the text that ECMAScript gives a number, so `-9.0` is `-9`, while
   * training reads the digits that were sent. Absent for CSV, where the text is what was sent.
   */
  readonly nullNumbers?: readonly number[];
}

/** The table of online values: one item per feature and record, in the partition of its entity. */
export const FEATURES = {
  /** Partition key: `<feature>#<entity>`. */
  key: 'pk',
  /** Sort key: the record's primary key, hashed. A record that comes again meets its own item. */
  record: 'record',
  /** Local index of the same partition by event time. Records that were corrected to have no value are not in it. */
  timeIndex: 'by-time',
  /** Event time, milliseconds since 1970. */
  time: 'time',
  /** The number as text: a number of Amazon DynamoDB is decimal and does not hold every double. */
  value: 'value',
  /** Which of two versions of a record is the newer one; compared as text. */
  order: 'order',
  /** Seconds since 1970 after which the item may go. */
  expires: 'expires',
} as const;

/** Environment variables of handlers that read or write features. */
export const FEATURE_ENV = {
  table: 'FEATURE_TABLE',
  definitions: 'FEATURES',
  keepSeconds: 'FEATURE_KEEP_SECONDS',
  timeoutMs: 'FEATURE_TIMEOUT_MS',
} as const;

/** Metrics of what writes features, under the dimension `Intake`. Units: Count, except where the name says otherwise. */
export const FEATURE_METRIC = {
  /** Records, by feature, that count from now on: new ones and corrections. */
  counted: 'FeatureRecordsCounted',
  /** Records, by feature, that came later than the store keeps: no read covers them any more. */
  late: 'FeatureRecordsLate',
  /** Records, by feature, that no engine can read although they keep the contract, and those whose event time is beyond what a date can say. */
  refused: 'FeatureRecordsRefused',
  /** From the arrival of a record in the stream until it counts; of a batch the longest. Milliseconds. */
  milliseconds: 'MillisecondsToFeature',
} as const;
