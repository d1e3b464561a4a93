import { STREAM_FOLDER } from '../../lib/constructs/data/contract';
import { Batch, StreamRecord } from '../stream/batch';

/**
 * Key of the object that follows a position of a shard. Only one object can, because none is ever replaced: so the objects of a shard are a
 * chain without gaps or overlaps, whoever adds to it.
 */
export function chainKey(dataset: string, { stream, shard }: Batch, after: string | undefined): string {
  return `${dataset}/${STREAM_FOLDER}/${stream}/${shard}/${after === undefined ? 'start' : `after-${after}`}.jsonl`;
}

/** A record, and the primary key of one that keeps the contract. */
export interface KeyedRecord extends StreamRecord {
  primaryKey?: string;
}

/**
 * The records up to the first whose primary key was there before. In one object the second would be refused, in two the newer counts: which of
 * them it is must not depend on how the stream was cut into batches.
 */
export function untilRepeatedKey(records: readonly KeyedRecord[]): readonly KeyedRecord[] {
  const seen = new Set<string>();
  const repeated = records.findIndex(({ primaryKey }) => {
    const again = primaryKey !== undefined && seen.has(primaryKey);
    seen.add(primaryKey ?? '');
    return again;
  });
  return repeated < 0 ? records : records.slice(0, repeated);
}
