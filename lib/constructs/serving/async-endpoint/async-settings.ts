import { Duration } from 'aws-cdk-lib';
import { isUnguarded } from '../endpoint/endpoint-checks';
import { InstanceSettings, instanceSettings } from '../endpoint/instance-endpoint';
import { Rollout } from '../rollout';
import { RolloutSetting } from '../rollout/way';
import { BacklogScaling, MeasuredCapacity } from '../scaling';
import type { AsyncEndpointProps } from './async-endpoint';
import { AsyncInput, AsyncOutput } from './async-location';
import { AsyncSlo } from './async-slo';

/** The properties of an asynchronous endpoint with every default in its place. @internal */
export interface AsyncSettings extends InstanceSettings {
  readonly slo: AsyncSlo;
  readonly scaling: BacklogScaling;
  readonly rollout: Rollout;
  readonly input: Required<AsyncInput>;
  readonly output: Required<AsyncOutput>;
  readonly maxConcurrentInvocations: number;
}

/** Most that the service sends to an instance at once. @internal */
export const MOST_INVOCATIONS = 1000;

/** @internal */
export function settingsOf(props: AsyncEndpointProps, endpointName: string): AsyncSettings {
  const scaling = props.scaling ?? BacklogScaling.fixed(1);
  return {
    ...instanceSettings(props),
    slo: props.slo,
    scaling,
    rollout: props.rollout ?? Rollout.auto(),
    input: { bucket: props.input.bucket, prefix: props.input.prefix ?? `${endpointName}/requests` },
    output: { bucket: props.output.bucket, prefix: props.output.prefix ?? endpointName },
    maxConcurrentInvocations: props.maxConcurrentInvocations ?? concurrencyOf(scaling.capacity),
  };
}

/** How many instances there are at first: the service makes no variant without one. @internal */
export const initialInstances = ({ scaling }: AsyncSettings): number => (scaling.minInstances === 0 ? 1 : scaling.minInstances);

/**
 * Span that the alarms on failures look at, whole minutes from 5 to 30: invocations that take long end seldom, and a rollout cannot be watched
 * for longer than an hour.
 *
 * @internal
 */
export function failureWindow({ slo }: AsyncSettings): Duration {
  return Duration.minutes(Math.min(30, Math.max(5, Math.ceil(slo.within.toMinutes({ integral: false })))));
}

/** Longest until an instance that was provided serves, or is given up, seconds. @internal */
export function startSeconds({ modelDownloadTimeout, startupTimeout }: AsyncSettings): number {
  const longest = (time: Duration): number => (time.isUnresolved() ? 3600 : time.toSeconds({ integral: false }));
  return Math.ceil(longest(modelDownloadTimeout) + longest(startupTimeout));
}

/** What a rollout must know of its endpoint. @internal */
export function rolloutSetting(settings: AsyncSettings): RolloutSetting {
  const { least, most } = settings.scaling._range;
  return {
    minInstances: least === 0 ? 1 : least,
    maxInstances: most,
    accelerators: settings.instance.accelerators ?? 0,
    unguarded: isUnguarded(settings.instance),
    startSeconds: startSeconds(settings),
    alarmSeconds: failureWindow(settings).toSeconds(),
  };
}

/**
 * What a measured instance had in flight when it still kept its latency: by Little's law no more than rate x latency. Without a measurement one
 * at a time, which leaves the container's other workers to answer pings
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-troubleshooting.html).
 */
function concurrencyOf(capacity: MeasuredCapacity | undefined): number {
  const inFlight = capacity === undefined ? 1 : (capacity.requestsPerSecondPerInstance * capacity.latencyBelowMs) / 1000;
  return Math.min(MOST_INVOCATIONS, Math.max(1, Math.ceil(inFlight)));
}
