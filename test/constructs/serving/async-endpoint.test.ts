import { readFileSync } from 'node:fs';
import { Aws, Duration, Lazy, Stack, TimeZone, Token } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { ModelSource } from '../../../lib/constructs/models';
import { PrivateNetwork } from '../../../lib/constructs/network';
import {
  AsyncEndpointProps,
  AsyncSlo,
  BacklogScaling,
  InstanceType,
  MeasuredCapacity,
  ModelSize,
  Rollout,
  ScalingSchedule,
} from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { synth } from '../../support/synth';
import { asyncEndpoint } from './async-fixtures';
import { gpuImage } from './component-fixtures';
import { CAPACITY, board, folder, image } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const NAME = 'flights-dev-reports';
const US_EAST = { account: '111122223333', region: 'us-east-1' };
const build = (
  props: Partial<AsyncEndpointProps> | ((stack: Stack) => Partial<AsyncEndpointProps>) = {},
  env?: Parameters<typeof synth>[1],
) => synth((stack) => asyncEndpoint(stack, typeof props === 'function' ? props(stack) : props), env);
const resources = (template: Template, type: string): Shape[] => Object.values(template.findResources(`AWS::${type}`));
const statements = (template: Template, of = 'Reports'): Shape[] =>
  resources(template, 'IAM::Policy')
    .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(of))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
