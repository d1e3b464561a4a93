import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { AiWorkloadChecks, AiWorkloadChecksProps } from '../../lib/checks';

/** Properties as CloudFormation spells them; null takes one away. */
export type Change = Record<string, unknown>;
/** Changes of a sound app by logical id: properties, or `DependsOn: null`; null takes the resource away. */
export type Changes = Record<string, Change | null>;
type Resource = { type: string; properties: Change; dependsOn?: string[] };
export type Resources = Record<string, Resource>;

const OWNER = [{ Key: 'owner', Value: 'ml-platform' }];
const IMAGE = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/delay@sha256:' + 'a'.repeat(64);
const ref = (id: string, attribute: string) => ({ 'Fn::GetAtt': [id, attribute] });
const dimension = (Name: string, Value: unknown) => ({ Name, Value });
const byVariant = [dimension('EndpointName', ref('Endpoint', 'EndpointName')), dimension('VariantName', 'AllTraffic')];
const byEndpoint = byVariant.slice(0, 1);
const variantId = { 'Fn::Join': ['', ['endpoint/', ref('Endpoint', 'EndpointName'), '/variant/AllTraffic']] };

export function alarm(MetricName: string, Dimensions: unknown[], changes: Change = {}): Resource {
  const properties = {
    Namespace: 'AWS/SageMaker',
    MetricName,
    Dimensions,
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    AlarmActions: ['arn:aws:sns:eu-central-1:111122223333:on-call'],
    ...changes,
  };
  return { type: 'AWS::CloudWatch::Alarm', properties };
}

const target = (ResourceId: unknown, ScalableDimension: string, MinCapacity: number, dependsOn: string[]): Resource => ({
  type: 'AWS::ApplicationAutoScaling::ScalableTarget',
  properties: { ServiceNamespace: 'sagemaker', ResourceId, ScalableDimension, MinCapacity, MaxCapacity: 4 },
  dependsOn,
});
const policy = (PolicyType: string, configuration: Change): Resource => ({
  type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
  properties: { PolicyName: PolicyType, PolicyType, ScalingTargetId: { Ref: 'Target' }, ...configuration },
});
const tracking = (metric: Change) =>
  policy('TargetTrackingScaling', { TargetTrackingScalingPolicyConfiguration: { TargetValue: 100, ...metric } });
const predefined = (PredefinedMetricType: string) => tracking({ PredefinedMetricSpecification: { PredefinedMetricType } });
const wakeUp = policy('StepScaling', {
  StepScalingPolicyConfiguration: {
    AdjustmentType: 'ChangeInCapacity',
    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
  },
});
const role: Resource = {
  type: 'AWS::IAM::Role',
  properties: {
    AssumeRolePolicyDocument: { Statement: [] },
    Policies: [
      {
        PolicyName: 'model',
        PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::models/delay.tar.gz' }] },
      },
    ],
  },
};
const model: Resource = {
  type: 'AWS::SageMaker::Model',
  properties: {
    ExecutionRoleArn: ref('Role', 'Arn'),
    EnableNetworkIsolation: true,
    PrimaryContainer: { Image: IMAGE, ModelDataUrl: 's3://models/delay.tar.gz' },
  },
};
const config = (variant: Change, properties: Change): Resource => ({
  type: 'AWS::SageMaker::EndpointConfig',
  properties: { ProductionVariants: [{ VariantName: 'AllTraffic', InitialVariantWeight: 1, ...variant }], ...properties },
});
const endpoint = (properties: Change): Resource => ({
  type: 'AWS::SageMaker::Endpoint',
  properties: { EndpointConfigName: ref('Config', 'EndpointConfigName'), Tags: OWNER, ...properties },
});
const onInstances = { ModelName: ref('Model', 'ModelName'), InstanceType: 'ml.m5.large', InitialInstanceCount: 1 };
const latency = (dimensions: unknown[]) =>
  alarm('ModelLatency', dimensions, { Statistic: undefined, ExtendedStatistic: 'p99', Threshold: 500_000 });

/** A scaled real-time endpoint as it should be, from a plain template. */
export const REALTIME: Resources = {
  Role: role,
  Model: model,
  Config: config(onInstances, {
    DataCaptureConfig: {
      EnableCapture: true,
      InitialSamplingPercentage: 10,
      DestinationS3Uri: 's3://captured/delay',
      CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
    },
  }),
  Errors: alarm('Invocation5XXErrors', byVariant, { Statistic: 'Average', Threshold: 0.05 }),
  Latency: latency(byVariant),
  Endpoint: endpoint({
    RetainAllVariantProperties: true,
    DeploymentConfig: { AutoRollbackConfiguration: { Alarms: [{ AlarmName: { Ref: 'RollbackErrors' } }] } },
  }),
  RollbackErrors: alarm('Invocation5XXErrors', [dimension('EndpointName', 'literal'), byVariant[1]], { AlarmActions: undefined }),
  Target: target(variantId, 'sagemaker:variant:DesiredInstanceCount', 1, ['Endpoint']),
  Tracking: predefined('SageMakerVariantInvocationsPerInstance'),
};

