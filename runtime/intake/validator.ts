import { CompiledContract, MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/contract';
import { Framed, Framer, splitQuoted, textOf } from './framing';
import { KeySet } from './key-set';
import { compileChecks, Refusal } from './rules';

/** Rejects the whole file; what was written for it so far does not exist. */
export class FileRejected extends Error {}

export interface Counts {
  read: number;
  valid: number;
  quarantined: number;
  /** Quarantined records by rule. */
  byRule: Record<string, number>;
}

/** Where accepted and refused records go. */
export interface Sink {
  valid(line: Buffer | string): void;
  quarantine(line: string): void;
}

/**
 * Judges a stream of bytes record by record against a contract. Pure: no clock, no AWS. Memory is bounded by one chunk, one record and the
 * key set. Records are numbered from 1; blank lines and the header are none.
 */
export class Validator {
  public readonly counts: Counts = { read: 0, valid: 0, quarantined: 0, byRule: {} };
  private readonly framer: Framer;
  private readonly checks: ReturnType<typeof compileChecks>;
  private readonly keyColumns: number[];
  private readonly keys?: KeySet;
  /** Position in the file of each contract column; undefined until the header was read. */
  private order?: number[];
  private sameOrder = true;

  constructor(
    private readonly contract: CompiledContract,
    private readonly sink: Sink,
    scratchFolder: string,
  ) {
    this.checks = compileChecks(contract);
    this.keyColumns = contract.primaryKey.map((name) => contract.columns.findIndex((column) => column.name === name));
    this.keys = this.keyColumns.length > 0 ? new KeySet(scratchFolder) : undefined;
    const csv = contract.format === 'csv';
    this.framer = new Framer(
      { quotes: csv, maximum: MAXIMUM_RECORD_BYTES },
      csv ? (record) => this.csv(record) : (record) => this.json(record),
    );
    if (!csv) {
      this.order = contract.columns.map((_, i) => i);
    }
  }

  public feed(chunk: Buffer): void {
    this.framer.feed(chunk);
  }

  /** Errors: FileRejected when a quote is still open or the header is missing. */
  public finish(): Counts {
    if (this.framer.finish()) {
      throw new FileRejected('a quoted field is still open at the end of the file');
    }
    if (this.order === undefined) {
      throw new FileRejected('the file is empty: there is no header');
    }
    return this.counts;
  }

  public close(): void {
    this.keys?.close();
  }

  private csv(record: Framed): void {
    if (this.order === undefined) {
      return this.header(record);
    }
    this.counts.read++;
    if (record.fault !== undefined) {
      return this.refuse(record, { rule: record.fault, reason: 'the record cannot be read' });
    }
    const text = textOf(record);
    const fields = record.quoted ? splitQuoted(text) : text.split(',');
    if (fields === undefined) {
      return this.refuse(record, { rule: 'quoting', reason: 'a quote stands where RFC 4180 allows none' });
    }
    if (fields.length !== this.order.length) {
      return this.refuse(record, { rule: 'column count', reason: `${fields.length} fields, not ${this.order.length}` });
    }
    const values = this.sameOrder ? fields : this.order.map((position) => fields[position]);
    if (this.judge(record, values)) {
      this.counts.valid++;
      this.sink.valid(this.sameOrder ? record.buffer.subarray(record.start, record.end) : values.map(quote).join(','));
    }
  }

  private header(record: Framed): void {
    const names = record.fault === undefined ? (record.quoted ? splitQuoted(textOf(record)) : textOf(record).split(',')) : undefined;
    if (names === undefined) {
      throw new FileRejected(`the header cannot be read: ${record.fault ?? 'quoting'}`);
    }
    const known = this.contract.columns.map((column) => column.name);
    const doubled = names.filter((name, i) => names.indexOf(name) < i);
    const missing = known.filter((name) => !names.includes(name));
    const unknown = names.filter((name) => !known.includes(name));
    const problems = [
      ...(doubled.length > 0 ? [`twice: ${doubled.join(', ')}`] : []),
      ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
      ...(unknown.length > 0 ? [`unknown: ${unknown.map((name) => JSON.stringify(name.slice(0, 40))).join(', ')}`] : []),
    ];
    if (problems.length > 0) {
      throw new FileRejected(`the header does not fit the contract: ${problems.join('; ')}`);
    }
    this.order = known.map((name) => names.indexOf(name));
    this.sameOrder = this.order.every((position, i) => position === i);
  }

  private json(record: Framed): void {
    this.counts.read++;
    if (record.fault !== undefined) {
      return this.refuse(record, { rule: record.fault, reason: 'the record cannot be read' });
    }
    const text = textOf(record);
    const values = this.jsonValues(text);
    if (!Array.isArray(values)) {
      return this.refuse(record, values);
    }
    if (this.judge(record, values)) {
      this.counts.valid++;
      this.sink.valid(record.buffer.subarray(record.start, record.end));
    }
  }

  /** Each column's value as the text that the checks read; null and a missing key are no value. */
  private jsonValues(text: string): string[] | Refusal {
    let object: unknown;
    try {
      object = JSON.parse(text);
    } catch {
      return { rule: 'syntax', reason: 'not JSON' };
    }
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      return { rule: 'syntax', reason: 'not a JSON object' };
    }
    const record = object as Record<string, unknown>;
    const unknown = Object.keys(record).find((key) => !this.contract.columns.some((column) => column.name === key));
    if (unknown !== undefined) {
      return { rule: 'unknown key', reason: 'a key that the contract does not have' };
    }
    const values: string[] = [];
    for (const { name, type } of this.contract.columns) {
      const value = record[name] ?? '';
      const fits =
        value === '' || typeof value === ({ integer: 'number', number: 'number', boolean: 'boolean' }[type as string] ?? 'string');
      if (!fits) {
        return { rule: 'type', column: name, reason: `not a ${type} but a JSON ${typeof value}` };
      }
      values.push(String(value));
    }
    return values;
  }

  private judge(record: Framed, values: string[]): boolean {
    for (let i = 0; i < this.checks.length; i++) {
      const refusal = this.checks[i](values[i]);
      if (refusal !== undefined) {
        this.refuse(record, refusal);
        return false;
      }
    }
    if (this.keys !== undefined && !this.keys.add(this.keyColumns.map((column) => values[column]).join('\u0000'))) {
      this.refuse(record, { rule: 'duplicate key', reason: 'an earlier record of this file has the same primary key' });
      return false;
    }
    return true;
  }

  private refuse(record: Framed, { rule, column, reason }: Refusal): void {
    this.counts.quarantined++;
    this.counts.byRule[rule] = (this.counts.byRule[rule] ?? 0) + 1;
    const { offset, start, end } = record;
    this.sink.quarantine(JSON.stringify({ record: this.counts.read, offset, length: end - start, rule, column, reason }));
  }
}

function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
