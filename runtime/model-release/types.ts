import type { MarkReason, ReleaseState } from '../../lib/constructs/delivery/contract';

/** A row of the release table that tells of one release. */
export interface Release {
  /** Sort key: `release#<ISO 8601 time>#<execution name>`. */
  entry: string;
  state: ReleaseState;
  /** ARN of the version that served before, or `none`. */
  from: string;
  /** ARN of the version that is to serve. */
  to: string;
  /** ISO 8601 time of the last change of `state`. */
  changedAt: string;
  /** How the row ends once `from` is restored. */
  outcome?: ReleaseState.FAILED | ReleaseState.SUPERSEDED;
  reason?: string;
  /** Rollback alarms that were in ALARM before its update began; absent when none was. */
  alarming?: string[];
}

/** A version of the model as the registry describes it. */
export interface Version {
  arn: string;
  /** Number within its group, from 1. */
  version: number;
  group: string;
  /** `Completed` when it can be used. */
  status: string;
  metadata: Record<string, string>;
  containers: { image?: string; modelDataUrl?: string }[];
}

/** A version that must not be released. */
export interface Mark {
  version: number;
  reason: MarkReason;
}

export interface StackState {
  status: string;
  /** What the stack's pointer parameter resolved to when it was last deployed. */
  resolvedPointer: string;
}

export interface EndpointState {
  status: string;
  /** Unknown when the endpoint serves something that is no registered version. */
  packageArn?: string;
  /** Names of the alarms that roll its deployments back. */
  rollbackAlarms?: string[];
}

/** All that a decision rests on, read anew for each. Times are milliseconds. */
export interface Observed {
  now: number;
  /** When the execution took the lease. */
  leasedAt: number;
  /** How long to wait for a stack or an endpoint before a person is called. */
  maxWait: number;
  /** The newest approved version that is not marked and is valid. */
  desired?: string;
  /** The newest approved version that is not marked, when it is not valid. */
  invalid?: { arn: string; version: number; problems: string[] };
  /** A version ARN or `none`; undefined when the parameter is missing. */
  pointer?: string;
  stack?: StackState;
  /** For a variant, undefined too while its variant serves no version of it. */
  endpoint?: EndpointState;
  /** For a model that is served as a variant of another's endpoint: whether that is there. */
  variantOf?: { endpointExists: boolean };
  open?: Release;
  /** Rollback alarms in ALARM, looked at before the stack is updated in either direction. */
  alarming?: string[];
  /** What the owner was told last and has not changed since. */
  told?: string;
}

/** The next step. Each is idempotent: after it everything is read and decided anew. */
export type Action =
  | { action: 'Record'; from: string; to: string; at: string }
  | { action: 'WritePointer'; value: string; tell?: string }
  | { action: 'UpdateStack'; entry: string; state: ReleaseState.UPDATING | ReleaseState.RESTORE_UPDATING; alarming?: string[] }
  | {
      action: 'Undo';
      entry: string;
      to: string;
      outcome: ReleaseState.FAILED | ReleaseState.SUPERSEDED;
      reason: string;
      undecided?: boolean;
    }
  | { action: 'Close'; entry: string; state: ReleaseState.RELEASED | ReleaseState.FAILED | ReleaseState.SUPERSEDED; reason?: string }
  | { action: 'Stuck'; entry?: string; mark?: string; reason: string; undecided?: boolean }
  | { action: 'Refuse'; arn: string; version: number; problems: string[] }
  | { action: 'Tell'; reason: string }
  | { action: 'Wait'; reason: string }
  | { action: 'Rest'; note: string };