const text = (value: unknown) => JSON.stringify(value);
const capacity = (over = {}) => MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, ...over }) })}/c.json`);
const toZero = () => BacklogScaling.between(0, 4, { backlogPerInstance: 5 });
const number = (value: number) => Lazy.number({ produce: () => value });
const warnings = (props: Partial<AsyncEndpointProps>) =>
  build(props)
    .built.node.metadata.filter(({ type }) => type === 'aws:cdk:warning')
    .map(({ data }) => data as string);

describe('AsyncEndpoint resources [S1, S6]', () => {
  test('answers below one prefix, keeps what failed below another and tells both topics [row 65]', () => {
    const { template, built } = build();
    const [config] = resources(template, 'SageMaker::EndpointConfig');
    const [success, error] = Object.keys(template.findResources('AWS::SNS::Topic'));
    expect(config.Properties.AsyncInferenceConfig).toEqual({
      ClientConfig: { MaxConcurrentInvocationsPerInstance: 1 },
      OutputConfig: {
        S3OutputPath: `s3://my-answers/${NAME}/answers`,
        S3FailurePath: `s3://my-answers/${NAME}/failures`,
        NotificationConfig: { SuccessTopic: { Ref: success }, ErrorTopic: { Ref: error } },
      },
    });
    expect([built.inputUrl, built.answersUrl, built.failuresUrl]).toEqual([
      `s3://my-requests/${NAME}/requests`,
      `s3://my-answers/${NAME}/answers`,
      `s3://my-answers/${NAME}/failures`,
    ]);
    expect([success, error].map((id) => id.slice(0, 12))).toEqual(['ReportsSucce', 'ReportsError']);
  });

  test('takes buckets, prefixes, topics and concurrency of the caller', () => {
    const { template, built } = build((stack) => {
      const topic = new Topic(stack, 'Mine');
      const bucket = new Bucket(stack, 'Both', { encryptionKey: new Key(stack, 'Key') });
      return {
        input: { bucket, prefix: 'in' },
        output: { bucket, prefix: 'out/put' },
        successTopic: topic,
        errorTopic: topic,
        maxConcurrentInvocations: 8,
      };
    });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      AsyncInferenceConfig: {
        ClientConfig: { MaxConcurrentInvocationsPerInstance: 8 },
        OutputConfig: {
          S3OutputPath: { 'Fn::Join': ['', ['s3://', { Ref: Match.stringLikeRegexp('Both') }, '/out/put/answers']] },
          KmsKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('Key'), 'Arn'] },
        },
      },
    });
    template.resourceCountIs('AWS::SNS::Topic', 1);
    expect(built.successTopic).toBe(built.errorTopic);
  });

  test('is sent as much at a time as the measured instance had in flight, otherwise one invocation, so that pings are answered [row 67]', () => {
    const concurrency = (over: object) =>
      resources(build({ scaling: BacklogScaling.between(1, 2, { capacity: capacity(over) }) }).template, 'SageMaker::EndpointConfig')[0]
        .Properties.AsyncInferenceConfig.ClientConfig.MaxConcurrentInvocationsPerInstance;
    expect(concurrency({ requestsPerSecondPerInstance: 40, latencyBelowMs: 500 })).toBe(20);
    expect(concurrency({ requestsPerSecondPerInstance: 0.01, latencyBelowMs: 500 })).toBe(1);
    expect(concurrency({ requestsPerSecondPerInstance: 100_000, latencyBelowMs: 500 })).toBe(1000);
  });

  test('keeps its instance count when it is updated, and starts with one instance where it may have none [row 69]', () => {
    const { template } = build({ scaling: toZero() });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', { RetainAllVariantProperties: true });
    template.hasResourceProperties('AWS::SageMaker::EndpointConfig', { ProductionVariants: [{ InitialInstanceCount: 1 }] });
    build({ scaling: BacklogScaling.fixed(3) }).template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      RetainAllVariantProperties: Match.absent(),
    });
  });

  test('keeps a replaced model and configuration, which a scale-out from zero still needs [row 47, 82, 83]', () => {
    const { template } = build();
    for (const type of ['SageMaker::Model', 'SageMaker::EndpointConfig']) {
      expect(resources(template, type)[0]).toMatchObject({ UpdateReplacePolicy: 'Retain', DeletionPolicy: 'Delete' });
    }
  });

  test('rolls back on the 5xx answers of the new fleet, the only failures that tell fleets apart [row 79, 81]', () => {
    const { template } = build();
    const [endpoint] = resources(template, 'SageMaker::Endpoint');
    const [[id, alarm]] = Object.entries(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${NAME}-rollback-errors` } }),
    );
    expect(endpoint.Properties.DeploymentConfig.AutoRollbackConfiguration).toEqual({
      Alarms: [{ AlarmName: `${NAME}-rollback-errors` }],
    });
    expect(endpoint.DependsOn).toContain(id);
    const metrics = alarm.Properties.Metrics.filter((metric: Shape) => metric.MetricStat);
    expect(metrics.map(({ MetricStat }: Shape) => [MetricStat.Metric.MetricName, MetricStat.Stat])).toEqual([
      ['Invocation5XXErrors', 'Sum'],
      ['Invocation5XXErrors', 'SampleCount'],
    ]);
    for (const metric of metrics) {
      expect(metric.MetricStat.Metric.Dimensions.map(({ Name }: Shape) => Name)).toEqual([
        'EndpointConfigName',
        'EndpointName',
        'VariantName',
      ]);
    }
    expect(text(statements(template).find(({ Sid }) => Sid === 'WatchDeployments').Resource)).toContain(`:alarm:${NAME}-rollback-errors`);
  });

  test.each([
    [1, 300, 420],
    [10, 600, 720],
    [60, 1800, 1920],
  ])('watches a rollout of answers within %d minutes for %d s, and bakes %d s', (minutes, period, bake) => {
    const { template } = build({ slo: AsyncSlo.answers({ within: Duration.minutes(minutes) }) });
    const [alarm] = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${NAME}-rollback-errors` } }),
    );
    expect(alarm.Properties.Metrics.find((metric: Shape) => metric.MetricStat).MetricStat.Period).toBe(period);
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      DeploymentConfig: { BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { WaitIntervalInSeconds: bake } } },
    });
  });
});

