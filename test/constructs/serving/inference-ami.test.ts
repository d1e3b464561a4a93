import { ProductionVariantInferenceAmiVersion } from '@aws-sdk/client-sagemaker';
import { Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { schema } from '../../../gate/checks/schema';
import { findings } from '../../../gate/gate';
import { ImageAccelerator, InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { IMAGE_FAMILIES } from '../../../lib/constructs/models/image-families';
import { InferenceAmiVersion, InferenceEndpointProps, InstanceType } from '../../../lib/constructs/serving';
import { chooseAmi, driverProblems } from '../../../lib/constructs/serving/inference-ami';
import { AMI_NAMES, amiOf, CATALOGUED_TYPES, compareCuda, gpuAmis, gpuDefault } from '../../../lib/constructs/serving/instance-catalogue';
import { synth } from '../../support/synth';
import { subject } from '../../gate/control';
import { component, shared } from './component-fixtures';
import { endpoint } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const CUDA_11_8 = InferenceImage.huggingFacePytorch('2.1.0-transformers4.37.0', ImageAccelerator.GPU);
const CUDA_12_2 = InferenceImage.tensorflow('2.19.0', ImageAccelerator.GPU);
const CUDA_12_4 = InferenceImage.pytorch('2.6.0', ImageAccelerator.GPU);
const CUDA_12_8 = InferenceImage.djlLmi('0.33.0-lmi15.0.0');
const CUDA_13_0 = InferenceImage.djlLmi('0.36.0-lmi28.0.0');
const own = (stack: Stack) => InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Own', 'own'), 'v1');

const tarballOf = (stack: Stack, image: InferenceImage) =>
  ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'my-models'), 'models/chat/1/model.tar.gz', { image });

/** An image of a family that is not published yet. */
function futureImage(cudaVersion: string): InferenceImage {
  const image = Object.create(InferenceImage.djlLmi('0.36.0-lmi28.0.0')) as InferenceImage;
  return Object.defineProperty(image, 'cudaVersion', { value: cudaVersion });
}

function build(
  instance: InstanceType,
  image: InferenceImage | ((stack: Stack) => InferenceImage),
  props: Partial<InferenceEndpointProps> = {},
) {
  const { template, built } = synth((stack) => {
    const model = tarballOf(stack, typeof image === 'function' ? image(stack) : image);
    return endpoint(stack, { model, instance, ...props });
  });
  const config = Object.values(template.findResources('AWS::SageMaker::EndpointConfig'))[0] as Shape;
  return {
    template,
    version: config.Properties.ProductionVariants[0].InferenceAmiVersion,
    reason: config.Metadata.InferenceAmi,
    warnings: built.node.metadata
      .filter(({ type }) => type === 'aws:cdk:warning')
      .map(({ data }) => String(data))
      .filter((text) => text.includes('gpu-driver')),
  };
}

