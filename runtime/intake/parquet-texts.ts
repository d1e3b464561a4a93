/** Bytes that a store of texts begins with, and returns to when it grew beyond what it may keep. */
const FIRST_BYTES = 1024;
const KEPT_BYTES = 1024 * 1024;
const FIRST_PLACES = 2 ** 8;
/** Words of a place: a text's number plus one, 0 when it is free, and two that tell it from others. */
const WORDS = 4;
/** Longest text that the two words hold, the length included. Those of others have the highest bit. */
const SHORT = 7;
const LONG = 0x80000000;
/** Second word of no text. */
const NONE = 0x7fffffff;

/**
 * The different texts of a column, in the order in which they came first, found again by their bytes. All of it lies outside the heap of
 * JavaScript, whose peak would grow with the file otherwise. Fewer than 2^28 texts.
 */
export class Texts {
  public bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  public count = 0;
  /** Where each text ends; it starts where the one before it ends. */
  private readonly ends: Uint32Array;
  /** A text lies at the place that its hash says, or the next free one behind it. At least half of them are free. */
  private places = new Int32Array(FIRST_PLACES * WORDS);
  private shift = shiftFor(FIRST_PLACES);
  /** The text that came last, as its two words. Neighbouring records often have the same. */
  private last = 0;
  private lastLow = 0;
  private lastHigh = NONE;

  /** `most`: texts that may come. */
  constructor(most: number) {
    this.ends = new Uint32Array(most);
  }

  public start(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1];
  }

  public end(index: number): number {
    return this.ends[index];
  }

  /** Bytes of all texts. */
  public get length(): number {
    return this.start(this.count);
  }

  /** The number of a text, which is remembered if it is new. */
  public indexOf(source: Uint8Array, start: number, end: number): number {
    const length = end - start;
    let low = 0;
    let high = length << 24;
    if (length <= SHORT) {
      const middle = Math.min(end, start + 4);
      for (let i = start; i < middle; i++) {
        low = (low << 8) | source[i];
      }
      for (let i = middle; i < end; i++) {
        high += source[i] << (8 * (i - middle));
      }
    } else {
      if (this.lastHigh < 0 && this.equals(this.last, source, start, end)) {
        return this.last;
      }
      for (let i = start; i < end; i++) {
        low = Math.imul(low ^ source[i], 0x01000193);
      }
      high = length | LONG;
    }
    if (low !== this.lastLow || high !== this.lastHigh || high < 0) {
      this.last = this.find(low, high, source, start, end);
      this.lastLow = low;
      this.lastHigh = high;
    }
    return this.last;
  }

  public clear(): void {
    this.count = 0;
    this.lastHigh = NONE;
    this.places.fill(0);
    if (this.bytes.length > KEPT_BYTES) {
      this.bytes = Buffer.allocUnsafe(FIRST_BYTES);
    }
  }

  private find(low: number, high: number, source: Uint8Array, start: number, end: number): number {
    let at = placeOf(low, high, this.shift);
    for (let number = this.places[at]; number !== 0; number = this.places[at]) {
      if (this.places[at + 1] === low && this.places[at + 2] === high && (high >= 0 || this.equals(number - 1, source, start, end))) {
        return number - 1;
      }
      at = at + WORDS === this.places.length ? 0 : at + WORDS;
    }
    this.append(source, start, end);
    this.places[at] = this.count;
    this.places[at + 1] = low;
    this.places[at + 2] = high;
    if (this.count * 2 * WORDS > this.places.length) {
      this.grow();
    }
    return this.count - 1;
  }

  private grow(): void {
    const { places } = this;
    this.places = new Int32Array(places.length * 2);
    this.shift--;
    for (let from = 0; from < places.length; from += WORDS) {
      if (places[from] !== 0) {
        let at = placeOf(places[from + 1], places[from + 2], this.shift);
        while (this.places[at] !== 0) {
          at = at + WORDS === this.places.length ? 0 : at + WORDS;
        }
        this.places.set(places.subarray(from, from + WORDS), at);
      }
    }
  }

  private equals(index: number, source: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this;
    const first = this.start(index);
    if (this.ends[index] - first !== end - start) {
      return false;
    }
    for (let i = start; i < end; i++) {
      if (bytes[first + i - start] !== source[i]) {
        return false;
      }
    }
    return true;
  }

  private append(source: Uint8Array, start: number, end: number): void {
    const at = this.length;
    const needed = at + end - start;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(2 * needed);
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    for (let i = start; i < end; i++) {
      this.bytes[at + i - start] = source[i];
    }
    this.ends[this.count++] = needed;
  }
}

function shiftFor(places: number): number {
  return Math.clz32(places) + 1;
}

function placeOf(low: number, high: number, shift: number): number {
  const hash = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
  return (Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) >>> shift) * WORDS;
}
