import { alarm, ASYNC, Change, Changes, COMPONENT, REALTIME, Resources, SERVERLESS } from './apps';

/** An app by its difference from a sound one. */
export interface Case {
  rule: string;
  /** Besides `rule`; the rule with what it found, when it says what. */
  finds?: string[];
  sound: Resources;
  changes?: Changes;
  more?: Resources;
}

const name = (id: string, type = 'Endpoint') => ({ 'Fn::GetAtt': [id, `${type}Name`] });
const dimensions = (values: Record<string, unknown>) => Object.entries(values).map(([Name, Value]) => ({ Name, Value }));
const variant = dimensions({ EndpointName: name('Endpoint'), VariantName: 'AllTraffic' });
const variants = (change: Change) => [
  { VariantName: 'AllTraffic', ModelName: name('Model', 'Model'), InstanceType: 'ml.m5.large', InitialInstanceCount: 1, ...change },
];
const invoker = (
  Action: string | string[],
  Timeout: unknown,
  Resource = 'arn:aws:sagemaker:eu-central-1:111122223333:endpoint/delay',
): Resources => ({
  Caller: { type: 'AWS::IAM::Role', properties: { AssumeRolePolicyDocument: { Statement: [] } } },
  Calls: {
    type: 'AWS::IAM::Policy',
    properties: { PolicyName: 'calls', Roles: [{ Ref: 'Caller' }], PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource }] } },
  },
  Function: { type: 'AWS::Lambda::Function', properties: { Role: { 'Fn::GetAtt': ['Caller', 'Arn'] }, Timeout } },
});
const method = (properties: Change, api: Change = {}): Resources => ({
  Api: { type: 'AWS::ApiGateway::RestApi', properties: { Name: 'models', ...api } },
  Method: {
    type: 'AWS::ApiGateway::Method',
    properties: {
      RestApiId: { Ref: 'Api' },
      HttpMethod: 'POST',
      Integration: {
        Type: 'AWS',
        Uri: { 'Fn::Sub': 'arn:aws:apigateway:${AWS::Region}:runtime.sagemaker:path//endpoints/delay/invocations' },
      },
      ...properties,
    },
  },
});
const container = (Image: unknown): Change => ({ PrimaryContainer: { Image, ModelDataUrl: 's3://models/delay.tar.gz' } });
const rights = (Action: string | string[], Resource = '*', more: Change = {}): Change => ({
  Policies: [{ PolicyName: 'x', PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource, ...more }] } }],
});
const managed = (arn: unknown): Change => ({ ManagedPolicyArns: [arn] });
const sagemakerAccess = { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::aws:policy/AmazonSageMakerFullAccess']] };
const capture = (...modes: unknown[]): Change => ({
  DataCaptureConfig: {
    EnableCapture: true,
    InitialSamplingPercentage: 10,
    DestinationS3Uri: 's3://x/y',
    CaptureOptions: modes.map((CaptureMode) => ({ CaptureMode })),
  },
});
const custom = (Dimensions: unknown[], MetricName = 'ApproximateBacklogSizePerInstance'): Change => ({
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 5,
    CustomizedMetricSpecification: { Namespace: 'AWS/SageMaker', MetricName, Dimensions, Statistic: 'Average' },
  },
});
const tracks = (PredefinedMetricType: unknown): Change => ({
  TargetTrackingScalingPolicyConfiguration: { TargetValue: 5, PredefinedMetricSpecification: { PredefinedMetricType } },
});
const noAlarms: Changes = { Errors: null, Latency: null, RollbackErrors: null, Endpoint: { DeploymentConfig: null } };
const metricOf = (MetricName: string, Threshold: number, more: Change = {}): Change => ({
  MetricName,
  Threshold,
  Statistic: 'Average',
  ExtendedStatistic: null,
  ComparisonOperator: 'GreaterThanThreshold',
  ...more,
});
const query = (MetricName: string, Dimensions: unknown[]): Change => ({
  MetricName: null,
  Namespace: null,
  Dimensions: null,
  Statistic: null,
  Period: null,
  Metrics: [
    { Id: 'm', ReturnData: false, MetricStat: { Stat: 'Sum', Period: 60, Metric: { Namespace: 'AWS/SageMaker', MetricName, Dimensions } } },
    { Id: 'e', Expression: 'm / 2' },
  ],
});
const scheduled = (ScalableTargetAction: Change): Change => ({ ScheduledActionName: 'x', Schedule: 'rate(1 day)', ScalableTargetAction });
const sleeping = (change: Change | null): Changes => ({ Waiting: change });

