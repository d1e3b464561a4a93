import type { RollingProps } from './rollout';
import { capacityPercent, DeploymentPolicy, fleetProblems, mostSteps, percentProblems, RolloutSetting, RolloutWay } from './way';

/** https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html */
const SEVERAL_VARIANTS =
  "'rollout' cannot be rolling for an endpoint of several variants, which SageMaker does not roll: use Rollout.allAtOnce(), canary() or linear()";

/** @internal */
export class Rolling extends RolloutWay {
  private readonly batchPercent: number;
  private readonly rollbackPercent: number;

  constructor(props: RollingProps) {
    super(props.bake);
    this.batchPercent = props.batchPercent ?? 50;
    this.rollbackPercent = props.rollbackPercent ?? this.batchPercent;
  }

  public policy(setting: RolloutSetting): DeploymentPolicy {
    return {
      rollingUpdatePolicy: {
        maximumBatchSize: capacityPercent(this.batchPercent),
        rollbackMaximumBatchSize: capacityPercent(this.rollbackPercent),
        waitIntervalInSeconds: this.bakeSeconds(setting),
        maximumExecutionTimeoutInSeconds: this.limitSeconds(setting),
      },
    };
  }

  /** The larger of what goes forth and back. */
  public extraInstances(fleet: number): number {
    return Math.max(1, Math.floor((fleet * Math.max(this.batchPercent, this.rollbackPercent)) / 100));
  }

  protected sizeProblems(setting: RolloutSetting): string[] {
    const problems = setting.severalVariants === true ? [SEVERAL_VARIANTS] : fleetProblems('rolling', setting);
    return problems.length > 0
      ? problems
      : [
          ...percentProblems('rollout.batchPercent', this.batchPercent, [5, 50], setting),
          ...percentProblems('rollout.rollbackPercent', this.rollbackPercent, [5, 100], setting),
        ];
  }

  /** Each batch is started, then watched. */
  protected counts(setting: RolloutSetting) {
    const batches = mostSteps(setting, this.batchPercent);
    return { bakes: batches, starts: batches };
  }
}
