import { Duration, Lazy, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import {
  ComponentEndpointProps,
  ComputeRequirements,
  Copies,
  InferenceComponent,
  InferenceComponentProps,
  InstanceType,
  ModelSize,
  Rollout,
  ScalingSchedule,
  Slo,
} from '../../../lib/constructs/serving';
import { app, synth } from '../../support/synth';
import { capacity, component, resources, Shape, shared, slo, statementsOf, warningsOf } from './component-fixtures';
import { tarball } from './fixtures';

const build = (props: Partial<InferenceComponentProps> = {}, host: Partial<ComponentEndpointProps> = {}) =>
  synth((stack) => component(shared(stack, host), props));
const componentOf = (template: Template): Shape => resources(template, 'SageMaker::InferenceComponent')[0];
const number = (value: number) => Lazy.number({ produce: () => value });
const compute = (over: object = {}) => ({ minMemory: Size.gibibytes(16), accelerators: 1, ...over });
const following = (min: number, max: number) => Copies.between(min, max, { capacity: capacity() });

describe('InferenceComponent resources [S1, S4]', () => {
  test('places a model of its own on the variant, with what one copy takes [row 87, 92, 40]', () => {
    const { template } = build({ compute: compute({ maxMemory: Size.gibibytes(24), cpuCores: 4 }), dataCaching: true });
    expect(componentOf(template).Properties).toEqual({
      EndpointName: 'flights-dev-shared',
      InferenceComponentName: 'flights-dev-chat',
      VariantName: 'AllTraffic',
      Specification: {
        ModelName: { 'Fn::GetAtt': [expect.stringContaining('ChatModel'), 'ModelName'] },
        ComputeResourceRequirements: {
          MinMemoryRequiredInMb: 16384,
          MaxMemoryRequiredInMb: 24576,
          NumberOfAcceleratorDevicesRequired: 1,
          NumberOfCpuCoresRequired: 4,
        },
        StartupParameters: { ModelDataDownloadTimeoutInSeconds: 1800, ContainerStartupHealthCheckTimeoutInSeconds: 1800 },
        DataCacheConfig: { EnableCaching: true },
      },
      RuntimeConfig: { CopyCount: 1 },
    });
    template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: true, ModelName: Match.absent() });
  });

  test('starts at its minimum, and with one copy where that is none [row 91, 94]', () => {
    for (const [copies, initial] of [
      [Copies.fixed(3), 3],
      [following(2, 4), 2],
      [following(0, 4), 1],
    ] as const) {
      expect(componentOf(build({ copies }).template).Properties.RuntimeConfig).toEqual({ CopyCount: initial });
    }
  });

  test('comes after its endpoint, log and role, so that it is deleted before them [row 19, 95]', () => {
    const { template } = build();
    const id = (type: string, text: string) => Object.keys(template.findResources(`AWS::${type}`)).find((key) => key.includes(text));
    expect(componentOf(template).DependsOn).toEqual(
      expect.arrayContaining([id('SageMaker::Endpoint', 'Shared'), id('Logs::LogGroup', 'ChatLogs')]),
    );
    expect(resources(template, 'SageMaker::Model')[0].DependsOn).toContain(id('IAM::Policy', 'ChatRole'));
  });

  test('is another resource under another name or on another endpoint [row 14, 96]', () => {
    const idOf = (name: string, endpointName: string) =>
      Object.keys(build({ componentName: name }, { endpointName }).template.findResources('AWS::SageMaker::InferenceComponent'))[0];
    expect(idOf('a', 'e')).toBe(idOf('a', 'e'));
    expect(new Set([idOf('a', 'e'), idOf('b', 'e'), idOf('a', 'f')]).size).toBe(3);
  });

  test('has a generated name in lower case when it is given none [row 61]', () => {
    expect(build({ componentName: undefined }).built.componentName).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
  });

  test('may live in another stack than its endpoint, without a reference in either direction', () => {
    const here = app();
    const [first, second] = [new Stack(here, 'Host'), new Stack(here, 'Model')];
    const endpoint = shared(first);
    const model = ModelSource.fromTarball(Bucket.fromBucketName(second, 'B', 'my-models'), 'm.tar.gz', {
      image: InferenceImage.djlLmi('0.36.0-lmi28.0.0'),
    });
    new InferenceComponent(second, 'Chat', { endpoint, model, compute: compute(), slo });
    Template.fromStack(first).resourceCountIs('AWS::SageMaker::InferenceComponent', 0);
    expect(JSON.stringify(Template.fromStack(second).toJSON())).not.toMatch(/ImportValue|GetStackOutput/);
    expect(second.dependencies.map(({ stackName }) => stackName)).toEqual(['Host']);
  });

  test('keeps logs three months under the name that SageMaker writes to', () => {
    build().template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: '/aws/sagemaker/InferenceComponents/flights-dev-chat',
      RetentionInDays: 90,
    });
  });
});

