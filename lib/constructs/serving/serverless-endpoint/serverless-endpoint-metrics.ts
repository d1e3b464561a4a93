import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EndpointMetricOptions, INSTANCES, INVOCATIONS, RequestMetrics } from '../endpoint/endpoint-metrics';

/**
 * The metrics of one serverless endpoint. There are no others
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html says that its list is exhaustive): no
 * `InvocationModelErrors`, no utilization of processors, and nothing that counts requests which were throttled.
 */
export class ServerlessEndpointMetrics extends RequestMetrics {
  /** @internal */
  public static _ofVariant(endpointName: string, variantName: string): ServerlessEndpointMetrics {
    return new ServerlessEndpointMetrics({ EndpointName: endpointName, VariantName: variantName });
  }

  private constructor(dimensions: { readonly [name: string]: string }) {
    super(dimensions);
  }

  /** The same metrics of one endpoint configuration, which tells a new version from the old one. @internal */
  public _ofConfig(endpointConfigName: string): ServerlessEndpointMetrics {
    return new ServerlessEndpointMetrics({ ...this._dimensions, EndpointConfigName: endpointConfigName });
  }

  /** Requests, count. */
  public invocations(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'Invocations', Stats.SUM, options);
  }

  /** Share of requests that were answered with a 5xx status, 0 to 1. Nothing while nobody calls. */
  public failureRate(options?: EndpointMetricOptions): MathExpression {
    return this.failures('server / invocations', options);
  }

  /** The failure rate once at least `minimum` requests came in a period, else 0: one failure of one request is no incident. @internal */
  public _failureRateAbove(minimum: number, options: EndpointMetricOptions): MathExpression {
    return this.failures(`IF(invocations >= ${minimum}, server / invocations, 0)`, options);
  }

  /** Time that SageMaker adds to a request, cold starts included, **microseconds**, largest value. */
  public overheadLatency(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'OverheadLatency', Stats.MAXIMUM, options);
  }

  /** Time that a cold start takes: container and model, **microseconds**, average. Nothing while none happens. */
  public modelSetupTime(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ModelSetupTime', Stats.AVERAGE, options);
  }

  /** Memory in use, percent, largest value. */
  public memoryUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'MemoryUtilization', Stats.MAXIMUM, options);
  }

  /** Requests that run, as a share of `maxConcurrency`, 0 to 1, largest value. At 1 the next request is throttled. */
  public concurrencyUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ServerlessConcurrentExecutionsUtilization', Stats.MAXIMUM, options);
  }

  /** Share of provisioned concurrency that is in use, 0 to 1, largest value; nothing without it. At 1 the next request starts cold. */
  public provisionedConcurrencyUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ServerlessProvisionedConcurrencyUtilization', Stats.MAXIMUM, options);
  }

  private failures(expression: string, options?: EndpointMetricOptions): MathExpression {
    const sum = (name: string) => this._metric(INVOCATIONS, name, Stats.SUM, options);
    return new MathExpression({
      expression,
      label: 'failure rate',
      period: options?.period ?? Duration.minutes(1),
      usingMetrics: { invocations: sum('Invocations'), server: sum('Invocation5XXErrors') },
    });
  }
}
