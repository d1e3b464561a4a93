import { ReleaseState } from '../../lib/constructs/delivery/contract';
import { NO_VERSION } from '../../lib/constructs/models/contract';
import type { Action, EndpointState, Observed, Release, StackState } from './types';

/** Observed with a stack that is settled, and with a pointer. */
type Settled = Observed & { stack: StackState; pointer: string };

/** Statuses from which AWS CloudFormation takes an update (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html). */
const UPDATABLE = /^(CREATE_COMPLETE|UPDATE_COMPLETE|UPDATE_ROLLBACK_COMPLETE|IMPORT_COMPLETE|IMPORT_ROLLBACK_COMPLETE)$/;
/** Statuses of an endpoint that something is changing (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html). */
export const CHANGING = ['Creating', 'Updating', 'SystemUpdating', 'RollingBack', 'Deleting'];
/**
 * How long a release waits for rollback alarms that are on before it begins: what the slowest of them looks at when its metric comes every
 * minute. Not longer, because the version that serves may be what is wrong, and this release its cure or somebody's way back.
 */
export const CLEARING_MS = 5 * 60_000;

/** The one step that brings a model nearer to its desired version; a pure function of what is seen now. */
export function nextAction(seen: Observed): Action {
  const { stack, pointer } = seen;
  if (stack === undefined) {
    return { action: 'Rest', note: 'the serving stack is not deployed yet; its first deployment reads the pointer' };
  }
  const busy = busyWith(stack, seen.endpoint);
  if (busy !== undefined) {
    return wait(seen, busy);
  }
  if (!UPDATABLE.test(stack.status)) {
    return stuck(seen, `the serving stack is ${stack.status}: repair it, the next wake goes on`);
  }
  if (pointer === undefined) {
    return restorePointer(seen, stack);
  }
  const settled = { ...seen, stack, pointer };
  return seen.open === undefined ? begin(settled) : proceed(settled, seen.open);
}

/**
 * Whether a decision may still be carried out. Between decision and act a deployment may have brought an endpoint up; `none` in its pointer
 * would delete it with the next one, so that is decided again with what is seen at the last moment.
 */
export function holdsStill(action: Action, decide: () => Action): boolean {
  if (action.action !== 'WritePointer' || action.value !== NO_VERSION) {
    return true;
  }
  const again = decide();
  return again.action === 'WritePointer' && again.value === NO_VERSION;
}

function busyWith(stack: StackState, endpoint: EndpointState | undefined): string | undefined {
  if (stack.status.endsWith('_IN_PROGRESS')) {
    return `the serving stack is ${stack.status}`;
  }
  return endpoint !== undefined && CHANGING.includes(endpoint.status) ? `the endpoint is ${endpoint.status}` : undefined;
}

function wait(seen: Observed, reason: string): Action {
  const since = Math.max(seen.leasedAt, seen.open === undefined ? 0 : Date.parse(seen.open.changedAt));
  if (seen.now - since < seen.maxWait) {
    return { action: 'Wait', reason };
  }
  // It may still end well, so the version is not marked.
  return { action: 'Stuck', entry: seen.open?.entry, reason: `${reason} since ${new Date(since).toISOString()}` };
}

/** The version whose update got stuck is not tried again; one of which nothing was tried yet, or which served before, is not to blame. */
function stuck(seen: Observed, reason: string): Action {
  const { open } = seen;
  const blamed =
    open !== undefined && open.state !== ReleaseState.RECORDED && open.outcome !== ReleaseState.SUPERSEDED && open.from !== open.to;
  return { action: 'Stuck', entry: open?.entry, reason, ...(blamed ? { mark: open.to, ...doubt(open) } : {}) };
}

/** Somebody deleted the pointer. It must name what serves: `none` would delete that with the next deployment. */
function restorePointer(seen: Observed, stack: StackState): Action {
  const value = seen.endpoint === undefined ? stack.resolvedPointer : seen.endpoint.packageArn;
  if (value === undefined) {
    return stuck(seen, 'the pointer is missing and the endpoint serves no registered version: write the pointer by hand');
  }
  return { action: 'WritePointer', value, tell: `the pointer was missing: it names ${value} again, which serves` };
}

const live = ({ endpoint }: Observed): string | undefined => (endpoint?.status === 'InService' ? endpoint.packageArn : undefined);

function begin(seen: Settled): Action {
  const { desired, pointer, stack, invalid, told, now } = seen;
  if (invalid !== undefined) {
    return { action: 'Refuse', ...invalid };
  }
  if (desired === undefined) {
    const reason = `${live(seen)} serves, but no version is approved: approve one`;
    return live(seen) === undefined || told === reason
      ? { action: 'Rest', note: live(seen) === undefined ? 'no version is approved' : reason }
      : { action: 'Tell', reason };
  }
  if (seen.variantOf?.endpointExists === false) {
    return { action: 'Rest', note: 'the endpoint of this variant is not there yet: it comes with the first version of its own model' };
  }
  if (live(seen) === desired && pointer === desired && stack.resolvedPointer === desired) {
    return { action: 'Rest', note: 'the desired version serves' };
  }
  if (live(seen) !== undefined && pointer === desired && stack.resolvedPointer === desired) {
    // An update of the stack would find nothing to do, and that would look like a version that fails.
    return stuck(seen, `stack and pointer name ${desired}, but the endpoint was changed by hand: it ${describe(seen)}`);
  }
  // An endpoint that is broken or was deleted by hand still has a version to go back to: the one that the stack names.
  return { action: 'Record', from: live(seen) ?? stack.resolvedPointer, to: desired, at: new Date(now).toISOString() };
}

