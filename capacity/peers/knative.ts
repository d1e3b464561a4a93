import { Scaler } from '../scaling/scaled-endpoint';
import { Provisioning } from '../scaling/provisioning';
import { Fleet } from '../simulator/fleet';
import { RandomStream, STREAMS } from '../simulator/random';

/**
 * Defaults of Knative's pod autoscaler (https://github.com/knative/serving/blob/0d68a7be37a851db6581d0a72b70e9d6d2db1d84/config/core/configmaps/autoscaler.yaml): tick,
 * stable and panic window in seconds, and the share of what one pod takes at once that it holds.
 */
const [TICK_SECONDS, STABLE_SECONDS, PANIC_SECONDS] = [2, 60, 6];
const TARGET_SHARE = 0.7;
const PANIC_THRESHOLD = 2;
const MOST_DOWN = 2;

/**
 * Knative's arithmetic (https://github.com/knative/serving/blob/00a4a55cd385aab53717b357aed7e1f9459b349e/pkg/autoscaler/scaling/autoscaler.go) on instances: as many as the mean of the
 * requests at once over a minute needs; when the last six seconds need twice what is there, as many as those need, and none less for a minute. Nothing of it can be
 * deployed on SageMaker: it looks every two seconds, and instances are asked for while others start. It keeps one at least. Those that start go before those that serve.
 */
export class KnativeScaler implements Scaler {
  public readonly seconds = TICK_SECONDS;
  public readonly activities: [] = [];
  private readonly samples: number[] = [];
  private readonly random: RandomStream;
  private panicSince: number | undefined;
  private panicMost = 0;
  private readonly changes = { out: 0, in: 0 };

  /** @param atOnce requests that one instance takes at once */
  public constructor(
    private readonly fleet: Fleet,
    private readonly provisioning: Provisioning,
    private readonly limits: { readonly min: number; readonly max: number },
    private readonly atOnce: number,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.booting);
  }

  public count(direction: 'out' | 'in'): number {
    return this.changes[direction];
  }

  public invoked(): void {
    // What is in the instances is looked at, not what comes.
  }

  public invokedWithoutInstance(): void {
    // The same.
  }

  public tick(now: number): void {
    let inFlight = 0;
    for (let place = 0; place < this.fleet.serving; place++) {
      inFlight += this.fleet.concurrency(place, false);
    }
    this.samples.push(inFlight);
    if (this.samples.length > STABLE_SECONDS / TICK_SECONDS) {
      this.samples.shift();
    }
    this.move(Math.min(this.limits.max, Math.max(this.limits.min, this.desired(now))), now);
  }

  private desired(now: number): number {
    const ready = Math.max(1, this.fleet.serving);
    const fewest = Math.floor(ready / MOST_DOWN);
    const [stable, panic] = [STABLE_SECONDS, PANIC_SECONDS].map((seconds) => Math.ceil(this.mean(seconds) / (TARGET_SHARE * this.atOnce)));
    if (panic / ready >= PANIC_THRESHOLD) {
      this.panicSince = now;
    } else if (this.panicSince !== undefined && now - this.panicSince > STABLE_SECONDS) {
      this.panicSince = undefined;
      this.panicMost = 0;
    }
    if (this.panicSince === undefined) {
      return Math.max(stable, fewest);
    }
    this.panicMost = Math.max(this.panicMost, stable, panic, fewest);
    return this.panicMost;
  }

  /** Mean of the samples of the last so many seconds. */
  private mean(seconds: number): number {
    const last = this.samples.slice(-seconds / TICK_SECONDS);
    return last.reduce((sum, value) => sum + value, 0) / last.length;
  }

  private move(count: number, now: number): void {
    const { bootSeconds, bootSigma, quota, releaseSeconds } = this.provisioning;
    const has = this.fleet.serving + this.fleet.booting;
    const wanted = Math.min(count, quota);
    if (wanted !== has) {
      this.changes[wanted > has ? 'out' : 'in']++;
    }
    for (let more = wanted - has; more > 0; more--) {
      this.fleet.launch(now, now + this.random.lognormal(bootSeconds, bootSigma));
    }
    for (let less = has - wanted; less > 0; less--) {
      if (this.fleet.booting > 0) {
        this.fleet.cancel(now);
      } else {
        this.fleet.drain('newest', now, releaseSeconds);
      }
    }
  }
}
