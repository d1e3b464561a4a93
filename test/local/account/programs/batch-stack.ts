// Prints the templates of stacks that score batches with our construct: batch-stack.ts '[{"name": ..., ...}, ...]'.
import { DefaultStackSynthesizer, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { InferenceImage, ModelSource } from '../../../../lib/constructs/models';
import { BatchScoring, BatchSlo, InstanceType } from '../../../../lib/constructs/serving';
import { app } from '../../../support/synth';

/** What a test varies. */
interface Options {
  /** Name of the stack and the scoring. */
  readonly name: string;
  /** Whether the model is the approved version of a registry, else an archive of this name. */
  readonly registered: boolean;
  /** Whether a run starts every ten minutes, by the clock of Berlin. */
  readonly timed?: boolean;
}

function templateOf({ name, registered, timed = false }: Options): object {
  const scope = app();
  const stack = new Stack(scope, name, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });
  const artifacts = Bucket.fromBucketName(stack, 'Models', 'artifacts');
  const image = InferenceImage.scikitLearn('1.4-2');
  new BatchScoring(stack, 'Batch', {
    scoringName: name,
    model: registered
      ? ModelSource.fromRegistry({ namePrefix: 'air-test', model: 'delay', artifacts, image })
      : ModelSource.fromTarball(artifacts, `${name}/model.tar.gz`, { image }),
    instance: InstanceType.ML_M5_LARGE,
    input: { bucket: Bucket.fromBucketName(stack, 'In', 'batch-in'), prefix: name, filter: '$[1:]' },
    output: { bucket: Bucket.fromBucketName(stack, 'Out', 'batch-out'), joinInput: true, filter: '$[0,-1]' },
    schedule: timed ? ScheduleExpression.cron({ minute: '0/10', timeZone: TimeZone.EUROPE_BERLIN }) : undefined,
    slo: BatchSlo.finished({ within: Duration.minutes(30) }),
  });
  return scope.synth().getStackByName(stack.stackName).template as object;
}

process.stdout.write(JSON.stringify((JSON.parse(process.argv[2]) as Options[]).map(templateOf)));
