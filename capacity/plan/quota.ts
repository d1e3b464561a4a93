/** A quota of the service SageMaker, by the name under which Service Quotas has it; its code is in no source that could be cited. */
export interface Quota {
  readonly quota: string;
  /** Instances: as many as may serve, and those that an update takes beside them. */
  readonly needed: number;
}

/** Share of a fleet that a rolling update replaces at a time. */
const BATCH = 0.5;

/**
 * What must be granted before a fleet can grow to its most and be updated then: the same as `<stack>.quotas.json` says, which the constructs write. A
 * fleet of two or more with GPUs is updated batch by batch, any other by a second fleet.
 */
export function quotasOf(type: string, min: number, max: number, gpus: number): Quota[] {
  const update = min >= 2 && gpus > 0 ? Math.max(1, Math.floor(max * BATCH)) : max;
  return [`${type} for endpoint usage`, 'Number of instances across active endpoints'].map((quota) => ({ quota, needed: max + update }));
}
