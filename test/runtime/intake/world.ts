import { tmpdir } from 'node:os';
import { DATA_ENV } from '../../../lib/constructs/data/contract';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { attemptFile, AttemptOptions, Checkpoint, Outcome } from '../../../runtime/intake/attempt';
import { ObjectVersion } from '../../../runtime/intake/core';
import type { FileRow } from '../../../runtime/intake/file-row';
import { Ledger } from '../../../runtime/intake/ledger';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { FakeS3, StoredVersion } from '../../support/fake-s3';
import { ORDERS } from './contracts';

export const BUCKETS = { raw: 'raw', validated: 'validated', quarantine: 'quarantine' } as const;
export const TABLE = 'ledger';
/** What an intake's handlers are told of it; the contract's document is yet to be put there. */
export const INTAKE_ENV = {
  [DATA_ENV.contractBucket]: 'contracts',
  [DATA_ENV.contractKey]: 'simple.json',
  [DATA_ENV.contractHash]: 'contract-1',
  [DATA_ENV.ledger]: TABLE,
  [DATA_ENV.validatedBucket]: BUCKETS.validated,
  [DATA_ENV.quarantineBucket]: BUCKETS.quarantine,
} as const;
export const START = new Date('2026-03-01T00:00:00.000Z');

/** An attempt whose process ended: nothing of it runs on. */
export class Killed extends Error {}

/** The data path on one fake storage, one fake table and one clock. */
export class World {
  readonly s3 = new FakeS3();
  readonly db = new FakeDynamoDb();
  readonly ledger: Ledger;
  at = START;

  constructor(
    readonly contract: CompiledContract = ORDERS,
    readonly validatedFormat?: AttemptOptions['validatedFormat'],
  ) {
    this.ledger = new Ledger(
      this.db.client,
      TABLE,
      () => this.at,
      () => Promise.resolve(),
    );
    this.s3.now = () => this.at;
  }

  pass(seconds: number): void {
    this.at = new Date(this.at.getTime() + seconds * 1000);
  }

  /** Stores a file in the raw zone and returns what its event names. */
  send(key: string, bytes: Buffer | string): ObjectVersion {
    return eventOf(this.s3.put(BUCKETS.raw, key, bytes));
  }

  options(over: Partial<AttemptOptions> = {}): AttemptOptions {
    return {
      s3: this.s3.client,
      ledger: this.ledger,
      contract: this.contract,
      contractHash: 'contract-1',
      build: 'test',
      validatedBucket: BUCKETS.validated,
      quarantineBucket: BUCKETS.quarantine,
      validatedFormat: this.validatedFormat,
      scratchFolder: tmpdir(),
      ...over,
    };
  }

  attempt(object: ObjectVersion, over: Partial<AttemptOptions> = {}): Promise<Outcome> {
    return attemptFile(object, this.options(over));
  }

  /** An attempt that ends at a checkpoint with an error, as when a call fails there. */
  async failAt(object: ObjectVersion, checkpoint: Checkpoint): Promise<void> {
    const at = (reached: Checkpoint) => {
      if (reached === checkpoint) {
        throw new Killed(checkpoint);
      }
    };
    await this.attempt(object, { at }).then(
      () => Promise.reject(new Error(`the attempt did not pass '${checkpoint}'`)),
      (error: unknown) => (error instanceof Killed ? undefined : Promise.reject(error as Error)),
    );
  }

  /** An attempt whose process is gone at a checkpoint: no line of it runs after that, not even its clean-up. */
  async killAt(object: ObjectVersion, checkpoint: Checkpoint): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const at = (reached: Checkpoint) => {
        if (reached !== checkpoint) {
          return undefined;
        }
        resolve();
        return new Promise<void>(() => undefined);
      };
      this.attempt(object, { at }).then(() => reject(new Error(`the attempt did not pass '${checkpoint}'`)), reject);
    });
  }

  rows(): FileRow[] {
    return this.db.items<FileRow>(TABLE).filter(({ pk }) => pk.startsWith('object#'));
  }

  row({ key, versionId }: Pick<ObjectVersion, 'key' | 'versionId'>): FileRow {
    return this.rows().find(({ pk }) => pk === `object#${key}#${versionId}`)!;
  }
}

export function eventOf({ bucket, key, versionId, sequencer }: StoredVersion): ObjectVersion {
  return { bucket, key, versionId, sequencer };
}
