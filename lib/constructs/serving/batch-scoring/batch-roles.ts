import { Stack, Validations } from 'aws-cdk-lib';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allow, allowRead, allowWrite } from '../../data/grants';
import { RegistryOrigin } from '../../models/model-source';
import { acknowledgeResource } from '../../shared/acknowledgements';
import { executionRole } from '../endpoint/execution-role';
import { BatchScoringProps } from './batch-scoring-props';
import { BatchSettings } from './batch-settings';

/** All transform jobs of an account log to one group (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html). @internal */
export const LOG_GROUP = '/aws/sagemaker/TransformJobs';

/** The role of the containers: model, image, input, output and logs. @internal */
export function containerRole(scope: Construct, props: BatchScoringProps, { input, output }: BatchSettings): Role {
  const logGroup = LogGroup.fromLogGroupName(scope, 'Logs', LOG_GROUP);
  const role = executionRole(scope, 'Role', {
    logGroup,
    rollbackAlarmNames: [],
    inVpc: props.vpc !== undefined,
    volumeKey: props.volumeKey,
    of: 'batch scoring',
  });
  allow(role, ['logs:CreateLogGroup'], logGroup.logGroupArn);
  acknowledgeResource(
    role,
    logGroup.logGroupArn,
    'SageMaker names the streams of a job itself, in the one group that transform jobs log to.',
  );
  allowRead(role, input.bucket, `${input.prefix}/*`);
  allowWrite(role, output.bucket, `${output.prefix}/*`);
  role.addToPolicy(
    new PolicyStatement({
      sid: 'ListInput',
      actions: ['s3:ListBucket'],
      resources: [input.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [`${input.prefix}/*`] } },
    }),
  );
  acknowledgeResource(role, input.bucket.arnForObjects(`${input.prefix}/*`), 'Whoever is scored names the objects below this prefix.');
  acknowledgeResource(role, output.bucket.arnForObjects(`${output.prefix}/*`), 'Each run has a folder of its own below this prefix.');
  return role;
}

/** @internal */
export interface MachineRoleProps {
  readonly settings: BatchSettings;
  readonly containers: Role;
  readonly bus: IEventBus;
  /** Set when each run makes a model of the approved version. */
  readonly registry?: RegistryOrigin;
}

/** What a run does: its job, its announcement, and its model where there is none. https://docs.aws.amazon.com/step-functions/latest/dg/sagemaker-iam.html @internal */
export function machineRole(scope: Construct, { settings, containers, bus, registry }: MachineRoleProps): Role {
  const stack = Stack.of(scope);
  const role = new Role(scope, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  const jobs = stack.formatArn({ service: 'sagemaker', resource: 'transform-job', resourceName: `${settings.jobPrefix}--*` });
  const jobActions = ['Create', 'Describe', 'Stop'].map((verb) => `sagemaker:${verb}TransformJob`);
  role.addToPolicy(new PolicyStatement({ sid: 'TransformJobs', actions: jobActions, resources: [jobs] }));
  role.addToPolicy(new PolicyStatement({ sid: 'Tags', actions: ['sagemaker:AddTags', 'sagemaker:ListTags'], resources: [jobs] }));
  acknowledgeResource(role, jobs, 'Jobs of this scoring alone; each is named after its run.');
  const rule = stack.formatArn({
    service: 'events',
    resource: 'rule',
    resourceName: 'StepFunctionsGetEventsForSageMakerTransformJobsRule',
  });
  role.addToPolicy(
    new PolicyStatement({ sid: 'JobEvents', actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: [rule] }),
  );
  bus.grantPutEventsTo(role);
  if (registry !== undefined) {
    allowModels(role, stack, settings, containers, registry);
  }
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'log delivery and AWS X-Ray take no resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html',
  });
  return role;
}

function allowModels(role: Role, stack: Stack, { jobPrefix }: BatchSettings, containers: Role, registry: RegistryOrigin): void {
  const models = stack.formatArn({ service: 'sagemaker', resource: 'model', resourceName: `${jobPrefix}--*` });
  const versions = stack.formatArn({ service: 'sagemaker', resource: 'model-package', resourceName: `${registry.group}/*` });
  const pointer = stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: registry.approvedParameter.slice(1) });
  role.addToPolicy(
    new PolicyStatement({ sid: 'Models', actions: ['sagemaker:CreateModel', 'sagemaker:DeleteModel'], resources: [models] }),
  );
  role.addToPolicy(new PolicyStatement({ sid: 'Versions', actions: ['sagemaker:DescribeModelPackage'], resources: [versions] }));
  role.addToPolicy(new PolicyStatement({ sid: 'Approved', actions: ['ssm:GetParameter'], resources: [pointer] }));
  role.addToPolicy(
    new PolicyStatement({
      sid: 'PassContainerRole',
      actions: ['iam:PassRole'],
      resources: [containers.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    }),
  );
  acknowledgeResource(role, models, 'Models of this scoring alone; each is named after its run.');
  acknowledgeResource(role, versions, 'Any version of this one model may be approved.');
}
