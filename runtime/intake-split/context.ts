import { S3Client } from '@aws-sdk/client-s3';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { Ledger } from '../intake/ledger';
import { PartStore } from './part-store';
import { PartNames, SplitFile } from './plan';

/** Moments at which a test may kill a step. Production passes nothing. */
export type SplitCheckpoint =
  | 'held'
  | 'planned'
  | 'keys stored'
  | 'duplicates stored'
  | 'range valid stored'
  | 'between range and merge'
  | 'merged valid uploaded'
  | 'merged both uploaded'
  | 'merge committed';

/** What ranges are judged with; who commits the result is another matter. */
export interface RangesOptions {
  s3: S3Client;
  contract: CompiledContract;
  /** SHA-256 of the compiled contract, and what identifies this build of the validator. */
  contractHash: string;
  build: string;
  validatedBucket: string;
  quarantineBucket: string;
  scratchFolder: string;
  /** Bytes of a range, unless there would be too many. */
  rangeBytes: number;
  at?: (checkpoint: SplitCheckpoint) => void | Promise<void>;
}

export interface SplitOptions extends RangesOptions {
  ledger: Ledger;
}

interface Parts {
  partsOf(file: Pick<SplitFile, 'attempt'>): { store: PartStore; names: PartNames };
}

/** What the steps work on. */
export type RangesContext = RangesOptions & Parts;
export type SplitContext = SplitOptions & Parts;

export function contextOf<T extends RangesOptions>(options: T): T & Parts {
  const store = new PartStore(options.s3, options.validatedBucket);
  return { ...options, partsOf: (file) => ({ store, names: new PartNames(options.contract, file) }) };
}
