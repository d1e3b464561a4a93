import { DEFAULT_UTILIZATION, ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { MeasuredRates, staffing } from '../../lib/constructs/serving/scaling/staffing';
import { defaultPolicy, heldAt } from '../policies/default-policy';
import { provisioningOf } from '../scaling/provisioning';
import { runScaled, ScaledResult } from '../scaling/scaled-endpoint';
import { EndpointModel } from '../simulator/simulation';
import { Demand } from './demand';
import { daysOf, monthly, Range } from './month';

/** What a plan must hold. */
export interface PlanOptions {
  readonly demand: Demand;
  readonly bootSeconds: number;
  readonly seeds: readonly number[];
  /** Fewest instances to begin with. */
  readonly min: number;
  /** Share of requests that may miss the objective. */
  readonly allowedMisses: number;
  /** What the most is above the most that a run needed, 0.2 for a fifth. */
  readonly headroom: number;
}

/** What a run looked like, every five minutes. */
export interface Moment {
  /** Its end, seconds. */
  readonly at: number;
  readonly requests: number;
  /** Requests known to have missed the objective in it. */
  readonly missed: number;
  readonly serving: number;
  /** Instance-hours billed until its end. */
  readonly hours: number;
}

/** The size of a fleet for a demand, whatever it costs. */
export interface FleetSize {
  readonly min: number;
  readonly max: number;
  /** What one instance serves within the objective, requests a second. */
  readonly requestsPerSecond: number;
  /** What each of many instances is planned to serve by the deployed policy, requests a second. */
  readonly target: number;
  readonly missRatio: number;
  /** Of a month. */
  readonly instanceHours: Range;
  /** What the range is of. */
  readonly basis: string;
  /** The run with the first seed. */
  readonly timeline: readonly Moment[];
}

const MOST = 1000;
const MOMENT_SECONDS = 300;

interface Run {
  readonly result: ScaledResult;
  readonly timeline: readonly Moment[];
  readonly most: number;
}

/**
 * The smallest minimum with which the policy that the constructs deploy holds the objective, found by halving between the least and a fleet that is
 * always as large as it needs to be at most. Errors `TooManyMisses`: that fleet misses more, too.
 *
 * @param measured what instances serve within the objective
 */
export function sizeFor(endpoint: EndpointModel, measured: MeasuredRates, options: PlanOptions): FleetSize {
  const { min, allowedMisses } = options;
  const tried = new Map<number, Run[]>();
  const runsWith = (least: number): Run[] => {
    const runs = tried.get(least) ?? options.seeds.map((seed) => run(endpoint, measured, least, seed, options));
    tried.set(least, runs);
    return runs;
  };
  let high = min;
  if (missRatioOf(runsWith(min)) > allowedMisses) {
    let low = min;
    high = Math.max(min + 1, ...runsWith(min).map(({ most }) => most));
    const missed = missRatioOf(runsWith(high));
    if (missed > allowedMisses) {
      throw new Error(
        `TooManyMisses: ${(missed * 100).toFixed(2)} % of requests miss the objective even with ${high} instances all the time, allowed are ` +
          `${(allowedMisses * 100).toFixed(2)} %: promise less, allow more, or take a faster GPU`,
      );
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      [low, high] = missRatioOf(runsWith(middle)) > allowedMisses ? [middle, high] : [low, middle];
    }
  }
  return told(measured, high, runsWith(high), options);
}

const missRatioOf = (runs: readonly Run[]): number => {
  const sum = (of: (run: Run) => number) => runs.reduce((total, one) => total + of(one), 0);
  return sum(({ result }) => result.outcome.missed) / sum(({ result }) => result.outcome.requests);
};

function told(measured: MeasuredRates, min: number, runs: readonly Run[], { headroom }: PlanOptions): FleetSize {
  const used = runs.map(({ result, timeline }) => ({
    instanceHours: result.instanceHours,
    seconds: result.seconds,
    byDay: daysOf(timeline),
  }));
  const { hours, basis } = monthly(used);
  return {
    min,
    max: Math.min(MOST, Math.ceil(Math.max(...runs.map(({ most }) => most)) * (1 + headroom) - 1e-9)),
    requestsPerSecond: measured.requestsPerSecond,
    target: staffing(measured, DEFAULT_UTILIZATION).requestsPerSecond,
    missRatio: missRatioOf(runs),
    instanceHours: hours,
    basis,
    timeline: runs[0].timeline,
  };
}

function run(endpoint: EndpointModel, measured: MeasuredRates, min: number, seed: number, { demand, bootSeconds }: PlanOptions): Run {
  const trace = demand.open(seed);
  const plan: ScalingPlan = defaultPolicy(measured, { min, max: MOST });
  const initial = heldAt(plan, trace.firstRate) ?? min;
  const timeline: Moment[] = [];
  let [requests, missed] = [0, 0];
  const result = runScaled(
    {
      endpoint: { ...endpoint, instances: initial },
      plan,
      provisioning: provisioningOf(bootSeconds),
      startsAt: trace.startsAt,
      watch: (now, fleet, outcome) => {
        if (now % MOMENT_SECONDS === 0) {
          const [more, worse] = [outcome.requests - requests, outcome.missed - missed];
          timeline.push({ at: now, requests: more, missed: worse, serving: fleet.serving, hours: fleet.billed(now) / 3600 });
          [requests, missed] = [outcome.requests, outcome.missed];
        }
      },
    },
    trace.open(),
    { seed },
  );
  const most = Math.max(initial, ...result.activities.filter(({ failed }) => !failed).map(({ to }) => to));
  return { result, timeline, most };
}
