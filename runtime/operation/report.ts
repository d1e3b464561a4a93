import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { advanced, Entry, operationKey, Plan, Progress, Run } from './core';
import type { OperationLease } from './lease';

/** An object of the report, pinned. */
export interface Stored {
  bucket: string;
  key: string;
  versionId?: string;
}

/** What an operation leaves: who asked for what and why, when, what was so before and after, what became of each thing, what failed. */
export interface Report {
  id: string;
  dataset: string;
  operation: string;
  dryRun: boolean;
  requestedBy: string;
  reason: string;
  selection: object;
  /** Hash of the contract that was deployed, for what judges by it. */
  contract?: string;
  startedAt: string;
  endedAt: string;
  /** The execution before, when it ended without a report. */
  interrupted?: string;
  plan: Plan;
  before: Record<string, unknown>;
  after?: Record<string, unknown>;
  totals: Record<string, number>;
  failed: Entry[];
  /** Objects beside the report that list every entry, JSON Lines: `part-0001.jsonl` and so on. */
  parts: number;
  /** Why the execution could not go on; what was done until then stays done. */
  error?: string;
}

/** Where reports go. */
export interface Place {
  s3: Pick<S3Client, 'send'>;
  validatedBucket: string;
  dataset: string;
}

/** The record of what an execution has dealt with. What is in it survives whatever dies. */
export class Journal {
  /** Goes on where the execution is. Errors: `OperationRefused` when another one has the lease. */
  public static async open(place: Place, run: Run, lease: OperationLease): Promise<Journal> {
    return new Journal(place, run, lease, await lease.progress(run.id));
  }

  private constructor(
    private readonly place: Place,
    private readonly run: Run,
    private readonly lease: OperationLease,
    public progress: Progress,
  ) {}

  /** Stores entries as the next part, and then how far the execution is: what comes between is done again and stored again. */
  public async write(entries: readonly Entry[], to: Pick<Progress, 'cursor' | 'done'>): Promise<void> {
    const { s3, validatedBucket, dataset } = this.place;
    const next = advanced(this.progress, entries, to);
    if (entries.length > 0) {
      const Key = operationKey(dataset, this.run.id, partName(next.parts));
      const Body = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
      await s3.send(new PutObjectCommand({ Bucket: validatedBucket, Key, Body, ContentType: 'application/x-ndjson' }));
    }
    await this.lease.save(this.run.id, next);
    this.progress = next;
  }
}

const partName = (number: number) => `part-${String(number).padStart(4, '0')}.jsonl`;

export async function storeReport(place: Place, report: Report): Promise<Stored> {
  const [bucket, key] = [place.validatedBucket, operationKey(place.dataset, report.id, 'report.json')];
  const Body = JSON.stringify(report, null, 1);
  const { VersionId } = await place.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: 'application/json' }));
  return { bucket, key, versionId: VersionId };
}
