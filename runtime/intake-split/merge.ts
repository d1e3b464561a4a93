import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { attemptPrefix } from '../intake/core';
import { brokenFileRules } from '../intake/file-rules';
import { headerLine } from '../intake/header';
import type { Rejection, Result } from '../intake/file-row';
import { Counts } from '../intake/validator';
import { RangesContext, SplitContext } from './context';
import { JoinedOutput } from './joined-output';
import { forEach } from './part-store';
import { SplitFile } from './plan';

/** How a merge ended. `superseded`: another attempt has the row, or it is final already. */
export interface Merged {
  outcome: 'accounted' | 'rejected' | 'superseded';
}

/** Joins what the ranges wrote and commits it, in the same way as the validator of whole files. */
export async function mergeRanges(context: SplitContext, file: SplitFile, ranges: number, contentSha256: string): Promise<Merged> {
  const { ledger } = context;
  const { object, attempt } = file;
  await context.at?.('between range and merge');
  // A merge that is tried again after its commit must not store its outputs once more.
  if (!(await ledger.holds(object, attempt))) {
    return { outcome: 'superseded' };
  }
  // A merge that is tried again before its commit writes outputs of its own: nothing is overwritten.
  const outputs = `${attemptPrefix(context.contract.dataset, object, attempt)}/merge=${randomUUID()}`;
  const found = await joinRanges(context, file, ranges, contentSha256, outputs);
  const rejected = 'reason' in found;
  const done = rejected ? await ledger.reject(object, attempt, found) : await ledger.commit(object, attempt, found);
  if (!done) {
    return { outcome: 'superseded' };
  }
  await context.at?.('merge committed');
  return { outcome: rejected ? 'rejected' : 'accounted' };
}

/**
 * What the file is worth under the contract: the result with its outputs uploaded, or why the file as a whole is rejected. `outputs`: the prefix of
 * their keys, below which nothing was written before.
 */
export async function joinRanges(
  context: RangesContext,
  file: SplitFile,
  ranges: number,
  contentSha256: string,
  outputs: string,
): Promise<Result | Rejection> {
  const { build, contractHash, contract } = context;
  const counts = await countsOf(context, file, ranges);
  const sum = sumOf(counts);
  const judged = { validator: build, contract: contractHash, contentBytes: file.bytes };
  const reason = brokenFileRules(contract, sum);
  return reason === undefined
    ? { ...judged, ...(await join(context, file, counts, outputs)), contentSha256, counts: sum }
    : { ...judged, reason };
}

async function countsOf(context: RangesContext, file: SplitFile, ranges: number): Promise<Counts[]> {
  const { store, names } = context.partsOf(file);
  const counts: Counts[] = [];
  await forEach(ranges, async (range) => {
    counts[range] = await store.getJson<Counts>(names.counts(range));
  });
  return counts;
}

/** What ranges counted, together. */
export function sumOf(counts: readonly Counts[]): Counts {
  const sum: Counts = { read: 0, valid: 0, quarantined: 0, byRule: {} };
  for (const { read, valid, quarantined, byRule, byFileRule } of counts) {
    sum.read += read;
    sum.valid += valid;
    sum.quarantined += quarantined;
    addTo(sum.byRule, byRule);
    if (byFileRule !== undefined) {
      addTo((sum.byFileRule ??= {}), byFileRule);
    }
  }
  return sum;
}

function addTo(sums: Record<string, number>, counts: Record<string, number>): void {
  Object.entries(counts).forEach(([name, n]) => (sums[name] = (sums[name] ?? 0) + n));
}

async function join(
  context: RangesContext,
  file: SplitFile,
  counts: readonly Counts[],
  outputs: string,
): Promise<Pick<Result, 'validated' | 'quarantine'>> {
  const { s3, contract, validatedBucket, quarantineBucket } = context;
  const { store, names } = context.partsOf(file);
  const csv = contract.format === 'csv';
  const valid = new JoinedOutput(
    s3,
    validatedBucket,
    `${outputs}/records.${contract.format}.gz`,
    csv ? 'text/csv' : 'application/x-ndjson',
  );
  const quarantine = new JoinedOutput(s3, quarantineBucket, `${outputs}/records.jsonl.gz`, 'application/x-ndjson');
  try {
    if (csv) {
      await valid.append(gzipSync(`${headerLine(contract)}\n`, { level: 1 }), 0);
    }
    for (const [range, { valid: rows }] of counts.entries()) {
      await valid.append(await store.get(names.valid(range)), rows);
    }
    const validated = await valid.finish();
    await context.at?.('merged valid uploaded');
    for (const [range, { quarantined }] of counts.entries()) {
      await quarantine.append(await store.get(names.quarantine(range)), quarantined);
    }
    const quarantined = await quarantine.finish();
    await context.at?.('merged both uploaded');
    return { validated, quarantine: quarantined };
  } catch (error) {
    await Promise.all([valid.discard(), quarantine.discard()]);
    throw error;
  }
}
