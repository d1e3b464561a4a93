import { readFileSync } from 'node:fs';
import { Duration, Lazy, RemovalPolicy, Size, Stack, TimeZone } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ImageAccelerator, InferenceImage, ModelSource } from '../../../lib/constructs/models';
import {
  InstanceType,
  ProvisionedConcurrency,
  Rollout,
  RoutingStrategy,
  ScalingSchedule,
  ServerlessEndpoint,
  ServerlessEndpointMetrics,
  ServerlessEndpointProps,
  Slo,
} from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { synth } from '../../support/synth';
import { board, image, tarball } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const NAME = 'flights-dev-sometimes';
const SLO = Slo.latency({ percentile: 99, below: Duration.millis(500) });
const serverless = (stack: Stack, props: Partial<ServerlessEndpointProps> = {}) =>
  new ServerlessEndpoint(stack, 'Sometimes', { model: props.model ?? tarball(stack), slo: SLO, endpointName: NAME, ...props });
const build = (props: object | ((stack: Stack) => object) = {}) =>
  synth((stack) => serverless(stack, typeof props === 'function' ? props(stack) : props));
const resources = (template: Template, type: string): Shape[] => Object.values(template.findResources(`AWS::${type}`));
const config = (template: Template) => resources(template, 'SageMaker::EndpointConfig')[0];
const peakOf = (max: number) => ScalingSchedule.at({ name: 'peak', schedule: Schedule.cron({ hour: '7', minute: '0' }), min: 1, max });
const number = (value: number) => Lazy.number({ produce: () => value });

describe('ServerlessEndpoint resources [S1]', () => {
  test('has one variant with memory and concurrency and nothing that goes with instances [row 54]', () => {
    const { template } = build({ memory: Size.gibibytes(3), maxConcurrency: 20, provisionedConcurrency: ProvisionedConcurrency.fixed(4) });
    expect(config(template).Properties).toEqual({
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          ModelName: { 'Fn::GetAtt': [Object.keys(template.findResources('AWS::SageMaker::Model'))[0], 'ModelName'] },
          InitialVariantWeight: 1,
          ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 20, ProvisionedConcurrency: 4 },
        },
      ],
    });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 0);
  });

  test('takes 2 GiB and five invocations at once where nobody says otherwise, because the quota of a new account is ten [row 56]', () => {
    expect(config(build().template).Properties.ProductionVariants[0].ServerlessConfig).toEqual({ MemorySizeInMB: 2048, MaxConcurrency: 5 });
  });

  test('keeps replaced models and configurations, and drops both with the stack unless told otherwise', () => {
    const kept = build({ removalPolicy: RemovalPolicy.RETAIN }).template;
    for (const type of ['SageMaker::Model', 'SageMaker::EndpointConfig']) {
      expect(resources(build().template, type)[0]).toMatchObject({ UpdateReplacePolicy: 'Retain', DeletionPolicy: 'Delete' });
      expect(resources(kept, type)[0]).toMatchObject({ UpdateReplacePolicy: 'Retain', DeletionPolicy: 'Retain' });
    }
  });

  test('is another resource under another generated name than an endpoint on instances, which cannot become one [row 57]', () => {
    const { template, built } = build({ endpointName: undefined });
    expect(Object.keys(template.findResources('AWS::SageMaker::Endpoint'))[0]).toMatch(/^SometimesServerless[0-9A-F]{8}$/);
    expect(built.endpointName).toMatch(/^[a-z0-9-]+-serverless$/);
    expect(built.endpointName.length).toBeLessThan(64);
  });

  test('updates all at once under the watch of alarms of the new configuration', () => {
    const { template } = build({ rollout: Rollout.allAtOnce({ bake: Duration.minutes(10) }) });
    const [endpoint] = resources(template, 'SageMaker::Endpoint');
    expect(endpoint.Properties.DeploymentConfig).toEqual({
      AutoRollbackConfiguration: { Alarms: [{ AlarmName: `${NAME}-rollback-errors` }, { AlarmName: `${NAME}-rollback-latency` }] },
      BlueGreenUpdatePolicy: {
        MaximumExecutionTimeoutInSeconds: 3600,
        TerminationWaitInSeconds: 120,
        TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 600 },
      },
    });
    const watched = Object.values<Shape>(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: Match.stringLikeRegexp('rollback') } }),
    );
    expect(watched).toHaveLength(2);
    for (const alarm of watched) {
      expect(JSON.stringify(alarm)).toContain('EndpointConfigName');
    }
    const onlyErrors = resources(build({ slo: Slo.availability(99) }).template, 'SageMaker::Endpoint')[0];
    expect(onlyErrors.Properties.DeploymentConfig.AutoRollbackConfiguration.Alarms).toEqual([{ AlarmName: `${NAME}-rollback-errors` }]);
  });

  test('with a model of the registry is there only while a version is approved [R4]', () => {
    const names = { namePrefix: 'flights-dev', model: 'delay' };
    const { template, built } = build((stack) => ({
      endpointName: undefined,
      model: ModelSource.fromRegistry({ ...names, artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'my-models'), image }),
      provisionedConcurrency: ProvisionedConcurrency.between(1, 2, { experimental: true }),
    }));
    const conditional = Object.values<Shape>(template.toJSON().Resources).filter(({ Condition }) => Condition !== undefined);
    expect(conditional.map(({ Type }) => Type.split('::')[2]).sort()).toEqual([
      'Endpoint',
      'EndpointConfig',
      'Model',
      'ScalableTarget',
      'ScalingPolicy',
    ]);
    expect(built.endpointName).toBe('flights-dev-delay');
    template.hasResourceProperties('AWS::IAM::Role', { Path: '/flights-dev/serving/' });
  });

  test('passes the gate and cdk-nag whatever it has', async () => {
    const { template, nag } = build((stack) => {
      board(stack);
      return { provisionedConcurrency: ProvisionedConcurrency.between(1, 5, { experimental: true }) };
    });
    expect(await gated(template)).toEqual([]);
    expect(nag).toEqual([]);
  });
});

