import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash128, HASH_WORDS } from './hash';
import { ENTRY_WORDS, mergeRuns, Run, sortEntries } from './key-runs';

const FILTER_BITS = 2 ** 27;
/** Entries that the table holds at first; it doubles until it has its full capacity. */
const FIRST_CAPACITY = 2 ** 10;
/** Runs of one level that are merged into one of the next: at most seven remain of each. */
const FAN_IN = 8;

/**
 * The first place of each key, in bounded memory: `capacity` entries of a 128-bit hash and an ordinal in a table, the rest in sorted files,
 * from most look-ups of which a Bloom filter saves. Two different keys count as one with a chance below 1e-24 for 10 million keys.
 */
export class KeySet {
  private table: Uint32Array;
  private filter?: Uint32Array;
  private sorted?: Uint32Array;
  private count = 0;
  private runs: Run[] = [];
  private readonly entry = new Uint32Array(ENTRY_WORDS);

  /** `capacity`: a power of two. `folder`: where the sorted files go; they have no name there, so that a crash leaves none. */
  constructor(
    private readonly folder: string,
    private readonly capacity = 2 ** 18,
  ) {
    this.table = tableFor(Math.min(FIRST_CAPACITY, capacity));
  }

  /**
   * Remembers where a key was seen first; returns that ordinal when it was seen before. The key's bytes are little-endian words, filled with
   * zeros up to a multiple of 16 bytes. Ordinals: from 1 to 2^32 - 1.
   */
  public add(words: Int32Array, bytes: number, ordinal: number): number | undefined {
    hash128(words, bytes, this.entry);
    const at = find(this.table, this.entry, 0);
    if (this.table[at + HASH_WORDS] !== 0) {
      return this.table[at + HASH_WORDS];
    }
    const spilt = this.runs.length > 0 && this.mayBeSpilt() ? this.findSpilt() : undefined;
    if (spilt !== undefined) {
      return spilt;
    }
    this.entry[HASH_WORDS] = ordinal;
    copyEntry(this.entry, 0, this.table, at);
    this.count++;
    if (this.count === this.capacity) {
      this.spill();
    } else if (this.count * 2 * ENTRY_WORDS === this.table.length) {
      this.grow();
    }
    return undefined;
  }

  /** All keys as one sorted file, which `close()` removes. It is the last that may be asked of the set. */
  public toRun(): Run {
    if (this.count > 0) {
      this.writeTable();
    }
    if (this.runs.length !== 1) {
      const spilt = this.runs;
      this.runs = [mergeRuns(spilt, this.open(), 0)];
      spilt.forEach(({ file }) => closeSync(file));
    }
    return this.runs[0];
  }

  public close(): void {
    this.runs.splice(0).forEach(({ file }) => closeSync(file));
  }

  private grow(): void {
    const { table } = this;
    this.table = tableFor(this.count * 2);
    for (let at = 0; at < table.length; at += ENTRY_WORDS) {
      if (table[at + HASH_WORDS] !== 0) {
        copyEntry(table, at, this.table, find(this.table, table, at));
      }
    }
  }

  /** Writes the table as one sorted run and empties it. */
  private spill(): void {
    const entries = this.writeTable();
    const filter = (this.filter ??= new Uint32Array(FILTER_BITS / 32));
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      for (let word = 1; word < HASH_WORDS; word++) {
        const bit = entries[at + word] % FILTER_BITS;
        filter[bit >>> 5] |= 1 << (bit & 31);
      }
    }
    this.table.fill(0);
    for (let level = 0; this.runs.filter((run) => run.level === level).length === FAN_IN; level++) {
      const merged = this.runs.filter((run) => run.level === level);
      const rest = this.runs.filter((run) => run.level !== level);
      this.runs = [...rest, mergeRuns(merged, this.open(), level + 1)];
      merged.forEach((run) => closeSync(run.file));
    }
  }

  /** Makes a sorted run of the table. */
  private writeTable(): Uint32Array {
    this.sorted ??= new Uint32Array((this.runs.length === 0 ? this.count : this.capacity) * ENTRY_WORDS);
    const entries = this.sorted.subarray(0, this.count * ENTRY_WORDS);
    sortEntries(this.table, entries);
    const file = this.open();
    writeFileSync(file, entries);
    this.runs.push(new Run(file, this.count, 0));
    this.count = 0;
    return entries;
  }

  private open(): number {
    const path = join(this.folder, `keys-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const file = openSync(path, 'wx+');
    rmSync(path);
    return file;
  }

  private mayBeSpilt(): boolean {
    for (let word = 1; word < HASH_WORDS; word++) {
      const bit = this.entry[word] % FILTER_BITS;
      if ((this.filter![bit >>> 5] & (1 << (bit & 31))) === 0) {
        return false;
      }
    }
    return true;
  }

  private findSpilt(): number | undefined {
    for (const run of this.runs) {
      const ordinal = run.find(this.entry);
      if (ordinal !== undefined) {
        return ordinal;
      }
    }
    return undefined;
  }
}

/** A table for so many entries: twice the places, so that a look-up is short. */
function tableFor(capacity: number): Uint32Array {
  return new Uint32Array(capacity * 2 * ENTRY_WORDS);
}

/**
 * Where the hash of `entries` at word `from` lies in a table, or the free place for it: one whose ordinal is 0. Places follow the order of the
 * hashes, so sorting a table is short work.
 */
function find(table: Uint32Array, entries: Uint32Array, from: number): number {
  const a = entries[from];
  const b = entries[from + 1];
  const c = entries[from + 2];
  const d = entries[from + 3];
  const places = table.length / ENTRY_WORDS;
  for (let at = Math.floor((a / 2 ** 32) * places) * ENTRY_WORDS; ; at += ENTRY_WORDS) {
    if (at === table.length) {
      at = 0;
    }
    const same = table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d;
    if (same || table[at + HASH_WORDS] === 0) {
      return at;
    }
  }
}

/** Word by word: for so few of them a call of `set` takes longer. */
function copyEntry(from: Uint32Array, at: number, to: Uint32Array, target: number): void {
  for (let word = 0; word < ENTRY_WORDS; word++) {
    to[target + word] = from[at + word];
  }
}
