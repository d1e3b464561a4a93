import { Duration, Token } from 'aws-cdk-lib';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';

/** How long a new fleet is watched. */
export interface RolloutProps {
  /**
   * How long alarms watch new instances that serve traffic, whole seconds up to 1 hour: of the whole fleet, or of each batch. Shorter than the
   * rollback alarms need to fire is an error.
   *
   * @default - what the rollback alarms look at, and 2 minutes for their metrics to arrive: 7 minutes with metrics every minute
   */
  readonly bake?: Duration;
}

/** How a rolling update goes on. */
export interface RollingProps extends RolloutProps {
  /**
   * Instances that are replaced at a time, whole percent of the fleet: 5 to 50, and at least one instance of the smallest fleet
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html).
   *
   * @default 50
   */
  readonly batchPercent?: number;
  /**
   * Instances that a rollback brings back at a time, whole percent of the fleet: 5 to 100, and at least one instance. 100 is the fastest and
   * needs quota for a second fleet.
   *
   * @default - `batchPercent`
   */
  readonly rollbackPercent?: number;
}

/** What a rollout is checked against. @internal */
export interface RolloutSetting {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Longest time until an instance serves: download and start-up, seconds. */
  readonly startSeconds: number;
  /** What the slowest rollback alarm looks at, seconds. */
  readonly alarmSeconds: number;
}

type DeploymentPolicy = Pick<CfnEndpoint.DeploymentConfigProperty, 'blueGreenUpdatePolicy' | 'rollingUpdatePolicy'>;

/** Metrics of SageMaker arrive a minute late and alarms are evaluated once a minute. */
const ALARM_MARGIN_SECONDS = 120;

/** What AWS needs to provide an instance before it downloads the model. */
const PROVISION_SECONDS = 600;
const TERMINATION_SECONDS = 120;

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html, and the same for rolling updates. */
const EXECUTION_SECONDS = { usual: 3600, most: 28_800 };

/** How an update reaches the fleet. An update is always undone when an alarm of the new fleet fires. */
export abstract class Rollout {
  /**
   * A second fleet takes all traffic at once; the old one stays while alarms watch the new one, and is the way back. Needs quota for twice the
   * instances. The only way for a fleet of one.
   */
  public static allAtOnce(props: RolloutProps = {}): Rollout {
    return new AllAtOnce(props);
  }

  /**
   * Batch after batch of one fleet is replaced, each watched by alarms before the next. Needs quota for one batch more, so it suits
   * accelerators. Errors: a fleet of one; one that takes over 8 hours.
   */
  public static rolling(props: RollingProps = {}): Rollout {
    return new Rolling(props);
  }

  /** Rolling for two or more accelerators, where a second fleet is dear or not to be had; otherwise all at once. @internal */
  public static _defaultFor(minInstances: number, accelerators: number): Rollout {
    return minInstances >= 2 && accelerators > 0 ? Rollout.rolling() : Rollout.allAtOnce();
  }

  /** @internal */
  protected constructor(protected readonly _props: RolloutProps) {}

  /** @internal */
  public _problems(setting: RolloutSetting): string[] {
    const { bake } = this._props;
    if (bake === undefined || bake.isUnresolved()) {
      return unknownAmount('rollout.bake', bake);
    }
    const seconds = bake.toSeconds({ integral: false });
    const needed = setting.alarmSeconds + ALARM_MARGIN_SECONDS;
    return [
      ...notWhole('rollout.bake, in seconds,', seconds),
      ...outsideRange('rollout.bake, in seconds,', seconds, 0, 3600),
      ...(seconds < needed
        ? [
            `'rollout.bake' of ${seconds} s ends before the rollback alarms can fire: they look at ${setting.alarmSeconds} s and their metrics ` +
              `arrive up to ${ALARM_MARGIN_SECONDS} s later, so make it at least ${needed} s`,
          ]
        : []),
    ];
  }

  /** @internal */
  public abstract _policy(setting: RolloutSetting): DeploymentPolicy;

  /** @internal */
  protected _bakeSeconds({ alarmSeconds }: RolloutSetting): number {
    return this._props.bake?.toSeconds() ?? alarmSeconds + ALARM_MARGIN_SECONDS;
  }
}

class AllAtOnce extends Rollout {
  constructor(props: RolloutProps) {
    super(props);
  }

