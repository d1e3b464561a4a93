import { Duration } from 'aws-cdk-lib';
import { AllAtOnce, Canary, Linear } from './blue-green';
import { Rolling } from './rolling';
import { DeploymentPolicy, RolloutSetting, RolloutWay } from './way';

/** How long a new fleet is watched. */
export interface RolloutProps {
  /**
   * How long alarms watch new instances that serve traffic, whole seconds up to 1 hour: after each step, the last one too. Shorter than the
   * rollback alarms need to fire is an error.
   *
   * @default - what the rollback alarms look at, and 2 minutes for their metrics to arrive: 7 minutes with metrics every minute
   */
  readonly bake?: Duration;
}

/** How a canary goes ahead of the rest. Give `percent` or `instances`, or neither. */
export interface CanaryProps extends RolloutProps {
  /**
   * Size of the canary, whole percent of the fleet: 1 to 50, and at least one instance of the smallest fleet
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html).
   *
   * @default - `instances`
   */
  readonly percent?: number;
  /**
   * Size of the canary in instances: a whole number from 1 to half of the smallest fleet.
   *
   * @default 1
   */
  readonly instances?: number;
}

/** How traffic moves in equal steps. */
export interface LinearProps extends RolloutProps {
  /**
   * Size of a step, whole percent of the fleet: 10 to 50, and at least one instance of the smallest fleet
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html).
   *
   * @default 50
   */
  readonly stepPercent?: number;
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

/**
 * How an update reaches the fleet. An update is always undone when an alarm of the new fleet fires, or when it takes longer than its steps may
 * take; more than 8 hours is an error (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html).
 */
export class Rollout {
  /**
   * Rolling for two or more instances with accelerators, where a second fleet is dear or not to be had; otherwise, and for several variants, all
   * at once. The least that a fleet may have decides.
   */
  public static auto(props: RolloutProps = {}): Rollout {
    const [rolling, allAtOnce] = [new Rolling(props), new AllAtOnce(props)];
    return new Rollout((setting) => (rolls(setting) ? rolling : allAtOnce));
  }

  /**
   * A second fleet takes all traffic at once; the old one stays while alarms watch the new one, and is the way back. Needs quota for twice the
   * instances. The only way for a fleet of one.
   */
  public static allAtOnce(props: RolloutProps = {}): Rollout {
    const way = new AllAtOnce(props);
    return new Rollout(() => way);
  }

  /**
   * A small part of a second fleet takes its share of the traffic first, then all of it takes the rest. Few requests meet a bad version. Needs
   * quota for twice the instances. Errors: a fleet of one.
   */
  public static canary(props: CanaryProps = {}): Rollout {
    const way = new Canary(props);
    return new Rollout(() => way);
  }

  /**
   * Traffic moves to a second fleet in equal steps, each watched by alarms before the next. Needs quota for twice the instances. Errors: a fleet
   * of one.
   */
  public static linear(props: LinearProps = {}): Rollout {
    const way = new Linear(props);
    return new Rollout(() => way);
  }

  /**
   * Batch after batch of one fleet is replaced, each watched by alarms before the next. Needs quota for one batch more, so it suits
   * accelerators. Errors: a fleet of one.
   */
  public static rolling(props: RollingProps = {}): Rollout {
    const way = new Rolling(props);
    return new Rollout(() => way);
  }

  private constructor(private readonly wayFor: (setting: RolloutSetting) => RolloutWay) {}

  /** @internal */
  public _problems(setting: RolloutSetting): string[] {
    return this.wayFor(setting).problems(setting);
  }

  /** Instances that an update takes beside `fleet` that serve. @internal */
  public _extraInstances(setting: RolloutSetting, fleet: number): number {
    return this.wayFor(setting).extraInstances(fleet);
  }

  /** @internal */
  public _policy(setting: RolloutSetting): DeploymentPolicy {
    return this.wayFor(setting).policy(setting);
  }
}

/** Where a second fleet is dear and SageMaker can do without one. */
const rolls = ({ minInstances, accelerators, unguarded, severalVariants }: RolloutSetting): boolean =>
  minInstances >= 2 && accelerators > 0 && !unguarded && severalVariants !== true;
