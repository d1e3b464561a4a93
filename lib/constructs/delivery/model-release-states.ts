import { Duration } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, DefinitionBody, JsonPath, Pass, Succeed, TaskInput, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';

/** Steps after which everything is decided anew at once. */
const CHANGES = ['Record', 'WritePointer', 'Undo', 'Close', 'Refuse'];
/** Steps after which nothing more is to be done. */
const ENDS = ['Rest', 'Tell', 'Stuck'];

/** Lambda invocation that fails for a passing reason is tried again for about a minute; each step may be repeated. */
function task(scope: Construct, id: string, fn: IFunction, payload: Record<string, unknown>, resultPath?: string): LambdaInvoke {
  const invoke = new LambdaInvoke(scope, id, {
    lambdaFunction: fn,
    payloadResponseOnly: true,
    payload: TaskInput.fromObject({ execution: JsonPath.stringAt('$$.Execution.Id'), ...payload }),
    resultPath: resultPath ?? JsonPath.DISCARD,
    retryOnServiceExceptions: false,
  });
  invoke.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 5 });
  return invoke;
}

/** The states of the release machine: whatever was done, the next step is decided from what is seen then. @internal */
export function releaseStates(scope: Construct, fn: IFunction, pause: Duration): DefinitionBody {
  const model = JsonPath.stringAt('$.lease.model');
  const decide = task(scope, 'Decide', fn, { action: 'Decide', model }, '$.decided');
  const act = (id: string) => task(scope, id, fn, { action: 'Act', model, next: JsonPath.objectAt('$.decided.next') });
  const wait = new Wait(scope, 'Wait', { time: WaitTime.duration(pause) });
  const done = new Succeed(scope, 'Done');
  const giveBack = task(scope, 'GiveBack', fn, { action: 'GiveBack', model, wakes: JsonPath.numberAt('$.decided.wakes') }, '$.given');
  giveBack.next(new Choice(scope, 'Woken meanwhile?').when(Condition.booleanEquals('$.given.done', true), done).otherwise(decide));
  const which = new Choice(scope, 'What next?');
  const is = (action: string) => Condition.stringEquals('$.decided.next.action', action);
  CHANGES.forEach((action) => which.when(is(action), act(action).next(decide)));
  ENDS.forEach((action) => which.when(is(action), act(action).next(giveBack)));
  which.when(is('UpdateStack'), act('UpdateStack').next(wait)).otherwise(wait.next(decide));
  decide.next(which);
  const take = task(scope, 'TakeLease', fn, { action: 'TakeLease', input: JsonPath.objectAt('$.input') }, '$.lease');
  take.next(new Choice(scope, 'Lease taken?').when(Condition.booleanEquals('$.lease.held', true), decide).otherwise(done));
  const start = new Pass(scope, 'Start', { parameters: { input: JsonPath.objectAt('$') } });
  return DefinitionBody.fromChainable(start.next(take));
}
