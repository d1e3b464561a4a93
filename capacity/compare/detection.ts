import { StepPolicy } from '../../lib/constructs/serving/scaling/policy';
import { outAfterStep, PHASES } from '../validation/reaction';
import { Basis } from '../peers/peers';
import { Candidate } from './candidates';

/** An endpoint whose instances hold four requests at once, each worth a token: the step of the load goes from half of one to eight. */
const BASIS: Basis = { requestsPerSecond: 4, tokensPerRequest: 1, concurrency: 4, limits: { min: 1, max: 10 }, peak: 10, mean: 1 };
const [BEFORE, AFTER] = [0.5, 8];

/**
 * The longest time from a step of the load, at any second of a minute, until the policy of a candidate that watches a metric of ten seconds asks for more; undefined when
 * none does.
 */
export function detectionSeconds(candidate: Candidate): number | undefined {
  const fast = candidate
    .plan(BASIS)
    .policies.filter((policy) =>
      policy.kind === 'Step'
        ? asksForMore(policy) && shownEverySeconds(policy) < 60
        : JSON.stringify(policy.metric).includes('HighResolution'),
    );
  const times = fast.map((policy) => Math.max(...PHASES.map((phase) => outAfterStep(policy, BEFORE, AFTER, phase))));
  return times.length === 0 ? undefined : Math.min(...times);
}

const asksForMore = ({ side }: StepPolicy): boolean => side !== 'AtOrBelow';

const shownEverySeconds = ({ metric, periodSeconds }: StepPolicy): number =>
  'publishedEverySeconds' in metric ? metric.publishedEverySeconds : periodSeconds;
