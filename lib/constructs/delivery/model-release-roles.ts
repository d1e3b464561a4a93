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

/**
 * The role with which AWS CloudFormation updates a serving stack for a release: nothing outside the workload. Handlers of resource types run
 * with it, and each needs every action that the schema of its type names
 * (https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers).
 *
 * @internal
 */
export function releaseRole(scope: Construct, id: string, prefix: string): Role {
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('cloudformation.amazonaws.com'),
    description: `Updates the serving stacks of ${prefix} to another version of their model`,
  });
  [models, endpoints, alarms, scaling, reading].flatMap((part) => part(scope, prefix)).forEach((allowed) => allowTo(role, allowed));
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
    { actions: [...changes, 'sagemaker:DeleteTags'], resources, conditions: owned, reason },
    { actions: ['sagemaker:AddTags'], resources, conditions: { ...owned, StringEqualsIfExists: made.StringEquals }, reason },
  ];
}

/**
 * A tag beside the name, as for endpoints. Whether an update names tags is known from no document, so what has no tag yet may be changed too
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html).
 */
function alarms(scope: Construct, prefix: string): Allowed[] {
  const resources = [arn(scope, 'cloudwatch', `alarm:${prefix}-*`)];
  const reason = 'alarms of an endpoint have the prefix of the workload';
  const made = { StringEquals: { [`aws:RequestTag/${WORKLOAD_TAG}`]: prefix } };
  const owned = { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix };
  const nobodyElses = { StringEqualsIfExists: owned };
  return [
    { actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:ListTagsForResource'], resources, reason },
    { actions: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'], resources, conditions: nobodyElses, reason },
    { actions: ['cloudwatch:TagResource'], resources, conditions: { ...made, ...nobodyElses }, reason },
    { actions: ['cloudwatch:UntagResource'], resources, conditions: { StringEquals: owned }, reason },
  ];
}

/** The service gives a scalable target a random id, so its tag says whose it is (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html). */
function scaling(scope: Construct, prefix: string): Allowed[] {
  const resources = [arn(scope, 'application-autoscaling', 'scalable-target/*')];
  const reason = 'scalable targets have random ids; the conditions keep to the instance counts of the endpoints of the workload';
  const instances = {
    'application-autoscaling:service-namespace': 'sagemaker',
    'application-autoscaling:scalable-dimension': 'sagemaker:variant:DesiredInstanceCount',
  };
  const made = { [`aws:RequestTag/${WORKLOAD_TAG}`]: prefix };
  const owned = { [`aws:ResourceTag/${WORKLOAD_TAG}`]: prefix };
  const nobodyElses = { StringEqualsIfExists: owned };
  const act = (...actions: string[]) => actions.map((action) => `application-autoscaling:${action}`);
  return [
    { actions: act('RegisterScalableTarget'), resources, conditions: { StringEquals: { ...instances, ...made }, ...nobodyElses }, reason },
    { actions: act('TagResource'), resources, conditions: { StringEquals: made, ...nobodyElses }, reason },
    {
      actions: act('DeregisterScalableTarget', 'PutScalingPolicy', 'DeleteScalingPolicy', 'PutScheduledAction'),
      resources,
      conditions: { StringEquals: { ...instances, ...owned } },
      reason,
    },
    { actions: act('ListTagsForResource'), resources, reason: 'what is gone has no tag, so reading tags needs none; it changes nothing' },
    {
      actions: [
        ...act('DescribeScalableTargets', 'DescribeScalingPolicies', 'DescribeScheduledActions'),
        // AWS CloudFormation demands it of whoever creates a scaling policy.
        'cloudwatch:GetMetricData',
      ],
      resources: ['*'],
      reason: 'reading scalable targets, their policies and schedules, and metrics has no resource type; it changes nothing',
    },
    ...scalingOfService(scope, prefix),
  ];
}

/** What the service does in the name of its caller (https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html). */
function scalingOfService(scope: Construct, prefix: string): Allowed[] {
  const service = 'sagemaker.application-autoscaling.amazonaws.com';
  return [
    {
      actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'],
      resources: [arn(scope, 'cloudwatch', `alarm:TargetTracking-endpoint/${prefix}-*`)],
      reason: 'the service names the alarms of target tracking, which have no tags, after the endpoint',
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
    {
      // The alarms' topics (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html).
      actions: ['cloudformation:DescribeStacks'],
      resources: [arn(scope, 'cloudformation', `stack/${prefix}-*`)],
      reason: 'an update resolves Fn::GetStackOutput with this role; the stacks of a workload have its prefix',
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
    ...readingVersions(fn, prefix),
  ];
}

/** Refuses versions in the registry, whatever their approval. @internal */
export function barringVersions(fn: Lambda, prefix: string): Allowed[] {
  return [
    {
      actions: ['sagemaker:UpdateModelPackage'],
      resources: [arn(fn, 'sagemaker', `model-package/${prefix}-*/*`)],
      reason: 'every version of every model of the workload may be barred',
    },
  ];
}

/** Reads which versions there are, and which ones serve. @internal */
export function readingVersions(fn: Lambda, prefix: string): Allowed[] {
  return [
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
