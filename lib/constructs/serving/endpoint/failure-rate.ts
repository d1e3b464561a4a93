import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';

/** @internal */
export interface FailureRateOptions {
  readonly period?: Duration;
  /** Requests in a period from which on failures count: one failure of one request is no incident. */
  readonly minimum?: number;
}

/** What a request promises: errors, latency and error budget are judged by these. @internal */
export interface PromiseMetrics {
  modelLatency(options: { readonly percentile?: number; readonly period: Duration }): Metric;
  failureRate(options: { readonly period: Duration }): MathExpression;
  _failureRateAbove(minimum: number, options: { readonly period: Duration }): MathExpression;
}

/**
 * Share of requests that failed and were not the caller's fault, from sums of the metrics of one variant or one component. Model errors count
 * every answer beyond 2xx, so each 4xx is in them once and is taken off.
 *
 * @internal
 */
export function failureRate(sum: (metricName: string) => Metric, { period, minimum }: FailureRateOptions): MathExpression {
  const rate = 'IF(server > model - client, server, model - client) / invocations';
  return new MathExpression({
    expression: minimum === undefined ? rate : `IF(invocations >= ${minimum}, ${rate}, 0)`,
    label: 'failure rate',
    period: period ?? Duration.minutes(1),
    usingMetrics: {
      invocations: sum('Invocations'),
      client: sum('Invocation4XXErrors'),
      server: sum('Invocation5XXErrors'),
      model: sum('InvocationModelErrors'),
    },
  });
}
