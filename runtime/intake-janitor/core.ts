import { FILE_STATE, INTAKE_SECONDS } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';

/** Attempts that nobody committed are kept this long for whoever looks into a failure. Seconds. */
export const KEEP_ATTEMPT_SECONDS = 86_400;

/** An object version as a listing of the raw zone gives it. */
export interface ListedVersion {
  key: string;
  versionId: string;
  modified: Date;
}

export function isFinal(row: FileRow | undefined): boolean {
  return row?.state === FILE_STATE.accounted || row?.state === FILE_STATE.rejected;
}

/** Versions that should be final by now and are not: events may be lost, queues purged. Those with a running lease are left alone. */
export function unaccounted(versions: ListedVersion[], rows: Map<string, FileRow>, now: Date): ListedVersion[] {
  const seconds = now.getTime() / 1000;
  return versions.filter(({ key, versionId, modified }) => {
    const row = rows.get(`object#${key}#${versionId}`);
    return !isFinal(row) && seconds - modified.getTime() / 1000 > INTAKE_SECONDS.unaccounted && (row?.leaseUntil ?? 0) < seconds;
  });
}

/** Duplicates whose original was superseded since: their bytes count again, so they must be read again. */
export function orphanedDuplicates(rows: Map<string, FileRow>): FileRow[] {
  return [...rows.values()].filter(
    ({ state, duplicateOf, supersededBy }) =>
      state === FILE_STATE.accounted && supersededBy === undefined && rows.get(duplicateOf ?? '')?.supersededBy !== undefined,
  );
}

/** Objects under attempts that no committed row names and that are old enough to go. */
export function sweepable(objects: { key: string; modified: Date }[], rows: Map<string, FileRow>, now: Date): string[] {
  const committed = new Set([...rows.values()].filter(isFinal).map(({ attempt }) => attempt));
  return objects
    .filter(({ key, modified }) => {
      const attempt = /\/attempt=([0-9a-f-]{36})\//.exec(key)?.[1];
      return attempt !== undefined && !committed.has(attempt) && now.getTime() - modified.getTime() > KEEP_ATTEMPT_SECONDS * 1000;
    })
    .map(({ key }) => key);
}
