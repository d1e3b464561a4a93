import type { KinesisStreamEvent } from 'aws-lambda';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { Checkpoints } from '../../../runtime/stream-landing/checkpoints';
import { makeHandler } from '../../../runtime/stream-landing/handler';
import { FakeDynamoDb } from '../../support/fake-dynamodb';
import { FakeS3 } from '../../support/fake-s3';
import { SIMPLE } from '../intake/simple-files';
import { BUCKETS, TABLE } from '../intake/world';

export const STREAM = 'simple-stream';

export interface Sent {
  shard: string;
  sequence: string;
  bytes: Buffer;
}

/** A step of a delivery, before or after it takes effect. */
export type Moment = `${'before' | 'after'} ${'GetCommand' | 'PutObjectCommand' | 'HeadObjectCommand' | 'TransactWriteCommand'}`;

/** What happens to a delivery when it comes to a moment. A crash is a failed call; a stall goes on when it is told to. */
export type Plan = (moment: Moment) => Promise<void> | void;

export const eventOf = (records: readonly Sent[]): KinesisStreamEvent => ({
  Records: records.map(({ shard, sequence, bytes }) => ({
    awsRegion: 'eu-central-1',
    eventID: `${shard}:${sequence}`,
    eventName: 'aws:kinesis:record',
    eventSource: 'aws:kinesis',
    eventSourceARN: `arn:aws:kinesis:eu-central-1:111122223333:stream/${STREAM}`,
    eventVersion: '1.0',
    invokeIdentityArn: 'arn:aws:iam::111122223333:role/lambda',
    kinesis: {
      approximateArrivalTimestamp: 1772358000.5,
      data: bytes.toString('base64'),
      kinesisSchemaVersion: '1.0',
      partitionKey: 'p',
      sequenceNumber: sequence,
    },
  })),
});

/** A stream, its storage, and deliveries that are handled with a plan each. */
export class Landing {
  readonly s3 = new FakeS3();
  readonly db = new FakeDynamoDb();
  readonly measured: number[] = [];
  private clock = 0;

  constructor(private readonly contract: CompiledContract = { ...SIMPLE, format: 'jsonl' }) {}

  async deliver(records: readonly Sent[], plan: Plan = () => undefined): Promise<void> {
    const handle = makeHandler({
      s3: watched(this.s3.client, plan),
      checkpoints: new Checkpoints(watched(this.db.client, plan), TABLE, () => new Date(1772358000000 + ++this.clock)),
      rawBucket: BUCKETS.raw,
      contract: () => Promise.resolve(this.contract),
      measure: (_, value) => this.measured.push(value),
      logger: { info: () => undefined },
    });
    await handle(eventOf(records));
  }

  rows() {
    return this.db.items<{
      pk: string;
      key: string;
      versionId: string;
      state: string;
      receivedAt: string;
      batch?: Record<string, unknown>;
    }>(TABLE);
  }
}

function watched<T extends { send: (command: never) => Promise<unknown> }>(client: T, plan: Plan): T {
  const send = async (command: object) => {
    await plan(`before ${command.constructor.name}` as Moment);
    const answer = await client.send(command as never);
    await plan(`after ${command.constructor.name}` as Moment);
    return answer;
  };
  return { send } as unknown as T;
}
