import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';

const LATENCIES = /Latency|Age|TimeInBacklog|TotalProcessingTime|ApproximateBacklog/;

/** Alarms watch the endpoint, but none its latency. @internal */
export const latencyUnwatched: Rule = {
  name: 'LatencyUnwatched',
  mistake: Mistake.ACCURACY_ONLY,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Endpoint'],
  what: 'alarms watch the endpoint, but none its latency',
  why: 'a model that is right but late is of no use to its caller, and errors do not show it',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
  fix: 'alarm on a high percentile of ModelLatency; for an asynchronous endpoint on ApproximateAgeOfOldestRequest or TimeInBacklog',
  finds: (endpoint, app) => {
    const alarms = [endpoint, ...app.componentsOf(endpoint)].flatMap((one) => app.alarmsOn(one));
    return (
      alarms.length > 0 &&
      !app.watchedByUnknown() &&
      !alarms.some(({ metrics }) => metrics.some(({ name }) => name === undefined || LATENCIES.test(name)))
    );
  },
};
