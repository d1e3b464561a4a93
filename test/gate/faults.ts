/* eslint-disable @typescript-eslint/no-explicit-any -- templates are mutated by hand */
type R = Record<string, any>;

export interface Fault {
  check: string;
  fault: string;
  /** The gate is known not to see it. */
  unseen?: boolean;
  /** Changes the control template in place. */
  seed(resources: R, template: R): void;
}

const variant = (r: R) => r.Config.Properties.ProductionVariants[0];
const deployment = (r: R) => r.Endpoint.Properties.DeploymentConfig;
const tracking = (r: R) => r.Policy.Properties.TargetTrackingScalingPolicyConfiguration;
const fault = (check: string, name: string, seed: Fault['seed']): Fault => ({ check, fault: name, seed });
const att = (id: string, attribute: string) => ({ 'Fn::GetAtt': [id, attribute] });
const many = (count: number, make: (i: number) => any) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`Many${i}`, make(i)]));

/** Faults that a green synth leaves in; each is one change of the control template. */
export const FAULTS: Fault[] = [
  fault('schema', 'a property that does not exist', (r) => (r.Topic.Properties.Colour = 'red')),
  fault('schema', 'a text where a number belongs', (r) => (r.Jobs.Properties.VisibilityTimeout = 'long')),
  fault('schema', 'an instance type that does not exist', (r) => (variant(r).InstanceType = 'ml.m5.huge')),
  fault('schema', 'an enumeration value that only warns', (r) => (r.Depth.Properties.TreatMissingData = 'not_breaching')),
  fault('schema', 'a missing required property', (r) => delete r.Worker.Properties.Role),

  fault('references', 'a Ref to nothing', (r) => (r.Mapping.Properties.FunctionName = { Ref: 'Wroker' })),
  fault(
    'references',
    'an attribute that the type does not have',
    (r) => (r.Mapping.Properties.EventSourceArn = { 'Fn::GetAtt': ['Jobs', 'ARN'] }),
  ),
  fault('references', 'a dependency on nothing', (r) => (r.Worker.DependsOn = ['Nobody'])),
  fault('references', 'a condition that is not defined', (r) => (r.Topic.Condition = 'Sometimes')),
  fault(
    'references',
    'a Sub of nothing',
    (r) => (r.Role.Properties.Policies[0].PolicyDocument.Statement[1].Resource = { 'Fn::Sub': '${Stoer.Arn}/*' }),
  ),
  fault(
    'references',
    'a creation policy that names nothing',
    (r) => (r.Topic.CreationPolicy = { ResourceSignal: { Count: { Ref: 'Cuont' } } }),
  ),
  fault('references', 'an output under a condition that is not defined', (_, t) => (t.Outputs.QueueUrl.Condition = 'Sometimes')),
  fault('references', 'an output of nothing', (_, t) => (t.Outputs.QueueUrl.Value = { Ref: 'Job' })),

  fault(
    'iam-actions',
    'a misspelt action',
    (r) => (r.Role.Properties.Policies[0].PolicyDocument.Statement[0].Action[0] = 'sqs:RecieveMessage'),
  ),
  fault(
    'iam-actions',
    'a service that does not exist',
    (r) => (r.Role.Properties.Policies[0].PolicyDocument.Statement[1].Action = 'sagmaker:InvokeEndpoint'),
  ),
  fault(
    'iam-actions',
    'a wildcard that matches nothing',
    (r) => (r.Role.Properties.Policies[0].PolicyDocument.Statement[1].Action = 's3:Fetch*'),
  ),
  fault('iam-actions', 'a misspelt action in a bucket policy', (r) =>
    r.StorePolicy.Properties.PolicyDocument.Statement.push({
      Effect: 'Allow',
      Action: 's3:GetObjekt',
      Principal: { AWS: '*' },
      Resource: { 'Fn::GetAtt': ['Store', 'Arn'] },
    }),
  ),

  fault(
    'state-machines',
    'a transition to nowhere',
    (r) => (r.Machine.Properties.DefinitionString['Fn::Join'][1][2] = '","Next":"Wiat"},"Wait":{"Type":"Wait","Seconds":5,"End":true}}}'),
  ),
  fault('state-machines', 'no definition', (r) => delete r.Machine.Properties.DefinitionString),
  fault(
    'state-machines',
    'a state without an end',
    (r) => (r.Machine.Properties.DefinitionString = '{"StartAt":"A","States":{"A":{"Type":"Pass"}}}'),
  ),
  fault('state-machines', 'a definition that is not JSON', (r) => (r.Machine.Properties.DefinitionString = '{"StartAt":"A",}')),
  fault(
    'state-machines',
    'an unknown state type',
    (r) => (r.Machine.Properties.DefinitionString = '{"StartAt":"A","States":{"A":{"Type":"Nap","End":true}}}'),
  ),

  fault('alarms', 'a metric that the service does not publish', (r) => (r.Rollback.Properties.MetricName = 'Invocation500Errors')),
  fault('alarms', 'dimensions that the metric does not have', (r) => (r.Rollback.Properties.Dimensions[0].Name = 'Endpoint')),
  fault('alarms', 'a missing dimension', (r) => r.Rollback.Properties.Dimensions.pop()),
  fault('alarms', 'a period that is not legal', (r) => (r.Depth.Properties.Period = 45)),
  fault('alarms', 'a period shorter than the metric is published', (r) => (r.Depth.Properties.Period = 10)),
  fault('alarms', 'no rule for missing data', (r) => delete r.Depth.Properties.TreatMissingData),
  fault('alarms', 'no action', (r) => delete r.Depth.Properties.AlarmActions),
  fault('alarms', 'an average of 0 and 1 above 1', (r) => (r.Rollback.Properties.Threshold = 1.5)),
  fault('alarms', 'a threshold below zero that is always breached', (r) => (r.Depth.Properties.Threshold = 0)),
  fault('alarms', 'a threshold of exactly the highest average', (r) =>
    Object.assign(r.Rollback.Properties, { Threshold: 1, ComparisonOperator: 'GreaterThanThreshold' }),
  ),
  fault('alarms', 'a unit that is never published', (r) => (r.Rollback.Properties.Unit = 'Percent')),
  fault('alarms', 'a statistic that the metric does not have', (r) =>
    Object.assign(r.Rollback.Properties, { Statistic: undefined, ExtendedStatistic: 'p99' }),
  ),
  fault('alarms', 'an evaluation longer than a day', (r) => (r.Depth.Properties.EvaluationPeriods = 1500)),
  fault('alarms', 'more datapoints than periods', (r) => (r.Rate.Properties.DatapointsToAlarm = 4)),
  fault('alarms', 'a misspelt id in an expression', (r) => (r.Rate.Properties.Metrics[0].Expression = 'errors / invocation')),
  fault('alarms', 'two metrics that return data', (r) => (r.Rate.Properties.Metrics[1].ReturnData = true)),
  fault('alarms', 'different periods in one expression', (r) => (r.Rate.Properties.Metrics[1].MetricStat.Period = 300)),
  fault(
    'alarms',
    'a wrong metric inside an expression',
    (r) => (r.Rate.Properties.Metrics[1].MetricStat.Metric.MetricName = 'ModelErrors'),
  ),
  fault('alarms', 'no statistic', (r) => delete r.Depth.Properties.Statistic),
  fault('alarms', 'no period', (r) => delete r.Own.Properties.Period),
  fault('alarms', 'no threshold', (r) => delete r.Rate.Properties.Threshold),
  fault('alarms', 'a metric id that starts with a capital', (r) => Object.assign(r.Rate.Properties.Metrics[0], { Id: 'Rate' })),
  fault('alarms', 'two metrics of one id', (r) => (r.Rate.Properties.Metrics[2].Id = 'errors')),
  fault('alarms', 'a threshold beyond reach of a metric given as a list', (r) => {
    const { MetricName, Namespace, Dimensions, Statistic, Period, ...rest } = r.Rollback.Properties;
    const stat = { Metric: { MetricName, Namespace, Dimensions }, Stat: Statistic, Period };
    r.Rollback.Properties = { ...rest, Threshold: 2, Metrics: [{ Id: 'm1', MetricStat: stat }] };
  }),
  fault('alarms', 'a silent alarm whose name is part of another', (r) => (r.Own.Properties.AlarmName = 'own')),
  fault('alarms', 'a silent alarm whose composite is silent too', (r) => delete r.Any.Properties.AlarmActions),

  fault('queues', 'no dead-letter queue', (r) => delete r.Jobs.Properties.RedrivePolicy),
  fault('queues', 'a visibility timeout below six times the function', (r) => (r.Jobs.Properties.VisibilityTimeout = 179)),
  fault('queues', 'a visibility timeout that forgets the batch window', (r) => (r.Mapping.Properties.MaximumBatchingWindowInSeconds = 5)),
  fault('queues', 'too few receives', (r) => (r.Jobs.Properties.RedrivePolicy.maxReceiveCount = 3)),
  fault('queues', 'a dead-letter queue that forgets first', (r) => delete r.Dead.Properties.MessageRetentionPeriod),

  fault('events', 'a mapping of a stream that does not say where it starts', (r) => delete r.FeedMapping.Properties.StartingPosition),
  fault('events', 'a count of shards on demand', (r) => (r.Feed.Properties.ShardCount = 2)),
  fault('events', 'a large batch without a window', (r) => (r.Mapping.Properties.BatchSize = 11)),
  fault('events', 'a batch that fails as a whole', (r) => delete r.Mapping.Properties.FunctionResponseTypes),
  fault('events', 'a FIFO queue without a group', (r) => delete r.Rule.Properties.Targets[0].SqsParameters),
  fault('events', 'a FIFO dead-letter queue', (r) => (r.Rule.Properties.Targets[0].DeadLetterConfig.Arn = att('DeadOrders', 'Arn'))),
  fault('events', 'a dead-letter queue that lets no event in', (r) => delete r.DeadPolicy),
  fault(
    'events',
    'a queue that lets in another rule',
    (r) => (r.OrdersPolicy.Properties.PolicyDocument.Statement[0].Condition.ArnEquals['aws:SourceArn'] = att('Other', 'Arn')),
  ),

  fault('buckets', 'no public access block', (r) => delete r.Store.Properties.PublicAccessBlockConfiguration),
  fault('buckets', 'half a public access block', (r) => (r.Store.Properties.PublicAccessBlockConfiguration.RestrictPublicBuckets = false)),
  fault('buckets', 'no encryption', (r) => delete r.Store.Properties.BucketEncryption),
  fault('buckets', 'no policy', (r) => delete r.StorePolicy),
  fault('buckets', 'a policy that spares the objects', (r) => r.StorePolicy.Properties.PolicyDocument.Statement[0].Resource.pop()),
  fault(
    'buckets',
    'a policy for the opposite',
    (r) => (r.StorePolicy.Properties.PolicyDocument.Statement[0].Condition.Bool['aws:SecureTransport'] = 'true'),
  ),

  fault('buckets', 'a policy for another bucket', (r) =>
    Object.assign(r.StorePolicy.Properties.PolicyDocument.Statement[0], { Resource: ['arn:aws:s3:::other', 'arn:aws:s3:::other/*'] }),
  ),
  fault(
    'buckets',
    'a policy for one network only',
    (r) => (r.StorePolicy.Properties.PolicyDocument.Statement[0].Condition.StringEquals = { 'aws:SourceVpc': 'vpc-1' }),
  ),
  fault(
    'buckets',
    'a policy for calls of people only',
    (r) => (r.StorePolicy.Properties.PolicyDocument.Statement[0].Condition.Bool['aws:ViaAWSService'] = 'false'),
  ),
  fault(
    'buckets',
    'a policy for one account only',
    (r) => (r.StorePolicy.Properties.PolicyDocument.Statement[0].Principal.AWS = '123456789012'),
  ),

  fault('scaling', 'minimum above maximum', (r) => (r.Target.Properties.MinCapacity = 5)),
  fault('scaling', 'zero instances of a real-time variant', (r) => (r.Target.Properties.MinCapacity = 0)),
  fault('scaling', 'no order against the endpoint', (r) => delete r.Target.DependsOn),
  fault('scaling', 'a variant that is not there', (r) => (r.Target.Properties.ResourceId = 'endpoint/chat/variant/Main')),
  fault(
    'scaling',
    'a metric of another dimension',
    (r) => (tracking(r).PredefinedMetricSpecification.PredefinedMetricType = 'SageMakerInferenceComponentInvocationsPerCopy'),
  ),
  fault('scaling', 'a metric that asynchronous endpoints do not publish', (r) =>
    Object.assign(r.Config.Properties, { AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://answers/chat' } } }),
  ),
  fault('scaling', 'a backlog by the dimensions of a variant, which nothing publishes', (r) => {
    delete tracking(r).PredefinedMetricSpecification;
    tracking(r).CustomizedMetricSpecification = {
      Namespace: 'AWS/SageMaker',
      MetricName: 'ApproximateBacklogSizePerInstance',
      Statistic: 'Average',
      Dimensions: [
        { Name: 'EndpointName', Value: 'chat' },
        { Name: 'VariantName', Value: 'AllTraffic' },
      ],
    };
  }),
  fault('scaling', 'a target value of zero', (r) => (tracking(r).TargetValue = 0)),
  fault('scaling', 'a role', (r) => (r.Target.Properties.RoleARN = 'arn:aws:iam::123456789012:role/x')),
  fault('scaling', 'a burstable instance', (r) => (variant(r).InstanceType = 'ml.t2.medium')),
  fault('scaling', 'a schedule out of order', (r) =>
    Object.assign(r.Target.Properties, { ScheduledActions: [{ ScalableTargetAction: { MinCapacity: 3, MaxCapacity: 2 } }] }),
  ),
  fault('scaling', 'no policy', (r) => delete r.Policy),

  fault('endpoints', 'a model without container', (r) => delete r.Model.Properties.PrimaryContainer),
  fault('endpoints', 'one container and several', (r) => (r.Model.Properties.Containers = [r.Model.Properties.PrimaryContainer])),
  fault('endpoints', 'a container without image', (r) => delete r.Model.Properties.PrimaryContainer.Image),
  fault('endpoints', 'a rollout that waits longer than it may take', (r) =>
    Object.assign(deployment(r).BlueGreenUpdatePolicy, { TerminationWaitInSeconds: 1800 }),
  ),
  fault('endpoints', 'a model that is no tarball', (r) => (r.Model.Properties.PrimaryContainer.ModelDataUrl = 's3://models/model.zip')),
  fault(
    'endpoints',
    'two model sources',
    (r) =>
      (r.Model.Properties.PrimaryContainer.ModelDataSource = {
        S3DataSource: { S3Uri: 's3://m/x/', S3DataType: 'S3Prefix', CompressionType: 'None' },
      }),
  ),
  fault('endpoints', 'a prefix without slash', (r) =>
    Object.assign(r.Model.Properties.PrimaryContainer, {
      ModelDataUrl: undefined,
      ModelDataSource: { S3DataSource: { S3Uri: 's3://m/x', S3DataType: 'S3Prefix', CompressionType: 'None' } },
    }),
  ),
  fault(
    'endpoints',
    'a mutable image',
    (r) => (r.Model.Properties.PrimaryContainer.Image = '123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:latest'),
  ),
  fault('endpoints', 'two variants of one name', (r) => r.Config.Properties.ProductionVariants.push({ ...variant(r) })),
  fault('endpoints', 'capitals in the name', (r) => (r.Endpoint.Properties.EndpointName = 'Chat')),
  fault(
    'endpoints',
    'a canary of 80 percent',
    (r) => (deployment(r).BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize.Value = 80),
  ),
  fault('endpoints', 'a canary without size', (r) => delete deployment(r).BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize),
  fault(
    'endpoints',
    'two rollout policies',
    (r) => (deployment(r).RollingUpdatePolicy = { MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 20 }, WaitIntervalInSeconds: 60 }),
  ),
  fault('endpoints', 'a scaled endpoint that each deployment resets', (r) => delete r.Endpoint.Properties.RetainAllVariantProperties),
  fault('endpoints', 'a rollback alarm that may not exist yet', (r) => delete r.Endpoint.DependsOn),
  fault('endpoints', 'a key that local storage ignores', (r) =>
    Object.assign(r.Config.Properties, { KmsKeyId: 'alias/mine' }, void (variant(r).InstanceType = 'ml.g5.xlarge')),
  ),
  fault(
    'endpoints',
    'an instance type beside a serverless one',
    (r) => (variant(r).ServerlessConfig = { MemorySizeInMB: 2048, MaxConcurrency: 5 }),
  ),
  fault('endpoints', 'more concurrency provided than runs at once', (r) => {
    variant(r).ServerlessConfig = { MemorySizeInMB: 2048, MaxConcurrency: 5, ProvisionedConcurrency: 6 };
    delete variant(r).InstanceType;
    delete variant(r).InitialInstanceCount;
  }),
  fault('endpoints', 'no instance type', (r) => delete variant(r).InstanceType),
  fault('endpoints', 'a subnet alone', (r) => (r.Model.Properties.VpcConfig = { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] })),

  fault('limits', 'too many resources', (r) =>
    Object.assign(
      r,
      many(400, () => ({ Type: 'AWS::SNS::Topic', Properties: {} })),
    ),
  ),
  fault('limits', 'too many outputs', (_, t) =>
    Object.assign(
      t.Outputs,
      many(151, () => ({ Value: 'x' })),
    ),
  ),
  fault('limits', 'too large a template', (r) => (r.Topic.Metadata = { text: 'x'.repeat(900_000) })),
  fault(
    'limits',
    'an environment above 4 KB',
    (r) => (r.Worker.Properties.Environment = { Variables: { A: 'x'.repeat(2048), B: 'x'.repeat(2048) } }),
  ),
  fault(
    'limits',
    'an environment above 4 KB by the quotes of its JSON',
    (r) =>
      (r.Worker.Properties.Environment = {
        Variables: { SETTINGS: { 'Fn::Join': ['', ['{"a":"', { Ref: 'Jobs' }, '","b":"', '"'.repeat(2040), '"}']] } },
      }),
  ),
];
