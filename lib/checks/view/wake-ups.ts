import { AppView } from './app-view';
import { ResourceView } from './resource-view';
import { entries, get, isIntrinsic, literal, resourcesIn, written } from './values';

/** How many step policies of a target are run by an alarm on a metric; an alarm whose actions cannot be read counts. @internal */
export function wakeUps(target: ResourceView, metric: string, app: AppView): number {
  const steps = app
    .policiesOf(target)
    .filter(({ properties }) => ['StepScaling', undefined].includes(literal(get(properties, 'PolicyType'))));
  const alarms = app
    .alarms()
    .filter(({ metrics, unclear }) => unclear || metrics.some(({ name }) => name === metric || name === undefined));
  return steps.filter(({ path }) => alarms.some(({ resource }) => runs(resource, path))).length;
}

function runs(alarm: ResourceView, policy: string): boolean {
  const actions = entries(get(alarm.properties, 'AlarmActions'));
  return (
    actions === undefined ||
    actions.some(
      (action) => resourcesIn(written(action) ?? '').includes(policy) || (isIntrinsic(action) && written(action)?.includes('?') === true),
    )
  );
}
