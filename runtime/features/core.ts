import { createHash } from 'node:crypto';
import type { AggregateDefinition, MomentDefinition } from '../../lib/constructs/data/features/contract';
import { movedBy } from '../shared/moments';
import { numberText } from '../stream/number-text';

/** A valid record, or the inputs of a request, by name. No value is null, absent, the empty text or a null token of the contract. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a record says to a feature. Times are milliseconds since 1970. */
export interface Observation {
  entity: string;
  time: number;
  value: number;
}

/** Event times after `after` and up to `until` count. */
export interface Window {
  after: number;
  until: number;
}

/** Undefined when the record has no event time or no value: then it counts nowhere. Errors: a text that is no timestamp or no number. */
export function observationOf(definition: AggregateDefinition, fields: Fields): Observation | undefined {
  const moment = momentOf(definition, definition.eventTime, fields);
  const time = Number.isNaN(moment) ? undefined : moment;
  const value = definition.value === undefined ? 1 : numberOf(definition, definition.value, fields);
  const entity = entityOf(definition, fields);
  return time === undefined || value === undefined || entity === undefined ? undefined : { entity, time, value };
}

/** Whether a record says all that its event time is made of, and that is none that there is: it counts nowhere, as one without an event time. */
export function isBeyondTime(definition: AggregateDefinition, fields: Fields): boolean {
  return Number.isNaN(momentOf(definition, definition.eventTime, fields));
}

/** Whose records count: the values as a JSON list of texts, integers in one spelling. Undefined when one is missing. */
export function entityOf(definition: AggregateDefinition, fields: Fields): string | undefined {
  const { entity, integers = [] } = definition;
  const texts = entity.map((name) => {
    const text = textOf(definition, fields[name]);
    return integers.includes(name) ? numberText('integer', text) : text;
  });
  return texts.includes('') ? undefined : JSON.stringify(texts);
}

/** What a request whose event is at `eventTime` sees. */
export function windowOf({ windowSeconds, leadSeconds }: AggregateDefinition, eventTime: number): Window {
  const until = eventTime - leadSeconds * 1000;
  return { after: until - windowSeconds * 1000, until };
}

/**
 * The function of the values in a window; null when there is nothing to make it of, or when it is beyond what a double holds.
 *
 * Sums add the values from the smallest to the largest, one after the other: the order in which records came makes no difference, and the
 * Python engine does the same operations, so both give the same bits.
 */
export function aggregated(name: AggregateDefinition['function'], values: readonly number[]): number | null {
  if (name === 'count') {
    return values.length;
  }
  if (values.length === 0) {
    return null;
  }
  const sorted = [...values].sort((a, b) => a - b);
  const total = () => sorted.reduce((sum, value) => sum + value, 0);
  const result = { min: () => sorted[0], max: () => sorted[sorted.length - 1], sum: total, mean: () => total() / sorted.length }[name]();
  // Minus zero and zero are one number to a sort, so which of them comes first would depend on who sorted.
  return Number.isFinite(result) ? result + 0 : null;
}

/** The moment in milliseconds since 1970; fractions beyond them are cut. Undefined when one of its columns has no value, NaN beyond what a `Date` says. */
function momentOf(definition: AggregateDefinition, { column, plusMinutes }: MomentDefinition, fields: Fields): number | undefined {
  const text = textOf(definition, fields[column]);
  const minutes = plusMinutes.map((name) => numberOf(definition, name, fields));
  if (text === '' || minutes.includes(undefined)) {
    return undefined;
  }
  return movedBy(timestamp(column, text), minutes as number[]);
}

/** The lexical form of timestamps in a data contract. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d)(?::?(\d\d))?)$/;

function timestamp(column: string, text: string): number {
  const parts = TIMESTAMP.exec(text);
  if (parts === null) {
    throw new Error(
      `InvalidMoment: '${column}' is '${text.slice(0, 40)}', not a timestamp: the feature needs records that fulfil the contract`,
    );
  }
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number);
  const offset = parts[8] === undefined ? 0 : (parts[8] === '-' ? -1 : 1) * (Number(parts[9]) * 60 + Number(parts[10] ?? 0));
  // Not Date.UTC: that reads the years 0 to 99 as 1900 to 1999.
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day);
  return midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
}

function numberOf(definition: AggregateDefinition, column: string, fields: Fields): number | undefined {
  const text = textOf(definition, fields[column]);
  if (text === '') {
    return undefined;
  }
  const value = Number(text);
  if (!Number.isFinite(value)) {
    throw new Error(
      `InvalidValue: '${column}' is '${text.slice(0, 40)}', not a number: the feature needs records that fulfil the contract`,
    );
  }
  return value;
}

/** The empty text for no value. */
function textOf({ nullTokens }: Pick<AggregateDefinition, 'nullTokens'>, value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value as string | number | boolean);
  return nullTokens.includes(text) ? '' : text;
}

/** Partition of an entity's records. A longer text than this is hashed: a partition key has at most 2,048 bytes. */
export function partitionOf(feature: string, entity: string): string {
  return `${feature}#${Buffer.byteLength(entity) <= 512 ? entity : createHash('sha256').update(entity).digest('hex')}`;
}
