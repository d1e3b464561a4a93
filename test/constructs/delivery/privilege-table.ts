import {
  anywhere,
  APPROVAL,
  arn,
  ARTIFACTS,
  BOOTSTRAP,
  CONFIG,
  each,
  ENDPOINT,
  iam,
  KEPT,
  MADE,
  MODEL,
  Need,
  OWNED,
  passed,
  POINTER,
  PREFIX,
  Privileges,
  VERSION,
} from './privileges';
import { release } from './release-privileges';

const TRACES = anywhere('xray', 'PutTraceSegments PutTelemetryRecords', 'AWS X-Ray takes segments without naming a resource');
const MACHINE = [
  ...anywhere(
    'logs',
    'CreateLogDelivery GetLogDelivery UpdateLogDelivery DeleteLogDelivery ListLogDeliveries PutResourcePolicy DescribeResourcePolicies DescribeLogGroups',
    'delivery of logs names no resource',
  ),
  ...TRACES,
  ...anywhere('xray', 'GetSamplingRules GetSamplingTargets', 'sampling names no resource'),
];
const queue = (name: string) => each('sqs', 'SendMessage GetQueueAttributes GetQueueUrl', arn('sqs', name));
/** A table's changes go to the bus, and what cannot be told to a queue. */
const announcer = (table: string, letters: string): Need[] => [
  ...TRACES,
  ...queue(letters),
  ...anywhere('dynamodb', 'ListStreams', 'listing streams has no resource type'),
  ...each('dynamodb', 'DescribeStream GetRecords GetShardIterator', arn('dynamodb', `${table}/StreamArn`)),
  ...each('events', 'PutEvents', arn('events', 'Bus')),
];
const GROUP = arn('sagemaker', `model-package-group/${PREFIX}-delay`);
const SERVING = arn('cloudformation', `stack/${PREFIX}-serving-delay/0a1b`);
const TRAINED = `${ARTIFACTS}/runs/delay/training/j/output/model.tar.gz`;
const KEY = arn('kms', 'ArtifactsKey');
const PULL = [
  ...each(
    'ecr',
    'BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer',
    'arn:aws:ecr:us-east-1:999999999999:repository/sagemaker-scikit-learn',
  ).map((need) => ({ ...need, reason: 'the repository is of AWS' })),
  ...anywhere('ecr', 'GetAuthorizationToken', 'logging in names no repository'),
];

const steps: Privileges = {
  service: 'lambda.amazonaws.com',
  logs: true,
  may: [
    ...TRACES,
    ...each('dynamodb', 'GetItem Query PutItem UpdateItem DeleteItem ConditionCheckItem', arn('dynamodb', 'ReleaseReleases')),
    ...each('states', 'StartExecution', arn('states', `stateMachine:${PREFIX}-release`)),
    ...each('states', 'DescribeExecution', arn('states', `execution:${PREFIX}-release:revive-1`)),
    ...each('cloudformation', 'DescribeStacks', SERVING),
    ...each('cloudformation', 'UpdateStack', SERVING, { 'cloudformation:RoleArn': iam('role/ReleaseReleaseRole') }),
    ...passed(iam('role/ReleaseReleaseRole'), 'cloudformation.amazonaws.com'),
    ...each('ssm', 'GetParameter GetParameters PutParameter', POINTER),
    ...each('ssm', 'GetParameters', BOOTSTRAP),
    ...each('sagemaker', 'ListModelPackages', GROUP),
    ...each('sagemaker', 'DescribeModelPackage', VERSION),
    ...anywhere('sagemaker', 'ListModelPackageGroups', 'listing groups has no resource type'),
    ...each('cloudwatch', 'DescribeAlarms', arn('cloudwatch', `alarm:${PREFIX}-delay-rollback-latency`)),
    ...each('sagemaker', 'DescribeEndpoint', ENDPOINT),
    ...each('sagemaker', 'DescribeModel', MODEL, OWNED),
    ...each('sagemaker', 'DescribeEndpointConfig', CONFIG, OWNED),
  ],
  mayNot: [
    ...each('cloudformation', 'UpdateStack', SERVING, { 'cloudformation:RoleArn': iam('role/Administrator') }),
    ...['delivery', 'model-delay', 'integration'].flatMap((stack) =>
      each('cloudformation', 'UpdateStack', arn('cloudformation', `stack/${PREFIX}-${stack}/1`), {
        'cloudformation:RoleArn': iam('role/ReleaseReleaseRole'),
      }),
    ),
    ...each('sagemaker', 'CreateModel CreateEndpoint UpdateEndpoint DeleteEndpoint AddTags', ENDPOINT, { ...MADE, ...OWNED }),
    ...each('ssm', 'PutParameter', arn('ssm', `parameter/${PREFIX}/models/delay/other`)),
  ],
};

