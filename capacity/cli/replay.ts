import { DEFAULT_UTILIZATION, ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { DEFAULT_LIMITS, defaultPolicy, fixedPolicy, heldAt, heldBy } from '../policies/default-policy';
import { readPolicyFile } from '../policies/policy-file';
import { measuredRate } from '../profiles/measured-rate';
import { Impossible } from '../profiles/objective';
import { Profile, profileNamed } from '../profiles/profile';
import { provisioningOf } from '../scaling/provisioning';
import { runScaled, ScaledResult } from '../scaling/scaled-endpoint';
import { LimitClock } from '../scaling/scheduled-limits';
import { DEFAULT_SEMANTICS } from '../scaling/semantics';
import { Routing } from '../simulator/fleet';
import { Histogram } from '../simulator/histogram';
import { Objective } from '../simulator/outcome';
import { EndpointModel } from '../simulator/simulation';
import { RecordedLengths } from '../traces/lengths';
import { openTrace, TraceFile } from '../traces/trace-file';

/** What to replay. */
export interface ReplayOptions {
  readonly trace: string;
  readonly meanRate?: number;
  readonly lengths?: string;
  readonly rounds?: number;
  /** When a file of rates begins, milliseconds since 1970. */
  readonly startsAt?: number;
  readonly profile: string;
  /** `default`, `fixed:N`, or a file. */
  readonly policy: string;
  readonly min?: number;
  readonly max?: number;
  /** Instances at the begin. */
  readonly initial?: number;
  readonly bootSeconds: number;
  readonly routing: Routing;
  readonly objective: Objective;
  readonly seed: number;
  /** Told the share of the trace that is done. */
  readonly onProgress?: (share: number) => void;
}

/** Seconds below which so many percent of all answers are; null when there was none. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What came of it. */
export interface ReplayResult {
  readonly trace: string;
  readonly profile: string;
  readonly policy: string;
  readonly seed: number;
  readonly bootSeconds: number;
  readonly routing: Routing;
  readonly objective: Objective;
  /** Rate that one instance was measured to serve within the objective, in the simulator; null when nothing follows from it. */
  readonly measuredRequestsPerSecond: number | null;
  readonly plan: ScalingPlan;
  readonly initialInstances: number;
  /** Most instances that were there at once. */
  readonly mostInstances: number;
  readonly requests: number;
  /** Requests that did not meet the objective, dropped ones included. */
  readonly missed: number;
  readonly missRatio: number;
  readonly dropped: number;
  readonly gpuHours: number;
  /** null when the price of the instance type is not known. */
  readonly usd: number | null;
  readonly timeToFirstTokenSeconds: Percentiles;
  readonly latencySeconds: Percentiles;
  readonly scaleOuts: number;
  readonly scaleIns: number;
  /** GPU-hours that all requests take with batches of the best size and no idle moment: no fleet takes fewer. */
  readonly lowerBoundGpuHours: number;
  readonly events: number;
}

/** Replays a trace. Errors: what the trace, profile, policy and objective are refused for. */
export function replay(options: ReplayOptions): ReplayResult {
  const profile = profileNamed(options.profile);
  const policy = policyOf(options);
  const impossible = new Impossible(profile.service, options.objective);
  const trace = openTrace(options.trace, options, (at, prompt, output) => impossible.add(at, prompt, output));
  impossible.check();
  const endpoint: EndpointModel = {
    service: profile.service,
    serversPerInstance: profile.gpus,
    objective: options.objective,
    routing: options.routing,
    instances: 1,
    timeoutSeconds: Infinity,
    admissionBound: Infinity,
  };
  const rate =
    policy.given === undefined || (options.initial ?? heldAt(policy.given, trace.firstRate)) === undefined
      ? measured(endpoint, options, trace)
      : null;
  const plan = policy.given ?? policy.of(rate!);
  const { min, max } = new LimitClock(plan, trace.startsAt, DEFAULT_SEMANTICS);
  const first = { ...plan, min, max };
  const initial = options.initial ?? heldAt(first, trace.firstRate) ?? heldBy(first, trace.firstRate, rate! * DEFAULT_UTILIZATION);
  const result = runScaled(
    { endpoint: { ...endpoint, instances: initial }, plan, provisioning: provisioningOf(options.bootSeconds), startsAt: trace.startsAt },
    trace.open(),
    {
      seed: options.seed,
      onProgress: (seconds) => options.onProgress?.(seconds / trace.seconds),
    },
  );
  return told(options, profile, { rate, plan, initial, result });
}

function measured(endpoint: EndpointModel, { objective, seed, profile }: ReplayOptions, trace: TraceFile): number {
  const rate = measuredRate(endpoint, objective, () => new RecordedLengths(trace.lengths, seed), seed);
  if (rate === 0) {
    throw new Error(`ImpossibleObjective: an instance of ${profile} meets it at no rate: promise less, or take a faster GPU`);
  }
  return rate;
}

/**
 * The plan, or how it follows from the rate that one instance serves. Errors `InvalidPolicy`: another name, and no such file; limits that a file has
 * itself.
 */
function policyOf({ policy, min, max }: ReplayOptions): { readonly given?: ScalingPlan; of(rate: number): ScalingPlan } {
  const limits = { min: min ?? Math.min(DEFAULT_LIMITS.min, max ?? Infinity), max: max ?? Math.max(DEFAULT_LIMITS.max, min ?? 0) };
  if (policy === 'default') {
    if (limits.min > limits.max) {
      throw new Error(`InvalidPolicy: --min ${limits.min} is above --max ${limits.max}: swap them`);
    }
    return { of: (rate) => defaultPolicy(rate, limits) };
  }
  if (min !== undefined || max !== undefined) {
    throw new Error(`InvalidPolicy: --min and --max are for the policy 'default': '${policy}' has its own`);
  }
  const fixed = /^fixed:([1-9]\d{0,3})$/.exec(policy);
  if (fixed === null && !policy.endsWith('.json')) {
    throw new Error(`InvalidPolicy: '${policy}' is none of default, fixed:N (such as fixed:4) and a file of a plan that ends in .json`);
  }
  const given = fixed === null ? readPolicyFile(policy) : fixedPolicy(+fixed[1]);
  return { given, of: () => given };
}

function told(
  { trace, policy, seed, bootSeconds, routing, objective }: ReplayOptions,
  { name, gpus, usdPerHour }: Profile,
  run: { readonly rate: number | null; readonly plan: ScalingPlan; readonly initial: number; readonly result: ScaledResult },
): ReplayResult {
  const { outcome, instanceHours, activities, scaleOuts, scaleIns, leastServerHours, events } = run.result;
  return {
    trace,
    profile: name,
    policy,
    seed,
    bootSeconds,
    routing,
    objective,
    measuredRequestsPerSecond: run.rate,
    plan: run.plan,
    initialInstances: run.initial,
    mostInstances: Math.max(run.initial, ...activities.filter(({ failed }) => !failed).map(({ to }) => to)),
    requests: outcome.requests,
    missed: outcome.missed,
    missRatio: outcome.missed / outcome.requests,
    dropped: outcome.dropped,
    gpuHours: instanceHours * gpus,
    usd: usdPerHour === undefined ? null : instanceHours * usdPerHour,
    timeToFirstTokenSeconds: percentiles(outcome.firstToken),
    latencySeconds: percentiles(outcome.latency),
    scaleOuts,
    scaleIns,
    lowerBoundGpuHours: leastServerHours,
    events,
  };
}

function percentiles(histogram: Histogram): Percentiles {
  const of = (percent: number) => (histogram.count === 0 ? null : histogram.percentile(percent));
  return { p50: of(50), p95: of(95), p99: of(99) };
}
