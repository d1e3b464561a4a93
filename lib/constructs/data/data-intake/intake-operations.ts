import { Duration, Size } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { acknowledgeResource, withoutPolicyFindings } from '../../shared/acknowledgements';
import { handlerFunction } from '../../shared/handler-function';
import { physicalName } from '../../shared/names';
import { operationMachine } from '../../shared/operation-machine';
import { DATA_ENV, OPERATIONS_FOLDER } from '../contract';
import { INTAKE_SCRATCH_MEBIBYTES, SPLIT_SCRATCH_MEBIBYTES } from './contract';
import { allow, allowRead, allowWrite } from '../grants';
import { IntakeParts, judgingEnvironment } from './data-intake-functions';
import { grantParts, rangeBytesOf } from './data-intake-splitting';

/** The machine by which a person lets the intake do something. `splitAbove`: larger files are judged in ranges; absent when none are. @internal */
export function createOperations(parts: IntakeParts, deadLetterQueue: IQueue, splitAbove: Size | undefined): StateMachine {
  const { scope, intakeName, contract } = parts;
  return operationMachine(scope, 'Operations', 'OperationStates', {
    stateMachineName: physicalName([intakeName, 'operations'], 80),
    comment: `What a person lets the intake of ${contract.dataset} do`,
    steps: createSteps(parts, deadLetterQueue, splitAbove),
  });
}

function createSteps(parts: IntakeParts, deadLetterQueue: IQueue, splitAbove: Size | undefined): Lambda {
  const { scope, zones, contract, queue } = parts;
  const steps = handlerFunction(scope, 'OperationSteps', {
    handler: 'intake-operations',
    description: `Steps of what a person lets the intake of ${contract.dataset} do`,
    timeout: Duration.minutes(15),
    // One whole processor, as the validator has.
    memory: Size.mebibytes(1769),
    ephemeralStorage: Size.mebibytes(splitAbove === undefined ? INTAKE_SCRATCH_MEBIBYTES : SPLIT_SCRATCH_MEBIBYTES),
    environment: {
      ...judgingEnvironment(parts),
      [DATA_ENV.dataset]: contract.dataset,
      [DATA_ENV.rawBucket]: zones.raw.bucketName,
      [DATA_ENV.queueUrl]: queue.queueUrl,
      [DATA_ENV.deadLetterUrl]: deadLetterQueue.queueUrl,
      ...(splitAbove === undefined
        ? {}
        : { [DATA_ENV.splitAbove]: String(splitAbove.toBytes()), [DATA_ENV.rangeBytes]: String(rangeBytesOf(splitAbove)) }),
    },
  });
  grantSteps(parts, deadLetterQueue, steps);
  if (splitAbove !== undefined) {
    grantParts(parts, steps);
  }
  withoutPolicyFindings(steps);
  return steps;
}

function grantSteps({ zones, contract, contractFile, ledger, queue }: IntakeParts, deadLetterQueue: IQueue, steps: Lambda): void {
  const { raw, validated, quarantine } = zones;
  const [objects, attempts, reports, records] = ['*', '*/attempt=*', `${OPERATIONS_FOLDER}/*`, '*/commit.json'].map(
    (rest) => `${contract.dataset}/${rest}`,
  );
  allow(
    steps,
    ['Scan', 'GetItem', 'PutItem', 'UpdateItem'].map((action) => `dynamodb:${action}`),
    ledger.tableArn,
  );
  allow(steps, ['sqs:SendMessage'], queue.queueArn);
  allow(
    steps,
    ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'].map((action) => `sqs:${action}`),
    deadLetterQueue.queueArn,
  );
  allow(steps, ['s3:GetObject'], contractFile.bucket.arnForObjects(contractFile.s3ObjectKey));
  // Whoever may not list a bucket is told 403 instead of 404 for an object that is gone
  // (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html); a condition on the prefix does not hold for that question.
  allow(steps, ['s3:ListBucket', 's3:ListBucketVersions'], raw.bucketArn, quarantine.bucketArn);
  const listing = { StringEquals: { 's3:prefix': `${contract.dataset}/` } };
  steps.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [validated.bucketArn], conditions: listing }));
  allowRead(steps, raw, objects);
  allowRead(steps, validated, records);
  allowRead(steps, quarantine, attempts);
  allowWrite(steps, validated, attempts, reports);
  allowWrite(steps, quarantine, attempts);
  for (const arn of [raw.arnForObjects(objects), ...[validated, quarantine].map((bucket) => bucket.arnForObjects(attempts))]) {
    acknowledgeResource(steps, arn, 'senders choose the keys of files; the wildcards stay below the dataset');
  }
  acknowledgeResource(steps, validated.arnForObjects(records), 'a commit record lies beside the outputs of each attempt');
  acknowledgeResource(steps, validated.arnForObjects(reports), 'each execution has a folder of its own');
}