describe('provisioned concurrency [A1]', () => {
  test('scales by how much of it is in use, with schedules, only behind a flag [row 112]', () => {
    const schedule = ScalingSchedule.at({
      name: 'morning',
      schedule: Schedule.cron({ hour: '7', minute: '0' }),
      timeZone: TimeZone.EUROPE_BERLIN,
      min: 3,
    });
    const { template } = build({
      maxConcurrency: 10,
      provisionedConcurrency: ProvisionedConcurrency.between(2, 10, { experimental: true, schedules: [schedule] }),
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ResourceId: `endpoint/${NAME}/variant/AllTraffic`,
      ScalableDimension: 'sagemaker:variant:DesiredProvisionedConcurrency',
      MinCapacity: 2,
      MaxCapacity: 10,
      ScheduledActions: [Match.objectLike({ ScheduledActionName: 'morning', Timezone: 'Europe/Berlin' })],
    });
    template.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyName: `${NAME}-provisioned-concurrency`,
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantProvisionedConcurrencyUtilization' },
        TargetValue: 0.7,
        ScaleOutCooldown: 60,
        ScaleInCooldown: 300,
      },
    });
    expect(config(template).Properties.ProductionVariants[0].ServerlessConfig.ProvisionedConcurrency).toBe(2);
    expect(() => build({ provisionedConcurrency: ProvisionedConcurrency.between(1, 2) })).toThrow(
      "'provisionedConcurrency' from 1 to 2 needs 'experimental: true'",
    );
  });

  test.each([
    [ProvisionedConcurrency.fixed(0), "'provisionedConcurrency' must be between 1 and 200, got 0"],
    [ProvisionedConcurrency.fixed(1.5), "'provisionedConcurrency' must be a whole number, got 1.5"],
    [ProvisionedConcurrency.fixed(201), "'provisionedConcurrency' must be between 1 and 200, got 201"],
    [ProvisionedConcurrency.fixed(number(2)), "'provisionedConcurrency' must be known at synth"],
    [ProvisionedConcurrency.between(1, number(2), { experimental: true }), "'provisionedConcurrency.max' must be known at synth"],
    [ProvisionedConcurrency.fixed(6), "'provisionedConcurrency' of 6 is more than 'maxConcurrency' of 5"],
    [ProvisionedConcurrency.between(0, 2, { experimental: true }), "'provisionedConcurrency.min' must be between 1 and 200, got 0"],
    [ProvisionedConcurrency.between(3, 2, { experimental: true }), 'has a maximum of 2 below its minimum of 3'],
    [ProvisionedConcurrency.between(1, 6, { experimental: true }), "of 6 is more than 'maxConcurrency' of 5"],
    [
      ProvisionedConcurrency.between(1, 4, { experimental: true, schedules: [peakOf(6)] }),
      "'provisionedConcurrency.schedules' goes up to 6, more than 'maxConcurrency' of 5",
    ],
    [ProvisionedConcurrency.between(1, 2, { experimental: true, utilization: 0.05 }), 'must be between 0.1 and 0.95, got 0.05'],
    [ProvisionedConcurrency.between(1, 2, { experimental: true, utilization: number(0.5) }), 'must be known at synth'],
    [ProvisionedConcurrency.between(1, 2, { experimental: true, scaleInCooldown: Duration.seconds(3601) }), 'between 0 and 3600, got 3601'],
    [
      ProvisionedConcurrency.between(1, 2, {
        experimental: true,
        schedules: [ScalingSchedule.at({ name: 'n', schedule: Schedule.expression('rate(1 day)'), min: 0 })],
      }),
      "'provisionedConcurrency.schedules[0].min' must be between 1 and 1000, got 0",
    ],
  ])('fails on %# [row 54, 101]', (provisionedConcurrency, message) => {
    expect(() => build({ provisionedConcurrency })).toThrow(message);
  });

  test('takes as much as runs at once', () => {
    expect(() => build({ provisionedConcurrency: ProvisionedConcurrency.fixed(5) })).not.toThrow();
    expect(() => build({ maxConcurrency: 200, provisionedConcurrency: ProvisionedConcurrency.fixed(200) })).not.toThrow();
  });
});

