import { Fault } from './faults';

/* eslint-disable @typescript-eslint/no-explicit-any -- templates are mutated by hand */
type R = Record<string, any>;

/** Properties of the resource of a type whose logical id starts as said: CDK appends a hash. */
function of(resources: R, type: string, start: string): R {
  const found = Object.entries(resources).find(([id, { Type }]) => Type === `AWS::${type}` && id.startsWith(start));
  if (found === undefined) {
    throw new Error(`the sound app has no ${type} ${start}`);
  }
  return found[1].Properties;
}
const alarm = (r: R, start: string) => of(r, 'CloudWatch::Alarm', start);
const target = (r: R, start: string) => of(r, 'ApplicationAutoScaling::ScalableTarget', start);
const policy = (r: R, start: string) => of(r, 'ApplicationAutoScaling::ScalingPolicy', start);
const machine = (r: R, start: string) => of(r, 'StepFunctions::StateMachine', start);
const queue = (r: R, start: string) => of(r, 'SQS::Queue', start);
const endpoint = (r: R, start: string) => of(r, 'SageMaker::Endpoint', start);
const config = (r: R) => of(r, 'SageMaker::EndpointConfig', 'Config');
const fault = (check: string, name: string, seed: Fault['seed']): Fault => ({ check, fault: name, seed });
/** The mapping of a stream names it by its ARN, that of a queue by its own. */
const mappingOf = (r: R, source: 'Kinesis' | 'Sqs') =>
  Object.values(r).find(
    ({ Type, Properties }) =>
      Type === 'AWS::Lambda::EventSourceMapping' &&
      JSON.stringify(Properties.EventSourceArn).includes(source === 'Sqs' ? 'Orders' : 'Clicks'),
  )!.Properties;
const joined = (variant: string) => ({ 'Fn::Sub': `endpoint/\${Unnamed.EndpointName}/variant/${variant}` });
const many = (count: number, make: (i: number) => any) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`Many${i}`, make(i)]));

