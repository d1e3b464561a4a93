import { Annotations, Duration, RemovalPolicy, Size, SizeRoundingBehavior, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ImageAccelerator, InferenceImage } from '../../models/inference-image';
import { ModelSource } from '../../models/model-source';
import { mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { chooseAmi } from '../inference-ami';
import { CATALOGUE_DATE, hostingRegions, isGpu, unknownInstanceType } from '../instance-catalogue';
import { InstanceType } from '../instance-type.generated';
import { MeasuredCapacity } from '../scaling';
import { EndpointProps } from './endpoint-base';
import { InstanceEndpointProps, InstanceHostProps, InstanceHostSettings, InstanceSettings, LoadSettings } from './instance-endpoint';
import { supplyProblems } from './instance-supply';
import { networkProblems, noRouteOut } from './network-checks';

const FREQUENCIES = [10, 30, 60, 120, 180, 240, 300];

/** What is wrong with an endpoint on instances that serves one model, whatever its kind. @internal */
export function instanceEndpointProblems(
  scope: Construct,
  props: InstanceEndpointProps,
  settings: InstanceSettings,
  isAutomatic: boolean,
): string[] {
  return [
    ...nameProblems(props),
    ...sourceProblems(scope, props.model, props, settings),
    ...imageProblems(props.instance, props.model.image),
    ...(props.modelSize?._problems(scope, props.instance, props.volumeSize) ?? []),
    ...hostProblems(scope, props, settings, isAutomatic),
    ...loadProblems(settings),
    ...supplyProblems(scope, props, settings.ami, props.model.image),
    ...(props.fallbackInstances ?? []).flatMap((fallback) => servedByProblems(scope, fallback, props)),
  ];
}

/** What is wrong with an instance type that is taken instead of the first for its model. */
const servedByProblems = (scope: Construct, instance: InstanceType, { model, modelSize, volumeSize }: InstanceEndpointProps): string[] =>
  [...imageProblems(instance, model.image), ...(modelSize?._problems(scope, instance, volumeSize) ?? [])].map(ofFallback);

const ofFallback = (problem: string): string => `'fallbackInstances': ${problem}`;

/** What is wrong with the source of a model where it is to be served. @internal */
export function sourceProblems(
  scope: Construct,
  model: ModelSource,
  host: Pick<InstanceHostProps, 'vpc' | 'vpcSubnets'>,
  { networkIsolation, removalPolicy }: Pick<InstanceHostSettings, 'networkIsolation' | 'removalPolicy'>,
): string[] {
  return [
    ...model._problems(scope, networkIsolation),
    ...(removalPolicy === RemovalPolicy.DESTROY ? [] : model._keptProblems()),
    ...(model.needsNetwork ? noRouteOut(host) : []),
  ];
}

/** What is wrong with a variant beside the endpoint's own: its model, and the instances that serve it. @internal */
export function servedProblems(
  scope: Construct,
  host: Pick<InstanceHostProps, 'vpc' | 'vpcSubnets'>,
  variant: InstanceSettings & Pick<InstanceEndpointProps, 'model' | 'modelSize'> & { readonly givenVolume?: Size },
  isAutomatic: boolean,
): string[] {
  const { model, modelSize, instance, ami, givenVolume } = variant;
  return [
    ...sourceProblems(scope, model, host, variant),
    ...imageProblems(instance, model.image),
    ...(modelSize?._problems(scope, instance, givenVolume) ?? []),
    ...instanceProblems(scope, { instance }, isAutomatic),
    ...ami.problems,
    ...volumeProblems({ instance, volumeSize: givenVolume }),
    ...loadProblems(variant),
  ];
}

/** What is wrong with the instances of an endpoint, whatever they serve. @internal */
export function hostProblems(scope: Construct, props: InstanceHostProps, settings: InstanceHostSettings, isAutomatic: boolean): string[] {
  return [
    ...instanceProblems(scope, props, isAutomatic),
    ...(props.fallbackInstances ?? []).flatMap((instance) => instanceProblems(scope, { instance }, isAutomatic).map(ofFallback)),
    ...settings.ami.problems,
    ...volumeProblems(props),
    ...metricProblems(settings, isAutomatic),
    ...networkProblems(scope, props),
  ];
}

/** What is wrong with the times that a model may take to load. @internal */
export function loadProblems({ modelDownloadTimeout, startupTimeout }: LoadSettings): string[] {
  return [...seconds('modelDownloadTimeout', modelDownloadTimeout, 60, 3600), ...seconds('startupTimeout', startupTimeout, 60, 3600)];
}

/** Adds a warning to `scope`. @internal */
export function addWarning(scope: Construct, id: string, message: string): void {
  Annotations.of(scope).addWarningV2(`cdk-ai-workloads:${id}`, message);
}

/** What is legal on instances but probably not meant. @internal */
export function warnOfInstance(scope: Construct, { model, instance, fallbackInstances = [], amiVersion }: InstanceEndpointProps): void {
  [instance, ...fallbackInstances].forEach((one) => warnOfUnlisted(scope, one));
  chooseAmi(instance, model.image, amiVersion).warnings.forEach((warning) => addWarning(scope, 'gpu-driver', warning));
  if (model.image.accelerator === ImageAccelerator.CPU && (instance.accelerators ?? 0) > 0) {
    addWarning(
      scope,
      'idle-accelerator',
      `the image ${model.image.label} runs on CPUs: the accelerator of ${instance.name} is paid for and stays idle`,
    );
  }
  if (isUnguarded(instance)) {
    addWarning(
      scope,
      'no-guardrails',
      `SageMaker updates ${instance.name} all at once, without a bake and without rollback by alarms: use Inf2 or another type for a safe update`,
    );
  }
}

/**
 * Whether SageMaker updates these instances without deployment guardrails, whatever is asked
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
 *
 * @internal
 */
export const isUnguarded = (instance: InstanceType): boolean => /^ml\.inf1\./.test(instance.name);

/** Says of an instance type that the catalogue does not list which checks are not made. @internal */
export function warnOfUnlisted(scope: Construct, instance: InstanceType): void {
  for (const problem of unknownInstanceType(instance.name, 'its memory, storage and Regions are not checked')) {
    addWarning(scope, 'uncatalogued-instance', problem);
  }
}

/** What is legal for a model but probably not meant. @internal */
export function warnOfModel(scope: Construct, { model, removalPolicy }: Pick<EndpointProps, 'model' | 'removalPolicy'>): void {
  const { _unpatchedSince: unpatched } = model.image;
  if (unpatched !== undefined) {
    addWarning(scope, 'unpatched-image', `the image ${model.image.label} gets no security patches after ${unpatched}: use a newer version`);
  }
  if (model._borrowedBucket && (removalPolicy ?? RemovalPolicy.DESTROY) !== RemovalPolicy.DESTROY) {
    addWarning(
      scope,
      'model-in-bootstrap-bucket',
      'the model lies in the asset bucket of the CDK bootstrap: copy it to a bucket of yours and use ModelSource.fromTarball() before you run `cdk gc`',
    );
  }
}

/**
 * Warning when the capacity that a target is computed from was measured under other conditions; `conditions` are those beyond instance and image.
 *
 * @internal
 */
export function warnOfCapacity(
  scope: Construct,
  { instance, fallbackInstances = [], model }: Pick<InstanceEndpointProps, 'instance' | 'fallbackInstances' | 'model'>,
  capacity: MeasuredCapacity | undefined,
  ...conditions: { readonly name: 'latencyPercentile' | 'latencyBelowMs'; readonly used?: number }[]
): void {
  if (capacity === undefined) {
    return;
  }
  if (fallbackInstances.length > 0) {
    const names = fallbackInstances.map(({ name }) => name).join(', ');
    addWarning(
      scope,
      'fallback-capacity',
      `${capacity.file} was measured on ${capacity.instance}, and ${names} may serve instead: make the weakest of them 'instance' and measure that`,
    );
  }
  const differences = [
    ['instance', capacity.instance, instance.name],
    // The name of a repository made in this app is not known yet: then the tag decides.
    ['image', capacity.image, capacity.image.endsWith(model.image.label) ? capacity.image : model.image.label],
    ...conditions.map(({ name, used }) => [name, capacity[name], used]),
  ].filter(([, measured, used]) => used !== undefined && measured !== used);
  if (differences.length > 0) {
    const list = differences.map(([name, measured, used]) => `${name} ${measured} there but ${used} here`).join(', ');
    addWarning(
      scope,
      'capacity-mismatch',
      `${capacity.file} was measured under other conditions (${list}): measure again, the scaling target is a guess`,
    );
  }
}

/** What is wrong with the name of an endpoint. @internal */
export function nameProblems(props: EndpointProps): string[] {
  return [...physicalNameProblems('endpointName', props.endpointName), ...registryNameProblems(props)];
}

/** What is wrong with the name that somebody gave an endpoint or a component. @internal */
export function physicalNameProblems(property: string, name: string | undefined): string[] {
  const shape = "1 to 63 lower-case letters, digits and inner hyphens (SageMaker lower-cases ARNs, so a grant on 'MyModel' would deny)";
  return [...unknownAtSynth(property, name), ...mismatch(property, name, /^[a-z0-9](-*[a-z0-9]){0,62}$/, shape)];
}

function registryNameProblems({ endpointName, model }: EndpointProps): string[] {
  const wanted = model._registry?.endpointName;
  return wanted === undefined || endpointName === undefined || Token.isUnresolved(endpointName) || endpointName === wanted
    ? []
    : [`'endpointName' must be '${wanted}', got '${endpointName}': releases of the registry's versions look for that name; leave it out`];
}

function instanceProblems(scope: Construct, { instance }: InstanceHostProps, isAutomatic: boolean): string[] {
  const { region } = Stack.of(scope);
  const problems: string[] = [];
  const regions = instance._checked && !Token.isUnresolved(region) ? hostingRegions(instance.name, region) : undefined;
  if (regions !== undefined && !regions.includes(region)) {
    const more = regions.length > 6 ? ` and ${regions.length - 6} more` : '';
    const where = regions.length === 0 ? 'any Region' : `${region}, only in ${regions.slice(0, 6).join(', ')}${more},`;
    problems.push(
      `'instance' ${instance.name} was not on sale for hosting in ${where} on ${CATALOGUE_DATE}: ` +
        `choose another, or give it with InstanceType.of() if that has changed`,
    );
  }
  if (instance.burstable && isAutomatic) {
    problems.push(
      `'instance' ${instance.name} is burstable, which SageMaker cannot scale: use a fixed number of instances or another type`,
    );
  }
  return problems;
}

/** What is wrong with an image on an instance type. @internal */
export function imageProblems(instance: InstanceType, image: InferenceImage): string[] {
  const problems: string[] = [];
  if (instance._shape?.arm && image._x86Only) {
    problems.push(
      `'instance' ${instance.name} is Arm but the image ${image.label} is x86-64: use an instance without 'g' behind its generation`,
    );
  }
  return [...problems, ...acceleratorProblems(instance, image)];
}

/** CUDA is for GPUs: not for CPUs, and not for the accelerators that AWS makes itself. */
function acceleratorProblems(instance: InstanceType, image: InferenceImage): string[] {
  return image.accelerator === ImageAccelerator.GPU && instance._shape !== undefined && !isGpu(instance._shape)
    ? [
        `'instance' ${instance.name} has no GPU but the image ${image.label} needs one: use a type of the families g and p, such as ml.g5.xlarge`,
      ]
    : [];
}

function volumeProblems({ instance, volumeSize, volumeKey, keepVolumeKey }: InstanceHostProps): string[] {
  const problems: string[] = [];
  if (volumeSize !== undefined && instance.localStorage) {
    problems.push(`'volumeSize' cannot be set for ${instance.name}, which uses its local NVMe storage: leave it out`);
  } else if (volumeSize !== undefined && !volumeSize.isUnresolved()) {
    const size = volumeSize.toGibibytes({ rounding: SizeRoundingBehavior.NONE });
    problems.push(...outsideRange('volumeSize, in GiB,', size, 1, 512), ...notWhole('volumeSize, in GiB,', size));
  }
  if ((keepVolumeKey ?? false) && volumeKey === undefined) {
    problems.push(`'keepVolumeKey' has no 'volumeKey' to keep: give the key or leave it out`);
  }
  return problems;
}

function metricProblems({ enhancedMetrics, metricFrequency }: InstanceHostSettings, isAutomatic: boolean): string[] {
  if (metricFrequency.isUnresolved()) {
    return unknownAmount('metricFrequency', metricFrequency);
  }
  const frequency = metricFrequency.toSeconds({ integral: false });
  if (!FREQUENCIES.includes(frequency)) {
    return [`'metricFrequency' must be one of ${FREQUENCIES.join(', ')} s, got ${frequency} s`];
  }
  if (frequency !== 60 && !enhancedMetrics) {
    return [`'metricFrequency' of ${frequency} s needs 'enhancedMetrics': without it only utilisation follows the frequency`];
  }
  return frequency > 60 && isAutomatic
    ? [`'metricFrequency' of ${frequency} s starves the scaling policy, which reads invocations every 60 s: use 60 s or less`]
    : [];
}

/** Problem when a time is not whole seconds within a range. @internal */
export function seconds(name: string, value: Duration, min: number, max: number): string[] {
  if (value.isUnresolved()) {
    return [];
  }
  const amount = value.toSeconds({ integral: false });
  return Number.isInteger(amount)
    ? outsideRange(`${name}, in seconds,`, amount, min, max)
    : [`'${name}' must be whole seconds, got ${amount} s`];
}
