import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { alarmOf, trackedMetric } from '../view/alarm-view';
import { resourceIn } from '../view/values';
/** The dimension EndpointName holds an ARN. @internal */
export const dimensionIsArn: Rule = {
  name: 'DimensionIsArn',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::CloudWatch::Alarm', 'AWS::ApplicationAutoScaling::ScalingPolicy'],
  what: 'the dimension EndpointName holds an ARN',
  why: 'Ref of an endpoint is its ARN; metrics carry the name, so nothing is ever found',
  source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sagemaker-endpoint.html',
  fix: 'use the attribute EndpointName (attrEndpointName), not Ref',
  finds: (resource, app) => {
    const uses = resource.type === 'AWS::CloudWatch::Alarm' ? alarmOf(resource).metrics : [trackedMetric(resource)];
    return uses.some((use) => {
      const named = resourceIn(use?.dimensions?.get('EndpointName') ?? '');
      return named?.attribute === 'Ref' && app.at(named.path)?.type === 'AWS::SageMaker::Endpoint';
    });
  },
};
