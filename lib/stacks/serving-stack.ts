import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { BlueprintConfig, EndpointConfig } from '../config/schema';
import { ModelSource } from '../constructs/models';
import { INetwork } from '../constructs/network';
import { Layer } from '../constructs/ownership';
import { InferenceEndpoint, MeasuredCapacity, Scaling } from '../constructs/serving';
import { physicalName } from '../constructs/shared/names';
import { hostOf, modelSizeOf, rolloutOf, schedulesOf, sloOf } from './capacity';
import { imageOf } from './images';
import { isolationOf, modelSourceOf } from './model-sources';
import { WorkloadStack } from './workload-stack';

export interface ServingStackProps {
  /** Route name of the model. */
  readonly name: string;
  readonly captureBucket: IBucket;
  /** Bucket with the artefacts of trained models. */
  readonly artifacts?: IBucket;
  /** Undefined: the network of the service. */
  readonly network?: INetwork;
}

/** One endpoint with its scaling and alarms. Nothing outside refers to its resources: names are literals. */
export class ServingStack extends WorkloadStack {
  public readonly endpoint: InferenceEndpoint;

  constructor(scope: Construct, id: string, config: BlueprintConfig, { name, captureBucket, artifacts, network }: ServingStackProps) {
    super(scope, id, config, Layer.SERVING);
    const settings = config.endpoints[name];
    const { slo, captureSamplingPercent } = settings;
    this.endpoint = new InferenceEndpoint(this, 'Endpoint', {
      endpointName: physicalName([this.prefix, name]),
      model: this.modelOf(name, settings, artifacts),
      networkIsolation: isolationOf(settings.model),
      ...hostOf(settings, network),
      slo: sloOf(slo),
      scaling: scalingOf(settings),
      rollout: rolloutOf(settings.rollout),
      modelSize: modelSizeOf(settings.modelSize),
      capture: captureSamplingPercent > 0 ? { bucket: captureBucket, samplingPercent: captureSamplingPercent } : undefined,
      removalPolicy: this.removalPolicy,
    });
  }

  private modelOf(name: string, settings: EndpointConfig, artifacts: IBucket | undefined): ModelSource {
    const { training, ...fixed } = settings.model;
    return training === undefined
      ? modelSourceOf(this, { ...settings, model: fixed })
      : ModelSource.fromRegistry({ namePrefix: this.prefix, model: name, artifacts: artifacts!, image: imageOf(settings.image) });
  }
}

function scalingOf({ scaling: { fixed, min, max, capacity, tokenMetric, concurrency, schedules } }: EndpointConfig): Scaling {
  if (fixed !== undefined) {
    return Scaling.fixed(fixed);
  }
  return Scaling.between(min!, max!, {
    capacity: capacity === undefined ? undefined : MeasuredCapacity.fromFile(capacity),
    tokenMetric:
      tokenMetric && new Metric({ namespace: tokenMetric.namespace, metricName: tokenMetric.name, dimensionsMap: tokenMetric.dimensions }),
    concurrency,
    schedules: schedulesOf(schedules),
  });
}
