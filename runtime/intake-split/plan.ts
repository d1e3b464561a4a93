import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { SPLIT_PARTS } from '../../lib/constructs/data/data-intake/contract';
import { ObjectVersion } from '../intake/core';

/** A file that is judged in ranges, and the attempt that holds its row: what an execution starts from. */
export interface SplitFile {
  readonly object: ObjectVersion;
  readonly attempt: string;
  /** Size of the object. */
  readonly bytes: number;
}

/** How a file is cut. It owns every byte behind the header once. */
export interface Plan {
  /** First byte behind the header's line; 0 when the format has none. */
  readonly dataStart: number;
  /** What `readHeader` says, when the format has a header. */
  readonly order?: readonly number[];
  readonly rangeBytes: number;
  readonly ranges: number;
}

/** Ranges of a file at most: as many items, with what is said of each, fit into a state's 256 KiB many times over. */
const MOST_RANGES = 256;

/** Cuts a file at fixed places, never mind its lines. */
export function planOf(bytes: number, dataStart: number, wantedBytes: number, order?: readonly number[], most = MOST_RANGES): Plan {
  const rangeBytes = Math.max(wantedBytes, Math.ceil((bytes - dataStart) / most));
  const ranges = Math.max(1, Math.ceil((bytes - dataStart) / rangeBytes));
  return { dataStart, rangeBytes, ranges, ...(order === undefined ? {} : { order }) };
}

/** A range owns each line that starts at `from` or behind it and before `to`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export function rangeOf({ dataStart, rangeBytes }: Plan, index: number, bytes: number): Range {
  const from = dataStart + index * rangeBytes;
  return { from, to: Math.min(bytes, from + rangeBytes) };
}

/** What a range found before anything was written. */
export interface Scanned {
  readonly records: number;
  /** Different primary keys among the records that pass every other rule. */
  readonly keys: number;
}

/** What a range needs to know of the others before it writes. */
export interface Ordered {
  readonly recordsBefore: number;
  /** Records whose primary key an earlier range has. */
  readonly duplicates: number;
}

/** Names of what the steps of an attempt leave for each other. No dataset's name starts with an underscore, so no reader comes by. */
export class PartNames {
  private readonly folder: string;
  public readonly plan: string;
  public readonly ordered: string;
  public readonly digest: string;

  constructor({ dataset }: Pick<CompiledContract, 'dataset'>, { attempt }: Pick<SplitFile, 'attempt'>) {
    this.folder = `${SPLIT_PARTS}/${dataset}/${attempt}`;
    this.plan = `${this.folder}/plan.json`;
    this.ordered = `${this.folder}/ordered.json`;
    this.digest = `${this.folder}/digest.json`;
  }

  public scanned = (range: number) => `${this.folder}/${range}-scanned.json`;
  public keys = (range: number) => `${this.folder}/${range}-keys`;
  public duplicates = (range: number) => `${this.folder}/${range}-duplicates`;
  public valid = (range: number) => `${this.folder}/${range}-valid.gz`;
  public quarantine = (range: number) => `${this.folder}/${range}-quarantine.gz`;
  public counts = (range: number) => `${this.folder}/${range}-counts.json`;
}
