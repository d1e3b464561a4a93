import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { neverPublished } from '../sagemaker-metrics';
import { alarmOf, trackedMetric } from '../view/alarm-view';
/** An alarm or a scaling policy reads a metric that SageMaker does not publish with this namespace and these dimensions. @internal */
export const metricNeverPublished: Rule = {
  name: 'MetricNeverPublished',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::CloudWatch::Alarm', 'AWS::ApplicationAutoScaling::ScalingPolicy'],
  what: 'an alarm or a scaling policy reads a metric that SageMaker does not publish with this namespace and these dimensions',
  why: 'CloudWatch accepts any name: the alarm never sees a value, and the policy never scales',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
  fix: 'use the dimensions of the table of metrics: EndpointName and VariantName, EndpointName alone for the backlog of an asynchronous endpoint, InferenceComponentName alone for a component',
  finds: (resource) => {
    const uses = resource.type === 'AWS::CloudWatch::Alarm' ? alarmOf(resource).metrics : [trackedMetric(resource)];
    return uses
      .map((use) =>
        use?.namespace && use.name && use.dimensions ? neverPublished(use.namespace, use.name, [...use.dimensions.keys()]) : undefined,
      )
      .filter((finding) => finding !== undefined);
  },
};