function proceed(seen: Settled, open: Release): Action {
  switch (open.state) {
    case ReleaseState.RECORDED:
      return start(seen, open);
    case ReleaseState.UPDATING:
      return verify(seen, open);
    default:
      return restore(seen, open);
  }
}

function start(seen: Settled, { entry, to, changedAt }: Release): Action {
  const { now, desired, pointer, stack, alarming = [] } = seen;
  const latest = Date.parse(changedAt) + CLEARING_MS;
  if (desired === to && stack.resolvedPointer !== to && alarming.length > 0 && now < latest) {
    return {
      action: 'Wait',
      reason: `${alarming.join(', ')} is in ALARM: the release begins at ${new Date(latest).toISOString()} at the latest`,
    };
  }
  if (pointer !== to) {
    return desired === to
      ? { action: 'WritePointer', value: to }
      : { action: 'Close', entry, state: ReleaseState.SUPERSEDED, reason: 'another version is desired' };
  }
  if (desired !== to && stack.resolvedPointer !== to) {
    return { action: 'Undo', entry, to, outcome: ReleaseState.SUPERSEDED, reason: 'another version is desired' };
  }
  if (now >= Date.parse(changedAt) + CLEARING_MS + seen.maxWait) {
    return stuck(seen, `the stack takes no update to ${to} since ${changedAt}`);
  }
  return { action: 'UpdateStack', entry, state: ReleaseState.UPDATING, ...(alarming.length > 0 ? { alarming } : {}) };
}

/** A stack that says that all went well proves nothing: an endpoint that rolled back by itself serves the old version. */
function verify(seen: Settled, open: Release): Action {
  const { entry, from, to } = open;
  if (live(seen) === to && seen.stack.resolvedPointer === to) {
    return { action: 'Close', entry, state: ReleaseState.RELEASED };
  }
  const reason = `the stack is ${seen.stack.status} with ${seen.stack.resolvedPointer}, the endpoint ${describe(seen)}`;
  if (from === to) {
    return stuck(seen, `the version that served before does not come back: ${reason}`);
  }
  const because = open.alarming === undefined ? '' : `; ${open.alarming.join(', ')} was in ALARM before it began, which may be why`;
  return { action: 'Undo', entry, to, outcome: ReleaseState.FAILED, reason: `${reason}${because}`, ...doubt(open) };
}

/**
 * An alarm that is on may end a deployment whatever the new version is like. Ours watch the fleet of the configuration that the stack names, so
 * an update points them at the new one, but an alarm that is changed keeps its state until it is evaluated again
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html).
 */
function doubt({ alarming }: Release): { undecided?: true } {
  return alarming === undefined ? {} : { undecided: true };
}

function restore(seen: Settled, open: Release): Action {
  const { pointer, stack, endpoint } = seen;
  const { entry, from, state, reason } = open;
  // `none` would delete an endpoint, so it is only written back when there is none.
  const target = from === NO_VERSION && endpoint !== undefined ? endpoint.packageArn : from;
  if (target === undefined) {
    return stuck(seen, `there is nothing to go back to: the endpoint ${describe(seen)}`);
  }
  if (pointer !== target) {
    return { action: 'WritePointer', value: target };
  }
  if (stack.resolvedPointer !== target) {
    return state === ReleaseState.RESTORING
      ? updateBack(seen, entry)
      : stuck(seen, `the stack is ${stack.status} and does not go back to ${target}`);
  }
  if (target === NO_VERSION || live(seen) === target) {
    return { action: 'Close', entry, state: open.outcome ?? ReleaseState.FAILED, reason };
  }
  return stuck(seen, `the stack went back to ${target}, but the endpoint ${describe(seen)}`);
}

/** An alarm that is on ends a deployment before it begins (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html). */
function updateBack(seen: Settled, entry: string): Action {
  const { alarming = [] } = seen;
  if (alarming.length > 0) {
    return wait(seen, `${alarming.join(', ')} is in ALARM and would undo the way back`);
  }
  const late = wait(seen, 'the stack takes no update back');
  return late.action === 'Stuck' ? late : { action: 'UpdateStack', entry, state: ReleaseState.RESTORE_UPDATING };
}

function describe({ endpoint, variantOf }: Observed): string {
  const none = variantOf?.endpointExists === true ? 'has no variant with a version of this model' : 'does not exist';
  return endpoint === undefined ? none : `is ${endpoint.status} with ${endpoint.packageArn ?? 'no registered version'}`;
}
