import { tmpdir } from 'node:os';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_KEYS } from '../../../lib/constructs/data/data-intake/contract';
import { InputFormat } from '../../../runtime/intake/envelope';
import { FileRejected, Validator } from '../../../runtime/intake/validator';

export interface Quarantined {
  record: number;
  offset: number;
  length: number;
  rule: string;
  column?: string;
  reason: string;
}

export interface Judged {
  /** Why the file was rejected. */
  rejected?: string;
  counts: { read: number; valid: number; quarantined: number; byRule: Record<string, number>; byFileRule?: Record<string, number> };
  valid: string[];
  quarantine: Quarantined[];
}

/** What the validator makes of a file that comes in chunks. */
export const judge = (contract: CompiledContract, ...chunks: (Buffer | string)[]): Judged => judgeAs(contract.format, contract, ...chunks);

/** The same for a file that is framed in another way than the contract says. */
export function judgeAs(format: InputFormat, contract: CompiledContract, ...chunks: (Buffer | string)[]): Judged {
  const valid: string[] = [];
  const quarantine: Quarantined[] = [];
  const sink = {
    valid: (bytes: Buffer, start: number, end: number) => void valid.push(bytes.toString('utf8', start, end)),
    quarantine: (line: string) => void quarantine.push(JSON.parse(line)),
  };
  const validator = new Validator(contract, sink, tmpdir(), MAXIMUM_KEYS, format);
  let rejected: string | undefined;
  try {
    chunks.forEach((chunk) => validator.feed(Buffer.from(chunk)));
    validator.finish();
  } catch (error) {
    if (!(error instanceof FileRejected)) {
      throw error;
    }
    rejected = error.message;
  } finally {
    validator.close();
  }
  return { rejected, counts: validator.counts, valid, quarantine };
}
