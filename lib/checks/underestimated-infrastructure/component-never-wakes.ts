import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { ResourceView } from '../view/resource-view';
import { entries, get, numeric } from '../view/values';
import { wakeUps } from '../view/wake-ups';

/** Whether a schedule brings copies at some time, or may: who sets it decides when the model sleeps. */
const isScheduled = ({ properties }: ResourceView): boolean => {
  const actions = entries(get(properties, 'ScheduledActions'));
  return actions === undefined || actions.some((action) => numeric(get(action, 'ScalableTargetAction', 'MinCapacity') ?? 0) !== 0);
};

/** An inference component rests at zero copies, and neither a policy nor a schedule wakes it. @internal */
export const componentNeverWakes: Rule = {
  name: 'ComponentNeverWakes',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'an inference component rests at zero copies, and neither a policy nor a schedule wakes it',
  why: 'target tracking cannot act on zero copies: once asleep, it answers every request with an error',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html',
  fix: 'add a step policy, and an alarm on NoCapacityInvocationFailures of 1 or more that runs it',
  finds: (target, app) => {
    return (
      numeric(get(target.properties, 'MinCapacity')) === 0 &&
      app.scaledBy(target).component !== undefined &&
      !isScheduled(target) &&
      !app.hasUnknownPolicy() &&
      wakeUps(target, 'NoCapacityInvocationFailures', app) === 0
    );
  },
};