describe('role and callers of an InferenceComponent [M3]', () => {
  test('holds exactly what logs, metrics, rollback, model and image need [row 44, 79]', () => {
    const { template, nag } = build({ copies: Copies.fixed(2) });
    expect(statementsOf(template, 'ChatRole').map(({ Sid, Action }) => [Sid, Action])).toEqual([
      ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']],
      ['Metrics', 'cloudwatch:PutMetricData'],
      ['WatchDeployments', 'cloudwatch:DescribeAlarms'],
      [undefined, 's3:GetObject'],
      ['PullImage', ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']],
      ['LogInToRegistries', 'ecr:GetAuthorizationToken'],
    ]);
    expect(nag).toEqual([]);
  });

  test('watches no alarm when nothing rolls back', () => {
    expect(statementsOf(build().template, 'ChatRole').map(({ Sid }) => Sid)).not.toContain('WatchDeployments');
  });

  test('lets the grantee call the endpoint and this component [row 61]', () => {
    const { template } = synth((stack) => {
      const endpoint = shared(stack);
      const chat = component(endpoint);
      component(endpoint, { componentName: 'other' }, 'Other');
      chat.grantInvoke(new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
    });
    const [statement, ...more] = statementsOf(template, 'Caller');
    expect(more).toEqual([]);
    expect([statement.Action, ...statement.Resource.map((arn: Shape) => arn['Fn::Join'][1].at(-1))]).toEqual([
      'sagemaker:InvokeEndpoint',
      ':endpoint/flights-dev-shared',
      ':inference-component/flights-dev-chat',
    ]);
  });
});

describe('copies of an InferenceComponent [A1, A2, A5]', () => {
  test('follow the measured capacity, on the literal component, without role, after it [row 99, 100, 108, 110, 111]', () => {
    const { template } = build({ copies: following(2, 6) });
    const [id] = Object.keys(template.findResources('AWS::SageMaker::InferenceComponent'));
    template.hasResource('AWS::ApplicationAutoScaling::ScalableTarget', {
      Properties: {
        ServiceNamespace: 'sagemaker',
        ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
        ResourceId: 'inference-component/flights-dev-chat',
        MinCapacity: 2,
        MaxCapacity: 6,
        RoleARN: Match.absent(),
      },
      DependsOn: [id],
    });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 1);
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyName: 'flights-dev-chat-invocations',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerInferenceComponentInvocationsPerCopy' },
        TargetValue: 180,
        ScaleOutCooldown: 60,
        ScaleInCooldown: 300,
        DisableScaleIn: Match.absent(),
      },
    });
  });

  test('take concurrency as a guard that only adds copies, or as the one signal that also removes them [row 113]', () => {
    const policy = (disable: unknown) => ({
      PolicyName: 'flights-dev-chat-concurrency',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution' },
        TargetValue: 8,
        DisableScaleIn: disable,
      },
    });
    const both = build({ copies: Copies.between(1, 4, { capacity: capacity(), concurrency: 8 }) }).template;
    both.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 2);
    both.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', policy(true));
    const alone = build({ copies: Copies.between(1, 4, { concurrency: 8, scaleOutCooldown: Duration.seconds(0) }) }).template;
    alone.resourceCountIs('AWS::ApplicationAutoScaling::ScalingPolicy', 1);
    alone.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', policy(Match.absent()));
  });

  test('wake from zero by the first request that fails for want of a copy [row 101, 102, 103, 104]', () => {
    const { template } = build({ copies: following(0, 4) }, { minInstances: 0 });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 0, MaxCapacity: 4 });
    const [id] = Object.keys(
      template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', { Properties: { PolicyType: 'StepScaling' } }),
    );
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyName: 'flights-dev-chat-wake-up',
      StepScalingPolicyConfiguration: {
        AdjustmentType: 'ChangeInCapacity',
        Cooldown: 180,
        StepAdjustments: [{ MetricIntervalLowerBound: 0, MetricIntervalUpperBound: Match.absent(), ScalingAdjustment: 1 }],
      },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-chat-wake-up',
      Namespace: 'AWS/SageMaker',
      MetricName: 'NoCapacityInvocationFailures',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'flights-dev-chat' }],
      Statistic: 'Sum',
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
      AlarmActions: [{ Ref: id }],
    });
  });

  test('take new limits at known times, and none below one where nothing wakes them [A4]', () => {
    const night = (min: number) => ScalingSchedule.at({ name: 'night', schedule: Schedule.cron({ hour: '20', minute: '0' }), min });
    const of = (least: number, min: number) => build({ copies: Copies.between(least, 4, { concurrency: 8, schedules: [night(min)] }) });
    of(0, 0).template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ScheduledActions: [{ ScheduledActionName: 'night', ScalableTargetAction: { MinCapacity: 0 } }],
    });
    expect(() => of(1, 0)).toThrow("'copies.schedules[0].min' must be between 1 and 1000, got 0");
  });

  test('of a fixed number have neither target nor wake-up', () => {
    const { template } = build({ copies: Copies.fixed(2) });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-chat-wake-up' }, 0);
  });

  test('are plain values', () => {
    expect([following(0, 4).minCopies, following(0, 4).maxCopies, following(0, 4).isAutomatic]).toEqual([0, 4, true]);
    expect([Copies.fixed(2).capacity, Copies.fixed(2).isAutomatic]).toEqual([undefined, false]);
    expect(following(0, 4).capacity?.requestsPerSecondPerInstance).toBe(5);
  });

  test.each([
    [Copies.fixed(0), "'copies' must be at least 1, got 0: only Copies.between() may rest at 0 copies"],
    [Copies.fixed(1.5), "'copies' must be a whole number, got 1.5"],
    [Copies.fixed(1001), "'copies' must be between 1 and 1000, got 1001"],
    [Copies.fixed(number(2)), "'copies' must be known at synth, got a Token"],
    [Copies.between(-1, 2, { concurrency: 1 }), "'copies.min' must be between 0 and 1000, got -1"],
    [Copies.between(0, 0, { concurrency: 1 }), "'copies.max' must be at least 1, got 0"],
    [Copies.between(3, 2, { concurrency: 1 }), "'copies' has a maximum of 2 below its minimum of 3: swap them"],
    [Copies.between(0, number(2), { concurrency: 1 }), "'copies.max' must be known at synth, got a Token"],
    [Copies.between(0, 2), "'copies' from 0 to 2 follows nothing: give 'capacity'"],
    [Copies.between(0, 2, { concurrency: 0 }), "'copies.concurrency' must be between 1 and 10000, got 0"],
    [Copies.between(0, 2, { concurrency: 10_001 }), "'copies.concurrency' must be between 1 and 10000, got 10001"],
    [Copies.between(0, 2, { concurrency: 1.5 }), "'copies.concurrency' must be a whole number, got 1.5"],
    [Copies.between(0, 2, { concurrency: number(1) }), "'copies.concurrency' must be known at synth, got a Token"],
    [Copies.between(0, 2, { concurrency: 1, utilization: 0.5 }), "'copies.utilization' is a share of 'capacity': give that too"],
    [Copies.between(0, 2, { concurrency: 1, scaleInCooldown: Duration.seconds(3601) }), "'copies.scaleInCooldown, in seconds,'"],
  ])('fail when they are wrong %# [row 91, 101]', (copies, message) => {
    expect(() => build({ copies })).toThrow(`InvalidInferenceComponent: ${message}`);
  });

  test.each([0.09, 0.96])('fail on a utilization of %d', (utilization) => {
    expect(() => build({ copies: Copies.between(0, 2, { capacity: capacity(), utilization }) })).toThrow(
      "'copies.utilization' must be between",
    );
  });
  test.each([0.1, 0.95])('take a utilization of %d', (utilization) => {
    expect(() => build({ copies: Copies.between(0, 2, { capacity: capacity(), utilization }) })).not.toThrow();
  });
  test.each([1, 10_000])('take a concurrency of %d', (concurrency) => {
    expect(() => build({ copies: Copies.between(0, 2, { concurrency }) })).not.toThrow();
  });

  test('fail where the metrics of the endpoint come too rarely [row 85]', () => {
    const slow = { enhancedMetrics: true, metricFrequency: Duration.minutes(2), minInstances: 2, maxInstances: 2 };
    expect(() => build({ copies: following(1, 2) }, slow)).toThrow(
      "'copies' follow metrics every 60 s, and 'metricFrequency' of the endpoint is 120 s",
    );
    expect(() => build({ copies: Copies.fixed(2) }, slow)).not.toThrow();
  });
});

