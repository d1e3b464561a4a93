import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { InstanceType } from '../instance-type.generated';
import { EndpointProps } from './endpoint-base';

/** What every endpoint on instances of its own is told. */
export interface InstanceEndpointProps extends EndpointProps {
  /** Instance type that serves the model. */
  readonly instance: InstanceType;
  /**
   * Whether the container is cut off from every network. SageMaker still delivers the model to it.
   *
   * @default true
   */
  readonly networkIsolation?: boolean;
  /**
   * VPC that the containers are attached to. It needs a route to Amazon S3.
   *
   * @default - the network of the service
   */
  readonly vpc?: IVpc;
  /**
   * Subnets, in two or more Availability Zones.
   *
   * @default - the private subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security groups of the containers.
   *
   * @default - a new one that accepts nothing and may call HTTPS
   */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * Key that encrypts the storage volume. It is left out for instance types with local NVMe storage, whose hardware encrypts it.
   *
   * @default - a key of the service
   */
  readonly volumeKey?: IKey;
  /**
   * Keeps `volumeKey` for instance types with local NVMe storage, where it encrypts nothing, because an account policy demands a key.
   *
   * @default false
   */
  readonly keepVolumeKey?: boolean;
  /**
   * Storage volume of each instance, 1 to 512 GiB; not for types with local NVMe storage.
   *
   * @default - 30 GiB, or the local storage
   */
  readonly volumeSize?: Size;
  /**
   * Time to download the model, 60 to 3,600 s.
   *
   * @default - 10 minutes, 30 minutes on accelerators
   */
  readonly modelDownloadTimeout?: Duration;
  /**
   * Time until the container must answer health checks, 60 to 3,600 s.
   *
   * @default - 10 minutes, 30 minutes on accelerators
   */
  readonly startupTimeout?: Duration;
  /**
   * Whether metrics come per instance and container too, at extra cost
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch-enhanced-metrics.html).
   *
   * @default false
   */
  readonly enhancedMetrics?: boolean;
  /**
   * How often metrics are published: 10, 30, 60, 120, 180, 240 or 300 s. Other than 60 s needs `enhancedMetrics`.
   *
   * @default Duration.minutes(1)
   */
  readonly metricFrequency?: Duration;
}

/** The properties above with every default in its place. @internal */
export interface InstanceSettings {
  readonly instance: InstanceType;
  readonly networkIsolation: boolean;
  readonly volumeSize?: Size;
  readonly modelDownloadTimeout: Duration;
  readonly startupTimeout: Duration;
  readonly enhancedMetrics: boolean;
  readonly metricFrequency: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** Volume of families without local storage: the container's image, the archive and the model unpacked. */
const DEFAULT_VOLUME = Size.gibibytes(30);

/** Weights of models that need an accelerator are large: half an hour, otherwise ten minutes. */
const loadTime = (instance: InstanceType) => Duration.minutes((instance.accelerators ?? 0) > 0 ? 30 : 10);

/** @internal */
export function instanceSettings(props: InstanceEndpointProps): InstanceSettings {
  const { instance } = props;
  return {
    instance,
    networkIsolation: props.networkIsolation ?? true,
    volumeSize: props.volumeSize ?? (instance.localStorage === false ? DEFAULT_VOLUME : undefined),
    modelDownloadTimeout: props.modelDownloadTimeout ?? loadTime(instance),
    startupTimeout: props.startupTimeout ?? loadTime(instance),
    enhancedMetrics: props.enhancedMetrics ?? false,
    metricFrequency: props.metricFrequency ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  };
}
