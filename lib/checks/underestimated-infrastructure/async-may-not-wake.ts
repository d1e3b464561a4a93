import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { get, numeric } from '../view/values';
import { wakeUps } from '../view/wake-ups';

/** An asynchronous endpoint rests at zero instances, and no policy wakes it for the first request. @internal */
export const asyncMayNotWake: Rule = {
  name: 'AsyncMayNotWake',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.WARN,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'an asynchronous endpoint rests at zero instances, and no policy wakes it for the first request',
  why: 'without a step policy on HasBacklogWithoutCapacity it starts only when the backlog exceeds the target of its other policy: a few requests may wait until they expire',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html',
  fix: 'add a step policy, and an alarm on HasBacklogWithoutCapacity of 1 or more that runs it',
  finds: (target, app) => {
    const { endpoint } = app.scaledBy(target);
    return (
      numeric(get(target.properties, 'MinCapacity')) === 0 &&
      endpoint !== undefined &&
      modeOf(app.configOf(endpoint)) === 'async' &&
      !app.hasUnknownPolicy() &&
      wakeUps(target, 'HasBacklogWithoutCapacity', app) === 0
    );
  },
};
