import { Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ApprovedVersion, ApprovedVersionProps, ModelArtifacts, ModelArtifactsProps, ModelRegistry } from '../../../lib/constructs/models';
import { runPrefix, versionPrefix } from '../../../lib/constructs/models/contract';
import { app, synth } from '../../support/synth';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const NAMES = { namePrefix: 'flights-dev', model: 'delay' };
const ACCOUNTS = ['111122223333', '444455556666'];
const of = (template: Template, type: string): Shape => Object.values(template.findResources(type))[0];
const grantee = (stack: Stack) => new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
const granted = (template: Template): Shape[] =>
  Object.entries<Shape>(template.findResources('AWS::IAM::Policy'))
    .filter(([id]) => id.startsWith('Grantee'))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);

describe('ApprovedVersion [R4, R5]', () => {
  const build = (props: Partial<ApprovedVersionProps> = {}) =>
    synth((stack) => {
      const approved = new ApprovedVersion(stack, 'Approved', { ...NAMES, ...props });
      approved.grantRead(grantee(stack));
      return approved;
    });

  test('is seeded with none by a function that may put this parameter and delete nothing', () => {
    const { template, nag, built } = build();
    expect(built.parameterName).toBe('/flights-dev/models/delay/approved');
    const seed = of(template, 'Custom::ApprovedVersion');
    expect(seed).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(seed.Properties).toMatchObject({ ParameterName: built.parameterName, InitialValue: 'none', DeleteWhatItCreated: 'false' });
    expect(seed.Properties.ServiceTimeout).toBe('300');
    const text = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(text).toMatch(/"ssm:PutParameter","Effect":"Allow","Resource":\{[^}]*\}[^\]]*parameter\/flights-dev\/models\/delay\/approved/);
    expect(text).not.toContain('ssm:DeleteParameter');
    expect(nag).toEqual([]);
  });

  test('may be deleted with the stack when that was said', () => {
    const { template } = build({ removalPolicy: RemovalPolicy.DESTROY });
    expect(of(template, 'Custom::ApprovedVersion')).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: { DeleteWhatItCreated: 'true' },
    });
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain('"ssm:PutParameter","ssm:DeleteParameter"');
  });

  test('is not touched when every tag changes', () => {
    const tagged = (owner: string) => {
      const stack = new Stack(app(), 'Test');
      new ApprovedVersion(stack, 'Approved', NAMES);
      ['owner', 'layer', 'workload', 'stage'].forEach((key) => Tags.of(stack).add(key, owner));
      return Template.fromStack(stack);
    };
    const [before, after] = ['team-a', 'team-b'].map(tagged);
    expect(after.toJSON()).not.toEqual(before.toJSON());
    expect(after.findResources('Custom::ApprovedVersion')).toEqual(before.findResources('Custom::ApprovedVersion'));
  });

  test('is another resource for another model', () => {
    const id = (model: string) => Object.keys(build({ model }).template.findResources('Custom::ApprovedVersion'))[0];
    expect(id('fraud')).not.toBe(id('delay'));
  });

  test('may be read by those who are let, and nothing beside it', () => {
    const [statement, ...more] = granted(build().template);
    expect(statement.Action).toEqual(['ssm:GetParameter', 'ssm:GetParameters']);
    expect(JSON.stringify(statement.Resource)).toMatch(/:parameter\/flights-dev\/models\/delay\/approved"/);
    expect(more).toEqual([]);
  });

  test.each([{ model: 'Delay' }, { model: '' }, { namePrefix: 'ssm-x' }])('fails on %j', (props) => {
    expect(() => build(props)).toThrow(/^InvalidApprovedVersion: '(model|namePrefix)' must be/);
  });
});