describe('scaling of an asynchronous endpoint [A1, A3]', () => {
  const policies = (template: Template) =>
    Object.fromEntries(
      resources(template, 'ApplicationAutoScaling::ScalingPolicy').map(({ Properties }) => [Properties.PolicyName, Properties]),
    );

  test('tracks the backlog per instance by the name of the endpoint alone, scales out on it and never in [row 106]', () => {
    const { template } = build({ scaling: toZero() });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 0,
      MaxCapacity: 4,
      ResourceId: `endpoint/${NAME}/variant/AllTraffic`,
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
    });
    expect(policies(template)[`${NAME}-backlog`].TargetTrackingScalingPolicyConfiguration).toEqual({
      CustomizedMetricSpecification: {
        Namespace: 'AWS/SageMaker',
        MetricName: 'ApproximateBacklogSizePerInstance',
        Statistic: 'Average',
        Dimensions: [{ Name: 'EndpointName', Value: NAME }],
      },
      TargetValue: 5,
      ScaleOutCooldown: 60,
      ScaleInCooldown: 300,
      DisableScaleIn: true,
    });
  });

  test('wakes from zero on the first invocation that waits [A3, row 102, 104, 106]', () => {
    const { template } = build({ scaling: toZero() });
    const [[id]] = Object.entries(
      template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', { Properties: { PolicyName: `${NAME}-wake-up` } }),
    );
    expect(policies(template)[`${NAME}-wake-up`].StepScalingPolicyConfiguration).toEqual({
      AdjustmentType: 'ChangeInCapacity',
      Cooldown: 180,
      MetricAggregationType: 'Maximum',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `${NAME}-wake-up`,
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: [{ Name: 'EndpointName', Value: NAME }],
      Statistic: 'Maximum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Period: 60,
      EvaluationPeriods: 1,
      AlarmActions: [{ Ref: id }],
    });
  });

  test.each([
    [0, undefined, 16],
    [2, Duration.minutes(1), 2],
    [1, Duration.hours(1), 61],
    [1, Duration.seconds(61), 3],
  ])('goes back to %d only when nothing waited for longer than an invocation may run [A4]', (min, longestInvocation, periods) => {
    const { template } = build({ scaling: BacklogScaling.between(min, 4, { backlogPerInstance: 5, longestInvocation }) });
    expect(policies(template)[`${NAME}-idle`].StepScalingPolicyConfiguration).toEqual({
      AdjustmentType: 'ExactCapacity',
      Cooldown: 300,
      MetricAggregationType: 'Maximum',
      StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: min }],
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `${NAME}-idle`,
      MetricName: 'ApproximateBacklogSizePerInstance',
      Dimensions: [{ Name: 'EndpointName', Value: NAME }],
      Statistic: 'Maximum',
      Threshold: 0,
      ComparisonOperator: 'LessThanOrEqualToThreshold',
      Period: 60,
      EvaluationPeriods: periods,
      TreatMissingData: 'notBreaching',
    });
    expect(policies(template)[`${NAME}-wake-up`] === undefined).toBe(min > 0);
  });

  test('reads its schedules in their time zone [A4]', () => {
    const office = ScalingSchedule.at({
      name: 'office-hours',
      schedule: Schedule.cron({ hour: '7', minute: '30', weekDay: 'MON-FRI' }),
      timeZone: TimeZone.EUROPE_BERLIN,
      min: 1,
    });
    build({ scaling: BacklogScaling.between(0, 4, { backlogPerInstance: 5, schedules: [office] }) }).template.hasResourceProperties(
      'AWS::ApplicationAutoScaling::ScalableTarget',
      {
        ScheduledActions: [
          {
            ScheduledActionName: 'office-hours',
            Schedule: 'cron(30 7 ? * MON-FRI *)',
            Timezone: 'Europe/Berlin',
            ScalableTargetAction: { MinCapacity: 1, MaxCapacity: Match.absent() },
          },
        ],
      },
    );
  });

  test('fails on a type that SageMaker does not scale, when it scales [row 107]', () => {
    const instance = InstanceType.of('ml.t3.medium');
    expect(() => build({ instance, scaling: toZero() })).toThrow("'instance' ml.t3.medium is burstable, which SageMaker cannot scale");
    expect(() => build({ instance })).not.toThrow();
  });

  test('registers its target after the endpoint, so that it goes before it and three deployments can change the type [row 71, 99, 110]', () => {
    const { template } = build({ scaling: toZero() });
    const [endpoint] = Object.keys(template.findResources('AWS::SageMaker::Endpoint'));
    expect(resources(template, 'ApplicationAutoScaling::ScalableTarget')[0].DependsOn).toEqual([endpoint]);
    build().template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
  });
});

