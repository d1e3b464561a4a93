import { Construct } from 'constructs';
import {
  addWarning,
  imageProblems,
  loadProblems,
  physicalNameProblems,
  sourceProblems,
  warnOfCapacity,
  warnOfModel,
} from '../endpoint/endpoint-checks';
import { priorityProblems } from '../endpoint/priority-checks';
import { driverProblems } from '../inference-ami';
import { environmentProblems } from './component-endpoint-checks';
import { ComponentSettings } from './component-settings';
import { COMFORTABLE_MEMORY_SHARE, computeProblems, demands, fitProblems, imageNeedProblems } from './compute';
import type { InferenceComponentProps } from './inference-component';

/** Everything that is wrong with a component, at once. @internal */
export function componentProblems(scope: Construct, props: InferenceComponentProps, settings: ComponentSettings): string[] {
  const { endpoint, model, compute, slo } = props;
  return [
    ...physicalNameProblems('componentName', props.componentName),
    ...environmentProblems(scope, endpoint),
    ...modelProblems(scope, props),
    ...imageProblems(endpoint._settings.instance, model.image),
    ...driverProblems(endpoint._settings.ami, model.image),
    ...sizeProblems(scope, props, settings),
    ...imageNeedProblems(compute, model.image),
    ...slo._problems(),
    ...settings.copies._problems(),
    ...priorityProblems('copies.capacity', model, settings.copies.capacity),
    ...frequencyProblems(props, settings),
    ...loadProblems(settings),
    ...rolloutProblems(settings),
  ];
}

/** What is legal but probably not meant. @internal */
export function warnOfComponent(scope: Construct, props: InferenceComponentProps, { copies }: ComponentSettings): void {
  const { endpoint, compute, model } = props;
  const { instance, removalPolicy } = endpoint._settings;
  warnOfModel(scope, { model, removalPolicy });
  for (const { name, perCopy, perInstance } of demands(compute, instance)) {
    if (name === 'MiB of memory' && perCopy > COMFORTABLE_MEMORY_SHARE * perInstance) {
      addWarning(
        scope,
        'tight-memory',
        `'compute.minMemory' takes ${perCopy} of the ${perInstance} MiB of ${instance.name}: SageMaker itself needs some of it, so a copy may never start`,
      );
    }
  }
  warnOfZero(scope, endpoint.minInstances, copies.minCopies);
  warnOfCapacity(
    scope,
    { instance: endpoint._settings.instance, model: props.model },
    copies.capacity,
    { name: 'latencyPercentile', used: props.slo.latencyPercentile },
    { name: 'latencyBelowMs', used: props.slo.latencyBelow?.toMilliseconds({ integral: false }) },
  );
}

/** Both minima decide: instances go only when no copy is left, and cost until they go. */
function warnOfZero(scope: Construct, minInstances: number, minCopies: number): void {
  if (minInstances === 0 && minCopies > 0) {
    addWarning(scope, 'never-zero', `the endpoint may have no instance but this component keeps ${minCopies} copies: its instances stay`);
  }
  if (minInstances > 0 && minCopies === 0) {
    addWarning(
      scope,
      'idle-instances',
      `this component may rest at 0 copies but the endpoint keeps ${minInstances} instances: requests fail while it wakes and nothing is saved`,
    );
  }
}

function modelProblems(scope: Construct, { endpoint, model }: InferenceComponentProps): string[] {
  const excluded = model._exclusionProblems('component');
  return excluded.length > 0 ? excluded : sourceProblems(scope, model, endpoint._host, endpoint._settings);
}

/** A copy that does not fit stays in Creating, where it cannot be deleted for days. */
function sizeProblems(
  scope: Construct,
  { compute, endpoint, modelSize }: InferenceComponentProps,
  { copies }: ComponentSettings,
): string[] {
  const { instance, volumeSize } = endpoint._settings;
  const problems = computeProblems(compute);
  return problems.length > 0
    ? problems
    : [
        ...(copies._problems().length === 0 ? fitProblems(compute, copies, instance, endpoint.maxInstances) : []),
        ...(modelSize?._copyProblems(scope, instance, compute, volumeSize) ?? []),
      ];
}

function frequencyProblems({ endpoint }: InferenceComponentProps, { copies }: ComponentSettings): string[] {
  const frequency = endpoint._settings.metricFrequency.toSeconds({ integral: false });
  return copies.isAutomatic && frequency > 60
    ? [`'copies' follow metrics every 60 s, and 'metricFrequency' of the endpoint is ${frequency} s: use 60 s or less there`]
    : [];
}

function rolloutProblems({ rollout, setting, shifts }: ComponentSettings): string[] {
  if (shifts) {
    return ["'rollout' of a component cannot shift traffic in steps: use Rollout.rolling() or Rollout.allAtOnce()"];
  }
  return setting === undefined ? [] : rollout._problems(setting);
}
