import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, numeric } from '../view/values';
import { wakeUps } from '../view/wake-ups';

/** An inference component rests at zero copies, and no policy wakes it. @internal */
export const componentNeverWakes: Rule = {
  name: 'ComponentNeverWakes',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'an inference component rests at zero copies, and no policy wakes it',
  why: 'target tracking cannot act on zero copies: once asleep, it answers every request with an error',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html',
  fix: 'add a step policy, and an alarm on NoCapacityInvocationFailures of 1 or more that runs it',
  finds: (target, app) => {
    return (
      numeric(get(target.properties, 'MinCapacity')) === 0 &&
      app.scaledBy(target).component !== undefined &&
      !app.hasUnknownPolicy() &&
      wakeUps(target, 'NoCapacityInvocationFailures', app) === 0
    );
  },
};
