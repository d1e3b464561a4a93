import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_VALIDATED_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { Fields, textsOf } from '../intake/fields';
import { Framed, Framer, textOf } from '../intake/framing';
import { jsonText } from '../intake/json-record';
import { PrimaryKey } from '../intake/primary-key';

/** The object has not the bytes that the intake wrote. */
export class Unreadable extends Error {}

/** One validated record: where the value of each column of the contract lies. Valid until the next one. */
export interface ReadRecord {
  readonly fields: Fields;
  /** Place in `fields` of each column. */
  readonly order: Int32Array;
  readonly key: PrimaryKey;
}

/**
 * A stream of validated records, in their order, read as the intake reads them. A column that they do not have is empty in each. Memory is bounded
 * by one chunk and one record.
 */
export class RecordReader {
  /** Records so far. */
  public records = 0;
  private readonly framer: Framer;
  private readonly names: string[];
  private record?: ReadRecord;

  constructor(
    private readonly contract: CompiledContract,
    private readonly take: (record: ReadRecord) => void,
  ) {
    this.names = contract.columns.map(({ name }) => name);
    const csv = contract.format === 'csv';
    if (!csv) {
      this.record = this.recordOf([...this.names.keys()], this.names.length);
    }
    this.framer = new Framer(
      { quotes: csv, maximum: MAXIMUM_VALIDATED_BYTES },
      csv ? (framed) => this.csv(framed) : (framed) => this.json(framed),
    );
  }

  /** Errors: a header without a column of the primary key; `Unreadable` for what the intake cannot have written. */
  public feed(chunk: Buffer): void {
    this.framer.feed(chunk);
  }

  /** Errors: `Unreadable`. */
  public finish(): void {
    if (this.framer.finish() !== undefined) {
      unreadable('a quoted field is open at the end');
    }
  }

  private csv(framed: Framed): void {
    checkFault(framed);
    if (this.record === undefined) {
      this.record = this.headed(textsOf(framed) ?? unreadable('the header cannot be read'));
      return;
    }
    const { fields } = this.record;
    if (fields.readCsv(framed) !== fields.empty) {
      unreadable(`record ${this.records + 1} has not as many fields as the header`);
    }
    this.give(this.record);
  }

  private headed(header: readonly string[]): ReadRecord {
    const missing = this.contract.primaryKey.filter((name) => !header.includes(name));
    if (missing.length > 0) {
      throw new Error(`UnknownKey: the primary key has columns that the records do not have: ${missing.join(', ')}: re-run their files`);
    }
    const places = this.names.map((name) => header.indexOf(name));
    return this.recordOf(places, header.length);
  }

  /** `places`: of each column in a record with so many fields; -1 of one that it does not have. */
  private recordOf(places: readonly number[], width: number): ReadRecord {
    const fields = new Fields(width);
    const order = Int32Array.from(places, (place) => (place < 0 ? fields.empty : place));
    return { fields, order, key: new PrimaryKey(this.contract) };
  }

  private json(framed: Framed): void {
    checkFault(framed);
    const values = objectIn(textOf(framed));
    this.record!.fields.setValues(this.names.map((name) => jsonText(values, name)!));
    this.give(this.record!);
  }

  private give(record: ReadRecord): void {
    const { bytes, starts, ends } = record.fields;
    this.records++;
    if (record.key.exists) {
      record.key.read(bytes, starts, ends, record.order);
    }
    this.take(record);
  }
}

function checkFault({ fault }: Framed): void {
  if (fault !== undefined) {
    unreadable(`there is a line with the fault '${fault}'`);
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return unreadable('there is a line that is not JSON');
  }
}

function unreadable(why: string): never {
  throw new Unreadable(why);
}