describe('compute of an InferenceComponent [row 92, 93]', () => {
  test.each([
    [compute({ accelerators: 5 }), "'compute' needs 5 accelerators for one copy, but ml.g5.12xlarge has 4"],
    [compute({ cpuCores: 48.25 }), "'compute' needs 48.25 CPU cores for one copy, but ml.g5.12xlarge has 48"],
    [compute({ minMemory: Size.mebibytes(196_609) }), "'compute' needs 196609 MiB of memory for one copy, but ml.g5.12xlarge has 196608"],
    [compute({ accelerators: 1.5 }), "'compute.accelerators' must be a whole number, got 1.5"],
    [compute({ accelerators: -1 }), "'compute.accelerators' must be between 0 and 64, got -1"],
    [compute({ accelerators: 0 }), "'compute.accelerators' is missing, but the image djl-inference"],
    [compute({ accelerators: undefined }), "'compute.accelerators' is missing, but the image djl-inference"],
    [compute({ accelerators: number(1) }), "'compute.accelerators' must be known at synth, got a Token"],
    [compute({ cpuCores: 0.2 }), "'compute.cpuCores' must be between 0.25 and 1024, got 0.2"],
    [compute({ cpuCores: number(1) }), "'compute.cpuCores' must be known at synth, got a Token"],
    [compute({ minMemory: Size.mebibytes(127) }), "'compute.minMemory, in MiB,' must be between 128 and"],
    [compute({ minMemory: Size.kibibytes(131_073) }), "'compute.minMemory, in MiB,' must be a whole number"],
    [compute({ minMemory: Size.mebibytes(number(500)) }), "'compute.minMemory' must be known at synth, got a Token"],
    [compute({ maxMemory: Size.gibibytes(15) }), "'compute.maxMemory' of 15360 MiB is below 'minMemory' of 16384 MiB"],
  ])('fails when a copy cannot be placed %#', (wrong, message) => {
    expect(() => build({ compute: wrong })).toThrow(message);
  });

  test.each([
    [compute({ accelerators: 4 })],
    [compute({ cpuCores: 48 })],
    [compute({ cpuCores: 0.25 })],
    [compute({ minMemory: Size.mebibytes(196_608) })],
    [compute({ minMemory: Size.mebibytes(128), maxMemory: Size.mebibytes(128) })],
  ])('takes what just fits %#', (fits) => {
    expect(() => build({ compute: fits })).not.toThrow();
  });

  test('fails when all copies do not fit on all instances, with the figures', () => {
    expect(() => build({ copies: Copies.fixed(9) })).toThrow(
      "'copies' goes up to 9, but 4 fit on one ml.g5.12xlarge and 8 on the 'maxInstances' of 2: have fewer copies or more instances",
    );
    expect(() => build({ copies: Copies.fixed(8) })).not.toThrow();
    expect(() => build({ copies: Copies.fixed(5), compute: compute({ accelerators: 3 }) })).toThrow('but 1 fit on one');
  });

  test('counts the copies that schedules make, where they must fit and where an update rolls', () => {
    const at = (min: number, max?: number) =>
      ScalingSchedule.at({ name: 'x', schedule: Schedule.cron({ hour: '7', minute: '0' }), min, max });
    const scheduled = (...schedules: ScalingSchedule[]) => Copies.between(2, 4, { concurrency: 8, schedules });
    expect(() => build({ copies: scheduled(at(5, 9)) })).toThrow("'copies' goes up to 9, but 4 fit on one ml.g5.12xlarge and 8 on");
    expect(() => build({ copies: scheduled(at(5, 8)) })).not.toThrow();
    expect(() => build({ copies: scheduled(at(1)), rollout: Rollout.rolling() })).toThrow("'rollout' cannot be rolling for a fleet of one");
    expect(() => build({ copies: scheduled(at(2)), rollout: Rollout.rolling() })).not.toThrow();
  });

  test('cannot be checked on types that the catalogue does not list', () => {
    const host = { instance: InstanceType.of('ml.z9.large') };
    expect(() => build({ compute: compute({ accelerators: 64 }), copies: Copies.fixed(1000) }, host)).not.toThrow();
  });

  test('warns when hardly any memory is left for SageMaker itself', () => {
    const of = (mebibytes: number) => warningsOf(build({ compute: compute({ minMemory: Size.mebibytes(mebibytes) }) }).built);
    expect(of(176_948)).toEqual([expect.stringContaining("'compute.minMemory' takes 176948 of the 196608 MiB")]);
    expect(of(176_947)).toEqual([]);
  });
});

