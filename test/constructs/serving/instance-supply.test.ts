import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Duration } from 'aws-cdk-lib';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  ComponentEndpoint,
  ComponentEndpointProps,
  InferenceAmiVersion,
  InferenceEndpointProps,
  InstanceScaleIn,
  InstanceType,
  MeasuredCapacity,
  ModelSize,
  RoutingStrategy,
  Scaling,
} from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { number } from '../../support/random-constructs';
import { synth } from '../../support/synth';
import { CAPACITY, board, endpoint, folder } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const US = { account: '111122223333', region: 'us-east-1' };
const PLAN = 'arn:aws:sagemaker:us-east-1:111122223333:training-plan/chat';
const { ML_M5_LARGE, ML_M5_XLARGE, ML_M5D_LARGE, ML_G5_2XLARGE, ML_G6_2XLARGE, ML_G6E_2XLARGE, ML_T2_MEDIUM } = InstanceType;
const gpu = InferenceImage.djlLmi('0.36.0-lmi28.0.0');

const build = (props: Partial<InferenceEndpointProps>, image?: InferenceImage) =>
  synth((stack) => {
    board(stack);
    const model = image && ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'my-models'), 'a/model.tar.gz', { image });
    return endpoint(stack, { ...(model === undefined ? {} : { model }), ...props });
  }, US);
const shared = (props: Partial<ComponentEndpointProps> = {}) =>
  synth((stack) => {
    board(stack);
    return new ComponentEndpoint(stack, 'Shared', { instance: ML_M5_LARGE, minInstances: 1, maxInstances: 4, ...props });
  }, US);
const variant = (template: Template): Shape =>
  (Object.values(template.findResources('AWS::SageMaker::EndpointConfig'))[0] as Shape).Properties.ProductionVariants[0];