test('with a model of the registry it is there, and scales, only while a version is approved [R4, R5]', async () => {
  const names = { namePrefix: 'flights-dev', model: 'reports' };
  const { template, built } = build((stack) => {
    board(stack);
    const artifacts = Bucket.fromBucketName(stack, 'Artifacts', 'my-models');
    return { endpointName: undefined, model: ModelSource.fromRegistry({ ...names, artifacts, image }), scaling: toZero() };
  });
  const of = (conditional: boolean) =>
    Object.values<Shape>(template.toJSON().Resources)
      .filter(({ Condition }) => (Condition !== undefined) === conditional)
      .map(({ Type, Properties }) => `${Type.split('::')[2]} ${Properties.PolicyName ?? Properties.AlarmName ?? ''}`.trim());
  expect(of(true).sort()).toEqual([
    `Alarm ${NAME}-idle`,
    `Alarm ${NAME}-wake-up`,
    'Endpoint',
    'EndpointConfig',
    'Model',
    'ScalableTarget',
    `ScalingPolicy ${NAME}-backlog`,
    `ScalingPolicy ${NAME}-idle`,
    `ScalingPolicy ${NAME}-wake-up`,
  ]);
  expect(of(false)).toEqual(expect.arrayContaining([`Alarm ${NAME}-late`, 'Topic', 'LogGroup']));
  expect(built.endpointName).toBe(NAME);
  expect(await gated(template)).toEqual([]);
});

