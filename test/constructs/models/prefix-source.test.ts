import { Aws, CfnParameter, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { InstanceType } from '../../../lib/constructs/serving';
import { synth } from '../../support/synth';
import { Shape } from '../serving/component-fixtures';
import { endpoint, image } from '../serving/fixtures';

const bucket = (stack: Stack) => Bucket.fromBucketName(stack, 'Models', 'my-models');
const withPrefix = (prefix: string, env?: { account: string; region: string }) =>
  synth((stack) => endpoint(stack, { model: ModelSource.fromPrefix(bucket(stack), prefix, { image }) }), env);
const containerOf = (template: Template): Shape =>
  Object.values(template.findResources('AWS::SageMaker::Model'))[0].Properties.PrimaryContainer;
const statements = (template: Template): Shape[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy) => policy.Properties.PolicyDocument.Statement);

describe('ModelSource.fromPrefix [M2, M3]', () => {
  test('gives one container the prefix as it is, and no archive beside it [row 24, row 25]', () => {
    const { template } = withPrefix('qwen3-8b/1/');
    const { ModelDataSource, ModelDataUrl } = containerOf(template);
    expect(ModelDataUrl).toBeUndefined();
    expect(ModelDataSource).toEqual({
      S3DataSource: { S3Uri: 's3://my-models/qwen3-8b/1/', S3DataType: 'S3Prefix', CompressionType: 'None' },
    });
  });

  test('lets the role list and read what lies below the prefix, with the key of the bucket, and nothing else [row 44]', () => {
    const { template, nag } = synth((stack) => {
      const mine = new Bucket(stack, 'Mine', { encryptionKey: new Key(stack, 'Key'), enforceSSL: true, serverAccessLogsPrefix: 'log' });
      return endpoint(stack, { model: ModelSource.fromPrefix(mine, 'qwen3-8b/1/', { image }) });
    });
    const arn = { 'Fn::GetAtt': [expect.stringMatching(/^Mine/), 'Arn'] };
    expect(statements(template).filter(({ Action }) => /s3:|kms:/.test(JSON.stringify(Action)))).toEqual([
      { Effect: 'Allow', Action: 's3:GetObject', Resource: { 'Fn::Join': ['', [arn, '/qwen3-8b/1/*']] } },
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn, Condition: { StringLike: { 's3:prefix': 'qwen3-8b/1/*' } } },
      { Effect: 'Allow', Action: 'kms:Decrypt', Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] } },
    ]);
    expect(nag.filter((rule) => rule.includes('IAM'))).toEqual([]);
  });

  test.each([
    ['qwen3-8b/1', "'model' prefix must end with '/', got 'qwen3-8b/1'"],
    ['', "'model' prefix must end with '/', got ''"],
    ['/', "'model' prefix must name one folder"],
    ['/qwen/', "'model' prefix must name one folder"],
    ['qwen//1/', "'model' prefix must name one folder"],
    ['qwen/../1/', "'model' prefix must name one folder"],
    ['qwen/*/', "'model' prefix must name one folder"],
    ['qwen?/', "'model' prefix must name one folder"],
    [`${'p'.repeat(1009)}/`, "'model' must lie below a key of at most 1009 characters in this bucket, got 1010"],
  ])("fails on the prefix '%s' [row 26]", (prefix, message) => {
    expect(() => withPrefix(prefix)).toThrow(message);
  });

  test('takes a short prefix, and one that is a Token', () => {
    expect(() => withPrefix('a/')).not.toThrow();
    const { template } = synth((stack) =>
      endpoint(stack, { model: ModelSource.fromPrefix(bucket(stack), new CfnParameter(stack, 'Prefix').valueAsString, { image }) }),
    );
    expect(containerOf(template).ModelDataSource.S3DataSource.S3Uri).toEqual({ 'Fn::Join': ['', ['s3://my-models/', { Ref: 'Prefix' }]] });
  });

  test('fails on a bucket in another Region, when both are known [row 30]', () => {
    const build = (region: string) => () =>
      synth(
        (stack) => {
          const far = Bucket.fromBucketAttributes(stack, 'Far', { bucketName: 'far', region });
          return endpoint(stack, { model: ModelSource.fromPrefix(far, 'a/', { image }) });
        },
        { account: '111111111111', region: 'eu-central-1' },
      );
    expect(build('us-east-1')).toThrow("'model' is in a bucket in us-east-1 but the endpoint in eu-central-1");
    expect(build('eu-central-1')).not.toThrow();
    expect(build(Aws.REGION)).not.toThrow();
  });

  test('says why serverless endpoints and batch transform do not take it, which take an archive [row 27]', () => {
    const models = bucket(new Stack());
    const prefix = ModelSource.fromPrefix(models, 'a/', { image });
    const tarball = ModelSource.fromTarball(models, 'a.tar.gz', { image });
    for (const [mode, name] of [
      ['serverless', 'serverless endpoints'],
      ['batch', 'batch transform'],
    ] as const) {
      expect(prefix._exclusionProblems(mode)).toEqual([
        `'model' lies uncompressed in Amazon S3, which ${name} ${mode === 'batch' ? 'does' : 'do'} not take: pack it and use ModelSource.fromTarball()`,
      ]);
      expect(tarball._exclusionProblems(mode)).toEqual([]);
    }
    expect(prefix._exclusionProblems('component')).toEqual([]);
  });

  test('needs no network, and TGI is told where the files are', () => {
    const { built, template } = synth((stack) => {
      const model = ModelSource.fromPrefix(bucket(stack), 'a/', { image: InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6') });
      endpoint(stack, { model, instance: InstanceType.ML_G5_XLARGE });
      return model;
    });
    expect(built.needsNetwork).toBe(false);
    template.hasResourceProperties('AWS::SageMaker::Model', {
      EnableNetworkIsolation: true,
      PrimaryContainer: { Environment: { HF_MODEL_ID: '/opt/ml/model' } },
    });
  });

  test('replaces the model of an archive instead of deleting it, because both have one logical id', () => {
    const ids = [withPrefix('a/'), synth((stack) => endpoint(stack))].map(({ template }) =>
      Object.keys(template.findResources('AWS::SageMaker::Model')),
    );
    expect(ids[0]).toEqual(ids[1]);
  });
});
