import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Function as Lambda, IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { withoutPolicyFindings } from '../shared/acknowledgements';
import { METRIC_NAMESPACE } from '../integration/contract';
import { routeNameProblems } from '../integration/inference-api-checks';
import { PredictionBooks } from '../integration/prediction-books';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { physicalName } from '../shared/names';
import { registerAlarm } from './alarms';
import { Layer, Severity } from './layer';
import { Objective, ObjectiveMetric } from './objective';
import { OBJECTIVE, ObjectiveSpec } from './objective-contract';

/** Properties of an `ObjectiveTracker`. */
export interface ObjectiveTrackerProps {
  /** What the workload is for. */
  readonly objective: Objective;
  /** Books that hold predictions and their ground truth. */
  readonly books: PredictionBooks;
  /**
   * Value of the dimension `Workload` and start of the alarm names, such as `flight-delays-dev`: 1 to 60 lower-case letters, digits and
   * hyphens, known at synth.
   */
  readonly workload: string;
  /**
   * Route name of the one model whose predictions count: 1 to 40 lower-case letters, digits and inner single hyphens.
   *
   * @default - every prediction of the API that carries a decision
   */
  readonly model?: string;
}

/** How often the values are published, and over what span the alarms look. Several values lie in each span, so none is ever empty. */
const PUBLISHED_EVERY = Duration.minutes(15);
const PERIOD = Duration.hours(1);

/**
 * Publishes an objective's rolling values and tells the owner of the product when it is missed.
 *
 * Under the minimum number of labels the alarms see nothing, and nothing counts as fine: too few labels are no breach.
 */
export class ObjectiveTracker extends Construct {
  /** In ALARM when the target is missed. */
  public readonly missedAlarm: Alarm;
  /** In ALARM when the guard's ceiling is passed. */
  public readonly guardAlarm?: Alarm;
  /** The function that computes the values; invoking it publishes them at once. */
  public readonly job: IFunction;
  private readonly workload: string;
  private readonly objective: Objective;

  constructor(scope: Construct, id: string, props: ObjectiveTrackerProps) {
    super(scope, id);
    failOn(this, 'InvalidObjectiveTracker', [
      ...unknownAtSynth('workload', props.workload),
      ...mismatch('workload', props.workload, /^[a-z0-9][a-z0-9-]{0,59}$/, '1 to 60 lower-case letters, digits and hyphens'),
      ...routeNameProblems('model', props.model),
    ]);
    this.workload = props.workload;
    this.objective = props.objective;
    this.job = this.createJob(props);
    this.createJobAlarm(this.job);
    this.missedAlarm = this.createMissedAlarm();
    this.guardAlarm = this.createGuardAlarm();
  }

  /** Rolling value of the objective. Percent, average. */
  public metricValue(): Metric {
    return this.metric(this.objective.metric.metricName, Stats.AVERAGE);
  }

  /** Rolling value of the guard; undefined without one. Percent, average. */
  public metricGuard(): Metric | undefined {
    return this.objective.guard && this.metric(this.objective.guard.metric.metricName, Stats.AVERAGE);
  }

  /** Labelled predictions with a decision in the window. Count, minimum. */
  public metricLabels(): Metric {
    return this.metric(OBJECTIVE.labelsMetric, Stats.MINIMUM);
  }

  private metric(metricName: string, statistic: string): Metric {
    const dimensionsMap = { [OBJECTIVE.dimension]: this.workload };
    return new Metric({ namespace: METRIC_NAMESPACE, metricName, dimensionsMap, statistic, period: PERIOD });
  }

  private createJob({ objective, books, workload, model }: ObjectiveTrackerProps): Lambda {
    const metrics = [objective.metric, ...(objective.guard === undefined ? [] : [objective.guard.metric])];
    const spec: ObjectiveSpec = {
      workload,
      days: objective.over.toDays(),
      minimumLabels: objective.minimumLabels,
      model,
      metrics: metrics.map(({ metricName, measure }) => ({ name: metricName, measure })),
    };
    const job = handlerFunction(this, 'Job', {
      handler: 'objective',
      description: `Publishes the rolling value of ${objective.metric.metricName}`,
      timeout: Duration.minutes(2),
      environment: { [OBJECTIVE.env.spec]: JSON.stringify(spec), [OBJECTIVE.env.tallyTable]: books.tally.tableName },
    });
    books.grantReadTally(job);
    books._giveClock(job);
    withoutPolicyFindings(job);
    new Rule(this, 'Schedule', {
      description: `Publishes the rolling value of ${objective.metric.metricName}`,
      schedule: Schedule.rate(PUBLISHED_EVERY),
      targets: [new LambdaFunction(job, { retryAttempts: 0 })],
    });
    return job;
  }

  private createMissedAlarm(): Alarm {
    const { metric, percent, over } = this.objective;
    return this.createAlarm('MissedAlarm', metric, {
      runbook: 'objective-missed',
      summary: `${metric.metricName} is below ${percent} % over ${over.toDays()} days.`,
      firstAction: 'compare with label count and guard on the dashboard: did the decisions or the outcomes change?',
      threshold: percent,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    });
  }

  private createGuardAlarm(): Alarm | undefined {
    const { guard, over } = this.objective;
    return (
      guard &&
      this.createAlarm('GuardAlarm', guard.metric, {
        runbook: 'guard-passed',
        summary: `${guard.metric.metricName} is above ${guard.percent} % over ${over.toDays()} days.`,
        firstAction:
          "see since when, and whether a release or a change in the data came before; the model's threshold decides this number.",
        threshold: guard.percent,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      })
    );
  }

  private createAlarm(id: string, metric: ObjectiveMetric, what: WhatHappened): Alarm {
    return registerAlarm(this, id, {
      ...what,
      alarmName: physicalName([this.workload, what.runbook], 255),
      layer: Layer.PRODUCT,
      severity: Severity.TICKET,
      metric: new MathExpression({
        label: `${metric.metricName}, from ${this.objective.minimumLabels} labels on`,
        expression: `IF(labels >= ${this.objective.minimumLabels}, value)`,
        period: PERIOD,
        usingMetrics: { labels: this.metricLabels(), value: this.metric(metric.metricName, Stats.AVERAGE) },
      }),
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  /** Nothing published counts as fine above, so a job that fails must be heard of here. */
  private createJobAlarm(job: IFunction): void {
    registerAlarm(this, 'JobAlarm', {
      alarmName: physicalName([this.workload, 'objective-unknown'], 255),
      layer: Layer.OBSERVABILITY,
      severity: Severity.TICKET,
      summary: 'The job that publishes the business objective fails: nobody knows whether the objective is met.',
      firstAction: 'read the log of the function for the error.',
      runbook: 'objective-unknown',
      metric: job.metricErrors({ statistic: Stats.SUM, period: PERIOD }),
      threshold: 3,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

interface WhatHappened {
  /** Heading in the runbook, and end of the alarm's name. */
  readonly runbook: string;
  readonly summary: string;
  readonly firstAction: string;
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
}
