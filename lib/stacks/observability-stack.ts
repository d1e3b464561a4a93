import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { WorkloadDashboard } from '../constructs/observability';
import { Budget, Layer, Objective, ObjectiveGuard, ObjectiveMetric, ObjectiveTracker } from '../constructs/ownership';
import { Serving } from './endpoint-stacks';
import { FrontStacks } from './front-stacks';
import { WorkloadStack } from './workload-stack';

export interface ObservabilityStackProps {
  readonly budget: Budget;
  /** Undefined: there are no real-time endpoints, so no objective that their predictions could be counted for. */
  readonly front?: FrontStacks;
  readonly serving: Serving;
}

/** Whether the workload does what it is for: the objective's rolling values and one dashboard. */
export class ObservabilityStack extends WorkloadStack {
  constructor(scope: Construct, id: string, config: BlueprintConfig, { budget, front, serving }: ObservabilityStackProps) {
    super(scope, id, config, Layer.OBSERVABILITY);
    const objective = config.objective && objectiveOf(config.objective);
    const tracker = front && objective && this.createTracker(objective, front, config.objective?.model);
    const dashboard = new WorkloadDashboard(this, 'Dashboard', { workload: this.prefix, objective, tracker, budget });
    front?.data.intakes.forEach((intake) => dashboard.addIntake(intake));
    serving.endpoints.forEach((endpoint) => dashboard.addEndpoint(endpoint));
    serving.asyncEndpoints.forEach((endpoint) => dashboard.addAsyncEndpoint(endpoint));
    serving.components.forEach((component) => dashboard.addComponent(component));
    if (front !== undefined) {
      dashboard.addApi(front.integration.api);
    }
    new CfnOutput(this, 'DashboardName', { value: dashboard.dashboard.dashboardName });
    if (tracker !== undefined) {
      new CfnOutput(this, 'ObjectiveJob', { value: tracker.job.functionName });
    }
  }

  private createTracker(objective: Objective, { integration }: FrontStacks, model: string | undefined): ObjectiveTracker {
    return new ObjectiveTracker(this, 'Objective', { objective, books: integration.api.books, workload: this.prefix, model });
  }
}

type ObjectiveConfig = NonNullable<BlueprintConfig['objective']>;

function objectiveOf({ name, atLeastPercent, overDays, minimumLabels, guard }: ObjectiveConfig): Objective {
  return Objective.atLeast(atLeastPercent, ObjectiveMetric.recall(name), {
    over: Duration.days(overDays),
    minimumLabels,
    guard: ObjectiveGuard.atMost(guard.atMostPercent, ObjectiveMetric.positiveRate(guard.name)),
  });
}
