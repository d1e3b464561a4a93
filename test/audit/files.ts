import { createHash } from 'node:crypto';
import { COLUMNS, linesOf } from '../../examples/flight-delays/flights';

/** What is sent: the bytes of one version of a key. */
export interface SentFile {
  key: string;
  bytes: Buffer;
}

/** A column that needs no value. */
const LEFT_OUT = COLUMNS.indexOf('air_time');
/** On average, in the year. */
const BYTES_OF_A_RECORD = 91;
/** Records of large and of other files, of the average. */
const LARGE = 1.6;
const SMALL = 0.7;
const ALL_MONTHS = new Set(Array.from({ length: 12 }, (_, i) => i + 1));

/** A sequence of numbers from 0 to before 1 that follows from its seed. */
export function randomOf(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest();
  let at = 0;
  return () => {
    if (at === state.length) {
      state = createHash('sha256').update(state).digest();
      at = 0;
    }
    const value = state.readUInt32BE(at) / 2 ** 32;
    at += 4;
    return value;
  };
}

/**
 * So many files of the flights in `data` with `rows` records in all, in the order in which they are sent. Each has bad records: in quarantine go text in a
 * number, bytes that are no UTF-8, a column too many, the first record once more, and a last record that is cut. Every third file is large
 * and sent once more with other bytes, every third is sent three times, every fourth lacks a column that needs no value, one in nine has the
 * bytes of the file before, and one in twelve has a header that nobody can read.
 */
export async function filesToSend(data: string, files: number, rows: number, seed: string): Promise<SentFile[]> {
  const lines = await linesOf(ALL_MONTHS, data);
  const random = randomOf(seed);
  const each = Math.ceil(rows / files);
  const sent: SentFile[] = [];
  for (let i = 0; i < files; i++) {
    const start = Math.floor(random() * lines.length);
    const records = Math.round(each * (i % 3 === 1 ? LARGE : SMALL));
    const some = (from: number) => Array.from({ length: records }, (_, n) => lines[(from + n) % lines.length]);
    const key = `flights/${String(i).padStart(4, '0')}.csv`;
    for (let version = i % 3; version >= 0; version--) {
      sent.push({ key, bytes: fileOf(some(start + version * each), random, i % 4 === 3) });
    }
    if (i % 9 === 8) {
      sent.push({ key: `flights/again-${i}.csv`, bytes: sent.at(-1)!.bytes });
    }
    if (i % 12 === 11) {
      sent.push({ key: `flights/unreadable-${i}.csv`, bytes: Buffer.from(`${COLUMNS.join(',')},${i}\n${lines[0]}\n`) });
    }
  }
  return sent;
}

function fileOf(given: readonly string[], random: () => number, short: boolean): Buffer {
  const [header, ...lines] = [COLUMNS.join(','), ...given].map((line) => (short ? line.split(',').toSpliced(LEFT_OUT, 1).join(',') : line));
  const distance = header.split(',').indexOf('distance');
  const records = lines.map((line) => Buffer.from(line));
  const change = (make: (values: string[]) => Buffer | string) => {
    const index = 1 + Math.floor(random() * (records.length - 2));
    records[index] = Buffer.from(make(lines[index].split(',')));
  };
  change((values) => values.with(distance, 'far').join(','));
  change((values) => [...values, 'more'].join(','));
  change((values) => Buffer.concat([Buffer.from(values.slice(0, -1).join(',')), Buffer.from([0x2c, 0xff])]));
  records.splice(-1, 0, records[0]);
  if (random() < 0.5) {
    records[records.length - 1] = Buffer.from(lines.at(-1)!.split(',').slice(0, -3).join(','));
  }
  const newline = Buffer.from('\n');
  return Buffer.concat([Buffer.from(header), ...records.flatMap((record) => [newline, record])]);
}

/** Bytes that large files have more of, and others fewer, when `rows` records are in so many files. */
export function largeBytes(files: number, rows: number): number {
  return Math.round((rows / files) * BYTES_OF_A_RECORD * Math.sqrt(LARGE * SMALL));
}
