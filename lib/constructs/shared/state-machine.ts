import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { LogLevel, StateMachine, StateMachineProps } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgeResource } from './acknowledgements';

/** @internal */
export interface TracedMachineProps extends StateMachineProps {
  /** Names its log group too, so it is a literal. */
  readonly stateMachineName: string;
}

/**
 * A Standard machine whose executions can be followed: it traces, and keeps all that it does for three months. `logsId`: of its log group.
 * For each machine that logs AWS Step Functions enters the log group into a resource policy, which holds 5,120 characters, so a deployment would fail
 * after some; groups with this prefix need no entry of their own (https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html).
 *
 * @internal
 */
export function tracedMachine(scope: Construct, id: string, logsId: string, props: TracedMachineProps): StateMachine {
  const destination = new LogGroup(scope, logsId, {
    logGroupName: `/aws/vendedlogs/states/${props.stateMachineName}`,
    retention: RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return new StateMachine(scope, id, {
    ...props,
    tracingEnabled: true,
    logs: { destination, level: LogLevel.ALL, includeExecutionData: true },
  });
}

/** Answers for what the role that the CDK makes for a machine may do with the function of its steps, and for its logs. @internal */
export function acknowledgeSteps(machine: StateMachine, steps: IFunction): void {
  acknowledgeResource(machine, `${steps.functionArn}:*`, 'the function in any of its versions');
  Validations.of(machine).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'delivery of logs and traces names no resource: their actions allow only "*"',
  });
}
