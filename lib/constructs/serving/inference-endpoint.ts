import { CfnCondition, Duration, Fn, RemovalPolicy, Resource, Size, Stack, interfaces } from 'aws-cdk-lib';
import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, IConnectable, ISecurityGroup, IVpc, Peer, Port, SecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Grant, IGrantable, IPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnEndpoint, CfnEndpointConfig, CfnModel, IEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { NO_VERSION } from '../models/contract';
import { ModelSource } from '../models/model-source';
import { createModel } from '../models/sagemaker-model';
import { failOn } from '../shared/checks';
import { generatedName } from '../shared/names';
import { EndpointCapture } from './endpoint-capture';
import { createConfig, decideStorage, keepWhenReplaced } from './endpoint-config';
import { deploymentConfig } from './endpoint-deployment';
import { createScaling } from './endpoint-scaling';
import { EndpointSettings, settingsOf } from './endpoint-settings';
import { allowCapture, executionRole } from './execution-role';
import { EndpointAlarms, rollbackAlarmNames } from './inference-endpoint-alarms';
import { endpointProblems, warn } from './inference-endpoint-checks';
import { InferenceEndpointMetrics } from './inference-endpoint-metrics';
import { InstanceType } from './instance-type.generated';
import { noRouteToS3 } from './network-checks';
import { Rollout } from './rollout';
import { Scaling } from './scaling';
import { Slo } from './slo';

/** Properties of an `InferenceEndpoint`. */
export interface InferenceEndpointProps {
  /** Where the model comes from, with the image that serves it. */
  readonly model: ModelSource;
  /** Instance type that serves it. */
  readonly instance: InstanceType;
  /** What the endpoint promises its callers. Its alarms follow from it. */
  readonly slo: Slo;
  /**
   * How many instances serve it.
   *
   * @default Scaling.fixed(1)
   */
  readonly scaling?: Scaling;
  /**
   * Name, unique in account and Region: 1 to 63 lower-case letters, digits and inner hyphens. Changing it replaces the endpoint.
   *
   * @default - generated from the construct path; for a model of a registry the name that its releases look for, and no other
   */
  readonly endpointName?: string;
  /**
   * How an update reaches the fleet.
   *
   * @default - rolling with two or more instances that have accelerators, otherwise all at once
   */
  readonly rollout?: Rollout;
  /**
   * Where requests and answers are kept.
   *
   * @default - they are not
   */
  readonly capture?: EndpointCapture;
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
  /**
   * What happens to model and endpoint configuration when the stack drops them. Replaced ones are always kept.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * A real-time endpoint with one model: least-privilege role, network isolation, alarms from its SLO, updates that roll back.
 *
 * Its name and ARN are literals, so that others can name it before it exists and nothing references its resources. With a model of a registry
 * there is no endpoint until a version is approved; role, logs and alarms are there from the start.
 */
export class InferenceEndpoint extends Resource implements IEndpoint, IConnectable, IGrantable {
  /** The variant that serves all traffic. It never changes: scaling and rollbacks name it. */
  public static readonly VARIANT_NAME = 'AllTraffic';

  /** Name of the endpoint: a literal. */
  public readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public readonly endpointArn: string;
  /** Reference for constructs that take any endpoint. */
  public readonly endpointRef: interfaces.aws_sagemaker.EndpointReference;
  /** What the endpoint promises its callers. */
  public readonly slo: Slo;
  /** Metrics of the endpoint. */
  public readonly metrics: InferenceEndpointMetrics;
  /** In ALARM while the endpoint fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** Whose key encrypts the storage, and why. */
  public readonly storageEncryption: string;
  /** Execution role of the containers. */
  public readonly role: Role;
  /** The principal that containers act as. */
  public readonly grantPrincipal: IPrincipal;
  private readonly securityGroups: ISecurityGroup[];

