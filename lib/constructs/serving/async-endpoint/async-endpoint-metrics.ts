import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EndpointMetricOptions, EndpointMetrics, INVOCATIONS } from '../endpoint/endpoint-metrics';

/**
 * The metrics of one asynchronous endpoint (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html). There are no
 * `Invocations`, `InvocationsPerInstance` and `OverheadLatency`: the service does not publish them for these endpoints. What is about the
 * queue has the endpoint's name as its only dimension, the rest the variant's too.
 */
export class AsyncEndpointMetrics extends EndpointMetrics {
  /** @internal */
  public static _ofVariant(endpointName: string, variantName: string): AsyncEndpointMetrics {
    return new AsyncEndpointMetrics(endpointName, { EndpointName: endpointName, VariantName: variantName });
  }

  private constructor(
    private readonly endpointName: string,
    dimensions: { readonly [name: string]: string },
  ) {
    super(dimensions);
  }

  /** Invocations that wait, or that the service says run, count, largest value. */
  public backlogSize(options?: EndpointMetricOptions): Metric {
    return this.queue('ApproximateBacklogSize', Stats.MAXIMUM, options);
  }

  /** The same for each instance, count, average: what the scaling policy holds. Nothing while there is no instance. */
  public backlogSizePerInstance(options?: EndpointMetricOptions): Metric {
    return this.queue('ApproximateBacklogSizePerInstance', Stats.AVERAGE, options);
  }

  /** Age of the oldest invocation in the queue, **seconds**, largest value. */
  public oldestRequestAge(options?: EndpointMetricOptions): Metric {
    return this.queue('ApproximateAgeOfOldestRequest', Stats.MAXIMUM, options);
  }

  /** 1 while invocations wait and there is no instance, otherwise 0, largest value: what wakes the endpoint. */
  public backlogWithoutCapacity(options?: EndpointMetricOptions): Metric {
    return this.queue('HasBacklogWithoutCapacity', Stats.MAXIMUM, options);
  }

  /**
   * Invocations that were worked off, count. AWS documents this metric as `InvocationsProcesssed`, with a third s, and publishes it with two
   * (https://github.com/cloud-custodian/cloud-custodian, docs of the SageMaker metrics filter, recorded from an account); no alarm of this
   * library relies on either.
   */
  public invocationsProcessed(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationsProcessed', Stats.SUM, options);
  }

  /** Invocations that failed for whatever reason, count. */
  public invocationFailures(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'InvocationFailures', Stats.SUM, options);
  }

  /** Invocations that waited longer than their time to live, count. */
  public expiredRequests(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ExpiredRequests', Stats.SUM, options);
  }

  /** Requests that could not be read from the bucket, count. */
  public requestDownloadFailures(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'RequestDownloadFailures', Stats.SUM, options);
  }

  /** Answers that could not be written to the bucket and are lost, count. */
  public responseUploadFailures(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'ResponseUploadFailures', Stats.SUM, options);
  }

  /** Notifications that could not be published to a topic, count. */
  public notificationFailures(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'NotificationFailures', Stats.SUM, options);
  }

  /** Time that invocations waited before they ran, **milliseconds**, average. */
  public timeInBacklog(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'TimeInBacklog', Stats.AVERAGE, options);
  }

  /** Time from an invocation until it was finished, notification included, **milliseconds**, average. */
  public totalProcessingTime(options?: EndpointMetricOptions): Metric {
    return this._metric(INVOCATIONS, 'TotalProcessingTime', Stats.AVERAGE, options);
  }

  /**
   * Share of invocations that failed and were not the caller's fault, 0 to 1: failures without 4xx, or 5xx if those are more. An invocation
   * that the model answered counts in the samples of `Invocation5XXErrors`, which are 0 or 1 for each; one that it did not in the failures.
   */
  public failureRate(options?: EndpointMetricOptions): MathExpression {
    return this.failures(`${FAILED} / ${FINISHED}`, options);
  }

  /** The failure rate once `minimum` invocations failed in a period, else 0: the error topic tells of a single one. @internal */
  public _failureRateAbove(minimum: number, options: EndpointMetricOptions): MathExpression {
    return this.failures(`IF(${FAILED} >= ${minimum}, ${FAILED} / ${FINISHED}, 0)`, options);
  }

  /**
   * Share of answers with a 5xx status in the fleet of one endpoint configuration, once `minimum` had one. Only the metrics that asynchronous
   * endpoints have in common with the others know the configuration
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html).
   *
   * @internal
   */
  public _serverErrorRateOf(endpointConfigName: string, minimum: number, options: EndpointMetricOptions): MathExpression {
    const dimensions = { ...this._dimensions, EndpointConfigName: endpointConfigName };
    const errors = (statistic: string) => this._metric(INVOCATIONS, 'Invocation5XXErrors', statistic, options, dimensions);
    return new MathExpression({
      expression: `IF(server >= ${minimum}, server / answered, 0)`,
      label: 'server error rate',
      period: options.period ?? Duration.minutes(1),
      usingMetrics: { server: errors(Stats.SUM), answered: errors(Stats.SAMPLE_COUNT) },
    });
  }

  private failures(expression: string, options: EndpointMetricOptions | undefined): MathExpression {
    const of = (name: string, statistic: string) => this._metric(INVOCATIONS, name, statistic, options);
    return new MathExpression({
      expression,
      label: 'failure rate',
      period: options?.period ?? Duration.minutes(1),
      usingMetrics: {
        failed: this.invocationFailures(options),
        client: of('Invocation4XXErrors', Stats.SUM),
        server: of('Invocation5XXErrors', Stats.SUM),
        answered: of('Invocation5XXErrors', Stats.SAMPLE_COUNT),
      },
    });
  }

  private queue(name: string, statistic: string, options: EndpointMetricOptions | undefined): Metric {
    return this._metric(INVOCATIONS, name, statistic, options, { EndpointName: this.endpointName });
  }
}

/** What never reached the model is in the failures alone, and what always did in the samples alone: either may be missing. */
const FAILED = 'MAX([FILL(server, 0), FILL(failed, 0) - FILL(client, 0)])';
const FINISHED = 'MAX([FILL(answered, 0), FILL(failed, 0)])';
