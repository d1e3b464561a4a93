import { FILE_STATE, isLater, LEDGER } from '../../../lib/constructs/data/contract';

/** An item of a ledger. */
export type Item = Readonly<Record<string, unknown>> & { readonly pk: string };

/** The row of an object version, as far as this has to understand it. */
export interface RowItem extends Item {
  readonly key: string;
  readonly versionId: string;
  readonly sequencer: string;
  readonly state: string;
  readonly attempts?: number;
  readonly reopened?: number;
  readonly accountedAt?: string;
  readonly contentSha256?: string;
  readonly duplicateOf?: string;
  readonly supersededBy?: string;
  readonly stands?: number;
  readonly withdrawal?: string;
  readonly withdrawnAt?: string;
  readonly withdrawnBy?: string;
  readonly withdrawnReason?: string;
}

/** What to write: an item, and the item that was there when that was decided. */
export interface Change {
  readonly item: Item;
  readonly seen?: Item;
}

/** What a rebuild does. */
export interface RebuildPlan {
  /** Items that are missing, and items that say less than the commit records. */
  readonly changes: readonly Change[];
  /** Keys of items that say something else, without being older or newer: nobody but a person can tell which one is right. */
  readonly conflicts: readonly string[];
  /** Items that are right as they are. */
  readonly same: number;
  /** Items that say more than the commit records: they were changed since, or are no final rows. They stay. */
  readonly newer: number;
}

export const isFinal = ({ state }: RowItem): boolean => state === FILE_STATE.accounted || state === FILE_STATE.rejected;
export const isRow = (item: Item): item is RowItem => item.pk.startsWith(LEDGER.object);

/** A row only ever grows in these numbers, the first one that differs decides. */
function ageOf(row: RowItem): number[] {
  const added = [row.supersededBy, row.withdrawal].filter((field) => field !== undefined).length;
  return [row.attempts ?? 0, row.reopened ?? 0, isFinal(row) ? 1 : 0, added];
}

/** Above 0 when `a` is the later state of a row, 0 when none is. */
export function later(a: RowItem, b: RowItem): number {
  const [left, right] = [ageOf(a), ageOf(b)];
  const at = left.findIndex((value, i) => value !== right[i]);
  return at < 0 ? 0 : left[at] - right[at];
}

/** Of each row the latest of its commit records; of two that are equally late the one that was stored last. */
export function latestRecords(records: Iterable<{ row: RowItem; storedAt: number }>): Map<string, RowItem> {
  const latest = new Map<string, { row: RowItem; storedAt: number }>();
  for (const record of records) {
    const known = latest.get(record.row.pk);
    const order = known === undefined ? 1 : later(record.row, known.row) || record.storedAt - known.storedAt;
    if (order > 0) {
      latest.set(record.row.pk, record);
    }
  }
  return new Map([...latest].map(([pk, { row }]) => [pk, row]));
}

/** Every pointer that follows from the final rows: one per content, one per key, and the last withdrawal. */
export function pointersOf(rows: Iterable<RowItem>): Map<string, Item> {
  const accounted = [...rows].filter(({ state }) => state === FILE_STATE.accounted);
  const byPk = new Map(accounted.map((row) => [row.pk, row]));
  const items = [...contents(accounted), ...heads(accounted, byPk), ...lastWithdrawal(accounted)];
  return new Map(items.map((item) => [item.pk, item]));
}

/** A content is stood for by the row that did so last; what is withdrawn says so. */
function contents(accounted: RowItem[]): Item[] {
  const standing = new Map<string, RowItem>();
  for (const row of accounted) {
    const known = standing.get(row.contentSha256!);
    if (row.stands !== undefined && row.stands > (known?.stands ?? 0)) {
      standing.set(row.contentSha256!, row);
    }
  }
  return [...standing].map(([sha256, { pk, withdrawal, withdrawnAt, withdrawnBy, withdrawnReason }]) => ({
    pk: LEDGER.content + sha256,
    row: pk,
    ...(withdrawal === undefined ? {} : { withdrawal, withdrawnAt, withdrawnBy, withdrawnReason }),
  }));
}

/** The newest version of a key is its current one, unless it has the same bytes as the one before: then that stays, with the newer time. */
function heads(accounted: RowItem[], byPk: ReadonlyMap<string, RowItem>): Item[] {
  const newest = new Map<string, RowItem>();
  for (const row of accounted) {
    const known = newest.get(row.key);
    if (known === undefined || isLater(row.sequencer, known.sequencer)) {
      newest.set(row.key, row);
    }
  }
  return [...newest].map(([key, row]) => {
    const original = byPk.get(row.duplicateOf ?? '');
    const stays = original?.key === key && original.supersededBy === undefined;
    return { pk: LEDGER.head + key, row: stays ? original.pk : row.pk, sequencer: row.sequencer };
  });
}

function lastWithdrawal(accounted: RowItem[]): Item[] {
  const order = ({ withdrawnAt, withdrawal }: RowItem) => `${withdrawnAt} ${withdrawal}`;
  const withdrawn = accounted.filter(({ withdrawal }) => withdrawal !== undefined);
  const last = withdrawn.reduce<RowItem | undefined>(
    (best, row) => (best === undefined || order(row) > order(best) ? row : best),
    undefined,
  );
  return last === undefined ? [] : [{ pk: LEDGER.withdrawals, last: last.withdrawal }];
}

/**
 * What a table lacks of what the commit records say. Rows that the table has in a later state stay, and the pointers follow from both. Rows that
 * are not final stay as well: what they lack comes with their next attempt.
 */
export function planRebuild(records: ReadonlyMap<string, RowItem>, current: ReadonlyMap<string, Item>): RebuildPlan {
  const rows = new Map(records);
  for (const seen of current.values()) {
    const row = rows.get(seen.pk);
    if (isRow(seen) && (row === undefined || later(seen, row) > 0)) {
      rows.set(seen.pk, seen);
    }
  }
  const plan = { changes: [] as Change[], conflicts: [] as string[], same: 0, newer: 0 };
  for (const item of [...rows.values(), ...pointersOf(rows.values()).values()]) {
    const seen = current.get(item.pk);
    if (item === seen || isBehind(item, seen)) {
      plan.newer++;
    } else if (seen !== undefined && (equal(seen, item) || item.pk === LEDGER.withdrawals)) {
      plan.same++;
    } else if (seen === undefined || !isRow(item) || later(item, seen as RowItem) > 0) {
      plan.changes.push({ item, seen });
    } else {
      plan.conflicts.push(item.pk);
    }
  }
  return plan;
}

/** A head never goes back: the row that it names may be read again at this moment, and is not final then. */
function isBehind({ sequencer }: Item, seen: Item | undefined): boolean {
  return seen?.pk.startsWith(LEDGER.head) === true && isLater(seen.sequencer as string, sequencer as string);
}

/** The same names with the same values, whatever their order. */
export function equal(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b;
  }
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => equal((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}
