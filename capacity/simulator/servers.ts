import { doubled, FinishHeap, NextEvents } from './heaps';
import { Requests } from './requests';
import { ServiceModel } from './service-model';

/** Who is told when a request is over. */
export interface Completion {
  completed(slot: number, server: number, now: number): void;
}

const NONE = -1;

/** Share of an iteration by which sums of parts may differ from the whole. */
const ROUNDING = 1e-9;

/** All servers, as columns. Between two events of a server its batch does not change, so its clock follows from the time in closed form. */
export class Servers {
  /** Requests that are in each server, waiting ones included. */
  public inSystem = new Int32Array(8);
  /** Request-seconds in each server: the integral of `inSystem`, for Little's law. */
  public area = new Float64Array(8);
  public readonly events = new NextEvents();
  public count = 0;
  /** Time that each server had a request, waiting ones included, of all servers together. */
  public busySeconds = 0;

  private readonly finishes: FinishHeap[] = [];
  /** Iterations so far, and the time at which they were counted. */
  private clock = new Float64Array(8);
  private at = new Float64Array(8);
  /** Tokens in context of all requests that decode. */
  private context = new Float64Array(8);
  /** Prompt tokens of the first prompt in the queue, of all of them, and how many share an iteration. */
  private headLeft = new Float64Array(8);
  private pending = new Float64Array(8);
  private chunk = new Float64Array(8);
  private kvUsed = new Float64Array(8);
  private admitted = new Int32Array(8);
  /** Iterations to the next event. */
  private ahead = new Float64Array(8);
  private promptHead = new Int32Array(8);
  private promptTail = new Int32Array(8);
  private waitHead = new Int32Array(8);
  private waitTail = new Int32Array(8);

  public constructor(
    private readonly model: ServiceModel,
    private readonly requests: Requests,
    private readonly completion: Completion,
    /** Length of the windows of which the newest is served first, seconds; undefined for the order of arrival. */
    private readonly windowSeconds?: number,
  ) {}

  /** A new, empty server. */
  public add(now: number): number {
    if (this.count === this.clock.length) {
      this.grow();
    }
    const server = this.count++;
    this.finishes.push(new FinishHeap());
    this.at[server] = now;
    this.promptHead[server] = this.waitHead[server] = NONE;
    return server;
  }

  /** Whether a request would fit into an empty server. */
  public fits(prompt: number, output: number): boolean {
    return prompt + output <= this.model.kvTokens;
  }

  /** A request comes. */
  public arrive(server: number, slot: number, now: number): void {
    this.advance(server, now);
    this.requests.placedAt[slot] = now;
    this.inSystem[server]++;
    this.wait(server, slot);
    this.admitWaiting(server);
    this.plan(server);
  }

  /** To the end; with windows to the end of the newest one, which is at the head, or before it as a newer one. `waitTail` is the end of either. */
  private wait(server: number, slot: number): void {
    const { next, arrivedAt } = this.requests;
    const { windowSeconds } = this;
    if (windowSeconds === undefined) {
      this.waitTail[server] = append(next, this.waitHead, this.waitTail[server], server, slot);
      return;
    }
    const head = this.waitHead[server];
    const windowOf = (one: number) => Math.floor(arrivedAt[one] / windowSeconds);
    if (head !== NONE && windowOf(head) === windowOf(slot)) {
      const last = this.waitTail[server];
      [next[slot], next[last]] = [next[last], slot];
    } else {
      [next[slot], this.waitHead[server]] = [head, slot];
    }
    this.waitTail[server] = slot;
  }

  /** What the earliest event asks for: an answer is complete, a prompt is read, or so much of the prompts that an iteration has room for the next. */
  public step(): void {
    const { server, time } = this.events;
    this.move(server, time, this.ahead[server]);
    const heap = this.finishes[server];
    // Keys are what the clock was aimed at: an exact comparison would fail by the last bit.
    if (heap.size > 0 && heap.key <= this.clock[server] + 1e-9 * (1 + this.clock[server] * 1e-6)) {
      const slot = heap.pop();
      this.leave(server, slot, this.requests.prompt[slot] + this.requests.output[slot], time);
    } else if (this.headLeft[server] <= ROUNDING * this.model.chunkTokens) {
      this.promptRead(server, time);
    } else {
      this.admitWaiting(server);
    }
    this.plan(server);
  }

  private promptRead(server: number, now: number): void {
    const slot = this.promptHead[server];
    const { requests } = this;
    this.promptHead[server] = requests.next[slot];
    requests.firstAt[slot] = now;
    this.pending[server] -= this.headLeft[server];
    // The iteration that reads the last of the prompt gives the first token.
    if (requests.output[slot] <= 1) {
      this.leave(server, slot, 0, now);
    } else {
      this.context[server] += requests.prompt[slot] + 1;
      this.finishes[server].push(this.clock[server] + requests.output[slot] - 1, slot);
      this.admitWaiting(server);
    }
    this.startPrompt(server);
  }

  /** A request is over; `read` is what it had in context. */
  private leave(server: number, slot: number, read: number, now: number): void {
    this.inSystem[server]--;
    this.admitted[server]--;
    this.kvUsed[server] -= this.requests.prompt[slot] + this.requests.output[slot];
    this.context[server] -= read;
    this.completion.completed(slot, server, now);
    this.admitWaiting(server);
  }

