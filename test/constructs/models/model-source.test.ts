import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Aws, CfnParameter, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { createModel } from '../../../lib/constructs/models/sagemaker-model';
import accounts from '../../../lib/constructs/models/data/scikit-learn.json';
import { app, synth } from '../../support/synth';
import { endpoint, folder, image } from '../serving/fixtures';

const PACKAGE = { 'model.json': '{}', 'code/inference.py': 'x = 1\n' };
/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const statements = (template: Template): Shape[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy) => policy.Properties.PolicyDocument.Statement);
const withModel = (make: (stack: Stack) => ModelSource, props = {}) => synth((stack) => endpoint(stack, { model: make(stack), ...props }));
const bucket = (stack: Stack) => Bucket.fromBucketName(stack, 'Models', 'my-models');

describe('ModelSource.fromTarball [M2, M3]', () => {
  test('lets the execution role read exactly that object, and use the key of its bucket [row 44]', () => {
    const { template, nag } = withModel((stack) => {
      const encrypted = new Bucket(stack, 'Mine', {
        encryptionKey: new Key(stack, 'Key'),
        enforceSSL: true,
        serverAccessLogsPrefix: 'log',
      });
      return ModelSource.fromTarball(encrypted, 'a/model.tar.gz', { image });
    });
    const reads = statements(template).filter((statement) => JSON.stringify(statement.Action).match(/s3:|kms:/));
    expect(reads).toEqual([
      {
        Action: 's3:GetObject',
        Effect: 'Allow',
        Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [expect.stringMatching(/^Mine/), 'Arn'] }, '/a/model.tar.gz']] },
      },
      { Action: 'kms:Decrypt', Effect: 'Allow', Resource: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] } },
    ]);
    expect(nag.filter((rule) => rule.includes('IAM'))).toEqual([]);
  });

  test.each([
    ['a/model.tar', "'model' key must end in '.tar.gz', got 'a/model.tar'"],
    ['a/*.tar.gz', "'model' key must name one object"],
    ['a/?.tar.gz', "'model' key must name one object"],
    ['/a/model.tar.gz', "'model' key must name one object"],
    [`${'k'.repeat(1003)}.tar.gz`, "'model' must lie below a key of at most 1009 characters in this bucket, got 1010"],
  ])('fails on the key %s [row 28]', (key, message) => {
    expect(() => withModel((stack) => ModelSource.fromTarball(bucket(stack), key, { image }))).toThrow(message);
  });

  test('takes a key that is a Token', () => {
    const { template } = withModel((stack) =>
      ModelSource.fromTarball(bucket(stack), new CfnParameter(stack, 'Artifact').valueAsString, { image }),
    );
    template.hasResourceProperties('AWS::SageMaker::Model', {
      PrimaryContainer: { ModelDataUrl: { 'Fn::Join': ['', ['s3://my-models/', { Ref: 'Artifact' }]] } },
    });
  });

  test('fails on a bucket in another Region, when both are known [row 30]', () => {
    const build = (region: string) =>
      synth(
        (stack) =>
          endpoint(stack, {
            model: ModelSource.fromTarball(Bucket.fromBucketAttributes(stack, 'Far', { bucketName: 'far', region }), 'model.tar.gz', {
              image,
            }),
          }),
        { account: '111111111111', region: 'eu-central-1' },
      );
    expect(() => build('us-east-1')).toThrow("'model' is in a bucket in us-east-1 but the endpoint in eu-central-1");
    expect(() => build('eu-central-1')).not.toThrow();
    expect(() => build(Aws.REGION)).not.toThrow();
  });
});

