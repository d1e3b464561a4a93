import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subject, Template } from '../../gate/assembly';
import { att, eventing, messaging, ref } from './control-messaging';

/* eslint-disable @typescript-eslint/no-explicit-any -- templates are mutated by hand */

const folder = mkdtempSync(join(tmpdir(), 'gate-'));
let count = 0;

/** A template as the gate sees it, written to disk because some checks read the file. */
export function subject(template: Template, stack = 'Control'): Subject {
  const file = join(folder, `${count++}.template.json`);
  writeFileSync(file, JSON.stringify(template));
  return { stack, file, template };
}

/** A hand-written template, no CDK involved, in which the gate finds nothing: each seeded fault is one change of it. */
export function control(): {
  Resources: Record<string, any>;
  Outputs: Record<string, any>;
  Conditions: Record<string, any>;
  Parameters: Record<string, any>;
} {
  return {
    Parameters: { Suffix: { Type: 'String', Default: 'x' } },
    Conditions: { Always: { 'Fn::Equals': [ref('Suffix'), 'x'] } },
    Resources: { ...messaging(), ...eventing(), ...storage(), ...serving(), ...watching() },
    Outputs: { QueueUrl: { Value: ref('Jobs') } },
  };
}

function storage(): Record<string, any> {
  return {
    Store: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      },
    },
    StorePolicy: {
      Type: 'AWS::S3::BucketPolicy',
      Properties: {
        Bucket: ref('Store'),
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Deny',
              Action: 's3:*',
              Principal: { AWS: '*' },
              Resource: [att('Store', 'Arn'), { 'Fn::Join': ['', [att('Store', 'Arn'), '/*']] }],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      },
    },
  };
}

function serving(): Record<string, any> {
  return {
    Model: {
      Type: 'AWS::SageMaker::Model',
      Properties: {
        ExecutionRoleArn: att('Role', 'Arn'),
        PrimaryContainer: {
          Image: '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3',
          ModelDataUrl: 's3://models/model.tar.gz',
          Environment: { SAGEMAKER_PROGRAM: 'inference.py' },
        },
      },
    },
    Config: {
      Type: 'AWS::SageMaker::EndpointConfig',
      Properties: {
        ProductionVariants: [
          {
            VariantName: 'AllTraffic',
            ModelName: att('Model', 'ModelName'),
            InstanceType: 'ml.m5.large',
            InitialInstanceCount: 1,
            InitialVariantWeight: 1,
            ContainerStartupHealthCheckTimeoutInSeconds: 600,
          },
        ],
        DataCaptureConfig: {
          InitialSamplingPercentage: 100,
          DestinationS3Uri: 's3://capture/x',
          CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        },
      },
    },
    Endpoint: {
      Type: 'AWS::SageMaker::Endpoint',
      DependsOn: ['Rollback'],
      Properties: {
        EndpointName: 'chat',
        EndpointConfigName: att('Config', 'EndpointConfigName'),
        RetainAllVariantProperties: true,
        DeploymentConfig: {
          BlueGreenUpdatePolicy: {
            TrafficRoutingConfiguration: { Type: 'CANARY', WaitIntervalInSeconds: 60, CanarySize: { Type: 'CAPACITY_PERCENT', Value: 20 } },
            MaximumExecutionTimeoutInSeconds: 1800,
          },
          AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'chat-rollback' }] },
        },
      },
    },
    Target: {
      Type: 'AWS::ApplicationAutoScaling::ScalableTarget',
      DependsOn: ['Endpoint'],
      Properties: {
        ServiceNamespace: 'sagemaker',
        ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
        ResourceId: 'endpoint/chat/variant/AllTraffic',
        MinCapacity: 1,
        MaxCapacity: 4,
      },
    },
    Policy: {
      Type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
      Properties: {
        PolicyName: 'chat-invocations',
        PolicyType: 'TargetTrackingScaling',
        ScalingTargetId: ref('Target'),
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: 100,
          ScaleInCooldown: 300,
          ScaleOutCooldown: 60,
          PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
        },
      },
    },
  };
}

function watching(): Record<string, any> {
  const dimensions = [
    { Name: 'EndpointName', Value: 'chat' },
    { Name: 'VariantName', Value: 'AllTraffic' },
  ];
  const stat = (MetricName: string) => ({
    Metric: { Namespace: 'AWS/SageMaker', MetricName, Dimensions: dimensions },
    Period: 60,
    Stat: 'Sum',
  });
  return {
    Rollback: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: 'chat-rollback',
        Namespace: 'AWS/SageMaker',
        MetricName: 'Invocation5XXErrors',
        Dimensions: dimensions,
        Statistic: 'Average',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 0.05,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
      },
    },
    Depth: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: att('Dead', 'QueueName') }],
        Statistic: 'Maximum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
        AlarmActions: [ref('Topic')],
      },
    },
    Rate: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        Metrics: [
          { Id: 'rate', Expression: 'errors / invocations', ReturnData: true },
          { Id: 'errors', MetricStat: stat('InvocationModelErrors'), ReturnData: false },
          { Id: 'invocations', MetricStat: stat('Invocations'), ReturnData: false },
        ],
        EvaluationPeriods: 3,
        DatapointsToAlarm: 2,
        Threshold: 0.05,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
        AlarmActions: [ref('Topic')],
      },
    },
    Own: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: 'own-metric',
        Namespace: 'Mine',
        MetricName: 'Whatever',
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'missing',
      },
    },
    Any: {
      Type: 'AWS::CloudWatch::CompositeAlarm',
      Properties: { AlarmName: 'any', AlarmRule: 'ALARM("own-metric")', AlarmActions: [ref('Topic')] },
    },
  };
}
