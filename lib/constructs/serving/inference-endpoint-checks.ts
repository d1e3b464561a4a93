import { Annotations, Duration, RemovalPolicy, SizeRoundingBehavior, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { ImageAccelerator } from '../models/inference-image';
import { mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { rolloutSetting } from './endpoint-deployment';
import { EndpointSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';
import { CATALOGUE_DATE, hostingRegions, unknownInstanceType } from './instance-catalogue';
import { networkProblems } from './network-checks';

const FREQUENCIES = [10, 30, 60, 120, 180, 240, 300];

/** Everything that is wrong with an endpoint, at once. @internal */
export function endpointProblems(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): string[] {
  return [
    ...nameProblems(props.endpointName),
    ...registryNameProblems(props),
    ...props.model._problems(scope, settings.networkIsolation),
    ...instanceProblems(scope, props, settings),
    ...settings.slo._problems(),
    ...settings.scaling._problems(),
    ...volumeProblems(props),
    ...seconds('modelDownloadTimeout', settings.modelDownloadTimeout, 60, 3600),
    ...seconds('startupTimeout', settings.startupTimeout, 60, 3600),
    ...captureProblems(scope, settings),
    ...metricProblems(settings),
    ...networkProblems(scope, props),
    ...rolloutProblems(settings),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): void {
  const add = (id: string, message: string) => Annotations.of(scope).addWarningV2(`cdk-ai-workloads:${id}`, message);
  const { instance, scaling, slo } = settings;
  for (const problem of unknownInstanceType(instance.name)) {
    add('uncatalogued-instance', `${problem}; its memory, storage and Regions are not checked`);
  }
  if (props.model.image.accelerator === ImageAccelerator.CPU && (instance.accelerators ?? 0) > 0) {
    add(
      'idle-accelerator',
      `the image ${props.model.image.label} runs on CPUs: the accelerator of ${instance.name} is paid for and stays idle`,
    );
  }
  const { _unpatchedSince: unpatched } = props.model.image;
  if (unpatched !== undefined) {
    add('unpatched-image', `the image ${props.model.image.label} gets no security patches after ${unpatched}: use a newer version`);
  }
  if (props.model._borrowedBucket && settings.removalPolicy !== RemovalPolicy.DESTROY) {
    add(
      'model-in-bootstrap-bucket',
      'the model lies in the asset bucket of the CDK bootstrap: copy it to a bucket of yours and use ModelSource.fromTarball() before you run `cdk gc`',
    );
  }
  const { capacity } = scaling;
  if (capacity === undefined) {
    return;
  }
  const bound = slo.latencyBelow?.toMilliseconds({ integral: false });
  const differences = [
    ['instance', capacity.instance, instance.name],
    // The name of a repository made in this app is not known yet: then the tag decides.
    ['image', capacity.image, capacity.image.endsWith(props.model.image.label) ? capacity.image : props.model.image.label],
    ['latencyPercentile', capacity.latencyPercentile, slo.latencyPercentile],
    ['latencyBelowMs', capacity.latencyBelowMs, bound],
  ].filter(([, measured, used]) => used !== undefined && measured !== used);
  if (differences.length > 0) {
    const list = differences.map(([name, measured, used]) => `${name} ${measured} there but ${used} here`).join(', ');
    add(
      'capacity-mismatch',
      `${capacity.file} was measured under other conditions (${list}): measure again, the scaling target is a guess`,
    );
  }
}

function nameProblems(name: string | undefined): string[] {
  const shape = "1 to 63 lower-case letters, digits and inner hyphens (SageMaker lower-cases ARNs, so a grant on 'MyModel' would deny)";
  return [...unknownAtSynth('endpointName', name), ...mismatch('endpointName', name, /^[a-z0-9](-*[a-z0-9]){0,62}$/, shape)];
}

function registryNameProblems({ endpointName, model }: InferenceEndpointProps): string[] {
  const wanted = model._registry?.endpointName;
  return wanted === undefined || endpointName === undefined || Token.isUnresolved(endpointName) || endpointName === wanted
    ? []
    : [`'endpointName' must be '${wanted}', got '${endpointName}': releases of the registry's versions look for that name; leave it out`];
}

/** Checked only when everything that a rollout is computed from is sound. */
function rolloutProblems(settings: EndpointSettings): string[] {
  const sound = !settings.metricFrequency.isUnresolved() && settings.scaling._problems().length === 0;
  return sound ? settings.rollout._problems(rolloutSetting(settings)) : [];
}

function instanceProblems(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): string[] {
  const { region } = Stack.of(scope);
  const { instance } = settings;
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
  if (instance.burstable && settings.scaling.isAutomatic) {
    problems.push(`'instance' ${instance.name} is burstable, which SageMaker cannot scale: use Scaling.fixed() or another type`);
  }
  if (instance._shape?.arm && props.model.image._x86Only) {
    problems.push(
      `'instance' ${instance.name} is Arm but the image ${props.model.image.label} is x86-64: use an instance without 'g' behind its generation`,
    );
  }
  return [...problems, ...acceleratorProblems(props)];
}

/** CUDA is for GPUs: not for CPUs, and not for the accelerators that AWS makes itself. */
function acceleratorProblems({ instance, model: { image } }: InferenceEndpointProps): string[] {
  const accelerator = instance._shape?.accelerator?.name;
  const gpu = accelerator !== undefined && !/^(Inferentia|Trainium)/.test(accelerator);
  return image.accelerator === ImageAccelerator.GPU && instance._shape !== undefined && !gpu
    ? [
        `'instance' ${instance.name} has no GPU but the image ${image.label} needs one: use a type of the families g and p, such as ml.g5.xlarge`,
      ]
    : [];
}

function volumeProblems({ instance, volumeSize, volumeKey, keepVolumeKey }: InferenceEndpointProps): string[] {
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

function captureProblems(scope: Construct, { capture }: EndpointSettings): string[] {
  if (capture === undefined) {
    return [];
  }
  const [here, there] = [Stack.of(scope).region, capture.bucket.env.region];
  const elsewhere = ![here, there].some((region) => Token.isUnresolved(region)) && here !== there;
  return [
    ...outsideRange('capture.samplingPercent', capture.samplingPercent, 0, 100),
    ...notWhole('capture.samplingPercent', capture.samplingPercent),
    ...mismatch(
      'capture.prefix',
      capture.prefix,
      /^[A-Za-z0-9!_.'()=-]+(\/[A-Za-z0-9!_.'()=-]+)*$/,
      "a key prefix without '/' at either end",
    ),
    ...(elsewhere ? [`'capture.bucket' is in ${there} but the endpoint in ${here}: capture to a bucket in ${here}`] : []),
  ];
}

function metricProblems({ enhancedMetrics, metricFrequency, scaling }: EndpointSettings): string[] {
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
  return frequency > 60 && scaling.isAutomatic
    ? [`'metricFrequency' of ${frequency} s starves the scaling policy, which reads invocations every 60 s: use 60 s or less`]
    : [];
}

function seconds(name: string, value: Duration, min: number, max: number): string[] {
  if (value.isUnresolved()) {
    return [];
  }
  const amount = value.toSeconds({ integral: false });
  return Number.isInteger(amount)
    ? outsideRange(`${name}, in seconds,`, amount, min, max)
    : [`'${name}' must be whole seconds, got ${amount} s`];
}
