import { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { TokenMetric } from './policy';
import type { ScalingProps } from './scaling';

/** Errors: the metric is metric math, which `tokenProblems()` finds before. @internal */
export function countedTokens(metric: IMetric): TokenMetric {
  const { namespace, metricName, dimensions = [] } = metric.toMetricConfig().metricStat!;
  return { namespace, name: metricName, dimensions: Object.fromEntries(dimensions.map(({ name, value }) => [name, String(value)])) };
}

/** What `scaling.tokenMetric` lacks to size a fleet. @internal */
export function tokenProblems({ tokenMetric, capacity }: ScalingProps): string[] {
  if (tokenMetric === undefined) {
    return [];
  }
  const { metricStat } = tokenMetric.toMetricConfig();
  return [
    ...(capacity === undefined ? [`'scaling.tokenMetric' goes with 'capacity', which states the tokens of a request: give that too`] : []),
    ...(capacity !== undefined && capacity.tokensPerRequest === undefined
      ? [
          `'scaling.tokenMetric' needs the tokens of a request, which ${capacity.file} does not state: measure again with requests whose answers have 'usage', ` +
            `or add 'tokensPerRequest', the mean of prompt and answer together (docs/capacity-file.md)`,
        ]
      : []),
    ...(metricStat === undefined
      ? [`'scaling.tokenMetric' must be one metric, got metric math: publish the tokens of each answer as a metric`]
      : []),
  ];
}
