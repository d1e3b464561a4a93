import { Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { mismatch, notWhole, outsideRange } from '../../shared/checks';
import { addWarning, instanceEndpointProblems, warnOfInstance, warnOfModel } from '../endpoint/endpoint-checks';
import { rolloutSetting } from './endpoint-deployment';
import { EndpointSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';

/** Everything that is wrong with an endpoint, at once. @internal */
export function endpointProblems(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): string[] {
  return [
    ...instanceEndpointProblems(scope, props, settings, settings.scaling.isAutomatic),
    ...settings.slo._problems(),
    ...settings.scaling._problems(),
    ...captureProblems(scope, settings),
    ...rolloutProblems(settings),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(scope: Construct, props: InferenceEndpointProps, settings: EndpointSettings): void {
  warnOfInstance(scope, props);
  warnOfModel(scope, props);
  warnOfCapacity(scope, props, settings);
}

function warnOfCapacity(scope: Construct, props: InferenceEndpointProps, { instance, scaling, slo }: EndpointSettings): void {
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
    addWarning(
      scope,
      'capacity-mismatch',
      `${capacity.file} was measured under other conditions (${list}): measure again, the scaling target is a guess`,
    );
  }
}

/** Checked only when everything that a rollout is computed from is sound. */
function rolloutProblems(settings: EndpointSettings): string[] {
  const sound = !settings.metricFrequency.isUnresolved() && settings.scaling._problems().length === 0;
  return sound ? settings.rollout._problems(rolloutSetting(settings)) : [];
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