describe('what an asynchronous endpoint may do [M3, row 68]', () => {
  test('is read requests, write answers, publish to its topics, and what every endpoint needs', () => {
    const { template, nag } = build();
    const found = statements(template);
    expect(found.map(({ Sid, Action }) => [Sid, Action])).toEqual([
      ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']],
      ['Metrics', 'cloudwatch:PutMetricData'],
      ['WatchDeployments', 'cloudwatch:DescribeAlarms'],
      [undefined, ['s3:GetObject', 's3:GetObjectVersion']],
      [undefined, ['s3:PutObject', 's3:AbortMultipartUpload']],
      ['Notify', 'sns:Publish'],
      [undefined, ['kms:GenerateDataKey', 'kms:Decrypt']],
      [undefined, 's3:GetObject'],
      ['PullImage', ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']],
      ['LogInToRegistries', 'ecr:GetAuthorizationToken'],
    ]);
    expect(text(found[3].Resource)).toContain(`:s3:::my-requests/${NAME}/requests/*`);
    expect(found[4].Resource.map(text)).toEqual([
      expect.stringContaining(`:s3:::my-answers/${NAME}/answers/*`),
      expect.stringContaining(`:s3:::my-answers/${NAME}/failures/*`),
    ]);
    expect(found[5].Resource).toEqual(Object.keys(template.findResources('AWS::SNS::Topic')).map((Ref) => ({ Ref })));
    expect(found[6].Resource).toEqual({ 'Fn::GetAtt': [Object.keys(template.findResources('AWS::KMS::Key'))[0], 'Arn'] });
    expect(nag).toEqual([]);
  });

  test('includes the keys of given buckets and topics', () => {
    const { template, nag } = build((stack) => {
      const key = (id: string) => new Key(stack, id, { enableKeyRotation: true });
      const bucket = (id: string) =>
        new Bucket(stack, id, { encryptionKey: key(`${id}Key`), enforceSSL: true, serverAccessLogsPrefix: 'log/' });
      const topic = new Topic(stack, 'Topic', { masterKey: key('TopicKey'), enforceSSL: true });
      return { input: { bucket: bucket('Asked') }, output: { bucket: bucket('Answered') }, successTopic: topic, errorTopic: topic };
    });
    const kms = statements(template)
      .filter(({ Action }) => text(Action).includes('kms:'))
      .map(({ Action, Resource }) => [Action, Resource['Fn::GetAtt'][0].replace(/[A-F0-9]{8}$/, '')]);
    expect(kms).toEqual([
      ['kms:Decrypt', 'AskedKey'],
      [['kms:GenerateDataKey', 'kms:Decrypt'], 'AnsweredKey'],
      [['kms:GenerateDataKey', 'kms:Decrypt'], 'TopicKey'],
    ]);
    expect(nag).toEqual([]);
  });

  test('attaches its model to the given subnets with a group that accepts nothing', () => {
    const { template, built } = build((stack) => {
      const network = new PrivateNetwork(stack, 'Network');
      return { vpc: network.vpc, vpcSubnets: network.subnets };
    });
    const { VpcConfig } = resources(template, 'SageMaker::Model')[0].Properties;
    expect(VpcConfig.Subnets).toHaveLength(2);
    expect(VpcConfig.SecurityGroupIds).toEqual([
      built.connections.securityGroups[0].stack.resolve(built.connections.securityGroups[0].securityGroupId),
    ]);
    expect(
      resources(template, 'EC2::SecurityGroupIngress').filter(({ Properties }) => text(Properties.GroupId).includes('Reports')),
    ).toEqual([]);
  });

  test('has no finding of cdk-nag in a known Region either, whatever the endpoint has', () => {
    const { nag } = build(
      (stack) => {
        const network = new PrivateNetwork(stack, 'Network');
        return {
          vpc: network.vpc,
          vpcSubnets: network.subnets,
          scaling: toZero(),
          volumeKey: new Key(stack, 'Volume', { enableKeyRotation: true }),
        };
      },
      { account: '111122223333', region: 'eu-central-1' },
    );
    expect(nag).toEqual([]);
  });

  test('has topics that everybody needs TLS for, with a rotated key whose use the policies of the account decide', () => {
    const { template } = build();
    for (const topic of resources(template, 'SNS::Topic')) {
      expect(topic.Properties.KmsMasterKeyId).toEqual({ 'Fn::GetAtt': [Object.keys(template.findResources('AWS::KMS::Key'))[0], 'Arn'] });
    }
    template.resourceCountIs('AWS::SNS::TopicPolicy', 2);
    const [key] = resources(template, 'KMS::Key');
    expect(key.Properties.EnableKeyRotation).toBe(true);
    expect(text(key.Properties.KeyPolicy.Statement[0].Principal)).toContain(':root');
    expect(resources(template, 'SageMaker::Model')[0].DependsOn).toContain(Object.keys(template.findResources('AWS::IAM::Policy'))[0]);
  });
});

test('grantInvoke lets the grantee call this endpoint asynchronously, put requests and read answers, and nothing else', () => {
  const { template } = synth((stack) => {
    const built = asyncEndpoint(stack);
    built.grantInvoke(new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })).assertSuccess();
    return built;
  });
  const found = statements(template, 'Caller');
  expect(found.map(({ Action, Effect }) => [Effect, Action])).toEqual([
    ['Allow', 'sagemaker:InvokeEndpointAsync'],
    ['Allow', ['s3:PutObject', 's3:AbortMultipartUpload']],
    ['Allow', ['s3:GetObject', 's3:GetObjectVersion']],
  ]);
  expect(text(found[0].Resource)).toContain(`:endpoint/${NAME}"`);
  expect(text(found[1].Resource)).toContain(`:s3:::my-requests/${NAME}/requests/*`);
  expect(found[2].Resource).toHaveLength(2);
});