  constructor(scope: Construct, id: string, props: InferenceEndpointProps) {
    super(scope, id);
    const settings = settingsOf(props, InferenceEndpoint.VARIANT_NAME);
    failOn(this, 'InvalidInferenceEndpoint', endpointProblems(this, props, settings));
    warn(this, props, settings);

    this.endpointName = props.endpointName ?? props.model._registry?.endpointName ?? generatedName(this);
    this.endpointArn = Stack.of(this).formatArn({ service: 'sagemaker', resource: 'endpoint', resourceName: this.endpointName });
    this.endpointRef = { endpointArn: this.endpointArn };
    this.slo = props.slo;
    this.metrics = InferenceEndpointMetrics._ofVariant(this.endpointName, InferenceEndpoint.VARIANT_NAME);
    this.securityGroups = this.createSecurityGroups(props);
    const storage = decideStorage(props.instance, props.volumeKey, props.keepVolumeKey ?? false);
    this.storageEncryption = storage.reason;

    const logGroup = this.createLogGroup();
    this.role = executionRole(this, 'Role', {
      logGroup,
      rollbackAlarmNames: rollbackAlarmNames(this.endpointName, settings),
      inVpc: props.vpc !== undefined,
      volumeKey: storage.key,
      path: props.model._registry?.rolePath,
    });
    this.grantPrincipal = this.role;
    if (settings.capture !== undefined) {
      allowCapture(this.role, settings.capture.bucket, `${settings.capture.prefix}/${this.endpointName}`);
    }
    const model = this.createModel(props, settings);
    const config = createConfig(this, 'Config', model.attrModelName, settings, storage);
    config.cfnOptions.condition = model.cfnOptions.condition;
    keepWhenReplaced(config, settings.removalPolicy);

    const alarms = new EndpointAlarms(this, this.endpointName, settings, this.metrics);
    this.unhealthyAlarm = alarms.createUnhealthy();
    if (settings.capture !== undefined) {
      alarms.createDisk();
    }
    const endpoint = this.createEndpoint(config, settings, alarms);
    endpoint.node.addDependency(logGroup);
    createScaling(this, {
      endpoint,
      endpointName: this.endpointName,
      variantName: InferenceEndpoint.VARIANT_NAME,
      scaling: settings.scaling,
      condition: config.cfnOptions.condition,
    });
  }

  /** The security groups of the containers; an error when the endpoint is in no VPC. */
  public get connections(): Connections {
    if (this.securityGroups.length === 0) {
      throw new Error(`InvalidInferenceEndpoint: only an endpoint with 'vpc' has connections [at ${this.node.path}]`);
    }
    return new Connections({ securityGroups: this.securityGroups });
  }

  /** Lets `grantee` call this endpoint, and no other. */
  public grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['sagemaker:InvokeEndpoint'], resourceArns: [this.endpointArn] });
  }

  private createSecurityGroups({ vpc, securityGroups }: InferenceEndpointProps): ISecurityGroup[] {
    if (vpc === undefined) {
      return [];
    }
    if (securityGroups !== undefined) {
      return securityGroups;
    }
    const group = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      allowAllOutbound: false,
      description: `Containers of ${this.endpointName}`,
    });
    group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'AWS services');
    return [group];
  }

  /** SageMaker would make it without retention; made here, it is also deleted after the endpoint. */
  private createLogGroup(): LogGroup {
    return new LogGroup(this, 'Logs', {
      logGroupName: `/aws/sagemaker/Endpoints/${this.endpointName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private createModel(props: InferenceEndpointProps, settings: EndpointSettings): CfnModel {
    const { vpc, vpcSubnets } = props;
    const model = createModel(this, 'Model', {
      source: props.model._bind(this, this.role),
      role: this.role,
      networkIsolation: settings.networkIsolation,
      vpc,
      vpcSubnets,
      securityGroups: vpc && this.securityGroups,
    });
    keepWhenReplaced(model, settings.removalPolicy);
    if (vpc !== undefined) {
      const { subnetIds } = vpc.selectSubnets(vpcSubnets);
      this.node.addValidation({ validate: () => noRouteToS3(this, vpc, subnetIds) });
    }
    return model;
  }

  private createEndpoint(config: CfnEndpointConfig, settings: EndpointSettings, alarms: EndpointAlarms): CfnEndpoint {
    const { condition } = config.cfnOptions;
    const rollback = alarms.createRollback(whileThere(condition, config.attrEndpointConfigName));
    const endpoint = new CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      retainAllVariantProperties: settings.scaling.isAutomatic ? true : undefined,
      deploymentConfig: deploymentConfig(this.endpointName, settings),
    });
    endpoint.cfnOptions.condition = condition;
    endpoint.node.addDependency(...rollback);
    return endpoint;
  }
}

/** An alarm is always there and must name something: a dimension of no fleet has no data. */
function whileThere(condition: CfnCondition | undefined, value: string): string {
  return condition === undefined ? value : Fn.conditionIf(condition.logicalId, value, NO_VERSION).toString();
}
