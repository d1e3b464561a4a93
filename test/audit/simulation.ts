import type { Checkpoint } from '../../runtime/intake/attempt';
import type { SplitCheckpoint } from '../../runtime/intake-split/context';
import type { FileRow } from '../../runtime/intake/file-row';
import { isFinal } from '../../runtime/shared/ledger-rows';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { DynamoDbFailure } from '../support/fake-dynamodb';
import { S3Failure } from '../support/fake-s3';
import { randomOf, SentFile } from './files';
import { At, eventOf, Service, TABLE } from './service';

/** Where an attempt dies, and where the recorder does; each is counted. */
export const CRASHES = {
  leased: 'after lease',
  'mid-stream': 'mid-stream',
  'valid uploaded': 'after valid and before quarantine upload',
  'both uploaded': 'after both and before commit',
  committed: 'after commit and before message delete',
} as const satisfies Partial<Record<Checkpoint, string>>;
export const BEFORE_MERGE = 'between range and merge' satisfies SplitCheckpoint;
export const BEFORE_EVENT = 'after delete and before event';
type Crash = keyof typeof CRASHES;
const BEFORE_COMMIT: Crash[] = ['leased', 'mid-stream', 'valid uploaded', 'both uploaded'];

/** Share of calls of storage and table that fail, before they take effect or after. */
const FAILING = 0.01;
const JANITOR_SECONDS = 300;
/** Executions of each split version that die before they merge. */
const EXECUTIONS_DYING = 4;
const LONGEST_HOURS = 96;

/**
 * Sends files through the service while everything that can break does: each version's attempts die at every point in turn, sleep through
 * their lease and wake up later, meet throttling and lost answers; events come late, twice, out of order or never; messages that name no file
 * are among them. Then the faults end, and the run goes on until nothing moves any more.
 */
export class Simulation {
  readonly hits = new Map<string, number>([...Object.values(CRASHES), BEFORE_MERGE, BEFORE_EVENT].map((name) => [name, 0]));
  private readonly random: () => number;
  /** What is still to happen to each version, by version id. */
  private readonly crashes = new Map<string, Crash[]>();
  /** How often an execution of each split version has died. */
  private readonly executionsDied = new Map<string, number>();
  /** Rows over which the recorder has died. */
  private readonly died = new Set<string>();
  private readonly asleep: { at: number; wake: () => void }[] = [];
  private faulty = true;
  private cleanedAt: number;

  constructor(
    readonly service: Service,
    private readonly files: readonly SentFile[],
    seed: string,
    private readonly progress: (text: string) => void = () => undefined,
  ) {
    this.random = randomOf(seed);
    this.cleanedAt = service.now;
    const broken = () => this.faulty && this.random() < FAILING;
    const { db, s3 } = service;
    db.before = () => {
      if (broken()) {
        throw new DynamoDbFailure(this.pick(['ThrottlingException', 'ProvisionedThroughputExceededException', 'InternalServerError']));
      }
    };
    db.after = () => {
      service.noteChanges();
      if (broken()) {
        throw new Error('the answer of the table is lost');
      }
    };
    s3.before = () => {
      if (broken()) {
        throw new S3Failure(this.pick(['SlowDown', 'InternalError']));
      }
    };
    s3.after = () => {
      if (broken()) {
        throw new Error('the answer of the storage is lost');
      }
    };
    service.bus.refuse = () => (broken() ? 0 : undefined);
  }

  async run(): Promise<void> {
    const waiting = [...this.files];
    const started = this.service.now;
    this.service.send('no event');
    this.service.send(JSON.stringify({ detail: {} }));
    for (let step = 0; waiting.length > 0 || this.moving(); step++) {
      if (this.service.now - started > LONGEST_HOURS * 3_600_000) {
        throw new Error(`NotSettled: after ${LONGEST_HOURS} h ${this.service.messages.length} messages are still on their way`);
      }
      if (waiting.length > 0 && this.random() < 0.5) {
        this.arrive(waiting.shift()!);
      }
      this.faulty = waiting.length > 0 || this.open().some(({ versionId }) => this.crashes.get(versionId)!.length > 0);
      await this.step();
      if (step % 50 === 0) {
        this.progress(
          `${waiting.length} files to send, ${this.service.messages.length} messages, ${this.service.deadLetters.length} dead letters`,
        );
      }
    }
  }

  private moving(): boolean {
    const { service } = this;
    return (
      this.open().length > 0 || service.started.length > 0 || service.messages.length > 0 || service.behind > 0 || this.asleep.length > 0
    );
  }

  /** Versions of files that are not final yet. */
  private open(): { versionId: string }[] {
    const final = new Set(this.service.db.items<FileRow>(TABLE).flatMap((row) => (isFinal(row) ? [row.versionId] : [])));
    return this.service.s3.versions.filter(({ bucket, versionId }) => bucket === 'raw' && !final.has(versionId));
  }

