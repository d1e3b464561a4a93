import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { EndpointMetricOptions, LatencyMetricOptions } from '../endpoint/endpoint-metrics';
import { ConfigVariant } from '../endpoint/endpoint-config';
import { configVariant, createVariantModel, VariantHost } from './endpoint-variant';
import { VariantSettings } from './endpoint-settings';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';

/**
 * A variant that is sent copies of an endpoint's requests and answers nobody: how it would do, compared with what serves
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html). It has no alarms, because nobody suffers from it.
 */
export class ShadowVariant extends Construct {
  /** @internal */
  public static _create(scope: Construct, host: VariantHost, settings: VariantSettings, serving: InferenceEndpointMetrics): ShadowVariant {
    return new ShadowVariant(scope, host, settings, serving);
  }

  /** What it is called: the name of its captured requests and answers. */
  public readonly variantName: string;
  /** Metrics of the copies that it is sent, and of its instances. */
  public readonly metrics: InferenceEndpointMetrics;
  /** @internal */
  public readonly _config: ConfigVariant;
  private readonly serving: InferenceEndpointMetrics;

  private constructor(scope: Construct, host: VariantHost, settings: VariantSettings, serving: InferenceEndpointMetrics) {
    super(scope, 'Shadow');
    this.variantName = settings.name;
    this.serving = serving;
    this.metrics = InferenceEndpointMetrics._ofVariant(host.endpointName, settings.name);
    this._config = configVariant(settings, createVariantModel(this, host, settings));
  }

  /** Latency of the shadow's model over that of the serving one, the same percentile of both: above 1 the shadow is slower. */
  public latencyRatio(options?: LatencyMetricOptions): MathExpression {
    return new MathExpression({
      expression: 'shadow / serving',
      label: `latency of ${this.variantName} over that of the serving variant`,
      period: options?.period,
      usingMetrics: { shadow: this.metrics.modelLatency(options), serving: this.serving.modelLatency(options) },
    });
  }

  /** Failure rate of the shadow less that of the serving variant, -1 to 1: above 0 the shadow fails more often. */
  public failureRateDifference(options?: EndpointMetricOptions): MathExpression {
    return new MathExpression({
      expression: 'shadow - serving',
      label: `failure rate of ${this.variantName} less that of the serving variant`,
      period: options?.period,
      usingMetrics: { shadow: named(this.metrics, 'shadow', options), serving: named(this.serving, 'serving', options) },
    });
  }
}

/** Both rates in one expression need names of their own for what they are computed from. */
function named(metrics: InferenceEndpointMetrics, prefix: string, options?: EndpointMetricOptions): MathExpression {
  const { expression, usingMetrics, label, period } = metrics.failureRate(options);
  const names = Object.keys(usingMetrics);
  const renamed = names.reduce((text, name) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `${prefix}_${name}`), expression);
  return new MathExpression({
    expression: renamed,
    label,
    period,
    usingMetrics: Object.fromEntries(names.map((name) => [`${prefix}_${name}`, usingMetrics[name]])),
  });
}
