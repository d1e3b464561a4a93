import { ratesOf } from '../../lib/constructs/serving/scaling/staffing';
import catalogue from '../../lib/constructs/serving/data/instances.json';
import { measuredRates } from '../profiles/measured-rate';
import { ALLOWED_MISSES } from '../profiles/objective';
import { LanguageModel, Profile } from '../profiles/profile';
import { Objective } from '../simulator/outcome';
import { EndpointModel } from '../simulator/simulation';
import { RecordedLengths } from '../traces/lengths';
import { TraceFile } from '../traces/trace-file';
import { Candidate, candidatesOf, checkHosted, LeftOut, Price, priceOf } from './candidates';
import { MeasuredFile, measuredEndpoint, servedDemand } from './measured-file';
import { Range } from './month';
import { FleetSize, PlanOptions, sizeFor } from './planner';
import { Quota, quotasOf } from './quota';

/** What to plan. */
export interface Question extends Omit<PlanOptions, 'allowedMisses'> {
  /** The name of a profiled model or its size; or what one instance was measured to serve. */
  readonly model: string | LanguageModel | MeasuredFile;
  readonly region: string;
  readonly instances?: readonly string[];
  readonly prices: Readonly<Record<string, number>>;
  /** What a language model promises; a measured capacity has its own bound. */
  readonly objective: Objective;
  /** Of a language model: its requests state their priority by windows of so many seconds. A measured capacity says so itself. */
  readonly priorityWindowSeconds?: number;
  /** Of a language model: most prompt tokens that share an iteration; those of the profile when absent. */
  readonly chunkTokens?: number;
  /** USD a month. */
  readonly budget?: number;
  /** Told what is planned for now. */
  readonly onProgress?: (type: string, done: number, of: number) => void;
}

/** A fleet with its costs. */
export interface FleetPlan extends FleetSize {
  readonly type: string;
  /** 0 for an instance type without. */
  readonly gpus: number;
  /** Of a month. */
  readonly gpuHours: Range;
  readonly usd: Range;
  readonly usdPerHour: number;
  readonly priceSource: string;
  readonly quotas: readonly Quota[];
}

export interface Answer {
  /** The cheapest first. */
  readonly plans: readonly FleetPlan[];
  readonly leftOut: readonly LeftOut[];
}

export const isMeasured = (model: Question['model']): model is MeasuredFile =>
  typeof model !== 'string' && 'requestsPerSecondPerInstance' in model;

/**
 * Fleets that hold the objective within the budget, ranked by their mean cost. Instance types with the same GPUs are simulated once. Errors `NoInstance`
 * with the reason of each type when nothing is left; those of the demand and of a measured capacity.
 */
export function plansFor(question: Question): Answer {
  const { budget } = question;
  const { plans, leftOut } = isMeasured(question.model) ? measuredPlans(question, question.model) : modelPlans(question, question.model);
  const dear = plans.filter(({ usd }) => budget !== undefined && usd.p95 > budget);
  const out = [
    ...leftOut,
    ...dear.map(({ type, usd }) => ({
      type,
      reason: `OverBudget: ${usd.mean.toFixed(0)} USD a month, up to ${usd.p95.toFixed(0)}, the budget is ${budget}`,
    })),
  ];
  const within = plans.filter((plan) => !dear.includes(plan)).sort((one, other) => one.usd.mean - other.usd.mean);
  if (within.length === 0) {
    throw new Error(`NoInstance: no instance type serves this:\n${out.map(({ type, reason }) => `  ${type}: ${reason}`).join('\n')}`);
  }
  return { plans: within, leftOut: out };
}

function modelPlans(question: Question, model: string | LanguageModel): { plans: FleetPlan[]; leftOut: LeftOut[] } {
  const { candidates, leftOut, trace } = candidatesOf(question.demand, { ...question, model });
  const sizes = new Map<string, FleetSize | Error>();
  const plans: FleetPlan[] = [];
  candidates.forEach((candidate, done) => {
    const { type, profile, price } = candidate;
    question.onProgress?.(type, done, candidates.length);
    const twin = JSON.stringify([
      profile.gpus,
      ...Object.values({ ...profile.service, iterationSeconds: [...profile.service.iterationSeconds] }),
    ]);
    const size = sizes.get(twin) ?? sizeOrError(candidate, question, trace);
    sizes.set(twin, size);
    if (size instanceof Error) {
      leftOut.push({ type, reason: size.message });
    } else {
      plans.push(priced(type, profile.gpus, price, size));
    }
  });
  return { plans, leftOut };
}

function sizeOrError({ profile }: Candidate, question: Question, trace: TraceFile): FleetSize | Error {
  const { objective } = question;
  const endpoint = endpointOf(profile, question);
  try {
    const measured = measuredRates(endpoint, objective, () => new RecordedLengths(trace.lengths, 1), 1);
    if (measured.requestsPerSecond === 0) {
      throw new Error(`ImpossibleObjective: one instance meets it at no rate: promise less, or take a faster GPU`);
    }
    return sizeFor(endpoint, measured, { ...question, allowedMisses: ALLOWED_MISSES });
  } catch (error) {
    return error as Error;
  }
}

const endpointOf = ({ service, gpus }: Profile, { objective, priorityWindowSeconds }: Question): EndpointModel => ({
  service,
  serversPerInstance: gpus,
  objective,
  priorityWindowSeconds,
  routing: 'leastOutstanding',
  instances: 1,
  timeoutSeconds: Infinity,
  admissionBound: Infinity,
});

function measuredPlans(question: Question, file: MeasuredFile): { plans: FleetPlan[]; leftOut: LeftOut[] } {
  const { instance, latencyPercentile } = file;
  checkHosted(instance, question.region);
  const price = priceOf(instance, question.region, question.prices);
  question.onProgress?.(instance, 0, 1);
  const { endpoint, serviceSeconds } = measuredEndpoint(file);
  const size = sizeFor(endpoint, ratesOf(file), {
    ...question,
    demand: servedDemand(question.demand, serviceSeconds),
    allowedMisses: 1 - latencyPercentile / 100,
  });
  return { plans: [priced(instance, gpusOf(instance), price, size)], leftOut: [] };
}

const TYPES: Readonly<Record<string, { readonly vcpus: number; readonly accelerator?: { readonly count: number } }>> = catalogue.types;

const gpusOf = (type: string): number => TYPES[type].accelerator?.count ?? 0;

function priced(type: string, gpus: number, { usdPerHour, source }: Price, size: FleetSize): FleetPlan {
  const { instanceHours: hours, min, max } = size;
  const times = (factor: number): Range => ({ mean: hours.mean * factor, p5: hours.p5 * factor, p95: hours.p95 * factor });
  return {
    ...size,
    type,
    gpus,
    gpuHours: times(gpus),
    usd: times(usdPerHour),
    usdPerHour,
    priceSource: source,
    quotas: quotasOf(type, min, max, gpus),
  };
}
