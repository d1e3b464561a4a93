import { RemovalPolicy, SecretValue, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { HuggingFaceModelProps, InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { InferenceEndpointProps, InstanceType, ServerlessEndpoint, Slo } from '../../../lib/constructs/serving';
import { synth } from '../../support/synth';
import { component, Shape, shared } from '../serving/component-fixtures';
import { endpoint } from '../serving/fixtures';

const revision = '9c925d64d72725edaf899c6cb9c377fd0709d9c5';
const image = InferenceImage.djlLmi('0.36.0-lmi28.0.0');
const source = (props: Partial<HuggingFaceModelProps> = {}, id = 'Qwen/Qwen3-8B') =>
  ModelSource.fromHuggingFace(id, { revision, image, downloadAtStart: true, ...props });
const served = (model: ModelSource, props: Partial<InferenceEndpointProps> = {}) =>
  synth((stack) => endpoint(stack, { model, instance: InstanceType.ML_G6_2XLARGE, networkIsolation: false, ...props }));
const containerOf = (template: Template): Shape =>
  Object.values(template.findResources('AWS::SageMaker::Model'))[0].Properties.PrimaryContainer;
const STAGE = `npm run stage-model -- Qwen/Qwen3-8B --revision ${revision} --to s3://<bucket>/<prefix>/`;

describe('ModelSource.fromHuggingFace [M2, S5]', () => {
  test.each([
    ['DJL LMI', image, ['OPTION_REVISION']],
    ['Hugging Face PyTorch', InferenceImage.huggingFacePytorch('2.6.0-transformers4.51.3'), ['HF_MODEL_REVISION', 'HF_REVISION']],
    ['Hugging Face TGI', InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6'), ['HF_MODEL_REVISION']],
    ['Hugging Face vLLM', InferenceImage.huggingFaceVllm('0.25.1-transformers5.10.2'), ['SM_VLLM_REVISION', 'SM_VLLM_TOKENIZER_REVISION']],
  ])('tells %s the model and its revision by its own variables, and gives no data', (_name, of, variables) => {
    const { template } = served(source({ image: of }));
    expect(containerOf(template)).toEqual({
      Image: expect.anything(),
      Environment: { HF_MODEL_ID: 'Qwen/Qwen3-8B', ...Object.fromEntries(variables.map((name) => [name, revision])) },
    });
    template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: false });
    expect(source({ image: of }).needsNetwork).toBe(true);
  });

  test('adds to the environment that is given, and refuses to be contradicted there', () => {
    const { template } = served(source({ environment: { OPTION_MAX_MODEL_LEN: '8192' } }));
    expect(containerOf(template).Environment).toEqual({
      HF_MODEL_ID: 'Qwen/Qwen3-8B',
      OPTION_REVISION: revision,
      OPTION_MAX_MODEL_LEN: '8192',
    });
    expect(() => served(source({ environment: { OPTION_REVISION: 'main' } }))).toThrow(
      "'environment' must not set OPTION_REVISION: the source does, from its id and revision",
    );
    expect(() => served(source({ environment: { HF_MODEL_ID: 'other' } }))).toThrow("'environment' must not set HF_MODEL_ID");
  });

  test.each(['main', 'v1.0', revision.slice(1), `${revision}0`, revision.toUpperCase(), ''])(
    "fails on the revision '%s', which is no commit",
    (moving) => {
      expect(() => served(source({ revision: moving }))).toThrow(
        `'revision' must be a commit of 40 hexadecimal digits, because branches and tags move, got '${moving}'`,
      );
    },
  );

  test.each(['Qwen/Qwen3-8B/x', '-a/b', 'https://huggingface.co/Qwen/Qwen3-8B', '/opt/ml/model', 'a'.repeat(97), ''])(
    "fails on the id '%s'",
    (id) => {
      expect(() => served(source({}, id))).toThrow(`'model' must be an id of the Hugging Face hub, such as 'Qwen/Qwen3-8B', got '${id}'`);
    },
  );

  test.each(['gpt2', 'a'.repeat(96), 'sentence-transformers/all-MiniLM-L6-v2'])("takes the id '%s'", (id) => {
    expect(() => served(source({}, id))).not.toThrow();
  });

  test.each<[string, Partial<HuggingFaceModelProps>, Partial<InferenceEndpointProps>]>([
    ['is not acknowledged', { downloadAtStart: undefined }, {}],
    ['is refused by name', { downloadAtStart: false }, {}],
    ['has no network', {}, { networkIsolation: true }],
    ['has no network, which is the default', {}, { networkIsolation: undefined }],
  ])('fails when the download %s, and says how to stage the model [row 36]', (_what, props, host) => {
    expect(() => served(source(props), host)).toThrow(
      `'model' Qwen/Qwen3-8B would be downloaded from outside AWS whenever an instance starts: stage it with \`${STAGE}\` and use ` +
        "ModelSource.fromPrefix(); or, outside production, set 'downloadAtStart: true' here and 'networkIsolation: false' on the endpoint",
    );
  });

  test.each([RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    'fails in production (%s) though it is acknowledged, and says how to stage the model',
    (removalPolicy) => {
      expect(() => served(source(), { removalPolicy })).toThrow(
        `'model' Qwen/Qwen3-8B would be downloaded from outside AWS whenever an instance of a production endpoint starts: stage it with \`${STAGE}\``,
      );
      expect(() => synth((stack) => component(shared(stack, { networkIsolation: false, removalPolicy }), { model: source() }))).toThrow(
        'of a production endpoint starts',
      );
    },
  );

  test('fails in production behind a serverless endpoint too, and serves there before', () => {
    const serverless = (removalPolicy: RemovalPolicy) => () =>
      synth((stack) => {
        const model = source({ image: InferenceImage.huggingFacePytorch('2.6.0-transformers4.51.3') }, 'gpt2');
        return new ServerlessEndpoint(stack, 'Chat', { model, memory: Size.gibibytes(6), slo: Slo.availability(99), removalPolicy });
      });
    expect(serverless(RemovalPolicy.RETAIN)).toThrow('of a production endpoint starts');
    expect(serverless(RemovalPolicy.DESTROY)).not.toThrow();
  });

  test('serves as a component of an endpoint with a network, and not of one without', () => {
    expect(() => synth((stack) => component(shared(stack, { networkIsolation: false }), { model: source() }))).not.toThrow();
    expect(() => synth((stack) => component(shared(stack), { model: source() }))).toThrow(STAGE);
  });

  test('fails on an image that is not known to fetch a revision', () => {
    const own = (stack: Stack) => InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Own', 'own'), '1');
    const build = (of: (stack: Stack) => InferenceImage) => () =>
      synth((stack) => endpoint(stack, { model: source({ image: of(stack) }), networkIsolation: false }));
    expect(build(own)).toThrow("'image' own:1 is not known to fetch a revision from the Hugging Face hub: stage it with");
    expect(build(() => InferenceImage.scikitLearn('1.4-2'))).toThrow('is not known to fetch a revision');
  });

  test('fails in subnets without a way out, and takes those with one', () => {
    const build = (subnetType: SubnetType) => () =>
      synth((stack) => {
        const vpc = new Vpc(stack, 'Vpc', {
          maxAzs: 2,
          subnetConfiguration: [
            { name: 'public', subnetType: SubnetType.PUBLIC },
            { name: 'inside', subnetType },
          ],
          gatewayEndpoints: { S3: { service: { name: 's3' } as never } },
        });
        return endpoint(stack, {
          model: source(),
          instance: InstanceType.ML_G6_2XLARGE,
          networkIsolation: false,
          vpc,
          vpcSubnets: { subnetType },
        });
      });
    expect(build(SubnetType.PRIVATE_ISOLATED)).toThrow("'vpcSubnets' have no route out of the VPC, by which 'model' is downloaded");
    expect(build(SubnetType.PRIVATE_WITH_EGRESS)).not.toThrow();
  });

  test('grants nothing beyond the image, and no token can come into the template [row 29]', () => {
    const { template } = served(source());
    const statements: Shape[] = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    expect(statements.filter(({ Action }) => /s3:|kms:|secretsmanager:|ssm:/.test(JSON.stringify(Action)))).toEqual([]);
    const wrong = "'environment' value of 'HF_TOKEN' is a secret that the deployment would resolve, for anyone to read: pass its ARN";
    for (const token of [
      SecretValue.secretsManager('hub-token').unsafeUnwrap(),
      SecretValue.ssmSecure('hub-token').unsafeUnwrap(),
      '{{resolve:secretsmanager:hub-token}}',
    ]) {
      expect(() => served(source({ environment: { HF_TOKEN: token } }))).toThrow(wrong);
    }
    expect(() => served(source({ environment: { HUGGING_FACE_HUB_TOKEN: 'hf_x' } }))).toThrow('looks like a secret');
  });

  test('fails with everything that is wrong at once', () => {
    const build = () => served(source({ revision: 'main', downloadAtStart: false, environment: { 'a-b': '' } }, 'a b'));
    expect(build).toThrow(
      /'environment' key 'a-b'.*'model' must be an id.*'revision' must be.*'downloadAtStart: true'.*\[at Test\/Chat\]$/,
    );
  });
});

describe('ModelSource.fromImage [M2]', () => {
  test('gives a container without data, isolated, and grants the image alone', () => {
    const { template, nag } = synth((stack) =>
      endpoint(stack, {
        model: ModelSource.fromImage({
          image: InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Own', 'own'), '1.2.3'),
          environment: { LEVEL: 'info' },
        }),
      }),
    );
    expect(containerOf(template)).toEqual({ Image: expect.anything(), Environment: { LEVEL: 'info' } });
    template.hasResourceProperties('AWS::SageMaker::Model', { EnableNetworkIsolation: true });
    expect(nag).toEqual([]);
  });
});
