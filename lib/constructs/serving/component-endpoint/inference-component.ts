import { Duration, Resource } from 'aws-cdk-lib';
import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable, IPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { ModelSource } from '../../models/model-source';
import { failOn } from '../../shared/checks';
import { generatedName } from '../../shared/names';
import { EndpointBase } from '../endpoint/endpoint-base';
import { createHostedModel, createLogGroup } from '../endpoint/endpoint-host';
import { createScaling } from '../endpoint/endpoint-scaling';
import { executionRole } from '../endpoint/execution-role';
import { ModelSize } from '../model-size';
import { Rollout } from '../rollout';
import { Slo } from '../slo';
import { createComponentAlarms, rollbackAlarmNames } from './component-alarms';
import { ComponentEndpoint } from './component-endpoint';
import { InferenceComponentMetrics } from './component-metrics';
import { ComputeRequirements, computeResources } from './compute';
import { Copies, WAKE_UP } from './copies';
import { componentProblems, warnOfComponent } from './inference-component-checks';
import { ComponentSettings, componentSettings, deploymentConfig } from './component-settings';
import { nameInLogicalId } from './logical-id';

/** Properties of an `InferenceComponent`. */
export interface InferenceComponentProps {
  /** Endpoint whose instances the copies run on, in the same account and Region. */
  readonly endpoint: ComponentEndpoint;
  /** Where the model comes from, with the image that serves it. Not one of a registry: its releases know endpoints with one model. */
  readonly model: ModelSource;
  /** What one copy takes of its instance. */
  readonly compute: ComputeRequirements;
  /** What the component promises its callers. Its alarms follow from it. */
  readonly slo: Slo;
  /**
   * How much memory the model needs. Accelerators of a copy, or without them its reserved memory, that cannot hold it are an error, and so are
   * weights that the volume of the endpoint cannot hold.
   *
   * @default - unknown: not checked
   */
  readonly modelSize?: ModelSize;
  /**
   * Name, unique in account and Region: 1 to 63 lower-case letters, digits and inner hyphens, known at synth. Changing it replaces the component.
   *
   * @default - generated from the construct path
   */
  readonly componentName?: string;
  /**
   * How many copies serve it.
   *
   * @default Copies.fixed(1)
   */
  readonly copies?: Copies;
  /**
   * How an update reaches the copies: `Rollout.rolling()`, undone by the alarms on errors and latency, or `Rollout.allAtOnce()`, which neither
   * bakes nor rolls back. Rolling needs room for one batch more on the instances
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentRollingUpdatePolicy.html).
   *
   * @default Rollout.auto() - rolling with two or more copies, otherwise all at once
   */
  readonly rollout?: Rollout;
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
   * Whether each instance keeps image and model, so that further copies start sooner
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentDataCacheConfig.html).
   *
   * @default - as the service decides
   */
  readonly dataCaching?: boolean;
}

/**
 * One model on the instances of a `ComponentEndpoint`: its own role, compute, copies, alarms and updates.
 *
 * Callers name the endpoint and, in `InferenceComponentName`, this component. With `Copies.between(0, ...)` it rests without copies, and
 * **requests fail until the first copy is up again**, which takes minutes.
 *
 * A deployment that changes the component sets the number of copies to the minimum again; scaling then brings back what the traffic needs.
 */
export class InferenceComponent extends Resource implements IGrantable {
  /** Name of the component: a literal, which callers give as `InferenceComponentName`. */
  public readonly componentName: string;
  /** ARN of the component: a literal in lower case. */
  public readonly componentArn: string;
  /** Endpoint that hosts it. */
  public readonly endpoint: ComponentEndpoint;
  /** Execution role of its containers. */
  public readonly role: Role;
  /** What the component promises its callers. */
  public readonly slo: Slo;
  /** Metrics of the component. */
  public readonly metrics: InferenceComponentMetrics;
  /** In ALARM while the component fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** @internal */
  public readonly _resource: CfnInferenceComponent;
  /** @internal */
  public readonly _logGroup: ILogGroup;
  /** ARN of the policy that brings the first copy; undefined for components that never rest. @internal */
  public readonly _wakeUpPolicyArn?: string;