const releaseRoles: Record<string, Privileges> = {
  CustomS3AutoDeleteObjectsCustomResourceProviderRole: { service: 'lambda.amazonaws.com', logs: true, may: [] },
  ReleaseReleaseRole: release,
  ReleaseStepsServiceRole: steps,
  ReleaseMachineRole: {
    service: 'states.amazonaws.com',
    may: [...['ReleaseSteps', 'ReleaseSteps:1'].flatMap((name) => each('lambda', 'InvokeFunction', arn('lambda', name))), ...MACHINE],
    mayNot: each('lambda', 'InvokeFunction', arn('lambda', 'ReleaseJanitor')),
  },
  ReleaseMachineEventsRole: {
    service: 'events.amazonaws.com',
    may: each('states', 'StartExecution', arn('states', 'ReleaseMachine')),
    mayNot: each('states', 'StopExecution', arn('states', 'ReleaseMachine')),
  },
  ReleaseAnnouncerServiceRole: { service: 'lambda.amazonaws.com', logs: true, may: announcer('ReleaseReleases', 'ReleaseUnannounced') },
  ReleaseJanitorServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    may: [
      ...TRACES,
      ...anywhere('sagemaker', 'ListModels ListEndpointConfigs ListEndpoints', 'listing has no resource type'),
      ...[MODEL, CONFIG].flatMap((resource) => each('sagemaker', 'ListTags', resource)),
      ...each('sagemaker', 'DescribeEndpoint', arn('sagemaker', 'endpoint/somebody-elses')),
      ...each('sagemaker', 'DescribeModel DeleteModel', MODEL, OWNED),
      ...each('sagemaker', 'DescribeEndpointConfig DeleteEndpointConfig', CONFIG, OWNED),
      ...each('cloudformation', 'DescribeStacks ListStackResources', SERVING),
    ],
    mayNot: each('sagemaker', 'DeleteEndpoint', ENDPOINT, OWNED),
  },
};

const runsOf = (folder: string) => `${ARTIFACTS}/runs/delay/0f/1/${folder}/file`;
const job = (kind: string) => arn('sagemaker', `${kind}/${PREFIX}-delay--0f-1-step`);
const rule = (kind: string) => arn('events', `rule/StepFunctionsGetEventsForSageMaker${kind}JobsRule`);

