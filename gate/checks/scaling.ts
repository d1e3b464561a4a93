import { Template } from '../assembly';
import { Check, Problem } from '../check';
import { dependencies, literal, numeric, ofType, target } from '../template';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html */
const METRICS: Record<string, string[]> = {
  'sagemaker:variant:DesiredInstanceCount': [
    'SageMakerVariantInvocationsPerInstance',
    'SageMakerVariantConcurrentRequestsPerModelHighResolution',
  ],
  'sagemaker:variant:DesiredProvisionedConcurrency': ['SageMakerVariantProvisionedConcurrencyUtilization'],
  'sagemaker:inference-component:DesiredCopyCount': [
    'SageMakerInferenceComponentInvocationsPerCopy',
    'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
  ],
};
const VARIANT = /^endpoint\/([^/]+)\/variant\/([^/]+)$/;

/** Scaling targets are in order, in range, after their endpoint, and have a policy that fits. */
export const scaling: Check = {
  name: 'scaling',
  run: ({ template }) => {
    const policies = ofType(template, 'AWS::ApplicationAutoScaling::ScalingPolicy');
    return ofType(template, 'AWS::ApplicationAutoScaling::ScalableTarget')
      .filter(([, { Properties }]) => Properties.ServiceNamespace === 'sagemaker')
      .flatMap(([resource, body]) => {
        const own = policies.filter(
          ([, { Properties }]) =>
            target(Properties.ScalingTargetId) === resource ||
            (literal(Properties.ResourceId) !== undefined && Properties.ResourceId === body.Properties.ResourceId),
        );
        const problems = [...targetProblems(body.Properties, template), ...orderProblems(body, template)].map((problem) => ({
          resource,
          problem,
        }));
        if (own.length === 0 && body.Properties.ScheduledActions === undefined) {
          problems.push({ resource, problem: 'no scaling policy and no scheduled action: it never scales' });
        }
        return [...problems, ...own.flatMap(([id, { Properties }]) => policyProblems(id, Properties, body.Properties))];
      });
  },
};

function targetProblems(properties: Record<string, any>, template: Template): string[] {
  const problems: string[] = [];
  const [min, max] = [numeric(properties.MinCapacity), numeric(properties.MaxCapacity)];
  if (min !== undefined && max !== undefined && min > max) {
    problems.push(`MinCapacity ${min} is above MaxCapacity ${max}`);
  }
  if (max !== undefined && max < 1) {
    problems.push(`MaxCapacity is ${max}: at least 1`);
  }
  const variant = endpointVariant(properties, template);
  if (
    min !== undefined &&
    min < 1 &&
    properties.ScalableDimension !== 'sagemaker:inference-component:DesiredCopyCount' &&
    !variant?.async
  ) {
    problems.push(
      `MinCapacity is ${min}: a real-time variant needs at least 1; only asynchronous endpoints and inference components may rest at 0`,
    );
  }
  if (properties.RoleARN !== undefined) {
    problems.push('RoleARN is set: SageMaker scales with its service-linked role only');
  }
  if (METRICS[properties.ScalableDimension] === undefined && literal(properties.ScalableDimension) !== undefined) {
    problems.push(`'${properties.ScalableDimension}' is no scalable dimension of SageMaker: ${Object.keys(METRICS).join(', ')}`);
  }
  if (variant !== undefined && variant.spec === undefined) {
    problems.push(`endpoint '${variant.endpoint}' has no variant '${variant.name}'`);
  }
  const instance = literal(variant?.spec?.InstanceType);
  if (/^ml\.t\d/.test(String(instance))) {
    problems.push(`${instance} is burstable: SageMaker does not scale it`);
  }
  return problems;
}

/** The endpoint of this template that a target scales, when the template has it. */
function endpointVariant(
  properties: Record<string, any>,
  template: Template,
): { endpoint: string; name: string; spec?: any; async: boolean } | undefined {
  const [, endpoint, name] = VARIANT.exec(String(literal(properties.ResourceId))) ?? [];
  const body = ofType(template, 'AWS::SageMaker::Endpoint').find(([, { Properties }]) => Properties.EndpointName === endpoint)?.[1];
  const config = template.Resources?.[target(body?.Properties.EndpointConfigName) ?? '']?.Properties;
  return (
    config && {
      endpoint,
      name,
      spec: config.ProductionVariants?.find((spec: any) => spec.VariantName === name),
      async: config.AsyncInferenceConfig !== undefined,
    }
  );
}

/** The resource id is text that CloudFormation relates to nothing: the order must be stated. */
function orderProblems(
  body: { DependsOn?: string | string[]; Properties: Record<string, any>; Type: string },
  template: Template,
): string[] {
  const id = String(literal(body.Properties.ResourceId));
  const [kind, key] = id.startsWith('inference-component/')
    ? ['AWS::SageMaker::InferenceComponent', 'InferenceComponentName']
    : ['AWS::SageMaker::Endpoint', 'EndpointName'];
  const scaled = ofType(template, kind).find(([, { Properties }]) => Properties[key] === id.split('/')[1]);
  return scaled === undefined || dependencies(body).has(scaled[0])
    ? []
    : [`DependsOn does not name '${scaled[0]}': the target would be registered before what it scales exists`];
}

function policyProblems(resource: string, policy: Record<string, any>, scalable: Record<string, any>): Problem[] {
  const tracking = policy.TargetTrackingScalingPolicyConfiguration;
  const problems: string[] = [];
  const metric = tracking?.PredefinedMetricSpecification?.PredefinedMetricType;
  const allowed = METRICS[scalable.ScalableDimension];
  if (metric !== undefined && allowed !== undefined && !allowed.includes(metric)) {
    problems.push(`${metric} does not fit ${scalable.ScalableDimension}: use ${allowed.join(' or ')}`);
  }
  if ((numeric(tracking?.TargetValue) ?? 1) <= 0) {
    problems.push(`TargetValue is ${tracking.TargetValue}: it must be above 0`);
  }
  for (const key of ['ScaleInCooldown', 'ScaleOutCooldown']) {
    const seconds = numeric(tracking?.[key]);
    if (seconds !== undefined && (seconds < 0 || seconds > 3600)) {
      problems.push(`${key} is ${seconds} s: 0 to 3600`);
    }
  }
  if (policy.PolicyType === 'TargetTrackingScaling' && tracking === undefined) {
    problems.push('PolicyType is TargetTrackingScaling but its configuration is missing');
  }
  return problems.map((problem) => ({ resource, problem }));
}
