import { Stack } from 'aws-cdk-lib';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { acknowledgeResource, withoutPolicyFindings } from '../shared/acknowledgements';
import { WORKLOAD_TAG } from './contract';

/** @internal */
export interface Allowed {
  readonly actions: string[];
  readonly resources: string[];
  readonly conditions?: Record<string, Record<string, string | string[]>>;
  /** Why a wildcard is needed; every resource with one has a reason. */
  readonly reason: string;
}

/** The role with which AWS CloudFormation updates a serving stack for a release: nothing outside the workload. @internal */
export function releaseRole(scope: Construct, id: string, prefix: string): Role {
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('cloudformation.amazonaws.com'),
    description: `Updates the serving stacks of ${prefix} to another version of their model`,
  });
  [...models(scope, prefix), ...endpoints(scope, prefix), ...scaling(scope, prefix), ...reading(scope, prefix)].forEach((allowed) =>
    allowTo(role, allowed),
  );
  return role;
}

const arn = (scope: Construct, service: string, resource: string): string => `${arnStart(scope, service)}:${resource}`;
const arnStart = (scope: Construct, service: string): string => {
  const { partition, region, account } = Stack.of(scope);
  return `arn:${partition}:${service}:${region}:${account}`;
};
const iamArn = (scope: Construct, resource: string): string =>
  `arn:${Stack.of(scope).partition}:iam::${Stack.of(scope).account}:${resource}`;

/** @internal */
export function allowTo(role: Role, { actions, resources, conditions, reason }: Allowed): void {
  role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions, resources, conditions }));
  resources.filter((resource) => resource.includes('*')).forEach((resource) => acknowledgeResource(role, resource, reason));
}

function models(scope: Construct, prefix: string): Allowed[] {
  const resources = [arn(scope, 'sagemaker', 'model/*'), arn(scope, 'sagemaker', 'endpoint-config/*')];
  const reason = 'models and endpoint configurations have random names; the condition on their tag keeps to the workload';
  const made = { StringEquals: { [`aws:RequestTag/${WORKLOAD_TAG}`]: prefix } };
  const owned = { StringEquals: { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix } };
  return [
    { actions: ['sagemaker:CreateModel', 'sagemaker:CreateEndpointConfig'], resources, conditions: made, reason },
    tagging(resources, prefix, ['CreateModel', 'CreateEndpointConfig'], reason),
    {
      actions: [
        ...['sagemaker:DescribeModel', 'sagemaker:DeleteModel', 'sagemaker:DescribeEndpointConfig'],
        ...['sagemaker:DeleteEndpointConfig', 'sagemaker:ListTags', 'sagemaker:CreateEndpoint', 'sagemaker:UpdateEndpoint'],
      ],
      resources,
      conditions: owned,
      reason,
    },
    {
      actions: ['iam:PassRole'],
      resources: [iamArn(scope, `role/${prefix}/serving/*`)],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      reason: 'each serving stack has an execution role of its own, all below one path',
    },
  ];
}

/**
 * Whoever may tag what is there can make it his own by the tag of the workload; so only what is being created is tagged
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).
 */
function tagging(resources: string[], prefix: string, creating: string[], reason: string): Allowed {
  const StringEquals = { [`aws:RequestTag/${WORKLOAD_TAG}`]: prefix, 'sagemaker:TaggingAction': creating };
  return { actions: ['sagemaker:AddTags'], resources, conditions: { StringEquals }, reason };
}

/** The tag beside the name: the prefix of one workload may start another's. What is gone has no tag, so looking needs none. */
function endpoints(scope: Construct, prefix: string): Allowed[] {
  const resources = [arn(scope, 'sagemaker', `endpoint/${prefix}-*`)];
  const reason = 'one endpoint per model, all with the prefix of the workload';
  const made = { StringEquals: { [`aws:RequestTag/${WORKLOAD_TAG}`]: prefix } };
  const owned = { StringEquals: { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix } };
  const changes = ['UpdateEndpoint', 'DeleteEndpoint', 'UpdateEndpointWeightsAndCapacities'].map((action) => `sagemaker:${action}`);
  return [
    { actions: ['sagemaker:DescribeEndpoint', 'sagemaker:ListTags'], resources, reason },
    { actions: ['sagemaker:CreateEndpoint'], resources, conditions: made, reason },
    tagging(resources, prefix, ['CreateEndpoint'], reason),
    { actions: changes, resources, conditions: owned, reason },
  ];
}

