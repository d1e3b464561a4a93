import { SizeRoundingBehavior } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ImageAccelerator, InferenceImage } from '../../models/inference-image';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { nameProblems, sourceProblems, warnOfModel } from '../endpoint/endpoint-checks';
import { ForeignProperties, foreignProblems, OF_QUEUES, OF_VARIANTS } from '../endpoint/foreign-properties';
import { MOST_CONCURRENCY } from './provisioned-concurrency';
import type { ServerlessEndpointProps } from './serverless-endpoint';
import { ServerlessSettings, rolloutSetting } from './serverless-settings';

/**
 * What other endpoints of this library have and serverless ones do not (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html,
 * Feature exclusions).
 */
const EXCLUDED: ForeignProperties = {
  instance: "have no instances: give 'memory'",
  scaling: "scale by themselves: give 'maxConcurrency'",
  vpc: 'cannot be attached to a VPC',
  vpcSubnets: 'cannot be attached to a VPC',
  securityGroups: 'cannot be attached to a VPC',
  networkIsolation: 'cannot be isolated from the network',
  capture: 'cannot capture requests and answers',
  volumeKey: 'have no storage volume to encrypt',
  keepVolumeKey: 'have no storage volume to encrypt',
  volumeSize: 'have 5 GB of storage and no volume',
  modelSize: "have no GPU memory to check against: give 'memory'",
  amiVersion: 'have no machine image',
  enhancedMetrics: 'publish no enhanced metrics',
  metricFrequency: 'publish metrics once a minute',
  modelDownloadTimeout: 'have time-outs of their own',
  startupTimeout: 'have time-outs of their own',
  fallbackInstances: "have no instances: give 'memory'",
  provisionTimeout: 'have no instances',
  capacityReservationArn: 'have no instances',
  routing: 'have no instances to choose from',
  prefixAwareRouting: 'have no instances to choose from',
  minInstances: "have no instances: give 'provisionedConcurrency'",
  maxInstances: "have no instances: give 'maxConcurrency'",
  scaleIn: 'have no instances',
  ...OF_VARIANTS,
  ...OF_QUEUES,
};

const GIB = 1024;

/** Everything that is wrong with a serverless endpoint, at once. @internal */
export function serverlessProblems(scope: Construct, props: ServerlessEndpointProps, settings: ServerlessSettings): string[] {
  const { slo, maxConcurrency, provisionedConcurrency, rollout, removalPolicy } = settings;
  return [
    ...foreignProblems('serverless endpoints', props, EXCLUDED),
    ...nameProblems(props),
    ...sourceProblems(scope, props.model, {}, { networkIsolation: false, removalPolicy }),
    ...props.model._exclusionProblems('serverless'),
    ...gpuProblems(props.model.image),
    ...slo._problems(),
    ...memoryProblems(settings),
    ...notWhole('maxConcurrency', maxConcurrency),
    ...outsideRange('maxConcurrency', maxConcurrency, 1, MOST_CONCURRENCY),
    ...(provisionedConcurrency === undefined
      ? []
      : [...unknownAtSynth('maxConcurrency', maxConcurrency), ...provisionedConcurrency._problems(maxConcurrency)]),
    ...coldStartProblems(settings),
    ...rollout._problems(rolloutSetting(settings)),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(scope: Construct, props: ServerlessEndpointProps): void {
  warnOfModel(scope, props);
}

function gpuProblems(image: InferenceImage): string[] {
  return image.accelerator === ImageAccelerator.GPU
    ? [`'image' ${image.label} needs a GPU, and serverless endpoints have none: use an image for CPUs or an InferenceEndpoint`]
    : [];
}

function memoryProblems({ memory }: ServerlessSettings): string[] {
  if (memory.isUnresolved()) {
    return unknownAmount('memory', memory);
  }
  const mebibytes = memory.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
  return mebibytes % GIB === 0 && mebibytes >= GIB && mebibytes <= 6 * GIB
    ? []
    : [`'memory' must be 1, 2, 3, 4, 5 or 6 GiB, got ${mebibytes} MiB`];
}

function coldStartProblems({ coldStartBelow }: ServerlessSettings): string[] {
  return coldStartBelow.isUnresolved()
    ? unknownAmount('coldStartBelow', coldStartBelow)
    : outsideRange('coldStartBelow, in seconds,', coldStartBelow.toSeconds({ integral: false }), 1, 600);
}
