import { Duration, Size } from 'aws-cdk-lib';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Choice, Condition, DefinitionBody, Fail, JsonPath, Pass, StateMachine, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { acknowledgeResource, withoutPolicyFindings } from '../../shared/acknowledgements';
import { handlerFunction } from '../../shared/handler-function';
import { physicalName } from '../../shared/names';
import { acknowledgeSteps, tracedMachine } from '../../shared/state-machine';
import { DATA_ENV, OPERATIONS_FOLDER } from '../contract';
import { INTAKE_SCRATCH_MEBIBYTES } from './contract';
import { allow, allowRead, allowWrite } from '../grants';
import { IntakeParts, judgingEnvironment } from './data-intake-functions';

/** Name of the error by which the function says that it will not do what was asked. */
const REFUSED = 'OperationRefused';

/** The machine by which a person lets an intake do something: a dry run unless told otherwise, and a report at the end. @internal */
export function createOperations(parts: IntakeParts, deadLetterQueue: IQueue): StateMachine {
  const { scope, intakeName } = parts;
  const steps = createSteps(parts, deadLetterQueue);
  const machine = tracedMachine(scope, 'Operations', 'OperationsLogs', {
    stateMachineName: physicalName([intakeName, 'operations'], 80),
    comment: `What a person lets the intake of ${parts.contract.dataset} do`,
    definitionBody: operationStates(new Construct(scope, 'OperationStates'), steps),
    timeout: Duration.days(7),
  });
  acknowledgeSteps(machine, steps);
  return machine;
}

/** Begin -> Work until it is done, unless it is a dry run -> Report. What fails leaves a report too; what is refused changed nothing. */
function operationStates(scope: Construct, steps: Lambda): DefinitionBody {
  const begun = JsonPath.objectAt('$.begun');
  const begin = step(scope, 'Begin', steps, { id: JsonPath.stringAt('$$.Execution.Name'), input: JsonPath.objectAt('$.input') }, '$.begun');
  const work = step(scope, 'Work', steps, { begun }, '$.worked');
  const report = step(scope, 'Report', steps, { begun });
  const failure = step(scope, 'ReportFailure', steps, { begun, error: JsonPath.objectAt('$.error') }, '$.reported', 'Report');
  const refused = new Fail(scope, 'Refused', { error: REFUSED, causePath: '$.error.Cause' });
  const failed = new Fail(scope, 'Failed', { errorPath: '$.error.Error', causePath: '$.error.Cause' });
  begin.addCatch(refused, { errors: [REFUSED], resultPath: '$.error' });
  begin.next(new Choice(scope, 'Dry run?').when(Condition.booleanEquals('$.begun.run.request.dryRun', true), report).otherwise(work));
  work.addCatch(failure, { errors: ['States.ALL'], resultPath: '$.error' });
  work.next(new Choice(scope, 'Done?').when(Condition.booleanEquals('$.worked.done', true), report).otherwise(work));
  failure.next(failed);
  const start = new Pass(scope, 'Start', { parameters: { input: JsonPath.objectAt('$') } });
  return DefinitionBody.fromChainable(start.next(begin));
}

/** Every step may be repeated: it is tried again for about two minutes, unless it was refused. */
function step(scope: Construct, id: string, fn: Lambda, payload: object, resultPath?: string, action = id): LambdaInvoke {
  const invoke = new LambdaInvoke(scope, id, {
    lambdaFunction: fn,
    payloadResponseOnly: true,
    payload: TaskInput.fromObject({ action, ...payload }),
    resultPath,
    retryOnServiceExceptions: false,
  });
  invoke.addRetry({ errors: [REFUSED], maxAttempts: 0 });
  invoke.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(4), backoffRate: 2, maxAttempts: 5 });
  return invoke;
}

function createSteps(parts: IntakeParts, deadLetterQueue: IQueue): Lambda {
  const { scope, zones, contract, queue } = parts;
  const steps = handlerFunction(scope, 'OperationSteps', {
    handler: 'intake-operations',
    description: `Steps of what a person lets the intake of ${contract.dataset} do`,
    timeout: Duration.minutes(15),
    // One whole processor, as the validator has.
    memory: Size.mebibytes(1769),
    ephemeralStorage: Size.mebibytes(INTAKE_SCRATCH_MEBIBYTES),
    environment: {
      ...judgingEnvironment(parts),
      [DATA_ENV.dataset]: contract.dataset,
      [DATA_ENV.rawBucket]: zones.raw.bucketName,
      [DATA_ENV.queueUrl]: queue.queueUrl,
      [DATA_ENV.deadLetterUrl]: deadLetterQueue.queueUrl,
    },
  });
  grantSteps(parts, deadLetterQueue, steps);
  withoutPolicyFindings(steps);
  return steps;
}

function grantSteps({ zones, contract, contractFile, ledger, queue }: IntakeParts, deadLetterQueue: IQueue, steps: Lambda): void {
  const { raw, validated, quarantine } = zones;
  const [objects, attempts, reports] = ['*', '*/attempt=*', `${OPERATIONS_FOLDER}/*`].map((rest) => `${contract.dataset}/${rest}`);
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
  allowRead(steps, raw, objects);
  allowRead(steps, quarantine, attempts);
  allowWrite(steps, validated, attempts, reports);
  allowWrite(steps, quarantine, attempts);
  for (const arn of [raw.arnForObjects(objects), ...[validated, quarantine].map((bucket) => bucket.arnForObjects(attempts))]) {
    acknowledgeResource(steps, arn, 'senders choose the keys of files; the wildcards stay below the dataset');
  }
  acknowledgeResource(steps, validated.arnForObjects(reports), 'each execution has a folder of its own');
}