describe('ModelRegistry [M1, row 122, row 123]', () => {
  test('is a group with a literal name that is always kept', () => {
    const { template, built } = synth((stack) => new ModelRegistry(stack, 'Registry', NAMES));
    expect(built.groupName).toBe('flights-dev-delay');
    expect(of(template, 'AWS::SageMaker::ModelPackageGroup')).toEqual({
      Type: 'AWS::SageMaker::ModelPackageGroup',
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { ModelPackageGroupName: 'flights-dev-delay' },
    });
  });

  test('lets accounts, never their roles, read and deploy the versions and pull the images', () => {
    const { template } = synth((stack) => {
      const repositories = [new Repository(stack, 'Repository', { imageScanOnPush: true })];
      return new ModelRegistry(stack, 'Registry', { ...NAMES, trustedAccounts: [...ACCOUNTS, ACCOUNTS[0]], repositories });
    });
    const [statement] = of(template, 'AWS::SageMaker::ModelPackageGroup').Properties.ModelPackageGroupPolicy.Statement;
    const [pull] = of(template, 'AWS::ECR::Repository').Properties.RepositoryPolicyText.Statement;
    expect(statement.Action).toEqual([
      'sagemaker:DescribeModelPackageGroup',
      'sagemaker:DescribeModelPackage',
      'sagemaker:ListModelPackages',
      'sagemaker:CreateModel',
    ]);
    expect(JSON.stringify(statement.Resource)).toMatch(/model-package-group\/flights-dev-delay".*model-package\/flights-dev-delay\/\*"/);
    for (const { Principal } of [statement, pull]) {
      expect(Principal.AWS).toHaveLength(2);
      ACCOUNTS.forEach((account) => expect(JSON.stringify(Principal.AWS)).toContain(`:iam::${account}:root`));
    }
    expect(pull.Action).toEqual(['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']);
  });

  test.each([
    ['a created', (stack: Stack) => new ModelRegistry(stack, 'Registry', NAMES)],
    ['an imported', (stack: Stack) => ModelRegistry.fromGroupName(stack, 'Registry', 'flights-dev-delay')],
  ])('grants registering and reading in %s group only', (_what, make) => {
    const { template, nag } = synth((stack) => {
      const registry = make(stack);
      const role = grantee(stack);
      registry.grantRegister(role);
      registry.grantRead(role);
    });
    const statements = granted(template);
    expect(statements.map(({ Action }) => Action)).toEqual([
      'sagemaker:AddTags',
      'sagemaker:CreateModelPackage',
      ['sagemaker:DescribeModelPackageGroup', 'sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages'],
    ]);
    for (const { Resource } of statements) {
      expect(Resource).toHaveLength(2);
      expect(JSON.stringify(Resource)).toMatch(/model-package-group\/flights-dev-delay".*model-package\/flights-dev-delay\/\*"/);
    }
    expect(statements[1].Condition).toEqual({ StringEqualsIfExists: { 'sagemaker:ModelApprovalStatus': 'PendingManualApproval' } });
    expect(nag).toEqual([]);
  });

  test.each([
    [
      'an account of 11 digits',
      { trustedAccounts: ['11112222333'] },
      "'trustedAccounts' must be account ids of 12 digits, got '11112222333'",
    ],
    ['a model with an upper-case letter', { model: 'Delay' }, "'model' must be"],
  ])('fails on %s', (_what, props, message) => {
    expect(() => synth((stack) => new ModelRegistry(stack, 'Registry', { ...NAMES, ...props }))).toThrow(message);
  });

  test('fails on a repository whose policy is not ours, and on a name that is none', () => {
    const build = () =>
      synth((stack) => {
        const repositories = [Repository.fromRepositoryName(stack, 'Theirs', 'theirs')];
        return new ModelRegistry(stack, 'Registry', { ...NAMES, trustedAccounts: ACCOUNTS, repositories });
      });
    expect(build).toThrow("'repositories' holds the imported Theirs");
    expect(() => synth((stack) => ModelRegistry.fromGroupName(stack, 'R', '-x'))).toThrow("'groupName' must be 1 to 63");
  });
});

