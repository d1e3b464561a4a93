import { Aws, Duration, Lazy, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { ComponentEndpoint, ComponentEndpointProps, Copies, InstanceType, RoutingStrategy } from '../../../lib/constructs/serving';
import { PrivateNetwork } from '../../../lib/constructs/network';
import { app, synth } from '../../support/synth';
import { adapter, component, resources, Shape, shared, statementsOf, warningsOf } from './component-fixtures';

const build = (props: Partial<ComponentEndpointProps> = {}) => synth((stack) => shared(stack, props));
const configOf = (template: Template): Shape => resources(template, 'SageMaker::EndpointConfig')[0].Properties;
const variantOf = (template: Template): Shape => configOf(template).ProductionVariants[0];
const number = (value: number) => Lazy.number({ produce: () => value });
const caller = (stack: Stack) => new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });

describe('ComponentEndpoint resources [S1, S4]', () => {
  test('has one variant without a model, whose role, isolation and scaling the configuration says [row 37, 73, 84, 87, 88, 89]', () => {
    const { template } = build();
    expect(configOf(template)).toEqual({
      ExecutionRoleArn: { 'Fn::GetAtt': [expect.stringContaining('SharedRole'), 'Arn'] },
      EnableNetworkIsolation: true,
      ProductionVariants: [
        {
          VariantName: 'AllTraffic',
          InstanceType: 'ml.g5.12xlarge',
          InitialInstanceCount: 1,
          InitialVariantWeight: 1,
          ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 1, MaxInstanceCount: 2 },
          RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
          InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
        },
      ],
      MetricsConfig: { EnableDetailedObservability: false, EnableEnhancedMetrics: false, MetricPublishFrequencyInSeconds: 60 },
    });
    template.resourceCountIs('AWS::SageMaker::Model', 0);
  });

  test('starts with one instance although it may have none [row 90, 91]', () => {
    const { template } = build({ minInstances: 0 });
    expect(variantOf(template)).toMatchObject({
      InitialInstanceCount: 1,
      ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 2 },
    });
  });

  test('manages nothing when one number of instances is possible, and starts with that', () => {
    const { template } = build({ minInstances: 2, maxInstances: 2 });
    expect(variantOf(template)).toMatchObject({ InitialInstanceCount: 2 });
    expect(variantOf(template).ManagedInstanceScaling).toBeUndefined();
    template.hasResourceProperties('AWS::SageMaker::Endpoint', { RetainAllVariantProperties: Match.absent() });
  });

  test('keeps the number of instances through updates, which take a second fleet all at once [row 69, 70]', () => {
    build().template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      EndpointName: 'flights-dev-shared',
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: Match.absent(),
      DeploymentConfig: Match.absent(),
    });
  });

  test('leaves the configuration unnamed and keeps what is replaced [row 14, 47, 82]', () => {
    for (const [removalPolicy, deletion] of [
      [undefined, 'Delete'],
      [RemovalPolicy.RETAIN, 'Retain'],
    ] as const) {
      const [config] = resources(build({ removalPolicy }).template, 'SageMaker::EndpointConfig');
      expect(config.Properties.EndpointConfigName).toBeUndefined();
      expect([config.UpdateReplacePolicy, config.DeletionPolicy]).toEqual(['Retain', deletion]);
    }
  });

  test('waits for its role and log [row 19]', () => {
    const { template } = build();
    const [policy] = Object.keys(template.findResources('AWS::IAM::Policy'));
    const [logs] = Object.keys(template.findResources('AWS::Logs::LogGroup'));
    expect(resources(template, 'SageMaker::EndpointConfig')[0].DependsOn).toContain(policy);
    expect(resources(template, 'SageMaker::Endpoint')[0].DependsOn).toContain(logs);
  });

  test('routes at random on request', () => {
    expect(variantOf(build({ routing: RoutingStrategy.RANDOM }).template).RoutingConfig).toEqual({ RoutingStrategy: 'RANDOM' });
  });

  test('has a generated name in lower case when it is given none [row 61]', () => {
    expect(build({ endpointName: undefined }).built.endpointName).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
  });

  test('takes the VPC on the configuration, with subnets in two zones and a group that accepts nothing [row 38]', () => {
    const { template, nag, built } = synth((stack) => {
      const network = new PrivateNetwork(stack, 'Network');
      return shared(stack, { vpc: network.vpc, vpcSubnets: network.subnets });
    });
    expect(configOf(template).VpcConfig).toEqual({
      Subnets: [expect.anything(), expect.anything()],
      SecurityGroupIds: [{ 'Fn::GetAtt': [expect.stringContaining('SharedSecurityGroup'), 'GroupId'] }],
    });
    expect(built.connections.securityGroups).toHaveLength(1);
    expect(nag).toEqual([]);
    expect(() => synth((stack) => shared(stack, { vpc: new Vpc(stack, 'Vpc', { maxAzs: 1 }) }))).toThrow(
      "'vpcSubnets' lie in 1 Availability Zone",
    );
  });

  test('fails at synth when a component in its VPC has no route to S3 [row 39]', () => {
    const isolated = (stack: Stack) =>
      new Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration: [{ name: 'In', subnetType: SubnetType.PRIVATE_ISOLATED }] });
    expect(() => synth((stack) => component(shared(stack, { vpc: isolated(stack) })))).toThrow("'vpcSubnets' have no route to S3");
  });

  test('drops a key that encrypts no local storage, and uses it elsewhere [row 48]', () => {
    const of = (instance: InstanceType) => synth((stack) => shared(stack, { instance, volumeKey: new Key(stack, 'Key') }));
    expect(configOf(of(InstanceType.ML_G5_12XLARGE).template).KmsKeyId).toBeUndefined();
    expect(configOf(of(InstanceType.ML_M5_LARGE).template).KmsKeyId).toBeDefined();
    expect(of(InstanceType.ML_G5_12XLARGE).built.storageEncryption).toContain('the given key is left out');
  });
});

