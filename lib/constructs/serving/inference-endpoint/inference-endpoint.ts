import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { failOn } from '../../shared/checks';
import { EndpointBase } from '../endpoint/endpoint-base';
import { EndpointCapture } from '../endpoint/endpoint-capture';
import { createConfig, decideStorage, keepWhenReplaced } from '../endpoint/endpoint-config';
import {
  createHostedModel,
  createLogGroup,
  createSecurityGroups,
  identityOf,
  underConditionOf,
  whileThere,
} from '../endpoint/endpoint-host';
import { createScaling, variantInstances } from '../endpoint/endpoint-scaling';
import { allowCapture, executionRole } from '../endpoint/execution-role';
import { InstanceEndpointProps, invocationsEverySeconds } from '../endpoint/instance-endpoint';
import { routingConfig, RoutingProps } from '../endpoint/routing';
import { Rollout } from '../rollout';
import { Scaling } from '../scaling';
import { Slo } from '../slo';
import { deploymentConfig, recordNeeds } from './endpoint-deployment';
import { EndpointSettings, settingsOf } from './endpoint-settings';
import { EndpointVariant } from './endpoint-variant';
import { EndpointAlarms, rollbackAlarmNames } from './inference-endpoint-alarms';
import { endpointProblems, warn } from './inference-endpoint-checks';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';
import { ShadowVariant } from './shadow-variant';
import { EndpointVariantProps, ShadowVariantProps } from './variant-props';

/** Properties of an `InferenceEndpoint`. */
export interface InferenceEndpointProps extends InstanceEndpointProps, RoutingProps {
  /** What the endpoint promises its callers. Its alarms follow from it. */
  readonly slo: Slo;
  /**
   * How many instances serve it.
   *
   * @default Scaling.fixed(1)
   */
  readonly scaling?: Scaling;
  /**
   * How an update reaches the fleet.
   *
   * @default Rollout.auto()
   */
  readonly rollout?: Rollout;
  /**
   * Where requests and answers are kept.
   *
   * @default - they are not
   */
  readonly capture?: EndpointCapture;
  /**
   * Share of the requests that go to `model`, against the weights of `variants`: 0 to 1,000.
   *
   * @default 1
   */
  readonly weight?: number;
  /**
   * Variants that take a share of the requests by their weights, each with a model, instances, alarms and scaling of its own; up to 4. The endpoint's
   * own is called `AllTraffic` beside them too: a variant under another name could not be updated with guardrails, nor stay scaled. An update of
   * several variants cannot roll batch by batch.
   *
   * @default - none: every request goes to `model`
   */
  readonly variants?: EndpointVariantProps[];
  /**
   * A variant that is sent copies of the requests, to see how it would do. Not beside `variants`.
   *
   * @default - none
   */
  readonly shadow?: ShadowVariantProps;
}

/**
 * A real-time endpoint with one model: least-privilege role, network isolation, alarms from its SLO, updates that roll back.
 *
 * With a model of a registry there is no endpoint until a version is approved; role, logs and alarms are there from the start.
 */
export class InferenceEndpoint extends EndpointBase {
  /** Name of the endpoint: a literal. */
  public readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public readonly endpointArn: string;
  /** Execution role of the containers. */
  public readonly role: Role;
  /** What the endpoint promises its callers. */
  public readonly slo: Slo;
  /** Metrics of the endpoint. */
  public readonly metrics: InferenceEndpointMetrics;
  /** In ALARM while the endpoint fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** Variants beside the endpoint's own, in the order of the properties. */
  public readonly variants: EndpointVariant[];
  /** The variant that is sent copies; undefined without one. */
  public readonly shadow?: ShadowVariant;
  /** Whose key encrypts the storage, and why. */
  public readonly storageEncryption: string;
  /** @internal */
  protected readonly _securityGroups: ISecurityGroup[];

  constructor(scope: Construct, id: string, props: InferenceEndpointProps) {
    super(scope, id);
    const settings = settingsOf(props);
    failOn(this, 'InvalidInferenceEndpoint', endpointProblems(this, props, settings));
    warn(this, { ...props, slo: settings.slo, scaling: settings.scaling });

    const identity = identityOf(this, props);
    this.endpointName = identity.name;
    this.endpointArn = identity.arn;
    this.slo = props.slo;
    this.metrics = InferenceEndpointMetrics._ofVariant(this.endpointName, EndpointBase.VARIANT_NAME);
    this._securityGroups = createSecurityGroups(this, this.endpointName, props);
    const storage = decideStorage(props.instance, props.volumeKey, props.keepVolumeKey ?? false);
    this.storageEncryption = storage.reason;

    const logGroup = createLogGroup(this, this.endpointName);
    this.role = executionRole(this, 'Role', {
      logGroup,
      rollbackAlarmNames: rollbackAlarmNames(this.endpointName, settings),
      inVpc: props.vpc !== undefined,
      volumeKey: storage.key,
      path: props.model._registry?.rolePath,
    });
    if (settings.capture !== undefined) {
      allowCapture(this.role, settings.capture.bucket, `${settings.capture.prefix}/${this.endpointName}`);
    }
    const model = createHostedModel(this, props, settings, this.role, this._securityGroups);
    const host = {
      endpointName: this.endpointName,
      props,
      role: this.role,
      securityGroups: this._securityGroups,
      ownModel: model.attrModelName,
    };
    this.variants = settings.variants.map((variant) => EndpointVariant._create(this, host, variant));
    this.shadow = settings.shadow && ShadowVariant._create(this, host, settings.shadow, this.metrics);
    const config = createConfig(this, 'Config', model.attrModelName, settings, storage, {
      initialInstanceCount: settings.scaling.minInstances,
      weight: settings.weight,
      routing: routingConfig(props),
      variants: this.variants.map(({ _config }) => _config),
      shadow: this.shadow?._config,
      capture: settings.capture,
    });
    underConditionOf(model, config);
    keepWhenReplaced(config, settings.removalPolicy);

    const alarms = new EndpointAlarms(this, this.endpointName, settings, this.metrics);
    this.unhealthyAlarm = alarms.createUnhealthy(alarms.createCauses());
    if (settings.capture !== undefined) {
      alarms.createDisk();
    }
    const endpoint = this.createEndpoint(config, settings, alarms);
    underConditionOf(model, endpoint);
    endpoint.node.addDependency(logGroup);
    createScaling(this, {
      ...variantInstances(endpoint, this.endpointName),
      plan: settings.scaling._plan(this.endpointName, EndpointBase.VARIANT_NAME, invocationsEverySeconds(settings)),
      condition: config.cfnOptions.condition,
    });
    this.variants.forEach((variant) => variant._scale(endpoint));
    recordNeeds(this, this.endpointName, settings);
  }

  private createEndpoint(config: CfnEndpointConfig, settings: EndpointSettings, alarms: EndpointAlarms): CfnEndpoint {
    const rollback = alarms.createRollback(whileThere(config.cfnOptions.condition, config.attrEndpointConfigName));
    const { isAutomatic } = settings.scaling;
    const weighed = this.variants.length > 0 || this.shadow !== undefined;
    const endpoint = new CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      retainAllVariantProperties: isAutomatic ? true : undefined,
      // The counts are kept that scaling chose; the weights are those of the template.
      excludeRetainedVariantProperties: isAutomatic && weighed ? [{ variantPropertyType: 'DesiredWeight' }] : undefined,
      deploymentConfig: deploymentConfig(this.endpointName, settings),
    });
    endpoint.node.addDependency(...rollback, ...this.variants.flatMap((variant) => variant._createRollback(config)));
    return endpoint;
  }
}
