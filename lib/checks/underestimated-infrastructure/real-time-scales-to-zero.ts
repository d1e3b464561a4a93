import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { get, numeric } from '../view/values';
/** A variant of a real-time endpoint is to rest at zero instances. @internal */
export const realTimeScalesToZero: Rule = {
  name: 'RealTimeScalesToZero',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'a variant of a real-time endpoint is to rest at zero instances',
  why: 'only asynchronous endpoints and inference components can: the target is refused',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html',
  fix: 'set MinCapacity to 1 or more, or serve the model as an inference component or asynchronously',
  finds: (target, app) => {
    const { endpoint } = app.scaledBy(target);
    return numeric(get(target.properties, 'MinCapacity')) === 0 && endpoint !== undefined && modeOf(app.configOf(endpoint)) === 'realtime';
  },
};
