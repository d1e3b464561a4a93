import { Duration, Token } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { MeasuredCapacity } from '../scaling/measured-capacity';
import {
  DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
  DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
  DEFAULT_UTILIZATION,
  ScalingPlan,
  StepPolicy,
  TargetTrackingPolicy,
  invocationsPerMinute,
  WAKE_UP_COOLDOWN_SECONDS,
} from '../scaling/policy';
import { cooldownProblems } from '../scaling/scaling';
import { FleetRange, ScalingSchedule } from '../scaling/scaling-schedule';

/** How the copies of a component follow the traffic: by `capacity`, by `concurrency`, or by the first with the second as guard. */
export interface CopiesProps {
  /**
   * What one copy was measured to serve: measure a component with one copy, whose file then says it as `requestsPerSecondPerInstance`.
   *
   * @default - none: `concurrency` decides alone
   */
  readonly capacity?: MeasuredCapacity;
  /**
   * Share of the measured rate at which to hold each copy, 0.1 to 0.95, known at synth.
   *
   * @default 0.6
   */
  readonly utilization?: number;
  /**
   * Requests at once, waiting ones included, at which to hold each copy: a whole number from 1 to 10,000, known at synth. SageMaker publishes
   * it every 10 s, so copies come sooner. Beside `capacity` it only adds copies, because a queue that it counts would keep too many for long
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html).
   *
   * @default - none: `capacity` decides alone
   */
  readonly concurrency?: number;
  /**
   * Wait after a scale-out before the next one, whole seconds up to 1 hour.
   *
   * @default Duration.seconds(60)
   */
  readonly scaleOutCooldown?: Duration;
  /**
   * Wait after a scale-in before the next one, whole seconds up to 1 hour.
   *
   * @default Duration.seconds(300)
   */
  readonly scaleInCooldown?: Duration;
  /**
   * New limits at known times. A minimum of 0 only where `min` is 0.
   *
   * @default - none
   */
  readonly schedules?: ScalingSchedule[];
}

/** How many copies of a model serve. */
export class Copies {
  /**
   * A fixed number of copies: how a component starts.
   *
   * @param copies whole number, 1 to 1,000
   */
  public static fixed(copies: number): Copies {
    return new Copies(copies, copies);
  }

  /**
   * As many copies as the traffic needs.
   *
   * With a minimum of 0 the last copy goes after about 15 minutes without requests, and the first request wakes it. **Requests fail until a
   * copy is up**, which takes minutes: callers must try again. A component starts with one copy, so the first deployment needs an instance
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html).
   *
   * @param min fewest copies, a whole number from 0 to 1,000
   * @param max most copies, at least `min` and 1, up to 1,000
   * @param props what they follow
   */
  public static between(min: number, max: number, props?: CopiesProps): Copies {
    return new Copies(min, max, props ?? {});
  }

  private constructor(
    /** Fewest copies. */
    public readonly minCopies: number,
    /** Most copies. */
    public readonly maxCopies: number,
    private readonly props?: CopiesProps,
  ) {}

  /** Whether the number of copies follows the traffic. */
  public get isAutomatic(): boolean {
    return this.props !== undefined;
  }

  /** What one copy was measured to serve; undefined when nothing was measured. */
  public get capacity(): MeasuredCapacity | undefined {
    return this.props?.capacity;
  }

  /** How few and how many copies there may be: schedules move both limits. @internal */
  public get _range(): FleetRange {
    return ScalingSchedule._range(this.minCopies, this.maxCopies, this.props?.schedules);
  }

  /** Copies that a component is created with: the service takes no 0 there. @internal */
  public get _initial(): number {
    return Math.max(1, this.minCopies);
  }