describe('what a serverless endpoint cannot have', () => {
  test('fails on each feature that serverless endpoints exclude, all at once [row 55]', () => {
    const excluded = (stack: Stack) => ({
      instance: InstanceType.ML_M5_LARGE,
      vpc: new Vpc(stack, 'Vpc'),
      vpcSubnets: {},
      securityGroups: [],
      networkIsolation: true,
      capture: { bucket: Bucket.fromBucketName(stack, 'Capture', 'captured') },
      volumeKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1'),
      volumeSize: Size.gibibytes(1),
      enhancedMetrics: false,
      fallbackInstances: [],
      routing: RoutingStrategy.RANDOM,
      variants: [],
      weight: 1,
      shadow: {},
      successTopic: {},
      maxInstances: 1,
    });
    const names: string[] = [];
    try {
      build(excluded);
    } catch (error) {
      names.push(...[...(error as Error).message.matchAll(/'(\w+)' is not for serverless endpoints/g)].map(([, name]) => name));
    }
    expect(names).toEqual([
      'instance',
      'vpc',
      'vpcSubnets',
      'securityGroups',
      'networkIsolation',
      'capture',
      'volumeKey',
      'volumeSize',
      'enhancedMetrics',
      'fallbackInstances',
      'routing',
      'maxInstances',
      'variants',
      'weight',
      'shadow',
      'successTopic',
    ]);
  });

  test('fails on an image for GPUs, of whatever family [row 55]', () => {
    const bucket = (stack: Stack) => Bucket.fromBucketName(stack, 'Models', 'my-models');
    for (const gpu of [InferenceImage.djlLmi('0.36.0-lmi28.0.0'), InferenceImage.pytorch('2.6.0', ImageAccelerator.GPU)]) {
      expect(() => build((stack) => ({ model: ModelSource.fromTarball(bucket(stack), 'm.tar.gz', { image: gpu }) }))).toThrow(
        'needs a GPU, and serverless endpoints have none',
      );
    }
  });

  test('fails on a model that lies uncompressed below a prefix [row 27]', () => {
    const prefix = (stack: Stack) => ({ model: ModelSource.fromPrefix(Bucket.fromBucketName(stack, 'M', 'my-models'), 'm/', { image }) });
    expect(() => build(prefix)).toThrow("'model' lies uncompressed in Amazon S3, which serverless endpoints do not take");
  });

  test.each([
    ['canary', Rollout.canary()],
    ['linear', Rollout.linear()],
    ['rolling', Rollout.rolling()],
  ])('fails on a %s rollout, because there are no instances [row 74]', (kind, rollout) => {
    expect(() => build({ rollout })).toThrow(`'rollout' cannot be ${kind} for a serverless endpoint`);
  });

  test.each([
    [{ memory: Size.mebibytes(1500) }, "'memory' must be 1, 2, 3, 4, 5 or 6 GiB, got 1500 MiB"],
    [{ memory: Size.gibibytes(7) }, "'memory' must be 1, 2, 3, 4, 5 or 6 GiB, got 7168 MiB"],
    [{ memory: Size.mebibytes(0) }, "'memory' must be 1, 2, 3, 4, 5 or 6 GiB, got 0 MiB"],
    [{ memory: Size.gibibytes(number(2)) }, "'memory' must be known at synth"],
    [{ maxConcurrency: 0 }, "'maxConcurrency' must be between 1 and 200, got 0"],
    [{ maxConcurrency: 201 }, "'maxConcurrency' must be between 1 and 200, got 201"],
    [{ maxConcurrency: 1.5 }, "'maxConcurrency' must be a whole number, got 1.5"],
    [{ coldStartBelow: Duration.millis(999) }, "'coldStartBelow, in seconds,' must be between 1 and 600, got 0.999"],
    [{ coldStartBelow: Duration.seconds(601) }, "'coldStartBelow, in seconds,' must be between 1 and 600, got 601"],
    [{ coldStartBelow: Duration.seconds(number(3)) }, "'coldStartBelow' must be known at synth"],
    [{ maxConcurrency: number(5), provisionedConcurrency: ProvisionedConcurrency.fixed(1) }, "'maxConcurrency' must be known at synth"],
    [{ endpointName: 'Wrong' }, "'endpointName' must be 1 to 63 lower-case letters"],
    [{ slo: Slo.availability(100) }, "'slo.availabilityPercent' must be between 50 and 99.999, got 100"],
    [{ rollout: Rollout.allAtOnce({ bake: Duration.minutes(1) }) }, "'rollout.bake' of 60 s ends before the rollback alarms can fire"],
  ])('fails on %# [row 54]', (props, message) => {
    expect(() => build(props)).toThrow(message);
  });

  test.each([
    [{ memory: Size.gibibytes(1), maxConcurrency: 1, coldStartBelow: Duration.seconds(1) }],
    [{ memory: Size.mebibytes(6144), maxConcurrency: 200, coldStartBelow: Duration.minutes(10) }],
    [{ maxConcurrency: number(3) }],
  ])('takes the edges and Tokens: %#', (props) => {
    expect(() => build(props)).not.toThrow();
  });
});

