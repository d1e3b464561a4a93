import { ScalingPlan, variantPlan } from '../../lib/constructs/serving/scaling/policy';
import { Basis, Peer, PEERS } from '../peers/peers';
import { defaultPolicy } from '../policies/default-policy';
import { Routing } from '../simulator/fleet';

/** A policy in the comparison. */
export interface Candidate extends Omit<Peer, 'kind'> {
  /** `ours` are what the constructs deploy, `mismeasured` the default with a rate that is wrong. */
  readonly kind: 'ours' | 'mismeasured' | 'peer' | 'fixed';
  readonly routing: Routing;
}

const DEPLOYED = 'lib/constructs/serving/scaling/policy.ts';
/** What `Scaling.between(min, max, { capacity })` deploys; its routing is SageMaker's. */
export const DEFAULT_NAME = 'default';

const guarded = ({ requestsPerSecond, concurrency, limits }: Basis): ScalingPlan =>
  variantPlan({ ...limits, requestsPerSecond, concurrency, dimensions: {} });

const wrong = (name: string, factor: number): Candidate => ({
  name,
  kind: 'mismeasured',
  source: `${DEPLOYED}, with ${factor} of the measured rate`,
  routing: 'random',
  plan: ({ requestsPerSecond, limits }) => defaultPolicy(requestsPerSecond * factor, limits),
});

export const CANDIDATES: readonly Candidate[] = [
  {
    name: DEFAULT_NAME,
    kind: 'ours',
    source: DEPLOYED,
    routing: 'random',
    plan: ({ requestsPerSecond, limits }) => defaultPolicy(requestsPerSecond, limits),
  },
  {
    name: 'default-least-outstanding',
    kind: 'ours',
    source: `${DEPLOYED}, routing by the fewest requests`,
    routing: 'leastOutstanding',
    plan: ({ requestsPerSecond, limits }) => defaultPolicy(requestsPerSecond, limits),
  },
  {
    name: 'guarded-least-outstanding',
    kind: 'ours',
    source: `${DEPLOYED}, with the guard on requests at once, routing by the fewest requests`,
    routing: 'leastOutstanding',
    plan: guarded,
  },
  wrong('default-measured-0.7', 0.7),
  wrong('default-measured-1.3', 1.3),
  // None of the peers sets a routing: SageMaker's default is theirs. Fleets of hindsight have the routing that the bound has, too.
  ...PEERS.map((peer) => ({ ...peer, routing: peer.kind === 'peer' ? ('random' as const) : ('leastOutstanding' as const) })),
];
