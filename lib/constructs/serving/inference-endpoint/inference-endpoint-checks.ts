import { Construct } from 'constructs';
import { notWhole, outsideRange } from '../../shared/checks';
import { instanceEndpointProblems, warnOfCapacity, warnOfInstance, warnOfModel } from '../endpoint/endpoint-checks';
import { foreignProblems, OF_COMPONENTS, OF_QUEUES, OF_SERVERLESS } from '../endpoint/foreign-properties';
import { locationProblems } from '../endpoint/location-checks';
import { priorityProblems } from '../endpoint/priority-checks';
import { routingProblems } from '../endpoint/routing';
import { rolloutSetting } from './endpoint-deployment';
import { allVariants, EndpointSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';
import { variantsProblems } from './variant-checks';

/** Everything that is wrong with an endpoint, at once. @internal */
export function endpointProblems(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): string[] {
  return [
    ...foreignProblems('real-time endpoints', props, { ...OF_QUEUES, ...OF_SERVERLESS, ...OF_COMPONENTS }),
    ...instanceEndpointProblems(scope, props, settings, settings.scaling.isAutomatic),
    ...settings.slo._problems(),
    ...settings.scaling._problems(),
    ...priorityProblems('scaling.capacity', props.model, settings.scaling.capacity),
    ...frequencyProblems(settings),
    ...routingProblems(props),
    ...captureProblems(scope, settings),
    ...variantsProblems(scope, props, settings),
    ...rolloutProblems(settings),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(
  scope: Construct,
  served: Pick<InferenceEndpointProps, 'model' | 'instance' | 'amiVersion' | 'removalPolicy'> & Pick<EndpointSettings, 'slo' | 'scaling'>,
): void {
  const { slo, scaling } = served;
  warnOfInstance(scope, served);
  warnOfModel(scope, served);
  warnOfCapacity(
    scope,
    served,
    scaling.capacity,
    { name: 'latencyPercentile', used: slo.latencyPercentile },
    { name: 'latencyBelowMs', used: slo.latencyBelow?.toMilliseconds({ integral: false }) },
  );
}

/**
 * Concurrent requests come every ten seconds by themselves; with enhanced metrics they come as often as the rest, and an alarm that looks every
 * ten seconds would starve (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MetricsConfig.html).
 */
function frequencyProblems(settings: EndpointSettings): string[] {
  const { enhancedMetrics, metricFrequency } = settings;
  const needed = allVariants(settings).some(({ scaling }) => scaling._needsTenSeconds);
  const frequency = metricFrequency.isUnresolved() ? undefined : metricFrequency.toSeconds({ integral: false });
  return needed && enhancedMetrics && frequency !== undefined && frequency !== 10
    ? [
        `'metricFrequency' of ${frequency} s starves 'scaling.concurrency', which is read every 10 s: with 'enhancedMetrics' make it 10 s, ` +
          'or leave both out',
      ]
    : [];
}

/** Checked only when everything that a rollout is computed from is sound. */
function rolloutProblems(settings: EndpointSettings): string[] {
  const sound = !settings.metricFrequency.isUnresolved() && allVariants(settings).every(({ scaling }) => scaling._problems().length === 0);
  return sound ? settings.rollout._problems(rolloutSetting(settings)) : [];
}

function captureProblems(scope: Construct, { capture }: EndpointSettings): string[] {
  if (capture === undefined) {
    return [];
  }
  return [
    ...outsideRange('capture.samplingPercent', capture.samplingPercent, 0, 100),
    ...notWhole('capture.samplingPercent', capture.samplingPercent),
    ...locationProblems(scope, 'capture', capture),
  ];
}
