import { Aws, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AdapterComponent, AdapterComponentProps, Copies, Slo } from '../../../lib/constructs/serving';
import { app, synth } from '../../support/synth';
import { adapter, component, resources, Shape, shared, slo, statementsOf } from './component-fixtures';

const build = (props: Partial<AdapterComponentProps> = {}, copies?: Copies) =>
  synth((stack) => adapter(component(shared(stack), { copies }), props));
const find = (template: Parameters<typeof resources>[0]): [Shape, Shape] => {
  const all = resources(template, 'SageMaker::InferenceComponent');
  const isAdapter = ({ Properties }: Shape) => Properties.Specification.BaseInferenceComponentName !== undefined;
  return [all.find(isAdapter), all.find((one) => !isAdapter(one))];
};

describe('AdapterComponent [S1]', () => {
  test('lives in the copies of its base, without compute, copies and updates of its own', () => {
    const [tone] = find(build().template);
    expect(tone.Properties).toEqual({
      EndpointName: 'flights-dev-shared',
      InferenceComponentName: 'flights-dev-tone',
      VariantName: 'AllTraffic',
      Specification: {
        BaseInferenceComponentName: 'flights-dev-chat',
        Container: { ArtifactUrl: 's3://my-models/tone/1/adapter.tar.gz' },
      },
    });
  });

  test('comes after its base, and is deleted before it [row 95]', () => {
    const { template } = build();
    const base = Object.entries(template.findResources('AWS::SageMaker::InferenceComponent')).find(
      ([, { Properties }]) => Properties.InferenceComponentName === 'flights-dev-chat',
    );
    expect(find(template)[0].DependsOn).toContain(base?.[0]);
  });

  test('may be read by the roles of endpoint and base, one object only', () => {
    const { template, nag } = build();
    for (const owner of ['SharedRole', 'ChatRole']) {
      const reads = statementsOf(template, owner).filter(
        ({ Action, Resource }) => Action === 's3:GetObject' && JSON.stringify(Resource).includes('adapter'),
      );
      expect(reads).toHaveLength(1);
      expect(JSON.stringify(reads[0].Resource)).toContain(':s3:::my-models/tone/1/adapter.tar.gz');
    }
    expect(nag).toEqual([]);
  });

  test('wakes its base, which rests without copies, by a call of its own [row 102]', () => {
    const { template } = build({}, Copies.between(0, 2, { concurrency: 4 }));
    const [policy] = Object.keys(
      template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', { Properties: { PolicyType: 'StepScaling' } }),
    );
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-tone-wake-up',
      MetricName: 'NoCapacityInvocationFailures',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'flights-dev-tone' }],
      AlarmActions: [{ Ref: policy }],
    });
    build().template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-tone-wake-up' }, 0);
  });

  test('has metrics, alarms and callers of its own', () => {
    const { template, built } = synth((stack) => {
      const tone = adapter(component(shared(stack)), { slo: Slo.availability(99) });
      tone.grantInvoke(new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }));
      return tone;
    });
    expect(built.metrics.invocations().dimensions).toEqual({ InferenceComponentName: 'flights-dev-tone' });
    expect(built.unhealthyAlarm.alarmName).toBeDefined();
    template.hasResourceProperties('AWS::CloudWatch::CompositeAlarm', { AlarmName: 'flights-dev-tone-unhealthy' });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-tone-no-capacity', Period: 300 });
    const [statement] = statementsOf(template, 'Caller');
    expect(statement.Resource.map((arn: Shape) => arn['Fn::Join'][1].at(-1))).toEqual([
      ':endpoint/flights-dev-shared',
      ':inference-component/flights-dev-tone',
    ]);
  });

  test.each([
    [{ key: 'tone.zip' }, "'key' must end in '.tar.gz', got 'tone.zip'"],
    [{ key: '/tone.tar.gz' }, "'key' must name one object"],
    [{ key: 'tone/*.tar.gz' }, "'key' must name one object"],
    [{ componentName: 'Tone' }, "'componentName' must be 1 to 63 lower-case letters"],
    [{ componentName: Aws.STACK_NAME }, "'componentName' must be known at synth, got a Token"],
    [{ slo: Slo.availability(10) }, "'slo.availabilityPercent' must be between"],
  ])('fails on %j [row 28, 61]', (props, message) => {
    expect(() => build(props)).toThrow(`InvalidAdapterComponent: ${message}`);
  });

  test('takes a key that is a Token, and generates a name', () => {
    const { template } = build({ key: Aws.STACK_NAME, componentName: undefined });
    expect(find(template)[0].Properties.InferenceComponentName).toMatch(/^[a-z0-9](-*[a-z0-9]){0,62}$/);
    template.hasResourceProperties('AWS::SageMaker::InferenceComponent', {
      Specification: { Container: { ArtifactUrl: { 'Fn::Join': ['', ['s3://my-models/', Match.anyValue()]] } } },
    });
  });

  test('fails when bucket or adapter lie in another Region [row 30]', () => {
    const here = app();
    const of = (region: string) => new Stack(here, `In-${region}`, { env: { account: '111122223333', region } });
    const base = component(shared(of('eu-central-1')));
    const far = Bucket.fromBucketAttributes(base.stack, 'Far', { bucketName: 'far', region: 'us-east-1' });
    expect(() => adapter(base, { bucket: far })).toThrow("'bucket' is in us-east-1 but the endpoint in eu-central-1");
    const elsewhere = of('eu-west-1');
    const bucket = Bucket.fromBucketName(elsewhere, 'B', 'my-models');
    expect(() => new AdapterComponent(elsewhere, 'A', { base, bucket, key: 'a.tar.gz', slo })).toThrow(
      "'endpoint' is in aws://111122223333/eu-central-1",
    );
  });
});
