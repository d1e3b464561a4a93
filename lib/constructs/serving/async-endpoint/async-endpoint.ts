import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Grant, IGrantable, Role } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { allowRead, allowWrite } from '../../data/grants';
import { acknowledgeResource } from '../../shared/acknowledgements';
import { failOn } from '../../shared/checks';
import { EndpointBase } from '../endpoint/endpoint-base';
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
import { executionRole } from '../endpoint/execution-role';
import { InstanceEndpointProps } from '../endpoint/instance-endpoint';
import { recordInstances } from '../quota/quota-manifest';
import { Rollout } from '../rollout';
import { BacklogScaling } from '../scaling';
import { AsyncEndpointAlarms, alarmNames } from './async-endpoint-alarms';
import { asyncEndpointProblems, warn } from './async-endpoint-checks';
import { AsyncEndpointMetrics } from './async-endpoint-metrics';
import { AsyncInput, AsyncOutput } from './async-location';
import { AsyncNotifications, allowNotifications, notifications } from './async-notifications';
import { AsyncSettings, initialInstances, rolloutSetting, settingsOf } from './async-settings';
import { AsyncSlo } from './async-slo';

/** Properties of an `AsyncEndpoint`. */
export interface AsyncEndpointProps extends InstanceEndpointProps {
  /** What the endpoint promises its callers. Its alarms and the target of its scaling follow from it. */
  readonly slo: AsyncSlo;
  /** Where callers put their requests. */
  readonly input: AsyncInput;
  /** Where answers go, and what is left of invocations that failed. */
  readonly output: AsyncOutput;
  /**
   * How many instances work off the backlog.
   *
   * @default BacklogScaling.fixed(1)
   */
  readonly scaling?: BacklogScaling;
  /**
   * Invocations that an instance is sent at a time, whole number, 1 to 1,000. A container that cannot answer pings meanwhile is taken for
   * unhealthy and replaced, so leave it a worker for them
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-troubleshooting.html).
   *
   * @default - what the measured instance had in flight, rate x latency of `scaling`'s capacity; without a measurement 1
   */
  readonly maxConcurrentInvocations?: number;
  /**
   * Topic that is told of each answer. An encrypted one must be of this app, or imported with its key.
   *
   * @default - a new one, encrypted with a key of its own
   */
  readonly successTopic?: ITopic;
  /**
   * Topic that is told of each invocation that failed. An encrypted one must be of this app, or imported with its key.
   *
   * @default - a new one, encrypted with a key of its own
   */
  readonly errorTopic?: ITopic;
  /**
   * How an update reaches the fleet.
   *
   * @default Rollout.auto()
   */
  readonly rollout?: Rollout;
}

/**
 * An asynchronous endpoint with one model: requests of up to 1 GB wait in a queue, run for up to an hour, and are answered in a bucket; its
 * instances may scale to zero (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html).
 *
 * With a model of a registry there is no endpoint until a version is approved; role, logs, topics and alarms are there from the start.
 */
export class AsyncEndpoint extends EndpointBase {
  /** Name of the endpoint: a literal. */
  public readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public readonly endpointArn: string;
  /** Execution role of the containers. */
  public readonly role: Role;
  /** What the endpoint promises its callers. */
  public readonly slo: AsyncSlo;
  /** Metrics of the endpoint. */
  public readonly metrics: AsyncEndpointMetrics;
  /** In ALARM while the endpoint fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** Told of each answer. */
  public readonly successTopic: ITopic;
  /** Told of each invocation that failed. */
  public readonly errorTopic: ITopic;
  /** Address below which callers put requests, `s3://bucket/prefix`. */
  public readonly inputUrl: string;
  /** Address below which answers lie, `s3://bucket/prefix`. */
  public readonly answersUrl: string;
  /** Address below which lies what is left of invocations that failed, `s3://bucket/prefix`. */
  public readonly failuresUrl: string;
  /** Whose key encrypts the storage, and why. */
  public readonly storageEncryption: string;
  /** @internal */
  protected readonly _securityGroups: ISecurityGroup[];
  private readonly settings: AsyncSettings;

