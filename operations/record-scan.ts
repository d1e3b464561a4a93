import { pipeline, Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { parse } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { STREAM_FOLDER } from '../lib/constructs/data/contract';
import { MAXIMUM_RECORD_BYTES, VALIDATED_NAME } from '../lib/constructs/data/data-intake/contract';
import { MAXIMUM_ENVELOPE_BYTES } from '../runtime/intake/envelope';
import { dayText, instantText } from '../runtime/intake/instants';

/** An object version. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/** Values by column, as texts or as JSON has them. */
export type Values = Readonly<Record<string, unknown>>;

/** A line of a quarantine object. */
export interface Refused {
  readonly record: number;
  readonly offset: number;
  readonly length: number;
  readonly rule: string;
  readonly column?: string;
  readonly reason: string;
}

/** An object version that is gone, or that nobody may read. */
export class MissingObject extends Error {}

const GZIP = Buffer.from([0x1f, 0x8b]);
const NEWLINE = 0x0a;
/** Values as the texts that the intake compares: a `Date` would cut an instant to milliseconds. */
const TEXTS = { dateFromDays: dayText, timestampFromMicroseconds: instantText };

/** The bytes of an object version as they are read: gzip is told by its first bytes. Errors: `MissingObject`. */
async function* bytesOf(s3: S3Client, { bucket, key, versionId }: Place): AsyncGenerator<Buffer> {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId })).catch((error: Error) => {
    throw new MissingObject(`MissingObject: s3://${bucket}/${key}, version ${versionId}, cannot be read: ${error.message}`);
  });
  const body = answer.Body as Readable;
  try {
    const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    const { value: first } = await pieces.next();
    if (first === undefined) {
      return;
    }
    const rest = { [Symbol.asyncIterator]: () => pieces };
    async function* whole(): AsyncGenerator<Buffer> {
      yield first!;
      yield* rest;
    }
    if (!first.subarray(0, GZIP.length).equals(GZIP)) {
      yield* whole();
      return;
    }
    const plain = createGunzip();
    pipeline(Readable.from(whole(), { objectMode: false }), plain, () => undefined); // what goes wrong is thrown by the reading below
    yield* plain;
  } finally {
    body.destroy(); // also when nobody wants the rest
  }
}

/** A newline alone ends a line: in JSON a carriage return may stand between tokens, and U+2028, which `readline` takes for a line end, in a text. */
async function* linesOf(s3: S3Client, place: Place): AsyncGenerator<string> {
  let held: Buffer[] = [];
  for await (const piece of bytesOf(s3, place)) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      yield* lineIn([...held, piece.subarray(start, end)]);
      [held, start] = [[], end + 1];
    }
    held.push(piece.subarray(start));
  }
  yield* lineIn(held);
}

/** None for a blank one. */
function lineIn(pieces: readonly Buffer[]): string[] {
  const line = Buffer.concat(pieces).toString();
  return line === '' ? [] : [line];
}

/** The records of a validated object in their order. Memory is bounded by a record, but for Parquet, of which the `columns` are held. */
export async function* validRecords(s3: S3Client, place: Place, columns: string[]): AsyncGenerator<Values> {
  if (place.key.endsWith(VALIDATED_NAME.parquet)) {
    const pieces: Buffer[] = [];
    for await (const piece of bytesOf(s3, place)) {
      pieces.push(piece);
    }
    const { buffer, byteOffset, byteLength } = Buffer.concat(pieces);
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const compressors = { GZIP: (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes)) };
    yield* await parquetReadObjects({ file, columns, parsers: TEXTS, compressors });
  } else if (place.key.endsWith(VALIDATED_NAME.jsonl)) {
    for await (const line of linesOf(s3, place)) {
      yield JSON.parse(line) as Values;
    }
  } else {
    yield* Readable.from(bytesOf(s3, place)).pipe(parse({ columns: true, bom: true, skip_empty_lines: true })) as AsyncIterable<Values>;
  }
}

/** What a quarantine object says of each record. */
export async function refusedRecords(s3: S3Client, place: Place): Promise<Refused[]> {
  const refused: Refused[] = [];
  for await (const line of linesOf(s3, place)) {
    refused.push(JSON.parse(line) as Refused);
  }
  return refused;
}

/** Bytes of the longest record that can be read in a raw object. */
export function longestOf(raw: Place): number {
  return isEnveloped(raw) ? MAXIMUM_ENVELOPE_BYTES : MAXIMUM_RECORD_BYTES;
}

const isEnveloped = ({ key }: Place) => key.split('/')[1] === STREAM_FOLDER;

/**
 * The values of refused records, read again from the raw object; undefined for one that cannot be read. Records longer than any that the intake
 * reads are left out. In the order of the file, because the object is read once, and memory is bounded by a piece and a record.
 */
export async function* refusedValues(
  s3: S3Client,
  raw: Place,
  refused: readonly Refused[],
  csv: boolean,
): AsyncGenerator<readonly [Refused, Values | undefined]> {
  const longest = longestOf(raw);
  const wanted = refused.filter(({ length }) => length <= longest).sort((a, b) => a.offset - b.offset);
  const enveloped = isEnveloped(raw);
  if (wanted.length === 0) {
    return;
  }
  let [held, start, header] = [Buffer.alloc(0), 0, undefined as string[] | undefined];
  for await (const piece of bytesOf(s3, raw)) {
    held = Buffer.concat([held, piece]);
    header ??= csv && !enveloped ? headerIn(held) : [];
    while (wanted.length > 0 && header !== undefined && wanted[0].offset + wanted[0].length <= start + held.length) {
      const next = wanted.shift()!;
      const at = next.offset - start;
      yield [next, valuesOf(held.subarray(at, at + next.length).toString(), header, enveloped)];
    }
    if (wanted.length === 0) {
      return;
    }
    const used = header === undefined ? 0 : Math.min(held.length, Math.max(0, (wanted[0]?.offset ?? Infinity) - start));
    [held, start] = [held.subarray(used), start + used];
  }
}

/** Names of the columns, once the first line is there; a quoted name may hold a newline. */
function headerIn(held: Buffer): string[] | undefined {
  for (let end = held.indexOf(0x0a); end >= 0; end = held.indexOf(0x0a, end + 1)) {
    try {
      const [names] = parseWhole(held.subarray(0, end), { bom: true, skip_empty_lines: true }) as string[][];
      if (names !== undefined) {
        return names;
      }
    } catch {
      // the newline is inside a quoted name
    }
  }
  return undefined;
}

function valuesOf(text: string, header: string[], enveloped: boolean): Values | undefined {
  try {
    if (header.length > 0) {
      const [fields = []] = parseWhole(text, { relax_column_count: true }) as string[][];
      return Object.fromEntries(header.map((name, place) => [name, fields[place]]));
    }
    const { data } = enveloped ? (JSON.parse(text) as { data?: string }) : { data: text };
    const value: unknown = data === undefined ? undefined : JSON.parse(data);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : undefined;
  } catch {
    return undefined;
  }
}
