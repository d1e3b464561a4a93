/** What a data contract compiles to: what the validator, the judges of files and their tests read. This file imports nothing. */

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
  /** Seconds until a file is final after which its owner is told. */
  readonly latencySeconds?: number;
  /** Valid records that must come in any period of so many hours. */
  readonly throughput?: { readonly rows: number; readonly hours: number };
}
