import type { KinesisStreamEvent } from 'aws-lambda';
import { envelopeOf } from '../intake/envelope';

/** A record of a stream. */
export interface StreamRecord {
  /** Decimal digits; within a shard a later record has the greater number. */
  sequence: string;
  /** When the stream took it. */
  arrived: Date;
  /** Its bytes with their position, as they are landed: one line without its newline. */
  line: string;
}

/** What AWS Lambda delivers: consecutive records of one shard (https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html). */
export interface Batch {
  stream: string;
  shard: string;
  records: StreamRecord[];
}

/** Errors: an event without records, or with those of several shards. */
export function batchOf({ Records: records }: KinesisStreamEvent): Batch {
  const shards = [...new Set(records.map(({ eventID }) => eventID.split(':')[0]))];
  if (shards.length !== 1) {
    throw new Error(`MixedBatch: an event has records of one shard, this one of ${shards.length}: look at what invoked the function`);
  }
  return {
    stream: records[0].eventSourceARN.split('/')[1],
    shard: shards[0],
    records: records.map(({ eventID, kinesis }) => {
      const arrived = new Date(Math.round(kinesis.approximateArrivalTimestamp * 1000));
      return { sequence: kinesis.sequenceNumber, arrived, line: envelopeOf(eventID, arrived, Buffer.from(kinesis.data, 'base64')) };
    }),
  };
}

/** Whether a record lies behind a position of its shard; undefined is the start of the shard. Numbers have more digits than a double. */
export function isBehind({ sequence }: StreamRecord, position: string | undefined): boolean {
  return position === undefined || BigInt(sequence) > BigInt(position);
}