/** Apps in which a rule finds its mistake, and no other rule anything unless `finds` says so. */
export const RED: Case[] = [
  { rule: 'FunctionTimeoutBelowModel', sound: REALTIME, more: invoker('sagemaker:InvokeEndpoint', undefined) },
  { rule: 'FunctionTimeoutBelowModel', sound: REALTIME, more: invoker(['s3:GetObject', 'sagemaker:InvokeEndpointWithResponseStream'], 3) },
  { rule: 'CaptureHalf', sound: REALTIME, changes: { Config: capture('Input') } },
  { rule: 'CaptureHalf', sound: REALTIME, changes: { Config: capture('Output', 'Output') } },
  {
    rule: 'ModelMonitorClosed',
    sound: REALTIME,
    more: { Drift: { type: 'AWS::SageMaker::MonitoringSchedule', properties: { MonitoringScheduleName: 'x' } } },
  },
  { rule: 'ModelImageMutable', sound: REALTIME, changes: { Model: container('111122223333.dkr.ecr.eu-central-1.amazonaws.com/delay') } },
  {
    rule: 'ModelImageMutable',
    sound: REALTIME,
    changes: { Model: container({ 'Fn::Join': ['', [{ Ref: 'AWS::AccountId' }, '.dkr.ecr.eu-central-1.amazonaws.com/delay:latest']] }) },
  },
  {
    rule: 'ModelImageMutable',
    sound: COMPONENT,
    changes: { Component: { Specification: { Container: { Image: 'a.dkr.ecr.b.amazonaws.com/x:latest' } } }, Model: null },
  },
  { rule: 'NamedModelCannotChange', sound: REALTIME, changes: { Model: { ModelName: 'delay' } } },
  { rule: 'NamedModelCannotChange', sound: REALTIME, changes: { Config: { EndpointConfigName: 'delay' } } },
  { rule: 'DeploymentWithoutRollback', sound: REALTIME, changes: { Endpoint: { DeploymentConfig: null }, RollbackErrors: null } },
  {
    rule: 'DeploymentWithoutRollback',
    sound: REALTIME,
    changes: { Endpoint: { DeploymentConfig: { AutoRollbackConfiguration: { Alarms: [] } } }, RollbackErrors: null },
  },
  { rule: 'ScaledCountReset', sound: REALTIME, changes: { Endpoint: { RetainAllVariantProperties: null } } },
  { rule: 'ScaledCountReset', sound: ASYNC, changes: { Endpoint: { RetainAllVariantProperties: 'false' } } },
  {
    rule: 'PackageApprovedByTemplate',
    sound: REALTIME,
    more: { Package: { type: 'AWS::SageMaker::ModelPackage', properties: { ModelApprovalStatus: 'Approved' } } },
  },
  { rule: 'ModelRoleFullAccess', finds: ['AmazonSageMakerFullAccess'], sound: REALTIME, changes: { Role: managed(sagemakerAccess) } },
  { rule: 'ModelRoleFullAccess', finds: ['s3:*'], sound: REALTIME, changes: { Role: rights(['s3:*', 'logs:PutLogEvents']) } },
  { rule: 'ModelRoleFullAccess', finds: ['*'], sound: COMPONENT, changes: { Role: rights('*') } },
  { rule: 'InvokeAnyEndpoint', sound: REALTIME, more: invoker('sagemaker:InvokeEndpoint', 70, '*') },
  {
    rule: 'InvokeAnyEndpoint',
    sound: REALTIME,
    more: invoker('sagemaker:Invoke*', 70, 'arn:aws:sagemaker:eu-central-1:111122223333:endpoint/*'),
  },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({ AuthorizationType: 'NONE' }) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({}) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({}, { EndpointConfiguration: { Types: ['REGIONAL'] } }) },
  { rule: 'ModelReachesInternet', sound: REALTIME, changes: { Model: { EnableNetworkIsolation: null } } },
  { rule: 'ModelReachesInternet', sound: ASYNC, changes: { Model: { EnableNetworkIsolation: false } } },
  { rule: 'EndpointWithoutAlarm', finds: ['', 'DeploymentWithoutRollback'], sound: REALTIME, changes: noAlarms },
  {
    rule: 'EndpointWithoutAlarm',
    sound: SERVERLESS,
    changes: { Latency: { Dimensions: dimensions({ EndpointName: 'another', VariantName: 'AllTraffic' }) } },
  },
  {
    rule: 'MetricNeverPublished',
    finds: ['ModelLatency::EndpointName'],
    sound: REALTIME,
    changes: { Latency: { Dimensions: variant.slice(0, 1) } },
  },
  {
    rule: 'MetricNeverPublished',
    finds: ['Invocation5XXErrors::Endpoint+Variant'],
    sound: REALTIME,
    changes: { Errors: { Dimensions: dimensions({ Endpoint: name('Endpoint'), Variant: 'AllTraffic' }) } },
  },
  {
    rule: 'MetricNeverPublished',
    finds: ['ModelLatency::/aws/sagemaker/Endpoints'],
    sound: REALTIME,
    changes: { Latency: { Namespace: '/aws/sagemaker/Endpoints' } },
  },
  {
    rule: 'MetricNeverPublished',
    finds: ['Invocations::VariantName'],
    sound: REALTIME,
    changes: { Errors: query('Invocations', dimensions({ VariantName: 'AllTraffic' })) },
  },
  {
    rule: 'MetricNeverPublished',
    finds: ['ApproximateBacklogSizePerInstance::EndpointName+VariantName'],
    sound: ASYNC,
    changes: { Tracking: custom(variant) },
  },
  { rule: 'MetricNotOfAsync', finds: ['Invocations'], sound: ASYNC, more: { Calls: alarm('Invocations', variant) } },
  {
    rule: 'DimensionIsArn',
    finds: ['', 'LatencyUnwatched'].slice(0, 1),
    sound: REALTIME,
    changes: { Latency: { Dimensions: dimensions({ EndpointName: { Ref: 'Endpoint' }, VariantName: 'AllTraffic' }) } },
  },
  { rule: 'AlarmWithoutAction', sound: REALTIME, changes: { Latency: { AlarmActions: null } } },
  { rule: 'AlarmWithoutAction', sound: REALTIME, changes: { Latency: { ActionsEnabled: false } } },
  { rule: 'ErrorRateAboveOne', sound: REALTIME, changes: { Errors: metricOf('InvocationModelErrors', 1) } },
  {
    rule: 'ErrorRateAboveOne',
    sound: REALTIME,
    changes: { Errors: metricOf('Invocation5XXErrors', 5, { ComparisonOperator: 'GreaterThanOrEqualToThreshold' }) },
  },
  { rule: 'LatencyInMilliseconds', sound: REALTIME, changes: { Latency: { Threshold: 1000 } } },
  { rule: 'LatencyInMilliseconds', sound: REALTIME, changes: { Latency: { Unit: 'Milliseconds' } } },
  { rule: 'EndpointWithoutCapture', sound: REALTIME, changes: { Config: { DataCaptureConfig: null } } },
  {
    rule: 'EndpointWithoutCapture',
    sound: REALTIME,
    changes: {
      Config: {
        DataCaptureConfig: {
          EnableCapture: true,
          InitialSamplingPercentage: 0,
          DestinationS3Uri: 's3://x/y',
          CaptureOptions: [{ CaptureMode: 'InputAndOutput' }],
        },
      },
    },
  },
  {
    rule: 'AsyncFailureUnheard',
    sound: ASYNC,
    changes: {
      Config: { AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://answers/delay', NotificationConfig: { SuccessTopic: 'x' } } } },
    },
  },
  { rule: 'EndpointWithoutOwner', sound: REALTIME, changes: { Endpoint: { Tags: null } } },
  { rule: 'EndpointWithoutOwner', sound: COMPONENT, changes: { Component: { Tags: [{ Key: 'stage', Value: 'dev' }] } } },
  { rule: 'ScalingWithoutEffect', finds: ['from-4-to-4'], sound: REALTIME, changes: { Target: { MinCapacity: 4 } } },
  { rule: 'ScalingWithoutEffect', finds: ['no-policy'], sound: REALTIME, changes: { Tracking: null } },
  { rule: 'LatencyUnwatched', sound: REALTIME, changes: { Latency: null } },
  { rule: 'LatencyUnwatched', sound: ASYNC, changes: { Age: null } },
  { rule: 'ScalingMetricMismatch', sound: REALTIME, changes: { Tracking: tracks('SageMakerInferenceComponentInvocationsPerCopy') } },
  { rule: 'ScalingMetricMismatch', sound: COMPONENT, changes: { Tracking: tracks('SageMakerVariantInvocationsPerInstance') } },
  { rule: 'ScalingMetricMismatch', sound: ASYNC, changes: { Tracking: tracks('SageMakerVariantInvocationsPerInstance') } },
  { rule: 'RealTimeScalesToZero', sound: REALTIME, changes: { Target: { MinCapacity: 0 } } },
  { rule: 'BurstableScaled', sound: REALTIME, changes: { Config: { ProductionVariants: variants({ InstanceType: 'ml.t2.medium' }) } } },
  {
    rule: 'AsyncMayNotWake',
    sound: ASYNC,
    changes: { WakeUp: null, Waiting: { AlarmActions: ['arn:aws:sns:eu-central-1:111122223333:on-call'] } },
  },
  { rule: 'AsyncMayNotWake', finds: [''], sound: ASYNC, changes: sleeping(null) },
  { rule: 'ComponentNeverWakes', sound: COMPONENT, changes: sleeping(null) },
  { rule: 'ComponentNeverWakes', sound: COMPONENT, changes: sleeping({ AlarmActions: ['arn:aws:sns:eu-central-1:111122223333:on-call'] }) },
  { rule: 'WakeUpMissesFirstRequest', sound: COMPONENT, changes: sleeping({ ComparisonOperator: 'GreaterThanThreshold' }) },
  {
    rule: 'TargetBeforeEndpoint',
    sound: REALTIME,
    changes: { Endpoint: { EndpointName: 'delay' }, Target: { DependsOn: null, ResourceId: 'endpoint/delay/variant/AllTraffic' } },
  },
  {
    rule: 'KeyWithLocalStorage',
    sound: REALTIME,
    changes: { Config: { KmsKeyId: 'alias/models', ProductionVariants: variants({ InstanceType: 'ml.g5.xlarge' }) } },
  },
  {
    rule: 'ModelInOneSubnet',
    sound: COMPONENT,
    changes: { Config: { VpcConfig: { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] } } },
  },
  {
    rule: 'ComponentNeverWakes',
    sound: COMPONENT,
    changes: { ...sleeping(null), Target: { ScheduledActions: [scheduled({ MinCapacity: 0, MaxCapacity: 0 })] } },
  },
  { rule: 'ModelInOneSubnet', sound: REALTIME, changes: { Model: { VpcConfig: { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] } } } },
  { rule: 'ServerlessExcluded', finds: ['DataCaptureConfig'], sound: SERVERLESS, changes: { Config: capture('Input', 'Output') } },
  {
    rule: 'ServerlessExcluded',
    finds: ['EnableNetworkIsolation', 'VpcConfig'],
    sound: SERVERLESS,
    changes: { Model: { EnableNetworkIsolation: true, VpcConfig: { Subnets: ['a', 'b'], SecurityGroupIds: ['sg-1'] } } },
  },
];

