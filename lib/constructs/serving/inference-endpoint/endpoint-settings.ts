import { EndpointCapture } from '../endpoint/endpoint-capture';
import { InstanceSettings, instanceSettings } from '../endpoint/instance-endpoint';
import { Rollout } from '../rollout';
import { Scaling } from '../scaling';
import { Slo } from '../slo';
import type { InferenceEndpointProps } from './inference-endpoint';

/** The properties of an endpoint with every default in its place. @internal */
export interface EndpointSettings extends InstanceSettings {
  readonly slo: Slo;
  readonly scaling: Scaling;
  readonly rollout: Rollout;
  readonly capture?: Required<EndpointCapture>;
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
  };
}