/** `code` are the ARNs of the packed code, whose keys are hashes. */
const jobs = (code: readonly string[]): Privileges => ({
  service: 'sagemaker.amazonaws.com',
  ofModel: true,
  may: [
    ...each('s3', 'GetObject GetObjectVersion', 'arn:aws:s3:::ZonesValidated/flights/2013/records.csv.gz'),
    ...each('s3', 'GetObject GetObjectVersion', 'arn:aws:s3:::ZonesValidated/datasets/flights/d1.json'),
    ...each('s3', 'GetObject GetObjectVersion PutObject AbortMultipartUpload', runsOf('train')),
    ...each('kms', 'Decrypt GenerateDataKey', KEY),
    ...each('s3', 'GetObject GetObjectVersion', KEPT),
    ...['runs', 'versions'].flatMap((part) => each('s3', 'ListBucket', ARTIFACTS, { 's3:prefix': `${part}/delay/0f/` })),
    ...code.flatMap((key) => each('s3', 'GetObject', key)),
    ...code.flatMap((key) => each('s3', 'ListBucket', key.split('/')[0], { 's3:prefix': key.split('/')[1] })),
    ...['TrainingJobs', 'ProcessingJobs'].flatMap((group) =>
      each(
        'logs',
        'CreateLogGroup CreateLogStream DescribeLogStreams PutLogEvents',
        arn('logs', `log-group:/aws/sagemaker/${group}:log-stream:j`),
      ),
    ),
    ...PULL,
  ],
  mayNot: [
    ...each('s3', 'GetObject', 'arn:aws:s3:::ZonesValidated/weather/records.csv.gz'),
    ...each('s3', 'GetObject', 'arn:aws:s3:::ZonesValidated/datasets/weather/d1.json'),
    ...each('s3', 'GetObject', 'arn:aws:s3:::ZonesValidated/flights2/records.csv.gz'),
    ...each('s3', 'PutObject', 'arn:aws:s3:::ZonesValidated/datasets/flights/d1.json'),
    ...each('s3', 'GetObject PutObject', `${ARTIFACTS}/runs/other/training/j/output/model.tar.gz`),
    ...each('s3', 'PutObject AbortMultipartUpload', KEPT),
    ...each('s3', 'ListBucket', ARTIFACTS, { 's3:prefix': 'versions/' }),
    ...each('s3', 'ListBucket', ARTIFACTS),
    ...code.flatMap((key) => each('s3', 'GetObject', `${key.split('/')[0]}/somebody-elses.zip`)),
    ...each('sagemaker', 'CreateModelPackage', GROUP, { [APPROVAL]: 'PendingManualApproval' }),
    ...each('ssm', 'GetParameter', POINTER),
  ],
});

const READ_VERSIONS = [
  ...each('sagemaker', 'DescribeModelPackageGroup ListModelPackages', GROUP),
  ...each('sagemaker', 'DescribeModelPackage', VERSION),
];

