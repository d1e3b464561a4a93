import { createHash, randomUUID } from 'node:crypto';
import type { FileRow } from '../intake/file-row';
import { attemptPrefix } from '../intake/core';
import { inputFormat } from '../intake/envelope';
import { isSplit } from '../intake/splitter';
import { contextOf, RangesContext } from '../intake-split/context';
import { joinRanges } from '../intake-split/merge';
import { Plan, SplitFile } from '../intake-split/plan';
import { scanRange, writeRange } from '../intake-split/ranges';
import { cutFile, digestFile, orderFile } from '../intake-split/steps';
import type { Entry } from '../operation/core';
import type { OperationLease } from '../operation/lease';
import type { IntakeRun } from './core';
import { eachQuarantined } from './record-set';
import { failed, objectOf, rejection, RejudgeOptions, settle } from './rejudge';

/** How files are cut that are too large for one piece. Bytes. */
export interface Splitting {
  /** Larger files are judged in ranges. */
  above: number;
  rangeBytes: number;
}

export interface RangesRejudgeOptions extends RejudgeOptions {
  lease: OperationLease;
  timeLeft: () => boolean;
  /** Absent when the contract or the format of the outputs does not let files be split. */
  splitting?: Splitting;
}

/** Whether an accounted file is judged again in ranges: those are the files that the intake splits, which batches of a stream are not. */
export async function isRejudgedInRanges(row: FileRow, { splitting, s3, ...options }: RangesRejudgeOptions): Promise<boolean> {
  const isFile = inputFormat(options.contract, row.key) !== 'envelopes';
  return isFile && splitting !== undefined && isSplit({ object: objectOf(row, options), bytes: row.contentBytes! }, splitting.above, s3);
}

/**
 * Judges an accounted file again as the machine that splits files does, but one range after the other: an operation takes no more of the account
 * than one function. 'later' when the time of the step is over; the next one goes on at the piece that the lease names, with what lies in the
 * validated zone for it. Another contract or another build begins anew, because the ranges of a file are judged alike.
 */
export async function rejudgeInRanges(row: FileRow, run: IntakeRun, options: RangesRejudgeOptions): Promise<Entry | 'later'> {
  const { lease, timeLeft } = options;
  const ranges = new RangeByRange(row, run, options);
  for (let [piece, first] = [await ranges.resume(), true]; ; piece++, first = false) {
    const hopeless = await lease.attempt(run.id, ranges.at(piece));
    if (hopeless !== undefined) {
      return failed(row, hopeless);
    }
    if (!first && !timeLeft()) {
      return 'later';
    }
    const entry = await ranges.act(piece).catch(async (error: Error) => {
      await lease.failed(run.id, error.message);
      throw error;
    });
    if (entry !== undefined) {
      return entry;
    }
  }
}

/** The pieces of the work on one file, by their numbers: plan, digest, a scan of each range, order, a write of each range, merge. */
class RangeByRange {
  private readonly file: SplitFile;
  private readonly context: RangesContext;
  private plan?: Plan;

  constructor(
    private readonly row: FileRow,
    private readonly run: IntakeRun,
    private readonly options: RangesRejudgeOptions,
  ) {
    this.file = { object: objectOf(row, options), attempt: attemptOf(row, run, options), bytes: row.contentBytes! };
    this.context = contextOf({ ...options, at: undefined, rangeBytes: options.splitting!.rangeBytes });
  }

  /** What the lease calls a piece. */
  public at(piece: number): string {
    return `${this.row.pk} ${this.file.attempt} ${piece}`;
  }

  /** The piece to go on with: the first one, unless a step before has come further. */
  public async resume(): Promise<number> {
    const { store, names } = this.context.partsOf(this.file);
    const known = await this.options.lease.comingTo(this.run.id);
    const piece = known?.startsWith(this.at(0).slice(0, -1)) === true ? Number(known.split(' ').at(-1)) : 0;
    this.plan = piece === 0 ? undefined : await store.getJson<Plan>(names.plan);
    return piece;
  }

  /** Does a piece; answers when nothing is left to do. Each may be done again: it stores the same once more. */
  public async act(piece: number): Promise<Entry | undefined> {
    if (this.plan === undefined) {
      const plan = await cutFile(this.context, this.file);
      this.plan = typeof plan === 'string' ? undefined : plan;
      return typeof plan === 'string' ? failed(this.row, rejection(plan)) : undefined;
    }
    const each = Array.from({ length: this.plan.ranges }, (_, range) => range);
    const pieces: (() => Promise<Entry | void>)[] = [
      () => this.digest(),
      ...each.map((range) => () => scanRange(this.context, this.file, range)),
      () => this.order(each.length),
      ...each.map((range) => () => writeRange(this.context, this.file, range)),
      () => this.merge(each.length),
    ];
    return (await pieces[piece - 1]()) ?? undefined;
  }

  private async digest(): Promise<void> {
    const { store, names } = this.context.partsOf(this.file);
    await store.putJson(names.digest, await digestFile(this.context, this.file));
  }

  private async order(ranges: number): Promise<Entry | undefined> {
    const tooMany = await orderFile(this.context, this.file, ranges);
    return tooMany === undefined ? undefined : failed(this.row, rejection(tooMany));
  }

  /** A merge that is tried again finds the parts of the one before, and writes outputs of its own: nothing is overwritten. */
  private merge(ranges: number): Promise<Entry> {
    const { s3, quarantineBucket, contract } = this.options;
    const attempt = randomUUID();
    const outputs = attemptPrefix(contract.dataset, this.file.object, attempt);
    return settle(this.row, this.run, attempt, this.options, async (refused) => {
      const { store, names } = this.context.partsOf(this.file);
      const { sha256 } = await store.getJson<{ sha256: string }>(names.digest);
      const found = await joinRanges(this.context, this.file, ranges, sha256, outputs);
      if (!('reason' in found)) {
        await eachQuarantined(s3, quarantineBucket, found.quarantine, refused);
      }
      return found;
    });
  }
}

/** The attempt of the parts: the same for every step of an execution, and another one for whatever makes a range be judged otherwise. */
function attemptOf({ pk, attempt }: FileRow, { id }: IntakeRun, { contractHash, build, splitting }: RangesRejudgeOptions): string {
  const given = JSON.stringify([id, pk, attempt, contractHash, build, splitting]);
  const hex = createHash('sha256').update(given).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