  private admitWaiting(server: number): void {
    const reading = this.promptHead[server] !== NONE;
    for (let slot = this.waitHead[server]; slot !== NONE && this.hasRoom(server, slot); slot = this.waitHead[server]) {
      this.waitHead[server] = this.requests.next[slot];
      this.admit(server, slot);
    }
    if (!reading) {
      this.startPrompt(server);
    }
  }

  private hasRoom(server: number, slot: number): boolean {
    const { prompt, output } = this.requests;
    const { maxSequences, kvTokens } = this.model;
    const fits = this.admitted[server] < maxSequences && this.kvUsed[server] + prompt[slot] + output[slot] <= kvTokens;
    return fits && (prompt[slot] === 0 || this.tooMuchToRead(server) === 0);
  }

  /** Prompt tokens until another prompt is admitted. Those that are keep their order, so where the newest come first no more are than an iteration reads. */
  private tooMuchToRead(server: number): number {
    const { chunkTokens } = this.model;
    // To just below an iteration: prompts that fill one are read in it before there is room for more.
    const more = this.pending[server] - chunkTokens * (1 - 2 * ROUNDING);
    return this.windowSeconds === undefined || more <= ROUNDING * chunkTokens ? 0 : more;
  }

  private admit(server: number, slot: number): void {
    const { requests } = this;
    const prompt = requests.prompt[slot];
    const output = requests.output[slot];
    this.admitted[server]++;
    this.kvUsed[server] += prompt + output;
    if (prompt === 0) {
      this.finishes[server].push(this.clock[server] + output, slot);
      return;
    }
    this.pending[server] += prompt;
    this.promptTail[server] = append(requests.next, this.promptHead, this.promptTail[server], server, slot);
  }

  /** The prompts that were admitted are cut into as few chunks as allowed, of the same size; while others wait to be, each iteration is full. */
  private startPrompt(server: number): void {
    const slot = this.promptHead[server];
    if (slot === NONE) {
      this.pending[server] = this.headLeft[server] = this.chunk[server] = 0;
      return;
    }
    this.headLeft[server] = this.requests.prompt[slot];
    const { chunkTokens } = this.model;
    const pending = this.pending[server];
    const full = this.waitHead[server] !== NONE && pending >= chunkTokens * (1 - ROUNDING);
    this.chunk[server] = full ? chunkTokens : pending / Math.ceil(pending / chunkTokens - ROUNDING);
  }

  /** Seconds of the iteration that begins now. */
  private iteration(server: number): number {
    const { iterationSeconds, readSeconds } = this.model;
    return iterationSeconds[this.finishes[server].size + Math.round(this.chunk[server])] + this.context[server] * readSeconds;
  }

  /** Lets the time pass until now, when no event is due before. */
  private advance(server: number, now: number): void {
    const passed = now - this.at[server];
    if (passed <= 0) {
      return;
    }
    const decoding = this.finishes[server].size;
    if (decoding === 0 && this.chunk[server] === 0) {
      this.at[server] = now;
      return;
    }
    const first = this.iteration(server);
    const growth = decoding * this.model.readSeconds;
    // Each iteration takes `growth` longer than the one before: first k + growth k^2 / 2 = passed, solved for k.
    this.move(server, now, (2 * passed) / (first + Math.sqrt(first * first + 2 * growth * passed)));
  }

  private move(server: number, now: number, iterations: number): void {
    this.area[server] += this.inSystem[server] * (now - this.at[server]);
    this.busySeconds += now - this.at[server];
    this.at[server] = now;
    this.clock[server] += iterations;
    this.context[server] += iterations * this.finishes[server].size;
    if (this.chunk[server] > 0) {
      const read = Math.min(this.headLeft[server], iterations * this.chunk[server]);
      this.headLeft[server] -= read;
      this.pending[server] -= read;
    }
  }

  /** Says when the next event of a server is. */
  private plan(server: number): void {
    const heap = this.finishes[server];
    let ahead = heap.size > 0 ? Math.max(0, heap.key - this.clock[server]) : Infinity;
    if (this.chunk[server] > 0) {
      ahead = Math.min(ahead, this.headLeft[server] / this.chunk[server]);
      const more = this.waitHead[server] === NONE ? 0 : this.tooMuchToRead(server);
      ahead = more > 0 ? Math.min(ahead, more / this.chunk[server]) : ahead;
    }
    this.ahead[server] = ahead;
    if (ahead === Infinity) {
      // An idle server starts anew, so that no rounding stays behind.
      this.clock[server] = this.context[server] = this.kvUsed[server] = 0;
      this.events.set(server, Infinity);
      return;
    }
    const growth = heap.size * this.model.readSeconds;
    this.events.set(server, this.at[server] + ahead * (this.iteration(server) + (growth * ahead) / 2));
  }

  private grow(): void {
    for (const name of ['clock', 'at', 'context', 'headLeft', 'pending', 'chunk', 'kvUsed', 'ahead', 'area'] as const) {
      this[name] = doubled(this[name], Float64Array);
    }
    for (const name of ['inSystem', 'admitted', 'promptHead', 'promptTail', 'waitHead', 'waitTail'] as const) {
      this[name] = doubled(this[name], Int32Array);
    }
  }
}

/** Puts a request at the end of a server's queue and returns the new end. */
function append(next: Int32Array, heads: Int32Array, tail: number, server: number, slot: number): number {
  next[slot] = NONE;
  if (heads[server] === NONE) {
    heads[server] = slot;
  } else {
    next[tail] = slot;
  }
  return slot;
}
