import { labelOf, measurableEndpoint } from '../../../operations/measure/endpoint';
import { InferenceImage } from '../../../lib';
import { FakeEndpoint } from './fake-endpoint';

const refusal = async (fake: FakeEndpoint): Promise<string> => {
  try {
    await measurableEndpoint(fake.clients, 'air-dev-delay');
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an endpoint to be measured', () => {
  test('is known by its configuration, fleet, image and version', async () => {
    expect(await measurableEndpoint(new FakeEndpoint().clients, 'air-dev-delay')).toEqual({
      ...{ endpoint: 'air-dev-delay', configuration: 'first', variant: 'main', instance: 'ml.m5.large', instances: 1 },
      ...{ image: 'sagemaker-scikit-learn:1.4-2-cpu-py3', model: 'air-dev-delay/3' },
    });
  });

  test('is known by its model where that is of no package', async () => {
    const fake = new FakeEndpoint();
    fake.container = { Image: '1.dkr.ecr.eu-west-1.amazonaws.com/team/own@sha256:ab' };
    expect(await measurableEndpoint(fake.clients, 'air-dev-delay')).toMatchObject({ image: 'team/own@sha256:ab', model: 'model-a' });
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
    ['is about to have more instances', (fake) => (fake.desired = 2), 'variant main goes from 1 to 2 instances: measure once it has them'],
    [
      'may be scaled meanwhile',
      (fake) => (fake.targets = [{ MinCapacity: 1, MaxCapacity: 4 }]),
      'autoscaling may change it between 1 and 4 instances meanwhile: deploy it with Scaling.fixed(1), or suspend that until you are done (the same with ' +
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
      'SageMaker manages the instances of variant main',
    ],
    ['has two variants', (fake) => (fake.more = [{ VariantName: 'b', ModelName: 'b' }]), 'it has 2 variants, which share the requests'],
    ['is asynchronous', (fake) => (fake.config = { AsyncInferenceConfig: {} }), 'it is asynchronous'],
    ['has a shadow', (fake) => (fake.config = { ShadowProductionVariants: [{}] }), 'it has a shadow variant'],
    ['is serverless', (fake) => (fake.variant.ServerlessConfig = {}), 'variant main is serverless'],
    ['hosts components', (fake) => delete fake.variant.ModelName, 'variant main hosts inference components'],
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
