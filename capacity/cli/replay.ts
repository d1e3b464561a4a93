import { ScalingPlan } from '../../lib/constructs/serving/scaling/policy';
import { MeasuredRates } from '../../lib/constructs/serving/scaling/staffing';
import { DEFAULT_LIMITS, defaultBacklogPolicy, defaultPolicy, fixedPolicy, heldAt, initialAt } from '../policies/default-policy';
import { readPolicyFile } from '../policies/policy-file';
import { drainRate, measuredRates } from '../profiles/measured-rate';
import { Impossible } from '../profiles/objective';
import { Profile, profileNamed, withChunk } from '../profiles/profile';
import { provisioningOf } from '../scaling/provisioning';
import { runScaled, ScaledResult } from '../scaling/scaled-endpoint';
import { LimitClock } from '../scaling/scheduled-limits';
import { DEFAULT_SEMANTICS } from '../scaling/semantics';
import { Breach, Breaches } from '../simulator/breaches';
import { Routing } from '../simulator/fleet';
import { Histogram } from '../simulator/histogram';
import { Objective } from '../simulator/outcome';
import { PeakRate } from '../simulator/peak-rate';
import { ASYNCHRONOUS, EndpointModel } from '../simulator/simulation';
import { RecordedLengths } from '../traces/lengths';
import { RequestSource } from '../traces/source';
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
  /** Requests wait in a queue, and an instance takes so many at once. Absent: the endpoint answers at once. */
  readonly asynchronous?: number;
  readonly bootSeconds: number;
  readonly routing: Routing;
  /** Requests that wait are served by windows of so many seconds, the newest first. Absent: in the order of arrival. */
  readonly priorityWindowSeconds?: number;
  /** Whether the default policy counts each request as much as its tokens. */
  readonly tokens?: boolean;
  /** Most prompt tokens that share an iteration; those of the profile when absent. */
  readonly chunkTokens?: number;
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
  /** Length of the windows that requests are served by; null for the order of arrival. */
  readonly priorityWindowSeconds: number | null;
  /** Whether the policy counts each request as much as its tokens. */
  readonly tokens: boolean;
  /** Most prompt tokens that share an iteration. */
  readonly chunkTokens: number;
  readonly objective: Objective;
  /** Requests that an instance takes at once from the queue; null when there is none. */
  readonly asynchronous: number | null;
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
  /** USD of a million tokens that were generated; null without a price or a token. */
  readonly usdPerMillionTokens: number | null;
  /** Share of the time that is paid for in which a GPU had no request, starting included; null when nothing is. */
  readonly idleShare: number | null;
  /** Most instances by those that would serve the busiest five minutes if each took what it was measured to; null when nothing was measured. */
  readonly overshoot: number | null;
  /** Times in which requests of a minute missed the objective more often than allowed, and the longest until it held again. */
  readonly breaches: number;
  readonly longestBreachSeconds: number;
  readonly scaleOuts: number;
  readonly scaleIns: number;
  /** GPU-hours that all requests take with batches of the best size and no idle moment: no fleet takes fewer. */
  readonly lowerBoundGpuHours: number;
  readonly events: number;
}

/** Replays a trace. Errors: what the trace, profile, policy and objective are refused for. */
export function replay(options: ReplayOptions): ReplayResult {
  const profile = withChunk(profileNamed(options.profile), options.chunkTokens);
  const policy = policyOf(options);
  const impossible = new Impossible(profile.service, options.objective);
  const trace = openTrace(options.trace, options, (at, prompt, output) => impossible.add(at, prompt, output));
  impossible.check();
  const endpoint: EndpointModel = {
    service: profile.service,
    serversPerInstance: profile.gpus,
    objective: options.objective,
    routing: options.routing,
    priorityWindowSeconds: options.priorityWindowSeconds,
    instances: 1,
    timeoutSeconds: Infinity,
    admissionBound: options.asynchronous ?? Infinity,
    queue: options.asynchronous === undefined ? undefined : ASYNCHRONOUS,
  };
  const rates =
    policy.given === undefined || (options.initial ?? heldAt(policy.given, trace.firstRate)) === undefined
      ? measured(endpoint, options, trace)
      : null;
  const plan = policy.given ?? policy.of(rates!);
  const { min, max } = new LimitClock(plan, trace.startsAt, DEFAULT_SEMANTICS);
  const first = { ...plan, min, max };
  const initial = options.initial ?? initialAt(first, trace.firstRate, rates?.requestsPerSecond ?? NaN);
  const [breaches, peak] = [new Breaches(), new PeakRate()];
  const result = runScaled(
    { endpoint: { ...endpoint, instances: initial }, plan, provisioning: provisioningOf(options.bootSeconds), startsAt: trace.startsAt },
    watched(trace.open(), peak),
    {
      seed: options.seed,
      onJudged: (at, missed) => breaches.judged(at, missed),
      onProgress: (seconds) => options.onProgress?.(seconds / trace.seconds),
    },
  );
  return told(options, profile, {
    rate: rates?.requestsPerSecond ?? null,
    plan,
    initial,
    result,
    breaches: breaches.all,
    peakRate: peak.perSecond,
  });
}

