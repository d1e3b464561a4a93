import { Alarm, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { ConfigVariant } from '../endpoint/endpoint-config';
import { createHostedModel, whileThere } from '../endpoint/endpoint-host';
import { createScaling, variantInstances } from '../endpoint/endpoint-scaling';
import { invocationsEverySeconds } from '../endpoint/instance-endpoint';
import { Slo } from '../slo';
import { VariantSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';
import { EndpointAlarms, subjectOf } from './inference-endpoint-alarms';
import { warn } from './inference-endpoint-checks';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';

/** What a variant needs of its endpoint. @internal */
export interface VariantHost {
  readonly endpointName: string;
  readonly props: InferenceEndpointProps;
  readonly role: Role;
  readonly securityGroups: ISecurityGroup[];
  /** Name of the endpoint's own model, in the template. */
  readonly ownModel: string;
}

/** A model of its own beside the endpoint's, in the network of the endpoint and under its role. @internal */
export function createVariantModel(scope: Construct, { props, role, securityGroups }: VariantHost, settings: VariantSettings): CfnModel {
  warn(scope, settings);
  return createHostedModel(scope, { ...props, model: settings.model }, settings, role, securityGroups);
}

/** @internal */
export const configVariant = (settings: VariantSettings, model: CfnModel): ConfigVariant => ({
  name: settings.name,
  modelName: model.attrModelName,
  settings,
  initialInstanceCount: settings.scaling.minInstances,
  weight: settings.weight,
  condition: model.cfnOptions.condition,
});

/** A variant that takes a share of an endpoint's requests, with metrics, alarms and scaling of its own. */
export class EndpointVariant extends Construct {
  /** @internal */
  public static _create(scope: Construct, host: VariantHost, settings: VariantSettings): EndpointVariant {
    return new EndpointVariant(scope, host, settings);
  }

  /** What it is called: the `TargetVariant` of a request. */
  public readonly variantName: string;
  /** What it promises its callers. */
  public readonly slo: Slo;
  /** Metrics of its requests and instances. */
  public readonly metrics: InferenceEndpointMetrics;
  /** In ALARM while it fails its users. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** @internal */
  public readonly _config: ConfigVariant;
  private readonly alarms: EndpointAlarms;
  private readonly host: VariantHost;
  private readonly settings: VariantSettings;

  private constructor(scope: Construct, host: VariantHost, settings: VariantSettings) {
    super(scope, `Variant-${settings.name}`);
    this.host = host;
    this.settings = settings;
    this.variantName = settings.name;
    this.slo = settings.slo;
    this.metrics = InferenceEndpointMetrics._ofVariant(host.endpointName, settings.name);
    this._config = { ...configVariant(settings, createVariantModel(this, host, settings)), standIn: host.ownModel };
    this.alarms = new EndpointAlarms(this, host.endpointName, settings, this.metrics, settings.name);
    this.unhealthyAlarm = this.alarms.createUnhealthy(this.alarms.createCauses());
    if (host.props.capture !== undefined) {
      this.alarms.createDisk();
    }
  }

  /** Alarms on its fleet in one configuration. @internal */
  public _createRollback(config: CfnEndpointConfig): Alarm[] {
    return this.alarms.createRollback(whileThere(config.cfnOptions.condition, config.attrEndpointConfigName));
  }

  /** @internal */
  public _scale(endpoint: CfnEndpoint): void {
    const { endpointName } = this.host;
    createScaling(this, {
      ...variantInstances(endpoint, endpointName, this.variantName, subjectOf(endpointName, this.variantName)),
      plan: this.settings.scaling._plan(endpointName, this.variantName, invocationsEverySeconds(this.settings)),
      condition: endpoint.cfnOptions.condition,
    });
  }
}
