import { tmpdir } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { ChangeMessageVisibilityCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { DATA_ENV, DATA_METRICS, Freeze, FREEZE_PAUSE_SECONDS, isFrozen } from '../../lib/constructs/data/contract';
import { INTAKE_SECONDS } from '../../lib/constructs/data/data-intake/contract';
import { attemptFile, AttemptOptions, Outcome } from './attempt';
import { contractReader } from '../shared/contract-file';
import { freezeOf } from '../shared/freeze';
import { metricsFor } from '../shared/telemetry';
import { BUILD, isFolder, parseMessage } from './core';
import { publishFile } from './file-metrics';
import { Ledger } from './ledger';
import { Splitter } from './splitter';

export interface Clients {
  s3: S3Client;
  sqs: Pick<SQSClient, 'send'>;
  dynamo: Pick<DynamoDBDocumentClient, 'send'>;
  machines: Pick<SFNClient, 'send'>;
}

/** What a test may put in the place of real time, and where it may kill an attempt. */
export interface Circumstances {
  now?: () => Date;
  at?: AttemptOptions['at'];
}

export function makeHandler(
  env: NodeJS.ProcessEnv,
  clients: Clients,
  logger: Logger,
  metrics: Metrics,
  { now = () => new Date(), at }: Circumstances = {},
) {
  const ledger = new Ledger(clients.dynamo, env[DATA_ENV.ledger]!, now);
  const contract = contractReader(env, clients.s3);
  const fixed = {
    s3: clients.s3,
    ledger,
    contractHash: env[DATA_ENV.contractHash]!,
    build: BUILD,
    validatedBucket: env[DATA_ENV.validatedBucket]!,
    quarantineBucket: env[DATA_ENV.quarantineBucket]!,
    validatedFormat: env[DATA_ENV.validatedFormat] as AttemptOptions['validatedFormat'],
    scratchFolder: tmpdir(),
    splitter: splitterOf(env, clients),
  };

  const handle = async (record: SQSRecord): Promise<boolean> => {
    const object = parseMessage(record.body);
    if (isFolder(object.key)) {
      return true;
    }
    const freeze = await freezeOf(clients.dynamo, env[DATA_ENV.ledger]!);
    if (isFrozen(freeze, now())) {
      await clients.sqs.send(putBack(record, freeze!, env, now()));
      logger.info('frozen', { freeze: freeze!.freeze, until: freeze!.until, key: object.key });
      return true;
    }
    const outcome = await attemptFile(object, { ...fixed, contract: await contract(), at, receives: receivesOf(record) });
    logger.info('file', { key: object.key, versionId: object.versionId, ...summary(outcome) });
    if (outcome.outcome === 'busy') {
      await clients.sqs.send(waitForLease(record, outcome.until, env, now()));
      return false;
    }
    if (outcome.outcome === 'accounted' || outcome.outcome === 'rejected') {
      publishFile(metrics, outcome.row);
    }
    return true;
  };

  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const batchItemFailures = [];
    for (const record of event.Records) {
      try {
        if (!(await handle(record))) {
          batchItemFailures.push({ itemIdentifier: record.messageId });
        }
      } catch (error) {
        logger.error('a message failed and comes back', { messageId: record.messageId, error: error as Error });
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
    }
    if (metrics.hasStoredMetrics()) {
      metrics.publishStoredMetrics();
    }
    return { batchItemFailures };
  };
}

/**
 * A new copy of the message, after which this one is done: its receives and its time in the queue begin anew, so that no freeze, however long, sends it to
 * the dead letters or lets it expire.
 */
function putBack({ body }: SQSRecord, { until }: Freeze, env: NodeJS.ProcessEnv, now: Date): SendMessageCommand {
  const left = Math.ceil((Date.parse(until) - now.getTime()) / 1000);
  const DelaySeconds = Math.max(0, Math.min(FREEZE_PAUSE_SECONDS, left));
  return new SendMessageCommand({ QueueUrl: env[DATA_ENV.queueUrl], MessageBody: body, DelaySeconds });
}

/** How often a message was received, this time included. */
const receivesOf = ({ attributes }: SQSRecord): number => Number(attributes.ApproximateReceiveCount);

/** Another attempt is at work: the message comes back when its lease has lapsed, not sooner, so that it does not burn its receives. */
function waitForLease({ receiptHandle }: SQSRecord, until: number, env: NodeJS.ProcessEnv, now: Date): ChangeMessageVisibilityCommand {
  return new ChangeMessageVisibilityCommand({
    QueueUrl: env[DATA_ENV.queueUrl],
    ReceiptHandle: receiptHandle,
    VisibilityTimeout: Math.min(INTAKE_SECONDS.visibility, Math.max(5, Math.ceil(until - now.getTime() / 1000) + 5)),
  });
}

/** Undefined when the contract or the format of the outputs does not let files be split. */
function splitterOf(env: NodeJS.ProcessEnv, { s3, machines }: Clients): Splitter | undefined {
  const machineArn = env[DATA_ENV.splitMachine];
  return machineArn === undefined ? undefined : new Splitter(s3, machines, machineArn, Number(env[DATA_ENV.splitAbove]));
}

function summary(outcome: Outcome): object {
  if (!('row' in outcome)) {
    return outcome;
  }
  const { counts, reason, duplicateOf, supersededBy, attempts } = outcome.row;
  return { outcome: outcome.outcome, counts, reason, duplicateOf, supersededBy, attempts };
}

let handle: ReturnType<typeof makeHandler> | undefined;

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> => {
  handle ??= makeHandler(
    process.env,
    {
      s3: new S3Client({}),
      sqs: new SQSClient({}),
      dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
      machines: new SFNClient({}),
    },
    new Logger({ serviceName: 'intake' }),
    metricsFor({ [DATA_METRICS.dimension]: process.env[DATA_ENV.intake]! }),
  );
  return handle(event);
};
