import { Duration, Token } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { backlogPerInstance, backlogPlan, LONGEST_INVOCATION_MINUTES } from './backlog-policy';
import { MeasuredCapacity } from './measured-capacity';
import { DEFAULT_SCALE_IN_COOLDOWN_SECONDS, DEFAULT_SCALE_OUT_COOLDOWN_SECONDS, DEFAULT_UTILIZATION, ScalingPlan } from './policy';
import { cooldownProblems } from './scaling';
import { FleetRange, ScalingSchedule } from './scaling-schedule';

/** When an asynchronous endpoint gives instances back. */
export enum BacklogScaleIn {
  /**
   * All but the fewest at once, when nothing has been waiting for as long as an invocation may take: then none runs any more. A backlog that
   * never ends keeps the instances that its highest tide needed.
   */
  WHEN_IDLE = 'WHEN_IDLE',
  /**
   * One after the other while others work. An instance that goes may take an invocation with it, so only for invocations that are short and
   * that may be sent again.
   */
  WITH_BACKLOG = 'WITH_BACKLOG',
}

/** How an asynchronous endpoint scales between its fewest and most instances. One of `capacity` and `backlogPerInstance` is needed. */
export interface BacklogScalingProps {
  /**
   * What one instance was measured to serve. The target is the backlog that it works off within what the endpoint promises:
   * rate x `slo.within` x `utilization`.
   *
   * @default - none
   */
  readonly capacity?: MeasuredCapacity;
  /**
   * Invocations waiting or running for each instance at which to hold the fleet, 1 to 1,000,000, known at synth.
   *
   * @default - computed from `capacity`
   */
  readonly backlogPerInstance?: number;
  /**
   * Share of what an instance works off in the promised time, 0.1 to 0.95, known at synth; the rest is for new instances to start. Only with
   * `capacity`.
   *
   * @default 0.6
   */
  readonly utilization?: number;
  /**
   * Wait after a scale-out before the next one, whole seconds up to 1 hour. SageMaker counts it from the end of the scale-out
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy.html).
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
   * When instances are given back.
   *
   * @default BacklogScaleIn.WHEN_IDLE
   */
  readonly scaleIn?: BacklogScaleIn;
  /**
   * The longest that an invocation may run, 1 minute to 1 hour, known at synth: the largest `InvocationTimeoutSeconds` that callers send. The
   * default is what the service takes for callers that send none
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-invoke-endpoint.html).
   *
   * @default Duration.minutes(15)
   */
  readonly longestInvocation?: Duration;
  /**
   * Other limits at known times.
   *
   * @default - none
   */
  readonly schedules?: ScalingSchedule[];
}

/** How many instances work off the backlog of an asynchronous endpoint. */
export class BacklogScaling {
  /**
   * A fixed number of instances.
   *
   * @param instances whole number, 1 to 1,000
   */
  public static fixed(instances: number): BacklogScaling {
    return new BacklogScaling(instances, instances);
  }

  /**
   * As many instances as the backlog needs, by target tracking on the backlog per instance; with a minimum of 0 the first invocation wakes one.
   *
   * @param min fewest instances, a whole number from 0 to 1,000
   * @param max most instances, at least `min` and 1, up to 1,000; keep it within the account's quota for the instance type, which is often 0 to 4
   * @param props where the target comes from, and how to scale in
   */
  public static between(min: number, max: number, props?: BacklogScalingProps): BacklogScaling {
    return new BacklogScaling(min, max, props ?? {});
  }

  private constructor(
    /** Fewest instances. */
    public readonly minInstances: number,
    /** Most instances. */
    public readonly maxInstances: number,
    private readonly props?: BacklogScalingProps,
  ) {}

  /** Whether the number of instances follows the backlog. */
  public get isAutomatic(): boolean {
    return this.props !== undefined;
  }

  /** What one instance was measured to serve; undefined for a fixed number or a given backlog. */
  public get capacity(): MeasuredCapacity | undefined {
    return this.props?.capacity;
  }

  /** Longest that an invocation may run. @internal */
  public get _longestInvocation(): Duration {
    return this.props?.longestInvocation ?? Duration.minutes(LONGEST_INVOCATION_MINUTES);
  }

  /** How small and how large the fleet may become. @internal */
  public get _range(): FleetRange {
    return ScalingSchedule._range(this.minInstances, this.maxInstances, this.props?.schedules);
  }

