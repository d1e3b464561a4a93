import { Duration, Size } from 'aws-cdk-lib';
import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { createModel } from '../../models/sagemaker-model';
import { failOn } from '../../shared/checks';
import { generatedName } from '../../shared/names';
import { EndpointBase, EndpointProps } from '../endpoint/endpoint-base';
import { keepWhenReplaced } from '../endpoint/endpoint-config';
import { createLogGroup, identityOf, underConditionOf, whileThere } from '../endpoint/endpoint-host';
import { createScaling, variantInstances } from '../endpoint/endpoint-scaling';
import { executionRole } from '../endpoint/execution-role';
import { recordNeed, SERVERLESS_CONCURRENCY } from '../quota/quota-manifest';
import { Rollout } from '../rollout';
import { Slo } from '../slo';
import { ProvisionedConcurrency } from './provisioned-concurrency';
import { ServerlessAlarms, rollbackAlarmNames } from './serverless-endpoint-alarms';
import { serverlessProblems, warn } from './serverless-endpoint-checks';
import { ServerlessEndpointMetrics } from './serverless-endpoint-metrics';
import { ServerlessSettings, rolloutSetting, settingsOf } from './serverless-settings';

/** Properties of a `ServerlessEndpoint`. */
export interface ServerlessEndpointProps extends EndpointProps {
  /** What the endpoint promises its callers. Its latency is that of the model: cold starts are not in it. */
  readonly slo: Slo;
  /**
   * Memory of each container: 1, 2, 3, 4, 5 or 6 GiB, at least as much as the model needs. Processors come in proportion
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html).
   *
   * @default Size.gibibytes(2)
   */
  readonly memory?: Size;
  /**
   * Invocations that run at once, whole number, 1 to 200; one more is refused with a `ThrottlingException`. All serverless endpoints of an
   * account share a quota, 10 in new accounts (https://docs.aws.amazon.com/general/latest/gr/sagemaker.html).
   *
   * @default 5
   */
  readonly maxConcurrency?: number;
  /**
   * What is kept warm.
   *
   * @default - nothing: the first request after a pause starts cold
   */
  readonly provisionedConcurrency?: ProvisionedConcurrency;
  /**
   * Overhead, cold start included, above which a ticket is opened: 1 s to 10 minutes, known at synth.
   *
   * @default Duration.seconds(30)
   */
  readonly coldStartBelow?: Duration;
  /**
   * How an update takes over: `Rollout.auto()` or `allAtOnce()`. The others go by instances, of which there are none.
   *
   * @default Rollout.auto()
   */
  readonly rollout?: Rollout;
}

/**
 * A real-time endpoint without instances, which costs nothing while nobody calls and starts cold: CPUs only, requests and answers of up to 4 MB,
 * 60 s, images of up to 10 GB (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html).
 *
 * SageMaker attaches it to no VPC and does not isolate it: its container can reach the internet. It cannot be made from an endpoint on
 * instances, nor the other way round, so its resource and its generated name are others: an app that changes the construct gets a new endpoint,
 * and loses the old one after that. Under one and the same given name, and with a model of a registry, that takes two deployments.
 *
 * With a model of a registry there is no endpoint until a version is approved; role, logs and alarms are there from the start.
 */
export class ServerlessEndpoint extends EndpointBase {
  /** Name of the endpoint: a literal. */
  public readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public readonly endpointArn: string;
  /** Execution role of the containers. */
  public readonly role: Role;
  /** What the endpoint promises its callers. */
  public readonly slo: Slo;
  /** Metrics of the endpoint. */
  public readonly metrics: ServerlessEndpointMetrics;
  /** In ALARM while the endpoint fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  /** @internal */
  protected readonly _securityGroups: ISecurityGroup[] = [];
  private readonly settings: ServerlessSettings;

  constructor(scope: Construct, id: string, props: ServerlessEndpointProps) {
    super(scope, id);
    this.settings = settingsOf(props);
    failOn(this, 'InvalidServerlessEndpoint', serverlessProblems(this, props, this.settings));
    warn(this, props);

    const endpointName = props.endpointName ?? props.model._registry?.endpointName ?? `${generatedName(this, 52)}-serverless`;
    const identity = identityOf(this, { endpointName });
    this.endpointName = identity.name;
    this.endpointArn = identity.arn;
    this.slo = props.slo;
    this.metrics = ServerlessEndpointMetrics._ofVariant(this.endpointName, EndpointBase.VARIANT_NAME);

    const logGroup = createLogGroup(this, this.endpointName);
    this.role = executionRole(this, 'Role', {
      logGroup,
      rollbackAlarmNames: rollbackAlarmNames(this.endpointName, this.slo),
      inVpc: false,
      path: props.model._registry?.rolePath,
    });
    const model = this.createModel(props);
    const config = this.createConfig(model);

    const alarms = new ServerlessAlarms(this, this.endpointName, this.settings, this.metrics);
    this.unhealthyAlarm = alarms.createUnhealthy(alarms.createCauses());
    alarms.createColdStarts();
    alarms.createSaturated();
    const endpoint = this.createEndpoint(config, alarms);
    underConditionOf(model, endpoint);
    endpoint.node.addDependency(logGroup);
    this.recordNeed();
    createScaling(this, {
      ...variantInstances(endpoint, this.endpointName),
      dimension: 'sagemaker:variant:DesiredProvisionedConcurrency',
      plan: this.settings.provisionedConcurrency?._plan,
      condition: config.cfnOptions.condition,
    });
  }

  /** AWS does not say that an update takes more than the new concurrency. */
  private recordNeed(): void {
    const name = `${this.endpointName}/${EndpointBase.VARIANT_NAME}`;
    recordNeed(this, { name, quotas: [SERVERLESS_CONCURRENCY], most: this.settings.maxConcurrency, update: 0 });
  }

  private createModel({ model }: ServerlessEndpointProps): CfnModel {
    const made = createModel(this, 'Model', { source: model._bind(this, this.role), role: this.role, networkIsolation: false });
    keepWhenReplaced(made, this.settings.removalPolicy);
    return made;
  }

  /** Unnamed, because a named one cannot be replaced. */
  private createConfig(model: CfnModel): CfnEndpointConfig {
    const { memory, maxConcurrency, provisionedConcurrency } = this.settings;
    const config = new CfnEndpointConfig(this, 'Config', {
      productionVariants: [
        {
          variantName: EndpointBase.VARIANT_NAME,
          modelName: model.attrModelName,
          initialVariantWeight: 1,
          serverlessConfig: {
            memorySizeInMb: memory.toMebibytes(),
            maxConcurrency,
            provisionedConcurrency: provisionedConcurrency?.min,
          },
        },
      ],
    });
    underConditionOf(model, config);
    keepWhenReplaced(config, this.settings.removalPolicy);
    return config;
  }

  private createEndpoint(config: CfnEndpointConfig, alarms: ServerlessAlarms): CfnEndpoint {
    const { rollout, slo } = this.settings;
    const rollback = alarms.createRollback(whileThere(config.cfnOptions.condition, config.attrEndpointConfigName));
    const endpoint = new CfnEndpoint(this, 'Serverless', {
      endpointName: this.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      deploymentConfig: {
        autoRollbackConfiguration: { alarms: rollbackAlarmNames(this.endpointName, slo).map((alarmName) => ({ alarmName })) },
        ...rollout._policy(rolloutSetting(this.settings)),
      },
    });
    endpoint.node.addDependency(...rollback);
    return endpoint;
  }
}
