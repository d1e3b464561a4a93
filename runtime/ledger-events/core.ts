import { DATA_EVENT, FILE_STATE, Freeze } from '../../lib/constructs/data/contract';
import { attemptPrefix } from '../intake/core';
import type { FileRow } from '../intake/file-row';
import { isFinal } from '../shared/ledger-rows';
import type { OutboxEvent } from '../shared/outbox';

/**
 * The event that a change of a row gives rise to: none unless the row has just become final, has got another result, or was withdrawn. The row's key is the idempotency
 * key; a row that was taken up again becomes final once more, which is another event. Withdrawn bytes that come again say so when they become
 * final.
 */
export function eventOf(
  dataset: string,
  before: Partial<FileRow> | undefined,
  after: Partial<FileRow> | undefined,
): OutboxEvent | undefined {
  if (after === undefined || !isFinal(after)) {
    return undefined;
  }
  if (before?.state === after.state && before?.reopened === after.reopened) {
    return before?.withdrawal === undefined && after.withdrawal !== undefined ? withdrawnEvent(dataset, after) : undefined;
  }
  const {
    pk,
    key,
    versionId,
    accountedAt,
    counts,
    duplicateOf,
    supersededBy,
    reason,
    validated,
    quarantine,
    reopened,
    withdrawal,
    rejudged,
  } = after;
  const eventId = reopened === undefined ? pk : `${pk}#${reopened}`;
  const detail = {
    eventId,
    dataset,
    key,
    versionId,
    at: accountedAt,
    counts,
    duplicateOf,
    supersededBy,
    withdrawal,
    reason,
    validated,
    quarantine,
    rejudged,
  };
  return { type: after.state === FILE_STATE.accounted ? DATA_EVENT.accounted : DATA_EVENT.rejected, detail };
}

/** What is told of a freeze: that it began, and that it is over. */
export function freezeEventOf(dataset: string, before: Freeze | undefined, after: Freeze): OutboxEvent | undefined {
  const { freeze, since, until, by, reason, endedAt, endedBy, endReason } = after;
  if (before?.freeze !== freeze) {
    return { type: DATA_EVENT.frozen, detail: { eventId: `${dataset}#${freeze}`, dataset, freeze, at: since, until, by, reason } };
  }
  return before.endedAt === undefined && endedAt !== undefined
    ? {
        type: DATA_EVENT.thawed,
        detail: { eventId: `${dataset}#${freeze}#end`, dataset, freeze, at: endedAt, by: endedBy, reason: endReason },
      }
    : undefined;
}

function withdrawnEvent(dataset: string, row: Partial<FileRow>): OutboxEvent {
  const { pk, key, versionId, contentSha256, withdrawal, withdrawnAt, withdrawnBy, withdrawnReason } = row;
  const detail = { eventId: `${pk}#withdrawn`, dataset, key, versionId, at: withdrawnAt, contentSha256, withdrawal };
  return { type: DATA_EVENT.withdrawn, detail: { ...detail, by: withdrawnBy, reason: withdrawnReason } };
}

/**
 * Where the commit record of a final row lies: beside the outputs of the attempt that was committed, if it has any. Together the records say
 * all that a lost table said about final rows; of one row the record with the most attempts holds.
 */
export function commitRecordKey(dataset: string, row: Partial<FileRow> | undefined): string | undefined {
  return row !== undefined && isFinal(row) ? `${attemptPrefix(dataset, row as FileRow, row.attempt!)}/commit.json` : undefined;
}