test('its role may write logs and metrics, watch its deployments, read its model and pull its image, and nothing else [M3]', () => {
  const found = resources(build().template, 'IAM::Policy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
  expect(found.map(({ Sid, Action }) => [Sid, Action])).toEqual([
    ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']],
    ['Metrics', 'cloudwatch:PutMetricData'],
    ['WatchDeployments', 'cloudwatch:DescribeAlarms'],
    [undefined, 's3:GetObject'],
    ['PullImage', ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']],
    ['LogInToRegistries', 'ecr:GetAuthorizationToken'],
  ]);
});

test('grantInvoke lets the grantee call this endpoint and no other', () => {
  const { template } = synth((stack) => {
    const built = serverless(stack);
    built.grantInvoke(new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })).assertSuccess();
    return built;
  });
  const [statement] = resources(template, 'IAM::Policy').filter(({ Properties }) => JSON.stringify(Properties.Roles).includes('Caller'))[0]
    .Properties.PolicyDocument.Statement;
  expect([statement.Effect, statement.Action]).toEqual(['Allow', 'sagemaker:InvokeEndpoint']);
  expect(JSON.stringify(statement.Resource)).toContain(`:endpoint/${NAME}"`);
});

test('fails when somebody asks for connections, which only an endpoint in a VPC has', () => {
  expect(() => build().built.connections).toThrow("InvalidServerlessEndpoint: only an endpoint with 'vpc' has connections");
});