describe('instance pools', () => {
  test('take other types in the given order, instead of one type', async () => {
    const { template } = build(
      { instance: ML_G6_2XLARGE, fallbackInstances: [ML_G6E_2XLARGE, ML_G5_2XLARGE], provisionTimeout: Duration.minutes(20) },
      gpu,
    );
    expect(variant(template)).toMatchObject({
      InstancePools: [
        { InstanceType: 'ml.g6.2xlarge', Priority: 1 },
        { InstanceType: 'ml.g6e.2xlarge', Priority: 2 },
        { InstanceType: 'ml.g5.2xlarge', Priority: 3 },
      ],
      VariantInstanceProvisionTimeoutInSeconds: 1200,
      InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
    });
    expect(variant(template).InstanceType).toBeUndefined();
    expect(await gated(template)).toEqual([]);
    expect(variant(build({}).template)).toMatchObject({ InstanceType: 'ml.m5.large' });
    expect(variant(build({}).template).InstancePools).toBeUndefined();
  });

  test('serve components too', async () => {
    const { template } = shared({ fallbackInstances: [ML_M5_XLARGE] });
    expect(variant(template).InstancePools).toHaveLength(2);
    expect(await gated(template)).toEqual([]);
    expect(() => shared({ instance: ML_M5_XLARGE, fallbackInstances: [ML_M5_LARGE] })).toThrow(
      "'fallbackInstances' ml.m5.large is smaller than ml.m5.xlarge: copies that fit on that may not fit on it; take a larger type",
    );
  });

  test('are not inherited by variants', () => {
    const { template } = synth((stack) => {
      const own = endpoint(stack, {
        fallbackInstances: [ML_M5_XLARGE],
        variants: [
          {
            name: 'b',
            weight: 1,
            model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Other', 'my-models'), 'b/model.tar.gz', {
              image: InferenceImage.scikitLearn('1.4-2'),
            }),
          },
        ],
      });
      return own;
    }, US);
    const [first, second] = (Object.values(template.findResources('AWS::SageMaker::EndpointConfig'))[0] as Shape).Properties
      .ProductionVariants;
    expect([first.InstancePools.length, second.InstancePools, second.InstanceType]).toEqual([2, undefined, 'ml.m5.large']);
  });

  test('warn that a scaling target was measured on one type', () => {
    const file = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    const scaling = Scaling.between(1, 4, { capacity: MeasuredCapacity.fromFile(file) });
    const { stack } = build({ scaling, fallbackInstances: [ML_M5_XLARGE] });
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('measured on ml.m5.large, and ml.m5.xlarge may serve instead'));
  });

  test.each<[string, Partial<InferenceEndpointProps>, string]>([
    ['one type twice', { fallbackInstances: [ML_M5_XLARGE, ML_M5_XLARGE] }, "'fallbackInstances' has ml.m5.xlarge more than once"],
    [
      'the type itself',
      { fallbackInstances: [ML_M5_LARGE] },
      "'fallbackInstances' has ml.m5.large more than once, or it is that of 'instance'",
    ],
    [
      'more than five types',
      {
        fallbackInstances: ['ml.m5.xlarge', 'ml.m5.2xlarge', 'ml.m5.4xlarge', 'ml.c5.large', 'ml.c5.xlarge'].map(
          InstanceType.fromCatalogue,
        ),
      },
      "'fallbackInstances' may be at most 4, got 5: SageMaker takes five types",
    ],
    ['two kinds of storage', { fallbackInstances: [ML_M5D_LARGE] }, "'fallbackInstances' ml.m5d.large and ml.m5.large differ in storage"],
    [
      'an Arm type',
      { fallbackInstances: [InstanceType.fromCatalogue('ml.c7g.large')] },
      "'fallbackInstances': 'instance' ml.c7g.large is Arm",
    ],
    [
      'a burstable type that scales',
      {
        scaling: Scaling.between(1, 2, { concurrency: 4 }),
        fallbackInstances: [ML_T2_MEDIUM],
      },
      "'fallbackInstances': 'instance' ml.t2.medium is burstable",
    ],
    [
      'too short a time',
      { provisionTimeout: Duration.seconds(299) },
      "'provisionTimeout, in seconds,' must be between 300 and 3600, got 299",
    ],
    [
      'too long a time',
      { provisionTimeout: Duration.seconds(3601) },
      "'provisionTimeout, in seconds,' must be between 300 and 3600, got 3601",
    ],
    ['a Token', { provisionTimeout: Duration.seconds(number(300)) }, "'provisionTimeout' must be known at synth"],
  ])('fail with %s', (_, props, message) => {
    expect(() => build(props)).toThrow(message);
  });

  test('fail where a type does not hold the model, or starts from another machine image', () => {
    const modelSize = ModelSize.ofParameters(14e9);
    expect(() => build({ instance: ML_G6E_2XLARGE, fallbackInstances: [ML_G6_2XLARGE], modelSize }, gpu)).toThrow(
      "'fallbackInstances': 'instance' ml.g6.2xlarge has",
    );
    const amis = (amiVersion?: InferenceAmiVersion) =>
      build({ instance: InstanceType.fromCatalogue('ml.g7e.2xlarge'), fallbackInstances: [ML_G6E_2XLARGE], amiVersion }, gpu);
    expect(() => amis()).toThrow(
      "'fallbackInstances' ml.g6e.2xlarge would start from al2023-ami-sagemaker-inference-gpu-4-1 and ml.g7e.2xlarge from SageMaker's default image, " +
        "but a variant has one: give an 'amiVersion' that is for both",
    );
    expect(() => amis(InferenceAmiVersion.AL2023_GPU_4_1)).not.toThrow();
  });

  test('take the times at their edges', () => {
    expect(() => build({ provisionTimeout: Duration.seconds(300) })).not.toThrow();
    expect(() => build({ provisionTimeout: Duration.hours(1) })).not.toThrow();
  });
});

describe('a capacity reservation', () => {
  test('is what all instances are taken from, and no others', async () => {
    const { template } = build({ capacityReservationArn: PLAN });
    expect(variant(template).CapacityReservationConfig).toEqual({
      CapacityReservationPreference: 'capacity-reservations-only',
      MlReservationArn: PLAN,
    });
    expect(await gated(template)).toEqual([]);
    expect(variant(shared({ capacityReservationArn: PLAN }).template).CapacityReservationConfig.MlReservationArn).toBe(PLAN);
  });

  test.each<[string, Partial<InferenceEndpointProps>, string]>([
    [
      'another kind of ARN',
      { capacityReservationArn: 'arn:aws:ec2:us-east-1:111122223333:capacity-reservation/cr-1' },
      "'capacityReservationArn' must be the ARN of an ML capacity reservation",
    ],
    [
      'another Region',
      { capacityReservationArn: PLAN.replace('us-east-1', 'us-west-2') },
      "'capacityReservationArn' is in us-west-2 but the endpoint in us-east-1",
    ],
    [
      'other types',
      { capacityReservationArn: PLAN, fallbackInstances: [ML_M5_XLARGE] },
      "'fallbackInstances' cannot be had from 'capacityReservationArn'",
    ],
  ])('fails with %s', (_, props, message) => {
    expect(() => build(props)).toThrow(message);
  });
});