/** Creating a tracking policy needs the caller's right to its alarms (https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html). */
function scaling(scope: Construct, prefix: string): Allowed[] {
  const service = 'sagemaker.application-autoscaling.amazonaws.com';
  return [
    {
      actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'],
      resources: [arn(scope, 'cloudwatch', `alarm:${prefix}-*`), arn(scope, 'cloudwatch', `alarm:TargetTracking-endpoint/${prefix}-*`)],
      reason: 'alarms of an endpoint and of its scaling have the prefix of the workload',
    },
    {
      actions: ['RegisterScalableTarget', 'DeregisterScalableTarget', 'PutScalingPolicy', 'DeleteScalingPolicy'].map(
        (action) => `application-autoscaling:${action}`,
      ),
      resources: [arn(scope, 'application-autoscaling', 'scalable-target/*')],
      conditions: {
        StringEquals: {
          'application-autoscaling:service-namespace': 'sagemaker',
          'application-autoscaling:scalable-dimension': 'sagemaker:variant:DesiredInstanceCount',
        },
      },
      // AWS CloudFormation tags no scalable target, and AWS IAM knows no name of one.
      reason: 'scalable targets have random ids; the condition keeps to the instance counts of endpoints',
    },
    {
      actions: ['application-autoscaling:DescribeScalableTargets', 'application-autoscaling:DescribeScalingPolicies'],
      resources: ['*'],
      reason: 'reading scalable targets and their policies has no resource type; it changes nothing',
    },
    {
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [iamArn(scope, `role/aws-service-role/${service}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`)],
      conditions: { StringEquals: { 'iam:AWSServiceName': service } },
      reason: 'no wildcard',
    },
  ];
}

function reading(scope: Construct, prefix: string): Allowed[] {
  return [
    {
      actions: ['ssm:GetParameter', 'ssm:GetParameters'],
      resources: [arn(scope, 'ssm', `parameter/${prefix}/models/*`), arn(scope, 'ssm', 'parameter/cdk-bootstrap/*/version')],
      reason: 'a pointer per model; and the bootstrap version that every stack of the CDK reads, below a qualifier of its own',
    },
    {
      actions: ['sagemaker:DescribeModelPackage'],
      resources: [arn(scope, 'sagemaker', `model-package/${prefix}-*/*`)],
      reason: 'every version of every model of the workload may be released',
    },
  ];
}

/** @internal */
export interface MachineGrants {
  readonly prefix: string;
  readonly table: ITable;
  readonly release: Role;
  readonly stateMachineArn: string;
  readonly executionArns: string;
}

/** What the function of the release machine may do. @internal */
export function grantMachine(fn: Lambda, grants: MachineGrants): void {
  const role = fn.role as Role;
  [...ownRows(grants), ...updates(fn, grants), ...registry(fn, grants.prefix)].forEach((statement) => allowTo(role, statement));
  withoutPolicyFindings(fn);
}

function ownRows({ table, stateMachineArn, executionArns }: MachineGrants): Allowed[] {
  const rows = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'].map((action) => `dynamodb:${action}`);
  return [
    { actions: rows, resources: [table.tableArn], reason: 'no wildcard' },
    { actions: ['states:StartExecution'], resources: [stateMachineArn], reason: 'no wildcard' },
    { actions: ['states:DescribeExecution'], resources: [executionArns], reason: 'executions of the one state machine' },
  ];
}

function updates(fn: Lambda, { prefix, release }: MachineGrants): Allowed[] {
  const resources = [arn(fn, 'cloudformation', `stack/${prefix}-serving-*`)];
  const reason = 'one serving stack per model; an update must name the release role';
  return [
    { actions: ['cloudformation:DescribeStacks'], resources, reason },
    {
      actions: ['cloudformation:UpdateStack'],
      resources,
      conditions: { StringEquals: { 'cloudformation:RoleArn': release.roleArn } },
      reason,
    },
    {
      actions: ['iam:PassRole'],
      resources: [release.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'cloudformation.amazonaws.com' } },
      reason: 'no wildcard',
    },
    {
      actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:PutParameter'],
      resources: [arn(fn, 'ssm', `parameter/${prefix}/models/*/approved`)],
      reason: 'one pointer per model',
    },
    {
      actions: ['ssm:GetParameters'],
      resources: [arn(fn, 'ssm', 'parameter/cdk-bootstrap/*/version')],
      reason: 'an update resolves the bootstrap version, which lies below a qualifier',
    },
  ];
}

function registry(fn: Lambda, prefix: string): Allowed[] {
  return [
    {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [arn(fn, 'cloudwatch', `alarm:${prefix}-*`)],
      reason: 'rollback alarms of every endpoint of the workload',
    },
    {
      actions: ['sagemaker:ListModelPackages', 'sagemaker:DescribeModelPackage'],
      resources: [arn(fn, 'sagemaker', `model-package/${prefix}-*/*`), arn(fn, 'sagemaker', `model-package-group/${prefix}-*`)],
      reason: 'every version of every model of the workload may be released',
    },
    {
      actions: ['sagemaker:ListModelPackageGroups'],
      resources: ['*'],
      reason: 'listing groups has no resource type; it changes nothing',
    },
    {
      actions: ['sagemaker:DescribeEndpoint'],
      resources: [arn(fn, 'sagemaker', `endpoint/${prefix}-*`)],
      reason: 'one endpoint per model, all with the prefix of the workload',
    },
    {
      actions: ['sagemaker:DescribeEndpointConfig', 'sagemaker:DescribeModel'],
      resources: [arn(fn, 'sagemaker', 'endpoint-config/*'), arn(fn, 'sagemaker', 'model/*')],
      conditions: { StringEquals: { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix } },
      reason: 'models and endpoint configurations have random names; the condition on their tag keeps to the workload',
    },
  ];
}
