import { ColumnType, CompiledContract, MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/contract';
import { Fields, textsOf } from '../intake/fields';
import { Framed, Framer, textOf } from '../intake/framing';
import { jsonText } from '../intake/json-record';
import { PrimaryKey } from '../intake/primary-key';

/** How to find the key of a record of a dataset. */
export interface KeyRule {
  format: CompiledContract['format'];
  primaryKey: readonly string[];
  /** Type of each column of the key, in its order: numbers are one key in every spelling. */
  keyTypes: readonly ColumnType[];
}

/**
 * The primary keys of a stream of validated records, in their order, read as the intake reads them. A column of the key without a value is a
 * value like others. Memory is bounded by one chunk and one record.
 */
export class RecordKeys {
  /** Records so far. */
  public records = 0;
  private readonly framer: Framer;
  private readonly key: PrimaryKey;
  private fields: Fields;
  /** Where the columns of the key lie in a record; undefined until the header was read. */
  private order?: Int32Array;

  /** `take`: gets the key of each record, which is valid until it returns. */
  constructor(
    private readonly rule: KeyRule,
    private readonly take: (key: PrimaryKey) => void,
  ) {
    const { format, primaryKey, keyTypes } = rule;
    const csv = format === 'csv';
    this.key = new PrimaryKey({ primaryKey, columns: primaryKey.map((name, i) => ({ name, type: keyTypes[i], required: false })) });
    this.fields = new Fields(primaryKey.length);
    this.order = csv ? undefined : Int32Array.from(primaryKey.keys());
    this.framer = new Framer(
      { quotes: csv, maximum: MAXIMUM_RECORD_BYTES },
      csv ? (record) => this.csv(record) : (record) => this.json(record),
    );
  }

  /** Errors: a header without a column of the key. */
  public feed(chunk: Buffer): void {
    this.framer.feed(chunk);
  }

  public finish(): void {
    this.framer.finish();
  }

  private csv(record: Framed): void {
    if (this.order === undefined) {
      this.order = this.orderIn(textsOf(record) ?? []);
      this.fields = new Fields(Math.max(...this.order) + 1);
      return;
    }
    this.fields.readCsv(record);
    this.read(this.order);
  }

  private orderIn(header: readonly string[]): Int32Array {
    const order = this.rule.primaryKey.map((name) => header.indexOf(name));
    const missing = this.rule.primaryKey.filter((_, i) => order[i] < 0);
    if (missing.length > 0) {
      throw new Error(`UnknownKey: the primary key has columns that the records do not have: ${missing.join(', ')}: re-run their files`);
    }
    return Int32Array.from(order);
  }

  private json(record: Framed): void {
    const values = JSON.parse(textOf(record)) as Record<string, unknown>;
    this.fields.setValues(this.rule.primaryKey.map((name) => jsonText(values, name)));
    this.read(this.order!);
  }

  private read(order: Int32Array): void {
    const { bytes, starts, ends } = this.fields;
    this.records++;
    this.key.read(bytes, starts, ends, order);
    this.take(this.key);
  }
}
