import type { Output } from './object-output';
import type { Counts } from './validator';

/** A result of a file, as long as it was the one that counts. */
export interface Judgement {
  attempt: string;
  counts: Counts;
  validated: Output;
  quarantine: Output;
  validator: string;
  contract: string;
}

/** How a result differs from the one that it replaced: read = earlier valid - refused + released + quarantined. */
export interface Rejudged {
  /** Id of the operation. */
  operation: string;
  at: string;
  /** Records that were in quarantine and are valid now. */
  released: number;
  /** Records that were valid and are in quarantine now; 0 after a revalidation. */
  refused: number;
}
