import { Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { mismatch, notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { isUnguarded, servedProblems } from '../endpoint/endpoint-checks';
import { EndpointBase } from '../endpoint/endpoint-base';
import { priorityProblems } from '../endpoint/priority-checks';
import { allVariants, EndpointSettings, VariantSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';
import { standInProblems } from './stand-in-checks';

/** Each variant has up to two alarms that undo a deployment, of which SageMaker takes ten (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html). */
const MOST_VARIANTS = 4;

/** What is wrong with the variants beside the endpoint's own. @internal */
export function variantsProblems(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): string[] {
  const { variants, shadow } = settings;
  const owned: [string, VariantSettings][] = variants.map((variant, position) => [`variants[${position}]`, variant]);
  const all = shadow === undefined ? owned : [...owned, ['shadow', shadow] as [string, VariantSettings]];
  return [
    ...all.flatMap(([property, variant]) => variantProblems(scope, property, props, variant)),
    ...owned.flatMap(promiseProblems),
    ...weightProblems(props, settings),
    ...nameClashes(all),
    ...pointerClashes(props, all),
    ...all.flatMap(([property, variant]) => releaseProblems(property, props, variant)),
    ...owned.flatMap(([property, variant]) => standInProblems(scope, props, variant).map((problem) => `'${property}': ${problem}`)),
    ...keyProblems(props, settings),
    ...scalingProblems(settings),
    ...shadowProblems(props, settings),
    ...(variants.length > MOST_VARIANTS
      ? [
          `'variants' may be at most ${MOST_VARIANTS}, got ${variants.length}: SageMaker takes ten rollback alarms, and each variant has two`,
        ]
      : []),
  ];
}

function variantProblems(scope: Construct, property: string, host: InferenceEndpointProps, variant: VariantSettings): string[] {
  const { name, scaling } = variant;
  const shape = "1 to 40 letters, digits and inner hyphens, not ending in 'rollback'";
  return [
    ...unknownAtSynth(`${property}.name`, name),
    ...mismatch(`${property}.name`, name, /^(?!.*rollback$)(?=.{1,40}$)[A-Za-z0-9](-*[A-Za-z0-9])*$/, shape),
    ...servedProblems(scope, host, variant, scaling.isAutomatic).map((problem) => `'${property}': ${problem}`),
  ];
}

/** What only those have that answer. */
const promiseProblems = ([property, { slo, scaling, model }]: [string, VariantSettings]): string[] =>
  [...slo._problems(), ...scaling._problems(), ...priorityProblems('scaling.capacity', model, scaling.capacity)].map(
    (problem) => `'${property}': ${problem}`,
  );

function weightProblems({ weight }: InferenceEndpointProps, settings: EndpointSettings): string[] {
  const { variants } = settings;
  if (weight !== undefined && variants.length === 0) {
    return ["'weight' is a share against 'variants': give those too, or leave it out"];
  }
  const weights = [settings.weight, ...variants.map((variant) => variant.weight)];
  return [
    ...outsideRange('weight', settings.weight, 0, 1000),
    ...variants.flatMap((variant, position) => outsideRange(`variants[${position}].weight`, variant.weight, 0, 1000)),
    ...(weights.some((one) => Token.isUnresolved(one) || one !== 0) ? [] : ["'weight' of all variants is 0: nothing would serve"]),
  ];
}

function nameClashes(all: readonly [string, VariantSettings][]): string[] {
  const seen = new Map<string, string>([[EndpointBase.VARIANT_NAME, 'the endpoint itself']]);
  return all.flatMap(([property, { name }]) => {
    const other = seen.get(name);
    seen.set(name, other ?? `'${property}'`);
    return other === undefined ? [] : [`'${property}.name' '${name}' is the name of ${other} too: give each variant a name of its own`];
  });
}

/** A release moves one pointer and is verified on one variant: two of one pointer would be one model twice. */
function pointerClashes({ model }: InferenceEndpointProps, all: readonly [string, VariantSettings][]): string[] {
  const seen = new Map([[model._registry?.approvedParameter, 'the endpoint itself']]);
  return all.flatMap(([property, variant]) => {
    const pointer = variant.model._registry?.approvedParameter;
    const other = pointer === undefined ? undefined : seen.get(pointer);
    seen.set(pointer, other ?? `'${property}'`);
    return other === undefined
      ? []
      : [`'${property}.model' reads ${pointer}, as ${other} does: give each variant a model with a pointer of its own`];
  });
}

/** `ModelRelease` looks for the pointer of a variant in the stacks of the models of its workload, and passes roles below one path. */
function releaseProblems(property: string, { model }: InferenceEndpointProps, variant: VariantSettings): string[] {
  const [own, beside] = [model._registry?.rolePath, variant.model._registry?.rolePath];
  return beside === undefined || own === beside
    ? []
    : [
        `'${property}.model' is of a registry, whose releases look for it beside a model of the same registry: give 'model' by fromRegistry() with ` +
          `the same namePrefix, or '${property}.model' by fromTarball()`,
      ];
}

/** One configuration has one key, which local NVMe storage refuses and a volume needs. */
function keyProblems({ volumeKey, keepVolumeKey }: InferenceEndpointProps, settings: EndpointSettings): string[] {
  const kinds = new Set(allVariants(settings).map(({ instance }) => instance.localStorage === true));
  return volumeKey !== undefined && keepVolumeKey !== true && kinds.size > 1
    ? ["'volumeKey' is for volumes, and some variants have local NVMe storage, which takes no key: give all variants one kind of storage"]
    : [];
}

/** `RetainAllVariantProperties` is of the endpoint (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html). */
function scalingProblems({ scaling, variants }: EndpointSettings): string[] {
  const automatic = [scaling, ...variants.map((variant) => variant.scaling)].map((one) => one.isAutomatic);
  return new Set(automatic).size > 1
    ? [
        "'scaling' of some variants is automatic and of others fixed: an update keeps the counts of all variants or of none, so a fixed number " +
          'could never be changed; scale all of them or none',
      ]
    : [];
}

/**
 * One shadow, and then one production variant (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html), neither of them on
 * Inf1 (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html).
 */
function shadowProblems({ shadow: given }: InferenceEndpointProps, { shadow, variants, instance }: EndpointSettings): string[] {
  if (shadow === undefined) {
    return [];
  }
  return [
    ...(variants.length > 0
      ? ["'shadow' needs an endpoint of one variant, which SageMaker copies requests of: leave out 'variants' or 'shadow'"]
      : []),
    ...([instance, shadow.instance].some(isUnguarded)
      ? ["'shadow' is not for endpoints with Inf1 instances, which SageMaker does not shadow: use another instance type for both"]
      : []),
    ...unknownAtSynth('shadow.samplingPercent', given?.samplingPercent),
    ...notWhole('shadow.samplingPercent', shadow.samplingPercent),
    ...outsideRange('shadow.samplingPercent', shadow.samplingPercent, 1, 100),
    ...notWhole('shadow.instances', given?.instances),
    ...outsideRange('shadow.instances', given?.instances, 1, 1000),
  ];
}
