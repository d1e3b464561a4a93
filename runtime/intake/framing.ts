import { isAscii, isUtf8 } from 'node:buffer';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Where a record's bytes lie: `buffer[start, end)` without its line end, and `offset`, its position in the decompressed file. One object serves
 * all records: it is valid until the next one.
 */
export interface Framed {
  buffer: Buffer;
  start: number;
  end: number;
  offset: number;
  /** There is a quote in it, so its fields need the careful splitter. */
  quoted: boolean;
  ascii: boolean;
  /** There may be a carriage return in it. */
  returns: boolean;
  /** Set when the record cannot be read at all. */
  fault?: 'too long' | 'invalid UTF-8' | 'NUL byte';
}

const NOTHING: Framed = {
  buffer: Buffer.alloc(0),
  start: 0,
  end: 0,
  offset: 0,
  quoted: false,
  ascii: true,
  returns: false,
  fault: undefined,
};

/** What a whole chunk has, so that most records need no look of their own. */
interface Traits {
  ascii: boolean;
  returns: boolean;
  nul: boolean;
}

export interface FramerOptions {
  /** Quotes mean what they mean in CSV. */
  quotes: boolean;
  /** A quoted field may hold newlines. By default it may. */
  newlinesQuoted?: boolean;
  /** Bytes of the longest record. */
  maximum: number;
  /** Position in the file of the first byte that is fed; behind the start of the file a byte order mark is data. By default 0. */
  offset?: number;
}

/**
 * Cuts a stream of bytes into records, holding at most one chunk and one record. How the stream is cut into chunks changes nothing. A newline
 * inside a quoted CSV field is part of the field, unless no field may hold one; blank lines are no records; a byte order mark at the start of the file is no data.
 * A record longer than the maximum ends at the first newline behind the maximum, quoted or not.
 */
export class Framer {
  private held: Buffer = Buffer.alloc(0);
  private heldOffset = 0;
  /** The record in work is longer than allowed: its position, its length so far, and whether that ends with a carriage return. */
  private skipping?: { offset: number; length: number; returned: boolean };
  private started: boolean;
  private readonly framed: Framed = { ...NOTHING };

  constructor(
    private readonly options: FramerOptions,
    private readonly emit: (record: Framed) => void,
  ) {
    this.heldOffset = options.offset ?? 0;
    this.started = this.heldOffset > 0;
  }

  public feed(chunk: Buffer): void {
    let buffer = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    if (!this.started) {
      const mark = BYTE_ORDER_MARK.subarray(0, buffer.length);
      const marked = buffer.subarray(0, mark.length).equals(mark);
      if (marked && buffer.length < BYTE_ORDER_MARK.length) {
        this.held = Buffer.from(buffer);
        return;
      }
      this.started = true;
      this.heldOffset = marked ? BYTE_ORDER_MARK.length : 0;
      buffer = buffer.subarray(this.heldOffset);
    }
    const used = this.cut(buffer, false);
    this.held = Buffer.from(buffer.subarray(used));
    this.heldOffset += used;
  }

  /** Handles what is left: the last record may lack its newline. Returns where the record begins in which a quoted field is still open; undefined without one. */
  public finish(): number | undefined {
    const used = this.cut(this.held, true);
    const open = used < this.held.length ? this.heldOffset + used : undefined;
    if (this.skipping !== undefined) {
      this.endSkipped(this.held, this.held.length);
    }
    this.held = Buffer.alloc(0);
    return open;
  }

  /** Emits every whole record and returns how many bytes are done with. */
  private cut(buffer: Buffer, last: boolean): number {
    const traits = { ascii: isAscii(buffer), returns: buffer.includes(RETURN), nul: buffer.includes(0) };
    const { quotes, newlinesQuoted = true, maximum } = this.options;
    let position = 0;
    let quote = quotes ? indexOrEnd(buffer, QUOTE, 0) : buffer.length;
    while (position < buffer.length) {
      if (this.skipping !== undefined) {
        position = this.skip(buffer, position);
        continue;
      }
      if (quote < position) {
        quote = indexOrEnd(buffer, QUOTE, position);
      }
      let newline = buffer.indexOf(NEWLINE, position);
      const quoted = quote < (newline < 0 ? buffer.length : newline);
      let open = false;
      if (quoted && newlinesQuoted) {
        ({ newline, open } = scanQuoted(buffer, position));
      }
      const end = newline < 0 ? buffer.length : newline;
      if (end - position > maximum + 1) {
        this.skipping = { offset: this.heldOffset + position, length: maximum + 1, returned: buffer[position + maximum] === RETURN };
        position += maximum + 1;
        continue;
      }
      if (newline < 0 && (!last || open)) {
        return position;
      }
      this.record(buffer, position, end, quoted, traits);
      position = end + 1;
    }
    return buffer.length;
  }

  /** Reads on to the next newline and returns where the next record starts. */
  private skip(buffer: Buffer, position: number): number {
    const newline = indexOrEnd(buffer, NEWLINE, position);
    const skipping = this.skipping!;
    skipping.length += newline - position;
    skipping.returned = newline > position ? buffer[newline - 1] === RETURN : skipping.returned;
    if (newline < buffer.length) {
      this.endSkipped(buffer, newline);
    }
    return newline + 1;
  }

  private record(buffer: Buffer, start: number, newline: number, quoted: boolean, traits: Traits): void {
    const end = newline > start && buffer[newline - 1] === RETURN ? newline - 1 : newline;
    if (end > start) {
      const { framed } = this;
      framed.buffer = buffer;
      framed.start = start;
      framed.end = end;
      framed.offset = this.heldOffset + start;
      framed.quoted = quoted;
      framed.ascii = traits.ascii;
      framed.returns = traits.returns;
      framed.fault = this.faultOf(buffer, start, end, traits);
      this.emit(framed);
    }
  }

  private faultOf(buffer: Buffer, start: number, end: number, { ascii, nul }: Traits): Framed['fault'] {
    if (end - start > this.options.maximum) {
      return 'too long';
    }
    if (!ascii && !isUtf8(buffer.subarray(start, end))) {
      return 'invalid UTF-8';
    }
    return nul && buffer.subarray(start, end).includes(0) ? 'NUL byte' : undefined;
  }

  private endSkipped(buffer: Buffer, at: number): void {
    const { offset, length, returned } = this.skipping!;
    this.skipping = undefined;
    const end = at + length - (returned ? 1 : 0);
    this.emit({ ...NOTHING, buffer, start: at, end, offset, fault: 'too long' });
  }
}

function indexOrEnd(buffer: Buffer, byte: number, from: number): number {
  const found = buffer.indexOf(byte, from);
  return found < 0 ? buffer.length : found;
}

/**
 * The newline that ends a record with quotes in it, or -1, and then whether a quote is still open. Only a quote at the start of a field opens
 * one (RFC 4180).
 */
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
