import { leastInstances } from '../bounds/capacity-table';
import { leastInstanceSeconds } from '../bounds/least-fleet';
import { Basis } from '../peers/peers';
import { DEFAULT_LIMITS, initialAt } from '../policies/default-policy';
import { provisioningOf } from '../scaling/provisioning';
import { runScaled } from '../scaling/scaled-endpoint';
import { DEFAULT_SEMANTICS, OTHER_SEMANTICS } from '../scaling/semantics';
import { ASYNCHRONOUS } from '../simulator/simulation';
import { KeptRequests } from '../traces/kept-requests';
import { RequestSource } from '../traces/source';
import { Candidate, CANDIDATES } from './candidates';
import { Measured, prioritizedEndpoint, suiteEndpoint } from './measure';
import { SuiteProfile, suiteTrace, TraceName } from './suite';

/** Fewest and most instances of all policies whose source has none: with two at least, small fleets would all be the same. */
const LIMITS = { min: 1, max: DEFAULT_LIMITS.max };
const MINUTE = 60;
const FIRST_MINUTES = 10;

/** One trace on one GPU with one boot time and one seed, which all policies are run on. */
export interface Cell {
  readonly trace: TraceName;
  readonly profile: SuiteProfile;
  readonly bootSeconds: number;
  readonly seed: number;
  /** Which choice of what AWS does not document. */
  readonly semantics: 'default' | 'other';
}

/** What a policy did in a cell. */
export interface Row {
  readonly trace: TraceName;
  readonly gpu: string;
  readonly bootSeconds: number;
  readonly seed: number;
  readonly semantics: Cell['semantics'];
  readonly policy: string;
  readonly kind: Candidate['kind'];
  readonly requests: number;
  readonly missed: number;
  readonly missRatio: number;
  readonly dropped: number;
  readonly gpuHours: number;
  readonly lbWorkGpuHours: number;
  /** Of its own servers; null when no fleet within the limits serves every minute. */
  readonly lbSloGpuHours: number | null;
  readonly firstTokenP99Seconds: number | null;
  readonly scaleOuts: number;
  readonly scaleIns: number;
}

/** What the requests of a cell need. */
interface Demand {
  readonly basis: Basis;
  /** LB-slo of the servers of all, and of those where late requests wait; null when no fleet within the limits serves every minute. */
  readonly lbSloHours: number | null;
  readonly tunedLbSloHours: number | null;
  readonly firstRate: number;
}

/** What a run of a policy counted. */
type Ran = Omit<Row, 'trace' | 'gpu' | 'bootSeconds' | 'seed' | 'semantics' | 'policy' | 'kind' | 'lbSloGpuHours'> & {
  /** Whether nothing was asked to scale. */
  readonly stoodStill: boolean;
};

/**
 * Runs all policies in cells that have the same requests, and what is the same in several cells once: where nothing scaled the boot time makes no
 * other run, and where AWS does not scale its choices make none. What wrong measurements do is a bar under the default choice alone.
 */
export function runCells(cells: readonly Cell[], measured: Measured): Row[] {
  const known = new Map<string, Ran>();
  const requests = new KeptRequests(suiteTrace(cells[0].trace).open(cells[0].seed, cells[0].profile.meanRate));
  const counted = countsByMinute(requests.open());
  return cells.flatMap((cell) => {
    const { profile, semantics, bootSeconds, trace, seed } = cell;
    const demand = demandOf(cell, counted, measured);
    return CANDIDATES.filter(({ kind }) => kind !== 'mismeasured' || semantics === 'default').map((candidate): Row => {
      const still = `${candidate.name} ${scalesByAws(candidate, demand.basis) ? semantics : 'any'}`;
      const booted = `${still} ${bootSeconds}`;
      const { stoodStill, ...ran } = known.get(still) ?? known.get(booted) ?? run(cell, candidate, demand, measured, requests.open());
      known.set(stoodStill ? still : booted, { stoodStill, ...ran });
      return {
        ...{ trace, gpu: profile.gpu, bootSeconds, seed, semantics, policy: candidate.name, kind: candidate.kind },
        ...ran,
        lbSloGpuHours: candidate.prioritized === true ? demand.tunedLbSloHours : demand.lbSloHours,
      };
    });
  });
}

