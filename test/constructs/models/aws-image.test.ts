import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import { ImageAccelerator, InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { IMAGE_FAMILIES, ImageFamily } from '../../../lib/constructs/models/image-families';
import { InstanceType } from '../../../lib/constructs/serving';
import { app, synth } from '../../support/synth';
import { endpoint, folder } from '../serving/fixtures';
import { ALGORITHM_ACCOUNTS, DLC_ACCOUNTS } from './aws-accounts';

const { CPU, GPU } = ImageAccelerator;
type Factory = (version: string, accelerator?: ImageAccelerator) => InferenceImage;
const FACTORIES: Record<string, Factory> = {
  'scikit-learn': (version) => InferenceImage.scikitLearn(version),
  XGBoost: (version) => InferenceImage.xgboost(version),
  PyTorch: (version, accelerator) => InferenceImage.pytorch(version, accelerator),
  TensorFlow: (version, accelerator) => InferenceImage.tensorflow(version, accelerator),
  'DJL LMI': (version) => InferenceImage.djlLmi(version),
  'Hugging Face PyTorch': (version, accelerator) => InferenceImage.huggingFacePytorch(version, accelerator),
  'Hugging Face TGI': (version) => InferenceImage.huggingFaceTgi(version),
  'Hugging Face vLLM': (version) => InferenceImage.huggingFaceVllm(version),
};
const ALL = IMAGE_FAMILIES.map((family) => [family.name, family] as const);
/** Stands for the token, which CloudFormation fills in by partition. */
const suffixOf = (region: string) => (region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com');
const newest = ({ data }: ImageFamily) => Object.keys(data.versions).at(-1)!;
/** Regions of the partitions that the page is about: it has neither GovCloud nor the isolated and sovereign ones. */
const PUBLIC = /^(?!us-gov|us-iso|eu-iso|eusc)/;

/** What is wrong in this Region, or the address with the suffix that CloudFormation puts in. */
function addressOf(image: InferenceImage, region: string): string[] | string {
  const stack = new Stack(app(), 'S', { env: { account: '111111111111', region } });
  const problems = image._problems(stack);
  if (problems.length > 0) {
    return problems;
  }
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
  const parts: unknown[] = stack.resolve(image._bind(stack, role))['Fn::Join'][1];
  return parts.map((part) => (typeof part === 'string' ? part : suffixOf(region))).join('');
}

const served = (stack: Stack, image: InferenceImage) =>
  ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'my-models'), 'm.tar.gz', { image });
const withImage = (image: InferenceImage, instance: InstanceType, props = {}) =>
  synth((stack) => endpoint(stack, { model: served(stack, image), instance, ...props }), {
    account: '111111111111',
    region: 'eu-central-1',
  });

