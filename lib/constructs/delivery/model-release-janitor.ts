import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { withoutPolicyFindings } from '../shared/acknowledgements';
import { handlerFunction } from '../shared/handler-function';
import { DELIVERY_ENV, WORKLOAD_TAG } from './contract';
import { allowTo } from './model-release-roles';

/** A replaced model and its configuration outlive their stack resource; once a day those that nothing needs are deleted. @internal */
export function createReleaseJanitor(scope: Construct, prefix: string, undelivered: IQueue): { janitor: Lambda; rule: Rule } {
  const janitor = handlerFunction(scope, 'Janitor', {
    handler: 'release-janitor',
    description: 'Deletes models and endpoint configurations that releases left behind',
    // A call for each model and configuration of the account, one after the other.
    timeout: Duration.minutes(15),
    memory: Size.mebibytes(512),
    environment: { [DELIVERY_ENV.prefix]: prefix },
  });
  grantJanitor(janitor, prefix);
  const rule = new Rule(scope, 'Cleaning', {
    description: 'Deletes what releases left behind',
    schedule: Schedule.rate(Duration.days(1)),
    targets: [new LambdaFunction(janitor, { deadLetterQueue: undelivered, retryAttempts: 20, maxEventAge: Duration.hours(2) })],
  });
  return { janitor, rule };
}

/** It reads everything, because whatever serves must be seen, and deletes only what carries the tag of the workload. */
function grantJanitor(janitor: Lambda, prefix: string): void {
  const stack = Stack.of(janitor);
  const arn = (resource: string, service = 'sagemaker') => stack.formatArn({ service, resource });
  const resources = [arn('model/*'), arn('endpoint-config/*')];
  const reason = 'models and endpoint configurations have random names; the condition on their tag keeps to the workload';
  [
    {
      actions: ['sagemaker:ListModels', 'sagemaker:ListEndpointConfigs', 'sagemaker:ListEndpoints'],
      resources: ['*'],
      reason: 'listing has no resource type; it changes nothing',
    },
    { actions: ['sagemaker:ListTags'], resources, reason: 'names are random, so the tags of each say whose it is; it changes nothing' },
    {
      actions: ['sagemaker:DescribeEndpoint'],
      resources: [arn('endpoint/*')],
      reason: 'an endpoint of any name may use a configuration of the workload; it changes nothing',
    },
    {
      actions: ['sagemaker:DescribeModel', 'sagemaker:DeleteModel', 'sagemaker:DescribeEndpointConfig', 'sagemaker:DeleteEndpointConfig'],
      resources,
      conditions: { StringEquals: { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix } },
      reason,
    },
    {
      actions: ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'],
      resources: [arn(`stack/${prefix}-*`, 'cloudformation')],
      reason: 'what a stack of the workload has must stay',
    },
  ].forEach((allowed) => allowTo(janitor.role as Role, allowed));
  withoutPolicyFindings(janitor);
}
