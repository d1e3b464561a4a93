import { ResourceView } from './resource-view';
import { entries, get, literal, written } from './values';

/** One metric that an alarm or a scaling policy reads. @internal */
export interface MetricUse {
  readonly namespace?: string;
  readonly name?: string;
  /** Values as `written`; undefined when they are known only at deployment. */
  readonly dimensions?: ReadonlyMap<string, string>;
  readonly statistic?: string;
  readonly unit?: string;
  /** Whether the alarm compares this metric itself, not an expression over it. */
  readonly compared: boolean;
}

/** An alarm with the metrics that it reads. @internal */
export interface AlarmView {
  readonly resource: ResourceView;
  readonly metrics: readonly MetricUse[];
  /** Whether it reads something that cannot be told: a query, or metrics that are known only at deployment. */
  readonly unclear: boolean;
}

/** Reads an alarm. @internal */
export function alarmOf(resource: ResourceView): AlarmView {
  const { properties } = resource;
  const queries = entries(get(properties, 'Metrics'));
  if (queries === undefined || queries.length === 0) {
    return { resource, metrics: queries === undefined ? [] : [simpleUse(properties)], unclear: queries === undefined };
  }
  const stats = queries.map((query) => ({ stat: get(query, 'MetricStat'), expression: written(get(query, 'Expression')) }));
  return {
    resource,
    metrics: stats
      .filter(({ stat }) => stat !== undefined)
      .map(({ stat }) => use(get(stat, 'Metric'), get(stat, 'Stat'), get(stat, 'Unit'), stats.length === 1)),
    unclear: stats.some(
      ({ stat, expression }) => (stat === undefined && expression === undefined) || /^\s*SELECT\s/i.test(expression ?? ''),
    ),
  };
}

const simpleUse = (alarm: unknown): MetricUse =>
  use(alarm, get(alarm, 'ExtendedStatistic') ?? get(alarm, 'Statistic'), get(alarm, 'Unit'), true);

/** The custom metric that a scaling policy tracks. @internal */
export function trackedMetric(policy: ResourceView): MetricUse | undefined {
  const metric = get(policy.properties, 'TargetTrackingScalingPolicyConfiguration', 'CustomizedMetricSpecification');
  return metric === undefined || get(metric, 'Metrics') !== undefined
    ? undefined
    : use(metric, get(metric, 'Statistic'), get(metric, 'Unit'), false);
}

function use(metric: unknown, statistic: unknown, unit: unknown, compared: boolean): MetricUse {
  return {
    namespace: literal(get(metric, 'Namespace')),
    name: literal(get(metric, 'MetricName')),
    dimensions: dimensionsOf(get(metric, 'Dimensions')),
    statistic: literal(statistic),
    unit: literal(unit),
    compared,
  };
}

function dimensionsOf(value: unknown): Map<string, string> | undefined {
  const found = new Map<string, string>();
  for (const dimension of entries(value) ?? [{}]) {
    const [name, text] = [literal(get(dimension, 'Name')), written(get(dimension, 'Value'))];
    if (name === undefined || text === undefined) {
      return undefined;
    }
    found.set(name, text);
  }
  return found;
}
