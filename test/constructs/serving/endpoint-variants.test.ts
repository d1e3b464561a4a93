import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import {
  EndpointVariantProps,
  InferenceEndpoint,
  InferenceEndpointProps,
  InstanceType,
  MeasuredCapacity,
  ModelSize,
  Rollout,
  Scaling,
  Slo,
} from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { number } from '../../support/random-constructs';
import { synth } from '../../support/synth';
import { CAPACITY, board, endpoint, folder, image } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const models = (stack: Stack) =>
  (stack.node.tryFindChild('Models') as Bucket | undefined) ?? Bucket.fromBucketName(stack, 'Models', 'my-models');
const tarball = (stack: Stack, key: string, of = image) => ModelSource.fromTarball(models(stack), `${key}/model.tar.gz`, { image: of });
const registry = (stack: Stack, model: string) =>
  ModelSource.fromRegistry({ namePrefix: 'flights-dev', model, artifacts: models(stack), image });
const scaling = () =>
  Scaling.between(1, 4, {
    capacity: MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`),
    concurrency: 8,
  });
const one = (template: Template, type: string): Shape => Object.values(template.findResources(type))[0];
const names = (template: Template, type: string, key: string): string[] =>
  Object.values<Shape>(template.findResources(type)).map(({ Properties }) => Properties[key]);

type Variant = Partial<EndpointVariantProps>;

/** An endpoint with further variants; each is named b, c, ... and weighs 1 unless told otherwise. */
function build(variants: Variant[], props: Partial<InferenceEndpointProps> = {}) {
  return synth((stack) => {
    board(stack);
    return endpoint(stack, {
      model: tarball(stack, 'a'),
      ...props,
      variants: variants.map((variant, position) => ({ name: 'bcdefg'[position], weight: 1, model: tarball(stack, 'b'), ...variant })),
    });
  });
}

describe('an endpoint of several variants [S1]', () => {
  test.each([undefined, { account: '111122223333', region: 'eu-central-1' }])(
    'pulls the images of all variants by one statement, because ids of statements are unique in a policy (environment %j)',
    async (env) => {
      const { template } = synth((stack) => {
        board(stack);
        const of = (name: string, other: InferenceImage) => ({ name, weight: 1, model: tarball(stack, name, other) });
        const others = [of('b', InferenceImage.xgboost('1.7-1')), of('c', InferenceImage.xgboostAlgorithm('1.7-1')), of('d', image)];
        return endpoint(stack, { model: tarball(stack, 'a'), variants: others });
      }, env);
      const statements = Object.values<Shape>(template.findResources('AWS::IAM::Policy')).flatMap(
        ({ Properties }) => Properties.PolicyDocument.Statement,
      );
      const [pull, ...more] = statements.filter(({ Sid }) => Sid === 'PullImage');
      expect(more).toEqual([]);
      const repositories = pull.Resource.map((arn: object) => /repository\/([a-z-]+)/.exec(JSON.stringify(arn))?.[1]);
      expect(repositories).toEqual(['sagemaker-scikit-learn', 'sagemaker-xgboost']);
      expect(await gated(template)).toEqual([]);
    },
  );

  test('shares its requests by weight, the own variant first and under its own name [row 73]', async () => {
    const { template, nag, built } = build(
      [
        {
          weight: 0.25,
          instance: InstanceType.ML_M5_XLARGE,
          scaling: Scaling.fixed(2),
          volumeSize: Size.gibibytes(50),
          startupTimeout: Duration.minutes(5),
        },
      ],
      { weight: 0.75 },
    );
    const { ProductionVariants: variants, ShadowProductionVariants } = one(template, 'AWS::SageMaker::EndpointConfig').Properties;
    expect(variants).toEqual([
      expect.objectContaining({
        VariantName: 'AllTraffic',
        InitialVariantWeight: 0.75,
        InstanceType: 'ml.m5.large',
        InitialInstanceCount: 1,
      }),
      {
        VariantName: 'b',
        ModelName: { 'Fn::GetAtt': [expect.stringMatching(/^ChatVariantb.*Model/), 'ModelName'] },
        InstanceType: 'ml.m5.xlarge',
        InitialInstanceCount: 2,
        InitialVariantWeight: 0.25,
        VolumeSizeInGB: 50,
        ModelDataDownloadTimeoutInSeconds: 600,
        ContainerStartupHealthCheckTimeoutInSeconds: 300,
      },
    ]);
    expect(ShadowProductionVariants).toBeUndefined();
    expect(variants[0].ModelName).not.toEqual(variants[1].ModelName);
    expect(built.variants.map(({ variantName }) => variantName)).toEqual(['b']);
    expect(built.shadow).toBeUndefined();
    expect(nag).toEqual([]);
    expect(await gated(template)).toEqual([]);
  });

  test('reads each model by one role', () => {
    const { template } = build([{}]);
    const resources = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(resources).toContain('/a/model.tar.gz');
    expect(resources).toContain('/b/model.tar.gz');
    expect(Object.keys(template.findResources('AWS::IAM::Role'))).toHaveLength(1);
    const roles = names(template, 'AWS::SageMaker::Model', 'ExecutionRoleArn');
    expect(roles).toHaveLength(2);
    expect(roles[0]).toEqual(roles[1]);
  });

  test('has metrics, alarms and the way back of each variant, by the promise of each', () => {
    const { template, built } = build([{ slo: Slo.availability(99) }, {}]);
    const [b, c] = built.variants;
    expect(b.metrics.modelLatency().toMetricConfig().metricStat!.dimensions).toEqual([
      { name: 'EndpointName', value: 'flights-dev-delay' },
      { name: 'VariantName', value: 'b' },
    ]);
    expect([b.slo.latencyBelow, c.slo.latencyBelow?.toMilliseconds()]).toEqual([undefined, 500]);
    const alarms = names(template, 'AWS::CloudWatch::Alarm', 'AlarmName');
    expect(new Set(alarms).size).toBe(alarms.length);
    expect(alarms).toEqual(expect.arrayContaining(['flights-dev-delay.b-errors', 'flights-dev-delay.c-latency']));
    expect(alarms).not.toContain('flights-dev-delay.b-latency');
    expect(names(template, 'AWS::CloudWatch::CompositeAlarm', 'AlarmName')).toEqual(
      expect.arrayContaining(['flights-dev-delay-unhealthy', 'flights-dev-delay.b-unhealthy', 'flights-dev-delay.c-unhealthy']),
    );
    const { DeploymentConfig } = one(template, 'AWS::SageMaker::Endpoint').Properties;
    const undoing = DeploymentConfig.AutoRollbackConfiguration.Alarms.map(({ AlarmName }: Shape) => AlarmName);
    expect(undoing).toEqual([
      'flights-dev-delay-rollback-errors',
      'flights-dev-delay-rollback-latency',
      'flights-dev-delay.b-rollback-errors',
      'flights-dev-delay.c-rollback-errors',
      'flights-dev-delay.c-rollback-latency',
    ]);
    expect(alarms).toEqual(expect.arrayContaining(undoing));
    const ids = Object.entries<Shape>(template.findResources('AWS::CloudWatch::Alarm'))
      .filter(([, { Properties }]) => Properties.AlarmName.includes('rollback'))
      .map(([id]) => id);
    expect(one(template, 'AWS::SageMaker::Endpoint').DependsOn).toEqual(expect.arrayContaining(ids));
    const watched = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    undoing.forEach((name: string) => expect(watched).toContain(`:alarm:${name}"`));
  });

  test('scales each variant by itself, keeps the counts and takes the weights of the template [row 69, 70, 99]', async () => {
    const { template } = build([{ scaling: scaling() }], { scaling: scaling() });
    expect(names(template, 'AWS::ApplicationAutoScaling::ScalableTarget', 'ResourceId').sort()).toEqual([
      'endpoint/flights-dev-delay/variant/AllTraffic',
      'endpoint/flights-dev-delay/variant/b',
    ]);
    expect(names(template, 'AWS::ApplicationAutoScaling::ScalingPolicy', 'PolicyName').sort()).toEqual([
      'flights-dev-delay-concurrency-guard',
      'flights-dev-delay-traffic-in',
      'flights-dev-delay-traffic-out',
      'flights-dev-delay.b-concurrency-guard',
      'flights-dev-delay.b-traffic-in',
      'flights-dev-delay.b-traffic-out',
    ]);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-delay.b-concurrency-guard',
      Dimensions: Match.arrayWith([{ Name: 'VariantName', Value: 'b' }]),
    });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }],
    });
    expect(await gated(template)).toEqual([]);
    build([{}]).template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      RetainAllVariantProperties: Match.absent(),
      ExcludeRetainedVariantProperties: Match.absent(),
    });
  });

  test('takes a second fleet where one variant would roll [row 74]', () => {
    const gpu = { instance: InstanceType.ML_G5_XLARGE, scaling: Scaling.fixed(2) };
    const { DeploymentConfig } = one(build([gpu], gpu).template, 'AWS::SageMaker::Endpoint').Properties;
    expect(DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.Type).toBe('ALL_AT_ONCE');
    expect(one(build([], gpu).template, 'AWS::SageMaker::Endpoint').Properties.DeploymentConfig).toHaveProperty('RollingUpdatePolicy');
    expect(() => build([gpu], { ...gpu, rollout: Rollout.rolling() })).toThrow(
      "'rollout' cannot be rolling for an endpoint of several variants, which SageMaker does not roll: use Rollout.allAtOnce(), canary() or linear()",
    );
  });

  test('checks a rollout against its smallest and its slowest variant', () => {
    const fixed = (instances: number) => ({ scaling: Scaling.fixed(instances) });
    expect(() => build([fixed(1)], { ...fixed(4), rollout: Rollout.canary() })).toThrow("'rollout' cannot be canary for a fleet of one");
    expect(() => build([fixed(2)], { ...fixed(4), rollout: Rollout.canary() })).not.toThrow();
    const { template } = build([{ startupTimeout: Duration.hours(1), modelDownloadTimeout: Duration.hours(1) }]);
    const policy = one(template, 'AWS::SageMaker::Endpoint').Properties.DeploymentConfig.BlueGreenUpdatePolicy;
    expect(policy.MaximumExecutionTimeoutInSeconds).toBe(420 + 600 + 7200 + 120);
  });

  test('says of each variant which machine image it starts from', () => {
    const gpu = InferenceImage.pytorch('2.6.0', 'gpu' as never);
    const { template } = synth((stack) =>
      endpoint(stack, {
        model: tarball(stack, 'a', gpu),
        instance: InstanceType.ML_G6_2XLARGE,
        variants: [{ name: 'b', weight: 1, model: tarball(stack, 'b', gpu), instance: InstanceType.ML_G5_2XLARGE }],
      }),
    );
    const { Metadata } = one(template, 'AWS::SageMaker::EndpointConfig');
    expect(Object.keys(Metadata)).toEqual(expect.arrayContaining(['InferenceAmi', 'InferenceAmi of b']));
    expect(Metadata['InferenceAmi of b']).toContain('ml.g5');
  });
});

