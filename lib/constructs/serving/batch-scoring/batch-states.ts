import { Aws, Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { EVENT_SOURCE, EventType } from '../../integration/contract';
import { ImageAccelerator } from '../../models/inference-image';
import { NO_VERSION } from '../../models/contract';
import { JOB_RETRIES } from '../../shared/job-retries';
import { BatchSplit } from './batch-location';
import { BatchScoringProps } from './batch-scoring-props';
import { BatchSettings } from './batch-settings';

/** What the states name. @internal */
export interface BatchStatesProps {
  readonly props: BatchScoringProps;
  readonly settings: BatchSettings;
  readonly roleArn: string;
  readonly busName: string;
  /** The model of the template; absent where each run makes one of the approved version. */
  readonly modelName?: string;
  readonly securityGroupIds: string[];
}

/** The driver of transform jobs that runs CUDA 12; SageMaker's default is older (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html). */
const GPU_AMI = 'al2-ami-sagemaker-batch-gpu-535';

/** Calls that may be repeated: a throttled one has done nothing. */
const CALL_RETRIES = [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 5, MaxAttempts: 5, BackoffRate: 2 }];

/**
 * Definition of the machine: one transform job, and the event that publishes it. A job with a single object that failed has failed as a whole
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformOutput.html), so what is published is complete.
 *
 * @internal
 */
export function batchStates(scope: Construct, given: BatchStatesProps): object {
  const { settings, props, modelName } = given;
  const fresh = modelName === undefined;
  const first = fresh ? 'Approved' : 'Transform';
  const failed = fresh ? 'DropModelOfFailure' : undefined;
  return {
    StartAt: 'Fixed',
    TimeoutSeconds: settings.timeout.toSeconds(),
    States: {
      Fixed: {
        Type: 'Pass',
        Result: { folder: settings.output.bucket.s3UrlForObject(settings.output.prefix), model: modelName },
        Next: 'Run',
      },
      Run: { Type: 'Pass', Parameters: runOf(settings, fresh), Next: first },
      ...(fresh ? approvedModel(scope, given) : {}),
      Transform: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::sagemaker:createTransformJob.sync`,
        Parameters: transformJob(props, settings),
        ResultPath: null,
        Retry: JOB_RETRIES,
        ...(failed && { Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: failed }] }),
        Next: 'Announce',
      },
      Announce: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::events:putEvents`,
        Parameters: { Entries: [announcement(given)] },
        ResultPath: null,
        Retry: CALL_RETRIES,
        ...(failed && { Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: failed }] }),
        Next: fresh ? 'DropModel' : 'Done',
      },
      ...(fresh ? droppedModel() : {}),
      Done: { Type: 'Succeed' },
    },
  };
}

/** The job is named by a hash of the execution: names of executions have characters and lengths that names of jobs have not. */
function runOf({ jobPrefix }: BatchSettings, fresh: boolean): object {
  const job = `States.Format('${jobPrefix}--{}', States.Hash($$.Execution.Id, 'MD5'))`;
  const day = `States.ArrayGetItem(States.StringSplit($$.Execution.StartTime, 'T'), 0)`;
  return {
    'run.$': '$$.Execution.Name',
    'startedAt.$': '$$.Execution.StartTime',
    'job.$': job,
    'model.$': fresh ? job : '$.model',
    'output.$': `States.Format('{}/{}/{}', $.folder, ${day}, $$.Execution.Name)`,
  };
}

