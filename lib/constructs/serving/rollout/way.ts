import { Duration, Token } from 'aws-cdk-lib';
import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';

/** What a rollout is checked against. @internal */
export interface RolloutSetting {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Accelerators of one instance. */
  readonly accelerators: number;
  /**
   * Whether SageMaker has no deployment guardrails for these instances
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
   */
  readonly unguarded: boolean;
  /** Whether it has no instances at all, by which a rollout could go. */
  readonly serverless?: boolean;
  /** Whether the endpoint has more than one variant. */
  readonly severalVariants?: boolean;
  /** Longest time until an instance serves: download and start-up, seconds. */
  readonly startSeconds: number;
  /** What the slowest rollback alarm looks at, seconds. */
  readonly alarmSeconds: number;
}

/** What a rollout becomes. @internal */
export type DeploymentPolicy = Pick<CfnEndpoint.DeploymentConfigProperty, 'blueGreenUpdatePolicy' | 'rollingUpdatePolicy'>;

/** Metrics of SageMaker arrive a minute late and alarms are evaluated once a minute. */
const ALARM_MARGIN_SECONDS = 120;

/** What AWS needs to provide an instance before it downloads the model: no published figure, so a generous one. */
const PROVISION_SECONDS = 600;

/** How long the old fleet is kept after the last bake. @internal */
export const TERMINATION_SECONDS = 120;

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html, and the same for rolling updates. */
const EXECUTION_SECONDS = { usual: 3600, most: 28_800 };

/** A way in which an update reaches a fleet: in steps, after each of which new instances serve under watch. @internal */
export abstract class RolloutWay {
  constructor(private readonly bake: Duration | undefined) {}

  /** Everything that is wrong with it for an endpoint. */
  public problems(setting: RolloutSetting): string[] {
    const problems = [...this.sizeProblems(setting), ...this.bakeProblems(setting)];
    return problems.length > 0 ? problems : this.timeProblems(setting);
  }

  /** What to deploy where there is no problem. */
  public abstract policy(setting: RolloutSetting): DeploymentPolicy;

  /** Instances that an update takes beside `fleet` that serve. */
  public abstract extraInstances(fleet: number): number;

  /** What is wrong with the sizes of its steps. */
  protected abstract sizeProblems(setting: RolloutSetting): string[];

  /** How often a fleet bakes, and how often instances are started one batch after the other: the most that any size of the fleet needs. */
  protected abstract counts(setting: RolloutSetting): { readonly bakes: number; readonly starts: number };

  protected bakeSeconds({ alarmSeconds }: RolloutSetting): number {
    return this.bake?.toSeconds() ?? alarmSeconds + ALARM_MARGIN_SECONDS;
  }

  /** The limit after which SageMaker rolls back: enough for every bake and for starts as long as they may be. */
  protected limitSeconds(setting: RolloutSetting): number {
    return Math.max(EXECUTION_SECONDS.usual, this.neededSeconds(setting));
  }

  private neededSeconds(setting: RolloutSetting): number {
    const { bakes, starts } = this.counts(setting);
    return bakes * this.bakeSeconds(setting) + starts * startSeconds(setting) + TERMINATION_SECONDS;
  }

  private bakeProblems({ alarmSeconds }: RolloutSetting): string[] {
    if (this.bake === undefined || this.bake.isUnresolved()) {
      return unknownAmount('rollout.bake', this.bake);
    }
    const seconds = this.bake.toSeconds({ integral: false });
    const needed = alarmSeconds + ALARM_MARGIN_SECONDS;
    return [
      ...notWhole('rollout.bake, in seconds,', seconds),
      ...outsideRange('rollout.bake, in seconds,', seconds, 0, 3600),
      ...(seconds < needed
        ? [
            `'rollout.bake' of ${seconds} s ends before the rollback alarms can fire: they look at ${alarmSeconds} s and their metrics ` +
              `arrive up to ${ALARM_MARGIN_SECONDS} s later, so make it at least ${needed} s`,
          ]
        : []),
    ];
  }

  private timeProblems(setting: RolloutSetting): string[] {
    const needed = this.neededSeconds(setting);
    const { bakes, starts } = this.counts(setting);
    return needed > EXECUTION_SECONDS.most
      ? [
          `'rollout' may take ${needed} s, and SageMaker allows ${EXECUTION_SECONDS.most} s: ${bakes} bakes of ${this.bakeSeconds(setting)} s ` +
            `and ${starts} starts of up to ${startSeconds(setting)} s; make its steps larger or 'bake', 'modelDownloadTimeout' and 'startupTimeout' shorter`,
        ]
      : [];
  }
}

const startSeconds = (setting: RolloutSetting): number => PROVISION_SECONDS + Math.ceil(setting.startSeconds);

/** Why a fleet cannot be updated part by part; `kind` names how. @internal */
export function fleetProblems(kind: string, { minInstances, maxInstances, unguarded, serverless }: RolloutSetting): string[] {
  if (serverless ?? false) {
    return [
      `'rollout' cannot be ${kind} for a serverless endpoint, which has no instances to replace part by part: use Rollout.allAtOnce()`,
    ];
  }
  const unknown = unknownAtSynth(
    `scaling of a ${kind} endpoint`,
    [minInstances, maxInstances].find((count) => Token.isUnresolved(count)),
  );
  if (unknown.length > 0) {
    return unknown;
  }
  if (unguarded) {
    return [
      `'rollout' cannot be ${kind} for Inf1 instances, which SageMaker updates all at once without a bake whatever is asked: ` +
        'use another instance type, or Rollout.auto()',
    ];
  }
  return minInstances < 2
    ? [`'rollout' cannot be ${kind} for a fleet of one, whose first step would be more than 50 %: use Rollout.allAtOnce()`]
    : [];
}

/** What is wrong with a share of the fleet that must be at least one instance. @internal */
export function percentProblems(
  name: string,
  percent: number,
  [least, most]: readonly [number, number],
  { minInstances }: RolloutSetting,
): string[] {
  const problems = [...unknownAtSynth(name, percent), ...notWhole(name, percent), ...outsideRange(name, percent, least, most)];
  if (problems.length > 0 || (percent * minInstances) / 100 >= 1) {
    return problems;
  }
  const needed = Math.ceil(100 / minInstances);
  return [`'${name}' of ${percent} % is less than one of ${minInstances} instances: make it at least ${needed}`];
}

/** The most steps of `percent` that any size of the fleet needs, when a part of an instance is no instance. @internal */
export function mostSteps({ minInstances, maxInstances }: RolloutSetting, percent: number): number {
  let most = 0;
  for (let fleet = minInstances; fleet <= maxInstances; fleet++) {
    most = Math.max(most, Math.ceil(fleet / Math.floor((fleet * percent) / 100)));
  }
  return most;
}

/** The guide spells it CAPACITY_PERCENTAGE, which the API refuses (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CapacitySize.html). @internal */
export const capacityPercent = (value: number): CfnEndpoint.CapacitySizeProperty => ({ type: 'CAPACITY_PERCENT', value });
