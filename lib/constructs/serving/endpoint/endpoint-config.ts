import { Aws, CfnCondition, CfnDeletionPolicy, CfnResource, Fn, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnEndpointConfig, CfnEndpointConfigProps } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { InstanceType } from '../instance-type.generated';
import { EndpointBase } from './endpoint-base';
import { EndpointCapture } from './endpoint-capture';
import { InstanceHostSettings, LoadSettings } from './instance-endpoint';
import { supplyConfig } from './instance-supply';

/** Whether a key of the caller's reaches the endpoint configuration, and why. @internal */
export interface StorageDecision {
  readonly key?: IKey;
  readonly reason: string;
}

/** Packs of cdk-nag that demand a key on every endpoint configuration, also where it would encrypt nothing. */
const PACKS_THAT_DEMAND_A_KEY = ['HIPAA.Security', 'NIST.800.53.R4', 'NIST.800.53.R5', 'PCI.DSS.321'];

/**
 * Local NVMe storage is encrypted by the instance itself: a KMS key is refused or does nothing there, depending on Region and API version
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html).
 *
 * @internal
 */
export function decideStorage(instance: InstanceType, key: IKey | undefined, keepKey: boolean): StorageDecision {
  if (key === undefined) {
    return instance.localStorage
      ? { reason: `no key: ${instance.name} encrypts its local NVMe storage in hardware` }
      : { reason: 'no key given: SageMaker encrypts the volume with a key of its own' };
  }
  if (!instance.localStorage) {
    return { key, reason: `the given key encrypts the volume of ${instance.name}` };
  }
  return keepKey
    ? {
        key,
        reason: `the given key is kept because 'keepVolumeKey' is set; it does not encrypt the local NVMe storage of ${instance.name}`,
      }
    : { reason: `the given key is left out: ${instance.name} has local NVMe storage, which is encrypted in hardware and not by KMS` };
}

/** What one kind of endpoint adds to its configuration. @internal */
export interface ConfigAdditions {
  readonly initialInstanceCount: number;
  /** Share of the requests, against the weights of further variants; 1 when absent. */
  readonly weight?: number;
  /** Variants beside the first. */
  readonly variants?: readonly ConfigVariant[];
  /** Takes copies of requests and answers nobody. */
  readonly shadow?: ConfigVariant;
  readonly capture?: Required<EndpointCapture>;
  /** How requests find an instance of the first variant. */
  readonly routing?: CfnEndpointConfig.RoutingConfigProperty;
  readonly asyncInference?: CfnEndpointConfig.AsyncInferenceConfigProperty;
  /** What only a configuration without a model takes: its models come later, as inference components. */
  readonly components?: ComponentHostConfig;
}

/** A variant beside the first one. @internal */
export interface ConfigVariant {
  readonly name: string;
  readonly modelName: string;
  readonly settings: InstanceHostSettings & Partial<LoadSettings>;
  readonly initialInstanceCount: number;
  readonly weight: number;
  /** Whether its model is there; absent: always. */
  readonly condition?: CfnCondition;
  /** The model that it serves while its own is not there; absent: then the variant is not there either. */
  readonly standIn?: string;
}

/** Role, network and scaling of instances that several models share. @internal */
export interface ComponentHostConfig {
  readonly executionRoleArn: string;
  readonly enableNetworkIsolation: boolean;
  readonly vpcConfig?: CfnEndpointConfig.VpcConfigProperty;
  readonly managedInstanceScaling?: CfnEndpointConfig.ManagedInstanceScalingProperty;
}

/** An endpoint configuration; unnamed, because a named one cannot be replaced. @internal */
export function createConfig(
  scope: Construct,
  id: string,
  modelName: string | undefined,
  settings: InstanceHostSettings & Partial<LoadSettings>,
  storage: StorageDecision,
  { initialInstanceCount, weight = 1, variants = [], shadow, capture, routing, asyncInference, components }: ConfigAdditions,
): CfnEndpointConfig {
  const { managedInstanceScaling, ...host } = components ?? {};
  const main = variantConfig({ name: EndpointBase.VARIANT_NAME, modelName, settings, initialInstanceCount, weight });
  const config = new VariantsConfig(
    scope,
    id,
    {
      productionVariants: [
        { ...main, managedInstanceScaling, routingConfig: routing },
        ...variants.map((variant) => variantConfig({ ...variant, modelName: served(variant) })),
      ],
      shadowProductionVariants: shadow && [variantConfig(shadow)],
      ...host,
      kmsKeyId: storage.key?.keyArn,
      dataCaptureConfig: capture && captureConfig(capture),
      asyncInferenceConfig: asyncInference,
      metricsConfig: {
        enableEnhancedMetrics: settings.enhancedMetrics,
        enableDetailedObservability: false,
        metricPublishFrequencyInSeconds: settings.metricFrequency.toSeconds(),
      },
    },
    shadow?.condition,
  );
  describeDecisions(config, settings, storage, shadow === undefined ? variants : [...variants, shadow]);
  return config;
}

