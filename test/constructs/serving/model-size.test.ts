import { Lazy, Size, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { InferenceEndpointProps, InstanceType, ModelMemoryProps, ModelSize, WeightPrecision } from '../../../lib/constructs/serving';
import { CATALOGUED_TYPES, hostingRegions, shapeOf } from '../../../lib/constructs/serving/instance-catalogue';
import { synth } from '../../support/synth';
import { endpoint, tarball } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const token = (value: number) => Lazy.number({ produce: () => value });
const GIB = 1024 ** 3;

function build(instance: InstanceType, modelSize: ModelSize, props: Partial<InferenceEndpointProps> = {}, region = 'us-east-1'): Shape {
  const { template } = synth(
    (stack) => {
      const model = ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Weights', 'my-models'), 'chat/1/model.tar.gz', {
        image: InferenceImage.djlLmi('0.36.0-lmi28.0.0'),
      });
      return endpoint(stack, { model: instance.accelerators === 0 ? tarball(stack) : model, instance, modelSize, ...props });
    },
    { account: '111111111111', region },
  );
  return (Object.values(template.findResources('AWS::SageMaker::EndpointConfig'))[0] as Shape).Properties.ProductionVariants[0];
}

const of = (instance: InstanceType, modelSize: ModelSize, props?: Partial<InferenceEndpointProps>, region?: string) => () =>
  build(instance, modelSize, props, region);
/** An 8B model in 16 bits, whose KV cache takes 144 KiB a token (36 layers, 8 KV heads of 128, 2 bytes). */
const EIGHT_BILLION = (props: ModelMemoryProps = {}) => ModelSize.ofParameters(8.2e9, props);

