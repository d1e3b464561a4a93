import { MeasuredRates } from '../../lib/constructs/serving/scaling/staffing';
import { Objective } from '../simulator/outcome';
import { EndpointModel, Simulation } from '../simulator/simulation';
import { Lengths, PoissonSource } from '../traces/generated';
import { RequestSource } from '../traces/source';
import { ALLOWED_MISSES } from './objective';

const WARM_UP_SECONDS = 300;
/** Half an hour, or as long as so many requests take. */
const [MOST_SECONDS, LEAST_SECONDS, ENOUGH_REQUESTS] = [1800, 300, 20_000];
const HALVINGS = 12;

/**
 * Requests a second at which one instance still meets the objective, as a load test of half an hour with Poisson arrivals would find it
 * (`npm run measure` does that with a deployed one). 0 when it meets it at no rate.
 *
 * @param lengths drawn anew for each rate
 */
export const measuredRate = (endpoint: EndpointModel, objective: Objective, lengths: () => Lengths, seed: number): number =>
  fleetRate({ ...endpoint, objective, instances: 1 }, lengths, seed);

/**
 * Requests a second that one instance works off while others wait: what a load test of an asynchronous endpoint finds. The queue is emptied, so the
 * last requests have the instance for themselves.
 */
export function drainRate(endpoint: EndpointModel, lengths: Lengths, seed: number): number {
  let left = ENOUGH_REQUESTS;
  const burst: RequestSource = {
    at: 0,
    next: () => {
      lengths.draw();
      return left-- > 0;
    },
    get prompt() {
      return lengths.prompt;
    },
    get output() {
      return lengths.output;
    },
  };
  const { outcome, seconds } = new Simulation({ ...endpoint, queue: { expirySeconds: Infinity }, instances: 1 }, { seed }).run(burst);
  return outcome.completed / seconds;
}

/** Instances of the fleet that is measured beside one alone: enough to see how much waits even out. */
const FLEET_INSTANCES = 4;

/** The same of one instance and of four that share the requests by the fewest: what the capacity file of an endpoint states. */
export function measuredRates(endpoint: EndpointModel, objective: Objective, lengths: () => Lengths, seed: number): MeasuredRates {
  const fleet: EndpointModel = { ...endpoint, objective, routing: 'leastOutstanding', instances: FLEET_INSTANCES };
  return {
    requestsPerSecond: measuredRate(endpoint, objective, lengths, seed),
    fleet: { instances: FLEET_INSTANCES, requestsPerSecond: fleetRate(fleet, lengths, seed) },
    ...(endpoint.priorityWindowSeconds === undefined ? {} : { priorityWindowSeconds: endpoint.priorityWindowSeconds }),
    ...(endpoint.service.streams ? { tokensPerRequest: meanTokens(lengths()) } : {}),
  };
}

/** Mean tokens of a request, prompt and answer together. */
function meanTokens(lengths: Lengths): number {
  let tokens = 0;
  for (let request = 0; request < ENOUGH_REQUESTS; request++) {
    lengths.draw();
    tokens += lengths.prompt + lengths.output;
  }
  return tokens / ENOUGH_REQUESTS;
}

/** The same of a fleet that does not scale. */
export function fleetRate(endpoint: EndpointModel, lengths: () => Lengths, seed: number): number {
  const meets = (rate: number): boolean => {
    const seconds = Math.max(LEAST_SECONDS, Math.min(MOST_SECONDS, ENOUGH_REQUESTS / rate));
    const source = new PoissonSource([[0, rate]], WARM_UP_SECONDS + seconds, lengths(), seed);
    const { outcome } = new Simulation(endpoint, { seed, countFrom: WARM_UP_SECONDS }).run(source);
    return outcome.missed <= ALLOWED_MISSES * outcome.requests;
  };
  let low = 0;
  let high = 1;
  while (meets(high)) {
    [low, high] = [high, high * 2];
  }
  for (let halving = 0; halving < HALVINGS; halving++) {
    const rate = (low + high) / 2;
    [low, high] = meets(rate) ? [rate, high] : [low, rate];
  }
  return low;
}