describe('alarms and metrics of a serverless endpoint [O1]', () => {
  const { template } = build({ coldStartBelow: Duration.seconds(12) });
  const alarm = (name: string): Shape =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${NAME}-${name}` } }))[0].Properties;

  test('are one that pages, its causes and two tickets, each with a section of the runbook', () => {
    const runbook = readFileSync(`${__dirname}/../../../docs/runbooks/serving.md`, 'utf8');
    const alarms = [...resources(template, 'CloudWatch::Alarm'), ...resources(template, 'CloudWatch::CompositeAlarm')];
    expect(alarms.map(({ Properties }) => Properties.AlarmName.slice(NAME.length + 1)).sort()).toEqual([
      'cold-starts',
      'error-budget',
      'error-budget-hour',
      'error-budget-minutes',
      'errors',
      'latency',
      'rollback-errors',
      'rollback-latency',
      'saturated',
      'unhealthy',
    ]);
    for (const { Properties } of alarms) {
      expect(runbook).toContain(`## ${/#([a-z-]+)$/.exec(Properties.AlarmDescription)![1]}\n`);
    }
  });

  test('count failures by the only metric of failures that serverless endpoints publish', () => {
    expect(JSON.stringify(template.toJSON())).not.toContain('InvocationModelErrors');
    const { expression, usingMetrics } = build().built.metrics.failureRate().toMetricConfig().mathExpression!;
    expect(expression).toBe('server / invocations');
    expect(Object.values(usingMetrics).map((metric) => (metric as Metric).metricName)).toEqual(['Invocations', 'Invocation5XXErrors']);
  });

  test('open a ticket when cold starts make requests wait too long, in the microseconds of the metric [row 187]', () => {
    expect(alarm('cold-starts')).toMatchObject({
      MetricName: 'OverheadLatency',
      Statistic: 'Maximum',
      Threshold: 12_000_000,
      Period: 900,
      EvaluationPeriods: 4,
      DatapointsToAlarm: 2,
      TreatMissingData: 'notBreaching',
      AlarmDescription: expect.stringMatching(/^\[serving\/ticket\]/),
    });
  });

  test('open a ticket when all concurrency is in use for five minutes, because nothing counts what was throttled', () => {
    expect(alarm('saturated')).toMatchObject({
      MetricName: 'ServerlessConcurrentExecutionsUtilization',
      Statistic: 'Maximum',
      Threshold: 1,
      Period: 60,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 5,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    });
  });

  test.each([
    ['invocations', 'AWS/SageMaker', 'Invocations', 'Sum'],
    ['clientErrorRate', 'AWS/SageMaker', 'Invocation4XXErrors', 'Average'],
    ['serverErrorRate', 'AWS/SageMaker', 'Invocation5XXErrors', 'Average'],
    ['modelLatency', 'AWS/SageMaker', 'ModelLatency', 'p99'],
    ['overheadLatency', 'AWS/SageMaker', 'OverheadLatency', 'Maximum'],
    ['modelSetupTime', 'AWS/SageMaker', 'ModelSetupTime', 'Average'],
    ['memoryUtilization', '/aws/sagemaker/Endpoints', 'MemoryUtilization', 'Maximum'],
    ['concurrencyUtilization', 'AWS/SageMaker', 'ServerlessConcurrentExecutionsUtilization', 'Maximum'],
    ['provisionedConcurrencyUtilization', 'AWS/SageMaker', 'ServerlessProvisionedConcurrencyUtilization', 'Maximum'],
  ] as const)('metrics.%s reads %s %s as %s of the variant, without a unit [row 181]', (name, namespace, metricName, statistic) => {
    expect(ServerlessEndpointMetrics._ofVariant('chat', 'AllTraffic')[name]().toMetricConfig().metricStat).toEqual({
      namespace,
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensions: [
        { name: 'EndpointName', value: 'chat' },
        { name: 'VariantName', value: 'AllTraffic' },
      ],
      unitFilter: undefined,
    });
  });
});
