import { KinesisClient, PutRecordsCommand, PutRecordsResultEntry } from '@aws-sdk/client-kinesis';
import type { Log } from '../shared/telemetry';

export interface Entry {
  text: string;
  /** Partition key: records with the same one keep their order. */
  key: string;
}

/** Why the stream did not take a record: it had no room, or anything else. */
export type NotTaken = 'throttled' | 'unavailable';

export interface PutOptions {
  kinesis: Pick<KinesisClient, 'send'>;
  stream: string;
  /** No call is begun or waited for after this, milliseconds since 1970. */
  deadline: number;
  now: () => number;
  sleep: (milliseconds: number) => Promise<void>;
  /** 0 to below 1. */
  random: () => number;
  logger: Pick<Log, 'warn' | 'error'>;
  /** Told once when trying again is of no use. */
  onFault: () => void;
}

const THROTTLED = /^(ProvisionedThroughputExceeded|KMSThrottling|Throttling|LimitExceeded)(Exception)?$/;

/** Waits between calls that failed, milliseconds: random below a bound that doubles (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/). */
const BACKOFF = { first: 50, most: 1000 };

/**
 * Puts records on the stream until it has all of them or the time is over, and says of each why it was not taken; undefined for those that were.
 *
 * A call of `PutRecords` may take some records and refuse others before them, so it keeps no order
 * (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html). Therefore a call has at most one record of each key, and the next
 * one of a key goes when the stream has the one before: what is not taken of a key is the end of its records. A call whose answer is lost is
 * made again, so that the stream may have a record twice.
 */
export async function putInOrder(entries: readonly Entry[], options: PutOptions): Promise<(NotTaken | undefined)[]> {
  const outcome = new Array<NotTaken | undefined>(entries.length).fill('unavailable');
  const waiting = new Map<string, number[]>();
  entries.forEach(({ key }, i) => waiting.set(key, [...(waiting.get(key) ?? []), i]));
  for (let failures = 0; waiting.size > 0 && options.now() < options.deadline;) {
    const wave = [...waiting.values()].map(([first]) => first);
    const results = await put(
      wave.map((i) => entries[i]),
      options,
    );
    if (results === 'hopeless') {
      break;
    }
    wave.forEach((i, at) => settle(i, results[at], entries[i].key, waiting, outcome));
    failures = results.every((result) => result === undefined) ? 0 : failures + 1;
    if (failures > 0) {
      await options.sleep(options.random() * Math.min(BACKOFF.most, BACKOFF.first * 2 ** (failures - 1)));
    }
  }
  return outcome;
}

/** Enters what became of the first waiting record of a key; those behind it share its fate until it is taken. */
function settle(
  i: number,
  result: NotTaken | undefined,
  key: string,
  waiting: Map<string, number[]>,
  outcome: (NotTaken | undefined)[],
): void {
  const queue = waiting.get(key)!;
  if (result !== undefined) {
    queue.forEach((waits) => (outcome[waits] = result));
    return;
  }
  outcome[i] = undefined;
  queue.shift();
  if (queue.length === 0) {
    waiting.delete(key);
  }
}

async function put(entries: readonly Entry[], options: PutOptions): Promise<(NotTaken | undefined)[] | 'hopeless'> {
  const { kinesis, stream, deadline, now, logger, onFault } = options;
  const command = new PutRecordsCommand({
    StreamName: stream,
    Records: entries.map(({ text, key }) => ({ Data: Buffer.from(text), PartitionKey: key })),
  });
  try {
    const { Records } = await kinesis.send(command, { abortSignal: AbortSignal.timeout(Math.max(1, deadline - now())) });
    return entries.map((_, at) => notTaken(Records?.[at]));
  } catch (error) {
    const { name, $fault } = error as { name: string; $fault?: string };
    if ($fault === 'client' && !THROTTLED.test(name)) {
      logger.error('fault: the stream refuses records', { stream, error: error as Error });
      onFault();
      return 'hopeless';
    }
    logger.warn('the stream took no record of a call', { stream, reason: name });
    return entries.map(() => (THROTTLED.test(name) ? 'throttled' : 'unavailable'));
  }
}

/** A record that was taken has a sequence number; one that was not has an error code instead. */
function notTaken(result: PutRecordsResultEntry | undefined): NotTaken | undefined {
  if (result?.SequenceNumber !== undefined) {
    return undefined;
  }
  return THROTTLED.test(result?.ErrorCode ?? '') ? 'throttled' : 'unavailable';
}