  constructor(scope: Construct, id: string, props: AsyncEndpointProps) {
    super(scope, id);
    const identity = identityOf(this, props);
    const settings = settingsOf(props, identity.name);
    failOn(this, 'InvalidAsyncEndpoint', asyncEndpointProblems(this, props, settings));
    warn(this, props, settings);

    this.settings = settings;
    this.endpointName = identity.name;
    this.endpointArn = identity.arn;
    this.slo = props.slo;
    this.inputUrl = settings.input.bucket.s3UrlForObject(settings.input.prefix);
    this.answersUrl = settings.output.bucket.s3UrlForObject(`${settings.output.prefix}/answers`);
    this.failuresUrl = settings.output.bucket.s3UrlForObject(`${settings.output.prefix}/failures`);
    this.metrics = AsyncEndpointMetrics._ofVariant(this.endpointName, EndpointBase.VARIANT_NAME);
    this._securityGroups = createSecurityGroups(this, this.endpointName, props);
    const storage = decideStorage(props.instance, props.volumeKey, props.keepVolumeKey ?? false);
    this.storageEncryption = storage.reason;

    const logGroup = createLogGroup(this, this.endpointName);
    this.role = executionRole(this, 'Role', {
      logGroup,
      rollbackAlarmNames: [alarmNames(this.endpointName).rollbackErrors],
      inVpc: props.vpc !== undefined,
      volumeKey: storage.key,
      path: props.model._registry?.rolePath,
    });
    const topics = notifications(this, this.endpointName, { success: props.successTopic, error: props.errorTopic });
    this.successTopic = topics.success;
    this.errorTopic = topics.error;
    this.allowWork(topics);
    const model = createHostedModel(this, props, settings, this.role, this._securityGroups);
    const config = createConfig(this, 'Config', model.attrModelName, settings, storage, {
      initialInstanceCount: initialInstances(settings),
      asyncInference: this.asyncInference(topics),
    });
    underConditionOf(model, config);
    keepWhenReplaced(config, settings.removalPolicy);

    const alarms = new AsyncEndpointAlarms(this, this.endpointName, settings, this.metrics);
    this.unhealthyAlarm = alarms.createUnhealthy();
    const endpoint = this.createEndpoint(config, alarms);
    underConditionOf(model, endpoint);
    endpoint.node.addDependency(logGroup);
    createScaling(this, {
      ...variantInstances(endpoint, this.endpointName),
      plan: settings.scaling._plan(this.endpointName, settings.slo.within),
      condition: config.cfnOptions.condition,
    });
    this.recordNeed();
  }

  /**
   * Lets `grantee` call this endpoint, and no other, asynchronously; put requests below the prefix of the input; and read answers and what is
   * left of failures.
   */
  public override grantInvoke(grantee: IGrantable): Grant {
    const { input, output } = this.settings;
    return this._grantCall(grantee, 'sagemaker:InvokeEndpointAsync')
      .combine(allowWrite(grantee, input.bucket, `${input.prefix}/*`))
      .combine(allowRead(grantee, output.bucket, ...this.writtenPatterns));
  }

  private recordNeed(): void {
    const { instance, fallbackInstances = [], scaling, rollout } = this.settings;
    const { most } = scaling._range;
    recordInstances(this, {
      endpoint: this.endpointName,
      variant: EndpointBase.VARIANT_NAME,
      types: [instance, ...fallbackInstances],
      most,
      update: rollout._extraInstances(rolloutSetting(this.settings), most),
    });
  }

  private get writtenPatterns(): string[] {
    const { prefix } = this.settings.output;
    return [`${prefix}/answers/*`, `${prefix}/failures/*`];
  }

  /** What the endpoint itself does for an invocation: read, answer, tell. */
  private allowWork(topics: AsyncNotifications): void {
    const { input, output } = this.settings;
    allowRead(this.role, input.bucket, `${input.prefix}/*`);
    allowWrite(this.role, output.bucket, ...this.writtenPatterns);
    allowNotifications(this.role, topics);
    acknowledgeResource(this.role, input.bucket.arnForObjects(`${input.prefix}/*`), 'Callers name their requests below this prefix.');
    this.writtenPatterns.forEach((pattern) =>
      acknowledgeResource(this.role, output.bucket.arnForObjects(pattern), 'SageMaker names answers by a random id below this prefix.'),
    );
  }

  private asyncInference({ success, error }: AsyncNotifications): CfnEndpointConfig.AsyncInferenceConfigProperty {
    const { output, maxConcurrentInvocations } = this.settings;
    return {
      clientConfig: { maxConcurrentInvocationsPerInstance: maxConcurrentInvocations },
      outputConfig: {
        s3OutputPath: this.answersUrl,
        s3FailurePath: this.failuresUrl,
        kmsKeyId: output.bucket.encryptionKey?.keyArn,
        notificationConfig: { successTopic: success.topicArn, errorTopic: error.topicArn },
      },
    };
  }

  private createEndpoint(config: CfnEndpointConfig, alarms: AsyncEndpointAlarms): CfnEndpoint {
    const { scaling, rollout } = this.settings;
    const rollback = alarms.createRollback(whileThere(config.cfnOptions.condition, config.attrEndpointConfigName));
    const endpoint = new CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      retainAllVariantProperties: scaling.isAutomatic ? true : undefined,
      deploymentConfig: {
        autoRollbackConfiguration: { alarms: [{ alarmName: alarmNames(this.endpointName).rollbackErrors }] },
        ...rollout._policy(rolloutSetting(this.settings)),
      },
    });
    endpoint.node.addDependency(rollback);
    return endpoint;
  }
}
