import { RandomStream, STREAMS } from './random';
import { Servers } from './servers';

/** How a request finds an instance: SageMaker's default is `random`. */
export type Routing = 'random' | 'leastOutstanding';

/** Of several instances, which one goes: SageMaker does not say. */
export type Victim = 'newest' | 'leastLoaded';

const enum State {
  Booting,
  InService,
  Draining,
  Gone,
}

/** The instances of an endpoint, each with one server for each of its GPUs. An instance is billed from when it is asked for until it is gone. */
export class Fleet {
  /** Instances that take requests. */
  public serving = 0;
  /** Instances that were asked for and do not serve yet. */
  public booting = 0;
  /** Instances that finish what they have. */
  public draining = 0;
  /** When the next instance is up, seconds. */
  public nextReady = Infinity;
  /** Requests that were answered, and their tokens, prompts and answers together. */
  public answers = 0;
  public tokens = 0;
  /** Requests that wait for an instance or are in one; undefined for an endpoint that answers at once, which has no queue. */
  public backlog: number | undefined;

  private readonly order: number[] = [];
  private readonly states: State[] = [];
  private readonly requestedAt: number[] = [];
  private readonly readyAt: number[] = [];
  private readonly outstanding: number[] = [];
  private readonly peaks: number[] = [];
  private readonly free: number[] = [];
  private readonly random: RandomStream;
  private billedSeconds = 0;
  private turn = 0;

  public constructor(
    private readonly servers: Servers,
    private readonly serversPerInstance: number,
    private readonly routing: Routing,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.routing);
  }

  /** Asks for an instance that serves from `readyAt` on. */
  public launch(now: number, readyAt: number): void {
    const instance = this.free.pop() ?? this.states.length;
    for (let server = this.servers.count; server < (instance + 1) * this.serversPerInstance; server++) {
      this.servers.add(now);
    }
    this.states[instance] = State.Booting;
    this.requestedAt[instance] = now;
    this.readyAt[instance] = readyAt;
    this.outstanding[instance] = this.peaks[instance] = 0;
    this.booting++;
    this.nextReady = Math.min(this.nextReady, readyAt);
  }

  /** Brings those into service that are up by now. */
  public ready(now: number): void {
    this.nextReady = Infinity;
    for (let instance = 0; instance < this.states.length; instance++) {
      if (this.states[instance] !== State.Booting) {
        continue;
      }
      if (this.readyAt[instance] <= now) {
        this.states[instance] = State.InService;
        this.order.push(instance);
        this.booting--;
        this.serving++;
      } else {
        this.nextReady = Math.min(this.nextReady, this.readyAt[instance]);
      }
    }
  }

  /** Takes an instance out of service; it goes when its last request is done, and is billed `releaseSeconds` longer. */
  public drain(victim: Victim, now: number, releaseSeconds: number): void {
    const place = victim === 'newest' ? this.order.length - 1 : this.leastLoaded();
    const [instance] = this.order.splice(place, 1);
    this.serving--;
    this.billedSeconds += releaseSeconds;
    this.states[instance] = State.Draining;
    this.draining++;
    this.leaveIfEmpty(instance, now);
  }

  /** Gives up the instance that would be up last; it is billed until now. There must be one that starts. */
  public cancel(now: number): void {
    let last = -1;
    for (let instance = 0; instance < this.states.length; instance++) {
      if (this.states[instance] === State.Booting && (last < 0 || this.readyAt[instance] >= this.readyAt[last])) {
        last = instance;
      }
    }
    this.states[last] = State.Gone;
    this.booting--;
    this.billedSeconds += now - this.requestedAt[last];
    this.free.push(last);
    this.ready(now);
  }

  /** The server for a request, or -1 when the instance has `bound` requests or more. There must be an instance in service. */
  public route(bound: number): number {
    return this.take(this.order[this.routing === 'random' ? this.random.index(this.serving) : this.leastOutstanding()], bound);
  }

  /** The server that takes the next request of a queue, or -1 while each instance has `bound` requests. */
  public pull(bound: number): number {
    return this.serving === 0 ? -1 : this.take(this.order[this.leastOutstanding()], bound);
  }

  private take(instance: number, bound: number): number {
    if (this.outstanding[instance] >= bound) {
      return -1;
    }
    this.peaks[instance] = Math.max(this.peaks[instance], ++this.outstanding[instance]);
    return this.freest(instance * this.serversPerInstance);
  }

  /** A request of this server is over. */
  public done(server: number, now: number): void {
    const instance = Math.floor(server / this.serversPerInstance);
    this.outstanding[instance]--;
    if (this.states[instance] === State.Draining) {
      this.leaveIfEmpty(instance, now);
    }
  }

  /** Requests in an instance that serves, now or at most since the period began. Places are 0 to below `serving`. */
  public concurrency(place: number, peak: boolean): number {
    return (peak ? this.peaks : this.outstanding)[this.order[place]];
  }

  /** From now on peaks are those of a new period. */
  public beginPeriod(): void {
    this.order.forEach((instance) => (this.peaks[instance] = this.outstanding[instance]));
  }

  /** Seconds of all instances that were billed until now. */
  public billed(now: number): number {
    return this.states.reduce<number>(
      (sum, state, instance) => sum + (state === State.Gone ? 0 : now - this.requestedAt[instance]),
      this.billedSeconds,
    );
  }

  private leaveIfEmpty(instance: number, now: number): void {
    if (this.outstanding[instance] === 0) {
      this.states[instance] = State.Gone;
      this.draining--;
      this.billedSeconds += now - this.requestedAt[instance];
      this.free.push(instance);
    }
  }

  private leastLoaded(): number {
    let best = this.order.length - 1;
    for (let place = best - 1; place >= 0; place--) {
      if (this.outstanding[this.order[place]] < this.outstanding[this.order[best]]) {
        best = place;
      }
    }
    return best;
  }

  /** Of those with the fewest requests, the next in turn. */
  private leastOutstanding(): number {
    const { order, outstanding, serving } = this;
    this.turn = this.turn + 1 >= serving ? 0 : this.turn + 1;
    let best = this.turn;
    let fewest = outstanding[order[best]];
    for (let step = 1; step < serving && fewest > 0; step++) {
      const place = this.turn + step < serving ? this.turn + step : this.turn + step - serving;
      if (outstanding[order[place]] < fewest) {
        best = place;
        fewest = outstanding[order[place]];
      }
    }
    return best;
  }

  /** An instance hands a request to its server with the fewest. */
  private freest(first: number): number {
    const { inSystem } = this.servers;
    let best = first;
    for (let server = first + 1; server < first + this.serversPerInstance; server++) {
      if (inSystem[server] < inSystem[best]) {
        best = server;
      }
    }
    return best;
  }
}
