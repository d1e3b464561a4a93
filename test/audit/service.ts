import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { SQSRecord } from 'aws-lambda';
import { DATA_ENV, DATA_METRIC } from '../../lib/constructs/data/contract';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { INTAKE_SECONDS } from '../../lib/constructs/data/data-intake/contract';
import { Checkpoint } from '../../runtime/intake/attempt';
import { makeHandler } from '../../runtime/intake/handler';
import { Ledger } from '../../runtime/intake/ledger';
import { contextOf, SplitOptions } from '../../runtime/intake-split/context';
import type { SplitFile } from '../../runtime/intake-split/plan';
import { makeHandler as makeJanitor } from '../../runtime/intake-janitor/handler';
import { makeHandler as makeRecorder } from '../../runtime/ledger-events/handler';
import { execute } from '../runtime/intake-split/machine';
import { FakeDynamoDb } from '../support/fake-dynamodb';
import { FakeS3, StoredVersion } from '../support/fake-s3';
import { FakeBus, streamOf } from '../support/stream-records';

export const TABLE = 'ledger';
export const START = new Date('2026-03-01T00:00:00.000Z');

/** Limits of the deployed queue. */
const VISIBILITY = 720;
const RECEIVES = 5;

interface Message {
  id: string;
  body: string;
  visibleAt: number;
  receives: number;
}

/** Called at each checkpoint of an attempt; the attempt goes on when it has returned. */
export type At = (checkpoint: Checkpoint) => void | Promise<void>;

const quiet = new Logger({ logLevel: 'SILENT' });

/**
 * The intake as it is deployed: the functions themselves, on a storage, a table, a queue with its dead letters, a stream and a bus in memory,
 * with a clock that the run moves.
 */
export class Service {
  readonly s3 = new FakeS3();
  readonly db = new FakeDynamoDb();
  readonly bus = new FakeBus();
  readonly messages: Message[] = [];
  readonly deadLetters: Message[] = [];
  /** Executions that were started and nobody has run yet. */
  readonly started: SplitFile[] = [];
  now = START.getTime();
  /** What the contract lets a file take until it is reported. */
  latencySeconds: number = INTAKE_SECONDS.latency;
  /** Files that the janitor reported when it ran last. */
  unaccounted = 0;
  /** When each change of the table happened, epoch milliseconds. */
  readonly changedAt: number[] = [];
  private announced = 0;
  private counter = 0;
  private readonly env: Record<string, string> = {
    [DATA_ENV.contractBucket]: 'assets',
    [DATA_ENV.contractKey]: 'contract.json',
    [DATA_ENV.ledger]: TABLE,
    [DATA_ENV.validatedBucket]: 'validated',
    [DATA_ENV.quarantineBucket]: 'quarantine',
    [DATA_ENV.queueUrl]: 'queue',
    [DATA_ENV.splitMachine]: 'machine',
  };

  /** `splitAbove`: larger files are split. Bytes. */
  constructor(
    private readonly contract: CompiledContract,
    private readonly splitAbove: number,
  ) {
    const json = JSON.stringify(contract);
    this.s3.put('assets', 'contract.json', json);
    this.env[DATA_ENV.splitAbove] = String(splitAbove);
    this.env[DATA_ENV.contractHash] = createHash('sha256').update(json).digest('hex');
    this.s3.now = () => new Date(this.now);
  }

  /** Stores a file in the raw zone; its event comes after `delay` seconds, or never. */
  arrive(key: string, bytes: Buffer, delay: number | undefined): StoredVersion {
    const version = this.s3.put('raw', key, bytes);
    if (delay !== undefined) {
      this.send(eventOf(version), delay);
    }
    return version;
  }

  send(body: string, delay = 0): void {
    this.messages.push({ id: `m${++this.counter}`, body, visibleAt: this.now + delay * 1000, receives: 0 });
  }

  /** Messages that a function may get now. */
  visible(): Message[] {
    return this.messages.filter(({ visibleAt }) => visibleAt <= this.now);
  }

  /** One invocation with one message. `crashed`: the function died, so that nobody deleted the message or said that it failed. */
  async invoke(message: Message, at: At, crashed: Promise<void>): Promise<void> {
    if (message.receives === RECEIVES) {
      this.messages.splice(this.messages.indexOf(message), 1);
      this.deadLetters.push(message);
      return;
    }
    message.receives++;
    message.visibleAt = this.now + VISIBILITY * 1000;
    const attributes = { ApproximateReceiveCount: String(message.receives) } as SQSRecord['attributes'];
    const record = { messageId: message.id, receiptHandle: message.id, body: message.body, attributes } as SQSRecord;
    const handle = makeHandler(this.env, this.clients(), quiet, noMetrics, { now: () => new Date(this.now), at });
    const answer = await Promise.race([handle({ Records: [record] }), crashed]);
    if (answer !== undefined && answer.batchItemFailures.length === 0) {
      this.messages.splice(this.messages.indexOf(message), 1);
    }
  }

