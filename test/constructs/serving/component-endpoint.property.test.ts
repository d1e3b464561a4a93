import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import {
  AdapterComponent,
  ComponentEndpoint,
  Copies,
  InferenceAmiVersion,
  InferenceComponent,
  InstanceScaleIn,
  InstanceType,
  ModelSize,
  Rollout,
  RoutingStrategy,
  Slo,
} from '../../../lib/constructs/serving';
import { RUNS, counts, expectTemplateOrOurError } from '../../support/random-constructs';
import { app } from '../../support/synth';
import { capacity, gpuTarball } from './component-fixtures';
import { board, tarball } from './fixtures';

beforeAll(() => void jest.spyOn(console, 'error').mockImplementation());

const count = counts(24, (low, high) => [low - 1, high + 1, low + 0.5]);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
/** The first ones mostly, the last one rarely. */
const rarely = <T>(sound: readonly T[], odd: T) =>
  fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...sound) }, { weight: 1, arbitrary: fc.constant(odd) });
const positive = (value: number) => (value < 0 ? 0 : value);

const copies = fc.oneof(
  count(1, 4).map((value) => Copies.fixed(value)),
  fc
    .record({
      min: count(0, 2),
      max: count(2, 6),
      measured: fc.boolean(),
      concurrency: maybe(count(1, 10_000)),
      utilization: maybe(rarely([0.6, 0.9], 0.05)),
      scaleOutCooldown: maybe(count(0, 3600).map((value) => Duration.seconds(positive(value)))),
    })
    .map(({ min, max, measured, ...rest }) => Copies.between(min, max, { ...rest, capacity: measured ? capacity() : undefined })),
);

/** Instance, image and driver that mostly belong together. */
const [g5, m5] = [InstanceType.ML_G5_12XLARGE, InstanceType.ML_M5_XLARGE];
const machine = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ instance: g5, driver: true, gpu: true }) },
  { weight: 4, arbitrary: fc.constant({ instance: m5, driver: false, gpu: false }) },
  {
    weight: 1,
    arbitrary: fc.record({
      instance: fc.constantFrom(g5, m5, InstanceType.of('ml.t2.medium'), InstanceType.of('ml.p6e-gb200.36xlarge')),
      driver: fc.boolean(),
      gpu: fc.boolean(),
    }),
  },
);

const props = fc.record({
  machine,
  host: fc.record({
    endpointName: rarely(['shared', 'a'], 'Wrong'),
    minInstances: maybe(count(0, 2)),
    maxInstances: count(2, 8),
    routing: maybe(fc.constantFrom(...Object.values(RoutingStrategy))),
    scaleIn: maybe(
      fc.oneof(
        fc.constant(InstanceScaleIn.whenIdle()),
        fc
          .record({ atATime: maybe(count(1, 100)), cooldown: maybe(fc.constantFrom(5, 60).map(Duration.minutes)) })
          .map((given) => InstanceScaleIn.consolidating(given)),
      ),
    ),
    networkIsolation: maybe(fc.boolean()),
    enhancedMetrics: maybe(fc.boolean()),
    metricFrequency: maybe(rarely([60], 10).map((value) => Duration.seconds(value))),
    volumeSize: fc.option(
      count(1, 512).map((size) => Size.gibibytes(positive(size))),
      { nil: undefined, freq: 2 },
    ),
  }),
  component: fc.record({
    componentName: maybe(rarely(['chat', 'b'], 'Wrong')),
    copies: maybe(copies),
    compute: fc.record({
      minMemory: count(128, 12_000).map((size) => Size.mebibytes(size)),
      maxMemory: fc.option(
        count(11_000, 90_000).map((size) => Size.mebibytes(size)),
        { nil: undefined, freq: 2 },
      ),
      accelerators: maybe(count(0, 2)),
      cpuCores: maybe(rarely([0.25, 1], 49)),
    }),
    rollout: fc.oneof(
      rarely([Rollout.auto(), Rollout.allAtOnce()], Rollout.canary()),
      rarely([Rollout.auto(), Rollout.rolling()], Rollout.rolling({ batchPercent: 5 })),
    ),
    slo: rarely([Slo.availability(99), Slo.latency({ percentile: 99, below: Duration.seconds(5) })], Slo.availability(20)),
    modelSize: maybe(
      fc
        .tuple(fc.integer({ min: 1, max: 30 }), maybe(fc.integer({ min: 0, max: 5 })))
        .map(([gibibytes, accelerators]) => ModelSize.ofWeights(Size.gibibytes(gibibytes), { accelerators })),
    ),
    dataCaching: maybe(fc.boolean()),
    startupTimeout: maybe(count(60, 3600).map((value) => Duration.seconds(value))),
  }),
  adapterKey: maybe(rarely(['a.tar.gz'], 'a.zip')),
});

type Props = typeof props extends fc.Arbitrary<infer T> ? T : never;

/** The template, or the message of the error. */
function outcome({ host, machine: { instance, driver, gpu }, component, adapterKey }: Props): Template | string {
  const stack = new Stack(app(), 'Test');
  board(stack);
  try {
    const endpoint = new ComponentEndpoint(stack, 'Shared', {
      ...host,
      instance,
      amiVersion: driver ? InferenceAmiVersion.AL2023_GPU_4_1 : undefined,
    });
    const base = new InferenceComponent(stack, 'Chat', {
      ...component,
      endpoint,
      model: gpu ? gpuTarball(stack) : tarball(stack),
    });
    if (adapterKey !== undefined) {
      const bucket = Bucket.fromBucketName(stack, 'Adapters', 'my-adapters');
      new AdapterComponent(stack, 'Tone', { base, bucket, key: adapterKey, slo: component.slo });
    }
    return Template.fromStack(stack);
  } catch (error) {
    return (error as Error).message;
  }
}

test(`${RUNS} random endpoints with component and adapter are each a template that passes the gate, or one of our errors [C2]`, async () => {
  await expectTemplateOrOurError(props, outcome, {
    ours: /Invalid(ComponentEndpoint|InferenceComponent|AdapterComponent): .+ \[at Test\/(Shared|Chat|Tone)\]/s,
    seed: 87,
  });
}, 600_000);
