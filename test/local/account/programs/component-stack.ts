// Prints the templates of stacks with a component endpoint of our constructs: component-stack.ts '[{"name": ..., ...}, ...]'.
import { Duration, DefaultStackSynthesizer, Size, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../../lib/constructs/models';
import { ComponentEndpoint, Copies, InferenceComponent, InstanceScaleIn, InstanceType, Slo } from '../../../../lib/constructs/serving';
import { app } from '../../../support/synth';

/** What a test varies. */
interface Options {
  /** Name of the stack and the endpoint; the component is `<name>-model`. */
  readonly name: string;
  /** Key of the archive in the bucket `artifacts`. */
  readonly key: string;
  readonly minCopies: number;
  readonly maxCopies: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly componentName?: string;
  /** Memory of a copy; 1 GiB when absent. */
  readonly memoryGib?: number;
  /** Minutes after which copies are moved together; when absent instances go only when they have none. */
  readonly consolidateAfter?: number;
  /** Whether larger instances are taken when those of its type cannot be had. */
  readonly fallback?: boolean;
}

function templateOf(options: Options): object {
  const scope = app();
  const stack = new Stack(scope, options.name, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });
  const endpoint = new ComponentEndpoint(stack, 'Shared', {
    endpointName: options.name,
    instance: InstanceType.ML_M5_LARGE,
    minInstances: options.minInstances,
    maxInstances: options.maxInstances,
    fallbackInstances: options.fallback ? [InstanceType.ML_M5_XLARGE] : undefined,
    scaleIn:
      options.consolidateAfter === undefined
        ? undefined
        : InstanceScaleIn.consolidating({ cooldown: Duration.minutes(options.consolidateAfter) }),
  });
  new InferenceComponent(stack, 'Model', {
    endpoint,
    model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'artifacts'), options.key, {
      image: InferenceImage.scikitLearn('1.4-2'),
    }),
    componentName: options.componentName ?? `${options.name}-model`,
    compute: { minMemory: Size.gibibytes(options.memoryGib ?? 1) },
    copies: Copies.between(options.minCopies, options.maxCopies, { concurrency: 2 }),
    slo: Slo.latency({ percentile: 99, below: Duration.seconds(5) }),
  });
  return scope.synth().getStackByName(stack.stackName).template as object;
}

process.stdout.write(JSON.stringify((JSON.parse(process.argv[2]) as Options[]).map(templateOf)));