describe('images of AWS [M2, row 31]', () => {
  test('are made by one factory for each family of the data', () => {
    expect(Object.keys(FACTORIES)).toEqual(IMAGE_FAMILIES.map(({ name }) => name));
  });

  test.each(ALL)('%s has in every Region the account that AWS lists for readers', (name, family) => {
    const listed = name === 'scikit-learn' || name === 'XGBoost' ? ALGORITHM_ACCOUNTS : DLC_ACCOUNTS;
    const known = Object.keys(family.data.accounts).filter((region) => PUBLIC.test(region));
    const shared = known.filter((region) => region in listed);
    const addresses = shared.map((region) => addressOf(FACTORIES[name](newest(family)), region));
    expect(addresses).toEqual(
      shared.map((region) =>
        expect.stringMatching(`^${listed[region]}\\.dkr\\.ecr\\.${region}\\.${suffixOf(region)}/${family.data.repository}:`),
      ),
    );
    expect(shared.length).toBeGreaterThanOrEqual(29);
    // The page leaves out these two for the algorithms; everything else that the data has is on it.
    expect(known.filter((region) => !(region in listed))).toEqual(listed === ALGORITHM_ACCOUNTS ? ['me-central-1', 'me-south-1'] : []);
  });

  /**
   * Sources, by number: 1 https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/ecr-us-east-1.html (before it was retired),
   * 2 https://aws.github.io/deep-learning-containers/reference/available_images/ with its account and Region of the examples,
   * 3 https://github.com/aws/deep-learning-containers/issues/4711 and 4 .../releases/tag/v1.1-hf-tgi-3.3.6-pt-2.7.0-inf-gpu-py311 for the tag
   * and the page of accounts for the rest, 5 `prod_image` in `.github/config/image` of that repository, likewise.
   */
  test.each([
    [1, InferenceImage.scikitLearn('1.2-1'), '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3'],
    [
      5,
      InferenceImage.scikitLearn('1.4-2-py312'),
      '141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3',
    ],
    [5, InferenceImage.scikitLearn('1.9-0'), '492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3'],
    [1, InferenceImage.xgboost('1.7-1'), '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1'],
    [1, InferenceImage.xgboostAlgorithm('1.5-1'), '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.5-1'],
    [2, InferenceImage.xgboost('3.2-0'), '246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:3.2-0'],
    [
      2,
      InferenceImage.pytorch('2.6.0'),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker',
    ],
    [
      2,
      InferenceImage.pytorch('2.6.0', GPU),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker',
    ],
    [
      2,
      InferenceImage.pytorch('2.6.0', CPU),
      '727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker',
    ],
    [
      2,
      InferenceImage.tensorflow('2.19.0'),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/tensorflow-inference:2.19.0-cpu-py312-ubuntu22.04-sagemaker',
    ],
    [
      2,
      InferenceImage.tensorflow('2.19.0', GPU),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/tensorflow-inference:2.19.0-gpu-py312-cu122-ubuntu22.04-sagemaker',
    ],
    [
      2,
      InferenceImage.tensorflow('2.19.0'),
      '692866216735.dkr.ecr.eu-south-1.amazonaws.com/tensorflow-inference:2.19.0-cpu-py312-ubuntu22.04-sagemaker',
    ],
    [2, InferenceImage.djlLmi('0.33.0-lmi15.0.0'), '763104351884.dkr.ecr.us-west-2.amazonaws.com/djl-inference:0.33.0-lmi15.0.0-cu128'],
    [2, InferenceImage.djlLmi('0.36.0-lmi21.0.0'), '763104351884.dkr.ecr.us-west-2.amazonaws.com/djl-inference:0.36.0-lmi21.0.0-cu129'],
    [2, InferenceImage.djlLmi('0.36.0-lmi28.0.0'), '626614931356.dkr.ecr.af-south-1.amazonaws.com/djl-inference:0.36.0-lmi28.0.0-cu130'],
    [
      3,
      InferenceImage.huggingFacePytorch('2.6.0-transformers4.49.0', GPU),
      '763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0-transformers4.49.0-gpu-py312-cu124-ubuntu22.04',
    ],
    [
      3,
      InferenceImage.huggingFacePytorch('2.6.0-transformers4.49.0'),
      '763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.6.0-transformers4.49.0-cpu-py312-ubuntu22.04',
    ],
    [
      2,
      InferenceImage.huggingFacePytorch('2.6.0-transformers5.5.3', GPU),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-pytorch-inference:2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04',
    ],
    [
      3,
      InferenceImage.huggingFaceTgi('2.6.0-tgi3.1.1'),
      '763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-tgi-inference:2.6.0-tgi3.1.1-gpu-py311-cu124-ubuntu22.04',
    ],
    [
      3,
      InferenceImage.huggingFaceTgi('2.6.0-tgi3.2.3'),
      '380420809688.dkr.ecr.eu-central-2.amazonaws.com/huggingface-pytorch-tgi-inference:2.6.0-tgi3.2.3-gpu-py311-cu124-ubuntu22.04',
    ],
    [
      4,
      InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6'),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04',
    ],
    [
      2,
      InferenceImage.huggingFaceVllm('0.14.0-transformers4.57.3'),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-vllm:0.14.0-transformers4.57.3-gpu-py312-cu129-ubuntu22.04',
    ],
    [
      2,
      InferenceImage.huggingFaceVllm('0.21.0-transformers5.8.1'),
      '763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-vllm:0.21.0-transformers5.8.1-gpu-py312-cu130-ubuntu22.04',
    ],
    [
      2,
      InferenceImage.huggingFaceVllm('0.25.1-transformers5.10.2'),
      '975050140332.dkr.ecr.ap-east-2.amazonaws.com/huggingface-vllm:0.25.1-transformers5.10.2-gpu-py312-cu130-ubuntu22.04',
    ],
  ])('have the address that source %d gives', (_source, image, address) => {
    expect(addressOf(image, /\.ecr\.([a-z0-9-]+)\./.exec(address)![1])).toBe(address);
  });

  test('are either refused or have an address of the right form, with a CUDA version exactly on GPUs', () => {
    const regions = [...new Set(IMAGE_FAMILIES.flatMap(({ data }) => Object.keys(data.accounts))), 'eu-north-9'];
    const versions = [...IMAGE_FAMILIES.flatMap(({ data }) => Object.keys(data.versions)), 'latest', '', 'constructor'];
    fc.assert(
      fc.property(
        fc.constantFrom(...IMAGE_FAMILIES),
        fc.constantFrom(...versions),
        fc.constantFrom(...regions),
        fc.constantFrom(undefined, CPU, GPU, 'tpu' as never),
        (family, version, region, accelerator) => {
          const image = FACTORIES[family.name](version, accelerator);
          const address = addressOf(image, region);
          const { accounts, versions: known, repository } = family.data;
          const takesAny = /PyTorch|TensorFlow/.test(family.name);
          const kind = takesAny ? (accelerator ?? CPU) : Object.hasOwn(known, version) && known[version].gpu ? GPU : CPU;
          const expected = Object.hasOwn(known, version) && Object.hasOwn(accounts, region) && known[version][kind] !== undefined;
          expect(typeof address === 'string').toBe(expected);
          if (expected) {
            expect(address).toBe(`${accounts[region]}.dkr.ecr.${region}.${suffixOf(region)}/${repository}:${known[version][kind]!.tag}`);
            expect(address).toMatch(/^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z-]+:[0-9][A-Za-z0-9.-]+$/);
            expect([image.accelerator, image.cudaVersion]).toEqual([
              kind,
              kind === GPU ? expect.stringMatching(/^1[123]\.\d$/) : undefined,
            ]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['2.6', InferenceImage.pytorch('2.6'), "'image' PyTorch '2.6' is not one of 2.6.0: did you mean '2.6.0'?"],
    ['half of a version', InferenceImage.djlLmi('0.33.0'), "did you mean '0.33.0-lmi15.0.0'?"],
    ['nothing near', InferenceImage.xgboost('latest'), "'image' XGBoost 'latest' is not one of 1.3-1, 1.5-1, 1.7-1, 3.0-5, 3.2-0"],
    ['a property of objects', InferenceImage.xgboost('toString'), "'image' XGBoost 'toString' is not one of"],
  ])('fail on %s', (_what, image, message) => {
    expect(addressOf(image, 'eu-central-1')).toEqual([expect.stringContaining(message)]);
  });

  test('fail on a Region without registry, in an endpoint as in the address of the repository', () => {
    const stack = new Stack(app(), 'S', { env: { account: '111111111111', region: 'mx-central-1' } });
    expect(() => InferenceImage.xgboost('1.7-1').repositoryUri(stack)).toThrow(
      "InvalidInferenceImage: 'image' has no XGBoost registry known for mx-central-1: copy the image to a repository of yours",
    );
    expect(stack.resolve(InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6').repositoryUri(stack))['Fn::Join'][1]).toEqual([
      '637423239942.dkr.ecr.mx-central-1.',
      { Ref: 'AWS::URLSuffix' },
      '/huggingface-pytorch-tgi-inference',
    ]);
  });

  test.each(ALL)('%s needs one mapping in a stack whose Region is open, however often it is used', (name, family) => {
    const stack = new Stack(app(), 'S');
    const image = FACTORIES[name](newest(family));
    const instance = image.accelerator === GPU ? InstanceType.ML_G5_XLARGE : InstanceType.ML_M5_LARGE;
    const model = served(stack, image);
    endpoint(stack, { model, instance });
    const uri = stack.resolve(image.repositoryUri(stack))['Fn::Join'][1];
    const template = Template.fromStack(stack);
    const mappings = Object.entries(template.findMappings('*'));
    const accounts = Object.entries(family.data.accounts).map(([region, account]) => [region, { account }]);
    expect(mappings).toEqual([[expect.stringMatching(/Registry/), Object.fromEntries(accounts)]]);
    expect(uri[0]).toEqual({ 'Fn::FindInMap': [mappings[0][0], { Ref: 'AWS::Region' }, 'account'] });
    const [container] = Object.values(template.findResources('AWS::SageMaker::Model')).map((it) => it.Properties.PrimaryContainer);
    expect(container.Image['Fn::Join'][1][0]).toEqual(uri[0]);
  });

  test.each(ALL)('lets the role of %s pull that repository of that account only, and is nag-clean', (name, family) => {
    const image = FACTORIES[name](newest(family));
    const { template, nag } = withImage(image, image.accelerator === GPU ? InstanceType.ML_G5_XLARGE : InstanceType.ML_M5_LARGE);
    const pulls = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
      .filter((statement) => JSON.stringify(statement.Action).includes('ecr:BatchGetImage'));
    expect(pulls.map(({ Resource }) => Resource)).toEqual([
      `arn:aws:ecr:eu-central-1:${family.data.accounts['eu-central-1']}:repository/${family.data.repository}`,
    ]);
    expect(nag).toEqual([]);
  });
});

describe('images and what they run on [M8, row 32]', () => {
  const lmi = InferenceImage.djlLmi('0.36.0-lmi28.0.0');

  test.each([
    ['without accelerator', InstanceType.ML_M5_LARGE],
    ['with accelerators that are no GPUs', InstanceType.ML_INF2_XLARGE],
  ])('an image for GPUs fails on an instance %s', (_what, instance) => {
    expect(() => withImage(lmi, instance)).toThrow(
      `'instance' ${instance.name} has no GPU but the image djl-inference:0.36.0-lmi28.0.0-cu130 needs one`,
    );
  });

  test('an image for GPUs takes a GPU, and a type that is not catalogued', () => {
    expect(() => withImage(lmi, InstanceType.ML_G6_XLARGE)).not.toThrow();
    expect(() => withImage(lmi, InstanceType.of('ml.g99.xlarge'))).not.toThrow();
  });

  test('an image for CPUs warns of an accelerator that it leaves idle, the same for GPUs does not', () => {
    const warning = Match.stringLikeRegexp('idle|stays idle');
    const of = (accelerator?: ImageAccelerator) => withImage(InferenceImage.pytorch('2.6.0', accelerator), InstanceType.ML_G5_XLARGE).stack;
    Annotations.fromStack(of()).hasWarning('/Test/Chat', warning);
    Annotations.fromStack(of(GPU)).hasNoWarning('/Test/Chat', warning);
  });

  test('an image fails on Arm', () => {
    const arm = Object.values(InstanceType).find((type) => type instanceof InstanceType && type._shape?.arm) as InstanceType;
    expect(() => withImage(InferenceImage.pytorch('2.6.0'), arm)).toThrow('is Arm but the image pytorch-inference:2.6.0-cpu');
  });

  test('an image whose patches had ended when the data was made is warned of', () => {
    const of = (image: InferenceImage) => Annotations.fromStack(withImage(image, InstanceType.ML_M5_LARGE).stack);
    of(InferenceImage.pytorch('2.6.0')).hasWarning('/Test/Chat', Match.stringLikeRegexp('gets no security patches after 2026-06-30'));
    of(InferenceImage.xgboost('3.2-0')).hasNoWarning('/Test/Chat', Match.stringLikeRegexp('security patches'));
  });
});

describe('what an image takes from the archive', () => {
  const asset = (image: InferenceImage, files: Record<string, string>, props = {}) =>
    synth((stack) =>
      endpoint(stack, {
        model: ModelSource.fromAsset(folder(files), { image }),
        instance: image.accelerator === GPU ? InstanceType.ML_G5_XLARGE : InstanceType.ML_M5_LARGE,
        ...props,
      }),
    );
  const environmentOf = (image: InferenceImage, files: Record<string, string>) =>
    Object.values(asset(image, files).template.findResources('AWS::SageMaker::Model'))[0].Properties.PrimaryContainer.Environment;

  test('XGBoost as a framework needs the code, as the built-in algorithm it is not told of any', () => {
    expect(() => asset(InferenceImage.xgboost('1.7-1'), { 'xgboost-model': 'x' })).toThrow('has no code/inference.py, which the image');
    expect(environmentOf(InferenceImage.xgboost('1.7-1'), { 'code/inference.py': 'x' })).toEqual({
      SAGEMAKER_PROGRAM: 'inference.py',
      SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code',
    });
    expect(environmentOf(InferenceImage.xgboostAlgorithm('1.7-1'), { 'xgboost-model': 'x' })).toBeUndefined();
  });

  test('TGI is told where the archive lies, the others look there themselves', () => {
    expect(environmentOf(InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6'), { 'config.json': '{}' })).toEqual({
      HF_MODEL_ID: '/opt/ml/model',
    });
    for (const image of [InferenceImage.pytorch('2.6.0'), InferenceImage.djlLmi('0.36.0-lmi28.0.0')]) {
      expect(environmentOf(image, { 'model.pth': 'x' })).toBeUndefined();
    }
  });

  test.each([
    InferenceImage.pytorch('2.6.0'),
    InferenceImage.huggingFacePytorch('2.6.0-transformers5.5.3'),
    InferenceImage.xgboost('1.7-1'),
  ])('packages to install need a network (%#)', (image) => {
    const files = { 'code/inference.py': 'x', 'code/requirements.txt': 'x' };
    expect(() => asset(image, files)).toThrow("'model' has code/requirements.txt but 'networkIsolation' leaves no network");
    expect(() => asset(image, files, { networkIsolation: false })).not.toThrow();
  });
});
