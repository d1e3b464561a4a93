import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EndpointMetricOptions, INVOCATIONS, RequestMetrics } from '../endpoint/endpoint-metrics';
import { failureRate } from '../endpoint/failure-rate';

const CONTAINERS = '/aws/sagemaker/InferenceComponents';
const INSTANCES = '/aws/sagemaker/Endpoints';

/**
 * The metrics of one inference component or adapter, published under its name alone
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-detailed-observability-metric-mapping.html).
 */
export class InferenceComponentMetrics extends RequestMetrics {
  /** @internal */
  public static _of(componentName: string): InferenceComponentMetrics {
    return new InferenceComponentMetrics({ InferenceComponentName: componentName });
  }

  private constructor(dimensions: { readonly [name: string]: string }) {
    super(dimensions);
  }

  /** Requests, count. */
  public invocations(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'Invocations', Stats.SUM, options);
  }

  /** Requests per copy, count: what the scaling policy holds. */
  public invocationsPerCopy(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationsPerCopy', Stats.SUM, options);
  }

  /** Requests that a copy works on or that wait in it, count, largest value. Published every 10 s. */
  public concurrentRequestsPerCopy(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ConcurrentRequestsPerCopy', Stats.MAXIMUM, options);
  }

  /** Requests that failed because there was no copy, count. */
  public noCapacityFailures(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'NoCapacityInvocationFailures', Stats.SUM, options);
  }

  /** Share of requests without a 2xx answer from the model, 0 to 1: any status, socket errors, malformed answers and time-outs. */
  public modelErrorRate(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationModelErrors', Stats.AVERAGE, options);
  }

  /** Share of requests that failed and were not the caller's fault, 0 to 1: model errors without 4xx, or 5xx if those are more. */
  public failureRate(options?: EndpointMetricOptions): MathExpression {
    return failureRate((name) => this._metric(INVOCATIONS, name, Stats.SUM, options), { period: options?.period });
  }

  /** The failure rate once at least `minimum` requests came in a period, else 0. @internal */
  public _failureRateAbove(minimum: number, options: EndpointMetricOptions): MathExpression {
    return failureRate((name) => this._metric(INVOCATIONS, name, Stats.SUM, options), { period: options.period, minimum });
  }

  /** Time that SageMaker adds to a request, **microseconds**, average. */
  public overheadLatency(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'OverheadLatency', Stats.AVERAGE, options);
  }

  /** CPU use of what is reserved for a copy, percent, 0 to 100, average. */
  public cpuUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(CONTAINERS, 'CPUUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** Memory use, percent, 0 to 100, average. */
  public memoryUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(CONTAINERS, 'MemoryUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** GPU use, percent, 0 to 100, average. */
  public gpuUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(CONTAINERS, 'GPUUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** GPU memory use, percent, 0 to 100, average. */
  public gpuMemoryUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(CONTAINERS, 'GPUMemoryUtilizationNormalized', Stats.AVERAGE, options);
  }
}

/**
 * The metrics of instances that components share, percent of one instance, 0 to 100
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
 */
export class ComponentEndpointMetrics {
  /** @internal */
  public static _ofVariant(endpointName: string, variantName: string): ComponentEndpointMetrics {
    return new ComponentEndpointMetrics({ EndpointName: endpointName, VariantName: variantName });
  }

  private constructor(private readonly dimensions: { readonly [name: string]: string }) {}

  /** CPU use, average. */
  public cpuUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric('CPUUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** GPU use, average. */
  public gpuUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric('GPUUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** GPU memory use, average. */
  public gpuMemoryUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric('GPUMemoryUtilizationNormalized', Stats.AVERAGE, options);
  }

  /** Memory use, average. */
  public memoryUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric('MemoryUtilization', Stats.AVERAGE, options);
  }

  /** Disk use, largest value. Images and models of all copies on an instance share it. */
  public diskUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric('DiskUtilization', Stats.MAXIMUM, options);
  }

  /** CPU cores that copies have reserved, average. */
  public cpuReservation(options?: EndpointMetricOptions): Metric {
    return this.metric('CPUReservation', Stats.AVERAGE, options);
  }

  /** Accelerators that copies have reserved, average. */
  public gpuReservation(options?: EndpointMetricOptions): Metric {
    return this.metric('GPUReservation', Stats.AVERAGE, options);
  }

  /** Memory that copies have reserved, average. */
  public memoryReservation(options?: EndpointMetricOptions): Metric {
    return this.metric('MemoryReservation', Stats.AVERAGE, options);
  }

  private metric(metricName: string, statistic: string, options?: EndpointMetricOptions): Metric {
    const period = options?.period ?? Duration.minutes(1);
    return new Metric({ namespace: INSTANCES, metricName, dimensionsMap: this.dimensions, statistic, period });
  }
}
