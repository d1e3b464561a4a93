import { Check, Problem } from '../check';
import { MetricFacts } from '../metrics';
import { asList, literal, numeric, ofType } from '../template';
import { open, written } from '../text';
import { spokenForIn } from './alarm-listeners';
import { thresholdProblems } from './alarm-threshold';
import { lookUp } from './metric-lookup';

type Resource = ReturnType<typeof ofType>[number];

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: period, and the longest evaluation. */
const HIGH_RESOLUTION = [10, 20, 30];
const LONGEST_EVALUATION = { underAnHour: 86_400, fromAnHour: 604_800 };
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-alarm-on-metric-math-expression.html */
const MOST_METRICS_IN_MATH = 10;

const BAND_OPERATORS = ['LessThanLowerOrGreaterThanUpperThreshold', 'LessThanLowerThreshold', 'GreaterThanUpperThreshold'];

/** Alarms watch metrics that exist, can fire, say what silence means, and tell somebody. */
export const alarms: Check = {
  name: 'alarms',
  run: ({ template }) => {
    const spokenFor = spokenForIn(template);
    const unheard = ([resource, { Properties }]: Resource): string[] => [
      ...(asList(Properties.AlarmActions).length === 0 && !spokenFor(resource, Properties.AlarmName)
        ? ['no AlarmActions, and no composite alarm or rollback names it: nobody hears of it']
        : []),
      ...(String(Properties.ActionsEnabled) === 'false' ? ['ActionsEnabled is false: nobody hears of it'] : []),
    ];
    const composites = ofType(template, 'AWS::CloudWatch::CompositeAlarm').flatMap((alarm) =>
      unheard(alarm).map((problem) => ({ resource: alarm[0], problem })),
    );
    const simple = ofType(template, 'AWS::CloudWatch::Alarm').flatMap((alarm): Problem[] => {
      const [resource, { Properties }] = alarm;
      return [
        ...(Properties.Metrics === undefined ? simpleProblems(Properties) : mathProblems(Properties)),
        ...comparisonProblems(Properties),
        ...spanProblems(Properties),
        ...(Properties.TreatMissingData === undefined
          ? [
              "no TreatMissingData: the default lets the alarm flap to INSUFFICIENT_DATA; say 'notBreaching', 'breaching', 'ignore' or 'missing'",
            ]
          : []),
        ...unheard(alarm),
      ].map((problem) => ({ resource, problem }));
    });
    return [...simple, ...composites];
  },
};

function simpleProblems(alarm: Record<string, any>): string[] {
  const dimensions = asList<any>(alarm.Dimensions).map(({ Name }) => String(Name));
  const { facts, problems } = lookUp(alarm.Namespace, alarm.MetricName, dimensions, numeric(alarm.Period));
  const statistic = literal(alarm.ExtendedStatistic ?? alarm.Statistic);
  if (statistic === undefined && typeof (alarm.ExtendedStatistic ?? alarm.Statistic) !== 'object') {
    problems.push('neither Statistic nor ExtendedStatistic: the alarm has nothing to compare');
  }
  if (alarm.Period === undefined) {
    problems.push('no Period: an alarm on one metric needs it');
  }
  if (facts === undefined) {
    return problems;
  }
  return [
    ...problems,
    ...statisticProblems(facts, statistic),
    ...unitProblems(facts, alarm.Unit),
    ...thresholdProblems(alarm, facts, String(statistic)),
  ];
}