const trainingRoles = (code: readonly string[]): Record<string, Privileges> => ({
  ApprovedHandlerServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    ofModel: true,
    may: [...TRACES, ...each('ssm', 'PutParameter DeleteParameter', POINTER)],
  },
  TrainingJobRole: jobs(code),
  TrainingAnnouncerServiceRole: { service: 'lambda.amazonaws.com', logs: true, may: announcer('TrainingRuns', 'TrainingUndelivered') },
  TrainingTriggerServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    ofModel: true,
    may: [
      ...TRACES,
      ...queue('TrainingUndelivered'),
      ...each('dynamodb', 'GetItem PutItem UpdateItem', arn('dynamodb', 'TrainingRuns')),
      ...each('dynamodb', 'GetItem Scan', arn('dynamodb', 'CatalogVersions')),
      ...each('states', 'StartExecution', arn('states', `stateMachine:${PREFIX}-delay-training`)),
      ...each('ssm', 'GetParameter', POINTER),
      ...READ_VERSIONS,
    ],
    mayNot: [
      ...each('dynamodb', 'DeleteItem', arn('dynamodb', 'TrainingRuns')),
      ...each('dynamodb', 'PutItem', arn('dynamodb', 'CatalogVersions')),
      ...each('ssm', 'PutParameter', POINTER),
    ],
  },
  TrainingGateServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    ofModel: true,
    may: [
      ...TRACES,
      ...each('s3', 'GetObject GetObjectVersion', runsOf('evaluation')),
      ...each('s3', 'PutObject AbortMultipartUpload', runsOf('gate')),
      ...each('kms', 'Decrypt GenerateDataKey', KEY),
    ],
    mayNot: [...each('s3', 'PutObject', runsOf('evaluation')), ...each('s3', 'GetObject', runsOf('train'))],
  },
  TrainingRegistrarServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    ofModel: true,
    may: [
      ...TRACES,
      ...[GROUP, VERSION].flatMap((resource) => [
        ...each('sagemaker', 'CreateModelPackage', resource, { [APPROVAL]: 'PendingManualApproval' }),
        ...each('sagemaker', 'AddTags', resource),
      ]),
      ...READ_VERSIONS,
      ...each('sagemaker', 'DescribeTrainingJob', job('training-job')),
      ...each('s3', 'GetObject', TRAINED),
      ...each('s3', 'GetObject', code[0]),
      ...each('s3', 'PutObject', KEPT),
      ...each('kms', 'Decrypt GenerateDataKey', KEY),
    ],
    mayNot: [
      ...each('sagemaker', 'UpdateModelPackage', VERSION, { [APPROVAL]: 'Approved' }),
      ...each('s3', 'PutObject', TRAINED),
      ...code.slice(1).flatMap((key) => each('s3', 'GetObject', key)),
    ],
  },
  TrainingRecordServiceRole: {
    service: 'lambda.amazonaws.com',
    logs: true,
    ofModel: true,
    may: [...TRACES, ...queue('TrainingUndelivered'), ...each('dynamodb', 'UpdateItem', arn('dynamodb', 'TrainingRuns')), ...READ_VERSIONS],
    mayNot: each('dynamodb', 'PutItem DeleteItem', arn('dynamodb', 'TrainingRuns')),
  },
  TrainingMachineRole: {
    service: 'states.amazonaws.com',
    ofModel: true,
    may: [
      ...each('sagemaker', 'CreateTrainingJob DescribeTrainingJob StopTrainingJob AddTags ListTags', job('training-job')),
      ...each('sagemaker', 'CreateProcessingJob DescribeProcessingJob StopProcessingJob AddTags ListTags', job('processing-job')),
      ...passed(iam('role/TrainingJobRole'), 'sagemaker.amazonaws.com'),
      ...PULL.filter(({ action }) => action === 'ecr:BatchGetImage'),
      ...['Training', 'Processing'].flatMap((kind) => each('events', 'PutTargets PutRule DescribeRule', rule(kind))),
      ...['Trigger', 'Gate', 'Registrar', 'Record'].flatMap((name) => each('lambda', 'InvokeFunction', arn('lambda', `Training${name}`))),
      ...MACHINE,
    ],
    mayNot: [
      ...each('events', 'PutRule', arn('events', 'rule/somebody-elses')),
      ...each('lambda', 'InvokeFunction', arn('lambda', 'ReleaseSteps')),
      ...passed(iam('role/ReleaseReleaseRole'), 'sagemaker.amazonaws.com'),
    ],
  },
});

const servingRoles: Record<string, Privileges> = {
  EndpointRole: {
    service: 'sagemaker.amazonaws.com',
    ofModel: true,
    may: [
      ...each('logs', 'CreateLogStream DescribeLogStreams PutLogEvents', arn('logs', 'EndpointLogs')),
      ...anywhere('cloudwatch', 'PutMetricData', 'metrics have no resource type', { 'cloudwatch:namespace': 'AWS/SageMaker' }),
      ...['errors', 'latency'].flatMap((on) =>
        each('cloudwatch', 'DescribeAlarms', arn('cloudwatch', `alarm:${PREFIX}-delay-rollback-${on}`)),
      ),
      ...each('s3', 'PutObject', `arn:aws:s3:::ZonesCapture/endpoints/${PREFIX}-delay/AllTraffic/1.jsonl`),
      ...each('s3', 'GetObject', KEPT),
      ...each('kms', 'Decrypt', KEY),
      ...PULL,
    ],
    mayNot: [
      ...each('s3', 'PutObject', KEPT),
      ...each('s3', 'GetObject', `arn:aws:s3:::ZonesCapture/endpoints/${PREFIX}-delay/AllTraffic/1.jsonl`),
    ],
  },
};

/** Every role of the layer. `code`: ARNs of the packed code. */
export const privilegesOf = (code: readonly string[]): Readonly<Record<string, Privileges>> => ({
  ...releaseRoles,
  ...trainingRoles(code),
  ...servingRoles,
});
