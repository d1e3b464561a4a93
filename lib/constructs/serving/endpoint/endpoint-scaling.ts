import { CfnCondition, CfnResource, Stack, Token } from 'aws-cdk-lib';
import { CfnScalableTarget, CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import {
  aggregationOf,
  HALF,
  LackingInstances,
  ScalingPlan,
  servedWithin,
  StepPolicy,
  TargetTrackingPolicy,
  TokenMetric,
} from '../scaling/policy';
import { EndpointBase } from './endpoint-base';

/** @internal */
export interface CapacityScalingProps {
  /** What must be there first. */
  readonly scaled: CfnResource;
  /** Starts the names of policies and alarms. */
  readonly name: string;
  /** Literal id, such as `endpoint/<name>/variant/AllTraffic`. */
  readonly resourceId: string;
  readonly dimension: string;
  /** Absent when the capacity is fixed. */
  readonly plan?: ScalingPlan;
  /** Whether the scaled resource is there. */
  readonly condition?: CfnCondition;
}

/**
 * Renders a scaling plan and returns the policies by their names. The target is an L1 without role: the service uses its service-linked one. Its resource id is a literal that
 * CloudFormation cannot relate to the endpoint, so the dependency is stated; it also makes the target be deleted first.
 *
 * @internal
 */
export function createScaling(scope: Construct, props: CapacityScalingProps): Readonly<Record<string, CfnScalingPolicy>> {
  const { plan, condition } = props;
  if (plan === undefined) {
    return {};
  }
  scope.node.addValidation({ validate: () => resolvedProblems(scope, plan) });
  const target = new CfnScalableTarget(scope, 'ScalableTarget', {
    serviceNamespace: 'sagemaker',
    scalableDimension: props.dimension,
    resourceId: props.resourceId,
    minCapacity: plan.min,
    maxCapacity: plan.max,
    scheduledActions: plan.schedules.length === 0 ? undefined : plan.schedules.map(scheduledAction),
  });
  target.addResourceDependency(props.scaled);
  target.cfnOptions.condition = condition;
  const policies: Record<string, CfnScalingPolicy> = {};
  plan.policies.forEach((policy, position) => {
    const id = position === 0 ? 'ScalingPolicy' : `ScalingPolicy-${policy.name}`;
    const rendered = new CfnScalingPolicy(scope, id, {
      policyName: `${props.name}-${policy.name}`,
      scalingTargetId: target.ref,
      ...(policy.kind === 'Step' ? stepScaling(policy) : targetTracking(policy)),
    });
    rendered.cfnOptions.condition = condition;
    if (policy.kind === 'Step') {
      const alarm = createStepAlarm(scope, `${id}-Alarm`, `${props.name}-${policy.name}`, policy, rendered.ref);
      alarm.cfnOptions.condition = condition;
    }
    policies[policy.name] = rendered;
  });
  return policies;
}

/** Limits that were Tokens when the plan was checked and are numbers at synth. */
function resolvedProblems(scope: Construct, { min, max, schedules }: ScalingPlan): string[] {
  const resolved = (count: number | undefined) => Stack.of(scope).resolve(count) as unknown;
  const limits = [
    { name: 'scaling', low: min, high: max },
    ...schedules.map((schedule) => ({ name: `scaling.schedules.${schedule.name}`, low: schedule.min, high: schedule.max })),
  ];
  return limits
    .filter(({ low, high }) => Token.isUnresolved(low) || Token.isUnresolved(high))
    .flatMap(({ name, low, high }) => {
      const [least, most] = [resolved(low), resolved(high)];
      const wrong = [least, most].filter((count) => typeof count === 'number' && !(Number.isInteger(count) && count >= 0));
      const swapped = typeof least === 'number' && typeof most === 'number' && most < least;
      return [
        ...wrong.map((count) => `'${name}' must have whole numbers from 0, got ${String(count)} from a Token`),
        ...(swapped ? [`'${name}' has a maximum of ${most} below its minimum of ${least}, one of them from a Token: swap them`] : []),
      ];
    });
}

/** The instances of one variant of an endpoint; `name` starts the names of policies and alarms. @internal */
export function variantInstances(
  endpoint: CfnEndpoint,
  endpointName: string,
  variantName = EndpointBase.VARIANT_NAME,
  name = endpointName,
): Omit<CapacityScalingProps, 'plan'> {
  return {
    scaled: endpoint,
    name,
    resourceId: `endpoint/${endpointName}/variant/${variantName}`,
    dimension: 'sagemaker:variant:DesiredInstanceCount',
  };
}

function scheduledAction({
  name,
  schedule,
  timeZone,
  min,
  max,
}: ScalingPlan['schedules'][number]): CfnScalableTarget.ScheduledActionProperty {
  return {
    scheduledActionName: name,
    schedule,
    timezone: timeZone,
    scalableTargetAction: { minCapacity: min, maxCapacity: max },
  };
}

function targetTracking(policy: TargetTrackingPolicy) {
  const { metric } = policy;
  return {
    policyType: 'TargetTrackingScaling',
    targetTrackingScalingPolicyConfiguration: {
      predefinedMetricSpecification: typeof metric === 'string' ? { predefinedMetricType: metric } : undefined,
      customizedMetricSpecification:
        typeof metric === 'string'
          ? undefined
          : {
              namespace: 'AWS/SageMaker',
              metricName: metric.name,
              statistic: metric.statistic,
              dimensions: Object.entries(metric.dimensions).map(([name, value]) => ({ name, value })),
            },
      targetValue: policy.target,
      scaleOutCooldown: policy.scaleOutCooldownSeconds,
      scaleInCooldown: policy.scaleInCooldownSeconds,
      disableScaleIn: policy.scaleOutOnly === true ? true : undefined,
    },
  };
}

/** https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html */
const ADJUSTMENTS = { Change: 'ChangeInCapacity', Percent: 'PercentChangeInCapacity', Exact: 'ExactCapacity' } as const;

function stepScaling(policy: StepPolicy) {
  return {
    policyType: 'StepScaling',
    stepScalingPolicyConfiguration: {
      adjustmentType: ADJUSTMENTS[policy.adjustment ?? 'Change'],
      minAdjustmentMagnitude: policy.adjustment === 'Percent' ? 1 : undefined,
      cooldown: policy.cooldownSeconds,
      metricAggregationType: aggregationOf(policy.metric),
      stepAdjustments: policy.steps.map(({ from, to, change }) => ({
        metricIntervalLowerBound: from,
        metricIntervalUpperBound: to,
        scalingAdjustment: change,
      })),
    },
  };
}

/** Part of a policy, like the alarms that the service makes for target tracking: it tells nobody. @internal */
export function createStepAlarm(
  scope: Construct,
  id: string,
  alarmName: string,
  policy: Pick<StepPolicy, 'metric' | 'periodSeconds' | 'periods' | 'threshold' | 'side'>,
  policyArn: string,
): CfnAlarm {
  const { metric, periodSeconds } = policy;
  return new CfnAlarm(scope, id, {
    alarmName,
    alarmDescription: `Scales by the policy ${alarmName}. Nothing needs to be done.`,
    ...('statistic' in metric
      ? { ...sagemakerMetric(metric.name, metric.dimensions), statistic: metric.statistic, period: periodSeconds }
      : { metrics: lackingMetrics(metric, periodSeconds, policy.side === 'AtOrBelow') }),
    evaluationPeriods: policy.periods,
    threshold: policy.threshold,
    comparisonOperator: policy.side === 'AtOrBelow' ? 'LessThanOrEqualToThreshold' : 'GreaterThanOrEqualToThreshold',
    treatMissingData: 'notBreaching',
    alarmActions: [policyArn],
  });
}

const namedMetric = ({ namespace, name, dimensions }: TokenMetric) => ({
  namespace,
  metricName: name,
  dimensions: Object.entries(dimensions).map(([dimension, value]) => ({ name: dimension, value })),
});

const sagemakerMetric = (name: string, dimensions: Readonly<Record<string, string>>) =>
  namedMetric({ namespace: 'AWS/SageMaker', name, dimensions });

/** `measuredRequests()` as metric math. */
const workQuery = (perRequest: number): CfnAlarm.MetricDataQueryProperty => ({
  id: 'work',
  expression: `requests * FILL(tokens, ${perRequest}) / ${perRequest}`,
  label: 'Requests of the size that was measured',
  returnData: false,
});

/**
 * `lackingInstances()` as metric math (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). An
 * invocation counts one by the number of instances in InvocationsPerInstance, so the invocations by that are the instances
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
 *
 * A minute without requests has no datapoint. For the way in it is filled, so that a fleet at rest shrinks; so are the newest, which are not
 * published yet, and of ten minutes some eight decide. For the way out it is left missing: the newest minute is all that an alarm of one looks
 * at, and filled it would always lack nothing (FILL in the page above).
 */
function lackingMetrics(metric: LackingInstances, period: number, filled: boolean): CfnAlarm.MetricDataQueryProperty[] {
  const { spare, tolerance = 1, tokens, dimensions } = metric;
  const query = (id: string, queried: CfnAlarm.MetricProperty, stat = 'Sum'): CfnAlarm.MetricDataQueryProperty => ({
    id,
    metricStat: { metric: queried, period, stat },
    returnData: false,
  });
  const counted = tokens === undefined ? 'requests' : 'work';
  const lacking = (share: number) => {
    const busy = `${counted} / ${servedWithin(metric, share, period)}`;
    return `CEIL(${spare === 0 ? busy : `${busy} + ${spare} * (${busy}) ^ 0.5`}) - requests / shares`;
  };
  const expression = tolerance === 1 ? lacking(1) : `IF((${lacking(tolerance)}) >= ${HALF}, ${lacking(1)}, 0)`;
  return [
    { id: 'lacking', expression: filled ? `FILL(${expression}, -1)` : expression, label: 'Instances that were lacking', returnData: true },
    query('requests', sagemakerMetric('Invocations', dimensions)),
    query('shares', sagemakerMetric('InvocationsPerInstance', dimensions)),
    ...(tokens === undefined ? [] : [workQuery(tokens.perRequest), query('tokens', namedMetric(tokens), 'Average')]),
  ];
}
