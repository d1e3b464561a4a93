import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { EndpointCapture } from './endpoint-capture';
import type { InferenceEndpointProps } from './inference-endpoint';
import { InstanceType } from './instance-type.generated';
import { Rollout } from './rollout';
import { Scaling } from './scaling';
import { Slo } from './slo';

/** The properties of an endpoint with every default in its place. @internal */
export interface EndpointSettings {
  readonly variantName: string;
  readonly instance: InstanceType;
  readonly slo: Slo;
  readonly scaling: Scaling;
  readonly rollout: Rollout;
  readonly capture?: Required<EndpointCapture>;
  readonly networkIsolation: boolean;
  readonly volumeSize?: Size;
  readonly modelDownloadTimeout: Duration;
  readonly startupTimeout: Duration;
  readonly enhancedMetrics: boolean;
  readonly metricFrequency: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** Volume of families without local storage: the container's image, the archive and the model unpacked. */
const DEFAULT_VOLUME = Size.gibibytes(30);

/** Weights of models that need an accelerator are large: half an hour, otherwise ten minutes. */
const loadTime = (instance: InstanceType) => Duration.minutes((instance.accelerators ?? 0) > 0 ? 30 : 10);

/** @internal */
export function settingsOf(props: InferenceEndpointProps, variantName: string): EndpointSettings {
  const { instance, capture } = props;
  const scaling = props.scaling ?? Scaling.fixed(1);
  return {
    variantName,
    instance,
    slo: props.slo,
    scaling,
    rollout: props.rollout ?? Rollout._defaultFor(scaling.minInstances, instance.accelerators ?? 0),
    capture: capture && { bucket: capture.bucket, prefix: capture.prefix ?? 'endpoints', samplingPercent: capture.samplingPercent ?? 100 },
    networkIsolation: props.networkIsolation ?? true,
    volumeSize: props.volumeSize ?? (instance.localStorage === false ? DEFAULT_VOLUME : undefined),
    modelDownloadTimeout: props.modelDownloadTimeout ?? loadTime(instance),
    startupTimeout: props.startupTimeout ?? loadTime(instance),
    enhancedMetrics: props.enhancedMetrics ?? false,
    metricFrequency: props.metricFrequency ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  };
}
