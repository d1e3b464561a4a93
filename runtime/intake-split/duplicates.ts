import { writeSync } from 'node:fs';
import { HASH_WORDS } from '../intake/hash';
import { Cursor, ENTRY_BYTES, ENTRY_WORDS, readEntries } from '../intake/key-runs';
import { KeySet } from '../intake/key-set';
import { Keys } from '../intake/validator';
import { Scratch } from './scratch';

/** Words of a pair: the ordinal of the first record with a key in the file, then that of a later one in its range. */
const PAIR_WORDS = 2;
const PAIRS = 4096;

/** The records of one range whose keys an earlier range has, in a file of pairs. */
export class PairFile {
  public size = 0;
  public readonly file: number;
  private readonly buffer = new Uint32Array(PAIRS * PAIR_WORDS);
  private filled = 0;

  constructor(scratch: Scratch) {
    this.file = scratch.open();
  }

  public add(first: number, ordinal: number): void {
    this.buffer[this.filled++] = first;
    this.buffer[this.filled++] = ordinal;
    this.size++;
    if (this.filled === this.buffer.length) {
      this.flush();
    }
  }

  public flush(): void {
    const bytes = new Uint8Array(this.buffer.buffer, 0, this.filled * 4);
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.file, bytes, written);
    }
    this.filled = 0;
  }
}

/** A file of sorted entries and how many records lie before its range. */
export interface KeyFile {
  readonly file: number;
  readonly keys: number;
  readonly recordsBefore: number;
}

/**
 * Finds keys that several ranges have, in memory that does not grow with them: the first record in the file keeps its key, the others are
 * duplicates of it. Each range has each of its keys once, with the first record there. `files`: in the order of their ranges.
 */
export function findDuplicates(files: readonly KeyFile[], scratch: Scratch): (PairFile | undefined)[] {
  const found: (PairFile | undefined)[] = files.map(() => undefined);
  const heap = new CursorHeap(files);
  const [entry, last] = [new Uint32Array(ENTRY_WORDS), new Uint32Array(ENTRY_WORDS)];
  let first = 0;
  for (let range = heap.next(entry); range !== undefined; range = heap.next(entry)) {
    const ordinal = entry[HASH_WORDS];
    if (first > 0 && sameHash(entry, last)) {
      (found[range] ??= new PairFile(scratch)).add(first, ordinal);
    } else {
      first = files[range].recordsBefore + ordinal;
      last.set(entry);
    }
  }
  found.forEach((pairs) => pairs?.flush());
  return found;
}

function sameHash(a: Uint32Array, b: Uint32Array): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

/** Gives the entries of sorted files in order; of equal hashes, that of the earlier range first. */
class CursorHeap {
  private readonly heap: { cursor: Cursor; range: number }[];

  constructor(files: readonly KeyFile[]) {
    const read = ({ file, keys }: KeyFile): Cursor =>
      new Cursor({ read: (position, count, window) => readEntries(file, position, Math.min(count, keys - position), window) });
    this.heap = files.map((file, range) => ({ cursor: read(file), range })).filter(({ cursor }) => !cursor.done);
    for (let at = (this.heap.length >>> 1) - 1; at >= 0; at--) {
      this.sink(at);
    }
  }

  /** Takes the next entry; returns its range, or undefined when there is none. */
  public next(entry: Uint32Array): number | undefined {
    if (this.heap.length === 0) {
      return undefined;
    }
    const [{ cursor, range }] = this.heap;
    cursor.moveTo(entry, 0);
    const last = cursor.done ? this.heap.pop() : undefined;
    if (last !== undefined && this.heap.length > 0) {
      this.heap[0] = last;
    }
    this.sink(0);
    return range;
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        least = child < heap.length && this.before(child, least) ? child : least;
      }
      if (least === at) {
        return;
      }
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  }

  private before(a: number, b: number): boolean {
    const order = this.heap[a].cursor.compare(this.heap[b].cursor);
    return order < 0 || (order === 0 && this.heap[a].range < this.heap[b].range);
  }
}

/** Bytes of the sorted entries of a range. */
export const keyBytes = (keys: number) => keys * ENTRY_BYTES;

/** The keys of a range whose place among the others is known: what `KeySet` finds in it, and what earlier ranges have. */
export class RangeKeys implements Keys {
  private readonly own: KeySet;
  private readonly pairs: Uint32Array;

  /** `pairs`: the bytes of a file of pairs. */
  constructor(
    scratchFolder: string,
    private readonly recordsBefore: number,
    pairs: Uint8Array,
  ) {
    this.own = new KeySet(scratchFolder);
    const values = new BigUint64Array(pairs.length / 8);
    new Uint8Array(values.buffer).set(pairs);
    // A pair is a little-endian number whose upper half is the ordinal in the range.
    this.pairs = new Uint32Array(values.sort().buffer);
  }

  public add(words: Int32Array, bytes: number, ordinal: number): number | undefined {
    const here = this.own.add(words, bytes, ordinal);
    return this.earlier((here ?? ordinal) - this.recordsBefore) ?? here;
  }

  public close(): void {
    this.own.close();
  }

  /** The record of an earlier range with the key of the record that has this ordinal in the range. */
  private earlier(ordinal: number): number | undefined {
    let [low, high] = [0, this.pairs.length / PAIR_WORDS - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.pairs[middle * PAIR_WORDS + 1];
      if (found === ordinal) {
        return this.pairs[middle * PAIR_WORDS];
      }
      [low, high] = found < ordinal ? [middle + 1, high] : [low, middle - 1];
    }
    return undefined;
  }
}
