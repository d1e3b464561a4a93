import { DATA_EVENT, FILE_STATE } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';
import type { OutboxEvent } from '../shared/outbox';

/** The event that a change of a row gives rise to: none unless the row has just become final. The row's key is the idempotency key. */
export function eventOf(
  dataset: string,
  before: Partial<FileRow> | undefined,
  after: Partial<FileRow> | undefined,
): OutboxEvent | undefined {
  const final = after?.state === FILE_STATE.accounted || after?.state === FILE_STATE.rejected;
  if (!final || before?.state === after.state) {
    return undefined;
  }
  const { pk, key, versionId, accountedAt, counts, duplicateOf, supersededBy, reason, validated, quarantine } = after;
  const detail = {
    eventId: pk,
    dataset,
    key,
    versionId,
    at: accountedAt,
    counts,
    duplicateOf,
    supersededBy,
    reason,
    validated,
    quarantine,
  };
  return { type: after.state === FILE_STATE.accounted ? DATA_EVENT.accounted : DATA_EVENT.rejected, detail };
}

/** Where the commit record lies: beside the outputs of the attempt that was committed. */
export function commitRecordKey(row: Partial<FileRow>): string | undefined {
  return row.validated?.key.replace(/[^/]+$/, 'commit.json');
}
