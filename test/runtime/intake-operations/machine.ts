import { tmpdir } from 'node:os';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { IntakeRequest } from '../../../runtime/intake-operations/core';
import { makeHandler, OperationsDependencies } from '../../../runtime/intake-operations/handler';
import type { Begun, Outcome } from '../../../runtime/operation/steps';
import type { ObjectVersion } from '../../../runtime/intake/core';
import { FakeQueues } from '../../support/fake-queues';
import { audit } from '../intake/audit';
import { column } from '../intake/contracts';
import { SIMPLE } from '../intake/simple-files';
import { BUCKETS, Killed, TABLE, World } from '../intake/world';

export const QUEUES = { intake: 'https://sqs/intake', dead: 'https://sqs/dead' } as const;

const amount = (over: Parameters<typeof column>[2], type: Parameters<typeof column>[1] = 'integer'): CompiledContract => ({
  ...SIMPLE,
  columns: [SIMPLE.columns[0], column('amount', type, { required: true, ...over })],
});

interface Known {
  contract: CompiledContract;
  isGood: (line: string) => boolean;
  written?: (line: string) => string;
}

/** Contracts of files with two columns, by the hash that tests give them, and what keeps them and becomes of it, said once more. */
export const CONTRACTS: Record<string, Known> = {
  strict: { contract: SIMPLE, isGood: (line) => /,\d+$/.test(line) },
  loose: { contract: amount({}, 'string'), isGood: () => true },
  tight: { contract: amount({ maximum: 3 }), isGood: (line) => /,[0-3]$/.test(line) },
  other: { contract: amount({ pattern: '^(bad|[0-2])$' }, 'string'), isGood: (line) => /,(bad|[0-2])$/.test(line) },
  /** The next minor version of the strict one: with a column that needs no value, between the two others. */
  wider: {
    contract: { ...SIMPLE, version: '1.1.0', columns: [SIMPLE.columns[0], column('note', 'integer'), SIMPLE.columns[1]] },
    isGood: (line) => /,\d+$/.test(line),
    written: (line) => line.replace(',', ',,'),
  },
};

/** Steps that AWS Step Functions tries again, as the machine says it. */
const ATTEMPTS = 6;

/** A world with an intake, its queues and its machine of operations. */
export class Arena extends World {
  readonly queues = new FakeQueues(() => this.at);
  deployed = 'strict';
  /** How often a step died and was tried again. */
  deaths = 0;
  private counter = 0;

  constructor(contract = SIMPLE) {
    super(contract);
  }

  /** The intake takes a file, with the contract that is deployed. */
  take(object: ObjectVersion) {
    return this.attempt(object, { contract: CONTRACTS[this.deployed].contract, contractHash: this.deployed });
  }

  deps(over: Partial<OperationsDependencies> = {}): OperationsDependencies {
    return {
      ...{ dataset: this.contract.dataset, ledger: TABLE, queueUrl: QUEUES.intake, deadLetterUrl: QUEUES.dead },
      ...{ rawBucket: BUCKETS.raw, validatedBucket: BUCKETS.validated, quarantineBucket: BUCKETS.quarantine },
      contractHash: this.deployed,
      build: 'test',
      contract: () => Promise.resolve(CONTRACTS[this.deployed].contract),
      ...{ s3: this.s3.client, sqs: this.queues.client, dynamo: this.db.client, scratchFolder: tmpdir() },
      now: () => this.at,
      pause: () => Promise.resolve(),
      ...over,
    };
  }

  /** The machine: what it does with a step that dies, and that a refusal is final. Errors: an execution that fails. `remaining`: time of each step. */
  async operate(input: Record<string, unknown>, over: Partial<OperationsDependencies> = {}, remaining?: () => number): Promise<Outcome> {
    const id = `run-${++this.counter}`;
    const step = makeHandler(this.deps(over));
    const asked = { dryRun: false, reason: 'test', requestedBy: 'anna', ...input };
    const begun = (await this.tried(() => step({ action: 'Begin', id, input: asked }, remaining))) as Begun<IntakeRequest>;
    let error: { Error: string; Cause: string } | undefined;
    try {
      for (let done = begun.run.request.dryRun; !done;) {
        ({ done } = (await this.tried(() => step({ action: 'Work', begun }, remaining))) as { done: boolean });
      }
    } catch (failure) {
      error = { Error: (failure as Error).name, Cause: (failure as Error).message };
    }
    const outcome = (await this.tried(() => step({ action: 'Report', begun, error }, remaining))) as Outcome;
    if (outcome.error !== undefined) {
      throw new Error(outcome.error);
    }
    return outcome;
  }

  private async tried<T>(step: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await Promise.race([step(), this.killing()]);
      } catch (error) {
        if ((error as Error).name === 'OperationRefused' || attempt === ATTEMPTS) {
          throw error;
        }
        this.deaths++;
      }
    }
  }

  private kill: (error: Error) => void = () => undefined;

  private killing(): Promise<never> {
    return new Promise<never>((_, reject) => (this.kill = reject));
  }

  /** Ends the process of the step at this point, whose caller never goes on. */
  die(): Promise<never> {
    this.kill(new Killed('a process ended'));
    return new Promise<never>(() => undefined);
  }

  /** Takes what lies in the intake's queue, as its validator does. */
  async drain(): Promise<void> {
    for (const body of this.queues.bodies(QUEUES.intake)) {
      const { detail } = JSON.parse(body) as { detail: { object: { key: string; 'version-id': string; sequencer: string } } };
      const { key, sequencer, 'version-id': versionId } = detail.object;
      await this.take({ bucket: BUCKETS.raw, key, versionId, sequencer });
    }
    this.queues.queues.set(QUEUES.intake, []);
  }

  /** What the independent audit finds, each file held against the contract that its row names. */
  problems(): string[] {
    const known = (contract: string) => CONTRACTS[contract] ?? CONTRACTS.strict;
    const isGood = (line: string, contract: string) => known(contract).isGood(line);
    const written = (line: string, contract: string) => known(contract).written?.(line) ?? line;
    return audit({ objects: this.s3.versions, items: this.db.items(TABLE), header: 'id,amount', isGood, written });
  }

  report(outcome: Outcome): Record<string, unknown> {
    return JSON.parse(this.s3.versions.find(({ versionId }) => versionId === outcome.report.versionId)!.bytes.toString());
  }

  /** Every entry that the report of an execution names. */
  entries({ report, parts }: Outcome): Record<string, unknown>[] {
    const folder = report.key.replace('report.json', '');
    return Array.from({ length: parts }, (_, i) => `${folder}part-${String(i + 1).padStart(4, '0')}.jsonl`)
      .map((name) => this.s3.current(BUCKETS.validated).find(({ key }) => key === name)!)
      .flatMap(({ bytes }) =>
        bytes
          .toString()
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      );
  }
}

/** The message that Amazon EventBridge sends for an object version. */
export function messageOf({ bucket, key, versionId, sequencer }: ObjectVersion): string {
  return JSON.stringify({ detail: { bucket: { name: bucket }, object: { key, 'version-id': versionId, sequencer } } });
}
