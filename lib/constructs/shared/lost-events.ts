import { Duration } from 'aws-cdk-lib';
import { IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** A rule of Amazon EventBridge, as its metrics name it. @internal */
export interface EventRule {
  /** `Ref` of a rule of the default bus; a literal on another one, where `Ref` answers `<bus>|<rule>`, which no metric has as its dimension. */
  readonly ruleName: string;
  /** @default - the default bus, whose metrics have no such dimension */
  readonly busName?: string;
}

const PERIOD = Duration.minutes(5);

/**
 * Events that could be delivered neither to their target nor to its dead-letter queue: they are gone. Count, sum over five minutes
 * (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html).
 *
 * @internal
 */
export function lostEvents({ ruleName, busName }: EventRule): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'InvocationsFailedToBeSentToDlq',
    dimensionsMap: { ...(busName === undefined ? {} : { EventBusName: busName }), RuleName: ruleName },
    statistic: Stats.SUM,
    period: PERIOD,
  });
}

/** The same of several rules, at most 10 (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Alarms.html). @internal */
export function lostEventsOf(rules: EventRule[]): IMetric {
  const usingMetrics = Object.fromEntries(rules.map((rule, index) => [`rule${index}`, lostEvents(rule)]));
  const expression = Object.keys(usingMetrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ');
  return new MathExpression({ expression, usingMetrics, label: 'lost events', period: PERIOD });
}