describe('role and callers of a ComponentEndpoint [M3]', () => {
  test('holds exactly logs, metrics, and the logs and alarms of its components [row 79]', () => {
    const { template, nag } = synth((stack) => component(shared(stack), { copies: Copies.fixed(2) }));
    expect(statementsOf(template, 'SharedRole').map(({ Sid, Action, Resource }) => [Sid, Action, JSON.stringify(Resource)])).toEqual([
      ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], expect.stringContaining('SharedLogs')],
      ['Metrics', 'cloudwatch:PutMetricData', '"*"'],
      [
        undefined,
        ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        expect.stringContaining(':log-group:/aws/sagemaker/InferenceComponents/flights-dev-chat:*'),
      ],
      [undefined, 'cloudwatch:DescribeAlarms', expect.stringMatching(/:alarm:flights-dev-chat-errors.*:alarm:flights-dev-chat-latency/)],
    ]);
    expect(nag).toEqual([]);
  });

  test('lets a grantee call the endpoint and every component, whenever it comes', () => {
    const { template } = synth((stack) => {
      const endpoint = shared(stack);
      const base = component(endpoint);
      endpoint.grantInvoke(caller(stack));
      adapter(base);
      return endpoint;
    });
    const [statement, ...more] = statementsOf(template, 'Caller');
    expect(more).toEqual([]);
    expect(statement.Action).toBe('sagemaker:InvokeEndpoint');
    expect(statement.Resource.map((arn: Shape) => arn['Fn::Join'][1].at(-1)).sort()).toEqual([
      ':endpoint/flights-dev-shared',
      ':inference-component/flights-dev-chat',
      ':inference-component/flights-dev-tone',
    ]);
  });
});

describe('policy of a ComponentEndpoint', () => {
  test('stays within an inline policy with twenty components', () => {
    const { template, nag } = synth((stack) => {
      const endpoint = shared(stack, { maxInstances: 20 });
      for (let i = 0; i < 20; i++) {
        component(endpoint, { componentName: `flights-dev-chat-${i}`, copies: Copies.fixed(2) }, `Chat${i}`);
      }
    });
    const statements = statementsOf(template, 'SharedRole');
    expect(statements).toHaveLength(4);
    expect(statements[3].Resource).toHaveLength(40);
    expect(nag).toEqual([]);
  });
});

describe('metrics and alarm of a ComponentEndpoint [O1]', () => {
  test('read the instances by endpoint and variant', () => {
    const { metrics } = build().built;
    for (const [metric, name, statistic] of [
      [metrics.cpuUtilization(), 'CPUUtilizationNormalized', 'Average'],
      [metrics.gpuUtilization(), 'GPUUtilizationNormalized', 'Average'],
      [metrics.gpuMemoryUtilization(), 'GPUMemoryUtilizationNormalized', 'Average'],
      [metrics.memoryUtilization(), 'MemoryUtilization', 'Average'],
      [metrics.diskUtilization(), 'DiskUtilization', 'Maximum'],
      [metrics.cpuReservation(), 'CPUReservation', 'Average'],
      [metrics.gpuReservation(), 'GPUReservation', 'Average'],
      [metrics.memoryReservation({ period: Duration.minutes(5) }), 'MemoryReservation', 'Average'],
    ] as const) {
      expect([metric.namespace, metric.metricName, metric.statistic]).toEqual(['/aws/sagemaker/Endpoints', name, statistic]);
      expect(metric.dimensions).toEqual({ EndpointName: 'flights-dev-shared', VariantName: 'AllTraffic' });
    }
    expect(metrics.memoryReservation({ period: Duration.minutes(5) }).period.toSeconds()).toBe(300);
  });

  test('opens a ticket when a disk that copies share is 80 % full for 15 minutes', () => {
    build().template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-shared-disk',
      MetricName: 'DiskUtilization',
      Threshold: 80,
      Period: 60,
      EvaluationPeriods: 15,
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp('^\\[serving/ticket\\].*docs/runbooks/serving.md#component-endpoint-disk$'),
    });
  });
});

