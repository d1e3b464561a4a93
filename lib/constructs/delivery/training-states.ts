import { Aws } from 'aws-cdk-lib';
import { PublishedTag } from '../models/image-registry';
import { JOB_RETRIES } from '../shared/job-retries';
import { CONTAINER, RegistrationSettings, RunState } from './contract';
import { StagedFeatures } from './training-code';

/** What the states name. @internal */
export interface TrainingStatesProps {
  /** What trains, evaluates and, registered, serves. */
  readonly image: PublishedTag;
  readonly jobRoleArn: string;
  readonly trainingInstance: string;
  readonly servingInstance: string;
  readonly volumeGiB: number;
  readonly stepSeconds: number;
  readonly trainingSeconds: number;
  /** Absent without spot instances. */
  readonly waitSeconds?: number;
  /** Address and file name of the programs. */
  readonly prepare: { readonly uri: string; readonly file: string };
  readonly evaluate: { readonly file: string };
  readonly features?: StagedFeatures;
  readonly triggerArn: string;
  readonly gateArn: string;
  readonly registrarArn: string;
  readonly registration: RegistrationSettings;
  readonly recordArn: string;
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html */
const FUNCTION_RETRIES = [
  {
    ErrorEquals: ['Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.TooManyRequestsException'],
    IntervalSeconds: 2,
    MaxAttempts: 6,
    BackoffRate: 2,
  },
];

const TO_FAILURE = [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'RecordFailed' }];

/** Definition of the training machine: image, prepare, train, evaluate, gate, register, record. Its input is a `TrainingPlan`. @internal */
export function trainingStates(props: TrainingStatesProps): object {
  return {
    StartAt: 'Image',
    TimeoutSeconds: 2 * props.stepSeconds + (props.waitSeconds ?? props.trainingSeconds) + 2 * 3600,
    States: {
      Image: resolvedImage(props.image),
      Prepare: job('createProcessingJob', 'Train', prepareJob(props)),
      Train: job('createTrainingJob', 'Current', trainingJob(props)),
      Current: call(props.triggerArn, { 'current.$': '$' }, '$.live', 'Evaluate'),
      Evaluate: job('createProcessingJob', 'Gate', evaluationJob(props)),
      Gate: call(props.gateArn, undefined, '$.verdict', 'Passed'),
      Passed: {
        Type: 'Choice',
        Choices: [{ Variable: '$.verdict.passed', BooleanEquals: true, Next: 'Register' }],
        Default: 'RecordRefused',
      },
      Register: call(props.registrarArn, { 'run.$': '$', registration: props.registration }, '$.registered', 'RecordRegistered'),
      ...record('RecordRegistered', RunState.REGISTERED, props.recordArn, 'Done'),
      ...record('RecordRefused', RunState.REFUSED, props.recordArn, 'Done'),
      ...record('RecordFailed', RunState.FAILED, props.recordArn, 'Failed'),
      Done: { Type: 'Succeed' },
      Failed: { Type: 'Fail', Error: 'TrainingRunFailed', CausePath: '$.error.Cause' },
    },
  };
}

/**
 * The image behind the tag, by its digest: AWS has replaced images under a tag (https://github.com/aws/sagemaker-scikit-learn-container/issues/223),
 * so all jobs of a run and the version that it registers name one and the same. Without the media types of today's images Amazon ECR may
 * convert a manifest, which has another digest (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-manifest-formats.html).
 */
function resolvedImage({ registryId, repositoryName, repositoryUri, tag }: PublishedTag): object {
  return {
    Type: 'Task',
    Resource: `arn:${Aws.PARTITION}:states:::aws-sdk:ecr:batchGetImage`,
    Parameters: {
      RegistryId: registryId,
      RepositoryName: repositoryName,
      ImageIds: [{ ImageTag: tag }],
      AcceptedMediaTypes: ['application/vnd.docker.distribution.manifest.v2+json', 'application/vnd.oci.image.manifest.v1+json'],
    },
    ResultSelector: { 'uri.$': `States.Format('${repositoryUri}@{}', $.Images[0].ImageId.ImageDigest)` },
    ResultPath: '$.image',
    Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 10, MaxAttempts: 6, BackoffRate: 2 }],
    Catch: TO_FAILURE,
    Next: 'Prepare',
  };
}

function job(api: string, Next: string, Parameters: object): object {
  const Resource = `arn:${Aws.PARTITION}:states:::sagemaker:${api}.sync`;
  return { Type: 'Task', Resource, Parameters, ResultPath: null, Retry: JOB_RETRIES, Catch: TO_FAILURE, Next };
}

function call(Resource: string, Parameters: object | undefined, ResultPath: string, Next: string): object {
  return { Type: 'Task', Resource, ...(Parameters && { Parameters }), ResultPath, Retry: FUNCTION_RETRIES, Catch: TO_FAILURE, Next };
}

