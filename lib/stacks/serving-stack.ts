import { Duration } from 'aws-cdk-lib';
import { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { BlueprintConfig, EndpointConfig } from '../config/schema';
import { ModelSource } from '../constructs/models';
import { INetwork } from '../constructs/network';
import { Layer } from '../constructs/ownership';
import { InferenceAmiVersion, InferenceEndpoint, InstanceType, MeasuredCapacity, Scaling, Slo } from '../constructs/serving';
import { physicalName } from '../constructs/shared/names';
import { modelSizeOf, rolloutOf, schedulesOf } from './capacity';
import { imageOf } from './images';
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
      instance: settings.unlistedInstance ? InstanceType.of(settings.instance) : InstanceType.fromCatalogue(settings.instance),
      slo: sloOf(slo),
      scaling: scalingOf(settings),
      rollout: rolloutOf(settings.rollout),
      amiVersion: settings.amiVersion === undefined ? undefined : InferenceAmiVersion.of(settings.amiVersion),
      modelSize: modelSizeOf(settings.modelSize),
      capture: captureSamplingPercent > 0 ? { bucket: captureBucket, samplingPercent: captureSamplingPercent } : undefined,
      vpc: network?.vpc,
      vpcSubnets: network?.subnets,
      securityGroups: network && [network.securityGroup],
      removalPolicy: this.removalPolicy,
    });
  }

  private modelOf(name: string, settings: EndpointConfig, artifacts: IBucket | undefined): ModelSource {
    const { model } = settings;
    const props = { image: imageOf(settings) };
    if (model.training !== undefined) {
      return ModelSource.fromRegistry({ namePrefix: this.prefix, model: name, artifacts: artifacts!, ...props });
    }
    if (model.asset !== undefined) {
      return ModelSource.fromAsset(model.asset, props);
    }
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(model.tarball!)!;
    return ModelSource.fromTarball(Bucket.fromBucketName(this, 'ModelBucket', bucket), key, props);
  }
}

export const sloOf = ({ latencyPercentile, latencyBelowMs, availabilityPercent }: EndpointConfig['slo']): Slo =>
  Slo.latency({ percentile: latencyPercentile, below: Duration.millis(latencyBelowMs), availabilityPercent });

function scalingOf({ scaling: { fixed, min, max, capacity, concurrency, schedules } }: EndpointConfig): Scaling {
  if (fixed !== undefined) {
    return Scaling.fixed(fixed);
  }
  return Scaling.between(min!, max!, {
    capacity: capacity === undefined ? undefined : MeasuredCapacity.fromFile(capacity),
    concurrency,
    schedules: schedulesOf(schedules),
  });
}