  constructor(scope: Construct, id: string, props: InferenceComponentProps) {
    super(scope, id);
    const settings = componentSettings(props);
    failOn(this, 'InvalidInferenceComponent', componentProblems(this, props, settings));
    warnOfComponent(this, props, settings);

    const { endpoint, slo } = props;
    this.endpoint = endpoint;
    this.slo = slo;
    this.componentName = props.componentName ?? generatedName(this);
    this.componentArn = endpoint._componentArn(this.componentName);
    this.metrics = InferenceComponentMetrics._of(this.componentName);
    const rollback = settings.rolling === undefined ? [] : rollbackAlarmNames(this.componentName, slo);
    endpoint._admit({
      name: this.componentName,
      arn: this.componentArn,
      placed: { compute: props.compute, copies: settings.copies },
      rollbackAlarmNames: rollback,
    });

    this._logGroup = createLogGroup(this, this.componentName, 'InferenceComponents');
    this.role = executionRole(this, 'Role', {
      logGroup: this._logGroup,
      rollbackAlarmNames: rollback,
      inVpc: endpoint._host.vpc !== undefined,
      of: 'inference component',
    });
    const { causes, unhealthy } = createComponentAlarms(this, {
      endpoint,
      name: this.componentName,
      logGroupName: this._logGroup.logGroupName,
      slo,
      metrics: this.metrics,
    });
    this.unhealthyAlarm = unhealthy;
    this._resource = this.createComponent(props, settings, rollback);
    this._resource.node.addDependency(endpoint._resource, this._logGroup, ...(rollback.length > 0 ? causes : []));
    const policies = createScaling(this, {
      scaled: this._resource,
      name: this.componentName,
      resourceId: `inference-component/${this.componentName}`,
      dimension: 'sagemaker:inference-component:DesiredCopyCount',
      plan: settings.copies._plan(this.componentName),
    });
    this._wakeUpPolicyArn = policies[WAKE_UP]?.ref;
  }

  /** The principal that the containers act as. */
  public get grantPrincipal(): IPrincipal {
    return this.role;
  }

  /**
   * Lets `grantee` call this component. Two ARNs are allowed, the endpoint's and the component's: AWS does not say which of them it checks, and
   * policies in the field name both. Where it checks the endpoint's alone, other components of the endpoint can be called too.
   */
  public grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:InvokeEndpoint'],
      resourceArns: [this.endpoint.endpointArn, this.componentArn],
    });
  }

  private createComponent(props: InferenceComponentProps, settings: ComponentSettings, rollback: string[]): CfnInferenceComponent {
    const { endpoint, model, compute, dataCaching } = props;
    const hosted = createHostedModel(this, { ...endpoint._host, model }, endpoint._settings, this.role, endpoint._securityGroups);
    const component = new CfnInferenceComponent(this, 'Resource', {
      endpointName: endpoint.endpointName,
      inferenceComponentName: this.componentName,
      variantName: EndpointBase.VARIANT_NAME,
      specification: {
        modelName: hosted.attrModelName,
        computeResourceRequirements: computeResources(compute),
        startupParameters: {
          modelDataDownloadTimeoutInSeconds: settings.modelDownloadTimeout.toSeconds(),
          containerStartupHealthCheckTimeoutInSeconds: settings.startupTimeout.toSeconds(),
        },
        dataCacheConfig: dataCaching === undefined ? undefined : { enableCaching: dataCaching },
      },
      runtimeConfig: { copyCount: settings.copies._initial },
      deploymentConfig: deploymentConfig(settings, rollback),
    });
    nameInLogicalId(this, component, [endpoint.endpointName, this.componentName]);
    return component;
  }
}
