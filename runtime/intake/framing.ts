import { isAscii, isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** Where a record's bytes lie: `buffer[start, end)` without its line end, and `offset`, its position in the decompressed file. */
export interface Framed {
  buffer: Buffer;
  start: number;
  end: number;
  offset: number;
  /** There is a quote in it, so its fields need the careful splitter. */
  quoted: boolean;
  ascii: boolean;
  /** Set when the record cannot be read at all. */
  fault?: 'too long' | 'invalid UTF-8' | 'NUL byte';
}

/**
 * Cuts a stream of bytes into records, holding at most one chunk and one record. A newline inside a quoted CSV field is part of the field.
 * Blank lines are no records. `finish()` says whether the file ended inside an open quote.
 */
export class Framer {
  private held: Buffer = Buffer.alloc(0);
  private heldOffset = 0;
  /** The record in work is longer than allowed: skipping to the next newline. Its first bytes' position and its length so far. */
  private skipping?: { offset: number; length: number };
  private started = false;

  constructor(
    private readonly options: { quotes: boolean; maximum: number },
    private readonly emit: (record: Framed) => void,
  ) {}

  public feed(chunk: Buffer): void {
    let buffer = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    if (!this.started && buffer.length >= 3) {
      this.started = true;
      if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) {
        buffer = buffer.subarray(3);
        this.heldOffset += 3;
      }
    }
    const used = this.cut(buffer, false);
    this.held = Buffer.from(buffer.subarray(used));
    this.heldOffset += used;
  }

  /** Handles what is left: the last record may lack its newline. Returns true when a quoted field is still open. */
  public finish(): boolean {
    const used = this.cut(this.held, true);
    const open = used < this.held.length;
    if (this.skipping !== undefined) {
      this.endSkipped(this.held, this.held.length);
    }
    this.held = Buffer.alloc(0);
    return open;
  }

  /** Emits every whole record and returns how many bytes are done with. */
  private cut(buffer: Buffer, last: boolean): number {
    const ascii = isAscii(buffer);
    let position = 0;
    let quote = this.options.quotes ? indexOrEnd(buffer, QUOTE, 0) : buffer.length;
    while (position < buffer.length) {
      if (this.skipping !== undefined) {
        const newline = buffer.indexOf(NEWLINE, position);
        if (newline < 0) {
          this.skipping.length += buffer.length - position;
          return buffer.length;
        }
        this.skipping.length += newline - position;
        this.endSkipped(buffer, newline);
        position = newline + 1;
        continue;
      }
      if (quote < position) {
        quote = indexOrEnd(buffer, QUOTE, position);
      }
      let newline = buffer.indexOf(NEWLINE, position);
      const quoted = quote < (newline < 0 ? buffer.length : newline);
      if (quoted) {
        newline = endOfQuoted(buffer, position);
      }
      if (newline < 0 && buffer.length - position > this.options.maximum) {
        this.skipping = { offset: this.heldOffset + position, length: buffer.length - position };
        return buffer.length;
      }
      if (newline < 0 && (!last || (quoted && isOpen(buffer, position)))) {
        return position;
      }
      const end = newline < 0 ? buffer.length : newline;
      this.record(buffer, position, end, quoted, ascii);
      position = end + 1;
    }
    return Math.min(position, buffer.length);
  }

  private record(buffer: Buffer, start: number, newline: number, quoted: boolean, ascii: boolean): void {
    const end = newline > start && buffer[newline - 1] === RETURN ? newline - 1 : newline;
    if (end > start) {
      this.emit({ buffer, start, end, offset: this.heldOffset + start, quoted, ascii, fault: this.faultOf(buffer, start, end, ascii) });
    }
  }

  private faultOf(buffer: Buffer, start: number, end: number, ascii: boolean): Framed['fault'] {
    if (end - start > this.options.maximum) {
      return 'too long';
    }
    const bytes = buffer.subarray(start, end);
    if (!ascii && !isUtf8(bytes)) {
      return 'invalid UTF-8';
    }
    return bytes.includes(0) ? 'NUL byte' : undefined;
  }

  private endSkipped(buffer: Buffer, at: number): void {
    const { offset, length } = this.skipping!;
    this.skipping = undefined;
    this.emit({ buffer, start: at, end: at + length, offset, quoted: false, ascii: true, fault: 'too long' });
  }
}

function indexOrEnd(buffer: Buffer, byte: number, from: number): number {
  const found = buffer.indexOf(byte, from);
  return found < 0 ? buffer.length : found;
}

/** The newline that ends a record with quotes in it, or -1. Only a quote at the start of a field opens one (RFC 4180). */
function endOfQuoted(buffer: Buffer, start: number): number {
  return scanQuoted(buffer, start).newline;
}

function isOpen(buffer: Buffer, start: number): boolean {
  return scanQuoted(buffer, start).open;
}

function scanQuoted(buffer: Buffer, start: number): { newline: number; open: boolean } {
  let open = false;
  let fieldStart = true;
  for (let i = start; i < buffer.length; i++) {
    const byte = buffer[i];
    if (open) {
      if (byte === QUOTE) {
        if (buffer[i + 1] === QUOTE) {
          i++;
        } else {
          open = false;
        }
      }
    } else if (byte === NEWLINE) {
      return { newline: i, open };
    } else {
      open = fieldStart && byte === QUOTE;
      fieldStart = byte === COMMA;
    }
  }
  return { newline: -1, open };
}

/** The text of a record. */
export function textOf({ buffer, start, end, ascii }: Framed): string {
  return buffer.toString(ascii ? 'latin1' : 'utf8', start, end);
}

/** The fields of a CSV record with quotes; undefined when its quoting is not RFC 4180. */
export function splitQuoted(text: string): string[] | undefined {
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    if (text[position] !== '"') {
      const comma = text.indexOf(',', position);
      const field = text.slice(position, comma < 0 ? undefined : comma);
      if (field.includes('"')) {
        return undefined;
      }
      fields.push(field);
      if (comma < 0) {
        return fields;
      }
      position = comma + 1;
      continue;
    }
    let value = '';
    for (position++; ;) {
      const quote = text.indexOf('"', position);
      if (quote < 0) {
        return undefined;
      }
      value += text.slice(position, quote);
      position = quote + 1;
      if (text[position] !== '"') {
        break;
      }
      value += '"';
      position++;
    }
    fields.push(value);
    if (position === text.length) {
      return fields;
    }
    if (text[position] !== ',') {
      return undefined;
    }
    position++;
  }
}
