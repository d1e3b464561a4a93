import { ScalingPlan, variantPlan } from '../../lib/constructs/serving/scaling/policy';
import { Basis, Peer, PEERS } from '../peers/peers';
import { defaultPolicy } from '../policies/default-policy';
import { Routing } from '../simulator/fleet';

/** A policy in the comparison. */
export interface Candidate extends Omit<Peer, 'kind'> {
  /** `ours` are what the constructs deploy, `mismeasured` the default with a rate that is wrong. */
  readonly kind: 'ours' | 'mismeasured' | Peer['kind'];
  readonly routing: Routing;
}

const DEPLOYED = 'lib/constructs/serving/scaling/policy.ts';
/** What `Scaling.between(min, max, { capacity })` deploys, with the routing of the constructs. */
export const DEFAULT_NAME = 'default';

const tenSecond = (measured: Basis): ScalingPlan =>
  variantPlan({ ...measured.limits, measured, concurrency: measured.guardConcurrency, dimensions: {}, publishedEverySeconds: 10 });

const wrong = (name: string, factor: number): Candidate => ({
  name,
  kind: 'mismeasured',
  source: `${DEPLOYED}, with ${factor} of the measured rate`,
  routing: 'leastOutstanding',
  plan: ({ requestsPerSecond, fleet, limits }) =>
    defaultPolicy(
      {
        requestsPerSecond: requestsPerSecond * factor,
        fleet: fleet && { ...fleet, requestsPerSecond: fleet.requestsPerSecond * factor },
      },
      limits,
    ),
});

export const CANDIDATES: readonly Candidate[] = [
  {
    name: DEFAULT_NAME,
    kind: 'ours',
    source: DEPLOYED,
    routing: 'leastOutstanding',
    plan: (measured) => defaultPolicy(measured, measured.limits),
  },
  {
    name: 'default-random',
    kind: 'ours',
    source: `${DEPLOYED}, with the routing that SageMaker has by default`,
    routing: 'random',
    plan: (measured) => defaultPolicy(measured, measured.limits),
  },
  {
    name: 'ten-second',
    kind: 'ours',
    source: `${DEPLOYED}, with invocations published every ten seconds and the guard on requests at once`,
    routing: 'leastOutstanding',
    plan: tenSecond,
  },
  wrong('default-measured-0.7', 0.7),
  wrong('default-measured-1.3', 1.3),
  // None of the peers sets a routing: SageMaker's default is theirs. Fleets of hindsight have the routing that the bound has, too.
  ...PEERS.map((peer) => ({ ...peer, routing: peer.kind === 'peer' ? ('random' as const) : ('leastOutstanding' as const) })),
];