describe('alarms of an asynchronous endpoint [O1, O2]', () => {
  const alarm = (template: Template, name: string) =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${NAME}-${name}` } }))[0].Properties;

  test('are one that pages and its causes, each with a literal name, a meaning of silence and a runbook section that exists', () => {
    const runbook = readFileSync(`${__dirname}/../../../docs/runbooks/serving.md`, 'utf8');
    const { template } = build();
    const [composite] = resources(template, 'CloudWatch::CompositeAlarm');
    const alarms = [...resources(template, 'CloudWatch::Alarm'), composite].map(({ Properties }) => Properties);
    expect(alarms.map(({ AlarmName }) => AlarmName)).toEqual(
      ['errors', 'late', 'no-capacity', 'uploads', 'notifications', 'rollback-errors', 'unhealthy'].map((name) => `${NAME}-${name}`),
    );
    for (const { AlarmDescription, AlarmRule, TreatMissingData } of alarms) {
      expect(runbook).toContain(`## ${/#([a-z-]+)$/.exec(AlarmDescription)![1]}\n`);
      expect(AlarmRule === undefined ? TreatMissingData : 'notBreaching').toBe('notBreaching');
    }
    expect(text(composite.Properties.AlarmRule).match(/ OR /g)).toHaveLength(4);
  });

  test('say that an answer is late by the promise, in the seconds of the metric [row 187]', () => {
    expect(alarm(build({ slo: AsyncSlo.answers({ within: Duration.minutes(20) }) }).template, 'late')).toMatchObject({
      MetricName: 'ApproximateAgeOfOldestRequest',
      Dimensions: [{ Name: 'EndpointName', Value: NAME }],
      Statistic: 'Maximum',
      Threshold: 1200,
      Period: 60,
      EvaluationPeriods: 2,
    });
  });

  test('say that no instance comes after as long as one may take to load and to start [row 52]', () => {
    const props = { modelDownloadTimeout: Duration.minutes(20), startupTimeout: Duration.seconds(90) };
    expect(alarm(build(props).template, 'no-capacity')).toMatchObject({
      MetricName: 'HasBacklogWithoutCapacity',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 22,
    });
    const { template } = build({ modelDownloadTimeout: Duration.seconds(number(90)) });
    expect(alarm(template, 'no-capacity').EvaluationPeriods).toBe(70);
  });

  test.each([
    ['uploads', 'ResponseUploadFailures'],
    ['notifications', 'NotificationFailures'],
  ])('watch %s by %s of the variant [row 68]', (name, metric) => {
    expect(alarm(build().template, name)).toMatchObject({ MetricName: metric, Statistic: 'Sum', Threshold: 1, Period: 300 });
  });

  test.each([
    [99.5, 0.05],
    [99.9, 0.05],
    [99, 0.1],
    [50, 0.5],
  ])('take their error threshold from an availability of %d %%: %d, which a share can reach [row 80]', (availabilityPercent, threshold) => {
    const { template } = build({ slo: AsyncSlo.answers({ within: Duration.minutes(15), availabilityPercent }) });
    for (const name of ['errors', 'rollback-errors']) {
      expect(alarm(template, name).Threshold).toBe(threshold);
    }
  });
});