function mathProblems(alarm: Record<string, any>): string[] {
  const metrics = asList<any>(alarm.Metrics);
  const problems: string[] = [];
  const band = alarm.ThresholdMetricId;
  const returned = metrics.filter(({ Id, ReturnData }) => Id !== band && (ReturnData === undefined || String(ReturnData) === 'true'));
  if (returned.length !== 1) {
    problems.push(`${returned.length} of its metrics return data: exactly one must, set ReturnData to false on the others`);
  }
  if (metrics.filter(({ MetricStat }) => MetricStat).length > MOST_METRICS_IN_MATH) {
    problems.push(`its expression reads ${metrics.filter(({ MetricStat }) => MetricStat).length} metrics, at most ${MOST_METRICS_IN_MATH}`);
  }
  const periods = new Set(
    metrics.map(({ MetricStat, Period }) => numeric(MetricStat?.Period ?? Period)).filter((period) => period !== undefined),
  );
  if (periods.size > 1) {
    problems.push(`its metrics have different periods (${[...periods].join(', ')} s): give all the same one`);
  }
  problems.push(...idProblems(metrics, band), ...expressionProblems(metrics));
  for (const metric of metrics.filter(({ MetricStat }) => MetricStat)) {
    const stat = metric.MetricStat;
    const found = lookUp(
      stat.Metric?.Namespace,
      stat.Metric?.MetricName,
      asList<any>(stat.Metric?.Dimensions).map(({ Name }) => String(Name)),
      numeric(stat.Period),
    );
    problems.push(
      ...found.problems,
      ...(found.facts ? [...statisticProblems(found.facts, literal(stat.Stat)), ...unitProblems(found.facts, stat.Unit)] : []),
      ...(found.facts && returned.includes(metric) ? thresholdProblems(alarm, found.facts, String(literal(stat.Stat))) : []),
    );
  }
  return problems;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html: how ids are written. */
function idProblems(metrics: any[], band: unknown): string[] {
  const ids = metrics.map(({ Id }) => literal(Id)).filter((id) => id !== undefined);
  const problems = ids
    .filter((id) => !/^[a-z][A-Za-z0-9_]*$/.test(String(id)))
    .map((id) => `metric id '${id}' is not legal: a lower-case letter, then letters, digits and underscores`);
  if (new Set(ids).size < ids.length) {
    problems.push(`metric ids are not unique: ${ids.join(', ')}`);
  }
  const wanted = literal(band);
  if (wanted !== undefined && !ids.includes(wanted)) {
    problems.push(`ThresholdMetricId names '${wanted}', which is no metric of this alarm`);
  }
  return problems;
}

/** Names in metric math are ids of the alarm; a Metrics Insights query (SELECT ...) has names of its own. */
function expressionProblems(metrics: any[]): string[] {
  const ids = new Set(metrics.map(({ Id }) => Id));
  return metrics.flatMap(({ Id, Expression }) => {
    const text = written(Expression) ?? '';
    if (open(text) || /^\s*SELECT\s/i.test(text)) {
      return [];
    }
    const names = [...text.replaceAll(/'[^']*'|"[^"]*"/g, '').matchAll(/(?<![A-Za-z0-9_.])[a-z][A-Za-z0-9_]*/g)].map(([name]) => name);
    return names.filter((name) => !ids.has(name)).map((name) => `expression '${Id}' uses '${name}', which is no metric of this alarm`);
  });
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: a number, or the band of an anomaly detector. */
function comparisonProblems(alarm: Record<string, any>): string[] {
  const banded = alarm.ThresholdMetricId !== undefined;
  const operator = literal(alarm.ComparisonOperator);
  const needsBand = BAND_OPERATORS.includes(String(operator));
  if (banded && alarm.Threshold !== undefined) {
    return ['Threshold and ThresholdMetricId exclude each other'];
  }
  if (!banded && alarm.Threshold === undefined) {
    return ['no Threshold: the alarm has nothing to compare with; an anomaly alarm needs ThresholdMetricId'];
  }
  return operator === undefined || banded === needsBand
    ? []
    : [`${operator} ${needsBand ? 'needs a ThresholdMetricId' : `does not compare with a band: use ${BAND_OPERATORS.join(', ')}`}`];
}

function statisticProblems(facts: MetricFacts, statistic: unknown): string[] {
  if (statistic === undefined) {
    return [];
  }
  const kind =
    /^(p|tm|tc|ts|wm|PR|IQM)/.test(String(statistic)) && !/^SampleCount/.test(String(statistic)) ? 'percentile' : String(statistic);
  return facts.statistics.includes(kind)
    ? []
    : [`statistic ${statistic} says nothing about this metric: use ${facts.statistics.join(', ')}`];
}

function unitProblems(facts: MetricFacts, unit: any): string[] {
  const given = literal(unit);
  return given === undefined || given === facts.unit
    ? []
    : [`Unit is ${given} but the metric is published in ${facts.unit}: it would never find data; leave Unit out`];
}

function spanProblems(alarm: Record<string, any>): string[] {
  const periods = [alarm.Period, ...asList<any>(alarm.Metrics).map(({ MetricStat, Period }) => MetricStat?.Period ?? Period)]
    .map(numeric)
    .filter((period) => period !== undefined);
  const problems = periods
    .filter((period) => !HIGH_RESOLUTION.includes(period) && (period <= 0 || period % 60 !== 0))
    .map((period) => `period ${period} s is not legal: 10, 20, 30 or a multiple of 60`);
  const longest = Math.max(0, ...periods);
  const evaluated = longest * (numeric(alarm.EvaluationPeriods) ?? 1);
  const most = longest < 3600 ? LONGEST_EVALUATION.underAnHour : LONGEST_EVALUATION.fromAnHour;
  if (evaluated > most) {
    problems.push(`it evaluates ${evaluated} s, at most ${most} s for this period`);
  }
  const points = numeric(alarm.DatapointsToAlarm);
  if (points !== undefined && points > (numeric(alarm.EvaluationPeriods) ?? 1)) {
    problems.push(`DatapointsToAlarm ${points} is more than EvaluationPeriods ${alarm.EvaluationPeriods}: it can never fire`);
  }
  return problems;
}
