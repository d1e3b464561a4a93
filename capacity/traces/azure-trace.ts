import { closeSync, openSync, readSync } from 'node:fs';
import { RequestSource } from './source';

/** The first line of a trace in the format of Azure's public LLM traces. */
export const AZURE_HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens';

const LINE = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(\.\d+)?(Z|\+00:00)?,(-?\d+),(-?\d+)$/;
const DEFAULT_BLOCK = 1 << 20;
const [LF, CR] = [10, 13];

/**
 * Reads a trace of lines `TIMESTAMP,ContextTokens,GeneratedTokens` block by block, so that the memory does not grow with the file. The time of a
 * request is counted from the first. Lines may end in CR LF, and the last one in nothing.
 *
 * Errors `InvalidTrace`, with the line: another header, a line of another form, no whole number of tokens from 1, a time before that of the line
 * above, no request at all.
 */
export class AzureTrace implements RequestSource {
  public at = 0;
  public prompt = 0;
  public output = 0;
  /** Time of the first request, milliseconds since 1970; known after the first `next()`. */
  public startsAt = NaN;

  private readonly descriptor: number;
  private readonly buffer: Buffer;
  private from = 0;
  private filled = 0;
  private ended = false;
  private line = 0;
  private firstMillis = 0;
  private firstFraction = 0;

  public constructor(
    private readonly path: string,
    block = DEFAULT_BLOCK,
  ) {
    this.descriptor = openSync(path, 'r');
    this.buffer = Buffer.allocUnsafe(Math.max(256, block));
    const header = this.nextLine();
    if (header?.replace(/^\uFEFF/, '') !== AZURE_HEADER) {
      this.fail(`the first line must be '${AZURE_HEADER}', got '${(header ?? '').slice(0, 60)}'`);
    }
  }

  public next(): boolean {
    for (let text = this.nextLine(); text !== undefined; text = this.nextLine()) {
      if (text !== '') {
        this.take(text);
        return true;
      }
    }
    if (Number.isNaN(this.startsAt)) {
      this.fail('the trace has no request');
    }
    return false;
  }

  /** Closes the file; reading to the end does so, too. */
  public close(): void {
    if (!this.ended) {
      this.ended = true;
      closeSync(this.descriptor);
    }
  }

  private take(text: string): void {
    const parts = LINE.exec(text);
    if (parts === null) {
      this.fail(`'${text.slice(0, 60)}' is not like '2023-11-16 18:15:46.6805900,374,44'`);
    }
    const millis = Date.UTC(+parts[1], +parts[2] - 1, +parts[3], +parts[4], +parts[5], +parts[6]);
    const fraction = parts[7] === undefined ? 0 : +parts[7];
    if (Number.isNaN(this.startsAt)) {
      [this.firstMillis, this.firstFraction] = [millis, fraction];
      this.startsAt = millis + fraction * 1000;
    }
    const at = (millis - this.firstMillis) / 1000 + (fraction - this.firstFraction);
    if (at < this.at) {
      this.fail(`the time ${text.split(',')[0]} is before that of the line above: sort the trace by time`);
    }
    this.at = at;
    this.prompt = this.tokens('ContextTokens', parts[9]);
    this.output = this.tokens('GeneratedTokens', parts[10]);
  }

  private tokens(name: string, text: string): number {
    const tokens = +text;
    if (tokens < 1) {
      this.fail(`'${name}' must be a whole number from 1, got ${text}`);
    }
    return tokens;
  }

  /** The next line without its end; undefined after the last. */
  private nextLine(): string | undefined {
    this.line++;
    for (let seen = this.from; ;) {
      const end = this.buffer.indexOf(LF, seen);
      // Behind what is filled lies what was read before.
      if (end >= 0 && end < this.filled) {
        return this.cut(end, end + 1);
      }
      seen = this.filled - this.from;
      if (this.ended || !this.fill()) {
        return this.from < this.filled ? this.cut(this.filled, this.filled) : undefined;
      }
    }
  }

  private cut(end: number, next: number): string {
    const last = end > this.from && this.buffer[end - 1] === CR ? end - 1 : end;
    const text = this.buffer.toString('latin1', this.from, last);
    this.from = next;
    return text;
  }

  /** Moves what is not read yet to the front and reads on behind it; false at the end of the file. */
  private fill(): boolean {
    this.buffer.copyWithin(0, this.from, this.filled);
    this.filled -= this.from;
    this.from = 0;
    if (this.filled === this.buffer.length) {
      this.fail(`the line is longer than ${this.buffer.length} bytes`);
    }
    const read = readSync(this.descriptor, this.buffer, this.filled, this.buffer.length - this.filled, null);
    this.filled += read;
    if (read === 0) {
      this.close();
    }
    return read > 0;
  }

  private fail(problem: string): never {
    this.close();
    throw new Error(`InvalidTrace: line ${this.line}: ${problem} [in ${this.path}]`);
  }
}
