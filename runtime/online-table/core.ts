import { OnlineSpec } from '../../lib/constructs/data/online-table/contract';
import { movedBy } from '../shared/moments';
import { StreamRecord } from '../stream/batch';
import { EntityKey } from '../stream/entity-key';

/** What the table holds of an entity: its newest record by event time. */
export interface OnlineItem {
  /** The entity: values of its columns as a JSON array of texts. */
  pk: string;
  /** Of the record, milliseconds since 1970 in UTC. */
  eventTime: number;
  /** Order of records with the same event time: the sequence number, led by its number of digits so that texts compare as numbers. */
  position: string;
  /** When the stream took the record, ISO 8601. */
  arrivedAt: string;
  /** Columns of the record as JSON: a number of Amazon DynamoDB has a smaller range than one of JSON. */
  columns: string;
  /** When Amazon DynamoDB may remove it, seconds since 1970. */
  expiresAt: number;
}

/** A partition key has at most 2,048 bytes, an item 400 KB (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html). */
const KEY_BYTES = 2048;
const COLUMNS_BYTES = 390 * 1024;

/** When what a record tells of happened; undefined when one of the columns has no value, or when that is beyond what a `Date` says. */
export function eventTimeOf(
  record: Record<string, unknown>,
  { eventTime, plusMinutes }: Pick<OnlineSpec, 'eventTime' | 'plusMinutes'>,
  nullTokens: readonly string[],
): number | undefined {
  const minutes = plusMinutes.map((name) => record[name]);
  const start = record[eventTime];
  const isValue = (value: unknown) => !nullTokens.includes(String(value));
  if (typeof start !== 'string' || !isValue(start) || !minutes.every((value) => typeof value === 'number' && isValue(value))) {
    return undefined;
  }
  // Offsets as a contract allows them (+02, +0200, +02:00) in the one form that every ECMAScript engine reads.
  const time = Date.parse(start.replace(/(T.*[+-]\d\d):?(\d\d)?$/, (_, hours: string, rest = '00') => `${hours}:${rest}`));
  const moment = movedBy(time, minutes as number[]);
  return Number.isNaN(moment) ? undefined : Math.round(moment);
}

/** The item of a record that keeps the contract, or why it has none. */
export function itemOf(
  record: Record<string, unknown>,
  { sequence, arrived }: StreamRecord,
  spec: OnlineSpec,
  key: EntityKey,
  nullTokens: readonly string[],
): OnlineItem | string {
  const eventTime = eventTimeOf(record, spec, nullTokens);
  if (eventTime === undefined) {
    return 'it has no event time';
  }
  if (eventTime > arrived.getTime() + spec.aheadSeconds * 1000) {
    return 'its event time is too far ahead of its arrival';
  }
  const pk = key.of(record)!; // no column of a record that keeps the contract is nested
  const columns = JSON.stringify(Object.fromEntries(spec.columns.map((name) => [name, Object.hasOwn(record, name) ? record[name] : null])));
  if (Buffer.byteLength(pk) > KEY_BYTES || Buffer.byteLength(columns) > COLUMNS_BYTES) {
    return 'it is larger than an item of the table';
  }
  return {
    pk,
    eventTime,
    position: String(sequence.length).padStart(3, '0') + sequence,
    arrivedAt: arrived.toISOString(),
    columns,
    expiresAt: Math.ceil(arrived.getTime() / 1000) + spec.keepSeconds,
  };
}

/** Of each entity the newest item, so that a batch costs one write for each. */
export function newestOf(items: readonly OnlineItem[]): OnlineItem[] {
  const newest = new Map<string, OnlineItem>();
  for (const item of items) {
    const other = newest.get(item.pk);
    if (other === undefined || isNewer(item, other)) {
      newest.set(item.pk, item);
    }
  }
  return [...newest.values()];
}

const isNewer = (a: OnlineItem, b: OnlineItem) => (a.eventTime === b.eventTime ? a.position > b.position : a.eventTime > b.eventTime);
