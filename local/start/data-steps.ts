import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { FlightFile, monthlyFiles } from '../../examples/flight-delays/files';
import { LEDGER } from '../../lib/constructs/data/contract';
import { DEMO } from './demo-config';
import { Run, Step, until } from './run';
import { atTime } from './workload-clock';

const DATASET = DEMO.dataset;

export interface LedgerRow {
  key: string;
  state: string;
  reason?: string;
  counts?: { read: number; valid: number; quarantined: number; byRule: Record<string, number> };
  /** Of an object that a stream was landed in. */
  batch?: { records: number };
}

/** Files come in, every record is accounted for, and a dataset version is published. */
export function dataSteps(run: Run): Step[] {
  let files: FlightFile[] = [];
  return [
    {
      title: 'Upload the flights as one file per month and airport, with six planted faults',
      run: async (say) => {
        const { months, seed } = run.options;
        const made = await monthlyFiles(months, seed);
        files = made.files;
        run.figures.planted = made.faults;
        await upload(run, files, say);
      },
    },
    {
      title: 'Wait until every record of every file is valid or in quarantine',
      run: async (say) => {
        const rows = await finalRows(run, files.length, say);
        const rejected = rows.filter(({ reason }) => reason !== undefined);
        if (rejected.length > 0) {
          throw new Error(`FilesRejected: ${rejected.map(({ key, reason }) => `${key}: ${reason}`).join('; ')}`);
        }
        run.figures.books = booksOf(rows);
      },
    },
    {
      title: 'Publish what was committed as a dataset version',
      run: async (say) => {
        await atTime(run, endOf(run.options.months[1]), async () => {
          run.figures.dataset = await publishDataset(run, say);
        });
      },
    },
  ];
}

/** A month arrives as it is when it is over, is accounted for, and a dataset version with it is published. */
export async function monthArrives(run: Run, month: number, say: (text: string) => void): Promise<void> {
  await atTime(run, endOf(month), () => takeIn(run, month, say));
}

/** The moment at which a month of 2013, from 1, is over. */
export function endOf(month: number): Date {
  return new Date(Date.UTC(2013, month));
}

async function takeIn(run: Run, month: number, say: (text: string) => void): Promise<void> {
  const before = (await ledgerRows(run)).length;
  const { files } = await monthlyFiles([month, month]);
  await upload(run, files, say);
  await finalRows(run, before + files.length, say);
  const { id } = await publishDataset(run, say);
  (run.figures.arrivals ??= []).push({ month, files: files.length, dataset: id });
}

async function upload(run: Run, files: FlightFile[], say: (text: string) => void): Promise<void> {
  for (const [i, { name, bytes }] of files.entries()) {
    run.signal.throwIfAborted();
    say(`${i + 1} of ${files.length}: ${name} (${(bytes.length / 1e6).toFixed(1)} MB)`);
    const place = { Bucket: run.outputs.RawBucket, Key: `${DATASET}/${name}` };
    await run.clients.s3.send(new PutObjectCommand({ ...place, Body: bytes, ContentType: 'text/csv' }));
  }
}

async function finalRows(run: Run, expected: number, say: (text: string) => void): Promise<LedgerRow[]> {
  let rows: LedgerRow[] = [];
  const final = () => rows.filter(({ state }) => state === 'accounted' || state === 'rejected');
  return until(
    `a final ledger row for each of ${expected} files`,
    180,
    run.signal,
    async () => {
      rows = await ledgerRows(run);
      say(`${final().length} of ${expected} files are final`);
      return final().length >= expected ? rows : undefined;
    },
    () => rows.map(({ key, state }) => `${key} ${state}`).join(', '),
  );
}

export async function ledgerRows({ clients, outputs }: Run): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  const scan = { TableName: outputs[`${DATASET}Ledger`], ConsistentRead: true };
  const filter = { FilterExpression: 'begins_with(pk, :object)', ExpressionAttributeValues: { ':object': LEDGER.object } };
  for await (const { Items = [] } of paginateScan({ client: clients.dynamo }, { ...scan, ...filter })) {
    rows.push(...(Items as LedgerRow[]));
  }
  return rows;
}

function booksOf(rows: LedgerRow[]) {
  const books = { files: rows.length, read: 0, valid: 0, quarantined: 0, byRule: {} as Record<string, number> };
  for (const { counts } of rows) {
    books.read += counts?.read ?? 0;
    books.valid += counts?.valid ?? 0;
    books.quarantined += counts?.quarantined ?? 0;
    for (const [rule, count] of Object.entries(counts?.byRule ?? {})) {
      books.byRule[rule] = (books.byRule[rule] ?? 0) + count;
    }
  }
  return books;
}

async function publishDataset(run: Run, say: (text: string) => void): Promise<NonNullable<Run['figures']['dataset']>> {
  const { id, rows, files, manifest } = await invoke<{ id: string; rows: number; files: number; manifest: string }>(
    run,
    run.outputs.DatasetBuilder,
    { dataset: DATASET },
  );
  say(`${id.slice(0, 12)}: ${rows} rows in ${files} files`);
  return { id, rows, files, manifest };
}

/** Calls a function of the workload. Errors: what the function threw. */
export async function invoke<T>({ clients }: Run, FunctionName: string, payload: object): Promise<T> {
  const answer = await clients.lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }));
  const text = Buffer.from(answer.Payload ?? []).toString();
  if (answer.FunctionError !== undefined) {
    throw new Error(`FunctionFailed: ${FunctionName} answered ${text}`);
  }
  return JSON.parse(text) as T;
}
