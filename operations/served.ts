import { NO_VERSION } from '../lib/constructs/models/contract';
import { ReleaseState } from '../lib/constructs/delivery/contract';
import { Row } from './releases';

/**
 * ARNs of the versions that may have answered at a time, by the release rows: the one released last before it, and while a release was under
 * way also the one that it was to bring or to bring back. ISO 8601.
 */
export function servedAt(releases: readonly Row[], time: string): string[] {
  const at = Date.parse(time);
  const began = (row: Row) => Date.parse(row.startedAt ?? '');
  const ended = (row: Row) => Date.parse(row.changedAt ?? '');
  const released = releases.filter((row) => row.state === ReleaseState.RELEASED && ended(row) <= at);
  const last = released.sort((a, b) => ended(a) - ended(b)).at(-1)?.to;
  const closed = (row: Row) => [ReleaseState.RELEASED, ReleaseState.FAILED, ReleaseState.SUPERSEDED].includes(row.state!);
  const during = releases.filter((row) => began(row) <= at && (!closed(row) || at <= ended(row)));
  const served = [last, ...during.flatMap(({ from, to }) => [from, to])];
  return [...new Set(served)].filter((arn): arn is string => arn !== undefined && arn !== NO_VERSION);
}
