import catalogue from '../../lib/constructs/serving/data/instances.json';
import { Impossible } from '../profiles/objective';
import { LanguageModel, Profile, PROFILED_INSTANCES, profileNamed, profileOf, withChunk } from '../profiles/profile';
import { Objective } from '../simulator/outcome';
import { TraceFile } from '../traces/trace-file';
import { Demand } from './demand';

/** Price of an instance, and who says so. */
export interface Price {
  readonly usdPerHour: number;
  readonly source: string;
}

/** An instance type that a plan can be made for. */
export interface Candidate {
  readonly type: string;
  readonly profile: Profile;
  readonly price: Price;
}

/** An instance type that is no choice, and why. */
export interface LeftOut {
  readonly type: string;
  readonly reason: string;
}

export interface CandidateOptions {
  /** The name of a profiled model, or its size. */
  readonly model: string | LanguageModel;
  readonly region: string;
  /** Only these; all that are profiled otherwise. */
  readonly instances?: readonly string[];
  /** Prices that the caller knows, USD an hour by instance type. */
  readonly prices: Readonly<Record<string, number>>;
  readonly objective: Objective;
  /** Most prompt tokens that share an iteration; those of the profile when absent. */
  readonly chunkTokens?: number;
}

interface Listed {
  readonly vcpus: number;
  readonly usdPerHour?: { readonly amount: number; readonly region: string; readonly source: string };
}

const TYPES: Readonly<Record<string, Listed>> = catalogue.types;

/** The catalogue's price in this Region, or the caller's. A price of another Region is none. Errors `UnknownPrice`. */
export function priceOf(type: string, region: string, prices: Readonly<Record<string, number>>): Price {
  if (Object.hasOwn(prices, type)) {
    return { usdPerHour: prices[type], source: '--price' };
  }
  const listed = TYPES[type]?.usdPerHour;
  if (listed === undefined || listed.region !== region) {
    const elsewhere = listed === undefined ? '' : `, only in ${listed.region}`;
    throw new Error(`UnknownPrice: no price of ${type} in ${region} is in the catalogue${elsewhere}: give it with --price ${type}=USD`);
  }
  return { usdPerHour: listed.amount, source: `${listed.source}, ${listed.region}` };
}

/** Errors `UnknownRegion`, `UnknownInstance`, `NotInRegion`. */
export function checkHosted(type: string, region: string): void {
  if (!catalogue.regions.includes(region)) {
    throw new Error(`UnknownRegion: '${region}' is none of ${catalogue.regions.join(', ')}`);
  }
  if (!Object.hasOwn(TYPES, type)) {
    throw new Error(`UnknownInstance: the catalogue has no '${type}'`);
  }
  if (!catalogue.hosting.some(({ types, regions }) => types.includes(type) && regions.includes(region))) {
    throw new Error(`NotInRegion: SageMaker hosts on no ${type} in ${region}`);
  }
}

/**
 * The instance types that could serve a demand, and why others cannot: not in the Region, no room for the model, an objective that too many requests
 * miss even when they are alone, no price. Errors: what is wrong with all of them together; those of the demand; an unknown model.
 */
export function candidatesOf(demand: Demand, options: CandidateOptions): { candidates: Candidate[]; leftOut: LeftOut[]; trace: TraceFile } {
  const { region, model, objective, prices, chunkTokens } = options;
  const leftOut: LeftOut[] = [];
  const fitting = (options.instances ?? PROFILED_INSTANCES).flatMap((type) =>
    attempt(type, leftOut, () => {
      checkHosted(type, region);
      const named = typeof model === 'string' ? profileNamed(`${model}@${type}`) : profileOf(`the model@${type}`, model, type);
      const profile = withChunk(named, chunkTokens);
      return { type, profile, impossible: new Impossible(profile.service, objective) };
    }),
  );
  const trace = demand.open(1, (at, prompt, output) => fitting.forEach(({ impossible }) => impossible.add(at, prompt, output)));
  const candidates = fitting.flatMap(({ type, profile, impossible }) =>
    attempt(type, leftOut, () => {
      impossible.check();
      return { type, profile, price: priceOf(type, region, prices) };
    }),
  );
  if (candidates.length === 0) {
    throw new Error(`NoInstance: no instance type serves this:\n${leftOut.map(({ type, reason }) => `  ${type}: ${reason}`).join('\n')}`);
  }
  return { candidates, leftOut, trace };
}

function attempt<T>(type: string, leftOut: LeftOut[], of: () => T): T[] {
  try {
    return [of()];
  } catch (error) {
    leftOut.push({ type, reason: (error as Error).message });
    return [];
  }
}
