import { Duration, Size } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { IEventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledgeResource, withoutPolicyFindings } from '../../shared/acknowledgements';
import { handlerFunction } from '../../shared/handler-function';
import { followChanges } from '../../shared/table-follower';
import { DATA_ENV, reportKey } from '../contract';
import { INTAKE_SCRATCH_MEBIBYTES, INTAKE_SECONDS } from './contract';
import type { DataContract } from '../data-contract/data-contract';
import type { DataZones } from '../data-zones';
import { allow, allowRead, allowWrite } from '../grants';
import { ValidatedFormat } from './validated-format';

/** What the functions of an intake work on. @internal */
export interface IntakeParts {
  readonly scope: Construct;
  readonly intakeName: string;
  readonly zones: DataZones;
  readonly contract: DataContract;
  /** The rules of the contract as a file that functions read. */
  readonly contractFile: Asset;
  readonly ledger: Table;
  readonly queue: Queue;
}

/** @internal */
export interface ValidatorProps {
  readonly maxConcurrency: number;
  readonly memory: Size;
  readonly validatedFormat: ValidatedFormat;
}

/** Judges files: raw object in, validated and quarantined records and one committed row out. @internal */
export function createValidator(parts: IntakeParts, { maxConcurrency, memory, validatedFormat }: ValidatorProps): Lambda {
  const { scope, contract, queue } = parts;
  const validator = handlerFunction(scope, 'Validator', {
    handler: 'intake',
    description: `Validates files of ${contract.dataset} against contract ${contract.version}`,
    timeout: Duration.seconds(INTAKE_SECONDS.functionTimeout),
    memory,
    ephemeralStorage: Size.mebibytes(INTAKE_SCRATCH_MEBIBYTES),
    environment: {
      ...judgingEnvironment(parts),
      [DATA_ENV.queueUrl]: queue.queueUrl,
      ...(validatedFormat === ValidatedFormat.AS_RECEIVED ? {} : { [DATA_ENV.validatedFormat]: validatedFormat }),
    },
  });
  validator.addEventSource(new SqsEventSource(queue, { batchSize: 1, reportBatchItemFailures: true, maxConcurrency }));
  grantJudging(parts, validator);
  // What comes during a freeze is put back as a new message.
  allow(validator, ['sqs:SendMessage'], queue.queueArn);
  withoutPolicyFindings(validator);
  return validator;
}

/** What a function that judges records must know. @internal */
export function judgingEnvironment({ intakeName, zones, contract, contractFile, ledger }: IntakeParts): Record<string, string> {
  return {
    [DATA_ENV.contractBucket]: contractFile.s3BucketName,
    [DATA_ENV.contractKey]: contractFile.s3ObjectKey,
    [DATA_ENV.contractHash]: contract._hash,
    [DATA_ENV.intake]: intakeName,
    [DATA_ENV.ledger]: ledger.tableName,
    [DATA_ENV.validatedBucket]: zones.validated.bucketName,
    [DATA_ENV.quarantineBucket]: zones.quarantine.bucketName,
  };
}

/** Lets a function read raw objects of the dataset, write both outputs and commit. @internal */
export function grantJudging({ zones, contract, contractFile, ledger }: IntakeParts, judge: Lambda): void {
  allow(judge, ['s3:GetObject'], contractFile.bucket.arnForObjects(contractFile.s3ObjectKey));
  // A transaction needs the permission of each of its parts (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
  allow(
    judge,
    ['GetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'].map((action) => `dynamodb:${action}`),
    ledger.tableArn,
  );
  // Whoever may not list a bucket is told 403 instead of 404 for an object that is gone
  // (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html); a condition on the prefix does not hold for that question.
  allow(judge, ['s3:ListBucket', 's3:ListBucketVersions'], zones.raw.bucketArn);
  const objects = `${contract.dataset}/*`;
  allowRead(judge, zones.raw, objects);
  allowWrite(judge, zones.validated, objects);
  allowWrite(judge, zones.quarantine, objects);
  [zones.raw, zones.validated, zones.quarantine].forEach((bucket) =>
    acknowledgeResource(judge, bucket.arnForObjects(objects), 'senders choose the keys of files; the wildcard stays below the dataset'),
  );
}