  /** What to deploy; undefined for a fixed number. @internal */
  public _plan(endpointName: string, within: Duration): ScalingPlan | undefined {
    if (this.props === undefined) {
      return undefined;
    }
    return backlogPlan({
      min: this.minInstances,
      max: this.maxInstances,
      target: this.target(within),
      whenIdle: (this.props.scaleIn ?? BacklogScaleIn.WHEN_IDLE) === BacklogScaleIn.WHEN_IDLE,
      longestMinutes: Math.ceil(this._longestInvocation.toMinutes({ integral: false })),
      scaleOutCooldownSeconds: this.props.scaleOutCooldown?.toSeconds() ?? DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
      scaleInCooldownSeconds: this.props.scaleInCooldown?.toSeconds() ?? DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
      endpointName,
      schedules: (this.props.schedules ?? []).map((schedule) => schedule._limits),
    });
  }

  /** @internal */
  public _problems(within: Duration): string[] {
    if (this.props === undefined) {
      return this.countProblems('scaling', this.minInstances, 1);
    }
    const [min, max] = [this.minInstances, this.maxInstances];
    const problems = [
      ...unknownAtSynth('scaling.min', min),
      ...this.countProblems('scaling.min', min, 0),
      ...this.countProblems('scaling.max', max, 1),
    ];
    if (![min, max].some((value) => Token.isUnresolved(value)) && max < min) {
      problems.push(`'scaling' has a maximum of ${max} below its minimum of ${min}: swap them`);
    }
    return [
      ...problems,
      ...this.targetProblems(within),
      ...cooldownProblems('scaling.scaleOutCooldown', this.props.scaleOutCooldown),
      ...cooldownProblems('scaling.scaleInCooldown', this.props.scaleInCooldown),
      ...this.invocationProblems(),
      ...ScalingSchedule._problems('scaling.schedules', this.props.schedules ?? [], min === 0 ? 0 : 1, { least: min, most: max }),
    ];
  }

  private target(within: Duration): number {
    const { capacity, backlogPerInstance: given, utilization } = this.props!;
    return given ?? backlogPerInstance(capacity!.requestsPerSecondPerInstance, within.toSeconds(), utilization ?? DEFAULT_UTILIZATION);
  }

  private countProblems(name: string, count: number, least: number): string[] {
    return [...notWhole(name, count), ...outsideRange(name, count, least, 1000)];
  }

  private targetProblems(within: Duration): string[] {
    const { capacity, backlogPerInstance: given, utilization } = this.props!;
    const [min, max] = [this.minInstances, this.maxInstances];
    if (capacity === undefined && given === undefined) {
      return [
        `'scaling' from ${min} to ${max} has no target: measure one instance and pass the file with MeasuredCapacity.fromFile() ` +
          "(docs/capacity-file.md says how), or give 'backlogPerInstance'",
      ];
    }
    if (given !== undefined) {
      const also = capacity !== undefined ? 'capacity' : 'utilization';
      const clash = capacity !== undefined || utilization !== undefined;
      return [
        ...unknownAtSynth('scaling.backlogPerInstance', given),
        ...outsideRange('scaling.backlogPerInstance', given, 1, 1_000_000),
        ...(clash ? [`'scaling.${also}' decides nothing beside 'scaling.backlogPerInstance': leave one out`] : []),
      ];
    }
    const problems = [
      ...unknownAtSynth('scaling.utilization', utilization),
      ...outsideRange('scaling.utilization', utilization, 0.1, 0.95),
    ];
    return problems.length > 0 || within.isUnresolved() ? problems : this.tightness(within);
  }

  /** Below one, a fleet in which each instance runs one invocation would still be too small, and grow to its maximum. */
  private tightness(within: Duration): string[] {
    const target = this.target(Duration.seconds(Math.ceil(within.toSeconds({ integral: false }))));
    return target < 1
      ? [
          `'scaling' would hold ${target} invocations per instance, less than the one that runs: promise more than ${within.toSeconds({ integral: false })} s ` +
            'in slo.within, or use a faster instance',
        ]
      : [];
  }

  private invocationProblems(): string[] {
    const { longestInvocation } = this.props!;
    if (longestInvocation === undefined || longestInvocation.isUnresolved()) {
      return unknownAmount('scaling.longestInvocation', longestInvocation);
    }
    return outsideRange('scaling.longestInvocation, in seconds,', longestInvocation.toSeconds({ integral: false }), 60, 3600);
  }
}
