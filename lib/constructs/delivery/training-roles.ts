import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { DatasetCatalog } from '../data/dataset-catalog/dataset-catalog';
import { runPrefix, versionPrefix } from '../models/contract';
import { ModelArtifacts } from '../models/model-artifacts';
import { acknowledgeResource } from '../shared/acknowledgements';
import { TrainingCode } from './training-code';

/** @internal */
export interface JobRoleProps {
  readonly model: string;
  readonly artifacts: ModelArtifacts;
  readonly catalog: DatasetCatalog;
  readonly dataset: string;
  readonly code: TrainingCode;
}

/** The role of all jobs of one pipeline: its dataset, what its runs leave, the versions of its model, its code, and the logs of jobs. @internal */
export function jobRole(scope: Construct, props: JobRoleProps): Role {
  const { model, artifacts, catalog, dataset, code } = props;
  const stack = Stack.of(scope);
  const role = new Role(scope, 'JobRole', {
    description: `Jobs that train ${model}`,
    assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': stack.formatArn({ service: 'sagemaker', resource: '*', arnFormat: ArnFormat.NO_RESOURCE_NAME }) },
      },
    }),
  });
  catalog.grantReadDataset(dataset, role);
  for (const pattern of [`datasets/${dataset}/*`, `${dataset}/*`]) {
    acknowledgeResource(role, catalog.manifests.arnForObjects(pattern), 'manifests and objects of this one dataset have random names');
  }
  artifacts.grantReadWriteRuns(model, role);
  artifacts.grantRead(model, role);
  list(role, 'ListArtifacts', artifacts.bucket.bucketArn, `${runPrefix(model)}*`, `${versionPrefix(model)}*`);
  const assets = Bucket.fromBucketName(scope, 'AssetBucket', code.bucketName);
  role.addToPolicy(
    new PolicyStatement({ sid: 'Code', actions: ['s3:GetObject'], resources: code.keys.map((key) => assets.arnForObjects(key)) }),
  );
  list(role, 'ListCode', assets.bucketArn, ...code.keys);
  allowLogs(role, stack);
  return role;
}

/** SageMaker lists what an input names by prefix. */
function list(role: Role, sid: string, bucketArn: string, ...prefixes: string[]): void {
  const conditions = { StringLike: { 's3:prefix': prefixes } };
  role.addToPolicy(new PolicyStatement({ sid, actions: ['s3:ListBucket'], resources: [bucketArn], conditions }));
}

/** All jobs of an account log to these two groups (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html). */
function allowLogs(role: Role, stack: Stack): void {
  const groups = ['TrainingJobs', 'ProcessingJobs'].map((name) =>
    stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: `/aws/sagemaker/${name}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  );
  const actions = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'];
  role.addToPolicy(new PolicyStatement({ sid: 'Logs', actions, resources: groups }));
  groups.forEach((group) =>
    acknowledgeResource(role, group, 'SageMaker names the streams of a job itself, in the two groups that it logs to'),
  );
}

/**
 * Names of a pipeline's jobs. Two hyphens end the part that names the model, for no model has two in a row: jobs of `delay-x` are not of `delay`.
 *
 * @internal
 */
export const jobPattern = (jobPrefix: string): string => `${jobPrefix}--*`;

/** @internal */
export interface MachineRoleProps {
  readonly jobRole: Role;
  readonly jobPrefix: string;
  readonly functions: IFunction[];
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/sagemaker-iam.html @internal */
export function machineRole(scope: Construct, { jobRole: passed, jobPrefix, functions }: MachineRoleProps): Role {
  const stack = Stack.of(scope);
  const role = new Role(scope, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  const jobs = ['training-job', 'processing-job'].map((resource) =>
    stack.formatArn({ service: 'sagemaker', resource, resourceName: jobPattern(jobPrefix) }),
  );
  const job = (sid: string, kind: string, resource: string) =>
    new PolicyStatement({ sid, actions: ['Create', 'Describe', 'Stop'].map((verb) => `sagemaker:${verb}${kind}`), resources: [resource] });
  role.addToPolicy(job('TrainingJobs', 'TrainingJob', jobs[0]));
  role.addToPolicy(job('ProcessingJobs', 'ProcessingJob', jobs[1]));
  role.addToPolicy(new PolicyStatement({ sid: 'Tags', actions: ['sagemaker:AddTags', 'sagemaker:ListTags'], resources: jobs }));
  jobs.forEach((arn) => acknowledgeResource(role, arn, 'jobs of this pipeline alone; each is named after its run'));
  role.addToPolicy(
    new PolicyStatement({
      sid: 'PassJobRole',
      actions: ['iam:PassRole'],
      resources: [passed.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    }),
  );
  const rules = ['Training', 'Processing'].map((kind) =>
    stack.formatArn({ service: 'events', resource: 'rule', resourceName: `StepFunctionsGetEventsForSageMaker${kind}JobsRule` }),
  );
  role.addToPolicy(
    new PolicyStatement({ sid: 'JobEvents', actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], resources: rules }),
  );
  role.addToPolicy(
    new PolicyStatement({ sid: 'Steps', actions: ['lambda:InvokeFunction'], resources: functions.map((fn) => fn.functionArn) }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'log delivery and AWS X-Ray take no resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html',
  });
  return role;
}