  public _policy(setting: RolloutSetting): DeploymentPolicy {
    const bake = this._bakeSeconds(setting);
    const needed = PROVISION_SECONDS + Math.ceil(setting.startSeconds) + bake + TERMINATION_SECONDS;
    return {
      blueGreenUpdatePolicy: {
        trafficRoutingConfiguration: { type: 'ALL_AT_ONCE', waitIntervalInSeconds: bake },
        terminationWaitInSeconds: TERMINATION_SECONDS,
        maximumExecutionTimeoutInSeconds: Math.max(EXECUTION_SECONDS.usual, needed),
      },
    };
  }
}

class Rolling extends Rollout {
  private readonly batchPercent: number;
  private readonly rollbackPercent: number;

  constructor(props: RollingProps) {
    super(props);
    this.batchPercent = props.batchPercent ?? 50;
    this.rollbackPercent = props.rollbackPercent ?? this.batchPercent;
  }

  public override _problems(setting: RolloutSetting): string[] {
    const unknown = unknownAtSynth(
      'scaling of a rolling endpoint',
      [setting.minInstances, setting.maxInstances].find((count) => Token.isUnresolved(count)),
    );
    if (unknown.length > 0) {
      return unknown;
    }
    if (setting.minInstances < 2) {
      return ["'rollout' cannot be rolling for a fleet of one, whose batch would be more than 50 %: use Rollout.allAtOnce()"];
    }
    const problems = [
      ...super._problems(setting),
      ...this.percentProblems('batchPercent', this.batchPercent, 50, setting),
      ...this.percentProblems('rollbackPercent', this.rollbackPercent, 100, setting),
    ];
    return problems.length > 0 ? problems : this.timeProblems(setting);
  }

  public _policy(setting: RolloutSetting): DeploymentPolicy {
    return {
      rollingUpdatePolicy: {
        maximumBatchSize: capacityPercent(this.batchPercent),
        rollbackMaximumBatchSize: capacityPercent(this.rollbackPercent),
        waitIntervalInSeconds: this._bakeSeconds(setting),
        maximumExecutionTimeoutInSeconds: Math.min(EXECUTION_SECONDS.most, Math.max(EXECUTION_SECONDS.usual, this.seconds(setting))),
      },
    };
  }

  private percentProblems(name: string, percent: number, most: number, { minInstances }: RolloutSetting): string[] {
    const problems = [
      ...unknownAtSynth(`rollout.${name}`, percent),
      ...notWhole(`rollout.${name}`, percent),
      ...outsideRange(`rollout.${name}`, percent, 5, most),
    ];
    if (problems.length > 0 || (percent * minInstances) / 100 >= 1) {
      return problems;
    }
    const needed = Math.ceil(100 / minInstances);
    return [`'rollout.${name}' of ${percent} % is less than one of ${minInstances} instances: make it at least ${needed}`];
  }

  /** Only the waits must fit: they are certain, the starts of instances are the longest that is allowed. */
  private timeProblems(setting: RolloutSetting): string[] {
    const waits = this.batches(setting) * this._bakeSeconds(setting);
    return waits > EXECUTION_SECONDS.most
      ? [
          `'rollout' waits ${waits} s for ${this.batches(setting)} batches, and an update may take ${EXECUTION_SECONDS.most} s: ` +
            `make 'batchPercent' larger or 'bake' shorter`,
        ]
      : [];
  }

  private seconds(setting: RolloutSetting): number {
    return this.batches(setting) * (PROVISION_SECONDS + setting.startSeconds + this._bakeSeconds(setting)) + TERMINATION_SECONDS;
  }

  /** The most batches that any size of the fleet needs, when a part of an instance is no instance. */
  private batches({ minInstances, maxInstances }: RolloutSetting): number {
    let most = 0;
    for (let fleet = minInstances; fleet <= maxInstances; fleet++) {
      most = Math.max(most, Math.ceil(fleet / Math.floor((fleet * this.batchPercent) / 100)));
    }
    return most;
  }
}

/** The guide spells it CAPACITY_PERCENTAGE, which the API refuses (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CapacitySize.html). */
const capacityPercent = (value: number): CfnEndpoint.CapacitySizeProperty => ({ type: 'CAPACITY_PERCENT', value });
