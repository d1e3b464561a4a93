import { measurableEndpoint } from '../../../operations/measure/endpoint';
import { labelOf } from '../../../operations/measure/model';
import { InferenceImage } from '../../../lib';
import { FakeEndpoint } from './fake-endpoint';

const delay = { endpoint: 'air-dev-delay' };
const refusal = async (fake: FakeEndpoint, component?: string): Promise<string> => {
  try {
    await measurableEndpoint(fake.clients, component === undefined ? delay : { ...delay, component });
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an endpoint to be measured', () => {
  test('is known by its configuration, fleet, image and version', async () => {
    expect(await measurableEndpoint(new FakeEndpoint().clients, delay)).toEqual({
      ...{ endpoint: 'air-dev-delay', configuration: 'first', instance: 'ml.m5.large', units: 1 },
      ...{ image: 'sagemaker-scikit-learn:1.4-2-cpu-py3', model: 'air-dev-delay/3' },
    });
  });

  test('is known by its model where that is of no package', async () => {
    const fake = new FakeEndpoint();
    fake.container = { Image: '1.dkr.ecr.eu-west-1.amazonaws.com/team/own@sha256:ab' };
    expect(await measurableEndpoint(fake.clients, delay)).toMatchObject({ image: 'team/own@sha256:ab', model: 'model-a' });
  });

  test.each([
    ['sagemaker-scikit-learn:1.4-2-cpu-py3', '683313688378.dkr.ecr.us-east-1.amazonaws.com/'],
    [InferenceImage.djlLmi('0.36.0-lmi28.0.0').label, '763104351884.dkr.ecr.us-east-1.amazonaws.com/'],
    ['team/own:1', '1.dkr.ecr.us-east-1.amazonaws.com.cn/'],
    ['team/own:1', ''],
  ])('has the image that InferenceImage.label gives: %s', (label, registry) => {
    expect(labelOf(`${registry}${label}`)).toBe(label);
  });

  test('may scale when that is suspended, or between equal limits', async () => {
    const fake = new FakeEndpoint();
    const SuspendedState = { DynamicScalingInSuspended: true, DynamicScalingOutSuspended: true, ScheduledScalingSuspended: true };
    fake.targets = [{ MinCapacity: 1, MaxCapacity: 4, SuspendedState }];
    expect(await refusal(fake)).toBe('none');
    fake.targets = [{ MinCapacity: 2, MaxCapacity: 2 }];
    expect(await refusal(fake)).toBe('none');
  });

  test.each<[string, (fake: FakeEndpoint) => void, string]>([
    ['is being updated', (fake) => (fake.status = 'Updating'), 'it is Updating: measure once it is InService'],
    ['is about to have more instances', (fake) => (fake.desired = 2), 'it goes from 1 to 2 instances: measure once it has them'],
    [
      'may be scaled meanwhile',
      (fake) => (fake.targets = [{ MinCapacity: 1, MaxCapacity: 4 }]),
      'autoscaling may change it between 1 and 4 instances meanwhile: deploy it with a fixed number, or suspend that until you are done (the same with ' +
        '=false resumes it): aws application-autoscaling register-scalable-target --service-namespace sagemaker --resource-id ' +
        'endpoint/air-dev-delay/variant/main --scalable-dimension sagemaker:variant:DesiredInstanceCount --suspended-state ' +
        'DynamicScalingInSuspended=true,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=true',
    ],
    [
      'may be scaled by a schedule',
      (fake) =>
        (fake.targets = [
          { MinCapacity: 1, MaxCapacity: 4, SuspendedState: { DynamicScalingInSuspended: true, DynamicScalingOutSuspended: true } },
        ]),
      'autoscaling may change it between 1 and 4 instances',
    ],
    [
      'is managed by SageMaker',
      (fake) => (fake.variant.ManagedInstanceScaling = { Status: 'ENABLED', MinInstanceCount: 1, MaxInstanceCount: 2 }),
      'SageMaker manages its instances, 1 to 2: measure a fixed number',
    ],
    ['has two variants', (fake) => (fake.more = [{ VariantName: 'b', ModelName: 'b' }]), 'it has 2 variants, which share the requests'],
    ['is asynchronous', (fake) => (fake.config = { AsyncInferenceConfig: {} }), 'it is asynchronous'],
    ['has a shadow', (fake) => (fake.config = { ShadowProductionVariants: [{}] }), 'it has a shadow variant'],
    ['is serverless', (fake) => (fake.variant.ServerlessConfig = {}), 'it is serverless: it has no instances'],
    ['hosts components', (fake) => delete fake.variant.ModelName, 'it hosts inference components: name one with --component'],
    ['has pools of several types', (fake) => delete fake.variant.InstanceType, 'it has instances of several types'],
    ['is burstable [row 107]', (fake) => (fake.variant.InstanceType = 'ml.t2.medium'), 'ml.t2.medium is burstable: what it serves depends'],
  ])('fails when it %s', async (_, change, message) => {
    const fake = new FakeEndpoint();
    change(fake);
    expect(await refusal(fake)).toContain(`EndpointNotMeasurable: air-dev-delay:\n  ${message}`);
  });

  test('fails with every reason at once', async () => {
    const fake = new FakeEndpoint();
    Object.assign(fake, { status: 'Updating', config: { AsyncInferenceConfig: {} }, targets: [{ MinCapacity: 1, MaxCapacity: 4 }] });
    expect((await refusal(fake)).split('\n')).toHaveLength(4);
  });

  test('fails when there is none of that name', async () => {
    const fake = new FakeEndpoint();
    fake.status = undefined;
    expect(await refusal(fake)).toMatch(/^UnknownEndpoint: there is no endpoint 'air-dev-delay': deploy it, or check its name/);
  });
});

