import { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { TokenMetric } from './policy';
import type { ScalingProps } from './scaling';

/** Errors: the metric is metric math, which `tokenProblems()` finds before. @internal */
export function tokenMetric(metric: IMetric): TokenMetric {
  const { namespace, metricName, dimensions = [] } = metric.toMetricConfig().metricStat!;
  return { namespace, name: metricName, dimensions: Object.fromEntries(dimensions.map(({ name, value }) => [name, String(value)])) };
}

/** What `scaling.tokens` lacks to size a fleet. @internal */
export function tokenProblems({ tokens, capacity }: ScalingProps): string[] {
  if (tokens === undefined) {
    return [];
  }
  const { metricStat } = tokens.toMetricConfig();
  return [
    ...(capacity === undefined ? [`'scaling.tokens' weigh the requests that 'capacity' was measured with: give that too`] : []),
    ...(capacity !== undefined && capacity.tokensPerRequest === undefined
      ? [
          `'scaling.tokens' needs the tokens of a request, which ${capacity.file} does not state: measure again with requests whose answers have 'usage', ` +
            `or add 'tokensPerRequest', the mean of prompt and answer together (docs/capacity-file.md)`,
        ]
      : []),
    ...(metricStat === undefined
      ? [`'scaling.tokens' must be one metric, got metric math: publish the tokens of each answer as a metric`]
      : []),
  ];
}
