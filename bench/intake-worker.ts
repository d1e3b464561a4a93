// One measurement of `npm run bench:intake`, in a process of its own: <reader> <file> <compiled contract>. Prints one line of JSON.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { parse } from 'csv-parse';
import type { CompiledContract } from '../lib/constructs/data/data-contract/contract';
import { attemptFile, AttemptOptions } from '../runtime/intake/attempt';
import { Ledger } from '../runtime/intake/ledger';
import { compileChecks } from '../runtime/intake/rules';

export interface Measured {
  read: number;
  valid: number;
  seconds: number;
  /** Of all threads, from when the program is loaded: a process loads it once, however many files come. */
  cpuSeconds: number;
  mebibytes: number;
}

const [reader, file, contractFile] = process.argv.slice(2);
const contract = JSON.parse(readFileSync(contractFile, 'utf8')) as CompiledContract;

/** Amazon S3 that reads one file from disk and takes everything without keeping it: requests, checksums and parts are the real ones. */
function discardingS3(): S3Client {
  let number = 0;
  const handle = async ({ method, query, body }: { method: string; query: Record<string, string>; body?: Readable }) => {
    const headers: Record<string, string> = { 'x-amz-version-id': `v${++number}`, etag: '"e"' };
    if (method === 'GET') {
      return {
        response: { statusCode: 200, headers: { ...headers, 'content-length': String(statSync(file).size) }, body: createReadStream(file) },
      };
    }
    if (body instanceof Readable) {
      await pipeline(body, new Writable({ write: (_, __, done) => done() }));
    }
    const answer = query.uploads === undefined ? '<R/>' : '<R><UploadId>1</UploadId></R>';
    return { response: { statusCode: 200, headers, body: Readable.from([Buffer.from(answer)]) } };
  };
  return new S3Client({
    region: 'eu-central-1',
    endpoint: 'http://s3.bench',
    forcePathStyle: true,
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } } as never,
  });
}

/** A ledger of one row, in memory. */
function ledgerOfOne(): Ledger {
  let row: Record<string, unknown> = {};
  const send = ({ constructor: { name }, input }: { constructor: { name: string }; input: Record<string, never> }) => {
    if (name === 'UpdateCommand') {
      row = { state: 'validating', attempt: input.ExpressionAttributeValues[':attempt'], attempts: 1 };
    } else if (name === 'TransactWriteCommand') {
      const [{ Update }] = input.TransactItems as { Update: { ExpressionAttributeValues: Record<string, unknown> } }[];
      row = Object.fromEntries(Object.entries(Update.ExpressionAttributeValues).map(([key, value]) => [key.slice(1), value]));
    }
    const known = name === 'GetCommand' && String((input.Key as { pk: string }).pk).startsWith('object#');
    return Promise.resolve({ Attributes: row, Item: known ? row : undefined });
  };
  return new Ledger({ send: send as never }, 'ledger');
}

async function withIntake(validatedFormat: AttemptOptions['validatedFormat']): Promise<{ read: number; valid: number }> {
  const outcome = await attemptFile(
    { bucket: 'raw', key: 'flights/year.csv', versionId: 'v', sequencer: '1' },
    {
      s3: discardingS3(),
      ledger: ledgerOfOne(),
      contract,
      contractHash: 'bench',
      build: 'bench',
      validatedBucket: 'validated',
      quarantineBucket: 'quarantine',
      validatedFormat,
      scratchFolder: tmpdir(),
    },
  );
  if (outcome.outcome !== 'accounted') {
    throw new Error(`BenchFailed: the file is ${JSON.stringify(outcome)}`);
  }
  return outcome.row.counts!;
}

/** The usual way: a parser from the shelf, the same checks, keys in a set, accepted records to gzip. */
async function withCsvParse(): Promise<{ read: number; valid: number }> {
  const checks = compileChecks(contract);
  const keys = new Set<string>();
  const at = contract.primaryKey.map((name) => contract.columns.findIndex((column) => column.name === name));
  const counts = { read: 0, valid: 0 };
  const judge = async function* (records: AsyncIterable<string[]>) {
    let lines = '';
    for await (const values of records) {
      counts.read++;
      const key = at.map((i) => values[i]).join('|');
      const refused = checks.some((check, i) => {
        const bytes = Buffer.from(values[i]);
        return check(bytes, 0, bytes.length) !== undefined;
      });
      if (refused || keys.has(key)) {
        continue;
      }
      keys.add(key);
      counts.valid++;
      lines += `${values.join(',')}\n`;
      if (lines.length > 256 * 1024) {
        yield lines;
        lines = '';
      }
    }
    yield lines;
  };
  const parser = parse({ from: 2, relax_column_count: true });
  await pipeline(createReadStream(file), parser, judge, createGzip({ level: 1 }), new Writable({ write: (_, __, done) => done() }));
  return counts;
}

const READERS: Record<string, () => Promise<{ read: number; valid: number }>> = {
  intake: () => withIntake('as-received'),
  'intake-parquet': () => withIntake('parquet'),
  'csv-parse': withCsvParse,
};

async function main(): Promise<void> {
  const start = performance.now();
  const before = process.cpuUsage();
  const { read, valid } = await READERS[reader]();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  console.log(JSON.stringify({ read, valid, seconds, cpuSeconds, mebibytes: peakMebibytes() } satisfies Measured));
}

/** Of this program: what getrusage gives on Linux is never less than the peak of the process that started it. */
function peakMebibytes(): number {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS) / 1024;
}

void main();
