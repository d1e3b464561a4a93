import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_KEYS } from '../../lib/constructs/data/data-intake/contract';
import { Envelope } from '../intake/envelope';
import { Refusal } from '../intake/rules';
import { Validator } from '../intake/validator';

/** What becomes of one record: its columns, or why it goes to quarantine. */
export type Verdict = { record: Record<string, unknown> } | { refusal: Refusal };

/**
 * Judges single records by the validator of files itself, so that both find the same. Keys are not compared: of two records with one key the
 * dataset builder keeps the newer.
 */
export class RecordJudge {
  private refusal?: Refusal;
  private readonly validator: Validator;

  constructor(contract: CompiledContract) {
    const sink = {
      valid: () => (this.refusal = undefined),
      quarantine: (line: string) => {
        const { rule, column, reason } = JSON.parse(line) as Refusal;
        this.refusal = { rule, column, reason };
      },
    };
    this.validator = new Validator({ ...contract, primaryKey: [], fileRules: [] }, sink, '', MAXIMUM_KEYS, 'envelopes');
  }

  /** `line`: a record as it is landed. */
  public judge(line: string): Verdict {
    this.validator.feed(Buffer.from(`${line}\n`));
    return this.refusal === undefined
      ? { record: JSON.parse((JSON.parse(line) as Envelope).data!) as Record<string, unknown> }
      : { refusal: this.refusal };
  }
}
