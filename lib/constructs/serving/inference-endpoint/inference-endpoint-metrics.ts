import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** How to read a metric. */
export interface EndpointMetricOptions {
  /**
   * Length of one data point. SageMaker publishes once a minute unless the endpoint has a metric frequency of its own.
   *
   * @default Duration.minutes(1)
   */
  readonly period?: Duration;
}

/** How to read a latency metric. */
export interface LatencyMetricOptions extends EndpointMetricOptions {
  /**
   * Percentile, 50 to 99.9.
   *
   * @default 99
   */
  readonly percentile?: number;
}

const INVOCATIONS = 'AWS/SageMaker';
const INSTANCES = '/aws/sagemaker/Endpoints';

/**
 * The metrics of one variant of a real-time endpoint
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html). No metric sets a unit: an alarm on the wrong one never
 * gets data.
 */
export class InferenceEndpointMetrics {
  /** @internal */
  public static _ofVariant(endpointName: string, variantName: string): InferenceEndpointMetrics {
    return new InferenceEndpointMetrics({ EndpointName: endpointName, VariantName: variantName });
  }

  private constructor(private readonly dimensions: { readonly [name: string]: string }) {}

  /** The same metrics of the fleet that serves one endpoint configuration, which tells a new fleet from the old one. @internal */
  public _ofConfig(endpointConfigName: string): InferenceEndpointMetrics {
    return new InferenceEndpointMetrics({ ...this.dimensions, EndpointConfigName: endpointConfigName });
  }

  /** Requests, count. */
  public invocations(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'Invocations', Stats.SUM, options);
  }

  /** Requests per instance, count: what the scaling policy holds. */
  public invocationsPerInstance(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'InvocationsPerInstance', Stats.SUM, options);
  }

  /** Share of requests that the model refused with a 4xx status, 0 to 1. */
  public clientErrorRate(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'Invocation4XXErrors', Stats.AVERAGE, options);
  }

  /** Share of requests that the model answered with a 5xx status, 0 to 1. */
  public serverErrorRate(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'Invocation5XXErrors', Stats.AVERAGE, options);
  }

  /** Share of requests without a 2xx answer from the model, 0 to 1: any status, socket errors, malformed answers and time-outs. */
  public modelErrorRate(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'InvocationModelErrors', Stats.AVERAGE, options);
  }

  /**
   * Share of requests that failed and were not the caller's fault, 0 to 1: model errors without 4xx, or 5xx if those are more.
   * Nothing while nobody calls. `InvocationModelErrors` counts every answer beyond 2xx, so each 4xx is in it once and is taken off here: the
   * alarms on errors, error budget and rollback watch this rate, and bad input of callers raises none of them. A container that answers 429
   * for want of capacity is not told apart; latency and saturation show it
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
   */
  public failureRate(options?: EndpointMetricOptions): MathExpression {
    return this.failures(options, 'IF(server > model - client, server, model - client) / invocations');
  }

  /** The failure rate once at least `minimum` requests came in a period, else 0: one failure of one request is no incident. @internal */
  public _failureRateAbove(minimum: number, options: EndpointMetricOptions): MathExpression {
    return this.failures(options, `IF(invocations >= ${minimum}, IF(server > model - client, server, model - client) / invocations, 0)`);
  }

  /** Time that the model takes, **microseconds**, as a percentile. */
  public modelLatency(options?: LatencyMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'ModelLatency', Stats.percentile(options?.percentile ?? 99), options);
  }

  /** Time that SageMaker adds to a request, **microseconds**, average; the service publishes no percentiles of it. */
  public overheadLatency(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'OverheadLatency', Stats.AVERAGE, options);
  }

  /** Requests that the model works on or that wait in its container, count, largest value. */
  public concurrentRequests(options?: EndpointMetricOptions): Metric {
    return this.metric(INVOCATIONS, 'ConcurrentRequestsPerModel', Stats.MAXIMUM, options);
  }

  /** CPU use, percent of one core, so up to 100 x cores, average. */
  public cpuUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric(INSTANCES, 'CPUUtilization', Stats.AVERAGE, options);
  }

  /** Memory use, percent, average. */
  public memoryUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric(INSTANCES, 'MemoryUtilization', Stats.AVERAGE, options);
  }

  /** Disk use, percent, largest value. Data capture stops above 75. */
  public diskUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric(INSTANCES, 'DiskUtilization', Stats.MAXIMUM, options);
  }

  /** GPU use, percent of one GPU, so up to 100 x GPUs, average. */
  public gpuUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric(INSTANCES, 'GPUUtilization', Stats.AVERAGE, options);
  }

  /** GPU memory use, percent of one GPU, so up to 100 x GPUs, average. */
  public gpuMemoryUtilization(options?: EndpointMetricOptions): Metric {
    return this.metric(INSTANCES, 'GPUMemoryUtilization', Stats.AVERAGE, options);
  }

  private failures(options: EndpointMetricOptions | undefined, expression: string): MathExpression {
    const sum = (name: string) => this.metric(INVOCATIONS, name, Stats.SUM, options);
    return new MathExpression({
      expression,
      label: 'failure rate',
      period: options?.period ?? Duration.minutes(1),
      usingMetrics: {
        invocations: this.invocations(options),
        client: sum('Invocation4XXErrors'),
        server: sum('Invocation5XXErrors'),
        model: sum('InvocationModelErrors'),
      },
    });
  }

  private metric(namespace: string, metricName: string, statistic: string, options?: EndpointMetricOptions): Metric {
    return new Metric({
      namespace,
      metricName,
      dimensionsMap: this.dimensions,
      statistic,
      period: options?.period ?? Duration.minutes(1),
    });
  }
}
