import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { Fleet } from '../simulator/fleet';
import { Outcome } from '../simulator/outcome';
import { Clockwork, EndpointModel, RunOptions, RunResult, Simulation } from '../simulator/simulation';
import { RequestSource } from '../traces/source';
import { Activity, Autoscaler } from './autoscaler';
import { Provisioning } from './provisioning';
import { DEFAULT_SEMANTICS, Semantics } from './semantics';

/** What decides how many instances there are. */
export interface Scaler extends Clockwork {
  readonly activities: readonly Activity[];
  /** Changes that were made, out or in. */
  count(direction: 'out' | 'in'): number;
}

/** An endpoint whose instances follow a plan. */
export interface ScaledEndpoint {
  readonly endpoint: EndpointModel;
  readonly plan: ScalingPlan;
  /**
   * What decides in place of the plan's policies.
   *
   * @default - Application Auto Scaling, by the plan
   */
  readonly scaler?: (fleet: Fleet, provisioning: Provisioning, seed: number) => Scaler;
  readonly provisioning: Provisioning;
  /** @default DEFAULT_SEMANTICS */
  readonly semantics?: Semantics;
  /**
   * When the run begins, milliseconds since 1970.
   *
   * @default - not known: a plan with schedules is refused
   */
  readonly startsAt?: number;
  readonly watch?: Watcher;
}

/** Sees a fleet and what was counted so far every ten seconds. */
export type Watcher = (now: number, fleet: Fleet, outcome: Outcome) => void;

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
  const autoscaler =
    scaled.scaler?.(simulation.fleet, provisioning, options.seed) ??
    new Autoscaler(plan, simulation.fleet, provisioning, semantics, options.seed, startsAt);
  const { watch } = scaled;
  simulation.attach(
    watch === undefined
      ? autoscaler
      : {
          seconds: autoscaler.seconds,
          invoked: (instances) => autoscaler.invoked(instances),
          invokedWithoutInstance: () => autoscaler.invokedWithoutInstance(),
          tick: (now) => {
            autoscaler.tick(now);
            watch(now, simulation.fleet, simulation.outcome);
          },
        },
  );
  const result = simulation.run(source);
  return { ...result, activities: autoscaler.activities, scaleOuts: autoscaler.count('out'), scaleIns: autoscaler.count('in') };
}