describe('checks of an asynchronous endpoint', () => {
  test.each([
    [{ slo: AsyncSlo.answers({ within: Duration.seconds(59) }) }, "'slo.within, in seconds,' must be between 60 and 3600, got 59"],
    [{ slo: AsyncSlo.answers({ within: Duration.seconds(3601) }) }, "'slo.within, in seconds,' must be between 60 and 3600, got 3601"],
    [{ slo: AsyncSlo.answers({ within: Duration.millis(60_500) }) }, "'slo.within, in seconds,' must be a whole number, got 60.5"],
    [{ slo: AsyncSlo.answers({ within: Duration.seconds(number(90)) }) }, "'slo.within' must be known at synth, got a Token"],
    [
      { slo: AsyncSlo.answers({ within: Duration.minutes(1), availabilityPercent: 49 }) },
      "'slo.availabilityPercent' must be between 50 and 99.999, got 49",
    ],
    [
      { slo: AsyncSlo.answers({ within: Duration.minutes(1), availabilityPercent: number(99) }) },
      "'slo.availabilityPercent' must be known at synth, got a Token",
    ],
    [{ maxConcurrentInvocations: 0 }, "'maxConcurrentInvocations' must be between 1 and 1000, got 0"],
    [{ maxConcurrentInvocations: 1001 }, "'maxConcurrentInvocations' must be between 1 and 1000, got 1001"],
    [{ maxConcurrentInvocations: 1.5 }, "'maxConcurrentInvocations' must be a whole number, got 1.5"],
    [{ endpointName: 'Reports' }, "'endpointName' must be 1 to 63 lower-case letters"],
    [{ rollout: Rollout.rolling() }, "'rollout' cannot be rolling for a fleet of one"],
    [{ rollout: Rollout.allAtOnce({ bake: Duration.minutes(10) }) }, 'so make it at least 1020 s'],
  ])('fail on what is wrong %#', (props, message) => {
    expect(() => build(props)).toThrow(message);
  });

  test.each([
    { slo: AsyncSlo.answers({ within: Duration.seconds(60), availabilityPercent: 50 }) },
    { slo: AsyncSlo.answers({ within: Duration.seconds(3600), availabilityPercent: 99.999 }) },
    { maxConcurrentInvocations: 1 },
    { maxConcurrentInvocations: 1000 },
    { maxConcurrentInvocations: number(2) },
    { scaling: BacklogScaling.fixed(number(2)) },
  ])('take both edges, and a Token where nothing follows from it %#', (props) => {
    expect(() => build(props)).not.toThrow();
  });

  const at =
    (prefix: string, property = 'output') =>
    (stack: Stack) => ({ [property]: { bucket: Bucket.fromBucketName(stack, 'B', 'my-bucket'), prefix } });
  test.each(['/a', 'a/', 'a//b', '', 'ä'])("fail on the prefix '%s'", (prefix) => {
    expect(() => build(at(prefix))).toThrow("'output.prefix' must be a key prefix without '/' at either end");
    expect(() => build(at(prefix, 'input'))).toThrow("'input.prefix' must be a key prefix without '/' at either end");
  });

  test('fail on what only other endpoints have, which would be left out silently', () => {
    const foreign = { capture: {}, variants: [], shadow: {}, routing: 'RANDOM', memory: 1, minInstances: 1 };
    expect(() => build(foreign as object)).toThrow(
      new RegExp(
        Object.keys(foreign)
          .map((name) => `(?=.*'${name}' is not for asynchronous endpoints, which )`)
          .join(''),
      ),
    );
  });

  test('fail on a request prefix within the answers of a bucket that is imported twice', () => {
    const imported = (stack: Stack, id: string, prefix: string) => ({ bucket: Bucket.fromBucketName(stack, id, 'my-bucket'), prefix });
    expect(() => build((stack) => ({ input: imported(stack, 'A', 'x/answers'), output: imported(stack, 'B', 'x') }))).toThrow(
      "'input.prefix' x/answers and x/answers/ of the output lie in each other",
    );
  });

  test('fail on a prefix that SageMaker does not take, by its length; 400 characters and a Token pass', () => {
    expect(() => build(at('p'.repeat(401)))).toThrow("'output.prefix' must have at most 400 characters, got 401");
    expect(() => build(at('p'.repeat(400)))).not.toThrow();
    expect(() => build(at(Aws.STACK_NAME))).not.toThrow();
  });

  test.each([
    ['out', 'out/answers/in', true],
    ['out', 'out', true],
    ['a/b', 'a', true],
    ['out', 'out/answers', true],
    ['out', 'out/failures/x', true],
    ['out', 'out/requests', false],
    ['out', 'outs', false],
  ])('fail on output %s and input %s of one bucket when they lie in each other: %s', (output, input, wrong) => {
    const of = (same: boolean) => () =>
      build((stack) => {
        const bucket = Bucket.fromBucketName(stack, 'B', 'my-bucket');
        const other = same ? bucket : Bucket.fromBucketName(stack, 'C', 'my-other');
        return { output: { bucket, prefix: output }, input: { bucket: other, prefix: input } };
      });
    if (wrong) {
      expect(of(true)).toThrow('what the endpoint writes would pass for a request');
    } else {
      expect(of(true)).not.toThrow();
    }
    expect(of(false)).not.toThrow();
  });

  test('fail on a bucket in another Region, when both are known [row 30]', () => {
    const far = (property: string) => (stack: Stack) => ({
      [property]: { bucket: Bucket.fromBucketAttributes(stack, 'Far', { bucketName: 'far', region: 'us-east-1' }) },
    });
    for (const property of ['input', 'output']) {
      expect(() => build(far(property), { account: '111122223333', region: 'eu-central-1' })).toThrow(
        `'${property}.bucket' is in us-east-1 but the endpoint in eu-central-1: use a bucket in eu-central-1`,
      );
      expect(() => build(far(property))).not.toThrow();
    }
  });

  test('fail with every problem at once, in one message with the path', () => {
    const wrong = () =>
      build({
        endpointName: 'A',
        slo: AsyncSlo.answers({ within: Duration.seconds(1) }),
        scaling: BacklogScaling.between(3, 2),
        maxConcurrentInvocations: 0,
      });
    for (const part of [
      "'endpointName'",
      "'slo.within",
      'below its minimum',
      'has no target',
      "'maxConcurrentInvocations'",
      '[at Test/Reports]',
    ]) {
      expect(wrong).toThrow(part);
    }
  });
});

