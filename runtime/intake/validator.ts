import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_KEYS, MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { InputFormat, MAXIMUM_ENVELOPE_BYTES, recordIn } from './envelope';
import { Fields, quote } from './fields';
import { brokenFileRules, FileRuleCounter, FileRuleCounts } from './file-rules';
import { Framed, Framer, textOf } from './framing';
import { ABSENT, noHeader, readHeader } from './header';
import { jsonValues, newlineIn } from './json-record';
import { KeySet } from './key-set';
import { textAt } from './lexical';
import { PrimaryKey } from './primary-key';
import { compileChecks, Refusal } from './rules';

/** Rejects the whole file; what was written for it so far does not exist. */
export class FileRejected extends Error {}

export interface Counts {
  read: number;
  valid: number;
  quarantined: number;
  /** Quarantined records by rule. */
  byRule: Record<string, number>;
  /** What the rules of the file count among the valid records, by their places in the contract; left out when there are none. */
  byFileRule?: FileRuleCounts;
}

/** Where refused records go, and accepted ones: their bytes as they were received, or their values. */
export type Sink = { quarantine(line: string): void } & (BytesSink | ValuesSink);

interface BytesSink {
  /** The bytes of an accepted record, in the order of the contract's columns. They do not change any more. */
  valid(bytes: Buffer, start: number, end: number): void;
}

interface ValuesSink {
  /** The values of an accepted record; `order`: where each column's value lies. They are valid until it returns. */
  values(fields: Fields, order: Int32Array): void;
}

/** Where records with the same primary key are found: `KeySet`, or what knows of them already. */
export type Keys = Pick<KeySet, 'add' | 'close'>;

/** The part of a file that is judged when not all of it is: whole lines without the header. */
export interface Part {
  /** Position of its first byte in the file. */
  offset: number;
  recordsBefore: number;
  /** What `readHeader` says, when the header was read already. */
  order?: readonly number[];
  keys?: Keys;
}

/**
 * Judges a stream of bytes record by record against a contract. Pure: no clock, no AWS. Memory is bounded by one chunk, one record and the
 * key set. Records are numbered from 1; blank lines and the header are none.
 */
export class Validator {
  public readonly counts: Counts = { read: 0, valid: 0, quarantined: 0, byRule: {} };
  private readonly framer: Framer;
  private readonly checks: ReturnType<typeof compileChecks>;
  private readonly fields: Fields;
  private readonly key: PrimaryKey;
  private readonly keys?: Keys;
  private readonly counter?: FileRuleCounter;
  /** Keys that each set holds at most: all share one scratch space. */
  private readonly maximumKeys: number;
  /** Place in `fields` of each contract column; undefined until the header was read. */
  private order?: Int32Array;
  /** Whether the file has the contract's columns, all of them in their order. */
  private sameOrder = true;
  /** Columns of the file. */
  private width = 0;

  constructor(
    private readonly contract: CompiledContract,
    private readonly sink: Sink,
    scratchFolder: string,
    maximumKeys = MAXIMUM_KEYS,
    /** How the records are framed; what is accepted is written in the format of the contract. */
    format: InputFormat = contract.format,
    private readonly part?: Part,
  ) {
    this.checks = compileChecks(contract);
    this.fields = new Fields(contract.columns.length);
    this.key = new PrimaryKey(contract);
    this.keys = this.key.exists ? (part?.keys ?? new KeySet(scratchFolder)) : undefined;
    const counter = new FileRuleCounter(contract, scratchFolder);
    if (!counter.empty) {
      this.counter = counter;
      this.counts.byFileRule = counter.counts;
    }
    const sets = counter.keySets.length + (this.key.exists ? 1 : 0);
    this.maximumKeys = sets === 0 ? Infinity : Math.floor(maximumKeys / sets);
    const csv = format === 'csv';
    const enveloped = format === 'envelopes';
    this.framer = new Framer(
      {
        quotes: csv,
        newlinesQuoted: contract.newlinesQuoted,
        maximum: enveloped ? MAXIMUM_ENVELOPE_BYTES : MAXIMUM_RECORD_BYTES,
        offset: part?.offset ?? 0,
      },
      csv ? (record) => this.csv(record) : enveloped ? (record) => this.envelope(record) : (record) => this.json(record),
    );
    const order = csv ? part?.order : [...contract.columns.keys()];
    if (order !== undefined) {
      this.setOrder(order);
    }
  }

  public feed(chunk: Buffer): void {
    this.framer.feed(chunk);
  }

  /**
   * Ends the file and judges it; a part is not judged, because its counts say nothing yet about the rules of its file (`brokenFileRules`).
   * Errors: FileRejected when a quote is still open, the header is missing, or a rule of the file is broken.
   */
  public finish(): Counts {
    const open = this.framer.finish();
    if (open !== undefined) {
      throw new FileRejected(this.openQuote(open));
    }
    if (this.order === undefined) {
      throw new FileRejected(noHeader(this.contract));
    }
    const broken = this.part === undefined ? brokenFileRules(this.contract, this.counts) : undefined;
    if (broken !== undefined) {
      throw new FileRejected(broken);
    }
    return this.counts;
  }

  private openQuote(offset: number): string {
    const where = `${this.order === undefined ? 'the header' : `record ${this.ordinal + 1}`}, which begins at byte ${offset}`;
    return `a quoted field is still open at the end of the file, in ${where}: end it with a quote before its comma or line end, and double each quote inside it`;
  }

  public close(): void {
    this.keys?.close();
    this.counter?.close();
  }

