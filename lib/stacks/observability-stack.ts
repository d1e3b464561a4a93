import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { DataIntake } from '../constructs/data';
import { InferenceApi } from '../constructs/integration';
import { WorkloadDashboard } from '../constructs/observability';
import { Budget, Layer, Objective, ObjectiveGuard, ObjectiveMetric, ObjectiveTracker } from '../constructs/ownership';
import { InferenceEndpoint } from '../constructs/serving';
import { WorkloadStack } from './workload-stack';

export interface ObservabilityStackProps {
  readonly budget: Budget;
  readonly api: InferenceApi;
  readonly endpoints: InferenceEndpoint[];
  readonly intakes: DataIntake[];
}

/** Whether the workload does what it is for: the objective's rolling values and one dashboard. */
export class ObservabilityStack extends WorkloadStack {
  constructor(scope: Construct, id: string, config: BlueprintConfig, props: ObservabilityStackProps) {
    super(scope, id, config, Layer.OBSERVABILITY);
    const { budget, api, endpoints, intakes } = props;
    const objective = objectiveOf(config);
    const tracker = new ObjectiveTracker(this, 'Objective', {
      objective,
      books: api.books,
      workload: this.prefix,
      model: config.objective.model,
    });
    const dashboard = new WorkloadDashboard(this, 'Dashboard', { workload: this.prefix, objective, tracker, budget });
    intakes.forEach((intake) => dashboard.addIntake(intake));
    endpoints.forEach((endpoint) => dashboard.addEndpoint(endpoint));
    dashboard.addApi(api);
    new CfnOutput(this, 'DashboardName', { value: dashboard.dashboard.dashboardName });
    new CfnOutput(this, 'ObjectiveJob', { value: tracker.job.functionName });
  }
}

function objectiveOf({ objective: { name, atLeastPercent, overDays, minimumLabels, guard } }: BlueprintConfig): Objective {
  return Objective.atLeast(atLeastPercent, ObjectiveMetric.recall(name), {
    over: Duration.days(overDays),
    minimumLabels,
    guard: ObjectiveGuard.atMost(guard.atMostPercent, ObjectiveMetric.positiveRate(guard.name)),
  });
}
