import { SizeRoundingBehavior } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { environmentProblems } from '../../models/container-environment';
import { ImageAccelerator } from '../../models/inference-image';
import { mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { imageProblems, physicalNameProblems, seconds, sourceProblems, warnOfModel } from '../endpoint/endpoint-checks';
import { locationProblems, sameBucket } from '../endpoint/location-checks';
import { networkProblems } from '../endpoint/network-checks';
import { BatchSplit } from './batch-location';
import { BatchScoringProps } from './batch-scoring-props';
import { BatchSettings } from './batch-settings';

/** Families of types that transform jobs run on (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html). */
const FAMILIES = 'm4 c4 p2 p3 c5 m5 m6i c6i r6i m7i c7i r7i g4dn g5 g6 g6e trn1 inf2'.split(' ');
const MOST_PAYLOAD = 100;
const MOST_ENVIRONMENT = 16;
const MINUTE = 60;
const DAY = 24 * 3600;

/** Everything that is wrong with a batch scoring, at once. @internal */
export function batchProblems(scope: Construct, props: BatchScoringProps, settings: BatchSettings): string[] {
  return [
    ...physicalNameProblems('scoringName', props.scoringName),
    ...sourceProblems(scope, props.model, props, settings),
    ...props.model._exclusionProblems('batch'),
    ...instanceProblems(props, settings),
    ...placeProblems(scope, settings),
    ...props.slo._problems(),
    ...timeProblems(props, settings),
    ...recordProblems(settings),
    ...jobEnvironmentProblems(props.environment ?? {}),
    ...networkProblems(scope, props),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(scope: Construct, props: BatchScoringProps): void {
  warnOfModel(scope, props);
}

function instanceProblems({ instance, model, volumeKey }: BatchScoringProps, { instanceCount }: BatchSettings): string[] {
  const family = /^ml\.([a-z0-9]+)\./.exec(instance.name)?.[1] ?? '';
  const cuda = Number(model.image.cudaVersion?.split('.')[0] ?? 0);
  return [
    ...(instance._checked && !FAMILIES.includes(family)
      ? [
          `'instance' ${instance.name} does not run transform jobs: use a type of ${FAMILIES.join(', ')}, or InstanceType.of() if that has changed`,
        ]
      : []),
    ...imageProblems(instance, model.image),
    ...(model.image.accelerator === ImageAccelerator.GPU && cuda > 12
      ? [
          `'image' ${model.image.label} needs CUDA ${model.image.cudaVersion}, and the newest driver of transform jobs, 535, runs CUDA 12: use an older image`,
        ]
      : []),
    ...(volumeKey !== undefined && instance.localStorage
      ? [`'volumeKey' cannot be set for ${instance.name}: jobs refuse it, and hardware encrypts its local NVMe storage; leave it out`]
      : []),
    ...notWhole('instanceCount', instanceCount),
    ...outsideRange('instanceCount', instanceCount, 1, 100),
  ];
}

function placeProblems(scope: Construct, { input, output }: BatchSettings): string[] {
  const nested = `${output.prefix}/`.startsWith(`${input.prefix}/`);
  return [
    ...unknownAtSynth('input.prefix', input.prefix),
    ...unknownAtSynth('output.prefix', output.prefix),
    ...locationProblems(scope, 'input', { bucket: input.bucket, prefix: input.prefix }),
    ...locationProblems(scope, 'output', { bucket: output.bucket, prefix: output.prefix }),
    ...(nested && sameBucket(input.bucket, output.bucket)
      ? [
          `'output.prefix' ${output.prefix} lies below 'input.prefix' ${input.prefix}: the next run would score the scores of this one; keep them apart`,
        ]
      : []),
    ...filterProblems('input.filter', input.filter),
    ...filterProblems('output.filter', output.filter),
    ...mismatch('input.contentType', input.contentType, /^.{1,256}$/, '1 to 256 characters'),
    ...mismatch('output.accept', output.accept, /^.{1,256}$/, '1 to 256 characters'),
  ];
}

const filterProblems = (name: string, filter: string | undefined): string[] =>
  mismatch(name, filter, /^\$.{0,62}$/, "a JSONPath that begins with '$', of at most 63 characters");

function timeProblems({ slo }: BatchScoringProps, { timeout, invocationTimeout, invocationRetries }: BatchSettings): string[] {
  const problems = [
    ...unknownAmount('invocationTimeout', invocationTimeout),
    ...seconds('invocationTimeout', invocationTimeout, 1, 3600),
    ...notWhole('invocationRetries', invocationRetries),
    ...outsideRange('invocationRetries', invocationRetries, 0, 3),
  ];
  if (slo._problems().length > 0 || timeout.isUnresolved()) {
    return [...problems, ...(slo._problems().length > 0 ? [] : unknownAmount('timeout', timeout))];
  }
  problems.push(...seconds('timeout', timeout, 5 * MINUTE, 10 * DAY));
  const [limit, promised] = [timeout, slo.within].map((time) => time.toSeconds({ integral: false }));
  return limit < promised
    ? [...problems, `'timeout' of ${limit} s is shorter than the ${promised} s of 'slo.within': make it at least as long`]
    : problems;
}

function recordProblems({ input, strategy, maxConcurrentTransforms, maxPayload }: BatchSettings): string[] {
  const problems = [
    ...unknownAtSynth('maxConcurrentTransforms', maxConcurrentTransforms),
    ...notWhole('maxConcurrentTransforms', maxConcurrentTransforms),
    ...outsideRange('maxConcurrentTransforms', maxConcurrentTransforms, 1, MOST_PAYLOAD),
    ...unknownAmount('maxPayload', maxPayload),
  ];
  if (input.split === BatchSplit.NONE && strategy !== undefined) {
    problems.push(`'strategy' ${strategy} needs records: give 'input.split' or leave it out`);
  }
  if (problems.length > 0 || maxPayload.isUnresolved()) {
    return problems;
  }
  const payload = maxPayload.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
  problems.push(...notWhole('maxPayload, in MB,', payload), ...outsideRange('maxPayload, in MB,', payload, 1, MOST_PAYLOAD));
  return maxConcurrentTransforms * payload > MOST_PAYLOAD
    ? [
        ...problems,
        `'maxConcurrentTransforms' of ${maxConcurrentTransforms} times 'maxPayload' of ${payload} MB is more than ${MOST_PAYLOAD} MB: lower one of them`,
      ]
    : problems;
}

function jobEnvironmentProblems(environment: Readonly<Record<string, string>>): string[] {
  const count = Object.keys(environment).length;
  return [
    ...environmentProblems(environment),
    ...(count > MOST_ENVIRONMENT
      ? [`'environment' of a job must have at most ${MOST_ENVIRONMENT} entries, got ${count}: set others at the model`]
      : []),
  ];
}
