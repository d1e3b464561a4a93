import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  IStateMachine,
  JsonPath,
  Pass,
  StateMachine,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { acknowledgeSteps, tracedMachine } from './state-machine';

/** Name of the error by which the function says that it will not go on, whoever tries it again. */
const REFUSED = 'OperationRefused';

/** @internal */
export interface OperationMachineProps {
  readonly stateMachineName: string;
  readonly comment: string;
  /** What does the steps `Begin`, `Work` and `Report`. */
  readonly steps: IFunction;
}

/**
 * The machine by which a person lets something be done: a dry run unless told otherwise, and a report at the end. Its parts are beside each other: `id`,
 * `<id>Logs` and the states.
 *
 * @internal
 */
export function operationMachine(scope: Construct, id: string, statesId: string, props: OperationMachineProps): StateMachine {
  const { stateMachineName, comment, steps } = props;
  const machine = tracedMachine(scope, id, `${id}Logs`, {
    ...{ stateMachineName, comment },
    definitionBody: operationStates(new Construct(scope, statesId), steps),
    timeout: Duration.days(7),
  });
  acknowledgeSteps(machine, steps);
  return machine;
}

/**
 * Begin -> Work until it is done, unless it is a dry run -> Report. What fails leaves a report too. What is refused changed nothing: the execution
 * succeeds and answers `{refused}`, so that failed executions are those that somebody must look at.
 */
function operationStates(scope: Construct, steps: IFunction): DefinitionBody {
  const begun = JsonPath.objectAt('$.begun');
  const begin = step(scope, 'Begin', steps, { id: JsonPath.stringAt('$$.Execution.Name'), input: JsonPath.objectAt('$.input') }, '$.begun');
  const work = step(scope, 'Work', steps, { begun }, '$.worked');
  const report = step(scope, 'Report', steps, { begun });
  const failure = step(scope, 'ReportFailure', steps, { begun, error: JsonPath.objectAt('$.error') }, '$.reported', 'Report');
  const refused = new Pass(scope, 'Refused', { parameters: { refused: JsonPath.stringAt('$.begun.refused') } });
  const failed = new Fail(scope, 'Failed', { errorPath: '$.error.Error', causePath: '$.error.Cause' });
  const dryRun = new Choice(scope, 'Dry run?').when(Condition.booleanEquals('$.begun.run.request.dryRun', true), report).otherwise(work);
  begin.next(new Choice(scope, 'Refused?').when(Condition.isPresent('$.begun.refused'), refused).otherwise(dryRun));
  work.addCatch(failure, { errors: ['States.ALL'], resultPath: '$.error' });
  work.next(new Choice(scope, 'Done?').when(Condition.booleanEquals('$.worked.done', true), report).otherwise(work));
  failure.next(failed);
  const start = new Pass(scope, 'Start', { parameters: { input: JsonPath.objectAt('$') } });
  return DefinitionBody.fromChainable(start.next(begin));
}

/** Every step may be repeated: it is tried again for about two minutes, unless it was refused. */
function step(scope: Construct, id: string, fn: IFunction, payload: object, resultPath?: string, action = id): LambdaInvoke {
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

/**
 * Executions that failed, ran out of time or were stopped. Count, sum over five minutes
 * (https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html).
 *
 * @internal
 */
export function failedExecutions(machine: IStateMachine): MathExpression {
  const options = { statistic: Stats.SUM, period: Duration.minutes(5) };
  return new MathExpression({
    expression: 'FILL(failed, 0) + FILL(late, 0) + FILL(stopped, 0)',
    label: 'failed executions',
    period: Duration.minutes(5),
    usingMetrics: { failed: machine.metricFailed(options), late: machine.metricTimedOut(options), stopped: machine.metricAborted(options) },
  });
}
