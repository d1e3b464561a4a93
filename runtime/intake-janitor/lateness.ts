import { Freeze, LEDGER, thawOf } from '../../lib/constructs/data/contract';
import { INTAKE_SECONDS, MAXIMUM_RECEIVES } from '../../lib/constructs/data/data-intake/contract';
import type { FileRow } from '../intake/file-row';
import { isFinal } from '../shared/ledger-rows';

/** An object version as a listing of the raw zone gives it: keys in order, and of one key the most recently stored version first. */
export interface ListedVersion {
  key: string;
  versionId: string;
  modified: Date;
}

export type Rows = ReadonlyMap<string, FileRow>;

export const rowKey = ({ key, versionId }: ListedVersion) => `${LEDGER.object}${key}#${versionId}`;

/** What was sent again is not sent once more while it may be on its way: longer than a message lives that fails each time. Seconds. */
const RESUBMIT_SECONDS = (MAXIMUM_RECEIVES + 1) * INTAKE_SECONDS.visibility;

/** A message that failed comes back when its visibility timeout is over, and a moment later. Seconds. */
const COMES_BACK_SECONDS = INTAKE_SECONDS.visibility + 60;

/**
 * Versions that are not final when they have had so many seconds: events may be lost, queues purged. A row that was taken up again has its time anew.
 * None during a freeze, nor afterwards for as long as a file may take; that is never less than what the validators need for what came meanwhile.
 */
export function unaccounted(
  versions: readonly ListedVersion[],
  rows: Rows,
  { now, freeze }: Pick<Times, 'now' | 'freeze'>,
  seconds: number,
): ListedVersion[] {
  const thaw = thawOf(freeze);
  if (thaw !== undefined && now.getTime() < thaw + Math.max(seconds, INTAKE_SECONDS.resubmit) * 1000) {
    return [];
  }
  return versions.filter((version) => {
    const row = rows.get(rowKey(version));
    return !isFinal(row) && now.getTime() / 1000 - Math.max(version.modified.getTime() / 1000, row?.resumedAt ?? 0) > seconds;
  });
}

/** Against what it is judged how long a version waits. */
export interface Times {
  now: Date;
  ledgerMade: Date;
  freeze?: Freeze;
}

/**
 * What is due with a version that is late. `wait`: an attempt is at work on it, or a message on its way. `resubmit`: neither. `bury`: it has had
 * its time, so a person must look, and its message goes to the dead letters. `died`: it has come there by itself. `dead`: it is known to lie there.
 */
export type Due = 'wait' | 'resubmit' | 'bury' | 'died' | 'dead';

/** Errors of a version are those of its file or of the account: either is tried for a while, and then handed to a person. */
export function dueOf(version: ListedVersion, row: Partial<FileRow> | undefined, times: Times): Due {
  if (row?.deadLetteredAt !== undefined) {
    return 'dead';
  }
  const now = times.now.getTime() / 1000;
  const { leaseUntil = 0, resubmittedAt = -Infinity, receives = 0, receivedLast = -Infinity } = row ?? {};
  const atWork = leaseUntil >= now;
  const comesBack = receivedLast + COMES_BACK_SECONDS >= now;
  const last = receives >= MAXIMUM_RECEIVES;
  if (last && !atWork && !comesBack) {
    return 'died';
  }
  const since = waitingSince(version, row, times);
  const limit = atWork || (last && comesBack) ? INTAKE_SECONDS.overdueAtWork : INTAKE_SECONDS.overdue;
  // What nobody has sent again, because no janitor ran, is sent again first.
  if (now - since > limit && (atWork || comesBack || resubmittedAt >= since)) {
    return 'bury';
  }
  return atWork || comesBack || resubmittedAt + RESUBMIT_SECONDS >= now ? 'wait' : 'resubmit';
}

/** When a version's time began, epoch seconds: nobody could take it before there was a ledger, during a freeze, or while it lay with the dead letters. */
function waitingSince({ modified }: ListedVersion, row: Partial<FileRow> | undefined, { ledgerMade, freeze }: Times): number {
  const began = Math.max(modified.getTime(), ledgerMade.getTime(), thawOf(freeze) ?? 0) / 1000;
  return Math.max(began, row?.resumedAt ?? 0);
}