  private arrive({ key, bytes }: SentFile): void {
    const { service } = this;
    const delay = this.random() < 0.05 ? undefined : Math.floor(this.random() * 120);
    const version = service.arrive(key, bytes, delay);
    if (this.random() < 0.25) {
      service.send(eventOf(version), Math.floor(this.random() * 400));
    }
    this.crashes.set(version.versionId, [...this.shuffled(BEFORE_COMMIT), 'committed']);
  }

  /** Up to three invocations at once, then whatever else happens in the meantime. */
  private async step(): Promise<void> {
    const { service } = this;
    const chosen = this.shuffled(service.visible()).slice(0, 1 + Math.floor(this.random() * 3));
    await Promise.all(chosen.map((message) => this.invoke(message)));
    await Promise.all(service.started.splice(0).map((file) => this.execute(file)));
    service.now += 1000 * (chosen.length > 0 ? 1 + Math.floor(this.random() * 10) : 60);
    for (const sleeper of this.asleep.filter(({ at }) => at <= service.now)) {
      this.asleep.splice(this.asleep.indexOf(sleeper), 1);
      sleeper.wake();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await this.follow();
    if (service.now - this.cleanedAt >= JANITOR_SECONDS * 1000) {
      this.cleanedAt = service.now;
      await this.tolerating(service.clean());
      service.redrive();
    }
  }

  private async invoke(message: Parameters<Service['invoke']>[0]): Promise<void> {
    let die = () => undefined as void;
    const crashed = new Promise<void>((resolve) => (die = resolve));
    const versionId = /"version-id":"([^"]+)"/.exec(message.body)?.[1] ?? '';
    const at: At = (checkpoint) => {
      const left = this.crashes.get(versionId) ?? [];
      if (left[0] !== checkpoint) {
        return undefined;
      }
      left.shift();
      this.count(CRASHES[checkpoint as Crash]);
      die();
      return this.sleep(checkpoint === 'leased' ? 0 : 0.3, 1500);
    };
    await this.service.invoke(message, at, crashed);
  }

  /** An execution that dies before its merge, so often for each version, and at times sleeps there through its lease. */
  private async execute(file: Service['started'][number]): Promise<void> {
    const { versionId } = file.object;
    let die = () => undefined as void;
    const crashed = new Promise<void>((resolve) => (die = resolve));
    const at = (checkpoint: SplitCheckpoint) => {
      const died = this.executionsDied.get(versionId) ?? 0;
      if (checkpoint !== BEFORE_MERGE || died === EXECUTIONS_DYING) {
        return undefined;
      }
      this.executionsDied.set(versionId, died + 1);
      this.count(BEFORE_MERGE);
      die();
      return this.sleep(0.3, 3600);
    };
    const backwards = this.random() < 0.5;
    await Promise.race([this.service.execute(file, backwards, at).catch(() => undefined), crashed]);
  }

  private count(where: string): void {
    this.hits.set(where, this.hits.get(where)! + 1);
  }

  /** A promise that never comes true or, with that likelihood, after up to so many seconds. */
  private sleep(likelihood: number, seconds: number): Promise<void> {
    return new Promise<void>((wake) => {
      if (this.random() < likelihood) {
        this.asleep.push({ at: this.service.now + 1000 * Math.floor(100 + this.random() * seconds), wake });
      }
    });
  }

  /**
   * The recorder gets some changes. Of a row that became final it hears when the message is gone, dies once before it has told anybody, and is
   * at times given again what it has told already.
   */
  private async follow(): Promise<void> {
    const { service } = this;
    const next = service.db.changes.slice(service.db.changes.length - service.behind);
    const first = next.findIndex(({ after }) => isFinal(unmarshall(after)) && !this.died.has(after.pk.S!));
    const held = first >= 0 && service.messages.some(({ body }) => body.includes(next[first].after.versionId.S!));
    const dies = first === 0 && !held;
    const most = dies || first < 0 ? next.length : first;
    if (most === 0) {
      return;
    }
    if (dies) {
      this.died.add(next[0].after.pk.S!);
      this.count(BEFORE_EVENT);
      service.bus.refuse = () => {
        throw new Error('the recorder died');
      };
    }
    await this.tolerating(service.follow(Math.min(most, 1 + Math.floor(this.random() * 10))));
    service.bus.refuse = () => (this.faulty && this.random() < FAILING ? 0 : undefined);
    if (this.faulty && this.random() < 0.1) {
      service.unfollow();
    }
  }

  /** An invocation that fails is repeated by its schedule or its stream. */
  private async tolerating(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => {
      if (!this.faulty) {
        throw error;
      }
    });
  }

  private pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.random() * values.length)];
  }

  private shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, order: this.random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}