function record(name: string, outcome: RunState, Resource: string, Next: string): Record<string, object> {
  return { [name]: { Type: 'Task', Resource, Parameters: { outcome, 'run.$': '$' }, ResultPath: null, Retry: FUNCTION_RETRIES, Next } };
}

function trainingJob(props: TrainingStatesProps): object {
  const channel = (ChannelName: string) => ({
    ChannelName,
    DataSource: { S3DataSource: { S3DataType: 'S3Prefix', 'S3Uri.$': `$.uris.${ChannelName}`, S3DataDistributionType: 'FullyReplicated' } },
  });
  return {
    'TrainingJobName.$': '$.jobs.train',
    AlgorithmSpecification: { 'TrainingImage.$': '$.image.uri', TrainingInputMode: 'File' },
    RoleArn: props.jobRoleArn,
    'HyperParameters.$': '$.hyperparameters',
    InputDataConfig: [channel('train'), channel('validation')],
    OutputDataConfig: { 'S3OutputPath.$': '$.uris.training' },
    ResourceConfig: { InstanceCount: 1, InstanceType: props.trainingInstance, VolumeSizeInGB: props.volumeGiB },
    StoppingCondition: {
      MaxRuntimeInSeconds: props.trainingSeconds,
      ...(props.waitSeconds === undefined ? {} : { MaxWaitTimeInSeconds: props.waitSeconds }),
    },
    EnableManagedSpotTraining: props.waitSeconds !== undefined,
    CheckpointConfig: { 'S3Uri.$': '$.uris.checkpoints', LocalPath: '/opt/ml/checkpoints' },
  };
}

function prepareJob(props: TrainingStatesProps): object {
  const output = `${CONTAINER.root}/output`;
  const argument = (name: string, path: string) => `'--manifest-${name}', ${path}`;
  const manifest = [
    argument('bucket', '$.manifest.bucket'),
    argument('key', '$.manifest.key'),
    argument('version', '$.manifest.versionId'),
  ];
  const { features } = props;
  const computed =
    features === undefined
      ? []
      : [
          '--features',
          `${CONTAINER.root}/features/${features.definitions.file}`,
          '--engine',
          `${CONTAINER.root}/engine/${features.engine.file}`,
        ];
  return {
    ...processingJob(props, '$.jobs.prepare', props.trainingInstance),
    AppSpecification: {
      'ImageUri.$': '$.image.uri',
      ContainerEntrypoint: ['python3', `${CONTAINER.jobs}/${props.prepare.file}`],
      'ContainerArguments.$': `States.Array(${[...manifest, ...[...computed, '--output', output].map((text) => `'${text}'`)].join(', ')})`,
    },
    ProcessingInputs: [
      inputFrom('jobs', props.prepare.uri),
      ...(features === undefined ? [] : [inputFrom('features', features.definitions.uri), inputFrom('engine', features.engine.uri)]),
    ],
    ProcessingOutputConfig: { Outputs: [outputTo('data', output, '$.uris.data')] },
  };
}

function evaluationJob(props: TrainingStatesProps): object {
  const output = `${CONTAINER.root}/output`;
  return {
    ...processingJob(props, '$.jobs.evaluate', props.servingInstance),
    AppSpecification: {
      'ImageUri.$': '$.image.uri',
      ContainerEntrypoint: ['python3', `${CONTAINER.jobs}/${props.evaluate.file}`],
      'ContainerArguments.$': `States.Array('--dataset-id', $.datasetId, '--output', '${output}')`,
    },
    'ProcessingInputs.$': '$.live.inputs',
    ProcessingOutputConfig: { Outputs: [outputTo('evaluation', output, '$.uris.evaluation')] },
    // Whatever the candidate's code does, it reads nothing but its inputs and sends nothing out.
    NetworkConfig: { EnableNetworkIsolation: true },
  };
}

function processingJob(props: TrainingStatesProps, name: string, InstanceType: string): object {
  return {
    'ProcessingJobName.$': name,
    RoleArn: props.jobRoleArn,
    ProcessingResources: { ClusterConfig: { InstanceCount: 1, InstanceType, VolumeSizeInGB: props.volumeGiB } },
    StoppingCondition: { MaxRuntimeInSeconds: props.stepSeconds },
  };
}

function inputFrom(InputName: string, S3Uri: string): object {
  return {
    InputName,
    S3Input: {
      S3Uri,
      LocalPath: `${CONTAINER.root}/${InputName}`,
      S3DataType: 'S3Prefix',
      S3InputMode: 'File',
      S3DataDistributionType: 'FullyReplicated',
    },
  };
}

function outputTo(OutputName: string, LocalPath: string, uri: string): object {
  return { OutputName, S3Output: { 'S3Uri.$': uri, LocalPath, S3UploadMode: 'EndOfJob' } };
}
