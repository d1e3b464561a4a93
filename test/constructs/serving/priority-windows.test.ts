import { Fn, Lazy, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { IMAGE_FAMILIES } from '../../../lib/constructs/models/image-families';
import { arrivalOrder } from '../../../lib/constructs/models/serving-order';
import { BacklogScaling, Copies, InstanceType, MeasuredCapacity, Scaling } from '../../../lib/constructs/serving';
import { runs, seenAtLeast } from '../../support/property-runs';
import { app, refusal } from '../../support/synth';
import { asyncEndpoint } from './async-fixtures';
import { component, shared } from './component-fixtures';
import { CAPACITY, endpoint, folder } from './fixtures';

const LMI = InferenceImage.djlLmi('0.36.0-lmi18.0.0');
const VLLM = InferenceImage.huggingFaceVllm('0.25.1-transformers5.10.2');
/** Those of AWS with the variable that names the scheduling policy of their server, where it has one. */
const IMAGES: [string, InferenceImage, string | undefined][] = [
  ['scikit-learn', InferenceImage.scikitLearn('1.4-2'), undefined],
  ['XGBoost', InferenceImage.xgboost('1.7-1'), undefined],
  ['XGBoost', InferenceImage.xgboostAlgorithm('1.7-1'), undefined],
  ['PyTorch', InferenceImage.pytorch('2.6.0'), undefined],
  ['TensorFlow', InferenceImage.tensorflow('2.19.0'), undefined],
  ['DJL LMI', LMI, 'OPTION_SCHEDULING_POLICY'],
  ['Hugging Face PyTorch', InferenceImage.huggingFacePytorch('2.6.0-transformers4.51.3'), undefined],
  ['Hugging Face TGI', InferenceImage.huggingFaceTgi('2.7.0-tgi3.3.6'), undefined],
  ['Hugging Face vLLM', VLLM, 'SM_VLLM_SCHEDULING_POLICY'],
];
const ARRIVAL = IMAGES.filter(([, , variable]) => variable === undefined);

const file = (over: object) => `${folder({ 'c.json': JSON.stringify({ ...CAPACITY, ...over }) })}/c.json`;
const measured = (over: object = { priorityWindowSeconds: 6 }) => MeasuredCapacity.fromFile(file(over));
const bucketOf = (stack: Stack) => Bucket.fromBucketName(stack, 'Weights', 'my-models');
const tarball = (stack: Stack, image: InferenceImage, environment?: Record<string, string>) =>
  ModelSource.fromTarball(bucketOf(stack), 'm/model.tar.gz', { image, environment });

type Host = (stack: Stack, model: ModelSource, capacity: MeasuredCapacity) => unknown;
const instance = InstanceType.ML_G5_XLARGE;
const HOSTS: [string, string, Host][] = [
  [
    'an endpoint',
    "'scaling.capacity'",
    (stack, model, capacity) => endpoint(stack, { model, instance, scaling: Scaling.between(1, 4, { capacity }) }),
  ],
  [
    'a variant',
    "'variants[0]': 'scaling.capacity'",
    (stack, model, capacity) => {
      const scaling = Scaling.between(1, 4, { capacity });
      const own = Scaling.between(1, 4, { capacity: measured({}) });
      return endpoint(stack, { variants: [{ name: 'b', weight: 1, model, instance, scaling }], scaling: own });
    },
  ],
  [
    'a component',
    "'copies.capacity'",
    (stack, model, capacity) => component(shared(stack), { model, copies: Copies.between(1, 4, { capacity }) }),
  ],
  [
    'an asynchronous endpoint',
    "'scaling.capacity'",
    (stack, model, capacity) => asyncEndpoint(stack, { model, instance, scaling: BacklogScaling.between(1, 4, { capacity }) }),
  ],
];

describe.each(HOSTS)('a capacity that was measured with priorities, on %s [A2]', (_name, property, build) => {
  const refused = (image: InferenceImage, environment?: Record<string, string>, capacity = measured()) =>
    refusal((stack) => build(stack, tarball(stack, image, environment), capacity));

  test.each([
    ['DJL LMI', LMI, 'OPTION_SCHEDULING_POLICY'],
    ['Hugging Face vLLM', VLLM, 'SM_VLLM_SCHEDULING_POLICY'],
  ])('fails where %s works in order of arrival, and says how it does not', (family, image, variable) => {
    const capacity = measured();
    const told = (state: string) =>
      `${property} ${capacity.file} was measured with priorities by windows of 6 s, but ${variable} ${state}, with which ${family} serves in order of ` +
      `arrival: set ${variable} to 'priority' in 'environment', or measure without --priority-window`;
    expect(refused(image, undefined, capacity)).toContain(told('is not set'));
    expect(refused(image, { [variable]: 'fcfs' }, capacity)).toContain(told("is 'fcfs'"));
    expect(refused(image, { [variable]: 'Priority' }, capacity)).toContain(told("is 'Priority'"));
    expect(refused(image, { [variable]: 'priority' }, capacity)).toBe('');
  });

  test('is taken where it is not known in which order the server works', () => {
    const later = Lazy.string({ produce: () => 'fcfs' });
    expect(refused(LMI, { OPTION_SCHEDULING_POLICY: later })).toBe('');
    expect(refused(VLLM, { SM_VLLM_SCHEDULING_POLICY: Fn.importValue('policy') })).toBe('');
    const own = (stack: Stack) => InferenceImage.fromEcr(Repository.fromRepositoryName(stack, 'Repo', 'vllm'), '1.2.3');
    expect(refusal((stack) => build(stack, tarball(stack, own(stack)), measured()))).toBe('');
  });

  test('needs nothing where it was measured in order of arrival', () => {
    expect(refused(LMI, undefined, measured({}))).toBe('');
    expect(refused(VLLM, { SM_VLLM_SCHEDULING_POLICY: 'fcfs' }, measured({}))).toBe('');
  });
});

describe('the order in which a container serves [A2]', () => {
  test.each(ARRIVAL)('is that of arrival for %s, whatever its environment says', (family, image) => {
    const environment = { OPTION_SCHEDULING_POLICY: 'priority', SM_VLLM_SCHEDULING_POLICY: 'priority' };
    const stack = new Stack(app(), 'Test');
    const model = tarball(stack, image, environment);
    expect(model._arrivalOrder()).toBe(`${family} serves in order of arrival: measure without --priority-window`);
  });

  test('is by priority just where the variable of its own family says so', () => {
    const value = fc.constantFrom('priority', 'fcfs', 'PRIORITY', ' priority', '', undefined);
    const seen = { priority: 0, arrival: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...IMAGES), value, value, ([, image, variable], lmi, vllm) => {
        const environment = { OPTION_SCHEDULING_POLICY: lmi, SM_VLLM_SCHEDULING_POLICY: vllm } as Record<string, string>;
        const given = Object.fromEntries(Object.entries(environment).filter(([, one]) => one !== undefined));
        const byPriority = variable !== undefined && given[variable] === 'priority';
        seen[byPriority ? 'priority' : 'arrival']++;
        expect(arrivalOrder(image, given) === undefined).toBe(byPriority);
      }),
      { numRuns: runs(1000) },
    );
    expect(Math.min(seen.priority, seen.arrival)).toBeGreaterThanOrEqual(seenAtLeast(10, 1000));
  });

  test('is not known of a registered version, whose environment comes with it, unless its server knows no other', () => {
    const stack = new Stack(app(), 'Test');
    const registered = (artifacts: IBucket, image: InferenceImage) =>
      ModelSource.fromRegistry({ namePrefix: 'flights-dev', model: 'delay', artifacts, image });
    const artifacts = bucketOf(stack);
    const of = (image: InferenceImage) => registered(artifacts, image)._arrivalOrder();
    expect([of(LMI), of(VLLM)]).toEqual([undefined, undefined]);
    expect(of(InferenceImage.scikitLearn('1.4-2'))).toContain('scikit-learn serves in order of arrival');
    expect(
      refusal((scope) =>
        endpoint(scope, {
          model: registered(bucketOf(scope), InferenceImage.scikitLearn('1.4-2')),
          scaling: Scaling.between(1, 4, { capacity: measured() }),
        }),
      ),
    ).toContain("'scaling.capacity'");
  });

  test('is tested for every family that there is', () => {
    const names = new Set(IMAGES.map(([family]) => family));
    expect([...names]).toEqual(IMAGE_FAMILIES.map(({ name }) => name));
  });
});