describe('warnings of an asynchronous endpoint', () => {
  test('are none for a plain one', () => {
    expect(warnings({})).toEqual([]);
    expect(warnings({ scaling: toZero(), slo: AsyncSlo.answers({ within: Duration.minutes(10) }) })).toEqual([]);
  });

  test('tell of a promise that a start from zero breaks [A3]', () => {
    const slo = AsyncSlo.answers({ within: Duration.seconds(599) });
    expect(warnings({ scaling: toZero(), slo })).toEqual([
      expect.stringContaining("'slo.within' of 599 s is less than an instance takes to start"),
    ]);
    expect(warnings({ scaling: BacklogScaling.fixed(1), slo })).toEqual([]);
  });

  test('tell of a capacity measured on another instance or image, and not of its latency [A2]', () => {
    const scaling = BacklogScaling.between(1, 2, { capacity: capacity({ instance: 'ml.c5.large', latencyBelowMs: 700 }) });
    expect(warnings({ scaling })).toEqual([expect.stringContaining('(instance ml.c5.large there but ml.m5.large here)')]);
  });
});

test.each([
  ['fixed', {}],
  ['scaled to zero', { scaling: toZero() }],
  ['rolling', { scaling: BacklogScaling.between(2, 9, { backlogPerInstance: 1.5 }), rollout: Rollout.rolling() }],
])('an endpoint that is %s passes the gate, under a board that hears its alarms [C2]', async (_what, props) => {
  const { template } = synth((stack) => {
    board(stack);
    return asyncEndpoint(stack, props);
  });
  expect(await gated(template)).toEqual([]);
});

test('holds the weights of its model against the GPU, and takes other types when one is scarce [S2, S3]', () => {
  const { ML_G6_2XLARGE, ML_G6E_2XLARGE } = InstanceType;
  const gpu = (modelSize: ModelSize) => (stack: Stack) => ({
    model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'my-models'), 'a/model.tar.gz', { image: gpuImage }),
    instance: ML_G6_2XLARGE,
    fallbackInstances: [ML_G6E_2XLARGE],
    modelSize,
  });
  expect(() => build(gpu(ModelSize.ofParameters(14e9)), US_EAST)).toThrow(
    "'instance' ml.g6.2xlarge has 22.4 GiB of GPU memory but the weights alone need 26.1 GiB",
  );
  const [config] = resources(build(gpu(ModelSize.ofParameters(8e9)), US_EAST).template, 'SageMaker::EndpointConfig');
  const pools = config.Properties.ProductionVariants[0].InstancePools;
  expect(pools.map(({ InstanceType: type }: Shape) => type)).toEqual(['ml.g6.2xlarge', 'ml.g6e.2xlarge']);
});

test('a Token is not read as a number of instances', () => {
  expect(Token.isUnresolved(BacklogScaling.fixed(number(2)).minInstances)).toBe(true);
  expect(() => build({ scaling: BacklogScaling.between(number(0), 2, { backlogPerInstance: 1 }) })).toThrow(
    "'scaling.min' must be known at synth, got a Token",
  );
});