const scalesByAws = ({ plan, scaler }: Candidate, basis: Basis): boolean => scaler === undefined && plan(basis).policies.length > 0;

function demandOf({ trace, bootSeconds }: Cell, { counts, seconds }: ReturnType<typeof countsByMinute>, measured: Measured): Demand {
  const { mixAt } = suiteTrace(trace);
  const lengths = counts.map((_, minute) => Math.min(MINUTE, seconds - minute * MINUTE));
  const rates = counts.map((count, minute) => count / Math.max(1, lengths[minute]));
  const neededBy = (tables: Measured['tables']) =>
    rates.map((rate, minute) => leastInstances(tables[mixAt(minute * MINUTE)], rate, LIMITS.max));
  const needed = neededBy(measured.tables);
  const boundOf = (instances: readonly number[]) => {
    const bound = leastInstanceSeconds(instances, lengths, bootSeconds);
    return bound === Infinity ? null : bound / 3600;
  };
  // Who sizes a fleet by hand knows what one instance serves, not that many together serve more; with the lengths of some minutes they serve less.
  const sized = (rate: number) => Math.min(LIMITS.max, Math.max(1, Math.ceil(rate / measured.requestsPerSecond)));
  const mean = counts.reduce((sum, count) => sum + count, 0) / seconds;
  return {
    basis: {
      ...measured,
      limits: LIMITS,
      peak: Math.min(LIMITS.max, Math.max(sized(Math.max(...rates)), ...needed)),
      mean: sized(mean),
    },
    lbSloHours: boundOf(needed),
    tunedLbSloHours: boundOf(neededBy(measured.tunedTables)),
    firstRate: counts.slice(0, FIRST_MINUTES).reduce((sum, count) => sum + count, 0) / Math.min(FIRST_MINUTES * MINUTE, seconds),
  };
}

/** Requests by minute, and the time of the last one. */
function countsByMinute(source: RequestSource): { counts: number[]; seconds: number } {
  const counts: number[] = [];
  while (source.next()) {
    const minute = Math.floor(source.at / MINUTE);
    while (counts.length <= minute) {
      counts.push(0);
    }
    counts[minute]++;
  }
  return { counts, seconds: source.at };
}

function run(
  { profile, bootSeconds, seed, semantics }: Cell,
  candidate: Candidate,
  demand: Demand,
  measured: Measured,
  source: RequestSource,
): Ran {
  const { firstRate } = demand;
  const prioritized = candidate.prioritized === true;
  const basis = { ...demand.basis, ...(prioritized ? measured.prioritized : {}) };
  const plan = candidate.plan(basis);
  const endpoint = {
    ...(prioritized ? prioritizedEndpoint(profile) : suiteEndpoint(profile)),
    routing: candidate.routing,
    instances: candidate.initial ?? initialAt(plan, firstRate, basis.requestsPerSecond),
    admissionBound: candidate.admissionBound?.(basis) ?? Infinity,
    queue: candidate.asynchronous === true ? ASYNCHRONOUS : undefined,
  };
  const { outcome, instanceHours, leastServerHours, scaleOuts, scaleIns, activities } = runScaled(
    {
      endpoint,
      plan,
      scaler: candidate.scaler?.(basis),
      provisioning: provisioningOf(bootSeconds),
      semantics: semantics === 'default' ? DEFAULT_SEMANTICS : OTHER_SEMANTICS,
    },
    source,
    { seed },
  );
  const { requests, missed, dropped, firstToken } = outcome;
  return {
    ...{ requests, missed, missRatio: missed / requests, dropped, gpuHours: instanceHours, lbWorkGpuHours: leastServerHours },
    firstTokenP99Seconds: firstToken.count === 0 ? null : firstToken.percentile(99),
    ...{ scaleOuts, scaleIns, stoodStill: scaleOuts + scaleIns + activities.length === 0 },
  };
}
