import { Duration, Stack, Tokenization } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  GraphWidgetView,
  IMetric,
  IWidget,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { DataIntake } from '../data';
import { InferenceApi } from '../integration';
import { Budget } from '../ownership/workload-budget';
import { Objective } from '../ownership/objective';
import { ObjectiveTracker } from '../ownership/objective-tracker';
import { AsyncEndpoint, InferenceComponent, InferenceEndpoint } from '../serving';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';
import {
  apiSection,
  asyncEndpointSection,
  componentSection,
  DashboardGraph,
  DashboardSection,
  endpointSection,
  intakeSection,
} from './dashboard-sections';

/** Properties of a `WorkloadDashboard`. */
export interface WorkloadDashboardProps {
  /**
   * Name of workload and stage, such as `flight-delays-dev`: 1 to 200 letters, digits, hyphens and underscores, known at synth. The
   * Region is added, because dashboards are global: equal names in two Regions would overwrite each other.
   */
  readonly workload: string;
  /**
   * What the workload is for. Goes with `tracker`.
   *
   * @default - none is shown: nobody counts what became of the answers
   */
  readonly objective?: Objective;
  /**
   * Publishes the objective's values.
   *
   * @default - none: there is no objective
   */
  readonly tracker?: ObjectiveTracker;
  /** What the workload may cost. */
  readonly budget: Budget;
  /**
   * Names of the alarms whose state is shown, at most 100, in the account and Region of the stack.
   *
   * @default - no alarm states
   */
  readonly alarmNames?: string[];
  /**
   * Sections below objective, cost and alarms.
   *
   * @default - none; `addSection` adds them
   */
  readonly sections?: DashboardSection[];
}

/** Widgets are this wide, of 24 columns. */
const THIRD = 8;

/**
 * One dashboard for a workload: first what a manager asks (is the objective met, what may it cost), then what the one on call asks
 * (which alarms are on, and the signals of each layer).
 */
export class WorkloadDashboard extends Construct {
  /** The dashboard. */
  public readonly dashboard: Dashboard;
  private widgets = 0;

  constructor(scope: Construct, id: string, props: WorkloadDashboardProps) {
    super(scope, id);
    failOn(this, 'InvalidWorkloadDashboard', [
      ...unknownAtSynth('workload', props.workload),
      ...mismatch('workload', props.workload, /^[A-Za-z0-9_-]{1,200}$/, '1 to 200 letters, digits, hyphens and underscores'),
      ...((props.alarmNames ?? []).length > 100
        ? [`'alarmNames' has ${props.alarmNames?.length} names, one widget shows at most 100`]
        : []),
      ...((props.objective === undefined) === (props.tracker === undefined)
        ? []
        : ["'objective' and 'tracker' go together: give the tracker that publishes the objective's values"]),
    ]);
    this.dashboard = new Dashboard(this, 'Resource', {
      dashboardName: `${props.workload}-${Stack.of(this).region}`,
      defaultInterval: Duration.days(1),
    });
    this.addObjective(props);
    this.addAlarms(props.alarmNames ?? []);
    (props.sections ?? []).forEach((section) => this.addSection(section));
  }

  /**
   * Adds graphs of one layer at the bottom.
   *
   * Errors: a section without graphs, a graph without metrics or with more than 10, more than 500 widgets in all.
   */
  public addSection(section: DashboardSection): void {
    failOn(this, 'InvalidDashboardSection', this.problemsOf(section));
    this.addRow(new TextWidget({ markdown: [`## ${section.title}`, section.text ?? ''].join('\n').trim(), width: 24, height: 2 }));
    for (let i = 0; i < section.graphs.length; i += 3) {
      this.addRow(...section.graphs.slice(i, i + 3).map(graph));
    }
  }

  /** Shows records, files and queue of an intake. */
  public addIntake(intake: DataIntake): void {
    this.addSection(intakeSection(intake));
  }

  /** Shows requests, failures, latency and load of an endpoint, beside what it promises. */
  public addEndpoint(endpoint: InferenceEndpoint): void {
    this.addSection(endpointSection(endpoint));
  }