describe('updates of an InferenceComponent [S6, row 75, 76, 97]', () => {
  const deployment = (props: Partial<InferenceComponentProps>) => componentOf(build(props).template).Properties.DeploymentConfig;

  test('roll with two or more copies and are undone by its alarms, which are there first [row 11, 78, 79]', () => {
    const { template } = build({ copies: Copies.fixed(2) });
    expect(componentOf(template).Properties.DeploymentConfig).toEqual({
      RollingUpdatePolicy: {
        MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 50 },
        RollbackMaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 50 },
        WaitIntervalInSeconds: 420,
        MaximumExecutionTimeoutInSeconds: expect.any(Number),
      },
      AutoRollbackConfiguration: { Alarms: [{ AlarmName: 'flights-dev-chat-errors' }, { AlarmName: 'flights-dev-chat-latency' }] },
    });
    const alarms = Object.keys(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: Match.stringLikeRegexp('-(errors|latency)$') } }),
    );
    expect(alarms).toHaveLength(2);
    expect(componentOf(template).DependsOn).toEqual(expect.arrayContaining(alarms));
  });

  test('take all copies at once with one copy, or on request, without alarms that the service would not read', () => {
    expect(deployment({})).toBeUndefined();
    expect(deployment({ copies: following(1, 4) })).toBeUndefined();
    expect(deployment({ copies: Copies.fixed(2), rollout: Rollout.allAtOnce() })).toBeUndefined();
  });

  test('watch errors alone where no latency is promised', () => {
    const config = deployment({ copies: Copies.fixed(2), slo: Slo.availability(99) });
    expect(config.AutoRollbackConfiguration.Alarms).toEqual([{ AlarmName: 'flights-dev-chat-errors' }]);
  });

  test.each([
    [Copies.fixed(2), Rollout.canary(), "'rollout' of a component cannot shift traffic in steps"],
    [Copies.fixed(2), Rollout.linear(), "'rollout' of a component cannot shift traffic in steps"],
    [Copies.fixed(1), Rollout.rolling(), "'rollout' cannot be rolling for a fleet of one"],
    [Copies.fixed(2), Rollout.rolling({ batchPercent: 49 }), "'rollout.batchPercent' of 49 % is less than one of 2"],
    [Copies.fixed(2), Rollout.rolling({ bake: Duration.seconds(419) }), "'rollout.bake' of 419 s ends before the rollback alarms"],
  ])('fail when components do not know them %#', (copies, rollout, message) => {
    expect(() => build({ copies, rollout })).toThrow(message);
  });
});

