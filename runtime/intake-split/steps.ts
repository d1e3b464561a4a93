import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { MAXIMUM_SPLIT_KEYS, MAXIMUM_SPLIT_RECORDS, SPLIT_SECONDS } from '../../lib/constructs/data/data-intake/contract';
import { GONE } from '../intake/file-row';
import { isGone } from '../intake/source';
import { FileRejected } from '../intake/validator';
import { RangesContext, SplitContext } from './context';
import { findDuplicates, keyBytes, KeyFile } from './duplicates';
import { findHeader } from './find-header';
import { piecesFrom } from './lines';
import { PartStore, forEach } from './part-store';
import { Ordered, PartNames, Plan, planOf, Scanned, SplitFile } from './plan';
import { Scratch } from './scratch';

/** What the state machine goes by. `superseded`: another attempt has the row, or it is final; nothing is left to do. */
export type StepOutcome = { outcome: 'planned'; ranges: number[] } | { outcome: 'ordered' | 'rejected' | 'superseded' };

/** Holds the row for the whole execution and cuts the file. A file without a fitting header is rejected. */
export async function planFile(context: SplitContext, file: SplitFile): Promise<StepOutcome> {
  if (!(await context.ledger.hold(file.object, file.attempt, SPLIT_SECONDS.lease))) {
    return { outcome: 'superseded' };
  }
  await context.at?.('held');
  const plan = await cutFile(context, file);
  if (typeof plan === 'string') {
    return reject(context, file, plan);
  }
  return { outcome: 'planned', ranges: Array.from({ length: plan.ranges }, (_, range) => range) };
}

/** The plan, which is stored, or why there is none. */
export async function cutFile(context: RangesContext, file: SplitFile): Promise<Plan | string> {
  const plan = await cut(context, file);
  if (typeof plan !== 'string') {
    const { store, names } = context.partsOf(file);
    await store.putJson(names.plan, plan);
    await context.at?.('planned');
  }
  return plan;
}

async function cut({ s3, contract, rangeBytes }: RangesContext, { object, bytes }: SplitFile): Promise<Plan | string> {
  try {
    const pieces = piecesFrom(s3, object, 0, bytes);
    const { dataStart, order } = contract.format === 'csv' ? await findHeader(contract, pieces) : { dataStart: 0 };
    return planOf(bytes, dataStart, rangeBytes, order);
  } catch (error) {
    if (isGone(error)) {
      return GONE;
    }
    if (error instanceof FileRejected) {
      return error.message;
    }
    throw error;
  }
}

/** Rejects the file as a whole. */
async function reject(context: SplitContext, { object, attempt, bytes }: SplitFile, reason: string): Promise<StepOutcome> {
  const judged = { validator: context.build, contract: context.contractHash };
  const contentBytes = reason === GONE ? undefined : bytes;
  const done = await context.ledger.reject(object, attempt, { ...judged, contentBytes, reason });
  return { outcome: done ? 'rejected' : 'superseded' };
}

/** SHA-256 of the object: what identifies it does not depend on how it was read. */
export async function digestFile({ s3 }: Pick<RangesContext, 's3'>, { object, bytes: size }: SplitFile): Promise<{ sha256: string }> {
  const sha256 = createHash('sha256');
  for await (const { bytes } of piecesFrom(s3, object, 0, size)) {
    sha256.update(bytes);
  }
  return { sha256: sha256.digest('hex') };
}

/** Says where the records of each range stand in the file, and which have a key that an earlier range has. */
export async function orderRanges(context: SplitContext, file: SplitFile, ranges: number): Promise<StepOutcome> {
  const tooMany = await orderFile(context, file, ranges);
  return tooMany === undefined ? { outcome: 'ordered' } : reject(context, file, tooMany);
}

/** The same without a row to reject: why the file has more than one function compares, or undefined when the order is stored. */
export async function orderFile(context: RangesContext, file: SplitFile, ranges: number): Promise<string | undefined> {
  const { store, names } = context.partsOf(file);
  const scanned: Scanned[] = [];
  await forEach(ranges, async (range) => {
    scanned[range] = await store.getJson<Scanned>(names.scanned(range));
  });
  const tooMany = excess(scanned);
  if (tooMany !== undefined) {
    return tooMany;
  }
  let records = 0;
  const before = scanned.map((range) => (records += range.records) - range.records);
  const duplicates = await storeDuplicates(context, { store, names }, scanned, before);
  await context.at?.('duplicates stored');
  const ordered = before.map((recordsBefore, range): Ordered => ({ recordsBefore, duplicates: duplicates[range] }));
  await store.putJson(names.ordered, ordered);
  return undefined;
}

/** Why the file has more than one function compares. */
function excess(scanned: readonly Scanned[]): string | undefined {
  const sum = (of: keyof Scanned) => scanned.reduce((total, range) => total + range[of], 0);
  if (sum('records') > MAXIMUM_SPLIT_RECORDS) {
    return `more than ${MAXIMUM_SPLIT_RECORDS} records: send it in parts`;
  }
  return sum('keys') > MAXIMUM_SPLIT_KEYS
    ? `more than ${MAXIMUM_SPLIT_KEYS} records, whose keys are more than one function compares: send it in parts`
    : undefined;
}

interface Parts {
  store: PartStore;
  names: PartNames;
}

/** Returns how many duplicates each range has. */
async function storeDuplicates(
  { scratchFolder }: RangesContext,
  { store, names }: Parts,
  scanned: readonly Scanned[],
  before: readonly number[],
): Promise<number[]> {
  const scratch = new Scratch(scratchFolder);
  try {
    const files = scanned.map(({ keys }, range): KeyFile => ({ file: scratch.open(), keys, recordsBefore: before[range] }));
    await forEach(files.length, (range) => fetchKeys(store, names.keys(range), files[range]));
    const found = findDuplicates(files, scratch);
    await forEach(found.length, async (range) => {
      const pairs = found[range];
      if (pairs !== undefined) {
        await store.putFile(names.duplicates(range), pairs.file);
      }
    });
    return found.map((pairs) => pairs?.size ?? 0);
  } finally {
    scratch.close();
  }
}

async function fetchKeys(store: PartStore, key: string, { file, keys }: KeyFile): Promise<void> {
  let bytes = 0;
  for await (const chunk of (await store.get(key)) as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length;) {
      at += writeSync(file, chunk, at);
    }
    bytes += chunk.length;
  }
  if (bytes !== keyBytes(keys)) {
    throw new Error(`CutTransfer: ${bytes} of ${keyBytes(keys)} bytes of ${key} came: the step is tried again`);
  }
}
