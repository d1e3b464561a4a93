import { ContainerImage, Endpoint, EndpointConfig, InstanceType, Model } from '@aws-cdk/aws-sagemaker-alpha';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Basis, PEERS } from '../../capacity/peers/peers';
import { provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { ASYNCHRONOUS } from '../../capacity/simulator/simulation';
import { PoissonSource } from '../../capacity/traces/generated';
import { endpointOf } from './support';

const BASIS: Basis = { requestsPerSecond: 4, concurrency: 4, limits: { min: 1, max: 20 }, peak: 6, mean: 3 };

/** Ten minutes of nearly nothing, then far more than an instance serves. */
function changes(name: string): number {
  const peer = PEERS.find((one) => one.name === name)!;
  const plan = peer.plan(BASIS);
  const lengths = { draw: () => undefined, prompt: 40, output: 60 };
  const source = new PoissonSource(
    [
      [0, 0.1],
      [600, 40],
    ],
    2400,
    lengths,
    1,
  );
  const queue = peer.asynchronous === true ? ASYNCHRONOUS : undefined;
  const endpoint = endpointOf({ instances: peer.initial ?? plan.min, admissionBound: peer.admissionBound?.(BASIS) ?? Infinity, queue });
  const scaler = peer.scaler?.(BASIS);
  return runScaled({ endpoint, plan, scaler, provisioning: provisioningOf(60) }, source, { seed: 1 }).scaleOuts;
}

test('under a load that one instance cannot serve, what is said to be inert does nothing, and every other default scales', () => {
  const silent = PEERS.filter(({ name }) => changes(name) === 0);
  expect(silent.map(({ name }) => name)).toEqual(
    PEERS.filter(({ kind, inert }) => kind === 'fixed' || inert !== undefined).map(({ name }) => name),
  );
  expect(PEERS.filter(({ inert }) => inert !== undefined).map(({ name }) => name)).toEqual(['genai-cdk', 'genai-cdk-jumpstart']);
});

test('sagemaker-alpha is what the package itself deploys', () => {
  const stack = new Stack();
  const image = ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'images'), 'one');
  const model = new Model(stack, 'Model', { containers: [{ image }] });
  const variant = { model, variantName: 'one', instanceType: InstanceType.G5_XLARGE };
  const endpointConfig = new EndpointConfig(stack, 'Config', { instanceProductionVariants: [variant] });
  new Endpoint(stack, 'Endpoint', { endpointConfig })
    .findInstanceProductionVariant('one')
    .autoScaleInstanceCount({ maxCapacity: 20 })
    .scaleOnInvocations('Invocations', { maxRequestsPerSecond: BASIS.requestsPerSecond });
  const template = Template.fromStack(stack);
  const [{ Properties: target }] = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
  const [{ Properties: deployed }] = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalingPolicy'));
  const { TargetValue, PredefinedMetricSpecification, ...rest } = deployed.TargetTrackingScalingPolicyConfiguration;
  const plan = PEERS.find(({ name }) => name === 'sagemaker-alpha')!.plan(BASIS);
  expect(plan.policies).toMatchObject([{ target: TargetValue, metric: PredefinedMetricSpecification.PredefinedMetricType }]);
  // It states no cool-downs: those of AWS hold, which are 300 s.
  expect(rest).toEqual({});
  expect([target.MinCapacity, target.MaxCapacity]).toEqual([plan.min, plan.max]);
});

test('each default says where it comes from, and its name is its own', () => {
  expect(PEERS.filter(({ kind, source }) => kind === 'peer' && !/https:|npm |without an address|\(MIT/.test(source))).toEqual([]);
  expect(new Set(PEERS.map(({ name }) => name)).size).toBe(PEERS.length);
});

test('no plan leaves the limits that all are given, but those that have their own', () => {
  const own = PEERS.filter(({ name }) => !name.startsWith('genai-cdk') && !name.startsWith('fixed')).map(({ plan }) => plan(BASIS));
  expect(own.map(({ min, max }) => [min, max])).toEqual(own.map(() => [1, 20]));
});
