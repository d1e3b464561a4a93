import { Template } from '../assembly';
import { Check } from '../check';
import { asList, literal, numeric, ofType, possible, target, waitsFor } from '../template';
import { named, open, written } from '../text';
import { lookUp } from './metric-lookup';

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

const COMPONENT = /^inference-component\/([^/]+)$/;

/** Scaling targets are in range, fit their policies and, on SageMaker, come after an endpoint that can scale. */
export const scaling: Check = {
  name: 'scaling',
  run: ({ template }) => {
    const policies = ofType(template, 'AWS::ApplicationAutoScaling::ScalingPolicy');
    const targets = ofType(template, 'AWS::ApplicationAutoScaling::ScalableTarget').flatMap(([resource, { Properties }]) => {
      const own = policies.filter(
        ([, policy]) =>
          target(policy.Properties.ScalingTargetId) === resource ||
          (Properties.ResourceId !== undefined && written(policy.Properties.ResourceId) === written(Properties.ResourceId)),
      );
      const problems = rangeProblems(Properties);
      if (Properties.ServiceNamespace === 'sagemaker') {
        problems.push(...sagemakerProblems(Properties, template), ...orderProblems(resource, Properties, template));
        if (own.length === 0 && Properties.ScheduledActions === undefined) {
          problems.push('no scaling policy and no scheduled action: it never scales');
        }
      }
      return [
        ...problems.map((problem) => ({ resource, problem })),
        ...own.flatMap(([id, policy]) =>
          metricProblems(policy.Properties, Properties, template).map((problem) => ({ resource: id, problem })),
        ),
      ];
    });
    return [
      ...targets,
      ...policies.flatMap(([resource, { Properties }]) => policyProblems(Properties).map((problem) => ({ resource, problem }))),
    ];
  },
};

/** https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html */
function rangeProblems(properties: Record<string, any>): string[] {
  const problems: string[] = [];
  const ranges = [properties, ...asList<any>(properties.ScheduledActions).map((action) => action?.ScalableTargetAction ?? {})];
  for (const range of ranges) {
    const [min, max] = [numeric(range.MinCapacity), numeric(range.MaxCapacity)];
    if (min !== undefined && max !== undefined && min > max) {
      problems.push(`MinCapacity ${min} is above MaxCapacity ${max}`);
    }
    for (const [key, value] of Object.entries({ MinCapacity: min, MaxCapacity: max })) {
      if (value !== undefined && (value < 0 || !Number.isInteger(value))) {
        problems.push(`${key} is ${value}: a whole number from 0`);
      }
    }
  }
  const [namespace, dimension] = [literal(properties.ServiceNamespace), literal(properties.ScalableDimension)];
  if (namespace !== undefined && dimension !== undefined && !String(dimension).startsWith(`${namespace}:`)) {
    problems.push(`ScalableDimension '${dimension}' is none of ServiceNamespace '${namespace}'`);
  }
  return problems;
}