describe('ModelArtifacts [M1, row 83, row 123]', () => {
  const build = (props: Partial<ModelArtifactsProps> = {}, use: (artifacts: ModelArtifacts, stack: Stack) => void = () => undefined) =>
    synth((stack) => {
      const artifacts = new ModelArtifacts(stack, 'Artifacts', { namePrefix: 'flights-dev', ...props });
      use(artifacts, stack);
      return artifacts;
    });
  /** Actions of each statement, and the objects or the key. */
  const shown = (template: Template) =>
    granted(template).map(({ Action, Resource }) => [
      [Action].flat().join(' '),
      /"(\/[a-z]+\/delay\/\*)"/.exec(JSON.stringify(Resource))?.[1] ?? (/ArtifactsKey/.test(JSON.stringify(Resource)) ? 'key' : Resource),
    ]);
  const lifecycle = (template: Template): Shape[] => of(template, 'AWS::S3::Bucket').Properties.LifecycleConfiguration.Rules;

  test('is a versioned bucket with a literal name and a key of its own that rotates, both kept', () => {
    const { template, nag } = build();
    const bucket = of(template, 'AWS::S3::Bucket');
    expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(bucket.Properties.BucketName).toEqual({
      'Fn::Join': ['', ['flights-dev-models-', { Ref: 'AWS::AccountId' }, '-', { Ref: 'AWS::Region' }]],
    });
    expect(bucket.Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(JSON.stringify(bucket.Properties.BucketEncryption)).toContain('aws:kms');
    expect(of(template, 'AWS::KMS::Key')).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
    expect(JSON.stringify(of(template, 'AWS::S3::BucketPolicy'))).toContain('aws:SecureTransport');
    expect(nag).toEqual([]);
  });

  test('keeps its name within 63 characters for the longest prefix', () => {
    const env = { account: '111122223333', region: 'us-isof-south-1' };
    const { template } = synth((stack) => new ModelArtifacts(stack, 'A', { namePrefix: 'a'.repeat(39) }), env);
    expect(of(template, 'AWS::S3::Bucket').Properties.BucketName).toMatch(/^a+-[0-9a-f]{8}-models-111122223333-us-isof-south-1$/);
    expect(of(template, 'AWS::S3::Bucket').Properties.BucketName).toHaveLength(63);
  });

  test.each([
    [undefined, 90],
    [Duration.days(10), 10],
  ])('expires what runs leave, never what a version names [row 83]', (runRetention, days) => {
    const expiring = lifecycle(build({ runRetention }).template).filter((rule) => Object.keys(rule).some((key) => /Expiration/.test(key)));
    const rule = {
      Id: 'runs',
      Prefix: 'runs/',
      ExpirationInDays: days,
      NoncurrentVersionExpiration: { NoncurrentDays: days },
      Status: 'Enabled',
    };
    expect(expiring).toEqual([rule]);
    expect([runPrefix('delay'), versionPrefix('delay'), versionPrefix('runs')].map((prefix) => prefix.startsWith(rule.Prefix))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('has two rules however many models there are', () => {
    const { template } = build({}, (artifacts, stack) => {
      const role = Role.fromRoleArn(stack, 'Theirs', 'arn:aws:iam::111122223333:role/x', { mutable: false });
      Array.from({ length: 600 }, (_, i) => artifacts.grantReadWriteRuns(`m${i}`, role));
    });
    expect(lifecycle(template).map(({ Id }) => Id)).toEqual(['unfinished-uploads', 'runs']);
  });

  test('grants one model to one principal, with the key', () => {
    const { template, nag } = build({}, (artifacts, stack) => {
      const role = grantee(stack);
      artifacts.grantRead('delay', role);
      artifacts.grantReadWriteRuns('delay', role);
    });
    expect(shown(template)).toEqual([
      ['s3:GetObject s3:GetObjectVersion', '/versions/delay/*'],
      ['kms:Decrypt', 'key'],
      ['s3:GetObject s3:GetObjectVersion s3:PutObject s3:AbortMultipartUpload', '/runs/delay/*'],
      ['kms:GenerateDataKey kms:Decrypt', 'key'],
    ]);
    expect(nag).toEqual([]);
  });

  test('lets who registers copy from the runs of a model to its versions', () => {
    const { template, nag } = build({}, (artifacts, stack) => artifacts.grantRegister('delay', grantee(stack)));
    expect(shown(template)).toEqual([
      ['s3:GetObject', '/runs/delay/*'],
      ['s3:PutObject', '/versions/delay/*'],
      ['kms:GenerateDataKey kms:Decrypt', 'key'],
    ]);
    expect(nag).toEqual([]);
  });

  test('lets trusted accounts read through the policies of bucket and key', () => {
    const { template } = build({ trustedAccounts: ACCOUNTS });
    const named = (type: string, document: string): Shape =>
      of(template, type).Properties[document].Statement.find(({ Sid }: Shape) => Sid === 'TrustedAccounts');
    const [objects, key] = [named('AWS::S3::BucketPolicy', 'PolicyDocument'), named('AWS::KMS::Key', 'KeyPolicy')];
    expect([objects.Action, key.Action]).toEqual([['s3:GetObject', 's3:GetObjectVersion'], 'kms:Decrypt']);
    expect(JSON.stringify(objects.Resource)).toMatch(/"\/versions\/\*"/);
    for (const { Principal } of [objects, key]) {
      ACCOUNTS.forEach((account) => expect(JSON.stringify(Principal.AWS)).toContain(`:iam::${account}:root`));
    }
    expect(JSON.stringify(key.Condition)).toContain('kms:ViaService');
  });

  test('logs to the bucket that was given', () => {
    const { template, nag } = synth((stack) => {
      const accessLogs = Bucket.fromBucketName(stack, 'Logs', 'my-logs');
      return new ModelArtifacts(stack, 'Artifacts', { namePrefix: 'flights-dev', accessLogs });
    });
    expect(of(template, 'AWS::S3::Bucket').Properties.LoggingConfiguration).toEqual({
      DestinationBucketName: 'my-logs',
      LogFilePrefix: 'models/',
    });
    expect(nag).toEqual([]);
  });

  test('goes with what it holds only by both switches', () => {
    const { template } = build({ removalPolicy: RemovalPolicy.DESTROY, deleteObjects: true });
    expect(of(template, 'AWS::S3::Bucket').DeletionPolicy).toBe('Delete');
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
    expect(() => build({ removalPolicy: RemovalPolicy.DESTROY })).toThrow("set 'deleteObjects: true' as well");
    expect(() => build({ deleteObjects: true })).toThrow("'deleteObjects' deletes nothing while the buckets are kept");
  });

  test.each([
    [{ runRetention: Duration.hours(12) }, "'runRetention (days)' must be between 1 and 3650, got 0.5"],
    [{ runRetention: Duration.days(3651) }, "'runRetention (days)' must be between 1 and 3650, got 3651"],
    [{ trustedAccounts: ['x'] }, "'trustedAccounts' must be account ids of 12 digits, got 'x'"],
    [{ namePrefix: 'A' }, "'namePrefix' must be 1 to 39"],
  ])('fails on %j', (props, message) => {
    expect(() => build(props)).toThrow(message);
  });

  test('fails on a model that is no name', () => {
    expect(() => build({}, (artifacts, stack) => artifacts.grantRead('../x', grantee(stack)))).toThrow("'model' must be");
  });
});
