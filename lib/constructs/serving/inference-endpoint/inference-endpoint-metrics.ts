import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EndpointMetricOptions, EndpointMetrics, INVOCATIONS } from '../endpoint/endpoint-metrics';
import { failureRate } from '../endpoint/failure-rate';

/**
 * The metrics of one variant of a real-time endpoint
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html). No metric sets a unit: an alarm on the wrong one never
 * gets data.
 */
export class InferenceEndpointMetrics extends EndpointMetrics {
  /** @internal */
  public static _ofVariant(endpointName: string, variantName: string): InferenceEndpointMetrics {
    return new InferenceEndpointMetrics({ EndpointName: endpointName, VariantName: variantName });
  }

  private constructor(dimensions: { readonly [name: string]: string }) {
    super(dimensions);
  }

  /** The same metrics of the fleet that serves one endpoint configuration, which tells a new fleet from the old one. @internal */
  public _ofConfig(endpointConfigName: string): InferenceEndpointMetrics {
    return new InferenceEndpointMetrics({ ...this._dimensions, EndpointConfigName: endpointConfigName });
  }

  /** Requests, count. */
  public invocations(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'Invocations', Stats.SUM, options);
  }

  /** Requests per instance, count: what the scaling policy holds. */
  public invocationsPerInstance(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationsPerInstance', Stats.SUM, options);
  }

  /** Share of requests without a 2xx answer from the model, 0 to 1: any status, socket errors, malformed answers and time-outs. */
  public modelErrorRate(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationModelErrors', Stats.AVERAGE, options);
  }

  /**
   * Share of requests that failed and were not the caller's fault, 0 to 1: model errors without 4xx, or 5xx if those are more.
   * Nothing while nobody calls. `InvocationModelErrors` counts every answer beyond 2xx, so each 4xx is in it once and is taken off here: the
   * alarms on errors, error budget and rollback watch this rate, and bad input of callers raises none of them. A container that answers 429
   * for want of capacity is not told apart; latency and saturation show it
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
   */
  public failureRate(options?: EndpointMetricOptions): MathExpression {
    return failureRate((name) => this._metric(INVOCATIONS, name, Stats.SUM, options), { period: options?.period });
  }

  /** The failure rate once at least `minimum` requests came in a period, else 0: one failure of one request is no incident. @internal */
  public _failureRateAbove(minimum: number, options: EndpointMetricOptions): MathExpression {
    return failureRate((name) => this._metric(INVOCATIONS, name, Stats.SUM, options), { period: options.period, minimum });
  }

  /** Time that SageMaker adds to a request, **microseconds**, average; the service publishes no percentiles of it. */
  public overheadLatency(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'OverheadLatency', Stats.AVERAGE, options);
  }

  /** Requests that the model works on or that wait in its container, count, largest value. */
  public concurrentRequests(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ConcurrentRequestsPerModel', Stats.MAXIMUM, options);
  }
}
