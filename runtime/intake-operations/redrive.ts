import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  Message,
  MessageSystemAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { isFolder, objectKey, ObjectVersion, parseMessage } from '../intake/core';
import { isFinal } from '../shared/ledger-rows';
import { Entry, LISTED, operationKey, Plan } from '../operation/core';
import type { IntakeRun } from './core';
import type { RejudgeLedger } from './ledger';
import type { Journal } from '../operation/report';

/** Moments at which a test may kill a step. Production passes nothing. */
export type RedriveCheckpoint = 'sent' | 'parked' | 'written' | 'deleted';

export interface RedriveOptions {
  dataset: string;
  rows: Pick<RejudgeLedger, 'get'>;
  sqs: Pick<SQSClient, 'send'>;
  s3: Pick<S3Client, 'send'>;
  queueUrl: string;
  deadLetterUrl: string;
  /** Bucket of the reports, in which messages are kept that say nothing. */
  validatedBucket: string;
  timeLeft: () => boolean;
  reached?: (checkpoint: RedriveCheckpoint) => void | Promise<void>;
}

/** A message is out of sight this long while it is looked at: longer than a step may take. Seconds. */
const HELD_SECONDS = 960;
/** A plan looks at this many messages; what it says of all is an estimate then. */
const PLANNED = 1000;
/** Answers without a message after which a queue is taken to be empty: one may come while there are some. */
const EMPTY_ANSWERS = 3;
/** Messages that are moved before it is written down and they are deleted. */
const PART = 50;

type Verdict = { object: ObjectVersion; final: boolean } | { unreadable: string };

/**
 * What lies in the dead-letter queue: files to replay, files that are final already, and messages that say nothing. Looking takes no message
 * away: each is put back at once, or comes back by itself.
 */
export async function planRedrive(run: IntakeRun, options: RedriveOptions): Promise<Plan> {
  const totals = { messages: await depthOf(options), replay: 0, final: 0, unreadable: 0 };
  const first: Plan['first'] = [];
  const looked: Message[] = [];
  for await (const message of messages(run, options)) {
    looked.push(message);
    const verdict = await judged(message, options);
    const what = 'unreadable' in verdict ? 'unreadable' : verdict.final ? 'final' : 'replay';
    totals[what]++;
    if (first.length < LISTED) {
      const facts =
        'unreadable' in verdict ? { why: verdict.unreadable } : { key: verdict.object.key, versionId: verdict.object.versionId };
      first.push({ messageId: message.MessageId, what, ...facts });
    }
    if (looked.length === PLANNED || !options.timeLeft()) {
      break;
    }
  }
  await putBack(looked, options);
  return { totals: { ...totals, messages: Math.max(totals.messages, looked.length) }, first };
}

/** Messages that the queue says it has, those included that somebody looks at. */
export async function depthOf({ sqs, deadLetterUrl }: Pick<RedriveOptions, 'sqs' | 'deadLetterUrl'>): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: [...names] }));
  return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

/**
 * Empties the dead-letter queue of what was in it when the run began. A message is deleted when it lies elsewhere and that is written down,
 * never before: sent to the intake, or stored beside the report when nobody can read it. Sent twice it does nothing, because the ledger knows a final file; that is also
 * why the message of a final one is only deleted.
 *
 * Not by `StartMessageMoveTask`: that moves all or nothing, so a message that nobody can read would come back five receives later, again and
 * again (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
 */
export async function workRedrive(run: IntakeRun, journal: Journal, options: RedriveOptions): Promise<void> {
  let [entries, moved]: [Entry[], Message[]] = [[], []];
  const flush = async (done: boolean) => {
    await journal.write(entries, { done });
    await options.reached?.('written');
    for (const { ReceiptHandle } of moved) {
      await options.sqs.send(new DeleteMessageCommand({ QueueUrl: options.deadLetterUrl, ReceiptHandle }));
      await options.reached?.('deleted');
    }
    [entries, moved] = [[], []];
  };
  for await (const message of messages(run, options)) {
    entries.push(await move(message, run, options));
    moved.push(message);
    const over = !options.timeLeft();
    if (over || entries.length === PART) {
      await flush(false);
    }
    if (over) {
      return;
    }
  }
  await flush(true);
}

/** Puts a message where it belongs; what became of it is written down before it leaves the queue. */
async function move(message: Message, run: IntakeRun, options: RedriveOptions): Promise<Entry> {
  const verdict = await judged(message, options);
  const { MessageId: messageId, Body: MessageBody } = message;
  if ('unreadable' in verdict) {
    const parked = await park(message, run, options);
    await options.reached?.('parked');
    return { outcome: 'failed', messageId, why: verdict.unreadable, parked };
  }
  const { key, versionId } = verdict.object;
  if (!verdict.final) {
    await options.sqs.send(new SendMessageCommand({ QueueUrl: options.queueUrl, MessageBody }));
    await options.reached?.('sent');
  }
  return { outcome: verdict.final ? 'final' : 'replayed', messageId, key, versionId };
}

async function judged({ Body = '' }: Message, { rows }: Pick<RedriveOptions, 'rows'>): Promise<Verdict> {
  let object: ObjectVersion;
  try {
    object = parseMessage(Body);
  } catch (error) {
    return { unreadable: error instanceof SyntaxError ? 'its body is no JSON' : (error as Error).message };
  }
  return { object, final: isFolder(object.key) || isFinal(await rows.get(objectKey(object))) };
}

/** Keeps a message that says nothing beside the report, as it came. Returns its key. */
async function park(
  { MessageId, Body, Attributes, MessageAttributes }: Message,
  { id }: IntakeRun,
  options: RedriveOptions,
): Promise<string> {
  const { dataset, s3, validatedBucket } = options;
  const Key = operationKey(dataset, id, `parked/${MessageId}.json`);
  const content = JSON.stringify({ MessageId, Body, Attributes, MessageAttributes });
  await s3.send(new PutObjectCommand({ Bucket: validatedBucket, Key, Body: content, ContentType: 'application/json' }));
  return Key;
}

/** Every message that was sent before the run began, once; those that came since lie until the next run. */
async function* messages({ startedAt }: IntakeRun, options: RedriveOptions): AsyncGenerator<Message> {
  const seen = new Set<string>();
  const others = new Set<Message>();
  const isDue = ({ MessageId, Attributes }: Message) => !seen.has(MessageId!) && sentAt(Attributes) <= Date.parse(startedAt);
  try {
    for (let empty = 0; empty < EMPTY_ANSWERS;) {
      const received = await receive(options);
      const due = received.filter(isDue);
      received.forEach((message) => others.add(message));
      empty = due.length === 0 ? empty + 1 : 0;
      for (const message of due) {
        seen.add(message.MessageId!);
        others.delete(message);
        yield message;
      }
    }
  } finally {
    await putBack([...others], options);
  }
}

const sentAt = (attributes: Message['Attributes']) => Number(attributes?.SentTimestamp ?? 0);

async function receive({ sqs, deadLetterUrl }: RedriveOptions): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: deadLetterUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      VisibilityTimeout: HELD_SECONDS,
      MessageSystemAttributeNames: [MessageSystemAttributeName.All],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

async function putBack(messages: readonly Message[], { sqs, deadLetterUrl: QueueUrl }: RedriveOptions): Promise<void> {
  for (const { ReceiptHandle } of messages) {
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  }
}
