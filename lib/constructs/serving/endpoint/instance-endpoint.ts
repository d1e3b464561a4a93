import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { InferenceImage } from '../../models/inference-image';
import { AmiDecision, chooseAmi, InferenceAmiVersion } from '../inference-ami';
import { InstanceType } from '../instance-type.generated';
import { ModelSize } from '../model-size';
import { BaseEndpointProps, EndpointProps } from './endpoint-base';
import { InstanceSupplyProps } from './instance-supply';

/** What every endpoint on instances is told, whether it serves one model or several. */
export interface InstanceHostProps extends BaseEndpointProps, InstanceSupplyProps {
  /** Instance type that serves. */
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
   * @default - 30 GiB, or two and a half times the weights of `modelSize` when those are known and need more; or the local storage
   */
  readonly volumeSize?: Size;
  /**
   * Machine image of the instances, which decides the driver of their GPUs. Errors: one that is not for the instance type, or whose driver
   * cannot run the CUDA version of the image.
   *
   * @default - the oldest whose driver carries the CUDA version of the image, or the newest where several models come later; where the CUDA version
   * is not known, the default of SageMaker
   */
  readonly amiVersion?: InferenceAmiVersion;
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

/** What every endpoint on instances with one model is told. */
export interface InstanceEndpointProps extends EndpointProps, InstanceHostProps {
  /**
   * How much memory the model needs. An instance type that cannot hold it is an error that names the smallest one that can.
   *
   * @default - unknown: not checked
   */
  readonly modelSize?: ModelSize;
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
}

/** The properties of a host with every default in its place. @internal */
export interface InstanceHostSettings extends InstanceSupplyProps {
  readonly instance: InstanceType;
  readonly networkIsolation: boolean;
  readonly volumeSize?: Size;
  readonly ami: AmiDecision;
  readonly enhancedMetrics: boolean;
  readonly metricFrequency: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** How often an endpoint publishes its invocations: they follow the frequency only with enhanced metrics. @internal */
export const invocationsEverySeconds = ({ enhancedMetrics, metricFrequency }: InstanceHostSettings): number =>
  enhancedMetrics ? metricFrequency.toSeconds() : 60;

/** How long a model may take to load. @internal */
export interface LoadSettings {
  readonly modelDownloadTimeout: Duration;
  readonly startupTimeout: Duration;
}

/** The properties of an endpoint with one model, with every default in its place. @internal */
export interface InstanceSettings extends InstanceHostSettings, LoadSettings {}

/** Volume of families without local storage, GiB: the container's image, the archive and the model unpacked. */
const LEAST_VOLUME = 30;

const defaultVolume = (instance: InstanceType, modelSize?: ModelSize): Size | undefined =>
  instance.localStorage === false ? Size.gibibytes(Math.max(LEAST_VOLUME, modelSize?._volume.toGibibytes() ?? 0)) : undefined;

/** Weights of models that need an accelerator are large: half an hour, otherwise ten minutes. */
const loadTime = (instance: InstanceType) => Duration.minutes((instance.accelerators ?? 0) > 0 ? 30 : 10);

/** @internal */
export function instanceSettings(props: InstanceEndpointProps): InstanceSettings {
  const { instance, modelSize } = props;
  const host = hostSettings(props, props.model.image);
  return { ...host, volumeSize: props.volumeSize ?? defaultVolume(instance, modelSize), ...loadSettings(instance, props) };
}

/** @internal */
export function loadSettings(instance: InstanceType, given: Partial<LoadSettings>): LoadSettings {
  return {
    modelDownloadTimeout: given.modelDownloadTimeout ?? loadTime(instance),
    startupTimeout: given.startupTimeout ?? loadTime(instance),
  };
}

/** @internal */
export function hostSettings(props: InstanceHostProps, image?: InferenceImage): InstanceHostSettings {
  const { instance } = props;
  return {
    instance,
    fallbackInstances: props.fallbackInstances,
    provisionTimeout: props.provisionTimeout,
    capacityReservationArn: props.capacityReservationArn,
    networkIsolation: props.networkIsolation ?? true,
    volumeSize: props.volumeSize ?? defaultVolume(instance),
    ami: chooseAmi(instance, image, props.amiVersion),
    enhancedMetrics: props.enhancedMetrics ?? false,
    metricFrequency: props.metricFrequency ?? Duration.minutes(1),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  };
}
