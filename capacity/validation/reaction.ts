import { ScalingPlan, StepPolicy, TargetTrackingPolicy } from '../../lib/constructs/serving/scaling/policy';
import { tracking } from '../policies/tracking';
import { Provisioning, provisioningOf } from '../scaling/provisioning';
import { runScaled, ScaledResult } from '../scaling/scaled-endpoint';
import { classicalModel } from '../simulator/service-model';
import { RequestSource } from '../traces/source';
import { Check } from './check';
import { oneInstance } from './queueing';

const ECS = 'https://aws.amazon.com/blogs/aws/amazon-ecs-introduces-new-high-resolution-metrics-for-faster-service-auto-scaling/ (363 s)';
const ZERO =
  'https://aws.amazon.com/blogs/machine-learning/unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/';
/** Moments within a minute at which a step or a first request comes. */
export const PHASES = Array.from({ length: 30 }, (_, phase) => 1 + 2 * phase);

/** Brings the first copy, as the constructs deploy it. */
export const WAKE_UP: StepPolicy = {
  kind: 'Step',
  name: 'wake-up',
  metric: { name: 'NoCapacityInvocationFailures', statistic: 'Sum', dimensions: {} },
  threshold: 1,
  periods: 1,
  periodSeconds: 60,
  steps: [{ from: 0, change: 1 }],
  cooldownSeconds: 60,
};

/** Times between load and change against published ones. A range of the source is its middle with half its width as tolerance. */
export function reactionChecks(): Check[] {
  const minute = PHASES.map((phase) => outAfterStep(tracking('SageMakerVariantInvocationsPerInstance', 60), 0.5, 1.5, phase));
  const fast = PHASES.map((phase) => outAfterStep(tracking('SageMakerVariantConcurrentRequestsPerModelHighResolution', 4), 0.5, 8, phase));
  const zero = PHASES.map((phase) => fromZero(phase));
  const idle = PHASES.map((phase) => toZero(phase));
  return [
    range('load step to request, metric of 60 s, mean', mean(minute), 300, 363, ECS),
    range('load step to request, metric of 10 s, earliest', Math.min(...fast), 60, 120, ZERO),
    range('load step to request, metric of 10 s, latest', Math.max(...fast), 60, 120, ZERO),
    range('Llama-3-8B from zero to the first answer, earliest (boot 242 s)', Math.min(...zero), 272, 332, ZERO),
    range('Llama-3-8B from zero to the first answer, latest', Math.max(...zero), 272, 332, ZERO),
    range('one instance more by hand, boot of 260 s', forced(260), 259, 261, 'a measured 260 s on ml.g5.xlarge, which is the setting'),
    range('last answer to no copies', mean(idle.map(({ copies }) => copies)), 900, 960, `${ZERO} (15 minutes)`),
    range('no copies to no instances', mean(idle.map(({ instances, copies }) => instances - copies)), 599, 601, `${ZERO} (10 minutes)`),
  ];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function range(name: string, simulated: number, from: number, to: number, source: string): Check {
  const expected = (from + to) / 2;
  return { name, expected, simulated, tolerance: (to - from) / 2 / expected, unit: 's', source };
}

/** Seconds from a step of the load, at a phase of its minute, until more capacity is asked for. Rates are requests a second. */
export function outAfterStep(policy: TargetTrackingPolicy | StepPolicy, before: number, after: number, phase: number): number {
  const at = 1200 + phase;
  const { activities } = run(planOf(1, 10, [policy]), new Steps(before, after, at, at + 900), provisioningOf(200));
  const first = activities.find(({ from, to }) => to > from);
  return first === undefined || first.at < at ? NaN : first.at - at;
}

/** Seconds from the first request to one that is answered, for callers who try again each second. */
function fromZero(phase: number): number {
  const at = 600 + phase;
  const source = new Steps(0, 1, at, at + 900);
  const { outcome } = run(planOf(0, 4, [WAKE_UP]), source, provisioningOf(242, { bootSigma: 0 }), 0);
  return outcome.drops.noInstance;
}

function forced(boot: number): number {
  const { activities, instanceHours } = run(planOf(2, 2, []), new Steps(1, 1, 0, 0), provisioningOf(boot, { bootSigma: 0 }), 1, 600);
  // The second instance is asked for at the first tick and billed from then on; the change is seen complete at the next tick after its boot.
  const asked = 600 - (instanceHours * 3600 - 600);
  return activities[0].doneAt - asked;
}

/** Seconds from the last answer until there are no copies, after a load near the target, so that the low alarm is off, and until no instance is billed any more. */
function toZero(phase: number): { copies: number; instances: number } {
  const last = 1200 + phase;
  const policies = [tracking('SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution', 5), WAKE_UP];
  const provisioning = provisioningOf(242, { releaseSeconds: 600 });
  const { activities, instanceHours } = run(planOf(0, 4, policies), new Steps(4.93, 4.93, 0, last), provisioning, 1, 6000);
  const gone = activities.find(({ to }) => to === 0)!.at;
  return { copies: gone - last, instances: instanceHours * 3600 - last };
}

const planOf = (min: number, max: number, policies: ScalingPlan['policies']): ScalingPlan => ({ min, max, policies, schedules: [] });

/** Requests that take a second each, any number at once: only their number matters here. */
function run(plan: ScalingPlan, source: RequestSource, provisioning: Provisioning, instances = 1, until = 0): ScaledResult {
  const endpoint = { ...oneInstance(classicalModel(1000)), instances };
  return runScaled({ endpoint, plan, provisioning }, source, { seed: 1, until });
}

/** Requests with equal gaps, the rate of which changes once. */
class Steps implements RequestSource {
  public at = 0;
  public readonly prompt = 0;
  public readonly output = 1;

  public constructor(
    private readonly before: number,
    private readonly after: number,
    private readonly change: number,
    private readonly until: number,
  ) {}

  public next(): boolean {
    const early = this.at < this.change && this.before > 0 && this.at + 1 / this.before < this.change;
    this.at = early ? this.at + 1 / this.before : Math.max(this.change, this.at + 1 / this.after);
    return this.at < this.until;
  }
}
