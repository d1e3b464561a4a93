import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

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

/** Namespace of what happens to requests. @internal */
export const INVOCATIONS = 'AWS/SageMaker';
/** Namespace of what happens on instances, and to the memory of serverless endpoints. @internal */
export const INSTANCES = '/aws/sagemaker/Endpoints';

/**
 * The metrics of requests in every mode, whatever they are counted by
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html). No metric sets a unit: an alarm on the wrong one never
 * gets data.
 */
export abstract class RequestMetrics {
  /** @internal */
  protected readonly _dimensions: { readonly [name: string]: string };

  /** @internal */
  protected constructor(dimensions: { readonly [name: string]: string }) {
    this._dimensions = dimensions;
  }

  /** Share of requests that the model refused with a 4xx status, 0 to 1. */
  public clientErrorRate(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'Invocation4XXErrors', Stats.AVERAGE, options);
  }

  /** Share of requests that the model answered with a 5xx status, 0 to 1. */
  public serverErrorRate(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'Invocation5XXErrors', Stats.AVERAGE, options);
  }

  /** Time that the model takes, **microseconds**, as a percentile. */
  public modelLatency(options?: LatencyMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ModelLatency', Stats.percentile(options?.percentile ?? 99), options);
  }

  /** @internal */
  protected _metric(
    namespace: string,
    metricName: string,
    statistic: string,
    options?: EndpointMetricOptions,
    dimensionsMap: { readonly [name: string]: string } = this._dimensions,
  ): Metric {
    return new Metric({ namespace, metricName, dimensionsMap, statistic, period: options?.period ?? Duration.minutes(1) });
  }
}

/**
 * The metrics that one variant of an endpoint on instances has in every mode
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html). No metric sets a unit: an alarm on the wrong one never
 * gets data.
 */
export abstract class EndpointMetrics extends RequestMetrics {
  /** CPU use, percent of one core, so up to 100 x cores, average. */
  public cpuUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'CPUUtilization', Stats.AVERAGE, options);
  }

  /** Memory use, percent, average. */
  public memoryUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'MemoryUtilization', Stats.AVERAGE, options);
  }

  /** Disk use, percent, largest value. Data capture stops above 75. */
  public diskUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'DiskUtilization', Stats.MAXIMUM, options);
  }

  /** GPU use, percent of one GPU, so up to 100 x GPUs, average. */
  public gpuUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'GPUUtilization', Stats.AVERAGE, options);
  }

  /** GPU memory use, percent of one GPU, so up to 100 x GPUs, average. */
  public gpuMemoryUtilization(options?: EndpointMetricOptions): Metric {
    return this._metric(INSTANCES, 'GPUMemoryUtilization', Stats.AVERAGE, options);
  }
}
