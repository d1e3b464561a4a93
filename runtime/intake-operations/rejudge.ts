import { randomUUID } from 'node:crypto';
import { INTAKE_OPERATION } from '../../lib/constructs/data/data-intake/contract';
import { AttemptOptions, processFile } from '../intake/attempt';
import type { ObjectVersion } from '../intake/core';
import type { FileRow, Rejection, Result } from '../intake/file-row';
import type { Output } from '../intake/object-output';
import type { Entry } from '../operation/core';
import type { IntakeRun } from './core';
import { remembered, RejudgeLedger } from './ledger';
import { readQuarantine, RecordSet } from './record-set';

/** Moments at which a test may kill a re-judgement. Production passes nothing. */
export type RejudgeCheckpoint = 'quarantine read' | 'judged' | 'committed';

export interface RejudgeOptions extends Omit<AttemptOptions, 'ledger' | 'refused' | 'splitter'> {
  rows: RejudgeLedger;
  rawBucket: string;
  reached?: (checkpoint: RejudgeCheckpoint) => void | Promise<void>;
}

/**
 * Judges an accounted file again, from the bytes of its pinned raw version, and lets the new result replace the old one in one conditional
 * write. Whatever dies before that leaves objects that no row names; whoever comes second changes nothing. The file keeps its result, and
 * the entry says why, when
 * - the contract rejects it as a whole, or its bytes are gone: an operation takes no file out of the books,
 * - it would have another number of records: then records of the two results are not the same ones,
 * - records that were valid are not any more, and a revalidation was asked for.
 */
export async function rejudgeFile(row: FileRow, run: IntakeRun, options: RejudgeOptions): Promise<Entry> {
  const attempt = randomUUID();
  // There is no splitter, so nothing is handed over.
  return settle(
    row,
    run,
    attempt,
    options,
    async (refused) => (await processFile(objectOf(row, options), attempt, { ...options, refused }))!,
  );
}

export function objectOf({ key, versionId, sequencer }: FileRow, { rawBucket }: Pick<RejudgeOptions, 'rawBucket'>): ObjectVersion {
  return { bucket: rawBucket, key, versionId, sequencer };
}

/** Lets what `judge` finds replace the result of a row, unless there is a reason against it. `judge` calls `refused` with each record that goes to quarantine. */
export async function settle(
  row: FileRow,
  { id, request }: IntakeRun,
  attempt: string,
  options: RejudgeOptions,
  judge: (refused: (record: number) => void) => Promise<Result | Rejection>,
): Promise<Entry> {
  const [counts, quarantine] = [row.counts!, row.quarantine!];
  const before = counts.quarantined === 0 ? new RecordSet() : await readQuarantine(options.s3, options.quarantineBucket, quarantine);
  if (before === undefined) {
    return failed(row, lostQuarantine(quarantine));
  }
  await options.reached?.('quarantine read');
  const refused = { old: 0, new: 0 };
  const found = await judge((record) => (before.has(record) ? refused.old++ : refused.new++));
  await options.reached?.('judged');
  const problem = problemOf(row, found, refused.new, request.operation);
  if (problem !== undefined) {
    return failed(row, problem);
  }
  const result = found as Result;
  const rejudged = { operation: id, at: options.rows.time(), released: before.size - refused.old, refused: refused.new };
  if (!(await options.rows.supersede(row, attempt, result, rejudged))) {
    // A step that was given up and went on may have been faster than the one that took its place.
    const now = (await options.rows.get(row.pk))!;
    return now.rejudged?.operation === id ? entryOf(now) : { outcome: 'changed meanwhile', key: row.key, versionId: row.versionId };
  }
  await options.reached?.('committed');
  return entryOf({ ...row, counts: result.counts, rejudged, earlier: remembered(row) });
}

/** What became of a row that was judged again: read = valid before - refused + released + quarantined. */
export function entryOf({ key, versionId, counts, rejudged, earlier }: FileRow): Entry {
  const { released, refused } = rejudged!;
  const { read, valid, quarantined } = counts!;
  const before = earlier!.at(-1)!;
  return { outcome: 'judged', key, versionId, read, validBefore: before.counts.valid, released, refused, valid, quarantined };
}

export const failed = ({ key, versionId }: FileRow, why: string): Entry => ({ outcome: 'failed', key, versionId, why });

/** The same bytes again would be a duplicate, and blank lines are no records. */
const AGAIN = 'send the file again under its key with one more newline at its end, which supersedes this version';

const lostQuarantine = ({ key, versionId }: Pick<Output, 'key' | 'versionId'>): string =>
  `what was in quarantine is gone (${key}, version ${versionId}), so nobody could say what was released: it keeps its result; ${AGAIN}`;

/** Why a file that was accounted for keeps its result although the contract rejects it. */
export const rejection = (reason: string): string =>
  `the contract would reject it: ${reason}: it keeps its result; send a file that fits under its key, or withdraw it`;

function problemOf(row: FileRow, found: Result | Rejection, lost: number, operation: string): string | undefined {
  if ('reason' in found) {
    return rejection(found.reason);
  }
  if (found.contentSha256 !== row.contentSha256) {
    return `its raw version has the SHA-256 ${found.contentSha256}, and the bytes that were judged ${row.contentSha256}: a version never changes, so the raw zone or the ledger was tampered with: it keeps its result; find out what happened, then ${AGAIN}`;
  }
  if (found.counts.read !== row.counts!.read) {
    return `it has ${found.counts.read} records by this contract and had ${row.counts!.read}: its format changed; send it again under its key`;
  }
  return operation === INTAKE_OPERATION.revalidate && lost > 0
    ? `records that were valid would go to quarantine, ${lost} of them: it keeps its result; use rerun if that is meant`
    : undefined;
}
