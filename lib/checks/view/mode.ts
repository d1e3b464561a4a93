import { ResourceView } from './resource-view';
import { entries, get, literal } from './values';

/** How an endpoint answers; undefined when that is known only at deployment. @internal */
export type Mode = 'realtime' | 'async' | 'serverless' | 'components';

/** How the endpoints of a configuration answer. @internal */
export function modeOf(config: ResourceView | undefined): Mode | undefined {
  const variants = entries(get(config?.properties, 'ProductionVariants'));
  const asynchronous = get(config?.properties, 'AsyncInferenceConfig');
  if (variants === undefined || variants.length === 0) {
    return undefined;
  }
  if (asynchronous !== undefined) {
    return get(asynchronous, 'OutputConfig') === asynchronous ? undefined : 'async';
  }
  if (variants.some((variant) => get(variant, 'ServerlessConfig') !== undefined)) {
    return variants.every((variant) => literal(get(variant, 'ServerlessConfig', 'MemorySizeInMB')) !== undefined)
      ? 'serverless'
      : undefined;
  }
  return variants.some((variant) => get(variant, 'ModelName') === undefined) ? 'components' : 'realtime';
}
