import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const WORDS = 4;
const FILTER_BITS = 2 ** 27;

/**
 * A set of 128-bit hashes in bounded memory: `capacity` of them in a table, the rest in sorted files that a Bloom filter spares most look-ups.
 * Two different keys count as one with a chance below 1e-24 for 10 million keys.
 */
export class KeySet {
  private readonly table: Uint32Array;
  private readonly mask: number;
  private filter?: Uint32Array;
  private count = 0;
  private readonly runs: { file: number; path: string; size: number }[] = [];
  private readonly hash = new Uint32Array(WORDS);

  constructor(
    private readonly folder: string,
    private readonly capacity = 2 ** 19,
  ) {
    this.table = new Uint32Array(capacity * 2 * WORDS);
    this.mask = capacity * 2 - 1;
  }

  /** Adds a key; false when it was there. */
  public add(key: string): boolean {
    hashOf(key, this.hash);
    const slot = this.find();
    if (slot === undefined || (this.runs.length > 0 && this.mayBeSpilt() && this.isSpilt())) {
      return false;
    }
    this.table.set(this.hash, slot * WORDS);
    if (++this.count === this.capacity) {
      this.spill();
    }
    return true;
  }

  public close(): void {
    for (const { file, path } of this.runs.splice(0)) {
      closeSync(file);
      rmSync(path, { force: true });
    }
  }

  /** The free slot for the hash, or undefined when the table has it. A slot whose first word is 0 is free: hashes start with a word above 0. */
  private find(): number | undefined {
    const [a, b, c, d] = this.hash;
    for (let slot = b & this.mask; ; slot = (slot + 1) & this.mask) {
      const at = slot * WORDS;
      if (this.table[at] === 0) {
        return slot;
      }
      if (this.table[at] === a && this.table[at + 1] === b && this.table[at + 2] === c && this.table[at + 3] === d) {
        return undefined;
      }
    }
  }

  /** Writes the table as one sorted run and empties it. */
  private spill(): void {
    const keys: Uint32Array[] = [];
    for (let at = 0; at < this.table.length; at += WORDS) {
      if (this.table[at] !== 0) {
        keys.push(this.table.slice(at, at + WORDS));
      }
    }
    keys.sort(compare);
    const path = join(this.folder, `keys-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const file = openSync(path, 'w+');
    const bytes = Buffer.concat(keys.map((key) => Buffer.from(key.buffer, key.byteOffset, 16)));
    writeSync(file, bytes);
    this.runs.push({ file, path, size: keys.length });
    this.filter ??= new Uint32Array(FILTER_BITS / 32);
    for (const key of keys) {
      for (const bit of bitsOf(key)) {
        this.filter[bit >>> 5] |= 1 << (bit & 31);
      }
    }
    this.table.fill(0);
    this.count = 0;
  }

  private mayBeSpilt(): boolean {
    return bitsOf(this.hash).every((bit) => (this.filter![bit >>> 5] & (1 << (bit & 31))) !== 0);
  }

  private isSpilt(): boolean {
    const probe = new Uint32Array(WORDS);
    const bytes = Buffer.from(probe.buffer);
    return this.runs.some(({ file, size }) => {
      let [low, high] = [0, size - 1];
      while (low <= high) {
        const middle = (low + high) >>> 1;
        readSync(file, bytes, 0, 16, middle * 16);
        const order = compare(probe, this.hash);
        if (order === 0) {
          return true;
        }
        [low, high] = order < 0 ? [middle + 1, high] : [low, middle - 1];
      }
      return false;
    });
  }
}

function bitsOf(hash: Uint32Array): number[] {
  return [hash[1] % FILTER_BITS, hash[2] % FILTER_BITS, hash[3] % FILTER_BITS];
}

function compare(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < WORDS; i++) {
    if (a[i] !== b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

/** Four 32-bit lanes of multiply-and-rotate over the UTF-16 units, mixed at the end as MurmurHash3 does. */
function hashOf(key: string, out: Uint32Array): void {
  let [a, b, c, d] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  out[0] = (a ^ b ^ c ^ d) >>> 0 || 1;
  out[1] = (b ^ a) >>> 0;
  out[2] = (c ^ a) >>> 0;
  out[3] = (d ^ a) >>> 0;
}