function measured(endpoint: EndpointModel, { objective, seed, profile, asynchronous }: ReplayOptions, trace: TraceFile): MeasuredRates {
  if (asynchronous !== undefined) {
    return { requestsPerSecond: drainRate(endpoint, new RecordedLengths(trace.lengths, seed), seed) };
  }
  const rates = measuredRates(endpoint, objective, () => new RecordedLengths(trace.lengths, seed), seed);
  if (rates.requestsPerSecond === 0) {
    throw new Error(`ImpossibleObjective: an instance of ${profile} meets it at no rate: promise less, or take a faster GPU`);
  }
  return rates;
}

/**
 * The plan, or how it follows from the rate that one instance serves. Errors `InvalidPolicy`: another name, and no such file; limits that a file has
 * itself.
 */
function policyOf({ policy, tokens, min, max, asynchronous, objective }: ReplayOptions): {
  readonly given?: ScalingPlan;
  of(measured: MeasuredRates): ScalingPlan;
} {
  const fewest = asynchronous === undefined ? DEFAULT_LIMITS.min : 0;
  const limits = { min: min ?? Math.min(fewest, max ?? Infinity), max: max ?? Math.max(DEFAULT_LIMITS.max, min ?? 0) };
  if (policy === 'default') {
    if (limits.min > limits.max) {
      throw new Error(`InvalidPolicy: --min ${limits.min} is above --max ${limits.max}: swap them`);
    }
    return {
      of: (measured) =>
        asynchronous === undefined
          ? defaultPolicy(measured, limits, { tokens })
          : backlogPolicy(measured.requestsPerSecond, objective.latencySeconds!, limits),
    };
  }
  if (tokens === true) {
    throw new Error(`InvalidPolicy: --tokens is for the policy 'default': '${policy}' says itself what it counts`);
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

/** Errors `InvalidPolicy` for a promise that the construct refuses, too. */
function backlogPolicy(requestsPerSecond: number, within: number, limits: { readonly min: number; readonly max: number }): ScalingPlan {
  const plan = defaultBacklogPolicy(requestsPerSecond, within, limits);
  const [tracking] = plan.policies;
  if (tracking.kind === 'TargetTracking' && tracking.target < 1) {
    throw new Error(
      `InvalidPolicy: ${tracking.target} invocations per instance would be held, less than the one that runs: promise more than --within ${within}, or take a faster GPU`,
    );
  }
  return plan;
}

/** What a run comes to. */
interface Ran {
  readonly rate: number | null;
  readonly plan: ScalingPlan;
  readonly initial: number;
  readonly result: ScaledResult;
  readonly breaches: readonly Breach[];
  readonly peakRate: number;
}

function told(
  { trace, policy, seed, bootSeconds, routing, priorityWindowSeconds, objective, asynchronous }: ReplayOptions,
  profile: Profile,
  run: Ran,
): ReplayResult {
  const { outcome, instanceHours, activities, scaleOuts, scaleIns, leastServerHours, events } = run.result;
  const mostInstances = Math.max(run.initial, ...activities.filter(({ failed }) => !failed).map(({ to }) => to));
  return {
    trace,
    profile: profile.name,
    policy,
    seed,
    bootSeconds,
    routing,
    priorityWindowSeconds: priorityWindowSeconds ?? null,
    tokens: run.plan.policies.some(({ metric }) => typeof metric === 'object' && 'tokens' in metric),
    chunkTokens: profile.service.chunkTokens,
    objective,
    asynchronous: asynchronous ?? null,
    measuredRequestsPerSecond: run.rate,
    plan: run.plan,
    initialInstances: run.initial,
    mostInstances,
    requests: outcome.requests,
    missed: outcome.missed,
    missRatio: outcome.missed / outcome.requests,
    dropped: outcome.dropped,
    gpuHours: instanceHours * profile.gpus,
    ...costs(profile, run),
    timeToFirstTokenSeconds: percentiles(outcome.firstToken),
    latencySeconds: percentiles(outcome.latency),
    overshoot: run.rate === null ? null : mostInstances / Math.max(1, Math.ceil(run.peakRate / run.rate)),
    breaches: run.breaches.length,
    longestBreachSeconds: Math.max(0, ...run.breaches.map(({ from, until }) => until - from)),
    scaleOuts,
    scaleIns,
    lowerBoundGpuHours: leastServerHours,
    events,
  };
}

function costs({ gpus, usdPerHour }: Profile, { result }: Ran): Pick<ReplayResult, 'usd' | 'usdPerMillionTokens' | 'idleShare'> {
  const { instanceHours, busyServerHours, outcome } = result;
  const usd = usdPerHour === undefined ? null : instanceHours * usdPerHour;
  return {
    usd,
    usdPerMillionTokens: usd === null || outcome.generatedTokens === 0 ? null : (usd / outcome.generatedTokens) * 1e6,
    idleShare: instanceHours === 0 ? null : 1 - busyServerHours / (instanceHours * gpus),
  };
}

/** The same requests, whose rate is looked at. */
function watched(source: RequestSource, peak: PeakRate): RequestSource {
  return {
    next: () => {
      const more = source.next();
      if (more) {
        peak.arrived(source.at);
      }
      return more;
    },
    get at() {
      return source.at;
    },
    get prompt() {
      return source.prompt;
    },
    get output() {
      return source.output;
    },
  };
}

function percentiles(histogram: Histogram): Percentiles {
  const of = (percent: number) => (histogram.count === 0 ? null : histogram.percentile(percent));
  return { p50: of(50), p95: of(95), p99: of(99) };
}