/** Faults of an app that is not ours; each is one change of its synthesized template. */
export const FOREIGN_FAULTS: Fault[] = [
  fault('schema', 'a CPU share that Fargate does not have', (r) => (of(r, 'ECS::TaskDefinition', 'Task').NetworkMode = 'awsvpcs')),
  fault('schema', 'an API property that does not exist', (r) => (of(r, 'ApiGateway::RestApi', 'Api').Nam = 'x')),
  fault('schema', 'a subnet without VPC', (r) => delete of(r, 'EC2::Subnet', 'Net').VpcId),

  fault('references', 'a cluster that is gone', (r) => (of(r, 'ECS::Service', 'Web').Cluster = { Ref: 'OldCluster' })),
  fault(
    'references',
    'an update policy that names nothing',
    (r) =>
      (Object.values(r).find(({ Type }) => Type === 'AWS::Lambda::Alias')!.UpdatePolicy = {
        CodeDeployLambdaAliasUpdate: { ApplicationName: { Ref: 'Gone' }, DeploymentGroupName: 'x' },
      }),
  ),
  fault(
    'references',
    'a condition inside a value that is not defined',
    (r) => (queue(r, 'Orders').DelaySeconds = { 'Fn::If': ['Slow', 5, 0] }),
  ),
  fault(
    'references',
    'an attribute that a function does not have',
    (r) =>
      (alarm(r, 'Oldest').AlarmDescription = {
        'Fn::GetAtt': [Object.keys(r).find((id) => r[id].Type === 'AWS::Lambda::Function')!, 'Name'],
      }),
  ),

  fault('events', 'a mapping of a stream that starts nowhere', (r) => delete mappingOf(r, 'Kinesis').StartingPosition),
  fault('events', 'a batch of orders that fails as a whole', (r) => delete mappingOf(r, 'Sqs').FunctionResponseTypes),
  fault('events', 'a dead-letter queue with a policy for another service', (r) =>
    Object.assign(of(r, 'SQS::QueuePolicy', 'DeadReturns').PolicyDocument.Statement[0], { Principal: { Service: 's3.amazonaws.com' } }),
  ),

  fault('iam-actions', 'a misspelt action', (r) =>
    of(r, 'IAM::Policy', 'Worker').PolicyDocument.Statement[0].Action.push('sqs:ReadMessage'),
  ),
  fault('iam-actions', 'an action of a service that does not exist', (r) =>
    of(r, 'IAM::Policy', 'Fulfil').PolicyDocument.Statement.push({ Effect: 'Allow', Action: 'lamda:InvokeFunction', Resource: '*' }),
  ),
  fault('iam-actions', 'an action without service', (r) =>
    of(r, 'IAM::Policy', 'Fulfil').PolicyDocument.Statement.push({ Effect: 'Deny', Action: 'InvokeFunction', Resource: '*' }),
  ),

  fault('state-machines', 'no definition', (r) => delete machine(r, 'ByPlainText').DefinitionString),
  fault(
    'state-machines',
    'a substituted text with a transition to nowhere',
    (r) =>
      (machine(r, 'ByPlainText').DefinitionString['Fn::Sub'] = machine(r, 'ByPlainText').DefinitionString['Fn::Sub'].replace(
        '"End":true',
        '"Next":"B"',
      )),
  ),
  fault(
    'state-machines',
    'a substituted list without an end',
    (r) =>
      (machine(r, 'ByText').DefinitionString['Fn::Sub'][0] = machine(r, 'ByText').DefinitionString['Fn::Sub'][0].replace(
        ',"End":true',
        '',
      )),
  ),
  fault('state-machines', 'a substituted text that is not JSON', (r) => (machine(r, 'ByPlainText').DefinitionString['Fn::Sub'] += '}')),
  fault('state-machines', 'an object that starts nowhere', (r) => (machine(r, 'ByObject').Definition.StartAt = 'B')),
  fault('state-machines', 'constructs overridden by an unknown type', (r) => {
    const join = machine(r, 'Fulfil').DefinitionString['Fn::Join'];
    join[1] = join[1].map((part: any) => (typeof part === 'string' ? part.replace('"Wait"', '"Nap"') : part));
  }),

  fault('alarms', 'a band that the alarm does not have', (r) => (alarm(r, 'OddErrors').ThresholdMetricId = 'band')),
  fault('alarms', 'a band and a threshold', (r) => (alarm(r, 'OddErrors').Threshold = 1)),
  fault('alarms', 'a band and an operator for numbers', (r) => (alarm(r, 'OddErrors').ComparisonOperator = 'GreaterThanThreshold')),
  fault('alarms', 'a band without its threshold', (r) => delete alarm(r, 'OddErrors').ThresholdMetricId),
  fault(
    'alarms',
    'a wrong metric under a band',
    (r) => (alarm(r, 'OddErrors').Metrics.find(({ MetricStat }: any) => MetricStat).MetricStat.Metric.MetricName = 'Failures'),
  ),
  fault('alarms', 'a query that nobody hears of', (r) => delete alarm(r, 'Slowest').AlarmActions),
  fault('alarms', 'a composite of another alarm', (r) => (of(r, 'CloudWatch::CompositeAlarm', 'Trouble').AlarmRule = 'ALARM("older")')),
  fault('alarms', 'a threshold that is always breached', (r) => (alarm(r, 'ApiErrors').Threshold = 0)),
  fault('alarms', 'dimensions of another API kind', (r) => (alarm(r, 'ApiErrors').Dimensions[0].Name = 'ApiId')),

  fault('queues', 'a visibility timeout that the function behind an alias outlasts', (r) => (queue(r, 'Orders').VisibilityTimeout = 60)),
  fault('queues', 'a function behind a version that is slow', (r) => {
    of(r, 'Lambda::EventSourceMapping', '').FunctionName = { Ref: Object.keys(r).find((id) => r[id].Type === 'AWS::Lambda::Version') };
    of(r, 'Lambda::Function', 'Worker').Timeout = 21;
  }),
  fault('queues', 'no dead-letter queue', (r) => delete queue(r, 'Orders').RedrivePolicy),

  fault('buckets', 'a bucket beside the sound one', (r) => (r.Plain = { Type: 'AWS::S3::Bucket', Properties: {} })),
  fault('buckets', 'a public bucket', (r) => (r.Site = { Type: 'AWS::S3::Bucket', Properties: { AccessControl: 'PublicRead' } })),
  fault('buckets', 'an unencrypted bucket', (r) => (r.Logs = { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'logs' } })),

  fault('scaling', 'more tasks at least than at most', (r) => (target(r, 'Web').MinCapacity = 20)),
  fault('scaling', 'fewer than no tasks', (r) => (target(r, 'Web').MinCapacity = -1)),
  fault('scaling', 'a dimension of another service', (r) => (target(r, 'Web').ScalableDimension = 'dynamodb:table:ReadCapacityUnits')),
  fault('scaling', 'tasks that aim at nothing', (r) => (policy(r, 'Web').TargetTrackingScalingPolicyConfiguration.TargetValue = 0)),
  fault('scaling', 'steps configured as tracking', (r) => (policy(r, 'Web').PolicyType = 'StepScaling')),
  fault('scaling', 'a misspelt variant in a joined id', (r) => (target(r, 'Joined').ResourceId['Fn::Join'][1][2] = '/variant/Mian')),
  fault('scaling', 'a misspelt variant in a substituted id', (r) => (target(r, 'Joined').ResourceId = joined('Mian'))),
  fault('scaling', 'zero instances of a real-time endpoint by its joined id', (r) => delete config(r).AsyncInferenceConfig),
  fault('scaling', 'a burstable instance by its joined id', (r) => (config(r).ProductionVariants[0].InstanceType = 'ml.t2.medium')),

  fault('endpoints', 'a reset of the instances behind a joined id', (r) => delete endpoint(r, 'Unnamed').RetainAllVariantProperties),
  fault('endpoints', 'results that go nowhere', (r) => delete config(r).AsyncInferenceConfig.OutputConfig.S3OutputPath),
  fault('endpoints', 'a model that runs nothing', (r) => (r.Empty = model({ PrimaryContainer: { ModelDataUrl: 's3://m/model.tar.gz' } }))),

  fault('limits', 'too many topics', (r) =>
    Object.assign(
      r,
      many(400, () => ({ Type: 'AWS::SNS::Topic', Properties: {} })),
    ),
  ),
  fault('limits', 'too many parameters', (_, t) => (t.Parameters = many(151, () => ({ Type: 'String' })))),
  fault(
    'limits',
    'too many dynamic references',
    (r) => (of(r, 'Lambda::Function', 'Worker').Environment = { Variables: many(61, (i) => `{{resolve:ssm:/shop/${i}}}`) }),
  ),

  fault('limits', 'texts in an environment above 4 KB', (r) =>
    Object.assign(of(r, 'Lambda::Function', 'Worker'), {
      Environment: { Variables: { TEXT: { 'Fn::Sub': `\${AWS::Region} ${'é'.repeat(2048)}` } } },
    }),
  ),

  // Known to go unseen: they count against the share.
  {
    ...fault(
      'queues',
      'a function that may not read its queue',
      (r) => (of(r, 'IAM::Policy', 'Worker').PolicyDocument.Statement[0].Action = 'sqs:SendMessage'),
    ),
    unseen: true,
  },
  {
    ...fault('alarms', 'an alarm on a queue that nobody made', (r) => (alarm(r, 'Oldest').Dimensions[0].Value = 'orders-old')),
    unseen: true,
  },
];

function model(properties: R): R {
  return { Type: 'AWS::SageMaker::Model', Properties: { ExecutionRoleArn: 'arn:aws:iam::123456789012:role/x', ...properties } };
}