/** Each run takes the version that is approved then: a template would know only the one of its last deployment. */
function approvedModel(scope: Construct, { props, settings, roleArn, securityGroupIds }: BatchStatesProps): Record<string, object> {
  const { vpc, vpcSubnets, model } = props;
  return {
    Approved: {
      Type: 'Task',
      Resource: `arn:${Aws.PARTITION}:states:::aws-sdk:ssm:getParameter`,
      Parameters: { Name: model._registry?.approvedParameter },
      ResultSelector: { 'version.$': '$.Parameter.Value' },
      ResultPath: '$.approved',
      Retry: CALL_RETRIES,
      Next: 'IsApproved',
    },
    IsApproved: {
      Type: 'Choice',
      Choices: [{ Variable: '$.approved.version', StringEquals: NO_VERSION, Next: 'NothingApproved' }],
      Default: 'Model',
    },
    NothingApproved: {
      Type: 'Fail',
      Error: 'NothingApproved',
      Cause: 'No version of the model is approved: approve one, then start a run again.',
    },
    Model: {
      Type: 'Task',
      Resource: `arn:${Aws.PARTITION}:states:::sagemaker:createModel`,
      Parameters: {
        'ModelName.$': '$.model',
        ExecutionRoleArn: roleArn,
        PrimaryContainer: { 'ModelPackageName.$': '$.approved.version' },
        EnableNetworkIsolation: settings.networkIsolation,
        ...(vpc && {
          VpcConfig: { Subnets: Stack.of(scope).resolve(vpc.selectSubnets(vpcSubnets).subnetIds), SecurityGroupIds: securityGroupIds },
        }),
      },
      ResultPath: null,
      Retry: JOB_RETRIES,
      Next: 'Transform',
    },
  };
}

/** A model that could not be dropped costs nothing and is in nobody's way. */
function droppedModel(): Record<string, object> {
  const drop = (Next: string) => ({
    Type: 'Task',
    Resource: `arn:${Aws.PARTITION}:states:::aws-sdk:sagemaker:deleteModel`,
    Parameters: { 'ModelName.$': '$.model' },
    ResultPath: null,
    Retry: CALL_RETRIES,
    Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next }],
    Next,
  });
  return {
    DropModel: drop('Done'),
    DropModelOfFailure: drop('Failed'),
    Failed: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
  };
}

function transformJob({ instance, model, volumeKey, environment }: BatchScoringProps, settings: BatchSettings): object {
  const { input, output } = settings;
  const gpu = model.image.accelerator === ImageAccelerator.GPU;
  return {
    'TransformJobName.$': '$.job',
    'ModelName.$': '$.model',
    MaxConcurrentTransforms: settings.maxConcurrentTransforms,
    MaxPayloadInMB: settings.maxPayload.toMebibytes(),
    BatchStrategy: settings.strategy,
    ModelClientConfig: {
      InvocationsTimeoutInSeconds: settings.invocationTimeout.toSeconds(),
      InvocationsMaxRetries: settings.invocationRetries,
    },
    Environment: environment,
    TransformInput: {
      // With the slash: a prefix is no folder, and would also find what lies beside it.
      DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: `${input.bucket.s3UrlForObject(input.prefix)}/` } },
      ContentType: input.contentType,
      SplitType: input.split,
      CompressionType: input.gzip ? 'Gzip' : 'None',
    },
    TransformOutput: {
      'S3OutputPath.$': '$.output',
      Accept: output.accept,
      AssembleWith: input.split === BatchSplit.LINE ? 'Line' : 'None',
      KmsKeyId: output.bucket.encryptionKey?.keyArn,
    },
    DataProcessing: { InputFilter: input.filter, OutputFilter: output.filter, JoinSource: output.joinInput ? 'Input' : 'None' },
    TransformResources: {
      InstanceType: instance.name,
      InstanceCount: settings.instanceCount,
      VolumeKmsKeyId: volumeKey?.keyArn,
      TransformAmiVersion: gpu ? GPU_AMI : undefined,
    },
  };
}

function announcement({ settings, busName, modelName }: BatchStatesProps): object {
  const { input, name } = settings;
  return {
    EventBusName: busName,
    Source: EVENT_SOURCE,
    DetailType: EventType.BATCH_SCORED,
    Detail: {
      scoring: name,
      'run.$': '$.run',
      'startedAt.$': '$.startedAt',
      input: `${input.bucket.s3UrlForObject(input.prefix)}/`,
      'output.$': '$.output',
      ...(modelName === undefined ? { 'model.$': '$.approved.version' } : { 'model.$': '$.model' }),
    },
  };
}
