import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import { CfnCondition } from 'aws-cdk-lib';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { Scaling } from './scaling';

/** @internal */
export interface EndpointScalingProps {
  readonly endpoint: CfnEndpoint;
  readonly endpointName: string;
  readonly variantName: string;
  readonly scaling: Scaling;
  /** Whether the endpoint is there. */
  readonly condition?: CfnCondition;
}

/**
 * Renders a scaling policy. The target is an L1 without role: the service uses its service-linked one. Its resource id is a literal that
 * CloudFormation cannot relate to the endpoint, so the dependency is stated; it also makes the target be deleted first.
 *
 * @internal
 */
export function createScaling(scope: Construct, props: EndpointScalingProps): void {
  const policy = props.scaling._policy;
  if (policy === undefined) {
    return;
  }
  const target = new CfnScalableTarget(scope, 'ScalableTarget', {
    serviceNamespace: 'sagemaker',
    scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
    resourceId: `endpoint/${props.endpointName}/variant/${props.variantName}`,
    minCapacity: props.scaling.minInstances,
    maxCapacity: props.scaling.maxInstances,
  });
  target.addResourceDependency(props.endpoint);
  const scalingPolicy = new CfnScalingPolicy(scope, 'ScalingPolicy', {
    policyName: `${props.endpointName}-invocations`,
    policyType: 'TargetTrackingScaling',
    scalingTargetId: target.ref,
    targetTrackingScalingPolicyConfiguration: {
      predefinedMetricSpecification: { predefinedMetricType: policy.predefinedMetric },
      targetValue: policy.target,
      scaleOutCooldown: policy.scaleOutCooldownSeconds,
      scaleInCooldown: policy.scaleInCooldownSeconds,
    },
  });
  target.cfnOptions.condition = props.condition;
  scalingPolicy.cfnOptions.condition = props.condition;
}
