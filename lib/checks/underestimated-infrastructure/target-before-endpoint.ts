import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';

/** A scalable target does not wait for what it scales. @internal */
export const targetBeforeEndpoint: Rule = {
  name: 'TargetBeforeEndpoint',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'a scalable target does not wait for what it scales',
  why: 'its ResourceId is text, so AWS CloudFormation sees no order: the target is registered before the endpoint exists, and the deployment fails; deletion fails the other way round',
  source: 'https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html',
  fix: 'let the target depend on the endpoint or component: target.addResourceDependency(endpoint)',
  finds: (target, app) => {
    const { endpoint, component } = app.scaledBy(target);
    const scaled = endpoint ?? component;
    return scaled !== undefined && scaled.stack === target.stack && !app.waitsFor(target, scaled);
  },
};