/** Follows the ledger: leaves commit records and announces what became final. @internal */
export function createRecorder(parts: IntakeParts, lostChanges: IQueue, bus: IEventBus | undefined): Lambda {
  const { scope, zones, contract, ledger } = parts;
  const recorder = handlerFunction(scope, 'Recorder', {
    handler: 'ledger-events',
    description: `Records and announces files of ${contract.dataset} that became final`,
    timeout: Duration.seconds(60),
    memory: Size.mebibytes(256),
    environment: {
      [DATA_ENV.dataset]: contract.dataset,
      [DATA_ENV.validatedBucket]: zones.validated.bucketName,
      ...(bus === undefined ? {} : { [DATA_ENV.eventBus]: bus.eventBusName }),
    },
  });
  followChanges(recorder, ledger, lostChanges);
  const records = `${contract.dataset}/*/commit.json`;
  allowWrite(recorder, zones.validated, records);
  acknowledgeResource(recorder, zones.validated.arnForObjects(records), 'a commit record lies beside the outputs of each attempt');
  const reports = reportKey(contract.dataset, '*');
  allowWrite(recorder, zones.validated, reports);
  acknowledgeResource(recorder, zones.validated.arnForObjects(reports), 'each freeze has a report, below its own name');
  bus?.grantPutEventsTo(recorder);
  withoutPolicyFindings(recorder);
  return recorder;
}

/** How long a file may take until it is reported: what its contract says, else 20 minutes. @internal */
export function latencyOf({ latency }: DataContract): Duration {
  return latency ?? Duration.seconds(INTAKE_SECONDS.latency);
}

/** Makes up for lost events, hands what has had its time to a person, sweeps what nobody committed, measures lateness. @internal */
export function createJanitor(parts: IntakeParts, deadLetterQueue: IQueue): Lambda {
  const { scope, zones, contract, ledger, queue } = parts;
  const janitor = handlerFunction(scope, 'Janitor', {
    handler: 'intake-janitor',
    description: `Compares the raw zone of ${contract.dataset} with its ledger`,
    timeout: Duration.minutes(4),
    memory: Size.mebibytes(1024),
    environment: {
      [DATA_ENV.dataset]: contract.dataset,
      [DATA_ENV.intake]: parts.intakeName,
      [DATA_ENV.ledger]: ledger.tableName,
      [DATA_ENV.latencySeconds]: String(latencyOf(contract).toSeconds()),
      ...(contract.minimumRowsPeriod === undefined ? {} : { [DATA_ENV.throughputHours]: String(contract.minimumRowsPeriod.toHours()) }),
      [DATA_ENV.rawBucket]: zones.raw.bucketName,
      [DATA_ENV.validatedBucket]: zones.validated.bucketName,
      [DATA_ENV.quarantineBucket]: zones.quarantine.bucketName,
      [DATA_ENV.queueUrl]: queue.queueUrl,
      [DATA_ENV.deadLetterUrl]: deadLetterQueue.queueUrl,
    },
  });
  grantJanitor(parts, deadLetterQueue, janitor);
  withoutPolicyFindings(janitor);
  new Rule(scope, 'JanitorSchedule', {
    description: `Compares the raw zone of ${contract.dataset} with its ledger`,
    schedule: Schedule.rate(Duration.seconds(INTAKE_SECONDS.round)),
    targets: [new LambdaFunction(janitor, { retryAttempts: 0 })],
  });
  return janitor;
}

function grantJanitor({ zones, contract, ledger, queue }: IntakeParts, deadLetterQueue: IQueue, janitor: Lambda): void {
  const listing = { StringEquals: { 's3:prefix': `${contract.dataset}/` } };
  const attempts = `${contract.dataset}/*/attempt=*`;
  allow(
    janitor,
    ['Scan', 'GetItem', 'PutItem', 'UpdateItem', 'DescribeTable'].map((action) => `dynamodb:${action}`),
    ledger.tableArn,
  );
  allow(janitor, ['sqs:SendMessage'], queue.queueArn, deadLetterQueue.queueArn);
  allow(janitor, ['sqs:GetQueueAttributes'], queue.queueArn);
  janitor.addToRolePolicy(
    new PolicyStatement({ actions: ['s3:ListBucketVersions'], resources: [zones.raw.bucketArn], conditions: listing }),
  );
  for (const bucket of [zones.validated, zones.quarantine]) {
    janitor.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn], conditions: listing }));
    allow(janitor, ['s3:DeleteObject'], bucket.arnForObjects(attempts));
    acknowledgeResource(janitor, bucket.arnForObjects(attempts), 'attempts have random names; the wildcards stay below the dataset');
  }
}