describe('routing', () => {
  test('is by work unless told otherwise', () => {
    const byWork = { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' };
    expect(variant(build({}).template).RoutingConfig).toEqual(byWork);
    expect(variant(shared().template).RoutingConfig).toEqual(byWork);
    expect(variant(build({ routing: RoutingStrategy.RANDOM }).template).RoutingConfig).toEqual({ RoutingStrategy: 'RANDOM' });
    expect(variant(shared({ routing: RoutingStrategy.RANDOM }).template).RoutingConfig).toEqual({ RoutingStrategy: 'RANDOM' });
  });

  test('sends requests that begin alike to one instance', async () => {
    const prefixAwareRouting = { prefixLength: 4096, concurrencyThreshold: 16 };
    const rendered = {
      RoutingStrategy: 'PREFIX_AWARE',
      PrefixAwareRoutingConfig: { PrefixLength: 4096, ConcurrencyThreshold: 16 },
    };
    const { template } = build({ prefixAwareRouting });
    expect(variant(template).RoutingConfig).toEqual(rendered);
    expect(variant(shared({ prefixAwareRouting }).template).RoutingConfig).toEqual(rendered);
    expect(await gated(template)).toEqual([]);
  });

  test.each([
    [1023, 1, ["'prefixAwareRouting.prefixLength' must be between 1024 and 65536, got 1023"]],
    [1024, 1, []],
    [65_536, 1024, []],
    [
      65_537,
      1025,
      [
        "'prefixAwareRouting.prefixLength' must be between 1024 and 65536, got 65537",
        "'prefixAwareRouting.concurrencyThreshold' must be between 1 and 1024, got 1025",
      ],
    ],
    [2048, 1.5, ["'prefixAwareRouting.concurrencyThreshold' must be a whole number, got 1.5"]],
    [number(2048), 1, ["'prefixAwareRouting.prefixLength' must be known at synth"]],
  ])('checks a prefix of %d and a threshold of %d', (prefixLength, concurrencyThreshold, problems) => {
    const made = () => build({ prefixAwareRouting: { prefixLength, concurrencyThreshold } });
    if (problems.length === 0) {
      expect(made).not.toThrow();
    }
    problems.forEach((problem) => expect(made).toThrow(problem));
  });

  test('is one strategy', () => {
    const prefixAwareRouting = { prefixLength: 4096, concurrencyThreshold: 16 };
    expect(() => build({ routing: RoutingStrategy.RANDOM, prefixAwareRouting })).toThrow(
      "'routing' and 'prefixAwareRouting' are two strategies",
    );
    expect(() => shared({ routing: RoutingStrategy.RANDOM, prefixAwareRouting })).toThrow('two strategies');
  });
});

describe('giving instances back that components share [row 89]', () => {
  test('waits for copies to go, or moves them together', async () => {
    const policy = (scaleIn?: InstanceScaleIn) => variant(shared({ scaleIn }).template).ManagedInstanceScaling.ScaleInPolicy;
    expect(policy()).toBeUndefined();
    expect(policy(InstanceScaleIn.whenIdle())).toEqual({ Strategy: 'IDLE_RELEASE' });
    expect(policy(InstanceScaleIn.consolidating())).toEqual({ Strategy: 'CONSOLIDATION' });
    const consolidating = InstanceScaleIn.consolidating({ cooldown: Duration.hours(1), atATime: 2 });
    expect(policy(consolidating)).toEqual({ Strategy: 'CONSOLIDATION', CooldownInMinutes: 60, MaximumStepSize: 2 });
    expect(await gated(shared({ scaleIn: consolidating }).template)).toEqual([]);
  });

  test.each([
    [{ cooldown: Duration.minutes(4) }, "'scaleIn.cooldown, in minutes,' must be between 5 and 1440, got 4"],
    [{ cooldown: Duration.minutes(1441) }, "'scaleIn.cooldown, in minutes,' must be between 5 and 1440, got 1441"],
    [{ cooldown: Duration.seconds(330) }, "'scaleIn.cooldown, in minutes,' must be a whole number, got 5.5"],
    [{ atATime: 0 }, "'scaleIn.atATime' must be between 1 and 100, got 0"],
    [{ atATime: 101 }, "'scaleIn.atATime' must be between 1 and 100, got 101"],
    [{ atATime: number(2) }, "'scaleIn.atATime' must be known at synth"],
  ])('fails with %j', (props, message) => {
    expect(() => shared({ scaleIn: InstanceScaleIn.consolidating(props) })).toThrow(message);
  });

  test('decides nothing where none ever goes', () => {
    expect(() => shared({ minInstances: 2, maxInstances: 2, scaleIn: InstanceScaleIn.whenIdle() })).toThrow(
      "'scaleIn' decides nothing for 2 instances that never go",
    );
    expect(() => shared({ scaleIn: InstanceScaleIn.consolidating({ cooldown: Duration.minutes(5), atATime: 100 }) })).not.toThrow();
  });
});
