import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { EndpointModel, RunOptions, RunResult, Simulation } from '../simulator/simulation';
import { RequestSource } from '../traces/source';
import { Activity, Autoscaler } from './autoscaler';
import { Provisioning } from './provisioning';
import { DEFAULT_SEMANTICS, Semantics } from './semantics';

/** An endpoint whose instances follow a plan. */
export interface ScaledEndpoint {
  readonly endpoint: EndpointModel;
  readonly plan: ScalingPlan;
  readonly provisioning: Provisioning;
  /** @default DEFAULT_SEMANTICS */
  readonly semantics?: Semantics;
  /**
   * When the run begins, milliseconds since 1970.
   *
   * @default - not known: a plan with schedules is refused
   */
  readonly startsAt?: number;
}

export interface ScaledResult extends RunResult {
  readonly activities: readonly Activity[];
  /** Changes that were made. */
  readonly scaleOuts: number;
  readonly scaleIns: number;
}

/** Runs a trace through an endpoint that scales. Errors: those of `Simulation.run()` and of `Autoscaler`. */
export function runScaled(scaled: ScaledEndpoint, source: RequestSource, options: RunOptions): ScaledResult {
  const simulation = new Simulation(scaled.endpoint, options);
  const { plan, provisioning, semantics = DEFAULT_SEMANTICS, startsAt } = scaled;
  const autoscaler = new Autoscaler(plan, simulation.fleet, provisioning, semantics, options.seed, startsAt);
  simulation.attach(autoscaler);
  const result = simulation.run(source);
  return { ...result, activities: autoscaler.activities, scaleOuts: autoscaler.count('out'), scaleIns: autoscaler.count('in') };
}
