import { Duration, Size, Stack, TimeZone } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import fc from 'fast-check';
import { ModelSource } from '../../../lib/constructs/models';
import { BatchScoring, BatchSlo, BatchSplit, BatchStrategy, InstanceType } from '../../../lib/constructs/serving';
import { RUNS, counts, expectTemplateOrOurError } from '../../support/random-constructs';
import { app } from '../../support/synth';
import { board, image, tarball } from './fixtures';

beforeAll(() => void jest.spyOn(console, 'error').mockImplementation());

const count = counts(30, (low, high) => [low - 1, low, high, high + 1, low + 0.5]);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const seconds = (low: number, high: number) => count(low, high).map((value) => Duration.seconds(value === -1 ? 0 : value));
const mostly = <T>(sound: T[], ...odd: T[]) => fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...sound) }, fc.constantFrom(...odd));

const props = fc.record({
  scoringName: maybe(mostly(['nightly', 'a', 'n'.repeat(63)], 'Wrong')),
  instance: mostly([InstanceType.ML_M5_LARGE, InstanceType.ML_G5_XLARGE, InstanceType.of('ml.new.large')], InstanceType.ML_C7G_LARGE),
  slo: seconds(300, 432_000).map((within) => BatchSlo.finished({ within })),
  schedule: maybe(
    fc.constantFrom(
      ScheduleExpression.rate(Duration.hours(1)),
      ScheduleExpression.cron({ hour: '3', minute: '0', timeZone: TimeZone.EUROPE_BERLIN }),
    ),
  ),
  instanceCount: maybe(count(1, 100)),
  strategy: maybe(fc.constantFrom(...Object.values(BatchStrategy))),
  maxConcurrentTransforms: maybe(count(1, 12)),
  maxPayload: maybe(count(1, 12).map((size) => Size.mebibytes(size))),
  invocationTimeout: maybe(seconds(1, 3600)),
  invocationRetries: maybe(count(0, 3)),
  timeout: maybe(seconds(432_000, 864_000)),
  environment: maybe(fc.constantFrom<Record<string, string>>({}, { MODE: 'batch' }, { '1': 'x' })),
  networkIsolation: maybe(fc.boolean()),
});
const places = fc.record({
  input: fc.record({
    prefix: mostly(['in', 'in/deeper', 'a'], '/in', 'p'.repeat(401)),
    contentType: maybe(fc.constantFrom('text/csv', 'application/jsonlines')),
    split: maybe(mostly([BatchSplit.LINE, BatchSplit.TF_RECORD], BatchSplit.NONE)),
    gzip: maybe(fc.boolean()),
    filter: maybe(mostly(['$', '$[1:]'], '[1:]')),
  }),
  output: fc.record({
    prefix: maybe(mostly(['out', 'in-scores'], 'in/scores', "it's")),
    joinInput: maybe(fc.boolean()),
    filter: maybe(fc.constantFrom('$[0,-1]', "$['id','SageMakerOutput']")),
  }),
  sameBucket: fc.boolean(),
  withKey: fc.constantFrom(true, false, false),
  registered: fc.boolean(),
});

type Props = typeof props extends fc.Arbitrary<infer T> ? T : never;
type Places = typeof places extends fc.Arbitrary<infer T> ? T : never;

/** The template, or the message of the error. */
function outcome([rest, { input, output, sameBucket, withKey, registered }]: [Props, Places]): Template | string {
  const stack = new Stack(app(), 'Test');
  board(stack);
  const one = Bucket.fromBucketName(stack, 'One', 'bucket-one');
  const other = sameBucket ? one : Bucket.fromBucketName(stack, 'Other', 'bucket-other');
  const model = registered
    ? ModelSource.fromRegistry({ namePrefix: 'flights-dev', model: 'delay', artifacts: other, image })
    : tarball(stack);
  try {
    new BatchScoring(stack, 'Nightly', {
      ...rest,
      model,
      input: { bucket: one, ...input },
      output: { bucket: other, ...output },
      volumeKey: withKey ? new Key(stack, 'Key') : undefined,
    });
  } catch (error) {
    return (error as Error).message;
  }
  return Template.fromStack(stack);
}

test(`${RUNS} random batch scorings are each a template that passes the gate, or one of our errors [C2]`, async () => {
  await expectTemplateOrOurError(fc.tuple(props, places), outcome, { ours: /^InvalidBatchScoring: '.+ \[at Test\/Nightly\]$/s, seed: 49 });
}, 600_000);