describe('checks of an InferenceComponent', () => {
  test('fails with every problem at once, with the path', () => {
    const wrong = () =>
      build({
        componentName: 'Chat',
        copies: Copies.between(0, 2),
        compute: compute({ accelerators: 5 }),
        startupTimeout: Duration.seconds(59),
      });
    for (const part of ["'componentName'", "'copies' from 0 to 2", "'startupTimeout, in seconds,'", '[at Test/Chat]']) {
      expect(wrong).toThrow(part);
    }
  });

  test.each(['Chat', 'a_b', '-a', 'a'.repeat(64), ''])("fails on the name '%s' [row 60, 61]", (componentName) => {
    expect(() => build({ componentName })).toThrow("'componentName' must be 1 to 63 lower-case letters");
  });

  test('fails on a model of a registry, whose releases do not know components', () => {
    const registry = (stack: Stack) =>
      ModelSource.fromRegistry({
        namePrefix: 'flights-dev',
        model: 'delay',
        artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'),
        image: InferenceImage.scikitLearn('1.4-2'),
      });
    expect(() => synth((stack) => component(shared(stack), { model: registry(stack) }))).toThrow("'model' is of a registry");
  });

  test('fails on an image that the instances cannot run', () => {
    expect(() => build({}, { instance: InstanceType.ML_M5_LARGE })).toThrow("'instance' ml.m5.large has no GPU but the image");
  });

  test('fails in another Region than its endpoint', () => {
    const here = app();
    const endpoint = shared(new Stack(here, 'A', { env: { account: '111122223333', region: 'eu-central-1' } }));
    const stack = new Stack(here, 'B', { env: { account: '111122223333', region: 'eu-west-1' } });
    const model = ModelSource.fromTarball(Bucket.fromBucketName(stack, 'B', 'my-models'), 'm.tar.gz', {
      image: InferenceImage.djlLmi('0.36.0-lmi28.0.0'),
    });
    expect(() => new InferenceComponent(stack, 'Chat', { endpoint, model, compute: compute(), slo })).toThrow(
      "'endpoint' is in aws://111122223333/eu-central-1 but the component in aws://111122223333/eu-west-1",
    );
  });

  test('warns when only one of endpoint and component may go to zero [row 90]', () => {
    const of = (minInstances: number, min: number) => warningsOf(build({ copies: following(min, 2) }, { minInstances }).built);
    expect(of(0, 1)).toEqual([expect.stringContaining('this component keeps 1 copies: its instances stay')]);
    expect(of(1, 0)).toEqual([expect.stringContaining('the endpoint keeps 1 instances')]);
    expect([...of(0, 0), ...of(1, 1)]).toEqual([]);
  });

  test('warns of a capacity measured under other conditions [A2]', () => {
    const copies = Copies.between(1, 2, { capacity: capacity({ instance: 'ml.g5.2xlarge' }) });
    expect(warningsOf(build({ copies }).built)).toEqual([expect.stringContaining('instance ml.g5.2xlarge there but ml.g5.12xlarge here')]);
  });
});