/** A configuration in which the shadow is there only while its model is. */
class VariantsConfig extends CfnEndpointConfig {
  constructor(
    scope: Construct,
    id: string,
    props: CfnEndpointConfigProps,
    private readonly shadow?: CfnCondition,
  ) {
    super(scope, id, props);
  }

  /** Conditions go around what is rendered: the properties of a variant have other names in a template. */
  protected override renderProperties(props: Record<string, unknown>): Record<string, unknown> {
    const rendered = super.renderProperties(props);
    return { ...rendered, ShadowProductionVariants: whileApproved(this.shadow, rendered.ShadowProductionVariants) };
  }
}

const whileApproved = (condition: CfnCondition | undefined, value: unknown): unknown =>
  condition === undefined ? value : Fn.conditionIf(condition.logicalId, value, Aws.NO_VALUE);

/** Guardrails need the same names of variants before and after (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html). */
const served = ({ modelName, condition, standIn }: ConfigVariant): string =>
  condition === undefined || standIn === undefined ? modelName : Fn.conditionIf(condition.logicalId, modelName, standIn).toString();

function variantConfig({
  name,
  modelName,
  settings,
  initialInstanceCount,
  weight,
}: Omit<ConfigVariant, 'modelName'> & { readonly modelName?: string }): CfnEndpointConfig.ProductionVariantProperty {
  return {
    variantName: name,
    modelName,
    ...supplyConfig(settings),
    initialInstanceCount,
    initialVariantWeight: weight,
    volumeSizeInGb: settings.volumeSize?.toGibibytes(),
    inferenceAmiVersion: settings.ami.version,
    modelDataDownloadTimeoutInSeconds: settings.modelDownloadTimeout?.toSeconds(),
    containerStartupHealthCheckTimeoutInSeconds: settings.startupTimeout?.toSeconds(),
  };
}

/** Says in the template what was decided and why, and acknowledges what a validator cannot know. */
function describeDecisions(
  config: CfnEndpointConfig,
  settings: InstanceHostSettings,
  storage: StorageDecision,
  variants: readonly ConfigVariant[],
): void {
  config.addMetadata('StorageEncryption', storage.reason);
  if (settings.ami.reason !== undefined) {
    config.addMetadata('InferenceAmi', settings.ami.reason);
  }
  for (const { name, settings: own } of variants.filter(({ settings: { ami } }) => ami.reason !== undefined)) {
    config.addMetadata(`InferenceAmi of ${name}`, own.ami.reason);
  }
  if (storage.key === undefined && settings.instance.localStorage) {
    const acknowledge = (pack: string) => ({ id: `${pack}-SageMakerEndpointConfigurationKMSKeyConfigured`, reason: storage.reason });
    Validations.of(config).acknowledge(...PACKS_THAT_DEMAND_A_KEY.map(acknowledge));
  }
  const unlisted = [settings, ...variants.map((variant) => variant.settings)].flatMap(({ instance, fallbackInstances = [], ami }) => [
    ...[instance, ...fallbackInstances].flatMap(({ name, _shape }) => (_shape === undefined ? [`InstanceType.of('${name}')`] : [])),
    ...(ami.unlisted === true ? [`InferenceAmiVersion.of('${ami.version}')`] : []),
  ]);
  if (unlisted.length > 0) {
    const reason = `${[...new Set(unlisted)].join(' and ')} is the caller's word that it exists.`;
    Validations.of(config).acknowledge({ id: 'CloudFormation-Validate::W3030', reason });
  }
}

/** Input and output; JSON and CSV as they are, anything else in base64. */
function captureConfig(capture: Required<EndpointCapture>): CfnEndpointConfig.DataCaptureConfigProperty {
  return {
    enableCapture: capture.samplingPercent !== 0,
    initialSamplingPercentage: capture.samplingPercent,
    destinationS3Uri: capture.bucket.s3UrlForObject(capture.prefix),
    kmsKeyId: capture.bucket.encryptionKey?.keyArn,
    captureOptions: [{ captureMode: 'Input' }, { captureMode: 'Output' }],
    captureContentTypeHeader: { jsonContentTypes: ['application/json'], csvContentTypes: ['text/csv'] },
  };
}

/**
 * A replaced model or configuration stays: a rollback, a patch by AWS or a scale-out may still need it. Deleting follows the caller.
 *
 * @internal
 */
export function keepWhenReplaced(resource: CfnResource, removalPolicy: RemovalPolicy): void {
  resource.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  resource.cfnOptions.deletionPolicy = removalPolicy === RemovalPolicy.DESTROY ? CfnDeletionPolicy.DELETE : CfnDeletionPolicy.RETAIN;
}
