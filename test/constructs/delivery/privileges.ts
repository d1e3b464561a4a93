import { HERE } from '../../support/assembly-roles';
import type { Call } from '../../support/policy-simulator';

export const PREFIX = 'flight-delays-dev';
/** Workloads and stages whose names start alike. */
const NEIGHBOURS = ['flight-delays-dev2', 'flight-delays-prod', 'flight-delays', 'flight-dela'];
const OTHER_ACCOUNT = '444455556666';

/** A call that a role must be able to make. Its twins, which differ in one thing, must be denied. */
export interface Need extends Call {
  /** Why no resource can be named: it has no twin by resource. */
  readonly reason?: string;
}

/** What one role is for. */
export interface Privileges {
  /** The service that acts with the role. */
  readonly service: string;
  /** It belongs to the model `delay` alone, so it may touch no other model. */
  readonly ofModel?: boolean;
  /** It carries the policy of AWS for writing the logs of a function. */
  readonly logs?: boolean;
  readonly may: readonly Need[];
  /** Denials that no twin of a need makes. */
  readonly mayNot?: readonly Call[];
}

export const arn = (service: string, resource: string): string => `arn:aws:${service}:${HERE.region}:${HERE.account}:${resource}`;
export const iam = (resource: string): string => `arn:aws:iam::${HERE.account}:${resource}`;
export const each = (service: string, actions: string, resource: string, context?: Call['context']): Need[] =>
  actions.split(' ').map((action) => ({ action: `${service}:${action}`, resource, context }));
/** Actions that take no resource. */
export const anywhere = (service: string, actions: string, reason: string, context?: Call['context']): Need[] =>
  each(service, actions, '*', context).map((need) => ({ ...need, reason }));

/** Calls that differ from `need` in one thing: whose the resource is, or a key of the context. */
export function twinsOf({ action, resource, context, reason }: Need, ofModel = false): Call[] {
  const resources = reason === undefined ? strangers(resource, ofModel) : [];
  return [
    ...resources.map((other) => ({ action, resource: other, context })),
    ...contextTwins(context).map((other) => ({ action, resource, context: other })),
  ];
}

function strangers(resource: string, ofModel: boolean): string[] {
  const own = /(?<=[-/])delay(?=[-/:]|$)/;
  return [
    resource.replace(HERE.account, OTHER_ACCOUNT),
    resource.replace(/^arn:aws:s3:::(\w|-)+/, 'arn:aws:s3:::somebody-elses'),
    ...NEIGHBOURS.map((prefix) => resource.replace(PREFIX, prefix)),
    ...(ofModel ? ['other', 'delay2', 'delay-x', 'dela'].map((model) => resource.replace(own, model)) : []),
  ].filter((other) => other !== resource);
}

function contextTwins(context: Call['context'] = {}): NonNullable<Call['context']>[] {
  return Object.keys(context).flatMap((key) => {
    const { [key]: value, ...rest } = context;
    const others = value === PREFIX ? NEIGHBOURS : ['somebody-elses'];
    return [...(key === APPROVAL ? [] : [rest]), ...others.map((other) => ({ ...rest, [key]: other }))];
  });
}

/** A version of which it is not said is pending, so this one key may be missing. */
export const APPROVAL = 'sagemaker:ModelApprovalStatus';
export const MADE = { 'aws:RequestTag/workload': PREFIX };
export const OWNED = { 'aws:ResourceTag/workload': PREFIX };

export const MODEL = arn('sagemaker', 'model/Model-Xk3');
export const CONFIG = arn('sagemaker', 'endpoint-config/Config-Xk3');
export const ENDPOINT = arn('sagemaker', `endpoint/${PREFIX}-delay`);
export const VERSION = arn('sagemaker', `model-package/${PREFIX}-delay/7`);
export const POINTER = arn('ssm', `parameter/${PREFIX}/models/delay/approved`);
export const BOOTSTRAP = arn('ssm', 'parameter/cdk-bootstrap/hnb659fds/version');
export const ARTIFACTS = 'arn:aws:s3:::ArtifactsBucket';
export const KEPT = `${ARTIFACTS}/versions/delay/0f/1/model.tar.gz`;
export const passed = (resource: string, service: string) => each('iam', 'PassRole', resource, { 'iam:PassedToService': service });

/** What no role of this layer may do, whatever it is for. */
export const NEVER: readonly Call[] = [
  ...each('iam', 'AttachRolePolicy PutRolePolicy UpdateAssumeRolePolicy CreateRole', iam('role/Anything')),
  ...each('iam', 'PassRole', iam('role/Administrator'), { 'iam:PassedToService': 'sagemaker.amazonaws.com' }),
  ...each('iam', 'PassRole', iam('role/Administrator'), { 'iam:PassedToService': 'cloudformation.amazonaws.com' }),
  ...each('iam', 'PassRole', iam(`role/${PREFIX}/serving/Endpoint`), { 'iam:PassedToService': 'lambda.amazonaws.com' }),
  ...each('sts', 'AssumeRole', iam('role/Administrator')),
  ...each('sagemaker', 'UpdateModelPackage DeleteModelPackage', arn('sagemaker', `model-package/${PREFIX}-delay/1`)),
  ...each('sagemaker', 'DeleteModelPackageGroup', arn('sagemaker', `model-package-group/${PREFIX}-delay`)),
  ...each('sagemaker', 'CreateModelPackage', arn('sagemaker', `model-package-group/${PREFIX}-delay`), { [APPROVAL]: 'Approved' }),
  ...each('sagemaker', 'InvokeEndpoint', arn('sagemaker', `endpoint/${PREFIX}-delay`)),
  ...each('sagemaker', 'DeleteModel DeleteEndpointConfig', arn('sagemaker', 'model/untagged')),
  ...each('sagemaker', 'AddTags', arn('sagemaker', 'model/somebody-elses'), MADE),
  ...each('sagemaker', 'AddTags', arn('sagemaker', 'model/somebody-elses'), { ...MADE, 'sagemaker:TaggingAction': 'CreateEndpoint' }),
  ...each('ssm', 'PutParameter DeleteParameter', arn('ssm', `parameter/${PREFIX}/clock`)),
  ...each('ssm', 'PutParameter', arn('ssm', 'parameter/cdk-bootstrap/hnb659fds/version')),
  ...each('s3', 'DeleteObject DeleteObjectVersion', 'arn:aws:s3:::ArtifactsBucket/versions/delay/0f/1/model.tar.gz'),
  ...each('s3', 'PutObject', 'arn:aws:s3:::ZonesValidated/flights/records.csv.gz'),
  ...each('kms', 'ScheduleKeyDeletion PutKeyPolicy', arn('kms', 'ArtifactsKey')),
  ...each(
    'cloudformation',
    'CreateStack DeleteStack CreateChangeSet SetStackPolicy',
    arn('cloudformation', `stack/${PREFIX}-serving-delay/1`),
  ),
  ...each('cloudformation', 'UpdateStack', arn('cloudformation', `stack/${PREFIX}-serving-delay/1`)),
  ...each('dynamodb', 'DeleteTable', arn('dynamodb', 'ReleaseReleases')),
  ...each('lambda', 'UpdateFunctionCode', arn('lambda', 'ReleaseSteps')),
  ...each('logs', 'DeleteLogGroup', arn('logs', 'log-group:/aws/sagemaker/TrainingJobs')),
];