describe('metrics and alarms of an InferenceComponent [O1, O2]', () => {
  test('are published under its name alone', () => {
    const { metrics } = build().built;
    for (const [metric, namespace, name, statistic] of [
      [metrics.invocations(), 'AWS/SageMaker', 'Invocations', 'Sum'],
      [metrics.invocationsPerCopy(), 'AWS/SageMaker', 'InvocationsPerCopy', 'Sum'],
      [metrics.concurrentRequestsPerCopy(), 'AWS/SageMaker', 'ConcurrentRequestsPerCopy', 'Maximum'],
      [metrics.noCapacityFailures(), 'AWS/SageMaker', 'NoCapacityInvocationFailures', 'Sum'],
      [metrics.clientErrorRate(), 'AWS/SageMaker', 'Invocation4XXErrors', 'Average'],
      [metrics.serverErrorRate(), 'AWS/SageMaker', 'Invocation5XXErrors', 'Average'],
      [metrics.modelErrorRate(), 'AWS/SageMaker', 'InvocationModelErrors', 'Average'],
      [metrics.modelLatency({ percentile: 90 }), 'AWS/SageMaker', 'ModelLatency', 'p90'],
      [metrics.overheadLatency(), 'AWS/SageMaker', 'OverheadLatency', 'Average'],
      [metrics.cpuUtilization(), '/aws/sagemaker/InferenceComponents', 'CPUUtilizationNormalized', 'Average'],
      [metrics.memoryUtilization(), '/aws/sagemaker/InferenceComponents', 'MemoryUtilizationNormalized', 'Average'],
      [metrics.gpuUtilization(), '/aws/sagemaker/InferenceComponents', 'GPUUtilizationNormalized', 'Average'],
      [metrics.gpuMemoryUtilization(), '/aws/sagemaker/InferenceComponents', 'GPUMemoryUtilizationNormalized', 'Average'],
    ] as const) {
      expect([metric.namespace, metric.metricName, metric.statistic]).toEqual([namespace, name, statistic]);
      expect(metric.dimensions).toEqual({ InferenceComponentName: 'flights-dev-chat' });
    }
    expect(metrics.failureRate().expression).toBe('IF(server > model - client, server, model - client) / invocations');
  });

  test('page for errors, budget, latency and a copy that does not come [row 180]', () => {
    const { template } = build();
    const [unhealthy] = resources(template, 'CloudWatch::CompositeAlarm').filter(({ Properties }) =>
      Properties.AlarmName.endsWith('-unhealthy'),
    );
    expect(unhealthy.Properties.AlarmName).toBe('flights-dev-chat-unhealthy');
    expect(unhealthy.Properties.AlarmDescription).toContain('Component flights-dev-chat fails its users');
    const rule = JSON.stringify(unhealthy.Properties.AlarmRule);
    for (const cause of ['ChatErrors', 'ChatBurn', 'ChatLatency', 'ChatNoCapacity']) {
      expect(rule).toContain(cause);
    }
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-chat-no-capacity',
      Threshold: 1,
      Period: 300,
      EvaluationPeriods: 3,
      TreatMissingData: 'notBreaching',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'flights-dev-chat' }],
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-chat-latency',
      Threshold: 10_000_000,
      ExtendedStatistic: 'p99',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'flights-dev-chat' }],
    });
  });
});

