import { makeHandler } from '../../../runtime/intake-janitor/handler';
import type { FileRow } from '../../../runtime/intake/file-row';
import { parseMessage, ObjectVersion } from '../../../runtime/intake/core';
import { BUCKETS, START, TABLE, World } from './world';

/** The janitor on a world's storage and table; what it sends and measures is kept. */
export function janitorOf(world: World, throughputHours?: number) {
  const sent: ObjectVersion[] = [];
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
    sqs: {
      send: (({ input }: { input: { MessageBody: string } }) => Promise.resolve(sent.push(parseMessage(input.MessageBody)))) as never,
    },
    dynamo: world.db.client,
    measure: (name, value) => void (measured[name] = value),
    logger: { info: () => undefined, warn: (_, fields) => void warned.push(fields) },
    ledgerMade: () => Promise.resolve(START),
    now: () => world.at,
    throughputHours,
  });
  return { run, sent, measured, warned };
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
