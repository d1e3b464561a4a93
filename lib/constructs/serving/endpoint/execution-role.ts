import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeResource } from '../../shared/acknowledgements';

/** @internal */
export interface ExecutionRoleProps {
  readonly logGroup: ILogGroup;
  /** Literal names of the alarms that roll a deployment back. */
  readonly rollbackAlarmNames: string[];
  readonly inVpc: boolean;
  readonly volumeKey?: IKey;
  /** What the role is of, in its description. */
  readonly of?: string;
  /** IAM path; the default one for endpoints that no release touches. */
  readonly path?: string;
}

/** The nine actions that SageMaker needs to attach containers to a VPC; none of them can be limited to one network in advance. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:CreateNetworkInterfacePermission',
  'ec2:DeleteNetworkInterface',
  'ec2:DeleteNetworkInterfacePermission',
  'ec2:DescribeDhcpOptions',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
];

/**
 * The execution role of one endpoint: what SageMaker itself needs. Model, image and capture add their own statements.
 *
 * SageMaker assumes it for models, configurations and endpoints in turn, so the confused-deputy condition names the account and Region,
 * not one resource (https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html).
 *
 * @internal
 */
export function executionRole(scope: Construct, id: string, props: ExecutionRoleProps): Role {
  const stack = Stack.of(scope);
  const role = new Role(scope, id, {
    path: props.path,
    description: `Execution role of the SageMaker ${props.of ?? 'endpoint'} at ${scope.node.path}`,
    assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': stack.formatArn({ service: 'sagemaker', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME }) },
      },
    }),
  });
  allowLogs(role, props.logGroup);
  allowMetrics(role);
  if (props.rollbackAlarmNames.length > 0) {
    allowRollback(role, stack, props.rollbackAlarmNames);
  }
  if (props.inVpc) {
    allowNetwork(role);
  }
  if (props.volumeKey !== undefined) {
    allowVolumeKey(role, props.volumeKey);
  }
  return role;
}

/** Lets `role` write captured requests below `prefix` of a bucket. @internal */
export function allowCapture(role: Role, bucket: IBucket, prefix: string): void {
  const objects = bucket.arnForObjects(`${prefix}/*`);
  role.addToPolicy(new PolicyStatement({ sid: 'Capture', actions: ['s3:PutObject'], resources: [objects] }));
  bucket.encryptionKey?.grant(role, 'kms:GenerateDataKey', 'kms:Decrypt');
  acknowledgeResource(role, objects, 'SageMaker names captured files by time and a random id below this prefix.');
}

function allowLogs(role: Role, logGroup: ILogGroup): void {
  role.addToPolicy(
    new PolicyStatement({
      sid: 'Logs',
      actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
}

function allowMetrics(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      sid: 'Metrics',
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringLike: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/*', 'aws/sagemaker/*'] } },
    }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'cloudwatch:PutMetricData knows no resource; the condition limits it to the namespaces of SageMaker.',
  });
}

function allowRollback(role: Role, stack: Stack, alarmNames: string[]): void {
  const resources = alarmNames.map((resourceName) =>
    stack.formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME }),
  );
  role.addToPolicy(new PolicyStatement({ sid: 'WatchDeployments', actions: ['cloudwatch:DescribeAlarms'], resources }));
}

function allowNetwork(role: Role): void {
  role.addToPolicy(new PolicyStatement({ sid: 'Network', actions: NETWORK_ACTIONS, resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'SageMaker creates network interfaces whose ids nobody knows in advance; AWS documents these actions on every resource.',
  });
}

function allowVolumeKey(role: Role, key: IKey): void {
  role.addToPolicy(new PolicyStatement({ sid: 'DescribeVolumeKey', actions: ['kms:DescribeKey'], resources: [key.keyArn] }));
  role.addToPolicy(
    new PolicyStatement({
      sid: 'UseVolumeKey',
      actions: ['kms:CreateGrant'],
      resources: [key.keyArn],
      conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  );
}