function sagemakerProblems(properties: Record<string, any>, template: Template): string[] {
  const problems: string[] = [];
  const [min, max] = [numeric(properties.MinCapacity), numeric(properties.MaxCapacity)];
  if (max !== undefined && max < 1) {
    problems.push(`MaxCapacity is ${max}: at least 1`);
  }
  const variant = scaledVariant(properties, template);
  if (min !== undefined && min < 1 && variant?.async === false) {
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
  if (variant !== undefined && !variant.names.includes(variant.name) && ![variant.name, ...variant.names].some(open)) {
    problems.push(`endpoint '${variant.endpoint}' has no variant '${variant.name}': it has ${variant.names.join(', ')}`);
  }
  const instance = literal(variant?.spec?.InstanceType);
  if (/^ml\.t\d/.test(String(instance))) {
    problems.push(`${instance} is burstable: SageMaker does not scale it`);
  }
  return problems;
}

/** Logical id of the endpoint of this template that a resource id such as `endpoint/NAME/variant/NAME` means, and the variant's name. */
export function scaledEndpoint(resourceId: unknown, template: Template): { endpoint: string; variant: string } | undefined {
  const [, endpoint, variant] = VARIANT.exec(written(resourceId) ?? '') ?? [];
  const id = named(endpoint, 'AWS::SageMaker::Endpoint', 'EndpointName', template);
  return id === undefined ? undefined : { endpoint: id, variant };
}

/** What a target scales; undefined unless the template has endpoint and configuration, with variants that can be read. */
export function scaledVariant(
  { ResourceId }: Record<string, any>,
  template: Template,
): { endpoint: string; name: string; names: string[]; spec?: any; async: boolean } | undefined {
  const scaled = scaledEndpoint(ResourceId, template);
  const config = scaled && configOf(scaled.endpoint, template);
  const variants = possible<any>(config?.ProductionVariants);
  const names: (string | undefined)[] = variants.map((spec) => written(spec?.VariantName));
  if (scaled === undefined || config === undefined || names.length === 0 || names.includes(undefined)) {
    return undefined;
  }
  return {
    endpoint: scaled.endpoint,
    name: scaled.variant,
    names: names as string[],
    spec: variants[names.indexOf(scaled.variant)],
    async: config.AsyncInferenceConfig !== undefined,
  };
}

/** Properties of the configuration that an endpoint names, when the template has it. */
export function configOf(endpoint: string, template: Template): Record<string, any> | undefined {
  const name = written(template.Resources?.[endpoint]?.Properties?.EndpointConfigName);
  const id = named(name, 'AWS::SageMaker::EndpointConfig', 'EndpointConfigName', template);
  return template.Resources?.[id ?? '']?.Properties;
}

/** The resource id is text: where it refers to nothing, the order must be stated. */
function orderProblems(resource: string, { ResourceId }: Record<string, any>, template: Template): string[] {
  const [, component] = COMPONENT.exec(written(ResourceId) ?? '') ?? [];
  const scaled =
    scaledEndpoint(ResourceId, template)?.endpoint ??
    named(component, 'AWS::SageMaker::InferenceComponent', 'InferenceComponentName', template);
  return scaled === undefined || waitsFor(template, resource, scaled)
    ? []
    : [`DependsOn does not name '${scaled}': the target would be registered before what it scales exists`];
}

/** A metric that is never published: the policy has no data and scales nothing. */
function customMetricProblems(policy: Record<string, any>): string[] {
  const custom = policy.TargetTrackingScalingPolicyConfiguration?.CustomizedMetricSpecification;
  return custom?.MetricName === undefined
    ? []
    : lookUp(
        custom.Namespace,
        custom.MetricName,
        asList<any>(custom.Dimensions).map(({ Name }) => String(Name)),
        undefined,
      ).problems;
}

function metricProblems(policy: Record<string, any>, scalable: Record<string, any>, template: Template): string[] {
  const metric = literal(policy.TargetTrackingScalingPolicyConfiguration?.PredefinedMetricSpecification?.PredefinedMetricType);
  const allowed = METRICS[scalable.ScalableDimension];
  const problems = customMetricProblems(policy);
  if (metric !== undefined && allowed !== undefined && !allowed.includes(String(metric))) {
    problems.push(`${metric} does not fit ${scalable.ScalableDimension}: use ${allowed.join(' or ')}`);
  }
  if (metric !== undefined && scaledVariant(scalable, template)?.async === true) {
    problems.push(`asynchronous endpoints do not publish ${metric}: track ApproximateBacklogSizePerInstance by EndpointName alone`);
  }
  return problems;
}

/** https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html: each type has its configuration. */
const CONFIGURATIONS: Record<string, string> = {
  TargetTrackingScaling: 'TargetTrackingScalingPolicyConfiguration',
  StepScaling: 'StepScalingPolicyConfiguration',
  PredictiveScaling: 'PredictiveScalingPolicyConfiguration',
};

function policyProblems(policy: Record<string, any>): string[] {
  const tracking = policy.TargetTrackingScalingPolicyConfiguration;
  const problems: string[] = [];
  if ((numeric(tracking?.TargetValue) ?? 1) <= 0) {
    problems.push(`TargetValue is ${tracking.TargetValue}: it must be above 0`);
  }
  for (const key of ['ScaleInCooldown', 'ScaleOutCooldown']) {
    const seconds = numeric(tracking?.[key]);
    if (seconds !== undefined && (seconds < 0 || seconds > 3600)) {
      problems.push(`${key} is ${seconds} s: 0 to 3600`);
    }
  }
  const wanted = CONFIGURATIONS[policy.PolicyType];
  if (wanted !== undefined && policy[wanted] === undefined) {
    problems.push(`PolicyType is ${policy.PolicyType} but ${wanted} is missing`);
  }
  for (const other of Object.values(CONFIGURATIONS)) {
    if (wanted !== undefined && other !== wanted && policy[other] !== undefined) {
      problems.push(`PolicyType is ${policy.PolicyType} but ${other} is given: it belongs to another type`);
    }
  }
  return problems;
}
