import { readFileSync } from 'node:fs';
import { Aws, Duration, Lazy, RemovalPolicy, Size, Stack, TimeZone, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { GatewayVpcEndpointAwsService, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { PrivateNetwork } from '../../../lib/constructs/network';
import {
  InferenceEndpoint,
  InferenceEndpointProps,
  InstanceType,
  MeasuredCapacity,
  Scaling,
  ScalingProps,
  ScalingSchedule,
  Slo,
} from '../../../lib/constructs/serving';
import { app, synth } from '../../support/synth';
import { ModelSource } from '../../../lib/constructs/models';
import { CAPACITY, board, endpoint, folder, image, tarball } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const build = (props: Partial<InferenceEndpointProps> = {}) => synth((stack) => endpoint(stack, props));
const statements = (template: Template): Shape[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy) => policy.Properties.PolicyDocument.Statement);
const statement = (template: Template, sid: string) => statements(template).find((one) => one.Sid === sid);
const resources = (template: Template, type: string): Shape[] => Object.values(template.findResources(`AWS::${type}`));
const scaling = (min = 1, max = 4, props: ScalingProps = {}) =>
  Scaling.between(min, max, { ...props, capacity: MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`) });
const number = (value: number) => Lazy.number({ produce: () => value });
const capture = (stack: Stack) => ({ bucket: Bucket.fromBucketName(stack, 'Captured', 'my-capture') });

describe('InferenceEndpoint resources [S1, S6]', () => {
  test('has one fixed variant with explicit time-outs, volume and metrics [row 40, 41, 73, 84]', () => {
    build().template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          InstanceType: 'ml.m5.large',
          InitialInstanceCount: 1,
          InitialVariantWeight: 1,
          VolumeSizeInGB: 30,
          ModelDataDownloadTimeoutInSeconds: 600,
          ContainerStartupHealthCheckTimeoutInSeconds: 600,
          ModelName: { 'Fn::GetAtt': [Match.stringLikeRegexp('ChatModel'), 'ModelName'] },
        },
      ],
      MetricsConfig: { EnableDetailedObservability: false, EnableEnhancedMetrics: false, MetricPublishFrequencyInSeconds: 60 },
      KmsKeyId: Match.absent(),
      DataCaptureConfig: Match.absent(),
    });
  });

  test('isolates the container unless told otherwise, by its model and not by its configuration [S5, row 37]', () => {
    build().template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: true, VpcConfig: Match.absent() });
    build().template.hasResourceProperties('AWS::SageMaker::EndpointConfig', { EnableNetworkIsolation: Match.absent() });
    build({ networkIsolation: false }).template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: false });
  });

  test('leaves model and configuration unnamed and keeps what is replaced [row 14, 23, 47, 82]', () => {
    for (const [policy, deletion] of [
      [undefined, 'Delete'],
      [RemovalPolicy.RETAIN, 'Retain'],
    ] as const) {
      const { template } = build({ removalPolicy: policy });
      for (const [type, name] of [
        ['SageMaker::Model', 'ModelName'],
        ['SageMaker::EndpointConfig', 'EndpointConfigName'],
      ]) {
        const [resource] = resources(template, type);
        expect(resource.Properties[name]).toBeUndefined();
        expect(resource.UpdateReplacePolicy).toBe('Retain');
        expect(resource.DeletionPolicy).toBe(deletion);
      }
    }
  });

  test('has literal name and ARN in lower case [row 61]', () => {
    const { built, stack } = build();
    expect(built.endpointName).toBe('flights-dev-delay');
    expect(stack.resolve(built.endpointArn)).toEqual({
      'Fn::Join': [
        '',
        [
          'arn:',
          { Ref: 'AWS::Partition' },
          ':sagemaker:',
          { Ref: 'AWS::Region' },
          ':',
          { Ref: 'AWS::AccountId' },
          ':endpoint/flights-dev-delay',
        ],
      ],
    });
    const unnamed = synth((s) => endpoint(s, { endpointName: undefined })).built;
    expect(unnamed.endpointName).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
  });

  test('is the default child of its construct', () => {
    expect((build().built.node.defaultChild as Shape).cfnResourceType).toBe('AWS::SageMaker::Endpoint');
  });

  test('rolls back on alarms of the new fleet and waits as long as the waits need [row 11, 76, 78, 79, 81]', () => {
    const { template } = build();
    const [found] = resources(template, 'SageMaker::Endpoint');
    const config = found.Properties.EndpointConfigName;
    expect(found.Properties.DeploymentConfig).toEqual({
      AutoRollbackConfiguration: {
        Alarms: [{ AlarmName: 'flights-dev-delay-rollback-errors' }, { AlarmName: 'flights-dev-delay-rollback-latency' }],
      },
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 420 },
        TerminationWaitInSeconds: 120,
        MaximumExecutionTimeoutInSeconds: 3600,
      },
    });
    const alarms = template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: Match.stringLikeRegexp('rollback') } });
    expect(Object.keys(alarms)).toHaveLength(2);
    const policy = found.Properties.DeploymentConfig.BlueGreenUpdatePolicy;
    const waits = policy.TrafficRoutingConfiguration.WaitIntervalInSeconds + policy.TerminationWaitInSeconds;
    expect(policy.MaximumExecutionTimeoutInSeconds).toBeGreaterThan(waits);
    expect(found.DependsOn).toEqual(expect.arrayContaining(Object.keys(alarms)));
    for (const alarm of Object.values(alarms)) {
      const text = JSON.stringify(alarm);
      expect(text).toContain('EndpointConfigName');
      expect(text).toContain(JSON.stringify(config));
    }
    expect(statement(template, 'WatchDeployments')).toMatchObject({
      Action: 'cloudwatch:DescribeAlarms',
      Resource: [expect.anything(), expect.anything()],
    });
    expect(JSON.stringify(statement(template, 'WatchDeployments').Resource[0])).toContain(':alarm:flights-dev-delay-rollback-errors');
  });

  test('keeps its logs three months and lets them go after the endpoint', () => {
    const { template } = build();
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/sagemaker/Endpoints/flights-dev-delay',
      RetentionInDays: 90,
    });
    const [logs] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    expect(resources(template, 'SageMaker::Endpoint')[0].DependsOn).toContain(logs);
  });

  test('waits for the role and its policy before the model [row 19]', () => {
    const { template } = build();
    const policy = Object.keys(template.findResources('AWS::IAM::Policy'))[0];
    expect(resources(template, 'SageMaker::Model')[0].DependsOn).toContain(policy);
  });
});

describe('execution role [M3, row 140, 141, 143]', () => {
  test('trusts SageMaker for this account and Region, not for one resource', () => {
    const [role] = resources(build().template, 'IAM::Role');
    expect(role.Properties.ManagedPolicyArns).toBeUndefined();
    expect(role.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'sagemaker.amazonaws.com' },
        Condition: {
          StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
          ArnLike: {
            'aws:SourceArn': {
              'Fn::Join': [
                '',
                ['arn:', { Ref: 'AWS::Partition' }, ':sagemaker:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, ':*'],
              ],
            },
          },
        },
      },
    ]);
  });

  test('holds exactly what logs, metrics, rollback, model and image need', () => {
    const { template, nag } = build();
    expect(statements(template).map(({ Sid, Action }) => [Sid, Action])).toEqual([
      ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']],
      ['Metrics', 'cloudwatch:PutMetricData'],
      ['WatchDeployments', 'cloudwatch:DescribeAlarms'],
      [undefined, 's3:GetObject'],
      ['PullImage', ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']],
      ['LogInToRegistries', 'ecr:GetAuthorizationToken'],
    ]);
    expect(statement(template, 'Metrics').Condition).toEqual({
      StringLike: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/*', 'aws/sagemaker/*'] },
    });
    expect(nag).toEqual([]);
  });

  test('has no finding of cdk-nag in a known Region either, whatever the endpoint has', () => {
    const { nag } = synth(
      (stack) => {
        const network = new PrivateNetwork(stack, 'Network');
        return endpoint(stack, {
          vpc: network.vpc,
          vpcSubnets: network.subnets,
          capture: capture(stack),
          scaling: scaling(),
          volumeKey: new Key(stack, 'Key', { enableKeyRotation: true }),
        });
      },
      { account: '111122223333', region: 'eu-central-1' },
    );
    expect(nag).toEqual([]);
  });

  test('may use a volume key only through SageMaker', () => {
    const { template, nag } = synth((stack) => endpoint(stack, { volumeKey: new Key(stack, 'Key', { enableKeyRotation: true }) }));
    expect(statement(template, 'UseVolumeKey')).toMatchObject({
      Action: 'kms:CreateGrant',
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    });
    expect(statement(template, 'DescribeVolumeKey')).toMatchObject({ Action: 'kms:DescribeKey' });
    expect(nag).toEqual([]);
  });
});

describe('storage key [S5, row 48, 50]', () => {
  const withKey = (instance: InstanceType, keepVolumeKey?: boolean) =>
    synth((stack) => endpoint(stack, { instance, keepVolumeKey, volumeKey: new Key(stack, 'Key') }));

  test.each([
    ['encrypts the volume of', InstanceType.ML_M5_LARGE, undefined, true, 'the given key encrypts the volume of ml.m5.large'],
    [
      'is left out for the NVMe storage of',
      InstanceType.ML_M5D_LARGE,
      undefined,
      false,
      'the given key is left out: ml.m5d.large has local NVMe',
    ],
    [
      'is left out for the NVMe storage of',
      InstanceType.ML_G5_XLARGE,
      false,
      false,
      'the given key is left out: ml.g5.xlarge has local NVMe',
    ],
    ['is kept when a policy demands it for', InstanceType.ML_G5_XLARGE, true, true, "kept because 'keepVolumeKey' is set"],
    ['is used for the unlisted', InstanceType.of('ml.z9.large'), undefined, true, 'the given key encrypts the volume of ml.z9.large'],
  ])('that is given %s %s', (_what, instance, keep, present, reason) => {
    const { built, template } = withKey(instance as InstanceType, keep as boolean | undefined);
    const [config] = resources(template, 'SageMaker::EndpointConfig');
    expect(config.Properties.KmsKeyId !== undefined).toBe(present);
    expect(config.Metadata.StorageEncryption).toContain(reason);
    expect(built.storageEncryption).toContain(reason);
    expect(statement(template, 'UseVolumeKey') !== undefined).toBe(present);
  });

  test('is acknowledged, with the reason, before the packs that demand one where it would encrypt nothing [row 50]', () => {
    const demanded = (instance: InstanceType) => {
      const stack = new Stack(app(), 'Test');
      endpoint(stack, { instance });
      return [HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks, PCIDSS321Checks].flatMap((Pack) =>
        new Pack().validateScope(stack).violations.filter(({ ruleName }) => ruleName.includes('SageMaker')),
      );
    };
    expect(demanded(InstanceType.ML_G5_XLARGE)).toEqual([]);
    expect(demanded(InstanceType.ML_M5_LARGE)).toHaveLength(4);
  });

  test('is no question without a key', () => {
    expect(build().built.storageEncryption).toContain('no key given');
    expect(build({ instance: InstanceType.ML_G5_XLARGE }).built.storageEncryption).toContain('encrypts its local NVMe storage in hardware');
  });
});

describe('data capture [row 62, 63]', () => {
  test('keeps input and output as text and lets the role write below its own prefix', () => {
    const { template, nag } = synth((stack) => endpoint(stack, { capture: capture(stack) }));
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      DataCaptureConfig: {
        EnableCapture: true,
        InitialSamplingPercentage: 100,
        DestinationS3Uri: 's3://my-capture/endpoints',
        CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
        CaptureContentTypeHeader: { JsonContentTypes: ['application/json'], CsvContentTypes: ['text/csv'] },
        KmsKeyId: Match.absent(),
      },
    });
    expect(statement(template, 'Capture')).toEqual({
      Sid: 'Capture',
      Action: 's3:PutObject',
      Effect: 'Allow',
      Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::my-capture/endpoints/flights-dev-delay/*']] },
    });
    expect(nag).toEqual([]);
  });

  test('encrypts with the key of the bucket', () => {
    const { template } = synth((stack) => {
      const bucket = new Bucket(stack, 'Mine', { encryptionKey: new Key(stack, 'Key') });
      return endpoint(stack, { capture: { bucket, prefix: 'c', samplingPercent: 20 } });
    });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      DataCaptureConfig: { KmsKeyId: { 'Fn::GetAtt': [Match.anyValue(), 'Arn'] }, InitialSamplingPercentage: 20 },
    });
    expect(statements(template).find((one) => JSON.stringify(one.Action).includes('kms:'))).toMatchObject({
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    });
  });

  test('has no finding when the bucket is in another stack', () => {
    const here = app();
    const bucket = new Bucket(new Stack(here, 'Data'), 'Capture', { enforceSSL: true, serverAccessLogsPrefix: 'log/' });
    const stack = new Stack(here, 'Serving');
    const built = endpoint(stack, { capture: { bucket } });
    Validations.of(stack).addPlugins(new AwsSolutionsChecks());
    expect(() => here.synth()).not.toThrow();
    expect(built.endpointName).toBe('flights-dev-delay');
  });

  test('is off at 0 %, and takes Tokens', () => {
    const of = (over: object) => synth((stack) => endpoint(stack, { capture: { ...capture(stack), ...over } }));
    of({ samplingPercent: 0 }).template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      DataCaptureConfig: { EnableCapture: false, InitialSamplingPercentage: 0 },
    });
    const { template, nag } = of({ samplingPercent: number(20), prefix: Aws.STACK_NAME });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      DataCaptureConfig: {
        InitialSamplingPercentage: 20,
        DestinationS3Uri: { 'Fn::Join': ['', ['s3://my-capture/', { Ref: 'AWS::StackName' }]] },
      },
    });
    expect(nag).toEqual([]);
  });

  test('fails on a bucket in another Region, when both are known [row 30]', () => {
    const of = (region: string) => () =>
      synth((stack) => endpoint(stack, { capture: { bucket: Bucket.fromBucketAttributes(stack, 'Far', { bucketName: 'far', region }) } }), {
        account: '111122223333',
        region: 'eu-central-1',
      });
    expect(of('us-east-1')).toThrow("'capture.bucket' is in us-east-1 but the endpoint in eu-central-1: use a bucket in eu-central-1");
    expect(of('eu-central-1')).not.toThrow();
    expect(of(Aws.REGION)).not.toThrow();
  });

  test.each([
    [{ samplingPercent: -1 }, "'capture.samplingPercent' must be between 0 and 100, got -1"],
    [{ samplingPercent: 101 }, "'capture.samplingPercent' must be between 0 and 100, got 101"],
    [{ samplingPercent: 0.5 }, "'capture.samplingPercent' must be a whole number, got 0.5"],
    [{ prefix: '' }, "'capture.prefix' must be a key prefix without '/' at either end, got ''"],
    [{ prefix: 'p'.repeat(401) }, "'capture.prefix' must have at most 400 characters, got 401"],
    [{ prefix: '/a' }, "'capture.prefix' must be a key prefix without '/' at either end, got '/a'"],
    [{ prefix: 'a/' }, "'capture.prefix' must be a key prefix without '/' at either end, got 'a/'"],
  ])('fails on %j', (over, message) => {
    expect(() => synth((stack) => endpoint(stack, { capture: { ...capture(stack), ...over } }))).toThrow(message);
  });
});

describe('scaling of an endpoint [A1, A2, A4, A5]', () => {
  test('renders the policy on the literal variant, without role, after the endpoint [row 69, 99, 100, 108, 110, 111]', () => {
    const { template } = build({ scaling: scaling(2, 4) });
    const [id] = Object.keys(template.findResources('AWS::SageMaker::Endpoint'));
    template.hasResource('AWS::ApplicationAutoScaling::ScalableTarget', {
      Properties: {
        ServiceNamespace: 'sagemaker',
        ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
        ResourceId: 'endpoint/flights-dev-delay/variant/AllTraffic',
        MinCapacity: 2,
        MaxCapacity: 4,
        RoleARN: Match.absent(),
      },
      DependsOn: [id],
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyName: 'flights-dev-delay-traffic-out',
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        MetricAggregationType: 'Maximum',
        Cooldown: 300,
      },
    });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', { ProductionVariants: [{ InitialInstanceCount: 2 }] });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: Match.absent(), // [row 70]
    });
  });

  test('guards the measured rate by an alarm on ten seconds that only scales out [A1, row 85, 100]', () => {
    const { template, nag } = build({ scaling: scaling(1, 4, { concurrency: 8 }) });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 3);
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyName: 'flights-dev-delay-concurrency-guard',
      PolicyType: 'StepScaling',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'PercentChangeInCapacity',
        MinAdjustmentMagnitude: 1,
        MetricAggregationType: 'Maximum',
        Cooldown: 300,
        StepAdjustments: [{ MetricIntervalLowerBound: 0, MetricIntervalUpperBound: Match.absent(), ScalingAdjustment: 34 }],
      },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-delay-concurrency-guard',
      Namespace: 'AWS/SageMaker',
      MetricName: 'ConcurrentRequestsPerModel',
      Dimensions: [
        { Name: 'EndpointName', Value: 'flights-dev-delay' },
        { Name: 'VariantName', Value: 'AllTraffic' },
      ],
      Statistic: 'Maximum',
      Period: 10,
      EvaluationPeriods: 1,
      Threshold: 8,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    });
    expect(nag).toEqual([]);
  });

  test('takes no guard that enhanced metrics would starve [row 85]', () => {
    const guarded = { scaling: scaling(1, 4, { concurrency: 8 }), enhancedMetrics: true };
    expect(() => build(guarded)).toThrow(
      "'metricFrequency' of 60 s starves 'scaling.concurrency', which is read every 10 s: with 'enhancedMetrics' make it 10 s, or leave both out",
    );
    expect(() => build({ ...guarded, metricFrequency: Duration.seconds(10) })).not.toThrow();
    expect(() => build({ scaling: scaling(), enhancedMetrics: true })).not.toThrow();
  });

  test('sets other limits at known times, in their time zone [A3]', () => {
    const schedule = Schedule.cron({ weekDay: 'MON-FRI', hour: '7', minute: '0' });
    const day = ScalingSchedule.at({ name: 'day', schedule, timeZone: TimeZone.EUROPE_BERLIN, min: 3 });
    build({ scaling: scaling(1, 4, { schedules: [day] }) }).template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ScheduledActions: [
        {
          ScheduledActionName: 'day',
          Schedule: 'cron(0 7 ? * MON-FRI *)',
          Timezone: 'Europe/Berlin',
          ScalableTargetAction: { MinCapacity: 3, MaxCapacity: Match.absent() },
        },
      ],
    });
  });

  test.each([
    ['the minimum', scaling(number(3), 2), "'scaling' has a maximum of 2 below its minimum of 3, one of them from a Token: swap them"],
    ['the maximum', scaling(2, number(1)), "'scaling' has a maximum of 1 below its minimum of 2, one of them from a Token: swap them"],
    ['a part of an instance', scaling(1, number(2.5)), "'scaling' must have whole numbers from 0, got 2.5 from a Token"],
    ['fewer than none', scaling(number(-1), 2), "'scaling' must have whole numbers from 0, got -1 from a Token"],
    [
      'the minimum of a schedule',
      scaling(1, 4, {
        schedules: [ScalingSchedule.at({ name: 'day', schedule: Schedule.cron({ hour: '6', minute: '0' }), min: number(5), max: 4 })],
      }),
      "'scaling.schedules.day' has a maximum of 4 below its minimum of 5",
    ],
  ])('fails when a Token turns out at synth to be %s that contradicts the rest', (_, contradicting, message) => {
    expect(() => build({ scaling: contradicting })).toThrow(message);
  });

  test('takes limits that are Tokens and agree', () => {
    build({ scaling: scaling(number(2), number(2)) }).template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 2,
      MaxCapacity: 2,
    });
  });

  test('makes neither target nor policy for a fixed number, which an update sets', () => {
    const { template } = build({ scaling: Scaling.fixed(3) });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
    template.hasResourceProperties('AWS::SageMaker::Endpoint', { RetainAllVariantProperties: Match.absent() });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', { ProductionVariants: [{ InitialInstanceCount: 3 }] });
  });

  test('fails on a burstable type, which runs fixed [row 107]', () => {
    const instance = InstanceType.ML_T2_MEDIUM;
    expect(() => build({ instance, scaling: scaling() })).toThrow("'instance' ml.t2.medium is burstable, which SageMaker cannot scale");
    expect(() => build({ instance })).not.toThrow();
  });

  test('fails when metrics come too rarely for the policy [row 85]', () => {
    const slow = { enhancedMetrics: true, metricFrequency: Duration.minutes(2) };
    expect(() => build({ ...slow, scaling: scaling() })).toThrow("'metricFrequency' of 120 s starves the scaling policy");
    expect(() => build(slow)).not.toThrow();
  });
});

describe('VPC [row 38, 39, 142]', () => {
  const inVpc = (natGateways: number, s3: boolean, props: Partial<InferenceEndpointProps> = {}) =>
    synth((stack) => {
      const vpc = new Vpc(stack, 'Vpc', {
        natGateways,
        subnetConfiguration: [
          { name: 'In', subnetType: natGateways ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED },
          ...(natGateways ? [{ name: 'Out', subnetType: SubnetType.PUBLIC }] : []),
        ],
      });
      if (s3) {
        vpc.addGatewayEndpoint('S3', { service: { name: `com.amazonaws.${Aws.REGION}.s3` } });
      }
      return endpoint(stack, { vpc, ...props });
    });

  test('attaches the model to the private subnets with a group that accepts nothing', () => {
    const { template, built } = inVpc(0, true);
    template.hasResourceProperties('AWS::SageMaker::Model', {
      VpcConfig: {
        Subnets: [Match.anyValue(), Match.anyValue()],
        SecurityGroupIds: [{ 'Fn::GetAtt': [Match.stringLikeRegexp('ChatSecurityGroup'), 'GroupId'] }],
      },
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443, IpProtocol: 'tcp' }],
      SecurityGroupIngress: Match.absent(),
    });
    expect(statement(template, 'Network').Action).toHaveLength(9);
    expect(built.connections.securityGroups).toHaveLength(1);
  });

  test('fails on subnets in one zone', () => {
    expect(() =>
      synth((stack) => {
        const vpc = new Vpc(stack, 'Vpc', { maxAzs: 1 });
        return endpoint(stack, { vpc });
      }),
    ).toThrow("'vpcSubnets' lie in 1 Availability Zone, SageMaker needs at least 2");
  });

  test('fails at synth without a route to S3, unless there is a gateway endpoint or NAT', () => {
    expect(() => inVpc(0, false)).toThrow("'vpcSubnets' have no route to S3");
    expect(() => inVpc(1, false)).not.toThrow();
  });

  test('fails at synth when the only gateway leads to S3 Express or lies in another VPC', () => {
    const isolated = (stack: Stack, id: string) =>
      new Vpc(stack, id, { natGateways: 0, subnetConfiguration: [{ name: 'In', subnetType: SubnetType.PRIVATE_ISOLATED }] });
    const of = (add: (stack: Stack, vpc: Vpc) => void) => () =>
      synth((stack) => {
        const vpc = isolated(stack, 'Vpc');
        add(stack, vpc);
        return endpoint(stack, { vpc });
      });
    const service = (name: string) => ({ service: { name: `com.amazonaws.${Aws.REGION}.${name}` } });
    expect(of((_stack, vpc) => vpc.addGatewayEndpoint('G', service('s3express')))).toThrow("'vpcSubnets' have no route to S3");
    expect(of((stack) => isolated(stack, 'Other').addGatewayEndpoint('G', service('s3')))).toThrow("'vpcSubnets' have no route to S3");
  });

  test('leaves no finding of cdk-nag, in a network of this library with its own security group', () => {
    const { template, nag, built } = synth((stack) => {
      const network = new PrivateNetwork(stack, 'Network');
      return endpoint(stack, { vpc: network.vpc, vpcSubnets: network.subnets, securityGroups: [network.securityGroup] });
    });
    expect(nag).toEqual([]);
    expect(built.connections.securityGroups).toHaveLength(1);
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    expect(statement(template, 'Network')).toMatchObject({ Effect: 'Allow', Resource: '*' });
  });

  test('fails on public subnets without a gateway endpoint: containers are not connected to the internet [row 39]', () => {
    const open = (gateway: boolean) => () =>
      synth((stack) => {
        const vpc = new Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration: [{ name: 'Out', subnetType: SubnetType.PUBLIC }] });
        if (gateway) {
          vpc.addGatewayEndpoint('S3', { service: GatewayVpcEndpointAwsService.S3 });
        }
        return endpoint(stack, { vpc });
      });
    expect(open(false)).toThrow("'vpcSubnets' have no route to S3");
    expect(open(true)).not.toThrow();
  });

  test('fails on a selection that the VPC cannot fulfil, beside every other problem', () => {
    const selection = { vpcSubnets: { subnetGroupName: 'none' }, weight: 1 };
    expect(() => inVpc(1, false, selection)).toThrow(/InvalidInferenceEndpoint: .*'vpcSubnets' cannot be selected: .*'weight' is a share/);
  });

  test('fails on an empty list of security groups, and on more than five', () => {
    expect(() => inVpc(1, false, { securityGroups: [] })).toThrow("'securityGroups' is empty: give at least one or leave it out");
    const groups = (many: number) => () =>
      synth((stack) => {
        const group = (_: unknown, position: number) => SecurityGroup.fromSecurityGroupId(stack, `G${position}`, `sg-0123456${position}`);
        return endpoint(stack, { vpc: new Vpc(stack, 'Vpc'), securityGroups: Array.from({ length: many }, group) });
      });
    expect(groups(6)).toThrow("'securityGroups' must be at most 5, got 6");
    expect(groups(5)).not.toThrow();
  });

  test('fails on parts of a VPC without the VPC', () => {
    expect(() => build({ vpcSubnets: {}, securityGroups: [] })).toThrow(/'vpcSubnets' needs 'vpc'.*'securityGroups' needs 'vpc'/);
    expect(() => build().built.connections).toThrow("only an endpoint with 'vpc' has connections");
  });
});

describe('checks of an endpoint', () => {
  test.each(['MyModel', 'a_b', '-a', 'a-', 'a'.repeat(64), ''])("fails on the name '%s' [row 60, 61]", (endpointName) => {
    expect(() => build({ endpointName })).toThrow("'endpointName' must be 1 to 63 lower-case letters, digits and inner hyphens");
  });

  test.each(['a', 'a--b', 'a'.repeat(63)])('takes the name %s', (endpointName) => {
    expect(build({ endpointName }).built.endpointName).toBe(endpointName);
  });

  test('fails on a name that is a Token: alarms, grants and scaling name it', () => {
    expect(() => build({ endpointName: Aws.STACK_NAME })).toThrow("'endpointName' must be known at synth, got a Token");
  });

  test.each(['modelDownloadTimeout', 'startupTimeout'] as const)('fails on a %s outside 60 s to 1 h [row 40]', (name) => {
    for (const seconds of [59, 3601]) {
      expect(() => build({ [name]: Duration.seconds(seconds) })).toThrow(
        `'${name}, in seconds,' must be between 60 and 3600, got ${seconds}`,
      );
    }
    for (const seconds of [60, 3600]) {
      expect(() => build({ [name]: Duration.seconds(seconds) })).not.toThrow();
    }
    expect(() => build({ [name]: Duration.millis(60500) })).toThrow(`'${name}' must be whole seconds, got 60.5 s`);
    expect(() => build({ [name]: Duration.seconds(number(90)) })).not.toThrow();
  });

  test.each([
    [InstanceType.ML_M5_LARGE, 0, "'volumeSize, in GiB,' must be between 1 and 512, got 0"],
    [InstanceType.ML_M5_LARGE, 513, "'volumeSize, in GiB,' must be between 1 and 512, got 513"],
    [InstanceType.ML_M5_LARGE, 1.5, "'volumeSize, in GiB,' must be a whole number, got 1.5"],
    [InstanceType.ML_G5_XLARGE, 100, "'volumeSize' cannot be set for ml.g5.xlarge, which uses its local NVMe storage"],
  ])('fails on a volume of %s with %d GiB [row 41]', (instance, size, message) => {
    expect(() => build({ instance: instance as InstanceType, volumeSize: Size.gibibytes(size as number) })).toThrow(message as string);
  });

  test.each([1, 512])('takes a volume of %d GiB, and a Token', (size) => {
    for (const volumeSize of [Size.gibibytes(size), Size.gibibytes(number(size))]) {
      build({ volumeSize }).template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
        ProductionVariants: [{ VolumeSizeInGB: size }],
      });
    }
  });

  test('omits the volume size on local storage and on unlisted types', () => {
    for (const instance of [InstanceType.ML_G5_XLARGE, InstanceType.of('ml.z9.large')]) {
      const [config] = resources(build({ instance }).template, 'SageMaker::EndpointConfig');
      expect(config.Properties.ProductionVariants[0].VolumeSizeInGB).toBeUndefined();
    }
  });

  test('gives accelerators half an hour to load', () => {
    build({ instance: InstanceType.ML_G5_XLARGE }).template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [{ ContainerStartupHealthCheckTimeoutInSeconds: 1800, ModelDataDownloadTimeoutInSeconds: 1800 }],
    });
  });

  test.each([
    [20, true, "'metricFrequency' must be one of 10, 30, 60, 120, 180, 240, 300 s, got 20 s"],
    [10, false, "'metricFrequency' of 10 s needs 'enhancedMetrics'"],
  ])('fails on metrics every %d s with enhanced metrics %s [row 85]', (seconds, enhancedMetrics, message) => {
    expect(() => build({ enhancedMetrics, metricFrequency: Duration.seconds(seconds) })).toThrow(message);
  });

  test.each([10, 30, 60, 120, 180, 240, 300])('takes metrics every %d s with enhanced metrics', (seconds) => {
    build({ enhancedMetrics: true, metricFrequency: Duration.seconds(seconds) }).template.hasResourceProperties(
      'AWS::SageMaker::EndpointConfig',
      { MetricsConfig: { EnableEnhancedMetrics: true, MetricPublishFrequencyInSeconds: seconds } },
    );
  });

  test('fails on a metric frequency that is a Token: the period of its alarms follows from it', () => {
    expect(() => build({ enhancedMetrics: true, metricFrequency: Duration.seconds(number(60)) })).toThrow(
      "'metricFrequency' must be known at synth, got a Token: give a plain value",
    );
  });

  test('reads alarms no faster than metrics come [row 85, 176]', () => {
    const { template } = build({ enhancedMetrics: true, metricFrequency: Duration.minutes(5) });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-delay-latency', Period: 300 });
    build({ enhancedMetrics: true, metricFrequency: Duration.seconds(10) }).template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-delay-latency',
      Period: 60,
    });
  });

  test('fails on an Arm instance under an x86-64 image', () => {
    expect(() => build({ instance: InstanceType.ML_C7G_LARGE })).toThrow("'instance' ml.c7g.large is Arm but the image");
  });

  test('fails on an instance type that its Region does not sell; of() and open Regions pass [row 51, S2]', () => {
    const env = { account: '111111111111', region: 'eu-west-3' };
    const of = (instance: InstanceType, e?: typeof env) => () => synth((stack) => endpoint(stack, { instance }), e);
    expect(of(InstanceType.ML_G6E_XLARGE, env)).toThrow(
      "'instance' ml.g6e.xlarge was not on sale for hosting in eu-west-3, only in ap-northeast-1",
    );
    expect(of(InstanceType.ML_P5E_48XLARGE, env)).toThrow('was not on sale for hosting in any Region');
    expect(of(InstanceType.of('ml.g6e.xlarge'), env)).not.toThrow();
    expect(of(InstanceType.ML_G6E_XLARGE)).not.toThrow();
    expect(of(InstanceType.ML_M5_LARGE, env)).not.toThrow();
  });

  test('fails on a key to keep that is not there', () => {
    expect(() => build({ keepVolumeKey: true })).toThrow("'keepVolumeKey' has no 'volumeKey' to keep");
  });

  test('fails on what only other endpoints have, which would be left out silently', () => {
    const foreign = { input: {}, maxConcurrentInvocations: 1, memory: 1, provisionedConcurrency: {}, maxInstances: 2 };
    for (const name of Object.keys(foreign)) {
      expect(() => build(foreign as object)).toThrow(`'${name}' is not for real-time endpoints, which `);
    }
  });

  test('fails with every problem at once, in one message with the path', () => {
    const wrong = () =>
      build({
        endpointName: 'Chat',
        scaling: Scaling.between(0, 4),
        slo: Slo.latency({ percentile: 100, below: Duration.minutes(2) }),
        startupTimeout: Duration.seconds(1),
      });
    for (const part of [
      "'endpointName'",
      "'scaling.min' must be at least 1, got 0",
      'has no measured capacity',
      "'slo.percentile'",
      "'slo.below'",
      "'startupTimeout",
      '[at Test/Chat]',
    ]) {
      expect(wrong).toThrow(part);
    }
  });
});

describe('warnings of an endpoint', () => {
  const warnings = (props: Partial<InferenceEndpointProps>) =>
    build(props)
      .built.node.metadata.filter(({ type }) => type === 'aws:cdk:warning')
      .map(({ data }) => data as string);

  test('are none for a plain endpoint', () => {
    expect(warnings({ scaling: scaling() })).toEqual([]);
  });

  test('tell of an unlisted type, with the one probably meant', () => {
    expect(warnings({ instance: InstanceType.of('ml.m5.lrge') })).toEqual([expect.stringContaining("did you mean 'ml.m5.large'?")]);
  });

  test('tell of a capacity measured under other conditions [A2]', () => {
    const [warning] = warnings({
      scaling: scaling(),
      instance: InstanceType.ML_C5_LARGE,
      slo: Slo.latency({ percentile: 90, below: Duration.seconds(1) }),
    });
    expect(warning).toContain('instance ml.m5.large there but ml.c5.large here');
    expect(warning).toContain('latencyPercentile 99 there but 90 here, latencyBelowMs 500 there but 1000 here');
  });

  test('tell of a model that lies in the bucket of the toolchain although the endpoint must be kept', () => {
    const model = ModelSource.fromAsset(folder({ 'model.json': '{}', 'code/inference.py': 'x = 1' }), { image });
    expect(warnings({ model, removalPolicy: RemovalPolicy.RETAIN })).toEqual([expect.stringContaining('use ModelSource.fromTarball()')]);
    expect(warnings({ model })).toEqual([]);
  });

  test('tell of an accelerator that a CPU image leaves idle', () => {
    expect(warnings({ instance: InstanceType.ML_G5_XLARGE })).toEqual([expect.stringContaining('stays idle')]);
  });
});

describe('grantInvoke', () => {
  test('lets the grantee call this endpoint only', () => {
    const { template } = synth((stack) => {
      const built = endpoint(stack);
      built.grantInvoke(new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
      return built;
    });
    const policy = resources(template, 'IAM::Policy').find(({ Properties }) => JSON.stringify(Properties.Roles).includes('Caller'));
    expect(policy.Properties.PolicyDocument.Statement).toEqual([
      {
        Action: 'sagemaker:InvokeEndpoint',
        Effect: 'Allow',
        Resource: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':sagemaker:',
              { Ref: 'AWS::Region' },
              ':',
              { Ref: 'AWS::AccountId' },
              ':endpoint/flights-dev-delay',
            ],
          ],
        },
      },
    ]);
  });
});

describe('alarms of an endpoint [O1, O2]', () => {
  const withBoard = (props = {}) =>
    synth((stack) => {
      board(stack);
      return endpoint(stack, { capture: capture(stack), ...props });
    });

  test('page one owner once: only the composite and the disk have actions', () => {
    const { template } = withBoard();
    const acting = [...resources(template, 'CloudWatch::Alarm'), ...resources(template, 'CloudWatch::CompositeAlarm')]
      .filter(({ Properties }) => Properties.AlarmActions !== undefined)
      .map(({ Properties }) => Properties.AlarmName as string)
      .filter((name) => name.startsWith('flights'));
    expect(acting).toEqual(['flights-dev-delay-disk', 'flights-dev-delay-unhealthy']);
  });

  test('name every alarm literally, say what silence means and link a runbook section that exists', () => {
    const runbook = readFileSync(`${__dirname}/../../../docs/runbooks/serving.md`, 'utf8');
    const { template } = build({});
    const alarms = [...resources(template, 'CloudWatch::Alarm'), ...resources(template, 'CloudWatch::CompositeAlarm')].map(
      ({ Properties }) => Properties,
    );
    expect(alarms.map(({ AlarmName }) => AlarmName).sort()).toEqual(
      [
        'error-budget',
        'error-budget-hour',
        'error-budget-minutes',
        'errors',
        'latency',
        'rollback-errors',
        'rollback-latency',
        'unhealthy',
      ].map((name) => `flights-dev-delay-${name}`),
    );
    for (const { AlarmDescription, AlarmRule, TreatMissingData } of alarms) {
      expect(runbook).toContain(`## ${/#([a-z-]+)$/.exec(AlarmDescription)![1]}\n`);
      expect(AlarmRule === undefined ? TreatMissingData : 'notBreaching').toBe('notBreaching');
    }
  });

  test('turn milliseconds of the SLO into microseconds of the metric [row 187]', () => {
    build().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-delay-latency',
      Namespace: 'AWS/SageMaker',
      MetricName: 'ModelLatency',
      ExtendedStatistic: 'p99',
      Threshold: 500_000,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
    });
  });

  test.each([
    [99.5, 0.05, 0.072],
    [99.9, 0.05, 0.0144],
    [95, 0.5, 0.5],
    [99, 0.1, 0.144],
  ])('take their error thresholds from an availability of %d %%: %d and %d, which a rate can reach [row 80]', (percent, errors, burn) => {
    const { template } = build({ slo: Slo.availability(percent) });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-delay-errors', Threshold: errors });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-delay-error-budget-hour', Threshold: burn });
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { MetricName: 'ModelLatency' }, 0);
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      DeploymentConfig: { AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'flights-dev-delay-rollback-errors' }] } },
    });
  });

  test('join both windows of the burn rate, of one hour and five minutes, with AND', () => {
    const { template } = build();
    const rule = resources(template, 'CloudWatch::CompositeAlarm').find(({ Properties }) => Properties.AlarmName.endsWith('error-budget'))
      .Properties.AlarmRule;
    expect(JSON.stringify(rule)).toContain(' AND ');
    for (const [name, period] of [
      ['hour', 3600],
      ['minutes', 300],
    ]) {
      const [alarm] = Object.values(
        template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `flights-dev-delay-error-budget-${name}` } }),
      );
      expect(
        alarm.Properties.Metrics.filter((metric: Shape) => metric.MetricStat).map((metric: Shape) => metric.MetricStat.Period),
      ).toEqual(Array(4).fill(period));
    }
  });
});

test('names and unhealthy alarm of two endpoints in one stack do not clash', () => {
  expect(() =>
    synth((stack) => {
      const model = tarball(stack);
      const common = { model, instance: InstanceType.ML_M5_LARGE, slo: Slo.availability(99) };
      new InferenceEndpoint(stack, 'A', common);
      return new InferenceEndpoint(stack, 'B', common);
    }),
  ).not.toThrow();
});
