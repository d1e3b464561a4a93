// Takes in files with one long line, which are never in memory as a whole, in a process of its own: the peak of its memory is theirs alone.
// Prints `LongLines` as one line of JSON.
import { existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { processFile } from '../../../runtime/intake/attempt';
import type { Result } from '../../../runtime/intake/file-row';
import { HEADER, ORDERS, row } from './contracts';
import type { Quarantined } from './judged';
import { BUCKETS, World } from './world';

const MEBIBYTE = 1024 * 1024;
const SHORT = 2;
const LONG = 200;

export interface LongLines {
  files: { name: string; state: string; counts?: object; refused?: Quarantined }[];
  /** Peak after the long lines, less that after short ones. */
  growthMebibytes: number;
}

interface Shape {
  format: 'csv' | 'jsonl';
  before: string;
  after: string;
  gzip: boolean;
  fill: string;
}

const csv = { format: 'csv', before: `${HEADER}\n${row(1)}\n`, after: `\n${row(9)}\n`, gzip: false, fill: 'x' } as const;
const jsonl = { format: 'jsonl', before: '{"id":1}\n', after: '\n{"id":9}\n', gzip: false, fill: '{"id":2}' } as const;
const SHAPES: Record<string, Shape> = {
  CSV: csv,
  'CSV in gzip': { ...csv, gzip: true },
  'CSV with an open quote': { ...csv, fill: '"x,' + 'y'.repeat(13) },
  'JSON Lines': jsonl,
  'JSON Lines in gzip': { ...jsonl, gzip: true },
};

/** The pieces of a file; of gzip each one is a member. */
function piecesOf({ before, after, gzip, fill }: Shape, mebibytes: number): { bytes: number; body: Readable } {
  const pack = (text: string) => (gzip ? gzipSync(text) : Buffer.from(text));
  const [first, line, last] = [before, fill.repeat(MEBIBYTE / fill.length), after].map(pack);
  const pieces = function* () {
    yield first;
    for (let i = 0; i < mebibytes; i++) {
      yield line;
    }
    yield last;
  };
  return { bytes: first.length + mebibytes * line.length + last.length, body: Readable.from(pieces(), { objectMode: false }) };
}

async function takeIn(name: string, mebibytes: number): Promise<LongLines['files'][number]> {
  const shape = SHAPES[name];
  const { bytes, body } = piecesOf(shape, mebibytes);
  const world = new World({ ...ORDERS, format: shape.format });
  const object = { ...world.send(`orders/a.${shape.format}`, ''), versionId: 'long' };
  const send = world.s3.client.send.bind(world.s3.client) as (command: unknown) => Promise<object>;
  const answer = (command: unknown) =>
    command instanceof GetObjectCommand ? Promise.resolve({ Body: body, ContentLength: bytes }) : send(command);
  const s3 = { config: world.s3.client.config, send: answer } as never;
  const found = (await processFile(object, 'attempt', world.options({ s3 })))!;
  if ('reason' in found) {
    return { name, state: `rejected: ${found.reason}` };
  }
  const { counts, quarantine } = found as Result;
  const { key, versionId } = quarantine!;
  const refused = JSON.parse(gunzipSync(world.s3.read(BUCKETS.quarantine, key, versionId)).toString()) as Quarantined;
  return { name, state: 'accounted', counts, refused };
}

/** Of this program: what getrusage gives on Linux is never less than the peak of the process that started it. */
function peakMebibytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
}

async function main(): Promise<void> {
  for (const name of Object.keys(SHAPES)) {
    await takeIn(name, SHORT);
  }
  const before = peakMebibytes();
  const files: LongLines['files'] = [];
  for (const name of Object.keys(SHAPES)) {
    files.push(await takeIn(name, LONG));
  }
  console.log(JSON.stringify({ files, growthMebibytes: peakMebibytes() - before } satisfies LongLines));
}

void main();
