import { attemptPrefix } from '../intake/core';
import type { FileRow } from '../intake/file-row';
import { counts, isFinal } from '../shared/ledger-rows';
import { ListedVersion, rowKey, Rows } from './lateness';

/** Attempts that nobody committed are kept this long for whoever looks into a failure. Seconds. */
export const KEEP_ATTEMPT_SECONDS = 86_400;

/** Hours since a file brought valid records; before the first one, since the ledger was made. The same bytes again bring none, nor do withdrawn ones. */
export function hoursSinceFile(rows: Iterable<FileRow>, ledgerMade: Date, now: Date): number {
  let newest = ledgerMade.getTime();
  for (const { duplicateOf, withdrawal, accountedAt, counts } of rows) {
    if (duplicateOf === undefined && withdrawal === undefined && accountedAt !== undefined && (counts?.valid ?? 0) > 0) {
      newest = Math.max(newest, Date.parse(accountedAt));
    }
  }
  return Math.max(0, now.getTime() - newest) / 3_600_000;
}

/**
 * Valid records that were accounted for in the last `hours` and count: what was superseded, withdrawn or is a duplicate does not. Undefined
 * while the ledger is younger: then nobody knows what is normal.
 */
export function validRowsOf(hours: number, rows: Iterable<FileRow>, ledgerMade: Date, now: Date): number | undefined {
  const since = now.getTime() - hours * 3_600_000;
  if (ledgerMade.getTime() > since) {
    return undefined;
  }
  let valid = 0;
  for (const row of rows) {
    if (counts(row) && Date.parse(row.accountedAt!) > since) {
      valid += row.counts?.valid ?? 0;
    }
  }
  return valid;
}

/** Digits of a sequencer as far as Amazon S3 writes any, and of the number that tells versions apart which lie between two sequencers. */
const SEQUENCER_DIGITS = 40;
const BETWEEN_DIGITS = 6;

/**
 * The sequencer of every version. One whose event was lost gets a sequencer that no event had: behind that of the next older version and
 * before that of the next newer one, as the listing orders them.
 */
export function sequencersOf(versions: readonly ListedVersion[], rows: Rows): Map<string, string> {
  const sequencers = new Map<string, string>();
  let key: string | undefined;
  let older = '';
  let between = 0;
  for (const version of [...versions].reverse()) {
    if (version.key !== key) {
      [key, older, between] = [version.key, '', 0];
    }
    const known = rows.get(rowKey(version))?.sequencer;
    if (known !== undefined) {
      [older, between] = [known, 0];
    }
    const made = () => older.padEnd(SEQUENCER_DIGITS, '0') + (++between).toString(16).padStart(BETWEEN_DIGITS, '0');
    sequencers.set(rowKey(version), known ?? made());
  }
  return sequencers;
}

/** The sequencer that `sequencersOf` gave a version. */
export function sequencerIn(sequencers: ReadonlyMap<string, string>, version: ListedVersion): string {
  return sequencers.get(rowKey(version))!;
}

/** An object under the outputs of attempts. */
export interface OutputObject {
  key: string;
  modified: Date;
}

const ATTEMPT = /^(.*\/version=([^/]+)\/attempt=[0-9a-f-]{36})\/(?:merge=[0-9a-f-]{36}\/)?([^/]+)$/;
export const COMMIT_RECORD = 'commit.json';

/** The folders of attempts that were committed at some time. */
export function committedFolders(objects: readonly OutputObject[]): string[] {
  return objects.flatMap(({ key }) => {
    const [, folder, , name] = ATTEMPT.exec(key) ?? [];
    return name === COMMIT_RECORD ? [folder] : [];
  });
}

/**
 * Says of an object whether it may go: it belongs to an attempt, is old enough, and no row names it. What a ledger does not know stays, and so
 * does what a commit record lies beside: a lost table must be rebuilt from it, not swept after it.
 */
export function sweeper(dataset: string, rows: Rows, committed: ReadonlySet<string>, now: Date): (object: OutputObject) => boolean {
  const known = new Map([...rows.values()].map((row) => [row.versionId, row]));
  const named = new Set(
    [...rows.values()]
      .flatMap((row) => [row, ...(row.earlier ?? [])])
      .flatMap(({ validated, quarantine }) => [validated?.key, quarantine?.key]),
  );
  return ({ key, modified }) => {
    const [, folder, versionId, name] = ATTEMPT.exec(key) ?? [];
    const row = known.get(versionId);
    if (folder === undefined || row === undefined || name === COMMIT_RECORD || named.has(key)) {
      return false;
    }
    const recorded = committed.has(folder) && !(isFinal(row) && folder === attemptPrefix(dataset, row, row.attempt!));
    return !recorded && now.getTime() - modified.getTime() > KEEP_ATTEMPT_SECONDS * 1000;
  };
}