describe('the machine image of GPU instances [S3, row 33]', () => {
  test.each([
    ['ml.g5.xlarge', CUDA_11_8, 'al2-ami-sagemaker-inference-gpu-2', 'carries CUDA 11.8 of huggingface-pytorch-inference:'],
    [
      'ml.g4dn.xlarge',
      CUDA_12_2,
      'al2-ami-sagemaker-inference-gpu-2',
      'driver 535 (CUDA 12.2); not driver 470 (CUDA 11.4), the default of ml.g4dn',
    ],
    ['ml.g6.xlarge', CUDA_12_2, undefined, 'driver 535 (CUDA 12.2), the default of ml.g6, carries CUDA 12.2'],
    ['ml.g6e.xlarge', CUDA_12_4, 'al2-ami-sagemaker-inference-gpu-3-1', 'driver 550 (CUDA 12.4)'],
    ['ml.p5en.48xlarge', CUDA_12_4, undefined, 'driver 550 (CUDA 12.4), the default of ml.p5en, carries CUDA 12.4'],
    ['ml.g6.2xlarge', CUDA_12_8, 'al2023-ami-sagemaker-inference-gpu-4-1', 'carries CUDA 12.8 of djl-inference:'],
    ['ml.p4d.24xlarge', CUDA_13_0, 'al2023-ami-sagemaker-inference-gpu-4-1', 'driver 580 (CUDA 13.0)'],
    ['ml.g7e.2xlarge', CUDA_13_0, undefined, 'driver 580 (CUDA 13.0), the default of ml.g7e, carries CUDA 13.0'],
    ['ml.p6-b200.48xlarge', CUDA_12_8, undefined, 'driver 580 (CUDA 13.0), the default of ml.p6-b200, carries CUDA 12.8'],
  ])('of %s is the oldest whose driver carries what the image needs, and the template says why', (name, image, version, reason) => {
    const found = build(InstanceType.fromCatalogue(name), image);
    expect(found.version).toBe(version);
    expect(found.reason).toContain(reason);
    expect(found.warnings).toEqual([]);
  });

  test('is the oldest that fits for every GPU type and every image of AWS', () => {
    const images = IMAGE_FAMILIES.flatMap(({ data }) =>
      Object.values(data.versions).flatMap(({ gpu }) => (gpu?.cuda === undefined ? [] : [gpu.cuda])),
    );
    const types = CATALOGUED_TYPES.filter((name) => /^ml\.[gp]\d/.test(name));
    expect([images.length > 20, types.length > 40]).toEqual([true, true]);
    for (const name of types) {
      for (const cuda of new Set(images)) {
        const { version, problems } = chooseAmi(InstanceType.fromCatalogue(name), futureImage(cuda), undefined);
        const suffices = compareCuda(gpuDefault(name)!.cuda, cuda) >= 0;
        const fitting = gpuAmis(name.split('.')[1]).filter((ami) => compareCuda(ami.cuda, cuda) >= 0);
        expect([name, cuda, version, problems]).toEqual([name, cuda, suffices ? undefined : fitting[0].version, []]);
      }
    }
  });

  test('is known to the API under each name, and to the template validator', async () => {
    expect([...AMI_NAMES].sort()).toEqual(Object.values(ProductionVariantInferenceAmiVersion).sort());
    const constants = Object.values(InferenceAmiVersion).filter(
      (value): value is InferenceAmiVersion => value instanceof InferenceAmiVersion,
    );
    expect(constants.map(String)).toEqual(AMI_NAMES);
    expect(await findings([subject(build(InstanceType.ML_G6_2XLARGE, CUDA_12_8).template.toJSON())], [schema])).toEqual([]);
  });

  test('says nothing of instances without GPU', () => {
    const { template } = synth((stack) => endpoint(stack));
    expect(JSON.stringify(template.toJSON())).not.toContain('InferenceAmi');
  });

  test('is the default, with a warning, where the CUDA version of the image is not known', () => {
    const found = build(InstanceType.ML_G5_XLARGE, own);
    expect(found.version).toBeUndefined();
    expect(found.reason).toContain('the CUDA version that it must carry is not known');
    expect(found.warnings).toEqual([
      expect.stringContaining('driver 470 (CUDA 11.4), the default of ml.g5, must suffice for the image own:v1'),
    ]);
    const given = build(InstanceType.ML_G5_XLARGE, own, { amiVersion: InferenceAmiVersion.AL2023_GPU_4_1 });
    expect([given.version, given.reason, given.warnings]).toEqual([
      'al2023-ami-sagemaker-inference-gpu-4-1',
      'al2023-ami-sagemaker-inference-gpu-4-1 is given',
      [],
    ]);
  });

  test('is the newest where models come later, which an image must still suit', () => {
    const of = (name: string, amiVersion?: InferenceAmiVersion) => chooseAmi(InstanceType.fromCatalogue(name), undefined, amiVersion);
    expect(of('ml.g5.xlarge')).toMatchObject({
      version: 'al2023-ami-sagemaker-inference-gpu-4-1',
      reason: 'the newest version, because models come later: driver 580 (CUDA 13.0); not driver 470 (CUDA 11.4), the default of ml.g5',
    });
    expect(of('ml.g7e.2xlarge')).toMatchObject({ reason: 'driver 580 (CUDA 13.0), the default of ml.g7e, is the newest' });
    expect([of('ml.g7e.2xlarge').version, of('ml.m5.large').version, of('ml.m5.large').reason]).toEqual([undefined, undefined, undefined]);
    expect(driverProblems(of('ml.g5.xlarge'), CUDA_13_0)).toEqual([]);
    expect(driverProblems(of('ml.g7e.2xlarge'), CUDA_13_0)).toEqual([]);
    expect(driverProblems(of('ml.g5.xlarge', InferenceAmiVersion.AL2_GPU_3_1), CUDA_12_8)).toEqual([]);
    const endpointWith = (amiVersion: InferenceAmiVersion) => () =>
      synth((stack) => component(shared(stack, { amiVersion }), { model: tarballOf(stack, CUDA_13_0) }));
    expect(endpointWith(InferenceAmiVersion.AL2_GPU_3_1)).toThrow(
      "'amiVersion' al2-ami-sagemaker-inference-gpu-3-1 has driver 550 (CUDA 12.4) but the image djl-inference:",
    );
    endpointWith(InferenceAmiVersion.AL2023_GPU_4_1)().template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [{ InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1' }],
    });
  });

  test('fails where no machine image carries the CUDA version', () => {
    expect(() => build(InstanceType.ML_G6_XLARGE, futureImage('13.1'))).toThrow(
      "'instance' ml.g6.xlarge has at most driver 580 (CUDA 13.0) but the image djl-inference:",
    );
    const tried = build(InstanceType.ML_G6_XLARGE, futureImage('13.1'), { amiVersion: InferenceAmiVersion.AL2023_GPU_4_1 });
    expect(tried.warnings).toEqual([expect.stringContaining('NVIDIA runs it with a limited set of features')]);
  });

  test.each([
    [
      'is too old',
      InferenceAmiVersion.AL2_GPU_3_1,
      InstanceType.ML_G6_XLARGE,
      CUDA_13_0,
      'has driver 550 (CUDA 12.4) but the image djl-inference:',
    ],
    [
      'is for older families',
      InferenceAmiVersion.AL2_GPU_2,
      InstanceType.ML_P5EN_48XLARGE,
      CUDA_12_4,
      'is not for ml.p5en: give al2-ami-sagemaker-inference-gpu-3-1 or al2023-',
    ],
    [
      'is for other accelerators',
      InferenceAmiVersion.AL2_NEURON_2,
      InstanceType.ML_G5_XLARGE,
      CUDA_12_4,
      'is not for ml.g5: give al2-ami-sagemaker-inference-gpu-2 or',
    ],
    [
      'is for GPUs',
      InferenceAmiVersion.AL2_GPU_2,
      InstanceType.ML_M5_LARGE,
      InferenceImage.scikitLearn('1.4-2'),
      'is not for ml.m5: leave it out',
    ],
  ])('fails when the one that is given %s [row 34]', (_what, amiVersion, instance, image, message) => {
    expect(() => build(instance, image, { amiVersion })).toThrow(`'amiVersion' ${amiVersion} ${message}`);
  });

  test('may be given: a newer one, one that mounts no compatibility libraries, or an older one of the same CUDA with a warning [row 34, 35]', () => {
    const { AL2_GPU_2_1, AL2_GPU_3_1, AL2023_GPU_4_1 } = InferenceAmiVersion;
    expect(build(InstanceType.ML_G5_XLARGE, CUDA_11_8, { amiVersion: AL2023_GPU_4_1 })).toMatchObject({
      version: `${AL2023_GPU_4_1}`,
      warnings: [],
    });
    expect(build(InstanceType.ML_G5_XLARGE, CUDA_12_2, { amiVersion: AL2_GPU_2_1 })).toMatchObject({
      version: `${AL2_GPU_2_1}`,
      warnings: [],
    });
    expect(build(InstanceType.ML_G6_XLARGE, CUDA_12_8, { amiVersion: AL2_GPU_3_1 })).toMatchObject({
      version: `${AL2_GPU_3_1}`,
      warnings: [
        expect.stringContaining(
          'has driver 550 (CUDA 12.4) but the image djl-inference:0.33.0-lmi15.0.0-cu128 needs CUDA 12.8: NVIDIA runs it',
        ),
      ],
    });
  });

  test('may be one that nobody knows yet, unchecked', async () => {
    const amiVersion = InferenceAmiVersion.of('al2023-ami-sagemaker-inference-gpu-9-1');
    expect(amiOf(amiVersion.name)).toBeUndefined();
    expect(build(InstanceType.ML_G6_XLARGE, CUDA_13_0, { amiVersion })).toMatchObject({ version: amiVersion.name, warnings: [] });
    expect(() => InferenceAmiVersion.of('gpu-9')).toThrow("'name' must be like 'al2023-ami-sagemaker-inference-gpu-4-1', got 'gpu-9'");
  });
});
