import { Token } from 'aws-cdk-lib';
import { InferenceImage } from './inference-image';

/** What vLLM calls serving by priority (https://docs.vllm.ai/en/latest/serving/engine_args.html). */
const PRIORITY = 'priority';

/**
 * How to get a container to serve requests by the priority that they state, where it is known not to: what is wrong, and what to do. Undefined where it does,
 * and where that is not known: of images of yours, and of an `environment` that is unknown.
 *
 * @internal
 */
export function arrivalOrder(
  { _scheduling: scheduling }: InferenceImage,
  environment: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (scheduling === undefined) {
    return undefined;
  }
  const { family, variable } = scheduling;
  if (variable === undefined) {
    return `${family} serves in order of arrival: measure without --priority-window`;
  }
  const value = environment?.[variable];
  if (environment === undefined || Token.isUnresolved(value) || value === PRIORITY) {
    return undefined;
  }
  const state = value === undefined ? 'is not set' : `is '${value}'`;
  return `${variable} ${state}, with which ${family} serves in order of arrival: set ${variable} to '${PRIORITY}' in 'environment', or measure without --priority-window`;
}