  /** What to deploy for the component of this name; undefined for a fixed number. @internal */
  public _plan(componentName: string): ScalingPlan | undefined {
    if (this.props === undefined) {
      return undefined;
    }
    const { capacity, concurrency, utilization } = this.props;
    const policies: (TargetTrackingPolicy | StepPolicy)[] = [];
    if (capacity !== undefined) {
      const target = invocationsPerMinute(capacity.requestsPerSecondPerInstance, utilization ?? DEFAULT_UTILIZATION);
      policies.push({ ...this.tracking, name: 'invocations', metric: 'SageMakerInferenceComponentInvocationsPerCopy', target });
    }
    if (concurrency !== undefined) {
      policies.push({
        ...this.tracking,
        name: 'concurrency',
        metric: 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution',
        target: concurrency,
        scaleOutOnly: capacity !== undefined,
      });
    }
    if (this.minCopies === 0) {
      policies.push(wakeUp(componentName));
    }
    return { min: this.minCopies, max: this.maxCopies, policies, schedules: (this.props.schedules ?? []).map(({ _limits }) => _limits) };
  }

  /** @internal */
  public _problems(): string[] {
    const [min, max] = [this.minCopies, this.maxCopies];
    if (this.props === undefined) {
      return countProblems('copies', min, 1);
    }
    const { capacity, concurrency, utilization, scaleOutCooldown, scaleInCooldown, schedules } = this.props;
    return [
      ...countProblems('copies.min', min, 0),
      ...countProblems('copies.max', max, 1),
      ...(max < min && max >= 1 ? [`'copies' has a maximum of ${max} below its minimum of ${min}: swap them`] : []),
      ...(capacity === undefined && concurrency === undefined
        ? [
            `'copies' from ${min} to ${max} follows nothing: give 'capacity' as measured on one copy with MeasuredCapacity.fromFile() ` +
              `(docs/capacity-file.md says how), or 'concurrency'`,
          ]
        : []),
      ...(capacity === undefined && utilization !== undefined ? [`'copies.utilization' is a share of 'capacity': give that too`] : []),
      ...unknownAtSynth('copies.utilization', utilization),
      ...outsideRange('copies.utilization', utilization, 0.1, 0.95),
      ...unknownAtSynth('copies.concurrency', concurrency),
      ...notWhole('copies.concurrency', concurrency),
      ...outsideRange('copies.concurrency', concurrency, 1, 10_000),
      ...cooldownProblems('copies.scaleOutCooldown', scaleOutCooldown),
      ...cooldownProblems('copies.scaleInCooldown', scaleInCooldown),
      ...ScalingSchedule._problems('copies.schedules', schedules ?? [], min === 0 ? 0 : 1, { least: min, most: max }),
    ];
  }

  private get tracking() {
    return {
      kind: 'TargetTracking' as const,
      scaleOutCooldownSeconds: this.props?.scaleOutCooldown?.toSeconds() ?? DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
      scaleInCooldownSeconds: this.props?.scaleInCooldown?.toSeconds() ?? DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
    };
  }
}

/** What tells that a component without copies was called; also that of its adapters. @internal */
export const calledAsleep = (componentName: string): Pick<StepPolicy, 'metric' | 'threshold' | 'periods' | 'periodSeconds'> => ({
  metric: { name: 'NoCapacityInvocationFailures', statistic: 'Sum', dimensions: { InferenceComponentName: componentName } },
  threshold: 1,
  periods: 1,
  periodSeconds: 60,
});

/**
 * Target tracking cannot leave zero, which has no ratio; one request that failed for want of a copy brings the first. The example of the guide
 * compares with "more than 1" and so misses the first request
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html).
 */
function wakeUp(componentName: string): StepPolicy {
  const steps = [{ from: 0, change: 1 }];
  return { kind: 'Step', name: WAKE_UP, ...calledAsleep(componentName), steps, cooldownSeconds: WAKE_UP_COOLDOWN_SECONDS };
}

/** Name of the policy that brings the first copy. @internal */
export const WAKE_UP = 'wake-up';

/** The sum over an endpoint, the fit and the rollout are computed from the counts, so they must be plain. */
function countProblems(name: string, count: number, min: number): string[] {
  if (!Token.isUnresolved(count) && count === 0 && min === 1) {
    return [`'${name}' must be at least 1, got 0: only Copies.between() may rest at 0 copies, as its minimum`];
  }
  return [...unknownAtSynth(name, count), ...notWhole(name, count), ...outsideRange(name, count, min, 1000)];
}
