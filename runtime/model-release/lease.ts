/** The lock of a model: one execution at a time. */
export interface Lease {
  /** ARN of the execution that holds it. */
  execution: string;
  /** How many executions came while it was held; each has something to tell, so the holder looks again before it ends. */
  wakes: number;
  /** ISO 8601 time. */
  since: string;
}

export type LeaseMove = 'take' | 'keep' | 'replace' | 'knock';

/** What an execution does about the lease. One whose holder is no longer running is free. */
export function leaseMove(lease: Lease | undefined, me: string, holderRuns: boolean): LeaseMove {
  if (lease === undefined) {
    return 'take';
  }
  if (lease.execution === me) {
    return 'keep';
  }
  return holderRuns ? 'knock' : 'replace';
}
