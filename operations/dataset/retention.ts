import { FILE_STATE } from '../../lib/constructs/data/contract';
import { FileItem, isFinal } from './ledger-rows';
import { nameOf, Pinned, Version } from './versions';

/** A version that stays, and why. */
export interface Kept {
  readonly version: Version;
  readonly because: readonly string[];
}

export interface RetentionPlan {
  readonly kept: readonly Kept[];
  /** Versions that go, with what lies beside their manifests. */
  readonly doomed: readonly { readonly version: Version; readonly objects: readonly Pinned[] }[];
  /** Objects of records that go: no version that stays pins them, and no later one will. */
  readonly records: readonly Pinned[];
  /** Objects beside manifests that no version names: its builder died before the version was in the catalogue, or a sweep ended halfway. */
  readonly orphans: readonly Pinned[];
}

export interface RetentionInputs {
  /** The oldest first. */
  readonly versions: readonly Version[];
  /** By the id of a version: what names it. */
  readonly named: ReadonlyMap<string, readonly string[]>;
  readonly ledger: readonly FileItem[];
  /** What there is, by the name of the object version. */
  readonly stored: ReadonlyMap<string, Pinned & { readonly storedAt: Date }>;
  /** Newest versions that stay in any case. */
  readonly keep: number;
  readonly now: Date;
}

/** Keys of what the dataset builder stores for a version. */
const BESIDE =
  /^datasets\/[^/]+\/([0-9a-f]{64}\/(manifest\.json|statistics\.jsonl\.gz|excluded\/[0-9a-f]{64}\.jsonl\.gz)|query\/dataset_version=[0-9a-f]{64}\/records\.parquet)$/;

/** Time for which the records of a file that was replaced stay: a version that was begun before may still pin them. Its builder lives 15 minutes. */
export const SETTLED_HOURS = 24;

/**
 * What may be deleted: of versions those that are neither among the newest nor withdrawn nor named by anything; of records those that no version that stays pins
 * and that do not count any more, because their file was replaced or withdrawn at least a day ago.
 */
export function planRetention({ versions, named, ledger, stored, keep, now }: RetentionInputs): RetentionPlan {
  const newest = new Set(versions.slice(-keep).map(({ row }) => row.id));
  const reasons = ({ row }: Version) => [
    ...(newest.has(row.id) ? [`one of the ${keep} newest`] : []),
    // Its row is what keeps the same content from being published once more.
    ...(row.withdrawal === undefined ? [] : ['withdrawn']),
    ...(named.get(row.id) ?? []),
  ];
  const kept = versions.map((version) => ({ version, because: reasons(version) })).filter(({ because }) => because.length > 0);
  const doomed = versions.filter((version) => reasons(version).length === 0);
  const beside = new Set(versions.flatMap(besides).map(nameOf));
  const isOrphan = (object: Pinned) => BESIDE.test(object.key) && !beside.has(nameOf(object));
  const pinned = new Set(kept.flatMap(({ version }) => version.manifest.objects.map(nameOf)));
  return {
    kept,
    doomed: doomed.map((version) => ({ version, objects: besides(version) })),
    records: [...ledger.flatMap((row) => (isOver(row, ledger, now) ? [pinnedOf(row.validated!)] : [])), ...kept.flatMap(unqueried)].filter(
      (object) => !pinned.has(nameOf(object)) && stored.has(nameOf(object)),
    ),
    orphans: [...stored.values()].filter((object) => isOrphan(object) && isSettled(object.storedAt, now)).map(pinnedOf),
  };
}

const pinnedOf = ({ key, versionId }: Pinned): Pinned => ({ key, versionId });

/** The manifest last: while it is there, what is left of the version can be found. */
function besides({ row, manifest: { statistics, query, objects } }: Version): Pinned[] {
  const beside = [statistics, query, ...objects.map(({ excludedIn }) => excludedIn)];
  return [
    ...beside.flatMap((object) => (object === undefined ? [] : [pinnedOf(object)])),
    { key: row.manifest, versionId: row.manifestVersion },
  ];
}

/** What nobody should query any more: the copy of the records of a withdrawn version. */
const unqueried = ({ version: { row, manifest } }: Kept): Pinned[] =>
  row.withdrawal === undefined || manifest.query === undefined ? [] : [pinnedOf(manifest.query)];

const isSettled = (since: Date, now: Date): boolean => now.getTime() - since.getTime() >= SETTLED_HOURS * 3_600_000;

const counts = ({ state, duplicateOf, supersededBy, withdrawal }: FileItem): boolean =>
  state === FILE_STATE.accounted && [duplicateOf, supersededBy, withdrawal].every((reason) => reason === undefined);

/** Whether a file has records that do not count any more, and long enough. */
function isOver(row: FileItem, ledger: readonly FileItem[], now: Date): boolean {
  if (row.validated === undefined || counts(row)) {
    return false;
  }
  const after = ledger.find(({ pk }) => pk === row.supersededBy);
  const since = row.withdrawnAt ?? (after !== undefined && isFinal(after) ? after.accountedAt : undefined);
  return since !== undefined && isSettled(new Date(since), now);
}
