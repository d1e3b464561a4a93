import { MarkReason, RELEASES } from '../lib/constructs/delivery/contract';
import { markEntry, Row } from './releases';

/** What is known when somebody wants to go back. */
export interface Situation {
  readonly model: string;
  /** Approval of every version of the model, by number. */
  readonly approvals: ReadonlyMap<number, string>;
  readonly rows: readonly Row[];
  /** Number of the version that serves; undefined when none does. */
  readonly live?: number;
  /** What was asked for. */
  readonly to?: number;
}

/** The rows to write: marks for versions above the target, and the target's own mark to take away. */
export interface RollbackPlan {
  readonly to: number;
  readonly mark: readonly number[];
  readonly unmark: boolean;
}

/** Decides what a rollback writes. Errors: one whose message says why it is refused. */
export function planRollback(situation: Situation): RollbackPlan {
  const { model, approvals, rows, live } = situation;
  const marked = new Set(rows.filter(({ entry }) => entry.startsWith(RELEASES.mark)).map(({ entry }) => entry));
  const isMarked = (version: number) => marked.has(markEntry(version));
  const approved = [...approvals].filter(([, approval]) => approval === 'Approved').map(([version]) => version);
  const to =
    situation.to ??
    below(
      situation,
      approved.filter((version) => !isMarked(version)),
    );
  const approval = approvals.get(to);
  const list = approved.sort((a, b) => b - a).join(', ') || 'none';
  if (approval === undefined) {
    throw new Error(`UnknownVersion: ${model} has no version ${to}: approved versions are ${list}`);
  }
  if (approval !== 'Approved') {
    throw new Error(`NotApproved: version ${to} of ${model} is ${approval}: approve it first, or take one of ${list}`);
  }
  const withdrawn = rows.find(({ entry, reason }) => entry === markEntry(to) && reason === MarkReason.WITHDRAWN);
  if (withdrawn !== undefined) {
    throw new Error(
      `WithdrawnVersion: version ${to} of ${model} was trained on data that was withdrawn (${withdrawn.why}): take another one`,
    );
  }
  const plan = { to, mark: approved.filter((version) => version > to && !isMarked(version)), unmark: isMarked(to) };
  if (to === live && plan.mark.length === 0 && !plan.unmark) {
    throw new Error(`AlreadyLive: version ${to} of ${model} serves, and no newer one is to be released: nothing to do`);
  }
  return plan;
}

function below({ model, live, approvals }: Situation, candidates: readonly number[]): number {
  if (live === undefined) {
    throw new Error(`NothingLive: no registered version of ${model} serves: name the version with --to`);
  }
  const best = Math.max(...candidates.filter((version) => version < live));
  if (best === -Infinity) {
    const marked = [...approvals].filter(([version, approval]) => version < live && approval === 'Approved').map(([version]) => version);
    const hint = marked.length === 0 ? 'approve an older one first' : `--to takes a marked one too: ${marked.join(', ')}`;
    throw new Error(`NothingBelow: no approved version of ${model} without a mark is below the live one, ${live}: ${hint}`);
  }
  return best;
}

/** What a look at the model says of a rollback that was started. */
export interface Look {
  readonly to: number;
  /** Entries of releases that were there before. */
  readonly before: ReadonlySet<string>;
  readonly releases: readonly Row[];
  readonly rows: readonly Row[];
  readonly live?: { readonly version?: number; readonly status: string };
  /** Whether the execution that was started has ended. */
  readonly ended: boolean;
}

export type Progress =
  { readonly state: 'waiting'; readonly text: string } | { readonly state: 'done' } | { readonly state: 'failed'; readonly why: string };

/** Whether a rollback is over, and how. */
export function progressOf({ to, before, releases, rows, live, ended }: Look, underWay: (row: Row) => boolean): Progress {
  const open = releases.find(underWay);
  if (open !== undefined) {
    const target = open.to?.split('/').at(-1);
    return { state: 'waiting', text: `release of version ${target} is ${open.state}, the endpoint is ${live?.status ?? 'not there'}` };
  }
  if (live?.version === to && live.status === 'InService') {
    return { state: 'done' };
  }
  const leased = rows.some(({ entry, execution }) => entry === RELEASES.lease && execution !== undefined);
  if (!ended || leased) {
    return { state: 'waiting', text: 'the release machine decides' };
  }
  const ours = releases.filter(({ entry }) => !before.has(entry)).at(-1);
  const mark = rows.find(({ entry }) => entry === markEntry(to));
  const told = rows.find(({ entry }) => entry === RELEASES.told);
  const why = [
    ours === undefined ? undefined : `its release is ${ours.state}${ours.reason === undefined ? '' : `: ${ours.reason}`}`,
    mark === undefined ? undefined : `version ${to} is marked ${mark.reason}: ${mark.why}`,
    told?.reason,
  ];
  return { state: 'failed', why: why.filter((one) => one !== undefined).join('; ') || 'the release machine ended without a release' };
}
