import { Framed, textOf } from './framing';

const COMMA = 0x2c;
const RETURN = 0x0d;

/** The fields of one record as ranges of bytes; one object serves all records, so that a record costs no memory of its own. */
export class Fields {
  /** Valid until the next record. */
  public bytes: Uint8Array = new Uint8Array(0);
  public readonly starts: Int32Array;
  public readonly ends: Int32Array;
  private scratch: Buffer = Buffer.alloc(1024);

  /** `most`: fields whose places are kept; more are only counted. Behind them is a place that no record fills, so that it is always empty. */
  constructor(private readonly most: number) {
    this.starts = new Int32Array(most + 1);
    this.ends = new Int32Array(most + 1);
  }

  /** The place that is always empty. */
  public get empty(): number {
    return this.most;
  }

  /**
   * Reads a CSV record and returns how many fields it has; -1 when its quoting is not RFC 4180, which allows neither quote nor carriage return
   * in a bare field.
   */
  public readCsv(record: Framed): number {
    if (record.quoted) {
      const values = splitQuoted(textOf(record));
      return values === undefined ? -1 : this.setValues(values);
    }
    return record.returns && record.buffer.subarray(record.start, record.end).includes(RETURN) ? -1 : this.readBare(record);
  }

  /** Takes values that were decoded elsewhere. */
  public setValues(values: readonly string[]): number {
    const room = values.reduce((sum, { length }) => sum + 3 * length, 0);
    if (room > this.scratch.length) {
      this.scratch = Buffer.alloc(2 * room);
    }
    this.bytes = this.scratch;
    let end = 0;
    values.slice(0, this.most).forEach((value, i) => {
      this.starts[i] = end;
      end += this.scratch.write(value, end);
      this.ends[i] = end;
    });
    return values.length;
  }

  /** The line of a record without quotes, with its fields in another order: none of them needs quotes. */
  public bareLine(order: Int32Array): Buffer {
    const { bytes, starts, ends } = this;
    let length = order.length - 1;
    for (let i = 0; i < order.length; i++) {
      length += ends[order[i]] - starts[order[i]];
    }
    const line = Buffer.allocUnsafe(length);
    let at = 0;
    for (let i = 0; i < order.length; i++) {
      if (i > 0) {
        line[at++] = COMMA;
      }
      for (let from = starts[order[i]]; from < ends[order[i]]; from++) {
        line[at++] = bytes[from];
      }
    }
    return line;
  }

  private readBare({ buffer, start, end }: Framed): number {
    const { starts, ends, most } = this;
    this.bytes = buffer;
    let count = 0;
    let from = start;
    for (let i = start; i <= end; i++) {
      if (i === end || buffer[i] === COMMA) {
        if (count < most) {
          starts[count] = from;
          ends[count] = i;
        }
        count++;
        from = i + 1;
      }
    }
    return count;
  }
}

/** The fields of a CSV record as texts; undefined when its quoting is not RFC 4180, and then `fields` has those before the one that is wrong. */
export function textsOf(record: Framed, fields: string[] = []): string[] | undefined {
  return splitQuoted(textOf(record), fields);
}

function splitQuoted(text: string, fields: string[] = []): string[] | undefined {
  for (let position = 0; ; position++) {
    const field = text[position] === '"' ? quotedField(text, position) : bareField(text, position);
    if (field === undefined) {
      return undefined;
    }
    position = field.end;
    if (position < text.length && text[position] !== ',') {
      return undefined;
    }
    fields.push(field.value);
    if (position === text.length) {
      return fields;
    }
  }
}

interface Field {
  value: string;
  /** Position of what follows: a comma or the end, if the quoting is right. */
  end: number;
}

function bareField(text: string, start: number): Field | undefined {
  const comma = text.indexOf(',', start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  return /["\r]/.test(value) ? undefined : { value, end };
}

function quotedField(text: string, start: number): Field | undefined {
  let value = '';
  for (let position = start + 1; ;) {
    const quote = text.indexOf('"', position);
    if (quote < 0) {
      return undefined;
    }
    value += text.slice(position, quote);
    if (text[quote + 1] !== '"') {
      return { value, end: quote + 1 };
    }
    value += '"';
    position = quote + 2;
  }
}

/** A value as a CSV field. */
export function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
