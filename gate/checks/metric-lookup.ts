import { groupsOf, MetricFacts } from '../metrics';
import { literal } from '../template';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** Facts of a catalogued metric; problems when namespace and metric are known but name, dimensions or period are not right. */
export function lookUp(
  namespace: any,
  metric: any,
  dimensions: string[],
  period: number | undefined,
): { facts?: MetricFacts; problems: string[] } {
  const groups = groupsOf(String(literal(namespace)));
  if (groups.length === 0 || literal(metric) === undefined) {
    return { problems: [] };
  }
  const named = groups.filter(({ metrics }) => metrics[metric] !== undefined);
  if (named.length === 0) {
    return { problems: [`${namespace} publishes no metric '${metric}' (${groups[0].source})`] };
  }
  const wanted = [...dimensions].sort().join('+');
  const group = named.find((candidate) => candidate.dimensions.some((set) => set.join('+') === wanted));
  if (group === undefined) {
    const allowed = named.flatMap((candidate) => candidate.dimensions.map((set) => set.join('+') || 'none')).join(' or ');
    return { problems: [`${namespace} ${metric} is not published with dimensions ${wanted || 'none'}, only with ${allowed}`] };
  }
  const early =
    period !== undefined && period < group.shortestPeriod
      ? [`period ${period} s is shorter than ${namespace} publishes (${group.shortestPeriod} s)`]
      : [];
  return { facts: group.metrics[metric], problems: early };
}
