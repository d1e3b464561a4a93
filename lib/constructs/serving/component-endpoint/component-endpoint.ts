import { ArnFormat, Lazy, Stack } from 'aws-cdk-lib';
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Grant, IGrantable, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { registerAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { acknowledgeResource } from '../../shared/acknowledgements';
import { failOn } from '../../shared/checks';
import { EndpointBase } from '../endpoint/endpoint-base';
import { createConfig, decideStorage, keepWhenReplaced } from '../endpoint/endpoint-config';
import { createLogGroup, createSecurityGroups, identityOf } from '../endpoint/endpoint-host';
import { executionRole } from '../endpoint/execution-role';
import { RoutingProps, routingConfig } from '../endpoint/routing';
import { hostSettings, InstanceHostProps, InstanceHostSettings } from '../endpoint/instance-endpoint';
import { recordInstances } from '../quota/quota-manifest';
import { componentEndpointProblems, crowdProblems, warnOfComponentEndpoint } from './component-endpoint-checks';
import { ComponentEndpointMetrics } from './component-metrics';
import { ComputeRequirements } from './compute';
import { Copies } from './copies';
import { InstanceScaleIn } from './instance-scale-in';

/** Properties of a `ComponentEndpoint`. */
export interface ComponentEndpointProps extends InstanceHostProps, RoutingProps {
  /**
   * Fewest instances, a whole number from 0 to 1,000, known at synth. With 0 the instances go about 10 minutes after the last copy: components
   * must let go of their last copy too, by `Copies.between(0, ...)`. The first instance comes with the first component, whatever the minimum
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScaling.html).
   *
   * @default 1
   */
  readonly minInstances?: number;
  /**
   * Most instances, at least `minInstances` and 1, up to 1,000, known at synth. SageMaker adds and removes them as the copies need. Keep it within
   * the account's quota for the instance type, which is often 0 to 4.
   */
  readonly maxInstances: number;
  /**
   * When instances are given back.
   *
   * @default - that of SageMaker: instances without a copy go
   */
  readonly scaleIn?: InstanceScaleIn;
}

/** What an endpoint must know of a component or an adapter. @internal */
export interface HostedComponent {
  readonly name: string;
  readonly arn: string;
  /** What its copies take; absent for adapters, which live in the copies of another. */
  readonly placed?: { readonly compute: ComputeRequirements; readonly copies: Copies };
  readonly rollbackAlarmNames: string[];
}

/**
 * Instances, with GPUs above all, that several models share as `InferenceComponent`s. It has no model of its own, and serves nothing until a
 * component is there.
 *
 * An update of the endpoint itself (instance type, network, metrics) takes a second fleet all at once: AWS documents no other way for such
 * endpoints, and no metric of requests by fleet that could roll one back. Models change by their components, which roll.
 */
export class ComponentEndpoint extends EndpointBase {
  /** Name of the endpoint: a literal. */
  public readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public readonly endpointArn: string;
  /** Role of the endpoint. Each component has one of its own, so that no model can read another. */
  public readonly role: Role;
  /** Metrics of the instances. */
  public readonly metrics: ComponentEndpointMetrics;
  /** Whose key encrypts the storage, and why. */
  public readonly storageEncryption: string;
  /** Fewest instances. */
  public readonly minInstances: number;
  /** Most instances. */
  public readonly maxInstances: number;
  /** @internal */
  public readonly _host: ComponentEndpointProps;
  /** @internal */
  public readonly _settings: InstanceHostSettings;
  /** @internal */
  public readonly _resource: CfnEndpoint;
  /** @internal */
  public readonly _securityGroups: ISecurityGroup[];
  private readonly hosted: HostedComponent[] = [];
  private readonly allowed = new Set<string>();

  constructor(scope: Construct, id: string, props: ComponentEndpointProps) {
    super(scope, id);
    this.minInstances = props.minInstances ?? 1;
    this.maxInstances = props.maxInstances;
    this._host = props;
    this._settings = hostSettings(props);
    failOn(this, 'InvalidComponentEndpoint', componentEndpointProblems(this, props, this._settings));
    warnOfComponentEndpoint(this, props);

    const identity = identityOf(this, props);
    this.endpointName = identity.name;
    this.endpointArn = identity.arn;
    this.metrics = ComponentEndpointMetrics._ofVariant(this.endpointName, EndpointBase.VARIANT_NAME);
    this._securityGroups = createSecurityGroups(this, this.endpointName, props);
    const storage = decideStorage(props.instance, props.volumeKey, props.keepVolumeKey ?? false);
    this.storageEncryption = storage.reason;

    const logGroup = createLogGroup(this, this.endpointName);
    this.role = executionRole(this, 'Role', {
      logGroup,
      rollbackAlarmNames: [],
      inVpc: props.vpc !== undefined,
      volumeKey: storage.key,
    });
    const config = createConfig(this, 'Config', undefined, this._settings, storage, {
      initialInstanceCount: Math.max(1, this.minInstances),
      routing: routingConfig(props),
      components: this.componentHost(),
    });
    config.node.addDependency(this.role);
    keepWhenReplaced(config, this._settings.removalPolicy);
    this._resource = new CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      retainAllVariantProperties: this.maxInstances > this.minInstances ? true : undefined,
    });
    this._resource.node.addDependency(logGroup);
    recordInstances(this, {
      endpoint: this.endpointName,
      variant: EndpointBase.VARIANT_NAME,
      types: [props.instance, ...(props.fallbackInstances ?? [])],
      most: this.maxInstances,
      update: this.maxInstances,
    });
    this.createDiskAlarm();
    this.node.addValidation({ validate: () => crowdProblems(this, props.instance, this.maxInstances, this.hosted) });
  }

  /** Lets `grantee` call every component of this endpoint; `grantInvoke` of a component allows that one. */
  public override grantInvoke(grantee: IGrantable): Grant {
    const arns = () => [this.endpointArn, ...this.hosted.map(({ arn }) => arn)];
    return Grant.addToPrincipal({ grantee, actions: ['sagemaker:InvokeEndpoint'], resourceArns: Lazy.list({ produce: arns }) });
  }

  /** Takes in a component: counts it, and lets the endpoint's role write its log and watch its alarms. @internal */
  public _admit(component: HostedComponent): void {
    this.hosted.push(component);
    if (component.placed !== undefined) {
      this.allowOnce('logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], () => this.logStreams());
      acknowledgeResource(
        this.role,
        this.streamsOf(component.name),
        'SageMaker names log streams by instance; the group is that of one component.',
      );
    }
    if (component.rollbackAlarmNames.length > 0) {
      this.allowOnce('alarms', ['cloudwatch:DescribeAlarms'], () => this.rollbackAlarms());
    }
  }

  /** ARN of a component or adapter in the account and Region of the endpoint. @internal */
  public _componentArn(name: string): string {
    return Stack.of(this).formatArn({ service: 'sagemaker', resource: 'inference-component', resourceName: name });
  }

  /** What a configuration without a model must say itself. */
  private componentHost() {
    const { vpc, vpcSubnets } = this._host;
    return {
      executionRoleArn: this.role.roleArn,
      enableNetworkIsolation: this._settings.networkIsolation,
      vpcConfig: vpc && {
        subnets: vpc.selectSubnets(vpcSubnets).subnetIds,
        securityGroupIds: this._securityGroups.map(({ securityGroupId }) => securityGroupId),
      },
      managedInstanceScaling: this.scaling(),
    };
  }

  /** Nothing to manage when there is one possible number. */
  private scaling(): CfnEndpointConfig.ManagedInstanceScalingProperty | undefined {
    return this.minInstances === this.maxInstances
      ? undefined
      : {
          status: 'ENABLED',
          minInstanceCount: this.minInstances,
          maxInstanceCount: this.maxInstances,
          scaleInPolicy: this._host.scaleIn?._policy,
        };
  }

  private createDiskAlarm(): void {
    registerAlarm(this, 'Disk', {
      layer: Layer.SERVING,
      severity: Severity.TICKET,
      alarmName: `${this.endpointName}-disk`,
      summary: `The disk of endpoint ${this.endpointName} is 80 % full: images and models of further copies may find no room.`,
      firstAction: 'see which components share an instance, then raise volumeSize or take a larger type.',
      runbook: 'component-endpoint-disk',
      metric: this.metrics.diskUtilization(),
      threshold: 80,
      evaluationPeriods: 15,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** One statement for all components, however many come: an inline policy has 10,240 characters. */
  private allowOnce(what: string, actions: string[], resources: () => string[]): void {
    if (!this.allowed.has(what)) {
      this.allowed.add(what);
      this.role.addToPolicy(new PolicyStatement({ actions, resources: Lazy.list({ produce: resources }) }));
    }
  }

  private logStreams(): string[] {
    return this.hosted.filter(({ placed }) => placed !== undefined).map(({ name }) => this.streamsOf(name));
  }

  private streamsOf(name: string): string {
    return this.colonArn('logs', 'log-group', `/aws/sagemaker/InferenceComponents/${name}:*`);
  }

  private rollbackAlarms(): string[] {
    return this.hosted.flatMap(({ rollbackAlarmNames }) => rollbackAlarmNames.map((name) => this.colonArn('cloudwatch', 'alarm', name)));
  }

  private colonArn(service: string, resource: string, resourceName: string): string {
    return Stack.of(this).formatArn({ service, resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  }
}
