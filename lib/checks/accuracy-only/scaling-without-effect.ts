import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, literal, numeric } from '../view/values';
/** Scaling is set up, but the number never changes. @internal */
export const scalingWithoutEffect: Rule = {
  name: 'ScalingWithoutEffect',
  mistake: Mistake.ACCURACY_ONLY,
  level: NagMessageLevel.WARN,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'scaling is set up, but the number never changes',
  why: 'load beyond one size of fleet is answered late or not at all, and a quiet night costs what the busy hour does',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html',
  fix: 'give the target room between MinCapacity and MaxCapacity and a policy or a schedule, or leave it out',
  finds: (target, app) => {
    const [min, max] = [numeric(get(target.properties, 'MinCapacity')), numeric(get(target.properties, 'MaxCapacity'))];
    const schedules = entries(get(target.properties, 'ScheduledActions'));
    if (literal(get(target.properties, 'ServiceNamespace')) !== 'sagemaker' || schedules === undefined || schedules.length > 0) {
      return [];
    }
    const same = min !== undefined && min === max ? [`from-${min}-to-${max}`] : [];
    return app.policiesOf(target).length === 0 && !app.hasUnknownPolicy() ? [...same, 'no-policy'] : same;
  },
};
