import { Fleet, Victim } from '../simulator/fleet';
import { RandomStream, STREAMS } from '../simulator/random';

/** How instances come and go. */
export interface Provisioning {
  /** Median time from the request for an instance until it takes traffic, seconds. */
  readonly bootSeconds: number;
  /** Standard deviation of the logarithm of that time. */
  readonly bootSigma: number;
  /** Share of scale-outs that fail for want of instances, 0 to 1: none of theirs comes, which is known after the boot time. */
  readonly failureShare: number;
  /** Most instances that the account may have: more are refused at once. */
  readonly quota: number;
  /** How much longer an instance is billed that nothing runs on any more, seconds: copies go before the instances that they were on. */
  readonly releaseSeconds: number;
}

export const DEFAULT_BOOT_SIGMA = 0.15;

/** An instance that comes in the time that is given. */
export const provisioningOf = (bootSeconds: number, changes: Partial<Provisioning> = {}): Provisioning => ({
  bootSeconds,
  bootSigma: DEFAULT_BOOT_SIGMA,
  failureShare: 0,
  quota: Infinity,
  releaseSeconds: 0,
  ...changes,
});

/** The endpoint's side of a change of capacity: one at a time, as SageMaker refuses another while an endpoint is updating. */
export class EndpointController {
  /** Whether an update runs. */
  public updating = false;
  private failsAt = Infinity;
  private readonly random: RandomStream;

  public constructor(
    private readonly fleet: Fleet,
    private readonly provisioning: Provisioning,
    private readonly victim: Victim,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.booting);
  }

  /** Instances that serve, once no update runs. */
  public get current(): number {
    return this.fleet.serving;
  }

  /** Asks for another number of instances; false when that is refused. No update may run. */
  public change(count: number, now: number): boolean {
    const { bootSeconds, bootSigma, failureShare, quota, releaseSeconds } = this.provisioning;
    if (count > this.current && count > quota) {
      return false;
    }
    this.updating = true;
    if (count > this.current && failureShare > 0 && this.random.uniform() < failureShare) {
      this.failsAt = now + bootSeconds;
      return true;
    }
    for (let more = count - this.current; more > 0; more--) {
      this.fleet.launch(now, now + this.random.lognormal(bootSeconds, bootSigma));
    }
    while (this.current > count) {
      this.fleet.drain(this.victim, now, releaseSeconds);
    }
    return true;
  }

  /** Ends the update when it is complete or has failed. */
  public tick(now: number): void {
    const failed = now >= this.failsAt;
    if (failed || (this.failsAt === Infinity && this.fleet.booting === 0 && this.fleet.draining === 0)) {
      this.updating = false;
      this.failsAt = Infinity;
    }
  }
}
