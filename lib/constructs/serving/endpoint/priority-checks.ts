import { ModelSource } from '../../models/model-source';
import { MeasuredCapacity } from '../scaling';

/**
 * Error when a capacity was measured with requests that state their priority, and the container is known to serve in order of arrival: it serves less within
 * the objective, or refuses such requests, and the target is wrong.
 *
 * @internal
 */
export function priorityProblems(property: string, model: ModelSource, capacity: MeasuredCapacity | undefined): string[] {
  const window = capacity?.priorityWindowSeconds;
  const problem = window === undefined ? undefined : model._arrivalOrder();
  return problem === undefined
    ? []
    : [`'${property}' ${capacity!.file} was measured with priorities by windows of ${window} s, but ${problem}`];
}