/** Near the mistakes, and right. */
export const GREEN: Case[] = [
  { rule: 'FunctionTimeoutBelowModel', sound: REALTIME, more: invoker('sagemaker:InvokeEndpoint', 4) },
  { rule: 'FunctionTimeoutBelowModel', sound: REALTIME, more: invoker('sagemaker:InvokeEndpointAsync', undefined) },
  { rule: 'CaptureHalf', sound: REALTIME, changes: { Config: capture('InputAndOutput') } },
  { rule: 'ModelImageMutable', sound: REALTIME, changes: { Model: container('public.ecr.aws/x/y:1.4-2-cpu-py3') } },
  { rule: 'ModelImageMutable', sound: REALTIME, changes: { Model: container('localhost:5000/y:1') } },
  { rule: 'ModelRoleFullAccess', sound: REALTIME, changes: { Role: rights(['ecr:GetAuthorizationToken', 'cloudwatch:PutMetricData']) } },
  { rule: 'ModelRoleFullAccess', sound: REALTIME, changes: { Role: rights('s3:*', 'arn:aws:s3:::models/*') } },
  {
    rule: 'ModelRoleFullAccess',
    sound: REALTIME,
    changes: { Role: rights('s3:*', '*', { Condition: { StringEquals: { 'aws:ResourceAccount': '1' } } }) },
  },
  { rule: 'InvokeAnyEndpoint', sound: REALTIME, more: invoker('sagemaker:DescribeEndpoint', 70, '*') },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({ AuthorizationType: 'AWS_IAM' }) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({ ApiKeyRequired: true }) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({}, { EndpointConfiguration: { Types: ['PRIVATE'] } }) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({}, { EndpointConfiguration: { Ref: 'AWS::NoValue' } }) },
  { rule: 'OpenRouteToModel', sound: REALTIME, more: method({ Integration: { Type: 'MOCK' } }) },
  { rule: 'ModelReachesInternet', sound: COMPONENT, changes: { Model: { EnableNetworkIsolation: null } } },
  {
    rule: 'MetricNeverPublished',
    sound: REALTIME,
    changes: { Latency: { Dimensions: [...variant, ...dimensions({ EndpointConfigName: 'x' })] } },
  },
  {
    rule: 'MetricNeverPublished',
    sound: REALTIME,
    changes: { Errors: metricOf('SomethingNew', 1, { Dimensions: dimensions({ EndpointName: name('Endpoint') }) }) },
  },
  {
    rule: 'MetricNeverPublished',
    sound: REALTIME,
    changes: { Errors: metricOf('ModelLatency', 1, { Namespace: 'Shop', Dimensions: [] }) },
  },
  {
    rule: 'AlarmWithoutAction',
    sound: REALTIME,
    changes: { Errors: { AlarmActions: null, AlarmName: 'errors' } },
    more: { All: { type: 'AWS::CloudWatch::CompositeAlarm', properties: { AlarmRule: 'ALARM("errors")' } } },
  },
  {
    rule: 'ErrorRateAboveOne',
    sound: REALTIME,
    changes: { Errors: metricOf('Invocation5XXErrors', 1, { ComparisonOperator: 'GreaterThanOrEqualToThreshold' }) },
  },
  { rule: 'ErrorRateAboveOne', sound: REALTIME, changes: { Errors: metricOf('Invocation5XXErrors', 5, { Statistic: 'Sum' }) } },
  { rule: 'LatencyInMilliseconds', sound: REALTIME, changes: { Latency: { Threshold: 1001 } } },
  { rule: 'LatencyInMilliseconds', sound: REALTIME, changes: { Latency: { Unit: 'Microseconds' } } },
  { rule: 'EndpointWithoutOwner', sound: REALTIME, changes: { Endpoint: { Tags: [{ Key: 'acme:Team', Value: 'x' }] } } },
  {
    rule: 'ScalingWithoutEffect',
    sound: REALTIME,
    changes: { Target: { MinCapacity: 4, ScheduledActions: [{ ScheduledActionName: 'x' }] } },
  },
  { rule: 'ScaledCountReset', sound: REALTIME, changes: { Endpoint: { RetainAllVariantProperties: null }, Target: null, Tracking: null } },
  { rule: 'WakeUpMissesFirstRequest', sound: COMPONENT, changes: sleeping({ ComparisonOperator: 'GreaterThanThreshold', Threshold: 0 }) },
  {
    rule: 'TargetBeforeEndpoint',
    sound: REALTIME,
    changes: { Target: { ResourceId: 'endpoint/of-another-app/variant/AllTraffic' }, Endpoint: { RetainAllVariantProperties: null } },
  },
  { rule: 'KeyWithLocalStorage', sound: REALTIME, changes: { Config: { KmsKeyId: 'alias/models' } } },
  {
    rule: 'BurstableScaled',
    sound: REALTIME,
    changes: { Config: { ProductionVariants: variants({ InstanceType: 'ml.t2.medium' }) }, Target: null, Tracking: null },
  },
  {
    rule: 'ComponentNeverWakes',
    sound: COMPONENT,
    changes: { ...sleeping(null), Target: { ScheduledActions: [scheduled({ MinCapacity: 1 })] } },
  },
  {
    rule: 'ComponentNeverWakes',
    sound: COMPONENT,
    changes: sleeping({ Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible', Dimensions: [] }),
  },
  {
    rule: 'ScaledCountReset',
    sound: SERVERLESS,
    more: {
      Target: {
        type: 'AWS::ApplicationAutoScaling::ScalableTarget',
        properties: {
          ServiceNamespace: 'sagemaker',
          ResourceId: { 'Fn::Join': ['', ['endpoint/', name('Endpoint'), '/variant/AllTraffic']] },
          ScalableDimension: 'sagemaker:variant:DesiredProvisionedConcurrency',
          MinCapacity: 1,
          MaxCapacity: 4,
          ScheduledActions: [scheduled({ MinCapacity: 2 })],
        },
      },
    },
  },
  { rule: 'ScalingMetricMismatch', sound: REALTIME, changes: { Tracking: tracks('SageMakerVariantSomethingNew') } },
  { rule: 'ServerlessExcluded', sound: SERVERLESS, changes: { Config: { DataCaptureConfig: { EnableCapture: false } } } },
  {
    rule: 'ModelInOneSubnet',
    sound: REALTIME,
    more: { ForJobs: { type: 'AWS::SageMaker::Model', properties: { VpcConfig: { Subnets: ['subnet-1'], SecurityGroupIds: ['sg-1'] } } } },
  },
  {
    rule: 'ModelInOneSubnet',
    sound: REALTIME,
    changes: { Model: { VpcConfig: { Subnets: [{ 'Fn::Select': [0, { Ref: 'AWS::NoValue' }] }], SecurityGroupIds: ['sg-1'] } } },
  },
];
