import { tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { ObjectVersion } from '../../../runtime/intake/core';
import type { FileRow } from '../../../runtime/intake/file-row';
import { contextOf, SplitCheckpoint, SplitContext, SplitOptions } from '../../../runtime/intake-split/context';
import { mergeRanges } from '../../../runtime/intake-split/merge';
import { SplitFile } from '../../../runtime/intake-split/plan';
import { scanRange, writeRange } from '../../../runtime/intake-split/ranges';
import { digestFile, orderRanges, planFile } from '../../../runtime/intake-split/steps';
import { BUCKETS, Killed, World } from '../intake/world';

export function splitOptions(world: World, over: Partial<SplitOptions> = {}): SplitOptions {
  return {
    s3: world.s3.client,
    ledger: world.ledger,
    contract: world.contract,
    contractHash: 'contract-1',
    build: 'test',
    validatedBucket: BUCKETS.validated,
    quarantineBucket: BUCKETS.quarantine,
    scratchFolder: tmpdir(),
    rangeBytes: 16,
    ...over,
  };
}

let attempts = 0;

/** What the validator does with the message of a large file: the row is leased, and the execution starts from this. */
export async function leased(world: World, object: ObjectVersion): Promise<SplitFile | undefined> {
  const attempt = `00000000-0000-4000-8000-${String(++attempts).padStart(12, '0')}`;
  const lease = await world.ledger.lease(object, attempt);
  const bytes = world.s3.read(object.bucket, object.key, object.versionId).length;
  return 'attempt' in lease ? { object, attempt, bytes } : undefined;
}

export interface Execution {
  /** Maps run their items in this order; by default forwards. */
  backwards?: boolean;
  /** Each step that fails is tried once more, as the state machine does. */
  retry?: boolean;
}

/** Runs the steps as the state machine does. */
export async function execute(
  context: SplitContext,
  file: SplitFile,
  { backwards = false, retry = false }: Execution = {},
): Promise<string> {
  const step = async <T>(run: () => Promise<T>): Promise<T> =>
    run().catch((error: unknown) => (retry ? run() : Promise.reject(error as Error)));
  const map = async (items: number[], run: (range: number) => Promise<void>) => {
    for (const item of backwards ? [...items].reverse() : items) {
      await step(() => run(item));
    }
  };
  const planned = await step(() => planFile(context, file));
  if (planned.outcome !== 'planned') {
    return planned.outcome;
  }
  const { ranges } = planned;
  const { sha256 } = await step(() => digestFile(context, file));
  await map(ranges, (range) => scanRange(context, file, range));
  const ordered = await step(() => orderRanges(context, file, ranges.length));
  if (ordered.outcome !== 'ordered') {
    return ordered.outcome;
  }
  await map(ranges, (range) => writeRange(context, file, range));
  return (await step(() => mergeRanges(context, file, ranges.length, sha256))).outcome;
}

/** Takes an object version in by splitting it. */
export async function split(world: World, object: ObjectVersion, over: Partial<SplitOptions> = {}, how?: Execution): Promise<string> {
  const file = await leased(world, object);
  return file === undefined ? 'not leased' : execute(contextOf(splitOptions(world, over)), file, how);
}

/** An execution of which a step dies at the n-th passing of a checkpoint: no line of it runs after that, and nothing is tried again. */
export async function killSplitAt(world: World, object: ObjectVersion, checkpoint: SplitCheckpoint, nth = 1): Promise<void> {
  let passed = 0;
  await new Promise<void>((resolve, reject) => {
    const at = (reached: SplitCheckpoint) => {
      if (reached !== checkpoint || ++passed !== nth) {
        return undefined;
      }
      resolve();
      return new Promise<void>(() => undefined);
    };
    split(world, object, { at }).then(() => reject(new Error(`the execution did not pass '${checkpoint}'`)), reject);
  });
}

/** An execution of which one step fails once at a checkpoint and is tried again. */
export async function retryAt(world: World, object: ObjectVersion, checkpoint: SplitCheckpoint, nth = 1): Promise<string> {
  let passed = 0;
  const at = (reached: SplitCheckpoint) => {
    if (reached === checkpoint && ++passed === nth) {
      throw new Killed(checkpoint);
    }
  };
  const outcome = await split(world, object, { at }, { retry: true });
  if (passed < nth) {
    throw new Error(`the execution did not pass '${checkpoint}' ${nth} times`);
  }
  return outcome;
}

/** What a final row says and names, without what differs from run to run: keys, versions, times and how the bytes were compressed. */
export function accountOf(world: World, { state, reason, counts, contentSha256, contentBytes, validated, quarantine }: FileRow): object {
  const read = (bucket: string, output: FileRow['validated']) =>
    output && { rows: output.rows, text: gunzipSync(world.s3.read(bucket, output.key, output.versionId)).toString('latin1') };
  const outputs = { validated: read(BUCKETS.validated, validated), quarantine: read(BUCKETS.quarantine, quarantine) };
  return { state, reason, counts, contentSha256, contentBytes, ...outputs };
}
