import { RequestSource } from '../traces/source';
import { Fleet, Routing } from './fleet';
import { Objective, Outcome } from './outcome';
import { Requests } from './requests';
import { bestSeconds, leastWork, ServiceModel } from './service-model';
import { Completion, Servers } from './servers';

/** An endpoint and what it promises. Times are seconds. */
export interface EndpointModel {
  /** How fast one server is. */
  readonly service: ServiceModel;
  /** Servers in an instance: one for each GPU. */
  readonly serversPerInstance: number;
  readonly objective: Objective;
  readonly routing: Routing;
  /** Instances that serve from the begin on. */
  readonly instances: number;
  /**
   * After how long the caller of a request gives up; its answer is still computed, as the container is not told. Infinity for streamed answers.
   */
  readonly timeoutSeconds: number;
  /** Requests in one instance from which on it refuses more; Infinity when it queues all. */
  readonly admissionBound: number;
  /**
   * Requests that wait for a server are served by windows of so many seconds, the newest first, and in order within; in the order of arrival when absent. So
   * serves vLLM requests that state a priority, the lower the newer they are (--scheduling-policy priority,
   * https://docs.vllm.ai/en/latest/configuration/engine_args.html), except that what a server has begun is never put back.
   */
  readonly priorityWindowSeconds?: number;
  /** Where requests wait until an instance has room below `admissionBound`, as before an asynchronous endpoint; absent when it answers at once. */
  readonly queue?: RequestQueue;
}

/** A queue that outlives instances. */
export interface RequestQueue {
  /** After how long a request that still waits is dropped, seconds. */
  readonly expirySeconds: number;
}

/**
 * The queue of an asynchronous endpoint, as it is for callers that state no time (RequestTTLSeconds,
 * https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html).
 */
export const ASYNCHRONOUS: RequestQueue = { expirySeconds: 21_600 };

export interface RunOptions {
  /** Whole number of 32 bits: equal seeds give equal results. */
  readonly seed: number;
  /** Requests before this time load the endpoint and are not counted. */
  readonly countFrom?: number;
  /** Told of each request when it came and whether it missed the objective, as soon as that is known. */
  readonly onJudged?: (arrivedAt: number, missed: boolean) => void;
  /** Told the time of the trace now and then. */
  readonly onProgress?: (seconds: number) => void;
  /** The run lasts until then at least. */
  readonly until?: number;
}

/** What happens in equal steps of time beside the requests: metrics, alarms, scaling. */
export interface Clockwork {
  /** Length of a step. */
  readonly seconds: number;
  /** The step that ends now. */
  tick(now: number): void;
  /** A request came to one of so many instances. */
  invoked(instances: number): void;
  /** A request came while there was no instance. */
  invokedWithoutInstance(): void;
}

/** What a run counted. */
export interface RunResult {
  readonly outcome: Outcome;
  /** Seconds from the begin of the trace to the last answer. */
  readonly seconds: number;
  /** Hours of all instances together, from when each was asked for until it was gone. */
  readonly instanceHours: number;
  /** Hours of one server that all requests take when the batch always has the best size: no fleet takes fewer, whatever it promises. */
  readonly leastServerHours: number;
  /** Hours that servers had a request, of all servers together. */
  readonly busyServerHours: number;
  /** Arrivals, prompts read, admissions that waited for room to read, answers and ticks. */
  readonly events: number;
}

const PROGRESS_EVERY = 65_536;
const NONE = -1;

/** Runs a trace through an endpoint. */
export class Simulation implements Completion {
  public readonly fleet: Fleet;
  public readonly outcome: Outcome;
  private readonly requests = new Requests();
  private readonly servers: Servers;
  /** Seconds that requests spent, by server: the other side of Little's law. */
  private sojourn = new Float64Array(64);
  private arrivals = 0;
  private refusals = 0;
  private events = 0;
  private workSeconds = 0;
  /** Of the queue, the first request and the last. */
  private head = NONE;
  private tail = NONE;
  private readonly bestSeconds: number;
  private clockwork: Clockwork | undefined;

  public constructor(
    private readonly endpoint: EndpointModel,
    private readonly options: RunOptions,
  ) {
    this.servers = new Servers(endpoint.service, this.requests, this, endpoint.priorityWindowSeconds);
    this.fleet = new Fleet(this.servers, endpoint.serversPerInstance, endpoint.routing, options.seed);
    this.outcome = new Outcome(endpoint.objective, endpoint.timeoutSeconds, options.countFrom ?? 0, options.onJudged);
    this.bestSeconds = bestSeconds(endpoint.service);
    for (let instance = 0; instance < endpoint.instances; instance++) {
      this.fleet.launch(0, 0);
    }
    this.fleet.ready(0);
  }

  /** Lets a clockwork go on beside the requests. */
  public attach(clockwork: Clockwork): void {
    this.clockwork = clockwork;
  }

