import { Construct } from 'constructs';
import { notWhole, outsideRange } from '../../shared/checks';
import { addWarning, instanceEndpointProblems, warnOfCapacity, warnOfInstance, warnOfModel } from '../endpoint/endpoint-checks';
import { ForeignProperties, foreignProblems, OF_COMPONENTS, OF_SERVERLESS, OF_VARIANTS } from '../endpoint/foreign-properties';
import { locationProblems, sameBucket } from '../endpoint/location-checks';
import { priorityProblems } from '../endpoint/priority-checks';
import type { AsyncEndpointProps } from './async-endpoint';
import { AsyncSettings, MOST_INVOCATIONS, rolloutSetting } from './async-settings';

/** What other endpoints of this library have and asynchronous ones do not. */
const EXCLUDED: ForeignProperties = {
  capture: "keep requests and answers in 'input' and 'output' anyway",
  routing: 'work off a queue',
  prefixAwareRouting: 'work off a queue',
  ...OF_VARIANTS,
  ...OF_SERVERLESS,
  ...OF_COMPONENTS,
};

/** From the first invocation to the first answer: measured starts took 258 to 564 s (docs/capacity-file.md says how to measure one). */
const START_SECONDS = 600;

/** Everything that is wrong with an asynchronous endpoint, at once. @internal */
export function asyncEndpointProblems(scope: Construct, props: AsyncEndpointProps, settings: AsyncSettings): string[] {
  const { slo, scaling, maxConcurrentInvocations } = settings;
  return [
    ...foreignProblems('asynchronous endpoints', props, EXCLUDED),
    ...instanceEndpointProblems(scope, props, settings, scaling.isAutomatic),
    ...slo._problems(),
    ...scaling._problems(slo.within),
    ...priorityProblems('scaling.capacity', props.model, scaling.capacity),
    ...placeProblems(scope, settings),
    ...notWhole('maxConcurrentInvocations', maxConcurrentInvocations),
    ...outsideRange('maxConcurrentInvocations', maxConcurrentInvocations, 1, MOST_INVOCATIONS),
    ...rolloutProblems(settings),
  ];
}

/** What is legal but probably not meant. @internal */
export function warn(scope: Construct, props: AsyncEndpointProps, { scaling, slo }: AsyncSettings): void {
  warnOfInstance(scope, props);
  warnOfModel(scope, props);
  warnOfCapacity(scope, props, scaling.capacity);
  if (scaling.minInstances === 0 && slo.within.toSeconds() < START_SECONDS) {
    addWarning(
      scope,
      'promise-shorter-than-start',
      `'slo.within' of ${slo.within.toSeconds()} s is less than an instance takes to start, 5 to 10 minutes, and there may be none: ` +
        'the first invocation after a pause will be late; promise more or keep one instance',
    );
  }
}

function placeProblems(scope: Construct, { input, output }: AsyncSettings): string[] {
  const problems = [...locationProblems(scope, 'input', input), ...locationProblems(scope, 'output', output)];
  const nested = [`${output.prefix}/answers/`, `${output.prefix}/failures/`].find(
    (written) => `${input.prefix}/`.startsWith(written) || written.startsWith(`${input.prefix}/`),
  );
  return nested === undefined || !sameBucket(input.bucket, output.bucket)
    ? problems
    : [
        ...problems,
        `'input.prefix' ${input.prefix} and ${nested} of the output lie in each other: what the endpoint writes would pass for a request; keep them apart`,
      ];
}

/** Checked only when everything that a rollout is computed from is sound. */
function rolloutProblems(settings: AsyncSettings): string[] {
  const { slo, scaling } = settings;
  const sound = slo._problems().length === 0 && scaling._problems(slo.within).length === 0;
  return sound ? settings.rollout._problems(rolloutSetting(settings)) : [];
}
