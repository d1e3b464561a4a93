import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { FILE_STATE } from '../../lib/constructs/data/contract';
import { counts } from '../shared/ledger-rows';
import { IntakeRun, isSelected } from './core';
import { Entry, LISTED, Plan } from '../operation/core';
import type { ReopenedRow } from './ledger';
import { entryOf, rejudgeFile } from './rejudge';
import { isRejudgedInRanges, RangesRejudgeOptions, rejudgeInRanges } from './rejudge-ranges';
import type { Journal } from '../operation/report';

export interface FilesOptions extends RangesRejudgeOptions {
  sqs: Pick<SQSClient, 'send'>;
  queueUrl: string;
}

/** The files that a run would judge again: how many, what they hold now, and the contracts that judged them. */
export async function planFiles({ request }: IntakeRun, options: FilesOptions): Promise<Plan> {
  const totals: Record<string, number> = { files: 0, rejected: 0, records: 0, quarantined: 0, bytes: 0 };
  const first: Plan['first'] = [];
  for await (const row of allRows(options)) {
    if (!isSelected(row, request, options.contractHash)) {
      continue;
    }
    const { key, versionId, state, contract, counts: { read = 0, quarantined = 0 } = {}, contentBytes = 0 } = row;
    totals.files++;
    totals.rejected += state === FILE_STATE.rejected ? 1 : 0;
    totals.records += read;
    totals.quarantined += quarantined;
    totals.bytes += contentBytes;
    if (first.length < LISTED) {
      first.push({ key, versionId, state, records: read, quarantined, contract: contract?.slice(0, 12) });
    }
  }
  return { totals, first };
}

/** What a ledger holds: files that count and their records, by contract, and rejected files. */
export async function booksOf(options: Pick<FilesOptions, 'rows'>): Promise<Record<string, unknown>> {
  const books = { files: 0, read: 0, valid: 0, quarantined: 0, rejected: 0 };
  const contracts: Record<string, number> = {};
  for await (const row of allRows(options)) {
    books.rejected += row.state === FILE_STATE.rejected ? 1 : 0;
    if (counts(row)) {
      books.files++;
      books.read += row.counts!.read;
      books.valid += row.counts!.valid;
      books.quarantined += row.counts!.quarantined;
      contracts[row.contract!] = (contracts[row.contract!] ?? 0) + 1;
    }
  }
  return { ...books, contracts };
}

async function* allRows({ rows }: Pick<FilesOptions, 'rows'>): AsyncGenerator<ReopenedRow> {
  let cursor: string | undefined;
  do {
    const page = await rows.page(cursor);
    yield* page.rows;
    ({ cursor } = page);
  } while (cursor !== undefined);
}

/** Entries of one part: what a step that dies has to look up again. */
const PART = 50;

/**
 * Deals with rows until the time of a step is over, one file after the other: an operation never takes more of the account than one function,
 * so that arrivals go on. What a step has done before it died, the next one finds on the rows and lists, but does not do again.
 */
export async function workFiles(run: IntakeRun, journal: Journal, options: FilesOptions): Promise<void> {
  let entries: Entry[] = [];
  const flush = async (cursor: string | undefined, done: boolean) => {
    await journal.write(entries, { cursor, done });
    entries = [];
  };
  let { cursor } = journal.progress;
  do {
    const page = await options.rows.page(cursor);
    for (const row of page.rows) {
      const entry = await dealWith(row, run, options);
      if (entry === 'later') {
        return flush(cursor, false);
      }
      entries.push(...(entry === undefined ? [] : [entry]));
      cursor = row.pk;
      const over = !options.timeLeft();
      if (over || entries.length === PART) {
        await flush(cursor, false);
      }
      if (over) {
        return;
      }
    }
    ({ cursor } = page);
  } while (cursor !== undefined && options.timeLeft());
  await flush(cursor, cursor === undefined);
}

/** `seen`: the row as its page had it, which may be hours old. 'later': the time of the step was over before the file was done. */
async function dealWith(seen: ReopenedRow, run: IntakeRun, options: FilesOptions): Promise<Entry | 'later' | undefined> {
  const touched = seen.rejudged?.operation === run.id || seen.reopenedBy === run.id;
  if (!touched && !isSelected(seen, run.request, options.contractHash)) {
    return undefined;
  }
  const row = (await options.rows.get(seen.pk))!;
  if (row.rejudged?.operation === run.id) {
    return entryOf(row);
  }
  if (row.reopenedBy === run.id) {
    return sendAgain(row, options);
  }
  if (!isSelected(row, run.request, options.contractHash)) {
    return undefined;
  }
  if (row.state !== FILE_STATE.rejected && (await isRejudgedInRanges(row, options))) {
    return rejudgeInRanges(row, run, options);
  }
  const { pk, key, versionId } = row;
  const hopeless = await options.lease.attempt(run.id, pk);
  if (hopeless !== undefined) {
    return { outcome: 'failed', key, versionId, why: hopeless };
  }
  if (row.state !== FILE_STATE.rejected) {
    return rejudgeFile(row, run, options).catch(async (error: Error) => {
      await options.lease.failed(run.id, error.message);
      throw error;
    });
  }
  if (await options.rows.isOutdated(row)) {
    return { outcome: 'replaced', key, versionId };
  }
  return (await options.rows.reopen(row, run.id)) ? sendAgain(row, options) : { outcome: 'changed meanwhile', key, versionId };
}

/** A rejected file has no records that somebody could read meanwhile: the intake takes it like a new one. */
async function sendAgain({ key, versionId, sequencer }: ReopenedRow, { sqs, queueUrl, rawBucket }: FilesOptions): Promise<Entry> {
  const detail = { bucket: { name: rawBucket }, object: { key, 'version-id': versionId, sequencer } };
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify({ detail }) }));
  return { outcome: 'sent again', key, versionId };
}
