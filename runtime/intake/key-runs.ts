import { readSync, writeFileSync } from 'node:fs';
import { HASH_WORDS } from './hash';

/** 32-bit words of an entry: a hash, then the ordinal of the record that had it first. */
export const ENTRY_WORDS = HASH_WORDS + 1;
export const ENTRY_BYTES = ENTRY_WORDS * 4;
/** Entries that one look-up reads: the first hash word of each such block stays in memory. */
const BLOCK = 256;
const UPPER_HALF = 2 ** 31;
/** Entries that a merge holds of each run. */
const WINDOW = 2048;

/** Order of the entry of `a` at word `i` and that of `b` at word `j`, by hash. */
export function compareEntries(a: Uint32Array, i: number, b: Uint32Array, j: number): number {
  for (let word = 0; word < HASH_WORDS; word++) {
    if (a[i + word] !== b[j + word]) {
      return a[i + word] < b[j + word] ? -1 : 1;
    }
  }
  return 0;
}

/**
 * The entries of a table, whose free places have ordinal 0, sorted by hash. The table is nearly in order, so an insertion sort moves each
 * entry a few places. Those that went round its end, into the places before the first free one, come last. They go into `sorted`.
 */
export function sortEntries(table: Uint32Array, sorted: Uint32Array): void {
  let filled = 0;
  const insert = (from: number) => {
    let at = filled;
    while (at > 0 && compareEntries(sorted, at - ENTRY_WORDS, table, from) > 0) {
      sorted.copyWithin(at, at - ENTRY_WORDS, at);
      at -= ENTRY_WORDS;
    }
    for (let word = 0; word < ENTRY_WORDS; word++) {
      sorted[at + word] = table[from + word];
    }
    filled += ENTRY_WORDS;
  };
  const wrapped: number[] = [];
  let free = false;
  for (let from = 0; from < table.length; from += ENTRY_WORDS) {
    if (table[from + HASH_WORDS] === 0) {
      free = true;
    } else if (!free && table[from] >= UPPER_HALF) {
      wrapped.push(from);
    } else {
      insert(from);
    }
  }
  wrapped.forEach(insert);
}

/** Reads entries of a file into `window`; returns how many words it read. */
export function readEntries(file: number, position: number, count: number, window: Uint32Array): number {
  return readSync(file, window, 0, Math.max(0, count) * ENTRY_BYTES, position * ENTRY_BYTES) / 4;
}

/** A file of sorted entries. */
export class Run {
  private readonly fences: Uint32Array;
  private readonly block = new Uint32Array(BLOCK * ENTRY_WORDS);

  constructor(
    public readonly file: number,
    public readonly size: number,
    public readonly level: number,
  ) {
    this.fences = new Uint32Array(Math.ceil(size / BLOCK));
    const first = new Uint32Array(1);
    for (let i = 0; i < this.fences.length; i++) {
      readSync(file, first, 0, 4, i * BLOCK * ENTRY_BYTES);
      this.fences[i] = first[0];
    }
  }

  /** The ordinal of an entry with the same hash. */
  public find(entry: Uint32Array): number | undefined {
    for (let i = this.firstBlock(entry[0]); i < this.fences.length && this.fences[i] <= entry[0]; i++) {
      const found = this.findIn(i, entry);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  /** Reads up to `count` entries from an ordinal position into `window`; returns how many words it read. */
  public read(position: number, count: number, window: Uint32Array): number {
    return readEntries(this.file, position, Math.min(count, this.size - position), window);
  }

  /** The last block that starts below the word: hashes that start with it may begin there. */
  private firstBlock(word: number): number {
    let [low, high] = [0, this.fences.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      [low, high] = this.fences[middle] < word ? [middle + 1, high] : [low, middle];
    }
    return Math.max(0, low - 1);
  }

  private findIn(index: number, entry: Uint32Array): number | undefined {
    const words = this.read(index * BLOCK, BLOCK, this.block);
    let [low, high] = [0, words / ENTRY_WORDS - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = compareEntries(this.block, middle * ENTRY_WORDS, entry, 0);
      if (order === 0) {
        return this.block[middle * ENTRY_WORDS + HASH_WORDS];
      }
      [low, high] = order < 0 ? [middle + 1, high] : [low, middle - 1];
    }
    return undefined;
  }
}

/** Reads a run from its start, a window at a time. */
export class Cursor {
  private readonly window = new Uint32Array(WINDOW * ENTRY_WORDS);
  private filled = 0;
  private at = 0;
  private position = 0;

  constructor(private readonly run: Pick<Run, 'read'>) {
    this.fill();
  }

  public get done(): boolean {
    return this.filled === 0;
  }

  public before(other: Cursor): boolean {
    return this.compare(other) < 0;
  }

  /** Order of the entries that both stand at, by hash. */
  public compare(other: Cursor): number {
    return compareEntries(this.window, this.at, other.window, other.at);
  }

  public moveTo(target: Uint32Array, at: number): void {
    for (let word = 0; word < ENTRY_WORDS; word++) {
      target[at + word] = this.window[this.at + word];
    }
    this.at += ENTRY_WORDS;
    if (this.at === this.filled) {
      this.fill();
    }
  }

  private fill(): void {
    this.filled = this.run.read(this.position, WINDOW, this.window);
    this.position += WINDOW;
    this.at = 0;
  }
}

/** Merges runs, whose hashes are all different, into one file. */
export function mergeRuns(runs: readonly Run[], file: number, level: number): Run {
  const out = new Uint32Array(WINDOW * ENTRY_WORDS);
  let filled = 0;
  let cursors = runs.map((run) => new Cursor(run)).filter(({ done }) => !done);
  while (cursors.length > 0) {
    let least = cursors[0];
    for (const cursor of cursors) {
      least = cursor.before(least) ? cursor : least;
    }
    least.moveTo(out, filled);
    filled += ENTRY_WORDS;
    if (filled === out.length) {
      writeFileSync(file, out);
      filled = 0;
    }
    if (least.done) {
      cursors = cursors.filter(({ done }) => !done);
    }
  }
  writeFileSync(file, out.subarray(0, filled));
  return new Run(
    file,
    runs.reduce((sum, { size }) => sum + size, 0),
    level,
  );
}