describe('checks of a ComponentEndpoint', () => {
  test.each([
    [{ minInstances: -1 }, "'minInstances' must be between 0 and 1000, got -1"],
    [{ minInstances: 1.5, maxInstances: 2 }, "'minInstances' must be a whole number, got 1.5"],
    [{ minInstances: 0, maxInstances: 0 }, "'maxInstances' must be between 1 and 1000, got 0"],
    [{ maxInstances: 1001 }, "'maxInstances' must be between 1 and 1000, got 1001"],
    [{ minInstances: 3, maxInstances: 2 }, "'maxInstances' of 2 is below 'minInstances' of 3: swap them"],
    [{ maxInstances: number(2) }, "'maxInstances' must be known at synth, got a Token"],
    [{ minInstances: number(0) }, "'minInstances' must be known at synth, got a Token"],
    [{ endpointName: 'Shared' }, "'endpointName' must be 1 to 63 lower-case letters"],
    [{ endpointName: Aws.STACK_NAME }, "'endpointName' must be known at synth, got a Token"],
    [{ instance: InstanceType.ML_T2_MEDIUM }, "'instance' ml.t2.medium is burstable, which SageMaker cannot scale"],
    [{ volumeSize: Size.gibibytes(9) }, "'volumeSize' cannot be set for ml.g5.12xlarge"],
    [{ metricFrequency: Duration.seconds(10) }, "'metricFrequency' of 10 s needs 'enhancedMetrics'"],
  ])('fails on %j [row 41, 60, 61, 85, 107]', (props, message) => {
    expect(() => build(props)).toThrow(`InvalidComponentEndpoint: ${message}`);
  });

  test.each([
    [{ minInstances: 0, maxInstances: 1 }],
    [{ minInstances: 1000, maxInstances: 1000 }],
    [{ instance: InstanceType.ML_T2_MEDIUM, minInstances: 1, maxInstances: 1 }],
    [{ endpointName: 'a' }],
  ])('takes %j', (props) => {
    expect(() => build(props)).not.toThrow();
  });

  test('fails on what only other endpoints have, which would be left out silently', () => {
    for (const name of ['model', 'slo', 'rollout', 'scaling', 'capture', 'variants', 'shadow', 'input', 'memory']) {
      expect(() => synth((stack) => shared(stack, { [name]: {} }))).toThrow(`'${name}' is not for endpoints of components, which `);
    }
  });

  test('fails at synth when the fewest copies of all components do not fit together [row 93]', () => {
    const crowd = (copies: number, maxInstances: number) => () =>
      synth((stack) => {
        const endpoint = shared(stack, { maxInstances });
        component(endpoint, { copies: Copies.fixed(copies), componentName: 'one' }, 'One');
        component(endpoint, { copies: Copies.between(0, 4, { concurrency: 4 }), componentName: 'two' }, 'Two');
      });
    expect(crowd(4, 1)).toThrow(
      "the fewest copies of one, two need 5 accelerators, but 1 x ml.g5.12xlarge have 4: raise 'maxInstances', take a larger type or have fewer copies [at Test/Shared]",
    );
    expect(crowd(3, 1)).not.toThrow();
    expect(crowd(4, 2)).not.toThrow();
  });

  test('warns of a Region that refused to go to zero, of unlisted types, and of Inf1 [row 74, 90]', () => {
    const of = (props: Partial<ComponentEndpointProps>, region: string) =>
      warningsOf(synth((stack) => shared(stack, props), { account: '111122223333', region }).built);
    const m5 = InstanceType.ML_M5_LARGE;
    expect(of({ instance: m5, minInstances: 0 }, 'eu-west-3')).toEqual([expect.stringContaining('eu-west-3 refused a minimum of 0')]);
    expect(of({ instance: m5, minInstances: 1 }, 'eu-west-3')).toEqual([]);
    expect(of({ instance: m5, minInstances: 0 }, 'us-east-1')).toEqual([]);
    expect(of({ instance: InstanceType.of('ml.z9.large') }, 'us-east-1')).toEqual([expect.stringContaining('is not in the catalogue')]);
    expect(of({ instance: InstanceType.of('ml.inf1.xlarge') }, 'us-east-1')).toEqual([expect.stringContaining('without a bake')]);
  });

  test('fails on an instance type that its Region does not sell [row 51]', () => {
    const env = { account: '111111111111', region: 'eu-west-3' };
    expect(() => synth((stack) => shared(stack, { instance: InstanceType.ML_G6E_XLARGE }), env)).toThrow('was not on sale for hosting');
  });

  test('is built without a component', () => {
    const stack = new Stack(app(), 'Test');
    expect(new ComponentEndpoint(stack, 'Empty', { instance: InstanceType.ML_M5_LARGE, maxInstances: 1 }).minInstances).toBe(1);
    Template.fromStack(stack);
  });
});
