import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import fc from 'fast-check';
import {
  AsyncEndpoint,
  AsyncSlo,
  BacklogScaleIn,
  BacklogScaling,
  InstanceType,
  MeasuredCapacity,
  Rollout,
  ScalingSchedule,
} from '../../../lib/constructs/serving';
import { RUNS, counts, expectTemplateOrOurError } from '../../support/random-constructs';
import { app } from '../../support/synth';
import { CAPACITY, board, folder, tarball } from './fixtures';

beforeAll(() => void jest.spyOn(console, 'error').mockImplementation());

const count = counts(12, (low, high) => [low - 1, low, high, high + 1, low + 0.5]);
const seconds = (low: number, high: number) => count(low, high).map((value) => Duration.seconds(value === -1 ? 0 : value));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const schedule = fc
  .record({ name: fc.constantFrom('day', 'night', 'a b'), min: maybe(count(0, 5)), max: maybe(count(1, 9)) })
  .map((limits) => ScalingSchedule.at({ ...limits, schedule: Schedule.cron({ hour: '7', minute: '0' }) }));
const capacities = [0.001, 0.05, 40].map(
  (rate) => () =>
    MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, requestsPerSecondPerInstance: rate }) })}/c.json`),
);
const between = fc
  .record({
    min: count(0, 5),
    max: count(1, 9),
    capacity: maybe(fc.constantFrom(...capacities)),
    backlogPerInstance: maybe(count(1, 100)),
    utilization: maybe(fc.constantFrom(0.05, 0.1, 0.6, 0.95)),
    scaleOutCooldown: maybe(seconds(0, 3600)),
    scaleInCooldown: maybe(seconds(0, 3600)),
    longestInvocation: maybe(seconds(60, 3600)),
    scaleIn: maybe(fc.constantFrom(...Object.values(BacklogScaleIn))),
    schedules: maybe(fc.array(schedule, { maxLength: 3 })),
  })
  .map(({ min, max, capacity, ...rest }) => BacklogScaling.between(min, max, { ...rest, capacity: capacity?.() }));
const scaling = fc.oneof(
  count(1, 5).map((instances) => BacklogScaling.fixed(instances)),
  between,
  between,
);
const rollout = fc.constantFrom(
  Rollout.auto(),
  Rollout.allAtOnce(),
  Rollout.allAtOnce({ bake: Duration.minutes(50) }),
  Rollout.rolling(),
  Rollout.canary(),
  Rollout.linear({ stepPercent: 25 }),
);
const prefix = fc.constantFrom('a', 'a/b', 'a/answers', 'out', 'out/failures/x', '/wrong', 'p'.repeat(401));

const props = fc.record({
  endpointName: fc.constantFrom('reports', 'a', 'Wrong'),
  instance: fc.constantFrom(
    InstanceType.ML_M5_LARGE,
    InstanceType.ML_G5_XLARGE,
    InstanceType.ML_C7G_LARGE,
    InstanceType.of('ml.t2.medium'),
  ),
  slo: fc
    .tuple(seconds(60, 3600), maybe(fc.constantFrom(49, 50, 99, 99.999, 100)))
    .map(([within, availabilityPercent]) => AsyncSlo.answers({ within, availabilityPercent })),
  scaling: maybe(scaling),
  rollout: maybe(rollout),
  maxConcurrentInvocations: maybe(count(1, 1000)),
  input: maybe(prefix),
  output: maybe(prefix),
  sameBucket: fc.boolean(),
  ownTopics: fc.boolean(),
  networkIsolation: maybe(fc.boolean()),
  volumeSize: maybe(count(1, 512).map((size) => Size.gibibytes(size))),
  modelDownloadTimeout: maybe(seconds(60, 3600)),
  startupTimeout: maybe(seconds(60, 3600)),
  enhancedMetrics: maybe(fc.boolean()),
  metricFrequency: maybe(fc.constantFrom(10, 60, 61, 300).map((value) => Duration.seconds(value))),
});

type Props = typeof props extends fc.Arbitrary<infer T> ? T : never;

/** The template, or the message of the error. */
function outcome({ input, output, sameBucket, ownTopics, ...rest }: Props): Template | string {
  const stack = new Stack(app(), 'Test');
  board(stack);
  const one = Bucket.fromBucketName(stack, 'One', 'bucket-one');
  const other = sameBucket ? one : Bucket.fromBucketName(stack, 'Other', 'bucket-other');
  const topics = ownTopics ? { successTopic: new Topic(stack, 'Yes'), errorTopic: new Topic(stack, 'No') } : {};
  const model = tarball(stack);
  try {
    new AsyncEndpoint(stack, 'Reports', {
      ...rest,
      ...topics,
      model,
      input: { bucket: one, prefix: input },
      output: { bucket: other, prefix: output },
    });
    return Template.fromStack(stack);
  } catch (error) {
    return (error as Error).message;
  }
}

test(`${RUNS} random endpoints are each a template that passes the gate, or one of our errors [C2]`, async () => {
  await expectTemplateOrOurError(props, outcome, {
    ours: /^InvalidAsyncEndpoint: '.+ \[at Test\/Reports\]$|'scaling.* from a Token/s,
    seed: 65,
  });
}, 600_000);
