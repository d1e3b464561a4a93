import { isSageMaker } from '../sagemaker-metrics';
import { AppView } from './app-view';
import { ResourceView } from './resource-view';
import { entries, get, isIntrinsic, literal, resourcesIn, written } from './values';

/**
 * How many step policies of a target are run by an alarm on a metric. What is not SageMaker's may tell of demand too, such as the requests of
 * an API or the length of a queue; an alarm that cannot be read counts.
 *
 * @internal
 */
export function wakeUps(target: ResourceView, metric: string, app: AppView): number {
  const steps = app
    .policiesOf(target)
    .filter(({ properties }) => ['StepScaling', undefined].includes(literal(get(properties, 'PolicyType'))));
  const alarms = app
    .alarms()
    .filter(
      ({ metrics, unclear }) =>
        unclear || metrics.some(({ namespace, name }) => name === metric || name === undefined || !isSageMaker(namespace)),
    );
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