  /** Runs all requests of a source until the last answer. Errors: what the source refuses; a law that the result breaks. */
  public run(source: RequestSource): RunResult {
    const { events } = this.servers;
    const { until = 0 } = this.options;
    const step = this.clockwork?.seconds ?? Infinity;
    let [now, ticks] = [0, 1];
    let arrival = source.next() ? source.at : Infinity;
    // Of what is due at the same time, instances come first, then answers, then the clockwork, then arrivals.
    for (;;) {
      const tick = ticks * step;
      const due = events.time;
      if (arrival < due && arrival < tick && arrival < this.fleet.nextReady) {
        now = arrival;
        this.arrive(now, source.prompt, source.output);
        arrival = source.next() ? source.at : Infinity;
      } else if (due <= tick && due < this.fleet.nextReady) {
        now = due;
        this.events++;
        this.servers.step();
        this.serveQueue(now);
      } else if (arrival === Infinity && due === Infinity && Math.min(this.fleet.nextReady, tick) > until && this.isQueueDead()) {
        break;
      } else if (this.fleet.nextReady <= tick) {
        now = this.fleet.nextReady;
        this.fleet.ready(now);
        this.serveQueue(now);
      } else {
        now = tick;
        ticks++;
        this.events++;
        this.expireQueue(now);
        this.fleet.backlog = this.endpoint.queue && this.requests.open;
        this.clockwork!.tick(now);
      }
    }
    now = Math.max(now, until);
    this.expireQueue(Infinity);
    this.checkLaws();
    return {
      outcome: this.outcome,
      seconds: now,
      instanceHours: this.fleet.billed(now) / 3600,
      leastServerHours: this.workSeconds / 3600,
      busyServerHours: this.servers.busySeconds / 3600,
      events: this.events,
    };
  }

  /** An answer is complete. */
  public completed(slot: number, server: number, now: number): void {
    const { arrivedAt, placedAt, firstAt, prompt, output } = this.requests;
    const from = arrivedAt[slot];
    if (server >= this.sojourn.length) {
      const grown = new Float64Array(server * 2);
      grown.set(this.sojourn);
      this.sojourn = grown;
    }
    this.sojourn[server] += now - placedAt[slot];
    // What was queued is answered as a whole, in a file: its first token comes with the last.
    const streams = this.endpoint.service.streams && this.endpoint.queue === undefined;
    this.outcome.answered(from, streams ? firstAt[slot] : now, now, output[slot]);
    this.fleet.answers++;
    this.fleet.tokens += prompt[slot] + output[slot];
    this.requests.release(slot);
    this.fleet.done(server, now);
  }

  private arrive(now: number, prompt: number, output: number): void {
    this.events++;
    if (++this.arrivals % PROGRESS_EVERY === 0) {
      this.options.onProgress?.(now);
    }
    this.outcome.arrived(now);
    this.workSeconds += leastWork(this.endpoint.service, this.bestSeconds, prompt, output);
    if (this.endpoint.queue !== undefined) {
      this.enqueue(now, prompt, output);
      return;
    }
    const server = this.place(now, prompt, output);
    if (server < 0) {
      this.refusals++;
      return;
    }
    this.servers.arrive(server, this.requests.take(now, prompt, output), now);
  }

  private enqueue(now: number, prompt: number, output: number): void {
    if (!this.servers.fits(prompt, output)) {
      this.refusals++;
      this.outcome.refused(now, 'tooLong');
      return;
    }
    const slot = this.requests.take(now, prompt, output);
    if (this.head === NONE) {
      this.head = slot;
    } else {
      this.requests.next[this.tail] = slot;
    }
    this.tail = slot;
    this.serveQueue(now);
  }

  /** Hands out what waits, first come first served, as far as instances have room. */
  private serveQueue(now: number): void {
    this.expireQueue(now);
    while (this.head !== NONE) {
      const server = this.fleet.pull(this.endpoint.admissionBound);
      if (server < 0) {
        return;
      }
      this.servers.arrive(server, this.dequeue(), now);
    }
  }

  private dequeue(): number {
    const slot = this.head;
    this.head = this.requests.next[slot];
    this.requests.next[slot] = NONE;
    return slot;
  }

  /** Drops what has waited for too long by then. */
  private expireQueue(now: number): void {
    while (this.head !== NONE && now - this.requests.arrivedAt[this.head] >= this.endpoint.queue!.expirySeconds) {
      const slot = this.dequeue();
      this.refusals++;
      this.outcome.refused(this.requests.arrivedAt[slot], 'expired');
      this.requests.release(slot);
    }
  }

  /** Nothing waits, or nothing will ever take it: instances come by a clockwork only. */
  private isQueueDead(): boolean {
    return this.head === NONE || this.clockwork === undefined;
  }

  /** The server for a request, or -1 when it is refused. */
  private place(now: number, prompt: number, output: number): number {
    if (this.fleet.serving === 0) {
      this.clockwork?.invokedWithoutInstance();
      this.outcome.refused(now, 'noInstance');
      return -1;
    }
    this.clockwork?.invoked(this.fleet.serving);
    if (!this.servers.fits(prompt, output)) {
      this.outcome.refused(now, 'tooLong');
      return -1;
    }
    const server = this.fleet.route(this.endpoint.admissionBound);
    if (server < 0) {
      this.outcome.refused(now, 'shed');
    }
    return server;
  }

  /** Every request has one end, and in each server the requests over time are those that came times how long they stayed. */
  private checkLaws(): void {
    if (this.arrivals !== this.fleet.answers + this.refusals + this.requests.open || this.requests.open !== 0) {
      throw new Error(
        `SimulatorDefect: ${this.arrivals} requests came, ${this.fleet.answers} were answered, ${this.refusals} refused, ${this.requests.open} are open`,
      );
    }
    for (let server = 0; server < this.servers.count; server++) {
      const [area, sojourn] = [this.servers.area[server], server < this.sojourn.length ? this.sojourn[server] : 0];
      if (Math.abs(area - sojourn) > 1e-6 * (1 + area)) {
        throw new Error(
          `SimulatorDefect: server ${server} held ${area} request-seconds, its requests stayed ${sojourn} s: Little's law is broken`,
        );
      }
    }
  }
}