describe('the size of a model against its instance [S3]', () => {
  test('fails where the weights alone are too large, with the smallest type that holds them in the same Region', () => {
    expect(of(InstanceType.ML_G4DN_XLARGE, ModelSize.ofWeights(Size.bytes(16.4 * GIB)))).toThrow(
      "'instance' ml.g4dn.xlarge has 16 GiB of GPU memory but the weights alone need 16.4 GiB: use ml.g6.xlarge (22.4 GiB) or larger, or weights of",
    );
    expect(hostingRegions('ml.g6.xlarge', 'ap-southeast-1')).not.toContain('ap-southeast-1');
    expect(of(InstanceType.ML_G4DN_XLARGE, ModelSize.ofWeights(Size.bytes(16.4 * GIB)), {}, 'ap-southeast-1')).toThrow(
      'use ml.g5.xlarge (22.4 GiB)',
    );
  });

  test('fails where weights and KV cache are too large together for what the server takes of the memory', () => {
    expect(() => build(InstanceType.ML_G6_XLARGE, EIGHT_BILLION({ kvBytesPerToken: 147_456, tokens: 32_000 }))).not.toThrow();
    expect(of(InstanceType.ML_G6_XLARGE, EIGHT_BILLION({ kvBytesPerToken: 147_456, tokens: 40_000 }))).toThrow(
      "'instance' ml.g6.xlarge has 22.4 GiB of GPU memory, of which the server takes 90 %, but weights (15.3 GiB) and KV cache of 40000 tokens need " +
        "20.8 GiB: use ml.g7.2xlarge (32 GiB) or larger, or fewer 'tokens' or weights of a lower precision",
    );
    const more = EIGHT_BILLION({ kvBytesPerToken: 147_456, tokens: 40_000, memoryShare: 0.95 });
    expect(() => build(InstanceType.ML_G6_XLARGE, more)).not.toThrow();
  });

  test('counts parameters by their precision', () => {
    const lack = (precision?: WeightPrecision) => of(InstanceType.ML_G4DN_XLARGE, ModelSize.ofParameters(14e9, { precision }));
    expect(lack()).toThrow('the weights alone need 26.1 GiB');
    expect(lack(WeightPrecision.FP32)).toThrow('the weights alone need 52.2 GiB');
    expect(lack(WeightPrecision.FP8)).not.toThrow();
    expect(lack(WeightPrecision.INT4)).not.toThrow();
  });

  test('spreads a model over all accelerators of an instance, or over those it is told', () => {
    const large = ModelSize.ofWeights(Size.gibibytes(60));
    expect(of(InstanceType.ML_G6_12XLARGE, large)).not.toThrow();
    expect(of(InstanceType.ML_G6_12XLARGE, ModelSize.ofWeights(Size.gibibytes(60), { accelerators: 2 }))).toThrow(
      'has 44.7 GiB of GPU memory but the weights alone need 60 GiB: use',
    );
    expect(of(InstanceType.ML_G6_XLARGE, ModelSize.ofWeights(Size.gibibytes(60), { accelerators: 4 }))).toThrow(
      "'instance' ml.g6.xlarge has 1 of the 4 accelerators that the model is spread over: use ml.g6.12xlarge (89.4 GiB) or larger",
    );
    expect(of(InstanceType.ML_M5_LARGE, ModelSize.ofWeights(Size.gibibytes(6), { accelerators: 1 }))).toThrow(
      'use ml.g4dn.xlarge (16 GiB)',
    );
  });

  test('looks at the memory of instances without accelerators, and stays among types that run the same image', () => {
    expect(of(InstanceType.ML_C5_LARGE, ModelSize.ofWeights(Size.gibibytes(5)))).toThrow(
      "'instance' ml.c5.large has 4 GiB of memory but the weights alone need 5 GiB: use ml.",
    );
    expect(of(InstanceType.ML_C5_LARGE, ModelSize.ofWeights(Size.gibibytes(5)))).not.toThrow(/use ml\.(t2|c\dg|m\dg|r\dg)/);
  });

  test('fails without a way out by another type where none is large enough', () => {
    expect(of(InstanceType.ML_G6_XLARGE, ModelSize.ofWeights(Size.tebibytes(9)))).toThrow(
      'no type of its kind in us-east-1 is large enough, use weights of a lower precision',
    );
  });

  test('asks nothing of types whose shape is not known', () => {
    expect(of(InstanceType.of('ml.z9.large'), ModelSize.ofWeights(Size.tebibytes(9)))).not.toThrow();
  });

  test.each([
    ['no parameter', ModelSize.ofParameters(0), "'modelSize.parameters' must be between 1 and"],
    ['parameters that are a Token', ModelSize.ofParameters(token(8e9)), "'modelSize.parameters' must be known at synth"],
    ['weights that are a Token', ModelSize.ofWeights(Size.gibibytes(token(8))), "'modelSize.weights' must be known at synth"],
    ['half a byte', EIGHT_BILLION({ kvBytesPerToken: 0.5, tokens: 1 }), "'modelSize.kvBytesPerToken' must be a whole number, got 0.5"],
    ['no token', EIGHT_BILLION({ kvBytesPerToken: 1, tokens: 0 }), "'modelSize.tokens' must be between 1 and 1000000000, got 0"],
    ['tokens that are a Token', EIGHT_BILLION({ kvBytesPerToken: 1, tokens: token(8) }), "'modelSize.tokens' must be known at synth"],
    ['half a KV cache', EIGHT_BILLION({ tokens: 100 }), "'modelSize.kvBytesPerToken' and 'modelSize.tokens' make the KV cache together"],
    ['17 accelerators', EIGHT_BILLION({ accelerators: 17 }), "'modelSize.accelerators' must be between 1 and 16, got 17"],
    ['a share of 9 %', EIGHT_BILLION({ memoryShare: 0.09 }), "'modelSize.memoryShare' must be between 0.1 and 1, got 0.09"],
    ['a share above all', EIGHT_BILLION({ memoryShare: 1.01 }), "'modelSize.memoryShare' must be between 0.1 and 1, got 1.01"],
  ])('fails on %s', (_what, modelSize, message) => {
    expect(of(InstanceType.ML_G6E_XLARGE, modelSize)).toThrow(message);
  });

  test('gives a model on a volume two and a half times its weights, 30 to 512 GiB [row 41]', () => {
    const volume = (gibibytes: number) => build(InstanceType.ML_R5_24XLARGE, ModelSize.ofWeights(Size.gibibytes(gibibytes))).VolumeSizeInGB;
    expect([1, 12, 13, 100, 300].map(volume)).toEqual([30, 30, 33, 250, 512]);
    expect(build(InstanceType.ML_G6_XLARGE, EIGHT_BILLION()).VolumeSizeInGB).toBeUndefined();
  });

  test('fails on a volume that is smaller than the weights; a Token passes [row 41]', () => {
    const weights = ModelSize.ofWeights(Size.gibibytes(40));
    expect(of(InstanceType.ML_R5_24XLARGE, weights, { volumeSize: Size.gibibytes(39) })).toThrow(
      "'volumeSize' of 39 GiB cannot hold weights of 40 GiB: leave it out for 100 GiB",
    );
    expect(build(InstanceType.ML_R5_24XLARGE, weights, { volumeSize: Size.gibibytes(40) }).VolumeSizeInGB).toBe(40);
    expect(build(InstanceType.ML_R5_24XLARGE, weights, { volumeSize: Size.gibibytes(token(20)) }).VolumeSizeInGB).toBe(20);
  });

  test('names a type that holds the model and is the smallest that does, for any model, type and Region', () => {
    const stack = (region: string) => new Stack(undefined, 'Any', { env: { account: '111111111111', region } });
    const gpus = CATALOGUED_TYPES.filter((name) => /^ml\.[gp]\d/.test(name));
    const held = (name: string) => shapeOf(name)!.accelerator!.count * shapeOf(name)!.accelerator!.memoryMib! * 1024 ** 2;
    let named = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...gpus),
        fc.constantFrom('us-east-1', 'eu-west-1', 'eu-central-1', 'sa-east-1'),
        fc.double({ min: 1, max: 2000, noNaN: true }),
        fc.integer({ min: 1, max: 2_000_000 }),
        (name, region, weightGib, tokens) => {
          const needed = weightGib * GIB + tokens * 147_456;
          const size = ModelSize.ofWeights(Size.bytes(weightGib * GIB), { kvBytesPerToken: 147_456, tokens });
          const problems = size._problems(stack(region), InstanceType.fromCatalogue(name));
          const fits = (type: string) => needed <= held(type) * 0.9;
          expect(problems.length === 0).toBe(fits(name));
          const suggested = /use (ml\.[a-z0-9.-]+) \(/.exec(problems[0] ?? '')?.[1];
          const candidates = gpus.filter((type) => fits(type) && hostingRegions(type, region)!.includes(region));
          expect(suggested === undefined).toBe(problems.length === 0 || candidates.length === 0);
          if (suggested !== undefined) {
            named++;
            expect([candidates.includes(suggested), held(suggested)]).toEqual([true, Math.min(...candidates.map(held))]);
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(named).toBeGreaterThan(50);
  });
});