  /** Shows queue, failures and times of an asynchronous endpoint, beside what it promises. */
  public addAsyncEndpoint(endpoint: AsyncEndpoint): void {
    this.addSection(asyncEndpointSection(endpoint));
  }

  /** Shows requests, failures, latency and load of an inference component, beside what it promises. */
  public addComponent(component: InferenceComponent): void {
    this.addSection(componentSection(component));
  }

  /** Shows answers and ground truth of an API. */
  public addApi(api: InferenceApi): void {
    this.addSection(apiSection(api));
  }

  private addObjective({ workload, objective, tracker, budget }: WorkloadDashboardProps): void {
    const budgets = 'https://console.aws.amazon.com/billing/home#/budgets';
    this.addRow(
      new TextWidget({
        markdown: [
          `# ${workload}`,
          ...(objective === undefined ? [] : [objectiveText(objective)]),
          `**Cost:** at most ${Tokenization.stringifyNumber(budget.monthlyUsd)} USD a month; [actual and forecast](${budgets}) by the workload's tag.`,
        ].join('\n\n'),
        width: 24,
        height: 4,
      }),
    );
    if (objective !== undefined && tracker !== undefined) {
      this.addValues(objective, tracker);
    }
  }

  private addValues({ metric, percent, over, guard }: Objective, tracker: ObjectiveTracker): void {
    const guardMetric = tracker.metricGuard();
    this.addRow(
      valueGraph(metric.metricName, tracker.metricValue(), percent, 'target'),
      ...(guard === undefined || guardMetric === undefined
        ? []
        : [valueGraph(guard.metric.metricName, guardMetric, guard.percent, 'ceiling')]),
      new SingleValueWidget({ title: `Labels in ${over.toDays()} days`, metrics: [tracker.metricLabels()], width: THIRD, height: 6 }),
    );
  }

  /** By name, not by reference: a dashboard must not hold the stacks of the layers together. */
  private addAlarms(names: string[]): void {
    if (names.length > 0) {
      const alarms = names.map((name, i) => Alarm.fromAlarmName(this, `Alarm${i}`, name));
      this.addRow(new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 2 + Math.ceil(names.length / 4) }));
    }
  }

  private addRow(...widgets: IWidget[]): void {
    this.widgets += widgets.length;
    this.dashboard.addWidgets(...widgets);
  }

  private problemsOf({ title, graphs }: DashboardSection): string[] {
    const wrong = graphs.filter(({ metrics }) => metrics.length < 1 || metrics.length > 10);
    return [
      ...(graphs.length === 0 ? [`'graphs' of section '${title}' is empty: give at least one`] : []),
      ...wrong.map((g) => `'metrics' of graph '${g.title}' must have 1 to 10 entries, got ${g.metrics.length}`),
      ...(this.widgets + graphs.length + 1 > 500
        ? [`section '${title}' would make more than 500 widgets, which a dashboard may not have`]
        : []),
    ];
  }
}

function objectiveText({ metric, percent, over, guard, minimumLabels }: Objective): string {
  const guarded = guard === undefined ? '' : `, with **${guard.metric.metricName}** at most ${guard.percent} %`;
  return `**Objective:** ${metric.metricName} at least ${percent} % over ${over.toDays()} days${guarded}; judged from ${minimumLabels} labels on.`;
}

function graph({ title, metrics, unit, limit }: DashboardGraph): GraphWidget {
  const leftAnnotations = limit === undefined ? [] : [{ value: limit, label: 'limit' }];
  return new GraphWidget({ title, left: metrics, leftYAxis: { min: 0, label: unit }, leftAnnotations, width: THIRD, height: 6 });
}

function valueGraph(title: string, metric: IMetric, value: number, label: string): GraphWidget {
  return new GraphWidget({
    title: `${title} (%)`,
    view: GraphWidgetView.TIME_SERIES,
    left: [metric],
    leftYAxis: { min: 0, max: 100 },
    leftAnnotations: [{ value, label: `${label} ${value} %` }],
    width: THIRD,
    height: 6,
  });
}
