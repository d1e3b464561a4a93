import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { FLAGS } from '../sagemaker-metrics';
import { alarmOf } from '../view/alarm-view';
import { get, literal, numeric } from '../view/values';
/** An alarm waits for an average of errors above 1. @internal */
export const errorRateAboveOne: Rule = {
  name: 'ErrorRateAboveOne',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::CloudWatch::Alarm'],
  what: 'an alarm waits for an average of errors above 1',
  why: 'each request counts 0 or 1, so their average cannot exceed 1 (percent is not meant): the alarm cannot fire',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
  fix: 'use a rate between 0 and 1, such as 0.05, or the Sum',
  finds: (alarm) => {
    const [threshold, operator] = [numeric(get(alarm.properties, 'Threshold')), literal(get(alarm.properties, 'ComparisonOperator'))];
    const impossible =
      threshold !== undefined &&
      ((operator === 'GreaterThanThreshold' && threshold >= 1) || (operator === 'GreaterThanOrEqualToThreshold' && threshold > 1));
    return (
      impossible &&
      alarmOf(alarm).metrics.some(
        ({ compared, namespace, name, statistic }) =>
          compared && namespace === 'AWS/SageMaker' && FLAGS.includes(name ?? '') && statistic === 'Average',
      )
    );
  },
};