describe('modelSize of a component [S2]', () => {
  /** g5.12xlarge has 4 GPUs of 22.4 GiB and 192 GiB of memory. */
  const sized = (modelSize: ModelSize, compute: Partial<ComputeRequirements> = {}, host: Partial<ComponentEndpointProps> = {}) =>
    synth((stack) =>
      component(shared(stack, host), { modelSize, compute: { minMemory: Size.gibibytes(16), accelerators: 1, ...compute } }),
    );

  test('is held against the GPUs of a copy, not against those of the instance', () => {
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(20)))).not.toThrow();
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(21)))).toThrow(
      "'compute.accelerators' of 1 on ml.g5.12xlarge has 22.4 GiB of GPU memory, of which the server takes 90 %, but the weights need 21 GiB: give each copy 2",
    );
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(23)))).toThrow(
      'has 22.4 GiB of GPU memory but the weights alone need 23 GiB: give each copy 2',
    );
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(21)), { accelerators: 2 })).not.toThrow();
    const needy = ModelSize.ofWeights(Size.gibibytes(10), { kvBytesPerToken: 1024 ** 2, tokens: 12 * 1024 });
    expect(() => sized(needy)).toThrow('weights (10 GiB) and KV cache of 12288 tokens need 22 GiB: give each copy 2');
  });

  test('names a larger type where no number of GPUs is enough', () => {
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(100)), { accelerators: 4 })).toThrow(
      / 4 on ml\.g5\.12xlarge has 89\.\d GiB.*: use ml\./,
    );
  });

  test('knows how many GPUs the model is spread over', () => {
    const spread = ModelSize.ofWeights(Size.gibibytes(30), { accelerators: 2 });
    expect(() => sized(spread)).toThrow(
      "'modelSize.accelerators' spreads the model over 2, but 'compute.accelerators' gives a copy 1: give it 2",
    );
    expect(() => sized(spread, { accelerators: 2 })).not.toThrow();
    expect(() => sized(ModelSize.ofWeights(Size.gibibytes(41), { accelerators: 2 }), { accelerators: 4 })).toThrow(
      'of 2 on ml.g5.12xlarge has 44',
    );
  });

  test('is held against the reserved memory of a copy without GPUs', () => {
    const cpu = { instance: InstanceType.ML_M5_4XLARGE };
    const on = (gibibytes: number, compute: Partial<ComputeRequirements>) => () =>
      synth((stack) =>
        component(shared(stack, cpu), {
          model: tarball(stack),
          modelSize: ModelSize.ofWeights(Size.gibibytes(gibibytes)),
          compute: { minMemory: Size.gibibytes(16), ...compute },
        }),
      );
    expect(on(16, {})).not.toThrow();
    expect(on(17, {})).toThrow("'compute.minMemory' reserves 16 GiB, but the model needs 17 GiB: reserve that");
    expect(on(17, { maxMemory: Size.gibibytes(16) })).toThrow("'compute.maxMemory' of 16 GiB cannot hold the model, which needs 17 GiB");
  });

  test('is held against the volume of the endpoint, and says what is wrong with itself', () => {
    const cpu = { instance: InstanceType.ML_M5_24XLARGE, volumeSize: Size.gibibytes(30) };
    const on = (modelSize: ModelSize) => () =>
      synth((stack) => component(shared(stack, cpu), { model: tarball(stack), modelSize, compute: { minMemory: Size.gibibytes(64) } }));
    expect(on(ModelSize.ofWeights(Size.gibibytes(30)))).not.toThrow();
    expect(on(ModelSize.ofWeights(Size.gibibytes(31)))).toThrow(
      "'modelSize' has weights of 31 GiB, which the volume of the endpoint, 30 GiB, cannot hold: give the endpoint 'volumeSize' of at least 78 GiB",
    );
    expect(on(ModelSize.ofParameters(0))).toThrow("'modelSize.parameters' must be between 1");
  });
});
