import { CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { AsyncConfig } from '../config/endpoint-schema';
import { BlueprintConfig } from '../config/schema';
import { INetwork } from '../constructs/network';
import { Layer } from '../constructs/ownership';
import { AsyncEndpoint, AsyncSlo, BacklogScaleIn, BacklogScaling, MeasuredCapacity } from '../constructs/serving';
import { physicalName } from '../constructs/shared/names';
import { hostOf, modelSizeOf, rolloutOf, schedulesOf } from './capacity';
import { isolationOf, modelSourceOf } from './model-sources';
import { WorkloadStack } from './workload-stack';

export interface AsyncStackProps {
  readonly name: string;
  /** Undefined: the network of the service. */
  readonly network?: INetwork;
  /** Where accesses to the bucket are logged. Undefined: nowhere. */
  readonly accessLogs?: IBucket;
}

/** An asynchronous endpoint, and the bucket that its requests and answers lie in. */
export class AsyncStack extends WorkloadStack {
  public readonly endpoint: AsyncEndpoint;

  constructor(scope: Construct, id: string, config: BlueprintConfig, { name, network, accessLogs }: AsyncStackProps) {
    super(scope, id, config, Layer.SERVING);
    const settings = config.asyncEndpoints[name];
    const bucket = this.createExchange(name, settings, accessLogs);
    const { withinMinutes, availabilityPercent } = settings.slo;
    this.endpoint = new AsyncEndpoint(this, 'Endpoint', {
      endpointName: physicalName([this.prefix, name]),
      model: modelSourceOf(this, settings),
      networkIsolation: isolationOf(settings.model),
      ...hostOf(settings, network),
      slo: AsyncSlo.answers({ within: Duration.minutes(withinMinutes), availabilityPercent }),
      input: { bucket },
      output: { bucket },
      scaling: scalingOf(settings),
      maxConcurrentInvocations: settings.maxConcurrentInvocations,
      rollout: rolloutOf(settings.rollout),
      modelSize: modelSizeOf(settings.modelSize),
      removalPolicy: this.removalPolicy,
    });
    new CfnOutput(this, 'InputUrl', { value: this.endpoint.inputUrl });
  }

  private createExchange(name: string, { keepDays }: AsyncConfig, accessLogs: IBucket | undefined): Bucket {
    const bucket = new Bucket(this, 'Exchange', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(keepDays), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
      removalPolicy: this.removalPolicy,
      autoDeleteObjects: this.removalPolicy === RemovalPolicy.DESTROY,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: accessLogs && `${physicalName([this.prefix, name])}/`,
    });
    if (accessLogs === undefined) {
      Validations.of(bucket).acknowledge({
        id: 'AwsSolutions-S1',
        reason: 'this workload has no bucket for access logs; requests and answers pass through, and SageMaker logs each invocation',
      });
    }
    return bucket;
  }
}

function scalingOf({ scaling }: AsyncConfig): BacklogScaling {
  const { fixed, min, max, capacity, backlogPerInstance, scaleIn, longestInvocationMinutes, schedules } = scaling;
  if (fixed !== undefined) {
    return BacklogScaling.fixed(fixed);
  }
  return BacklogScaling.between(min!, max!, {
    capacity: capacity === undefined ? undefined : MeasuredCapacity.fromFile(capacity),
    backlogPerInstance,
    scaleIn: scaleIn === 'withBacklog' ? BacklogScaleIn.WITH_BACKLOG : undefined,
    longestInvocation: longestInvocationMinutes === undefined ? undefined : Duration.minutes(longestInvocationMinutes),
    schedules: schedulesOf(schedules),
  });
}