describe('variants with models of a registry [R4]', () => {
  const fed = (props: Partial<InferenceEndpointProps> = {}, variant: Variant = {}) =>
    synth((stack) => {
      board(stack);
      const variants = [{ name: 'b', weight: 1, model: registry(stack, 'delay-b'), scaling: scaling(), ...variant }];
      return endpoint(stack, { model: registry(stack, 'delay'), scaling: scaling(), variants, ...props });
    }).template;

  test('are there from the start and serve the own model until a version of theirs is approved [row 73]', async () => {
    const template = fed();
    const { Parameters } = template.toJSON() as Shape;
    const pointer = Object.keys(Parameters).find((id) => Parameters[id].Default === '/flights-dev/models/delay-b/approved')!;
    const config = one(template, 'AWS::SageMaker::EndpointConfig');
    const [main, b] = config.Properties.ProductionVariants;
    expect(main.VariantName).toBe('AllTraffic');
    const theirs = { 'Fn::GetAtt': [expect.stringMatching(/^ChatVariantbModel/), 'ModelName'] };
    expect(b).toMatchObject({ VariantName: 'b', ModelName: { 'Fn::If': [`Is${pointer}`, theirs, main.ModelName] } });
    const models = template.findResources('AWS::SageMaker::Model');
    const model = Object.values<Shape>(models).find(({ Condition }) => Condition === `Is${pointer}`);
    expect(model.Properties.PrimaryContainer).toEqual({ ModelPackageName: { Ref: pointer } });
    const targets = Object.values<Shape>(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
    expect(targets.map(({ Properties }) => Properties.ResourceId)).toContain('endpoint/flights-dev-delay/variant/b');
    targets.forEach(({ Condition }) => expect(Condition).toBe(config.Condition));
    expect(models[main.ModelName['Fn::GetAtt'][0]].Condition).toBe(config.Condition);
    expect(await gated(template)).toEqual([]);
  });

  test('are refused where no release would find them', () => {
    const other = (stack: Stack) =>
      ModelSource.fromRegistry({ namePrefix: 'other-dev', model: 'delay-b', artifacts: models(stack), image });
    const beside = (own: (stack: Stack) => ModelSource, theirs: (stack: Stack) => ModelSource, as: 'variant' | 'shadow') => () =>
      synth((stack) => {
        board(stack);
        const served = { model: theirs(stack) };
        const added = as === 'shadow' ? { shadow: served } : { variants: [{ name: 'b', weight: 1, ...served }] };
        return endpoint(stack, { model: own(stack), ...added });
      });
    const [mine, theirs] = [(stack: Stack) => registry(stack, 'delay'), (stack: Stack) => registry(stack, 'delay-b')];
    const fixed = (stack: Stack) => tarball(stack, 'a');
    expect(beside(fixed, theirs, 'variant')).toThrow(
      "'variants[0].model' is of a registry, whose releases look for it beside a model of the",
    );
    expect(beside(fixed, theirs, 'shadow')).toThrow("'shadow.model' is of a registry, whose releases look for it beside a model of the");
    expect(beside(mine, other, 'variant')).toThrow("'variants[0].model' is of a registry");
    expect(beside(mine, fixed, 'variant')).not.toThrow();
    expect(beside(mine, theirs, 'shadow')).not.toThrow();
  });

  test('need instances that can serve the own model too', () => {
    const big = ModelSize.ofParameters(70e9);
    const waiting = '(it serves the model of the endpoint until a version of its own is approved)';
    expect(() => fed({ instance: InstanceType.ML_P4D_24XLARGE, modelSize: big }, { instance: InstanceType.ML_M5_LARGE })).toThrow(waiting);
    expect(() => fed({}, { instance: InstanceType.ML_M5_XLARGE })).not.toThrow();
  });

  test('cannot share a pointer', () => {
    const twice = () =>
      synth((stack) =>
        endpoint(stack, { model: registry(stack, 'delay'), variants: [{ name: 'b', weight: 1, model: registry(stack, 'delay') }] }),
      );
    expect(twice).toThrow(
      "'variants[0].model' reads /flights-dev/models/delay/approved, as the endpoint itself does: give each variant a model with a pointer of its own",
    );
  });
});

describe('bad variants', () => {
  test.each<[string, Variant[], Partial<InferenceEndpointProps>, string]>([
    [
      'the name of the endpoint itself [row 59]',
      [{ name: 'AllTraffic' }],
      {},
      "'variants[0].name' 'AllTraffic' is the name of the endpoint itself too",
    ],
    [
      'one name twice [row 59]',
      [{}, { name: 'b' }],
      {},
      "'variants[1].name' 'b' is the name of 'variants[0]' too: give each variant a name of its own",
    ],
    [
      'letters of a name [row 60]',
      [{ name: 'a_b' }],
      {},
      "'variants[0].name' must be 1 to 40 letters, digits and inner hyphens, not ending in 'rollback', got 'a_b'",
    ],
    ['a name that alarms would clash by', [{ name: 'c-rollback' }], {}, "'variants[0].name' must be"],
    ['a name of 41 letters', [{ name: 'a'.repeat(41) }], {}, "'variants[0].name' must be"],
    ['a negative weight', [{ weight: -1 }], {}, "'variants[0].weight' must be between 0 and 1000, got -1"],
    ['a weight too large', [{}], { weight: 1001 }, "'weight' must be between 0 and 1000, got 1001"],
    ['no weight at all', [{ weight: 0 }], { weight: 0 }, "'weight' of all variants is 0: nothing would serve"],
    ['a weight against nothing', [], { weight: 2 }, "'weight' is a share against 'variants': give those too, or leave it out"],
    ['too many', [{}, {}, {}, {}, {}], {}, "'variants' may be at most 4, got 5"],
    ['some that scale', [{ scaling: scaling() }], {}, "'scaling' of some variants is automatic and of others fixed"],
    ['a number out of range', [{ scaling: Scaling.fixed(0) }], {}, "'variants[0]': 'scaling' must be at least 1, got 0"],
    ['a promise that is none', [{ slo: Slo.availability(20) }], {}, "'variants[0]': 'slo"],
    [
      'a burstable type that scales',
      [{ instance: InstanceType.ML_T2_MEDIUM, scaling: scaling() }],
      { scaling: scaling() },
      "'variants[0]': 'instance' ml.t2.medium is burstable",
    ],
    [
      'a model that does not fit',
      [{ instance: InstanceType.ML_G5_XLARGE, modelSize: ModelSize.ofParameters(70e9) }],
      {},
      "'variants[0]': 'instance' ml.g5.xlarge has",
    ],
    [
      'a volume beside local storage',
      [{ instance: InstanceType.ML_G5_XLARGE, volumeSize: Size.gibibytes(30) }],
      {},
      "'variants[0]': 'volumeSize' cannot be set for ml.g5.xlarge",
    ],
    [
      'times out of range',
      [{ startupTimeout: Duration.seconds(59) }],
      {},
      "'variants[0]': 'startupTimeout, in seconds,' must be between 60 and 3600",
    ],
  ])('fail: %s', (_, variants, props, message) => {
    expect(() => build(variants, props)).toThrow(message);
  });

  test('are all told at once', () => {
    expect(() => build([{ name: 'a_b', weight: -1 }, { scaling: Scaling.fixed(0) }])).toThrow(
      /'variants\[0\]\.name' must be.*'variants\[1\]': 'scaling' must be.*'variants\[0\]\.weight' must be/,
    );
  });

  test('pass at their edges and with Tokens', () => {
    expect(() => build([{ weight: 0 }, { weight: 1000 }, { name: 'a'.repeat(40) }, {}])).not.toThrow();
    expect(() => build([{ weight: number(3) }], { weight: number(0) })).not.toThrow();
  });

  test('take no key where only some have local storage, unless it is kept [row 48]', () => {
    const keyed = (instance: InstanceType, keep = false) =>
      synth((stack) =>
        endpoint(stack, {
          model: tarball(stack, 'a'),
          volumeKey: new Key(stack, 'Key'),
          keepVolumeKey: keep,
          variants: [{ name: 'b', weight: 1, model: tarball(stack, 'b'), instance }],
        }),
      );
    expect(() => keyed(InstanceType.ML_M5D_LARGE)).toThrow("'volumeKey' is for volumes, and some variants have local NVMe storage");
    expect(() => keyed(InstanceType.ML_M5D_LARGE, true)).not.toThrow();
    expect(() => keyed(InstanceType.ML_M5_XLARGE)).not.toThrow();
  });
});

describe('a shadow variant [row 58]', () => {
  const shadowed = (shadow: Partial<InferenceEndpointProps['shadow']> = {}, props: Partial<InferenceEndpointProps> = {}) =>
    synth((stack) => {
      board(stack);
      return endpoint(stack, { model: tarball(stack, 'a'), ...props, shadow: { model: tarball(stack, 'b'), ...shadow } });
    });

  test('is sent a share of the requests, in instances of its own, and tells nobody', async () => {
    const { template, nag } = shadowed({ samplingPercent: 25, instance: InstanceType.ML_M5_XLARGE }, { scaling: Scaling.fixed(2) });
    const { ProductionVariants, ShadowProductionVariants } = one(template, 'AWS::SageMaker::EndpointConfig').Properties;
    expect(ProductionVariants).toHaveLength(1);
    expect(ShadowProductionVariants).toEqual([
      expect.objectContaining({ VariantName: 'Shadow', InitialVariantWeight: 0.25, InstanceType: 'ml.m5.xlarge', InitialInstanceCount: 2 }),
    ]);
    expect(names(template, 'AWS::CloudWatch::Alarm', 'AlarmName').filter((name) => name.includes('hadow'))).toEqual([]);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain('/b/model.tar.gz');
    expect(nag).toEqual([]);
    expect(await gated(template)).toEqual([]);
  });

  test('keeps the share of the template where the endpoint scales', () => {
    const { template } = shadowed({}, { scaling: scaling() });
    template.hasResourceProperties('AWS::SageMaker::Endpoint', {
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }],
    });
    template.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', 1);
  });

  test('is compared with what serves, in one expression for each question', () => {
    const { shadow } = shadowed({ name: 'Next' }).built;
    const ratio = shadow!.latencyRatio({ percentile: 95 });
    expect(ratio.expression).toBe('shadow / serving');
    const of = (name: string): Shape => ratio.usingMetrics[name].toMetricConfig().metricStat;
    expect(of('shadow')).toMatchObject({ metricName: 'ModelLatency', statistic: 'p95' });
    expect(of('shadow').dimensions).toContainEqual({ name: 'VariantName', value: 'Next' });
    expect(of('serving').dimensions).toContainEqual({ name: 'VariantName', value: 'AllTraffic' });
    const difference = shadow!.failureRateDifference();
    const parts = Object.values(difference.usingMetrics).map((part) => part.toMetricConfig().mathExpression!);
    expect(parts.map(({ expression }) => expression)).toEqual(
      ['shadow', 'serving'].map(
        (who) => `IF(${who}_server > ${who}_model - ${who}_client, ${who}_server, ${who}_model - ${who}_client) / ${who}_invocations`,
      ),
    );
    const ids = parts.flatMap(({ usingMetrics }) => Object.keys(usingMetrics));
    expect(new Set(ids).size).toBe(8);
  });

  test('is there while its version is approved', async () => {
    const template = synth((stack) => {
      board(stack);
      return endpoint(stack, { model: registry(stack, 'delay'), shadow: { model: registry(stack, 'delay-b') } });
    }).template;
    const { ShadowProductionVariants } = one(template, 'AWS::SageMaker::EndpointConfig').Properties;
    expect(ShadowProductionVariants).toEqual({
      'Fn::If': [expect.stringMatching(/^IsApproved/), [expect.objectContaining({ VariantName: 'Shadow' })], { Ref: 'AWS::NoValue' }],
    });
    expect(await gated(template)).toEqual([]);
  });

  test.each<[string, Partial<InferenceEndpointProps['shadow']>, Partial<InferenceEndpointProps>, string]>([
    ['no share', { samplingPercent: 0 }, {}, "'shadow.samplingPercent' must be between 1 and 100, got 0"],
    ['a share of a percent', { samplingPercent: 1.5 }, {}, "'shadow.samplingPercent' must be a whole number, got 1.5"],
    ['more than all', { samplingPercent: 101 }, {}, "'shadow.samplingPercent' must be between 1 and 100, got 101"],
    ['a Token', { samplingPercent: number(5) }, {}, "'shadow.samplingPercent' must be known at synth"],
    ['no instance', { instances: 0 }, {}, "'shadow.instances' must be between 1 and 1000, got 0"],
    ['half an instance', { instances: 1.5 }, {}, "'shadow.instances' must be a whole number, got 1.5"],
    ['the name of what serves', { name: 'AllTraffic' }, {}, "'shadow.name' 'AllTraffic' is the name of the endpoint itself too"],
    ['Inf1 instances', { instance: InstanceType.ML_INF1_XLARGE }, {}, "'shadow' is not for endpoints with Inf1 instances"],
    [
      'Inf1 instances that serve',
      { instance: InstanceType.ML_M5_LARGE },
      { instance: InstanceType.ML_INF1_XLARGE },
      "'shadow' is not for endpoints with Inf1 instances",
    ],
    [
      'batches',
      {},
      { scaling: Scaling.fixed(2), rollout: Rollout.rolling() },
      "'rollout' cannot be rolling for an endpoint of several variants",
    ],
  ])('fails with %s', (_, shadow, props, message) => {
    expect(() => shadowed(shadow, props)).toThrow(message);
  });

  test('takes 1 and 100 percent, and no endpoint of several variants', () => {
    expect(() => shadowed({ samplingPercent: 1 })).not.toThrow();
    expect(() => shadowed({ samplingPercent: 100 })).not.toThrow();
    expect(() =>
      synth(
        (stack) =>
          new InferenceEndpoint(stack, 'Chat', {
            model: tarball(stack, 'a'),
            instance: InstanceType.ML_M5_LARGE,
            slo: Slo.availability(99),
            variants: [{ name: 'b', weight: 1, model: tarball(stack, 'b') }],
            shadow: { model: tarball(stack, 'c') },
          }),
      ),
    ).toThrow("'shadow' needs an endpoint of one variant, which SageMaker copies requests of: leave out 'variants' or 'shadow'");
  });
});
