import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { NOT_ASYNC } from '../sagemaker-metrics';
import { alarmOf } from '../view/alarm-view';
import { modeOf } from '../view/mode';
/** An alarm on an asynchronous endpoint reads a metric that only real-time endpoints publish. @internal */
export const metricNotOfAsync: Rule = {
  name: 'MetricNotOfAsync',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.ERROR,
  types: ['AWS::CloudWatch::Alarm'],
  what: 'an alarm on an asynchronous endpoint reads a metric that only real-time endpoints publish',
  why: 'the metric stays empty, and the alarm silent, whatever happens',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html',
  fix: 'alarm on ApproximateBacklogSize, ApproximateAgeOfOldestRequest, InvocationFailures or ExpiredRequests',
  finds: (alarm, app) =>
    alarmOf(alarm)
      .metrics.filter(({ namespace, name }) => namespace === 'AWS/SageMaker' && NOT_ASYNC.includes(name ?? ''))
      .filter(({ dimensions }) => {
        const endpoints = app.named(dimensions?.get('EndpointName'), 'AWS::SageMaker::Endpoint', alarm);
        return endpoints.length > 0 && endpoints.every((endpoint) => modeOf(app.configOf(endpoint)) === 'async');
      })
      .map(({ name }) => String(name)),
};