/** An asynchronous endpoint that rests at zero. */
export const ASYNC: Resources = {
  Role: role,
  Model: model,
  Config: config(onInstances, {
    AsyncInferenceConfig: { OutputConfig: { S3OutputPath: 's3://answers/delay', S3FailurePath: 's3://answers/failed' } },
  }),
  Endpoint: endpoint({ RetainAllVariantProperties: true }),
  Age: alarm('ApproximateAgeOfOldestRequest', byEndpoint, { Statistic: 'Maximum', Threshold: 600 }),
  Target: target(variantId, 'sagemaker:variant:DesiredInstanceCount', 0, ['Endpoint']),
  Tracking: tracking({
    CustomizedMetricSpecification: {
      Namespace: 'AWS/SageMaker',
      MetricName: 'ApproximateBacklogSizePerInstance',
      Dimensions: byEndpoint,
      Statistic: 'Average',
    },
  }),
  WakeUp: wakeUp,
  Waiting: alarm('HasBacklogWithoutCapacity', byEndpoint, { Statistic: 'Maximum', AlarmActions: [{ Ref: 'WakeUp' }] }),
};

const byComponent = [dimension('InferenceComponentName', ref('Component', 'InferenceComponentName'))];

/** A model that shares instances with others and rests at zero. */
export const COMPONENT: Resources = {
  Role: role,
  Model: model,
  Config: config({ InstanceType: 'ml.g6.xlarge', InitialInstanceCount: 1 }, { ExecutionRoleArn: ref('Role', 'Arn') }),
  Endpoint: endpoint({}),
  Component: {
    type: 'AWS::SageMaker::InferenceComponent',
    properties: { EndpointName: ref('Endpoint', 'EndpointName'), Specification: { ModelName: ref('Model', 'ModelName') }, Tags: OWNER },
  },
  Latency: latency(byComponent),
  Target: target(
    { 'Fn::Join': ['', ['inference-component/', ref('Component', 'InferenceComponentName')]] },
    'sagemaker:inference-component:DesiredCopyCount',
    0,
    ['Component'],
  ),
  Tracking: predefined('SageMakerInferenceComponentInvocationsPerCopy'),
  WakeUp: wakeUp,
  Waiting: alarm('NoCapacityInvocationFailures', byComponent, { AlarmActions: [{ Ref: 'WakeUp' }] }),
};

/** A serverless endpoint. */
export const SERVERLESS: Resources = {
  Role: role,
  Model: { ...model, properties: { ...model.properties, EnableNetworkIsolation: undefined } },
  Config: config({ ModelName: ref('Model', 'ModelName'), ServerlessConfig: { MemorySizeInMB: 2048, MaxConcurrency: 5 } }, {}),
  Endpoint: endpoint({}),
  Latency: latency(byVariant),
};

/** Builds a changed app out of a sound one, in the order of its resources, with logical ids as given. */
export function build(stack: Stack, sound: Resources, changes: Changes = {}, more: Resources = {}): void {
  const all = { ...sound, ...more };
  const made = new Map<string, CfnResource>();
  for (const [id, { type, properties }] of Object.entries(all)) {
    if (changes[id] !== null) {
      const given = { ...properties, ...changes[id] };
      const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined));
      made.set(id, new CfnResource(stack, id, { type, properties: kept }));
    }
  }
  for (const [id, { dependsOn = [] }] of Object.entries(all).filter(([one]) => changes[one]?.DependsOn !== null)) {
    dependsOn.forEach((other) => made.get(other) !== undefined && made.get(id)?.addResourceDependency(made.get(other)!));
  }
}

/** Rules that find something in an app, without the name of the pack. */
export function findings(make: (stack: Stack) => void, props?: AiWorkloadChecksProps): string[] {
  const app = new App();
  make(new Stack(app, 'Shop'));
  return found(app, props);
}

/** The findings in an app as it stands. */
export function found(app: App, props?: AiWorkloadChecksProps): string[] {
  const { violations } = new AiWorkloadChecks(app, props).validateScope(app);
  return violations.map(({ ruleName }) => ruleName.replace('AiWorkload-', '')).sort();
}