  private csv(record: Framed): void {
    if (this.order === undefined) {
      return this.header(record);
    }
    this.counts.read++;
    if (record.fault !== undefined) {
      return this.refuse(record, { rule: record.fault, reason: 'the record cannot be read' });
    }
    const count = this.fields.readCsv(record);
    if (count < 0) {
      return this.refuse(record, { rule: 'quoting', reason: 'a quote or a carriage return stands where RFC 4180 allows none' });
    }
    if (count !== this.width) {
      return this.refuse(record, { rule: 'column count', reason: `${count} fields, not ${this.width}` });
    }
    if (this.judge(record, this.order)) {
      this.accept(record, this.order);
    }
  }

  private accept({ buffer, start, end, quoted }: Framed, order: Int32Array): void {
    if (this.sameOrder && 'valid' in this.sink) {
      this.count(order);
      return this.sink.valid(buffer, start, end);
    }
    if (!quoted && 'valid' in this.sink) {
      this.count(order);
      const line = this.fields.bareLine(order);
      return this.sink.valid(line, 0, line.length);
    }
    this.acceptText(order, () => this.csvLine(order));
  }

  private count(order: Int32Array): void {
    const { bytes, starts, ends } = this.fields;
    this.counts.valid++;
    this.counter?.add(bytes, starts, ends, order, this.ordinal);
  }

  /** Accepts a record whose line is another than the one that was read. */
  private acceptText(order: Int32Array, text: () => string): void {
    this.count(order);
    if ('values' in this.sink) {
      return this.sink.values(this.fields, order);
    }
    const line = Buffer.from(text());
    this.sink.valid(line, 0, line.length);
  }

  private csvLine(order: Int32Array): string {
    const { bytes, starts, ends } = this.fields;
    const line = Array.from(order, (at) => quote(textAt(bytes, starts[at], ends[at]))).join(',');
    // A blank line would be no record.
    return line === '' ? '""' : line;
  }

  private header(record: Framed): void {
    const order = readHeader(this.contract, record);
    if (typeof order === 'string') {
      throw new FileRejected(order);
    }
    this.setOrder(order);
  }

  private setOrder(order: readonly number[]): void {
    this.order = Int32Array.from(order, (position) => (position === ABSENT ? this.fields.empty : position));
    this.width = order.filter((position) => position !== ABSENT).length;
    this.sameOrder = order.every((position, i) => position === i);
  }

  /** Of the record in work, from 1 on in the whole file. */
  private get ordinal(): number {
    return (this.part?.recordsBefore ?? 0) + this.counts.read;
  }

  private json(record: Framed): void {
    this.counts.read++;
    if (record.fault !== undefined) {
      return this.refuse(record, { rule: record.fault, reason: 'the record cannot be read' });
    }
    const text = textOf(record);
    const values = jsonValues(this.contract, text);
    if (!Array.isArray(values)) {
      return this.refuse(record, values);
    }
    this.fields.setValues(values);
    const order = this.order!;
    if (!this.judge(record, order)) {
      return;
    }
    if (record.returns && text.includes('\r')) {
      return this.acceptText(order, () => oneLine(text));
    }
    this.accept(record, order);
  }

  /** A record of a stream. */
  private envelope(record: Framed): void {
    this.counts.read++;
    if (record.fault !== undefined) {
      return this.refuse(record, { rule: record.fault, reason: 'the record cannot be read' });
    }
    const text = recordIn(textOf(record));
    const values = typeof text === 'string' ? jsonValues(this.contract, text) : text;
    if (!Array.isArray(values)) {
      return this.refuse(record, values);
    }
    const newline = newlineIn(this.contract, values);
    if (newline !== undefined) {
      return this.refuse(record, newline);
    }
    this.fields.setValues(values);
    const order = this.order!;
    if (this.judge(record, order)) {
      this.acceptText(order, () => (this.contract.format === 'csv' ? this.csvLine(order) : oneLine(text as string)));
    }
  }

  private judge(record: Framed, order: Int32Array): boolean {
    const { bytes, starts, ends } = this.fields;
    for (let i = 0; i < this.checks.length; i++) {
      const refusal = this.checks[i](bytes, starts[order[i]], ends[order[i]]);
      if (refusal !== undefined) {
        this.refuse(record, refusal);
        return false;
      }
    }
    if (this.keys !== undefined) {
      this.key.read(bytes, starts, ends, order);
      const first = this.keys.add(this.key.words, this.key.length, this.ordinal);
      if (first !== undefined) {
        this.refuse(record, { rule: 'duplicate key', reason: `record ${first} has the same primary key` });
        return false;
      }
    }
    if (this.counts.valid >= this.maximumKeys) {
      throw new FileRejected(`more than ${this.maximumKeys} records, whose keys are more than one function compares: send it in parts`);
    }
    return true;
  }

  private refuse(record: Framed, { rule, column, reason }: Refusal): void {
    this.counts.quarantined++;
    this.counts.byRule[rule] = (this.counts.byRule[rule] ?? 0) + 1;
    const { offset, start, end } = record;
    this.sink.quarantine(JSON.stringify({ record: this.ordinal, offset, length: end - start, rule, column, reason }));
  }
}

/**
 * Valid JSON as one line. Between its tokens a line end is a blank (RFC 8259, section 2), and in them there is none. Of many readers a carriage
 * return alone ends a line: Apache Hadoop's and with it Amazon Athena's, Python's in text mode.
 */
const oneLine = (json: string): string => json.replaceAll(/[\r\n]/g, ' ');