  /** One execution of the state machine that splits a file; a step that fails is tried once more. */
  async execute(file: SplitFile, backwards: boolean, at: SplitOptions['at']): Promise<void> {
    const context = contextOf({
      s3: this.s3.client,
      ledger: new Ledger(this.db.client, TABLE, () => new Date(this.now)),
      contract: this.contract,
      contractHash: this.env[DATA_ENV.contractHash],
      build: 'audit',
      validatedBucket: 'validated',
      quarantineBucket: 'quarantine',
      scratchFolder: tmpdir(),
      rangeBytes: Math.ceil(this.splitAbove / 3),
      at,
    });
    await execute(context, file, { backwards, retry: true });
  }

  /** What an operator does with the dead letters: they go back to the queue, except those that name no file. */
  redrive(): void {
    const files = this.deadLetters.filter(({ body }) => isEvent(body));
    files.forEach((message) => {
      this.deadLetters.splice(this.deadLetters.indexOf(message), 1);
      this.send(message.body);
    });
  }

  /** Delivers the next changes of the table to the recorder; what it does not acknowledge is delivered again. */
  async follow(batch: number): Promise<void> {
    this.noteChanges();
    const records = streamOf(this.db, TABLE).slice(this.announced, this.announced + batch);
    const run = makeRecorder({
      dataset: this.contract.dataset,
      validatedBucket: 'validated',
      bus: 'bus',
      events: this.bus.client,
      s3: this.s3.client,
      logger: quiet,
    });
    const { batchItemFailures } = await run({ Records: records });
    const failed = records.findIndex(({ dynamodb }) => dynamodb!.SequenceNumber === batchItemFailures[0]?.itemIdentifier);
    this.announced += failed < 0 ? records.length : failed;
  }

  /** What the stream does when it did not hear that the last changes were followed. */
  unfollow(): void {
    this.announced = Math.max(0, this.announced - 3);
  }

  /** Changes of the table that the recorder has not followed yet. */
  get behind(): number {
    return this.db.changes.length - this.announced;
  }

  async clean(): Promise<void> {
    await makeJanitor({
      dataset: this.contract.dataset,
      ledger: TABLE,
      rawBucket: 'raw',
      validatedBucket: 'validated',
      quarantineBucket: 'quarantine',
      queueUrl: 'queue',
      deadLetterUrl: 'dead letters',
      s3: this.s3.client,
      sqs: this.clients().sqs,
      dynamo: this.db.client,
      measure: (name, value) => void (name === DATA_METRIC.filesUnaccounted && (this.unaccounted = value)),
      latencySeconds: this.latencySeconds,
      logger: quiet,
      ledgerMade: () => Promise.resolve(START),
      now: () => new Date(this.now),
    })();
  }

  /** Remembers when what happened to the table happened. */
  noteChanges(): void {
    while (this.changedAt.length < this.db.changes.length) {
      this.changedAt.push(this.now);
    }
  }

  private clients() {
    const send = ({ input }: { input: { QueueUrl: string; MessageBody?: string; ReceiptHandle?: string; VisibilityTimeout?: number } }) => {
      if (input.MessageBody !== undefined) {
        this.send(input.MessageBody);
        if (input.QueueUrl === 'dead letters') {
          this.deadLetters.push(this.messages.pop()!);
        }
      }
      const waiting = this.messages.find(({ id }) => id === input.ReceiptHandle);
      if (waiting !== undefined) {
        waiting.visibleAt = this.now + input.VisibilityTimeout! * 1000;
      }
      return Promise.resolve({ Attributes: { ApproximateNumberOfMessages: String(this.visible().length) } });
    };
    const start = ({ input }: { input: { input: string } }) => Promise.resolve(this.started.push(JSON.parse(input.input) as SplitFile));
    return { s3: this.s3.client, dynamo: this.db.client, sqs: { send: send as never }, machines: { send: start as never } };
  }
}

const noMetrics = { addMetric: () => undefined, hasStoredMetrics: () => false } as unknown as Metrics;

/** The event that Amazon S3 sends for a version. */
export function eventOf({ bucket, key, versionId, sequencer }: StoredVersion): string {
  return JSON.stringify({ detail: { bucket: { name: bucket }, object: { key, 'version-id': versionId, sequencer } } });
}

function isEvent(body: string): boolean {
  try {
    return (JSON.parse(body) as { detail?: unknown }).detail !== undefined;
  } catch {
    return false;
  }
}
