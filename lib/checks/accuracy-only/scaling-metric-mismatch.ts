import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { get, literal } from '../view/values';
const METRICS: Readonly<Record<string, readonly string[] | undefined>> = {
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

const KNOWN = Object.values(METRICS).flat();
/** A new metric of SageMaker is no mistake. */
const isKnown = (metric: string) => KNOWN.includes(metric) || !metric.startsWith('SageMaker');

/** A scaling policy tracks a metric that what it scales does not have. @internal */
export const scalingMetricMismatch: Rule = {
  name: 'ScalingMetricMismatch',
  mistake: Mistake.ACCURACY_ONLY,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalingPolicy'],
  what: 'a scaling policy tracks a metric that what it scales does not have',
  why: 'Application Auto Scaling refuses a predefined metric of another dimension; on an asynchronous endpoint the metric stays empty and nothing scales',
  source: 'https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PredefinedMetricSpecification.html',
  fix: 'track a metric of the same dimension; on an asynchronous endpoint ApproximateBacklogSizePerInstance by EndpointName alone',
  finds: (policy, app) => {
    const metric = literal(
      get(policy.properties, 'TargetTrackingScalingPolicyConfiguration', 'PredefinedMetricSpecification', 'PredefinedMetricType'),
    );
    return (
      metric !== undefined &&
      app.targetsOf(policy).some((target) => {
        const { endpoint } = app.scaledBy(target);
        const allowed = METRICS[literal(get(target.properties, 'ScalableDimension')) ?? ''];
        return (
          (allowed !== undefined && isKnown(metric) && !allowed.includes(metric)) ||
          (endpoint !== undefined && modeOf(app.configOf(endpoint)) === 'async')
        );
      })
    );
  },
};