describe('an inference component to be measured', () => {
  const hosting = (component: object = {}) => {
    const fake = new FakeEndpoint();
    delete fake.variant.ModelName;
    fake.variant.ManagedInstanceScaling = { Status: 'ENABLED', MinInstanceCount: 1, MaxInstanceCount: 2 };
    fake.component = { ...fake.component, ...component };
    return fake;
  };
  const target = { ...delay, component: 'chat-small' };

  test('is known by its copies and its model; the instances below it may change', async () => {
    expect(await measurableEndpoint(hosting().clients, target)).toEqual({
      ...{ ...target, configuration: 'first', instance: 'ml.m5.large', units: 2 },
      ...{ image: 'sagemaker-scikit-learn:1.4-2-cpu-py3', model: 'air-dev-delay/3' },
    });
  });

  test('is known by its image where it has no model', async () => {
    const DeployedImage = { SpecifiedImage: '1.dkr.ecr.us-east-1.amazonaws.com/own:1' };
    const fake = hosting({ Specification: { Container: { DeployedImage } } });
    expect(await measurableEndpoint(fake.clients, target)).toMatchObject({ image: 'own:1', model: 'chat-small' });
  });

  test.each<[string, object, string]>([
    ['is of another endpoint', { EndpointName: 'other' }, 'component chat-small is one of other: measure it there'],
    ['is being updated', { InferenceComponentStatus: 'Updating' }, 'component chat-small is Updating: measure once it is InService'],
    [
      'is an adapter',
      { Specification: { BaseInferenceComponentName: 'base' } },
      'component chat-small is an adapter and has no copies: measure its base, base',
    ],
    ['has no copy', { RuntimeConfig: { CurrentCopyCount: 0, DesiredCopyCount: 0 } }, 'component chat-small has 0 copies of 0'],
    ['gets a copy', { RuntimeConfig: { CurrentCopyCount: 1, DesiredCopyCount: 2 } }, 'component chat-small has 1 copies of 2'],
  ])('fails when it %s', async (_, component, message) => {
    expect(await refusal(hosting(component), 'chat-small')).toBe(
      `EndpointNotMeasurable: air-dev-delay:\n  ${message}`.replace(/(copies of \d)$/, '$1: measure once it has them, and one at least'),
    );
  });

  test('fails when its copies may be scaled meanwhile', async () => {
    const fake = hosting();
    fake.targets = [{ MinCapacity: 0, MaxCapacity: 4 }];
    expect(await refusal(fake, 'chat-small')).toMatch(
      /autoscaling may change it between 0 and 4 copies .* --resource-id inference-component\/chat-small --scalable-dimension sagemaker:inference-component:DesiredCopyCount/,
    );
  });

  test('fails when there is none of that name', async () => {
    expect(await refusal(hosting(), 'chat')).toMatch(/^UnknownComponent: there is no inference component 'chat'/);
  });
});
