import { CfnCondition, Fn, Stack } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ApprovedVersion, ModelArtifacts, ModelSource } from '../../../lib/constructs/models';
import { createModel } from '../../../lib/constructs/models/sagemaker-model';
import { InferenceEndpoint, InferenceEndpointProps, InstanceType, MeasuredCapacity, Scaling, Slo } from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { app, synth } from '../../support/synth';
import { board, CAPACITY, endpoint, folder, image } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const NAMES = { namePrefix: 'flights-dev', model: 'delay' };
const source = (stack: Stack, over: object = {}) =>
  ModelSource.fromRegistry({ ...NAMES, artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'my-models'), image, ...over });
const scaling = () =>
  Scaling.between(1, 4, { capacity: MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`) });
const fed = (props: Partial<InferenceEndpointProps> = {}) => synth((stack) => endpoint(stack, { model: source(stack), ...props }));

describe('an endpoint with a model of the registry [R4, R5]', () => {
  const { template, nag, built } = fed({ scaling: scaling() });
  const json = template.toJSON() as Shape;
  const [parameter] = Object.keys(json.Parameters).filter((id) => id.startsWith('Approved'));
  const of = (type: string): Shape => Object.values(template.findResources(type))[0];

  test('reads the pointer through a parameter whose id follows its path', () => {
    expect(parameter).toMatch(/^Approved[0-9a-f]{8}$/);
    expect(json.Parameters[parameter]).toMatchObject({
      Type: 'AWS::SSM::Parameter::Value<String>',
      Default: '/flights-dev/models/delay/approved',
    });
    const other = synth((stack) => endpoint(stack, { model: source(stack, { model: 'fraud' }), endpointName: undefined }));
    expect(Object.keys((other.template.toJSON() as Shape).Parameters)).not.toContain(parameter);
    expect(other.built.endpointName).toBe('flights-dev-fraud');
  });

  test('has model, configuration, endpoint and scaling only while a version is approved', () => {
    expect(json.Conditions).toEqual({ [`Is${parameter}`]: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: parameter }, 'none'] }] } });
    const conditional = Object.values<Shape>(json.Resources).filter(({ Condition }) => Condition === `Is${parameter}`);
    expect(conditional.map(({ Type }) => Type).sort()).toEqual([
      'AWS::ApplicationAutoScaling::ScalableTarget',
      'AWS::ApplicationAutoScaling::ScalingPolicy',
      'AWS::ApplicationAutoScaling::ScalingPolicy',
      'AWS::CloudWatch::Alarm',
      'AWS::CloudWatch::Alarm',
      'AWS::SageMaker::Endpoint',
      'AWS::SageMaker::EndpointConfig',
      'AWS::SageMaker::Model',
    ]);
    expect(Object.values<Shape>(json.Resources).filter(({ Condition }) => Condition !== undefined)).toHaveLength(8);
  });

  test('gives the model the approved version and nothing that CreateModel refuses beside it', () => {
    expect(of('AWS::SageMaker::Model')).toMatchObject({ UpdateReplacePolicy: 'Retain', DeletionPolicy: 'Delete' });
    expect(of('AWS::SageMaker::Model').Properties.PrimaryContainer).toEqual({ ModelPackageName: { Ref: parameter } });
    expect(of('AWS::SageMaker::Endpoint').Properties.RetainAllVariantProperties).toBe(true);
  });

  test('shares its pointer with whatever else of the stack follows it', async () => {
    const { template: both } = synth((stack) => {
      board(stack);
      endpoint(stack, { model: source(stack) });
      const artifacts = Bucket.fromBucketName(stack, 'Again', 'my-models');
      const candidate = ModelSource.fromRegistry({ ...NAMES, artifacts, image });
      return new InferenceEndpoint(stack, 'Other', {
        model: ModelSource.fromRegistry({ ...NAMES, model: 'other', artifacts, image }),
        instance: InstanceType.ML_M5_LARGE,
        slo: Slo.availability(99),
        variants: [{ name: 'candidate', weight: 1, model: candidate }],
      });
    });
    const { Parameters, Conditions } = both.toJSON() as Shape;
    const followed = Object.values<Shape>(Parameters).map(({ Default }) => Default);
    expect(followed.filter((name) => name === Parameters[parameter].Default)).toHaveLength(1);
    expect(Object.keys(Conditions)).toEqual(Object.keys(Parameters).flatMap((id) => (id.startsWith('Approved') ? [`Is${id}`] : [])));
    expect(
      Object.values<Shape>(both.findResources('AWS::SageMaker::Model')).filter(({ Condition }) => Condition === `Is${parameter}`),
    ).toHaveLength(2);
    expect(await gated(both)).toEqual([]);
  });

  test('has every alarm from the start, and names no fleet in those that watch one', () => {
    const alarms = Object.values<Shape>(template.findResources('AWS::CloudWatch::Alarm'));
    const rollback = alarms.filter(({ Properties }) => Properties.AlarmName.includes('rollback'));
    expect(rollback.map(({ Properties }) => Properties.AlarmName)).toEqual(
      of('AWS::SageMaker::Endpoint').Properties.DeploymentConfig.AutoRollbackConfiguration.Alarms.map(({ AlarmName }: Shape) => AlarmName),
    );
    const config = Object.keys(template.findResources('AWS::SageMaker::EndpointConfig'))[0];
    const live = { 'Fn::If': [`Is${parameter}`, { 'Fn::GetAtt': [config, 'EndpointConfigName'] }, 'none'] };
    for (const alarm of rollback) {
      expect(JSON.stringify(alarm)).toContain(JSON.stringify({ Name: 'EndpointConfigName', Value: live }));
    }
    const others = alarms.filter((alarm) => !rollback.includes(alarm) && alarm.Condition === undefined);
    expect(others.length).toBeGreaterThan(2);
    for (const alarm of others) {
      expect(JSON.stringify(alarm)).not.toMatch(/Fn::|Ref/);
    }
    expect(json.Outputs).toBeUndefined();
  });

  test('lets the role read what lies below the prefix of the model and pull the image', () => {
    const statements = Object.values<Shape>(template.findResources('AWS::IAM::Policy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    );
    expect(statements.filter(({ Action }) => JSON.stringify(Action).includes('s3:'))).toEqual([
      {
        Action: 's3:GetObject',
        Effect: 'Allow',
        Resource: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::my-models/versions/delay/*']] },
      },
    ]);
    expect(statements.some(({ Sid }) => Sid === 'PullImage')).toBe(true);
    expect(nag).toEqual([]);
    expect(built.endpointName).toBe('flights-dev-delay');
  });

  test('has no finding and the key of the bucket, when that is in another stack', () => {
    const here = app();
    const artifacts = new ModelArtifacts(new Stack(here, 'Delivery'), 'Artifacts', { namePrefix: 'flights-dev' });
    const stack = new Stack(here, 'Serving');
    endpoint(stack, { model: source(stack, { artifacts: artifacts.bucket }) });
    const text = JSON.stringify((here.synth().getStackByName('Serving').template as Shape).Resources);
    expect(text).toContain('kms:Decrypt');
  });

  test('fails when the pointer is seeded in the same stack, and only then', () => {
    const here = app();
    const stack = new Stack(here, 'One');
    endpoint(stack, { model: source(stack) });
    new ApprovedVersion(new Stack(here, 'Other'), 'Approved', NAMES);
    new ApprovedVersion(stack, 'Fraud', { ...NAMES, model: 'fraud' });
    expect(() => here.synth({ force: true })).not.toThrow();
    new ApprovedVersion(stack, 'Approved', NAMES);
    expect(() => here.synth({ force: true })).toThrow("'model' reads the pointer that One/Approved seeds in the same stack");
  });

  test.each([
    [{ namePrefix: 'Flights' }, "'namePrefix' must be 1 to 39 lower-case letters"],
    [{ namePrefix: 'aws-flights' }, "not beginning with 'aws' or 'ssm', got 'aws-flights'"],
    [{ model: 'a'.repeat(21) }, "'model' must be 1 to 20 lower-case letters"],
    [{ model: 'fraud' }, "'endpointName' must be 'flights-dev-fraud', got 'flights-dev-delay'"],
  ])('fails on %j', (over, message) => {
    expect(() => synth((stack) => endpoint(stack, { model: source(stack, over) }))).toThrow(message);
  });

  test('fails on artefacts in another Region, when both are known [row 30]', () => {
    const build = () =>
      synth(
        (stack) =>
          endpoint(stack, {
            model: source(stack, {
              artifacts: Bucket.fromBucketAttributes(stack, 'Far', { bucketName: 'far', region: 'us-east-1' }),
            }),
          }),
        { account: '111122223333', region: 'eu-central-1' },
      );
    expect(build).toThrow("'artifacts' is in us-east-1 but the endpoint in eu-central-1");
  });
});

describe('the two ways to render a model', () => {
  test('agree in everything that they share', () => {
    const { template } = synth((stack) => {
      const vpc = new Vpc(stack, 'Vpc');
      const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
      const securityGroups = [new SecurityGroup(stack, 'Group', { vpc })];
      const common = { role, networkIsolation: true, vpc, securityGroups };
      const approved = new CfnCondition(stack, 'Approved', { expression: Fn.conditionEquals('a', 'b') });
      createModel(stack, 'Archive', { ...common, source: { imageUri: 'image', artifactUrl: 's3://a/b.tar.gz', environment: {} } });
      createModel(stack, 'Package', { ...common, source: { packageName: 'arn', approved } });
    });
    const [archive, version] = ['Archive', 'Package'].map((name) => {
      const [, model] = Object.entries<Shape>(template.findResources('AWS::SageMaker::Model')).find(([id]) => id.startsWith(name))!;
      const { PrimaryContainer, ...shared } = model.Properties;
      return { shared, container: Object.keys(PrimaryContainer).sort(), dependsOn: model.DependsOn };
    });
    expect(version.shared).toEqual(archive.shared);
    expect(version.shared).toMatchObject({ EnableNetworkIsolation: true, VpcConfig: { Subnets: expect.any(Array) } });
    expect(version.dependsOn).toEqual(archive.dependsOn);
    expect([archive.container, version.container]).toEqual([['Image', 'ModelDataUrl'], ['ModelPackageName']]);
  });
});
