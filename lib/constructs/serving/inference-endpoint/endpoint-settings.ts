import { Size } from 'aws-cdk-lib';
import { ModelSource } from '../../models/model-source';
import { EndpointCapture } from '../endpoint/endpoint-capture';
import { instanceSettings, InstanceSettings } from '../endpoint/instance-endpoint';
import { InferenceAmiVersion } from '../inference-ami';
import { ModelSize } from '../model-size';
import { Rollout } from '../rollout';
import { Scaling } from '../scaling';
import { Slo } from '../slo';
import type { InferenceEndpointProps } from './inference-endpoint';
import { BaseVariantProps } from './variant-props';

/** The properties of a variant beside the endpoint's own with every default in its place. @internal */
export interface VariantSettings extends InstanceSettings {
  readonly name: string;
  readonly model: ModelSource;
  readonly amiVersion?: InferenceAmiVersion;
  readonly modelSize?: ModelSize;
  /** The volume that was asked for. */
  readonly givenVolume?: Size;
  readonly weight: number;
  readonly slo: Slo;
  readonly scaling: Scaling;
}

/** The properties of an endpoint with every default in its place. @internal */
export interface EndpointSettings extends InstanceSettings {
  readonly slo: Slo;
  readonly scaling: Scaling;
  readonly rollout: Rollout;
  readonly capture?: Required<EndpointCapture>;
  readonly weight: number;
  /** Variants beside the endpoint's own. */
  readonly variants: readonly VariantSettings[];
  /** Its weight against the endpoint's own of 1 is the share of requests that it is sent. */
  readonly shadow?: VariantSettings & { readonly samplingPercent: number };
}

/** @internal */
export function settingsOf(props: InferenceEndpointProps): EndpointSettings {
  const { capture } = props;
  const scaling = props.scaling ?? Scaling.fixed(1);
  return {
    ...instanceSettings(props),
    slo: props.slo,
    scaling,
    rollout: props.rollout ?? Rollout.auto(),
    capture: capture && { bucket: capture.bucket, prefix: capture.prefix ?? 'endpoints', samplingPercent: capture.samplingPercent ?? 100 },
    weight: props.weight ?? 1,
    variants: (props.variants ?? []).map((variant) => ({
      ...variantSettings(props, variant),
      name: variant.name,
      weight: variant.weight,
      slo: variant.slo ?? props.slo,
      scaling: variant.scaling ?? Scaling.fixed(1),
    })),
    shadow: shadowSettings(props, scaling),
  };
}

function shadowSettings(props: InferenceEndpointProps, scaling: Scaling): EndpointSettings['shadow'] {
  const { shadow } = props;
  if (shadow === undefined) {
    return undefined;
  }
  const samplingPercent = shadow.samplingPercent ?? 100;
  return {
    ...variantSettings(props, shadow),
    name: shadow.name ?? 'Shadow',
    samplingPercent,
    weight: samplingPercent / 100,
    slo: props.slo,
    scaling: Scaling.fixed(shadow.instances ?? scaling.minInstances),
  };
}

/** Network, key and metrics come from the endpoint; what belongs to a model and its instances does not. */
function variantSettings(props: InferenceEndpointProps, own: BaseVariantProps) {
  const { model, modelSize, amiVersion, volumeSize, modelDownloadTimeout, startupTimeout } = own;
  const instance = own.instance ?? props.instance;
  const supply = { fallbackInstances: undefined, provisionTimeout: undefined, capacityReservationArn: undefined };
  const merged = { ...props, ...supply, model, instance, modelSize, amiVersion, volumeSize, modelDownloadTimeout, startupTimeout };
  return { ...instanceSettings(merged), model, amiVersion, modelSize, givenVolume: volumeSize };
}

/** All variants, the endpoint's own first. @internal */
export const allVariants = ({
  variants,
  shadow,
  ...own
}: EndpointSettings): readonly (InstanceSettings & { readonly scaling: Scaling })[] => [
  own,
  ...variants,
  ...(shadow === undefined ? [] : [shadow]),
];
