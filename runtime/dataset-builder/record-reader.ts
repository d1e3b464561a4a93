import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { Fields, textsOf } from '../intake/fields';
import { Framed, Framer, textOf } from '../intake/framing';
import { jsonText } from '../intake/json-record';
import { PrimaryKey } from '../intake/primary-key';

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
      { quotes: csv, maximum: MAXIMUM_RECORD_BYTES },
      csv ? (framed) => this.csv(framed) : (framed) => this.json(framed),
    );
  }

  /** Errors: a header without a column of the primary key. */
  public feed(chunk: Buffer): void {
    this.framer.feed(chunk);
  }

  public finish(): void {
    this.framer.finish();
  }

  private csv(framed: Framed): void {
    if (this.record === undefined) {
      this.record = this.headed(textsOf(framed) ?? []);
      return;
    }
    this.record.fields.readCsv(framed);
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
    const values = JSON.parse(textOf(framed)) as Record<string, unknown>;
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
