import { INTAKE_SECONDS } from '../../../lib/constructs/data/data-intake/contract';
import { makeHandler } from '../../../runtime/intake-janitor/handler';
import type { FileRow } from '../../../runtime/intake/file-row';
import { parseMessage, ObjectVersion } from '../../../runtime/intake/core';
import { BUCKETS, START, TABLE, World } from './world';

/** The janitor on a world's storage and table; what it sends and measures is kept. `waiting`: messages that no validator has received yet. */
export function janitorOf(world: World, throughputHours?: number, waiting = 0, latencySeconds: number = INTAKE_SECONDS.latency) {
  const sent: ObjectVersion[] = [];
  const dead: ObjectVersion[] = [];
  const send = ({ input }: { input: { QueueUrl: string; MessageBody?: string } }) => {
    if (input.MessageBody !== undefined) {
      (input.QueueUrl === 'dead letters' ? dead : sent).push(parseMessage(input.MessageBody));
    }
    return Promise.resolve({ Attributes: { ApproximateNumberOfMessages: String(waiting) } });
  };
  const measured: Record<string, number> = {};
  const warned: object[] = [];
  const run = makeHandler({
    dataset: world.contract.dataset,
    ledger: TABLE,
    rawBucket: BUCKETS.raw,
    validatedBucket: BUCKETS.validated,
    quarantineBucket: BUCKETS.quarantine,
    queueUrl: 'queue',
    s3: world.s3.client,
    deadLetterUrl: 'dead letters',
    sqs: { send: send as never },
    dynamo: world.db.client,
    measure: (name, value) => void (measured[name] = value),
    logger: { info: () => undefined, warn: (_, fields) => void warned.push(fields) },
    ledgerMade: () => Promise.resolve(START),
    now: () => world.at,
    latencySeconds,
    throughputHours,
  });
  return { run, sent, dead, measured, warned };
}

/** Lets the janitor run and returns the rows that it took up again. */
export async function reopenOrphans(world: World): Promise<FileRow[]> {
  const before = new Set(
    world
      .rows()
      .filter(({ state }) => state === 'received')
      .map(({ pk }) => pk),
  );
  await janitorOf(world).run();
  return world.rows().filter(({ pk, state }) => state === 'received' && !before.has(pk));
}