describe('ModelSource.fromAsset [M2]', () => {
  test('packs the folder into the assembly under a key that ends in .tar.gz, equal for equal files', () => {
    const keys = [0, 1].map(() => {
      const here = app();
      const stack = new Stack(here, 'Test');
      endpoint(stack, { model: ModelSource.fromAsset(folder(PACKAGE), { image }) });
      const { directory } = here.synth();
      const files = Object.values(JSON.parse(readFileSync(join(directory, 'Test.assets.json'), 'utf8')).files) as Shape[];
      const archive = files.find((file) => file.source.path.endsWith('.tar.gz'));
      expect(readdirSync(directory)).toContain(archive.source.path);
      return (Object.values(archive.destinations)[0] as Shape).objectKey;
    });
    expect(keys[0]).toMatch(/^[0-9a-f]{64}\.tar\.gz$/);
    expect(keys[1]).toBe(keys[0]);
  });

  test('lets the role read exactly that asset, not the asset bucket', () => {
    const { template, nag } = withModel(() => ModelSource.fromAsset(folder(PACKAGE), { image }));
    const read = statements(template).find((statement) => statement.Action === 's3:GetObject');
    expect(JSON.stringify(read.Resource)).toMatch(/cdk-hnb659fds-assets-\$\{AWS::AccountId\}-\$\{AWS::Region\}.*\/[0-9a-f]{64}\.tar\.gz"/);
    const { ModelDataUrl } = Object.values(template.findResources('AWS::SageMaker::Model'))[0].Properties.PrimaryContainer;
    expect(JSON.stringify(ModelDataUrl)).toMatch(/s3:\/\/cdk-hnb659fds-assets-.*\.tar\.gz/);
    expect(nag).toEqual([]);
  });

  test.each([
    ['a missing folder', () => '/does/not/exist', "'model' folder /does/not/exist does not exist"],
    ['a file', () => join(folder(PACKAGE), 'model.json'), 'does not exist: give the folder'],
    ['an empty folder', () => folder({}), 'holds no file'],
    [
      'no code for a script-mode image',
      () => folder({ 'model.json': '{}' }),
      'has no code/inference.py, which the image sagemaker-scikit-learn:1.4-2-cpu-py3 runs',
    ],
    [
      'packages to install without network',
      () => folder({ ...PACKAGE, 'code/requirements.txt': 'x' }),
      "'networkIsolation' leaves no network to install from",
    ],
  ])('fails on %s', (_what, path, message) => {
    expect(() => withModel(() => ModelSource.fromAsset(path(), { image }))).toThrow(message);
  });

  test('fails with everything that is wrong at once', () => {
    const build = () =>
      withModel(() => ModelSource.fromAsset('/does/not/exist', { image: InferenceImage.scikitLearn('9'), environment: { 'a-b': '' } }));
    expect(build).toThrow(/'image' scikit-learn '9'.*'environment' key 'a-b'.*'model' folder \/does\/not\/exist.*\[at Test\/Chat\]$/);
  });

  test('installs packages when the container has a network', () => {
    const source = ModelSource.fromAsset(folder({ ...PACKAGE, 'code/requirements.txt': 'x' }), { image });
    expect(() => withModel(() => source, { networkIsolation: false })).not.toThrow();
  });
});

describe('environment of a container [row 29, row 36]', () => {
  const withEnvironment = (environment: Record<string, string>, props = {}) =>
    withModel((stack) => ModelSource.fromTarball(bucket(stack), 'model.tar.gz', { image, environment }), props);

  test('adds to what the image needs', () => {
    withEnvironment({ LEVEL: '20' }).template.hasResourceProperties('AWS::SageMaker::Model', {
      PrimaryContainer: {
        Environment: { LEVEL: '20', SAGEMAKER_PROGRAM: 'inference.py', SAGEMAKER_SUBMIT_DIRECTORY: '/opt/ml/model/code' },
      },
    });
  });

  /** This many entries of one letter, beside the two that the image needs. */
  const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`A${i}`, 'x']));
  /** Entries that take this many bytes, with what the image needs. */
  const bytes = (size: number) => {
    const given = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`A${String(i).padStart(2, '0')}`, 'x'.repeat(1000)]));
    const image = 'SAGEMAKER_PROGRAMinference.pySAGEMAKER_SUBMIT_DIRECTORY/opt/ml/model/code'.length;
    return { ...given, B: 'x'.repeat(1024), C: 'x'.repeat(size - image - 31 * 1003 - 1025 - 1) };
  };

  test.each([
    ['a key with a hyphen', { 'a-b': 'x' }, "'environment' key 'a-b' must be"],
    ['a number', { A: 1 as never }, "'environment' value of 'A' must be a text, got number"],
    ['a key that starts with a digit', { '1A': 'x' }, "'environment' key '1A' must be"],
    ['a key of 1025 letters', { ['A'.repeat(1025)]: 'x' }, "' must be up to 1024 letters"],
    ['1025 bytes', { A: 'x'.repeat(1025) }, 'must have at most 1024 bytes, got 1025'],
    ['1025 bytes in fewer letters', { A: `${'ä'.repeat(512)}x` }, 'must have at most 1024 bytes, got 1025'],
    ['101 entries with those of the image', entries(99), 'at most 100 entries, got 101'],
    ['over 32 KiB with what the image needs', bytes(32_769), 'at most 32768 bytes in all, got 32769'],
    ['a secret by value', { HF_TOKEN: 'hf_abc' }, "'HF_TOKEN' looks like a secret"],
    ['a password by value', { DB_PASSWORD: 'x' }, "'DB_PASSWORD' looks like a secret"],
    ['a hub id without network', { HF_MODEL_ID: 'Qwen/Qwen3-8B' }, "HF_MODEL_ID must be /opt/ml/model, got 'Qwen/Qwen3-8B'"],
  ])('fails on %s', (_what, environment, message) => {
    expect(() => withEnvironment(environment)).toThrow(message);
  });

  test('takes what is just allowed, and Tokens', () => {
    for (const most of [
      entries(98),
      bytes(32_768),
      { ['A'.repeat(1024)]: 'x' },
      { A: 'x'.repeat(1024), HF_TOKEN: 'arn:aws:secretsmanager:x' },
    ]) {
      expect(() => withEnvironment(most)).not.toThrow();
    }
    expect(() => withEnvironment({ A: Aws.REGION, HF_MODEL_ID: '/opt/ml/model' })).not.toThrow();
    expect(() => withEnvironment({ HF_MODEL_ID: 'Qwen/Qwen3-8B' }, { networkIsolation: false })).not.toThrow();
  });
});

