import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { MICROSECONDS } from '../sagemaker-metrics';
import { alarmOf } from '../view/alarm-view';
import { get, literal, numeric } from '../view/values';
/** Microseconds. */
const MILLISECOND = 1000;

/** An alarm on a latency of SageMaker has a threshold of a millisecond or less, or the unit of another metric. @internal */
export const latencyInMilliseconds: Rule = {
  name: 'LatencyInMilliseconds',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.WARN,
  types: ['AWS::CloudWatch::Alarm'],
  what: 'an alarm on a latency of SageMaker has a threshold of a millisecond or less, or the unit of another metric',
  why: 'SageMaker publishes latencies in microseconds: a threshold that was meant in milliseconds is always exceeded, and an alarm in another unit never sees a value',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
  fix: 'multiply milliseconds by 1,000, and leave Unit out',
  finds: (alarm) => {
    const uses = alarmOf(alarm).metrics.filter(({ namespace, name }) => namespace === 'AWS/SageMaker' && MICROSECONDS.includes(name ?? ''));
    const threshold = numeric(get(alarm.properties, 'Threshold'));
    const small =
      threshold !== undefined &&
      threshold > 0 &&
      threshold <= MILLISECOND &&
      /^Greater/.test(literal(get(alarm.properties, 'ComparisonOperator')) ?? '');
    return uses.some(
      ({ compared, statistic, unit }) =>
        (unit !== undefined && unit !== 'Microseconds') || (compared && small && !['Sum', 'SampleCount'].includes(statistic ?? 'Sum')),
    );
  },
};
