import { Basis, Peer, PEERS } from '../peers/peers';
import { Counting, defaultPolicy } from '../policies/default-policy';
import { Routing } from '../simulator/fleet';

/** A policy in the comparison. */
export interface Candidate extends Omit<Peer, 'kind'> {
  /** `ours` are what the constructs deploy, `mismeasured` one of them with a rate that is wrong. */
  readonly kind: 'ours' | 'mismeasured' | Peer['kind'];
  readonly routing: Routing;
  /** Whether its servers let late requests wait and read prompts in chunks that hold the promised time of a token. */
  readonly prioritized?: boolean;
  /** Of a wrong measurement, whose it is. */
  readonly of?: string;
}

const DEPLOYED = 'lib/constructs/serving/scaling/policy.ts';
/** What `Scaling.between(min, max, { capacity })` deploys, with the routing of the constructs. */
export const DEFAULT_NAME = 'default';

type Ours = Pick<Candidate, 'name' | 'source' | 'prioritized' | 'plan'>;

const counting = (by: Counting) => (basis: Basis) => defaultPolicy(basis, basis.limits, by);

const DEFAULT: Ours = { name: DEFAULT_NAME, source: DEPLOYED, plan: counting({}) };

const TOKENS: Ours = {
  name: 'tokens',
  source: `${DEPLOYED}, with a metric of the tokens of each answer`,
  plan: counting({ tokens: true }),
};

const PRIORITIZED: Ours = {
  name: 'prioritized-tokens',
  source: `${TOKENS.source}, and priorityWindowSeconds in the capacity file; prompts are read in chunks that hold the promised time of a token`,
  prioritized: true,
  plan: TOKENS.plan,
};

const TEN_SECOND: Ours = {
  ...PRIORITIZED,
  name: 'prioritized-tokens-ten-second',
  source: `${PRIORITIZED.source}; invocations are published every ten seconds, tokens as soon`,
  plan: counting({ tokens: true, publishedEverySeconds: 10 }),
};

const wrong = (ours: Ours, factor: number): Candidate => ({
  ...ours,
  name: `${ours.name}-measured-${factor}`,
  kind: 'mismeasured',
  of: ours.name,
  source: `${ours.source}, with ${factor} of the measured rate`,
  routing: 'leastOutstanding',
  plan: ({ requestsPerSecond, fleet, ...basis }) =>
    ours.plan({
      ...basis,
      requestsPerSecond: requestsPerSecond * factor,
      fleet: fleet && { ...fleet, requestsPerSecond: fleet.requestsPerSecond * factor },
    }),
});

export const CANDIDATES: readonly Candidate[] = [
  ...[DEFAULT, TOKENS, PRIORITIZED, TEN_SECOND].map((ours): Candidate => ({ ...ours, kind: 'ours', routing: 'leastOutstanding' })),
  ...[DEFAULT, TEN_SECOND].flatMap((ours) => [0.7, 1.3].map((factor) => wrong(ours, factor))),
  // None of the peers sets a routing: SageMaker's default is theirs. Fleets of hindsight have the routing that the bound has, too.
  ...PEERS.map((peer) => ({ ...peer, routing: peer.kind === 'peer' ? ('random' as const) : ('leastOutstanding' as const) })),
];
