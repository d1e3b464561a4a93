import { Resource, Stack, Token } from 'aws-cdk-lib';
import { CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { grantReadObject } from '../../models/bucket-grants';
import { failOn } from '../../shared/checks';
import { generatedName } from '../../shared/names';
import { EndpointBase } from '../endpoint/endpoint-base';
import { physicalNameProblems } from '../endpoint/endpoint-checks';
import { createStepAlarm } from '../endpoint/endpoint-scaling';
import { Slo } from '../slo';
import { createComponentAlarms } from './component-alarms';
import { InferenceComponentMetrics } from './component-metrics';
import { environmentProblems } from './component-endpoint-checks';
import { calledAsleep } from './copies';
import { InferenceComponent } from './inference-component';
import { nameInLogicalId } from './logical-id';

/** Properties of an `AdapterComponent`. */
export interface AdapterComponentProps {
  /** Component with the model that the adapter tailors. Its container must know adapters, such as DJL-LMI. */
  readonly base: InferenceComponent;
  /** Bucket with the adapter, in the Region of the endpoint and in no stack that depends on that of `base`. */
  readonly bucket: IBucket;
  /** Key of the adapter, ending in `.tar.gz`. Give each adapter its own key: new bytes under the same key are never deployed. */
  readonly key: string;
  /** What the adapter promises its callers. Its alarms follow from it. */
  readonly slo: Slo;
  /**
   * Name, unique in account and Region: 1 to 63 lower-case letters, digits and inner hyphens, known at synth. Changing it replaces the adapter.
   *
   * @default - generated from the construct path
   */
  readonly componentName?: string;
}

/**
 * A small adapter, such as LoRA, in the copies of another component: no compute and no copies of its own. Callers give its name as
 * `InferenceComponentName` (https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-adapt.html).
 *
 * A call while `base` rests without copies fails and wakes it.
 */
export class AdapterComponent extends Resource {
  /** Name of the adapter: a literal, which callers give as `InferenceComponentName`. */
  public readonly componentName: string;
  /** ARN of the adapter: a literal in lower case. */
  public readonly componentArn: string;
  /** Component with the model. */
  public readonly base: InferenceComponent;
  /** What the adapter promises its callers. */
  public readonly slo: Slo;
  /** Metrics of the adapter. */
  public readonly metrics: InferenceComponentMetrics;
  /** In ALARM while the adapter fails its users: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;

  constructor(scope: Construct, id: string, props: AdapterComponentProps) {
    super(scope, id);
    failOn(this, 'InvalidAdapterComponent', adapterProblems(this, props));
    const { base, bucket, key, slo } = props;
    const { endpoint } = base;
    this.base = base;
    this.slo = slo;
    this.componentName = props.componentName ?? generatedName(this);
    this.componentArn = endpoint._componentArn(this.componentName);
    this.metrics = InferenceComponentMetrics._of(this.componentName);
    endpoint._admit({ name: this.componentName, arn: this.componentArn, rollbackAlarmNames: [] });
    // AWS does not say whose role fetches an adapter: each may read this one object.
    [endpoint.role, base.role].forEach((role) => grantReadObject(bucket, key, role));

    this.unhealthyAlarm = createComponentAlarms(this, {
      endpoint,
      name: this.componentName,
      logGroupName: base._logGroup.logGroupName,
      slo,
      metrics: this.metrics,
    }).unhealthy;
    const adapter = new CfnInferenceComponent(this, 'Resource', {
      endpointName: endpoint.endpointName,
      inferenceComponentName: this.componentName,
      variantName: EndpointBase.VARIANT_NAME,
      specification: {
        baseInferenceComponentName: base.componentName,
        container: { artifactUrl: bucket.s3UrlForObject(key) },
      },
    });
    nameInLogicalId(this, adapter, [endpoint.endpointName, base.componentName, this.componentName]);
    adapter.node.addDependency(base._resource, endpoint.role, base.role);
    if (base._wakeUpPolicyArn !== undefined) {
      createStepAlarm(this, 'WakeUp', `${this.componentName}-wake-up`, calledAsleep(this.componentName), base._wakeUpPolicyArn);
    }
  }

  /** Lets `grantee` call this adapter: the endpoint's ARN and the adapter's, as for `InferenceComponent.grantInvoke()`. */
  public grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['sagemaker:InvokeEndpoint'],
      resourceArns: [this.base.endpoint.endpointArn, this.componentArn],
    });
  }
}

function adapterProblems(scope: Construct, { base, bucket, key, slo, componentName }: AdapterComponentProps): string[] {
  const [here, there] = [Stack.of(base.endpoint).region, bucket.env.region];
  const known = !Token.isUnresolved(key);
  return [
    ...physicalNameProblems('componentName', componentName),
    ...(known && !key.endsWith('.tar.gz') ? [`'key' must end in '.tar.gz', got '${key}': SageMaker loads only such archives`] : []),
    ...(known && /^\/|[*?]/.test(key) ? [`'key' must name one object, without leading '/' and without '*' or '?', got '${key}'`] : []),
    ...(![here, there].some((region) => Token.isUnresolved(region)) && here !== there
      ? [`'bucket' is in ${there} but the endpoint in ${here}: copy the adapter to a bucket in ${here}`]
      : []),
    ...environmentProblems(scope, base.endpoint),
    ...slo._problems(),
  ];
}
