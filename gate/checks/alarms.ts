import { Check, Problem } from '../check';
import { groupsOf, MetricFacts } from '../metrics';
import { asList, literal, numeric, ofType, walk } from '../template';
import { Template } from '../assembly';
import { thresholdProblems } from './alarm-threshold';

type Resource = ReturnType<typeof ofType>[number];

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html: period, and the longest evaluation. */
const HIGH_RESOLUTION = [10, 20, 30];
const LONGEST_EVALUATION = { underAnHour: 86_400, fromAnHour: 604_800 };
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-alarm-on-metric-math-expression.html */
const MOST_METRICS_IN_MATH = 10;

/** Alarms watch metrics that exist, can fire, say what silence means, and tell somebody. */
export const alarms: Check = {
  name: 'alarms',
  run: ({ template }) => {
    const spokenFor = spokenForIn(template);
    const unheard = ([resource, { Properties }]: Resource): string[] => [
      ...(asList(Properties.AlarmActions).length === 0 && !spokenFor(resource, literal(Properties.AlarmName))
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

/**
 * Whether an alarm needs no action of its own: a rollback or scaling configuration names it, or a composite that somebody hears, be it
 * through further composites.
 */
function spokenForIn(template: Template): (resource: string, name: unknown) => boolean {
  const heard = new Set<string>();
  walk(template.Resources, (node) => node.AutoRollbackConfiguration && heard.add(JSON.stringify(node.AutoRollbackConfiguration)));
  const names = (resource: string, name: unknown) =>
    [...heard].some((text) => text.includes(`"${resource}"`) || (name !== undefined && text.includes(String(name))));
  let silent = ofType(template, 'AWS::CloudWatch::CompositeAlarm');
  for (let before = -1; before !== silent.length;) {
    before = silent.length;
    silent = silent.filter(([resource, { Properties }]) => {
      const quiet = asList(Properties.AlarmActions).length === 0 && !names(resource, literal(Properties.AlarmName));
      if (!quiet) {
        heard.add(JSON.stringify(Properties.AlarmRule));
      }
      return quiet;
    });
  }
  return names;
}

function simpleProblems(alarm: Record<string, any>): string[] {
  const dimensions = asList<any>(alarm.Dimensions).map(({ Name }) => String(Name));
  const { facts, problems } = lookUp(alarm.Namespace, alarm.MetricName, dimensions, numeric(alarm.Period));
  const statistic = literal(alarm.ExtendedStatistic ?? alarm.Statistic);
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
  const returned = metrics.filter(({ ReturnData }) => ReturnData === undefined || String(ReturnData) === 'true');
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
  const ids = new Set(metrics.map(({ Id }) => Id));
  for (const { Id, Expression } of metrics.filter((metric) => typeof metric.Expression === 'string')) {
    const names = [...Expression.replaceAll(/'[^']*'|"[^"]*"/g, '').matchAll(/(?<![A-Za-z0-9_.])[a-z][A-Za-z0-9_]*/g)].map(
      ([name]) => name,
    );
    names
      .filter((name) => !ids.has(name))
      .forEach((name) => problems.push(`expression '${Id}' uses '${name}', which is no metric of this alarm`));
  }
  for (const { MetricStat: stat } of metrics.filter(({ MetricStat }) => MetricStat)) {
    const found = lookUp(
      stat.Metric?.Namespace,
      stat.Metric?.MetricName,
      asList<any>(stat.Metric?.Dimensions).map(({ Name }) => String(Name)),
      numeric(stat.Period),
    );
    problems.push(
      ...found.problems,
      ...(found.facts ? [...statisticProblems(found.facts, literal(stat.Stat)), ...unitProblems(found.facts, stat.Unit)] : []),
    );
  }
  return problems;
}

/** Facts of a catalogued metric; problems when namespace and metric are known but name, dimensions or period are not right. */
function lookUp(
  namespace: any,
  metric: any,
  dimensions: string[],
  period: number | undefined,
): { facts?: MetricFacts; problems: string[] } {
  const groups = groupsOf(String(literal(namespace)));
  if (groups.length === 0 || literal(metric) === undefined) {
    return { problems: [] };
  }
  const named = groups.filter(({ metrics }) => metrics[metric] !== undefined);
  if (named.length === 0) {
    return { problems: [`${namespace} publishes no metric '${metric}' (${groups[0].source})`] };
  }
  const wanted = [...dimensions].sort().join('+');
  const group = named.find((candidate) => candidate.dimensions.some((set) => set.join('+') === wanted));
  if (group === undefined) {
    const allowed = named.flatMap((candidate) => candidate.dimensions.map((set) => set.join('+') || 'none')).join(' or ');
    return { problems: [`${namespace} ${metric} is not published with dimensions ${wanted || 'none'}, only with ${allowed}`] };
  }
  const early =
    period !== undefined && period < group.shortestPeriod
      ? [`period ${period} s is shorter than ${namespace} publishes (${group.shortestPeriod} s)`]
      : [];
  return { facts: group.metrics[metric], problems: early };
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
