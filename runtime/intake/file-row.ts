import { FILE_STATE, Withdrawal } from '../../lib/constructs/data/contract';
import type { Output } from './object-output';
import type { Judgement, Rejudged } from './rejudged';
import type { Counts } from './validator';

/** A row of the ledger: one object version. */
export interface FileRow extends Partial<Withdrawal> {
  pk: string;
  key: string;
  versionId: string;
  sequencer: string;
  state: (typeof FILE_STATE)[keyof typeof FILE_STATE];
  receivedAt: string;
  attempt?: string;
  attempts?: number;
  leaseUntil?: number;
  /**
   * Of the message that brought it: how often it was received, and when last, in epoch seconds. Absent when it does not come back: the row is final,
   * or the file was handed over.
   */
  receives?: number;
  receivedLast?: number;
  /** When the janitor found its message in the dead-letter queue, or put it there; epoch seconds. */
  deadLetteredAt?: number;
  /** When the janitor sent it again; epoch seconds. */
  resubmittedAt?: number;
  /** When it got its time anew: a final row was taken up again, or a dead letter replayed; epoch seconds. */
  resumedAt?: number;
  accountedAt?: string;
  contentSha256?: string;
  contentBytes?: number;
  counts?: Counts;
  validated?: Output;
  quarantine?: Output;
  validator?: string;
  contract?: string;
  /** Key of the row that stands for the same bytes; then this row has no records of its own. */
  duplicateOf?: string;
  /** Key of the row that replaced this one; its records no longer count. */
  supersededBy?: string;
  /** Present when it stood for its content at some time: how many rows had before, plus one. The last one is named by the content's item. */
  stands?: number;
  /** How often a final row was taken up again: a duplicate whose original was superseded, a file that is judged again. */
  reopened?: number;
  reason?: string;
  /** Which records of a stream the object holds; absent for files. */
  batch?: BatchRange;
  /** The last time that the file was judged again; `accountedAt` stays the time of its arrival. */
  rejudged?: Rejudged;
  /** Results that newer ones replaced, the oldest first; at most the last ten, all of them have their commit record. */
  earlier?: Judgement[];
}

/** Consecutive records of one shard of a stream, by the sequence numbers of the first and the last. */
export interface BatchRange {
  stream: string;
  shard: string;
  first: string;
  last: string;
  records: number;
}

/** Why a file is rejected whose bytes nobody can read any more. */
export const GONE =
  'gone: the object version was deleted before it was read: send the file again under its key, and delete no raw version before it is accounted or rejected';

/** Why an attempt rejects the file as a whole. */
export interface Rejection {
  reason: string;
  contentBytes?: number;
  validator: string;
  contract: string;
}

/** What an attempt found, to be committed. */
export interface Result {
  contentSha256: string;
  contentBytes: number;
  counts: Counts;
  validated: Output;
  quarantine: Output;
  validator: string;
  contract: string;
}
