import type { Properties, Templates } from '../../support/assembly-roles';
import type { Call } from '../../support/policy-simulator';
import { arn, iam } from './privileges';
import { Handler, Released, schemaOf } from './released-resources';

/** A permission of a handler that a release does not need. */
export interface Exception {
  readonly type: string;
  readonly action: RegExp;
  readonly reason: string;
  /** Whether the reason holds for a resource with these properties. */
  readonly holds: (properties: Properties) => boolean;
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    type: 'AWS::ApplicationAutoScaling::ScalableTarget',
    action: /^lambda:/,
    reason: 'only a target of AWS Lambda changes the concurrency of a function',
    holds: ({ ServiceNamespace }) => ServiceNamespace !== 'lambda',
  },
  {
    type: 'AWS::ApplicationAutoScaling::ScalableTarget',
    action: /^iam:PassRole$/,
    reason: 'the target names no role, so the service uses the role that is linked to it',
    holds: ({ RoleARN }) => RoleARN === undefined,
  },
  {
    type: 'AWS::SageMaker::EndpointConfig',
    action: /^iam:PassRole$/,
    reason: 'the configuration names no role: its model does',
    holds: ({ ExecutionRoleArn }) => ExecutionRoleArn === undefined,
  },
  {
    type: 'AWS::SageMaker::EndpointConfig',
    action: /^kms:DescribeKey$/,
    reason: 'the configuration names no key, for its volumes or for what it captures',
    holds: (properties) => !JSON.stringify(properties).includes('KmsKeyId'),
  },
];

export interface HandlerCalls {
  /** `<id>.<handler> <action>`. */
  readonly what: string;
  readonly calls: readonly Call[];
  readonly exception?: Exception;
}

/** Every permission of every handler that a release runs, as the calls that it stands for. */
export function handlerCalls(template: Templates[string], resource: Released): HandlerCalls[] {
  const { id, type, properties, handlers } = resource;
  return handlers.flatMap((handler) =>
    schemaOf(type).handlers[handler].map((action) => ({
      what: `${id}.${handler} ${action}`,
      exception: EXCEPTIONS.find((one) => one.type === type && one.action.test(action) && one.holds(properties)),
      calls: callsOf(template, resource, handler, action),
    })),
  );
}

const LINKED = 'sagemaker.application-autoscaling.amazonaws.com';
const LINKED_ROLE = iam(`role/aws-service-role/${LINKED}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`);
const READS_ANYTHING = /^application-autoscaling:Describe|^cloudwatch:GetMetricData$/;
const SCALES = /^application-autoscaling:(Register|Deregister|Put|Delete)/;
const MAKES = /:(Create(Model|Endpoint|EndpointConfig)|RegisterScalableTarget|PutMetricAlarm|AddTags|TagResource)$/;
const TAGS = /:(AddTags|TagResource)$/;
const READS = /:(Describe|List)/;

function callsOf(template: Templates[string], { type, properties }: Released, handler: Handler, action: string): Call[] {
  const named = type.endsWith('::ScalingPolicy') ? targetOf(template, properties) : properties;
  switch (action) {
    case 'iam:CreateServiceLinkedRole':
      return [{ action, resource: LINKED_ROLE, context: { 'iam:AWSServiceName': LINKED } }];
    case 'iam:PassRole':
      return [{ action, resource: roleOf(template, properties), context: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } }];
  }
  if (READS_ANYTHING.test(action)) {
    return [{ action, resource: '*' }];
  }
  if (type.includes('::Scal') && action.startsWith('cloudwatch:')) {
    return [{ action, resource: arn('cloudwatch', `alarm:TargetTracking-${named.ResourceId as string}-AlarmHigh-0a1b`) }];
  }
  const own = contextsOf(type, named, handler, action).map((context) => ({ action, resource: resourceOf(type, named), context }));
  const configured = { action, resource: CONFIG, context: tagsAs('aws:ResourceTag', named) };
  return /:(Create|Update)Endpoint$/.test(action) ? [...own, configured] : own;
}

/** What is made has no tags yet but those of the request; what is there has its own. What may be gone is looked at without any. */
function contextsOf(type: string, properties: Properties, handler: Handler, action: string): NonNullable<Call['context']>[] {
  const given = handler === 'create' && MAKES.test(action);
  const context = {
    ...(given || TAGS.test(action) ? tagsAs('aws:RequestTag', properties) : {}),
    ...(given ? {} : tagsAs('aws:ResourceTag', properties)),
    ...(given && action === 'sagemaker:AddTags' ? { 'sagemaker:TaggingAction': `Create${type.split('::')[2]}` } : {}),
    ...(SCALES.test(action) ? scalingOf(properties) : {}),
  } as NonNullable<Call['context']>;
  return [context, ...(handler === 'delete' && READS.test(action) ? [{}] : [])];
}

const scalingOf = ({ ServiceNamespace, ScalableDimension }: Properties) => ({
  'application-autoscaling:service-namespace': ServiceNamespace as string,
  'application-autoscaling:scalable-dimension': ScalableDimension as string,
});

const CONFIG = arn('sagemaker', 'endpoint-config/Config-Xk3');

function resourceOf(type: string, { EndpointName, AlarmName }: Properties): string {
  switch (type) {
    case 'AWS::SageMaker::Model':
      return arn('sagemaker', 'model/Model-Xk3');
    case 'AWS::SageMaker::EndpointConfig':
      return CONFIG;
    case 'AWS::SageMaker::Endpoint':
      return arn('sagemaker', `endpoint/${EndpointName as string}`);
    case 'AWS::CloudWatch::Alarm':
      return arn('cloudwatch', `alarm:${AlarmName as string}`);
    case 'AWS::ApplicationAutoScaling::ScalableTarget':
    case 'AWS::ApplicationAutoScaling::ScalingPolicy':
      return arn('application-autoscaling', 'scalable-target/0a1b');
    default:
      throw new Error(`UnknownElement: no ARN is known of ${type}`);
  }
}

/** A policy is of a target, which it names; AWS IAM knows the target alone. */
function targetOf(template: Templates[string], { ScalingTargetId }: Properties): Properties {
  return template.Resources[(ScalingTargetId as { Ref: string }).Ref].Properties!;
}

function roleOf(template: Templates[string], { ExecutionRoleArn }: Properties): string {
  const [id] = (ExecutionRoleArn as { 'Fn::GetAtt': string[] } | undefined)?.['Fn::GetAtt'] ?? [];
  const { Path } = template.Resources[id]?.Properties ?? {};
  return iam(`role${(Path as string | undefined) ?? '/'}${id}`);
}

const tagsAs = (key: string, { Tags }: Properties): Record<string, string> =>
  Object.fromEntries(((Tags ?? []) as { Key: string; Value: string }[]).map(({ Key, Value }) => [`${key}/${Key}`, Value]));