describe('InferenceImage.scikitLearn [M2, row 31]', () => {
  test('finds the registry by mapping where the Region is open, and names it where it is known', () => {
    withModel((stack) => ModelSource.fromTarball(bucket(stack), 'm.tar.gz', { image })).template.hasMapping('*', {
      'us-east-1': { account: '683313688378' },
      'eu-central-1': { account: '492215442770' },
    });
    const known = synth((stack) => endpoint(stack), { account: '111111111111', region: 'eu-central-1' }).template;
    expect(known.findMappings('*')).toEqual({});
    known.hasResourceProperties('AWS::SageMaker::Model', {
      PrimaryContainer: {
        Image: {
          'Fn::Join': ['', ['492215442770.dkr.ecr.eu-central-1.', { Ref: 'AWS::URLSuffix' }, '/sagemaker-scikit-learn:1.4-2-cpu-py3']],
        },
      },
    });
  });

  test('lets the role pull that repository only', () => {
    const { template } = synth((stack) => endpoint(stack), { account: '111111111111', region: 'us-west-2' });
    expect(statements(template).filter((statement) => JSON.stringify(statement.Action).includes('ecr:'))).toEqual([
      {
        Sid: 'PullImage',
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        Effect: 'Allow',
        Resource: expect.anything(),
      },
      { Sid: 'LogInToRegistries', Action: 'ecr:GetAuthorizationToken', Effect: 'Allow', Resource: '*' },
    ]);
    const pull = statements(template).find(({ Sid }) => Sid === 'PullImage');
    expect(JSON.stringify(pull.Resource)).toMatch(/:ecr:us-west-2:246618743249:repository\/sagemaker-scikit-learn"/);
  });

  test('fails on an unknown version and on a Region without registry', () => {
    const build = () =>
      synth(
        (stack) =>
          endpoint(stack, { model: ModelSource.fromTarball(bucket(stack), 'm.tar.gz', { image: InferenceImage.scikitLearn('1.4-1') }) }),
        { account: '111111111111', region: 'mx-central-1' },
      );
    expect(build).toThrow("'image' scikit-learn '1.4-1' is not one of 0.20.0, 0.23-1, 1.0-1, 1.2-1, 1.4-2, 1.4-2-py312");
    expect(build).toThrow("'image' has no scikit-learn registry known for mx-central-1");
  });

  test('knows the accounts of 37 Regions, each of 12 digits', () => {
    expect(Object.keys(accounts.accounts)).toHaveLength(37);
    expect(Object.values(accounts.accounts).every((account) => /^\d{12}$/.test(account))).toBe(true);
  });
});

describe('InferenceImage.fromEcr [M2, row 15]', () => {
  const withImage = (tag: string) =>
    withModel((stack) =>
      ModelSource.fromTarball(bucket(stack), 'm.tar.gz', {
        image: InferenceImage.fromEcr(new Repository(stack, 'Repo', { repositoryName: 'mine' }), tag),
      }),
    );

  test('lets the role pull the repository and sets no environment', () => {
    const { template, nag } = withImage('1.2.3');
    expect(statements(template).filter((statement) => JSON.stringify(statement.Action).includes('ecr:'))).toEqual([
      {
        Effect: 'Allow',
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
        Resource: { 'Fn::GetAtt': ['Repo02AC86CF', 'Arn'] },
      },
      { Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
    ]);
    template.hasResourceProperties('AWS::SageMaker::Model', { PrimaryContainer: { Environment: Match.absent() } });
    expect(nag).toEqual([]);
  });

  test('names a digest with @', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const { PrimaryContainer } = Object.values(withImage(digest).template.findResources('AWS::SageMaker::Model'))[0].Properties;
    expect(JSON.stringify(PrimaryContainer.Image)).toContain(`@${digest}`);
  });

  test.each(['latest', 'LATEST', 'main'])('fails on the mutable tag %s', (tag) => {
    expect(() => withImage(tag)).toThrow(`'image' tag ':${tag}' is mutable: use a digest or a version tag`);
  });

  test.each(['sha256:abc', '-x', 'a b', 'a'.repeat(129)])('fails on the tag %s', (tag) => {
    expect(() => withImage(tag)).toThrow("'image' must have a tag of up to 128");
  });

  test.each(['a', 'a'.repeat(128), '_1.2-x', `sha256:${'0'.repeat(64)}`])('takes the tag %s', (tag) => {
    expect(() => withImage(tag)).not.toThrow();
  });

  test('takes a tag that is a Token', () => {
    expect(() => withImage(Aws.STACK_NAME)).not.toThrow();
  });

  test('fails on a repository in another Region, when both are known [row 30]', () => {
    const of = (region: string, env?: { account: string; region: string }) => () =>
      synth((stack) => {
        const repository = Repository.fromRepositoryArn(stack, 'Repo', `arn:aws:ecr:${region}:111122223333:repository/mine`);
        const source = ModelSource.fromTarball(bucket(stack), 'm.tar.gz', { image: InferenceImage.fromEcr(repository, '1') });
        return endpoint(stack, { model: source });
      }, env);
    const here = { account: '111122223333', region: 'eu-central-1' };
    expect(of('us-east-1', here)).toThrow(
      "'image' is in us-east-1 but the endpoint in eu-central-1: SageMaker pulls only from its own Region, replicate the repository",
    );
    expect(of('eu-central-1', here)).not.toThrow();
    expect(of('us-east-1')).not.toThrow();
  });
});

describe('what CreateModel is given', () => {
  type Source = Parameters<typeof createModel>[2]['source'];
  const image = { imageUri: 'i:1', environment: { A: 'b' } };
  const s3DataSource = { s3Uri: 's3://b/p/', s3DataType: 'S3Prefix', compressionType: 'None' };
  const build = (make: (stack: Stack, role: Role, vpc: Vpc, group: SecurityGroup) => void) => {
    const stack = new Stack(app(), 'S');
    const vpc = new Vpc(stack, 'Vpc');
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
    make(stack, role, vpc, new SecurityGroup(stack, 'Group', { vpc }));
    return Object.values(Template.fromStack(stack).findResources('AWS::SageMaker::Model'))[0];
  };

  test.each<[string, Source, CfnModel.ContainerDefinitionProperty]>([
    ['an archive, through aws-sagemaker-alpha,', { ...image, artifactUrl: 's3://b/m.tar.gz' }, { modelDataUrl: 's3://b/m.tar.gz' }],
    ['a prefix', { ...image, dataSource: s3DataSource }, { modelDataSource: { s3DataSource } }],
    ['no data', image, {}],
  ])('is with %s the same as a plain CfnModel', (_what, source, data) => {
    const ours = build((stack, role, vpc, group) =>
      createModel(stack, 'M', { source, role, networkIsolation: true, vpc, securityGroups: [group] }),
    );
    const plain = build((stack, role, vpc, group) => {
      const model = new CfnModel(stack, 'M', {
        executionRoleArn: role.roleArn,
        enableNetworkIsolation: true,
        primaryContainer: { image: image.imageUri, environment: image.environment, ...data },
        vpcConfig: { subnets: vpc.selectSubnets().subnetIds, securityGroupIds: [group.securityGroupId] },
      });
      model.node.addDependency(role);
    });
    expect(ours).toEqual(plain);
  });
});
