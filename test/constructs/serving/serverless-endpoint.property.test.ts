import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import fc from 'fast-check';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { ProvisionedConcurrency, Rollout, ScalingSchedule, ServerlessEndpoint, Slo } from '../../../lib/constructs/serving';
import { RUNS, counts, expectTemplateOrOurError } from '../../support/random-constructs';
import { app } from '../../support/synth';
import { board, image } from './fixtures';

beforeAll(() => void jest.spyOn(console, 'error').mockImplementation());

const count = counts(12, (low, high) => [low - 1, low, high, high + 1, low + 0.5]);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const seconds = (low: number, high: number) => count(low, high).map((value) => Duration.seconds(value === -1 ? 0 : value));

const schedule = fc
  .record({ name: fc.constantFrom('day', 'night', 'a b'), min: maybe(count(1, 9)), max: maybe(count(1, 9)) })
  .map((limits) => ScalingSchedule.at({ ...limits, schedule: Schedule.cron({ hour: '7', minute: '0' }) }));
const provisioned = fc.oneof(
  count(1, 5).map((amount) => ProvisionedConcurrency.fixed(amount)),
  fc
    .record({
      min: count(1, 5),
      max: count(1, 9),
      experimental: fc.constantFrom(true, true, true, false, undefined),
      utilization: maybe(fc.constantFrom(0.05, 0.1, 0.6, 0.95)),
      scaleOutCooldown: maybe(seconds(0, 3600)),
      scaleInCooldown: maybe(seconds(0, 3600)),
      schedules: maybe(fc.array(schedule, { maxLength: 2 })),
    })
    .map(({ min, max, ...rest }) => ProvisionedConcurrency.between(min, max, rest)),
);
const props = fc.record({
  endpointName: fc.constantFrom('sometimes', 'a', 'Wrong', undefined),
  gpu: fc.constantFrom(true, ...Array<boolean>(9).fill(false)),
  slo: fc.oneof(
    fc.constantFrom(50, 99, 99.999, 100).map((percent) => Slo.availability(percent)),
    fc.constantFrom(1, 500, 60_000, 60_001).map((below) => Slo.latency({ percentile: 99, below: Duration.millis(below) })),
  ),
  memory: maybe(
    fc.oneof(
      { weight: 9, arbitrary: count(1, 6).map((size) => Size.gibibytes(size)) },
      fc.constantFrom(0, 1500).map((size) => Size.mebibytes(size)),
    ),
  ),
  maxConcurrency: maybe(count(1, 200)),
  provisionedConcurrency: maybe(provisioned),
  coldStartBelow: maybe(seconds(1, 600)),
  rollout: maybe(fc.constantFrom(Rollout.auto(), Rollout.allAtOnce(), Rollout.allAtOnce({ bake: Duration.minutes(50) }), Rollout.canary())),
  networkIsolation: fc.constantFrom(false, ...Array<undefined>(9).fill(undefined)),
});

type Props = typeof props extends fc.Arbitrary<infer T> ? T : never;

/** The template, or the message of the error. */
function outcome({ gpu, ...rest }: Props): Template | string {
  const stack = new Stack(app(), 'Test');
  board(stack);
  const bucket = Bucket.fromBucketName(stack, 'Models', 'my-models');
  const served = gpu ? InferenceImage.djlLmi('0.36.0-lmi28.0.0') : image;
  try {
    new ServerlessEndpoint(stack, 'Sometimes', { ...rest, model: ModelSource.fromTarball(bucket, 'a/model.tar.gz', { image: served }) });
    return Template.fromStack(stack);
  } catch (error) {
    return (error as Error).message;
  }
}

test(`${RUNS} random endpoints are each a template that passes the gate, or one of our errors [C2]`, async () => {
  await expectTemplateOrOurError(props, outcome, {
    ours: /^InvalidServerlessEndpoint: '.+ \[at Test\/Sometimes\]$|'scaling.* from a Token/s,
    seed: 54,
  });
}, 600_000);
