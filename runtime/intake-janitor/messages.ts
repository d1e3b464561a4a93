import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE } from '../../lib/constructs/data/contract';
import { objectKey } from '../intake/core';
import type { FileRow } from '../intake/file-row';
import { dueOf, ListedVersion, rowKey, Rows, Times } from './lateness';

export interface MessagesOptions {
  ledger: string;
  rawBucket: string;
  queueUrl: string;
  deadLetterUrl: string;
  sqs: Pick<SQSClient, 'send'>;
  dynamo: Pick<DynamoDBDocumentClient, 'send'>;
  now: () => Date;
}

type Version = Pick<ListedVersion, 'key' | 'versionId'>;

/**
 * Sends late versions again, and hands those that have had their time to a person: their messages go to the dead letters, from which an operation
 * replays them. Returns how many of each. `sequencerOf`: what its event would have said.
 */
export async function sendLate(
  late: readonly ListedVersion[],
  rows: Rows,
  times: Times,
  sequencerOf: (version: ListedVersion) => string,
  options: MessagesOptions,
): Promise<{ resubmitted: number; deadLettered: number }> {
  const done = { resubmitted: 0, deadLettered: 0 };
  let waiting: boolean | undefined;
  for (const version of late) {
    const row = rows.get(rowKey(version));
    const due = dueOf(version, row, times);
    if (due === 'resubmit') {
      await enter(version, sequencerOf(version), { resubmittedAt: seconds(options) }, options);
      await send(options.queueUrl, version, sequencerOf(version), options);
      done.resubmitted++;
    } else if (due === 'died') {
      await enter(version, sequencerOf(version), { deadLetteredAt: seconds(options) }, options);
    } else if (due === 'bury') {
      // One that nobody has received may stand in a long queue: that is another alarm, and no fault of the file.
      waiting ??= await isWaiting(options);
      if (row?.attempts !== undefined || !waiting) {
        await send(options.deadLetterUrl, version, sequencerOf(version), options);
        await enter(version, sequencerOf(version), { deadLetteredAt: seconds(options) }, options);
        done.deadLettered++;
      }
    }
  }
  return done;
}

/** Sends the message that Amazon EventBridge would have sent. */
export async function resubmit({ key, versionId, sequencer }: FileRow, options: MessagesOptions): Promise<void> {
  await send(options.queueUrl, { key, versionId }, sequencer, options);
}

const seconds = ({ now }: MessagesOptions) => now().getTime() / 1000;

/** Enters in the ledger what was done with a version, also when nothing was known of it. */
async function enter(version: Version, sequencer: string, done: Partial<FileRow>, options: MessagesOptions): Promise<void> {
  const { dynamo, ledger: TableName, now } = options;
  const { key, versionId } = version;
  const pk = objectKey(version);
  const Item = { pk, key, versionId, sequencer, state: FILE_STATE.received, receivedAt: now().toISOString(), ...done };
  try {
    await dynamo.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' }));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
    const [[name, value]] = Object.entries(done);
    const update = { UpdateExpression: `SET ${name} = :value`, ExpressionAttributeValues: { ':value': value as unknown } };
    await dynamo.send(new UpdateCommand({ TableName, Key: { pk }, ...update }));
  }
}

async function send(QueueUrl: string, { key, versionId }: Version, sequencer: string, { sqs, rawBucket }: MessagesOptions): Promise<void> {
  const detail = { bucket: { name: rawBucket }, object: { key, 'version-id': versionId, sequencer } };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ detail }) }));
}

/** Whether messages wait for a validator; those that one has are not counted. */
async function isWaiting({ sqs, queueUrl: QueueUrl }: MessagesOptions): Promise<boolean> {
  const name = 'ApproximateNumberOfMessages';
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
  return Number(Attributes?.[name] ?? 0) > 0;
}
