import { doubled } from './heaps';

/** The requests that are open, as columns; a slot is used again when its request is over, so memory follows what is open, not the trace. */
export class Requests {
  /** Seconds. */
  public arrivedAt = new Float64Array(1024);
  /** When it came to its server, seconds. */
  public placedAt = new Float64Array(1024);
  /** Prompt tokens. */
  public prompt = new Float64Array(1024);
  /** Tokens to generate; for a classical model the work, seconds. */
  public output = new Float64Array(1024);
  /** When the first token was out, seconds. */
  public firstAt = new Float64Array(1024);
  /** The next in the same queue; -1 ends it. */
  public next = new Int32Array(1024);
  /** How many are open. */
  public open = 0;
  private free = -1;
  private used = 0;

  /** A slot for a request. */
  public take(arrivedAt: number, prompt: number, output: number): number {
    let slot = this.free;
    if (slot >= 0) {
      this.free = this.next[slot];
    } else {
      if (this.used === this.next.length) {
        this.grow();
      }
      slot = this.used++;
    }
    this.open++;
    this.arrivedAt[slot] = arrivedAt;
    this.prompt[slot] = prompt;
    this.output[slot] = output;
    this.next[slot] = -1;
    return slot;
  }

  /** Gives a slot back. */
  public release(slot: number): void {
    this.open--;
    this.next[slot] = this.free;
    this.free = slot;
  }

  private grow(): void {
    this.arrivedAt = doubled(this.arrivedAt, Float64Array);
    this.placedAt = doubled(this.placedAt, Float64Array);
    this.prompt = doubled(this.prompt, Float64Array);
    this.output = doubled(this.output, Float64Array);
    this.firstAt = doubled(this.firstAt, Float64Array);
    this.next = doubled(this.next, Int32Array);
  }
}
