import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, LEDGER } from '../../lib/constructs/data/contract';
import { objectKey } from '../intake/core';
import type { BatchRange } from '../intake/file-row';

/** An object of the raw zone that holds a range of a shard. */
export interface Landed {
  key: string;
  versionId: string;
  range: BatchRange;
}

/** How far each shard has been landed: one row of the ledger per shard, which moves forward only. */
export class Checkpoints {
  constructor(
    private readonly client: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly table: string,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Sequence number of the last record that was landed; undefined before the first. */
  public async end(stream: string, shard: string): Promise<string | undefined> {
    const { Item } = await this.client.send(
      new GetCommand({ TableName: this.table, Key: { pk: shardKey(stream, shard) }, ConsistentRead: true }),
    );
    return Item?.lastSequence as string | undefined;
  }

  /**
   * Enters a landed object and moves the checkpoint from `from` to its end, both or neither: so the row of an object is received before that of
   * the next one, which is what tells newer records from older ones. Returns where the checkpoint is: further on when somebody else was there
   * before, in which case that one entered the object too.
   */
  public async advance(from: string | undefined, { key, versionId, range }: Landed): Promise<string | undefined> {
    const { stream, shard, last } = range;
    const condition =
      from === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)', ExpressionAttributeValues: { ':last': last } }
        : { ConditionExpression: 'lastSequence = :from', ExpressionAttributeValues: { ':last': last, ':from': from } };
    const move = { Key: { pk: shardKey(stream, shard) }, UpdateExpression: 'SET lastSequence = :last', ...condition };
    try {
      const TransactItems = [this.entry(key, versionId, range), move].map((Update) => ({ Update: { TableName: this.table, ...Update } }));
      await this.client.send(new TransactWriteCommand({ TransactItems }));
      return last;
    } catch (error) {
      const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
      if (!reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
        throw error;
      }
      return this.end(stream, shard);
    }
  }

  /** The row of the object, which its event may have made before. Its key is written once, so there is no order of versions to keep. */
  private entry(key: string, versionId: string, range: BatchRange) {
    const made = { key, versionId, sequencer: '', state: FILE_STATE.received, receivedAt: this.now().toISOString() };
    const names = Object.keys(made);
    return {
      Key: { pk: objectKey({ key, versionId }) },
      UpdateExpression: `SET #batch = :batch, ${names.map((name) => `#${name} = if_not_exists(#${name}, :${name})`).join(', ')}`,
      ExpressionAttributeNames: { '#batch': 'batch', ...Object.fromEntries(names.map((name) => [`#${name}`, name])) },
      ExpressionAttributeValues: {
        ':batch': range,
        ...Object.fromEntries(Object.entries(made).map(([name, value]) => [`:${name}`, value])),
      },
    };
  }
}

const shardKey = (stream: string, shard: string): string => `${LEDGER.shard}${stream}#${shard}`;
