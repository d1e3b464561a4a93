import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { alarmOf } from '../view/alarm-view';
import { get, literal, numeric } from '../view/values';
const WAKING = ['NoCapacityInvocationFailures', 'HasBacklogWithoutCapacity'];

/** The alarm that wakes a sleeping model ignores the first request. @internal */
export const wakeUpMissesFirstRequest: Rule = {
  name: 'WakeUpMissesFirstRequest',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.WARN,
  types: ['AWS::CloudWatch::Alarm'],
  what: 'the alarm that wakes a sleeping model ignores the first request',
  why: 'one request counts 1, and the alarm wants more than 1: a caller that tries once finds the model asleep, and leaves it so',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html',
  fix: "compare with 'GreaterThanOrEqualToThreshold' 1",
  finds: ({ properties, ...alarm }) => {
    const [threshold, operator] = [numeric(get(properties, 'Threshold')), literal(get(properties, 'ComparisonOperator'))];
    const misses =
      threshold !== undefined &&
      ((operator === 'GreaterThanThreshold' && threshold >= 1) || (operator === 'GreaterThanOrEqualToThreshold' && threshold > 1));
    return misses && alarmOf({ properties, ...alarm }).metrics.some(({ compared, name }) => compared && WAKING.includes(name ?? ''));
  },
};
