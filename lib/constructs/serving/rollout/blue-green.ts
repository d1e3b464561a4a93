import { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import type { CanaryProps, LinearProps, RolloutProps } from './rollout';
import {
  capacityPercent,
  DeploymentPolicy,
  fleetProblems,
  mostSteps,
  percentProblems,
  RolloutSetting,
  RolloutWay,
  TERMINATION_SECONDS,
} from './way';

/** A second fleet is started as a whole; ways differ in how its traffic grows. */
abstract class BlueGreen extends RolloutWay {
  public policy(setting: RolloutSetting): DeploymentPolicy {
    return {
      blueGreenUpdatePolicy: {
        trafficRoutingConfiguration: { ...this.traffic(), waitIntervalInSeconds: this.bakeSeconds(setting) },
        terminationWaitInSeconds: TERMINATION_SECONDS,
        maximumExecutionTimeoutInSeconds: this.limitSeconds(setting),
      },
    };
  }

  public extraInstances(fleet: number): number {
    return fleet;
  }

  protected counts(setting: RolloutSetting) {
    return { bakes: this.bakes(setting), starts: 1 };
  }

  protected abstract traffic(): Omit<CfnEndpoint.TrafficRoutingConfigProperty, 'waitIntervalInSeconds'>;

  protected abstract bakes(setting: RolloutSetting): number;
}

/** @internal */
export class AllAtOnce extends BlueGreen {
  constructor(props: RolloutProps) {
    super(props.bake);
  }

  protected sizeProblems(): string[] {
    return [];
  }

  protected traffic() {
    return { type: 'ALL_AT_ONCE' };
  }

  protected bakes(): number {
    return 1;
  }
}

/** @internal */
export class Canary extends BlueGreen {
  constructor(private readonly props: CanaryProps) {
    super(props.bake);
  }

  protected sizeProblems(setting: RolloutSetting): string[] {
    const problems = fleetProblems('canary', setting);
    const { percent, instances } = this.props;
    if (problems.length > 0) {
      return problems;
    }
    if (percent !== undefined && instances !== undefined) {
      return ["'rollout.percent' and 'rollout.instances' both give the size of the canary: give one of them"];
    }
    return percent === undefined
      ? instanceProblems(instances ?? 1, setting)
      : percentProblems('rollout.percent', percent, [1, 50], setting);
  }

  protected traffic() {
    const { percent, instances } = this.props;
    return {
      type: 'CANARY',
      canarySize: percent === undefined ? { type: 'INSTANCE_COUNT', value: instances ?? 1 } : capacityPercent(percent),
    };
  }

  /** The canary alone, and everything: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html */
  protected bakes(): number {
    return 2;
  }
}

function instanceProblems(instances: number, { minInstances }: RolloutSetting): string[] {
  const name = 'rollout.instances';
  const problems = [...unknownAtSynth(name, instances), ...notWhole(name, instances), ...outsideRange(name, instances, 1, 1000)];
  return problems.length > 0 || instances * 2 <= minInstances
    ? problems
    : [`'${name}' of ${instances} is more than half of ${minInstances} instances: make it at most ${Math.floor(minInstances / 2)}`];
}

/** @internal */
export class Linear extends BlueGreen {
  private readonly stepPercent: number;

  constructor(props: LinearProps) {
    super(props.bake);
    this.stepPercent = props.stepPercent ?? 50;
  }

  protected sizeProblems(setting: RolloutSetting): string[] {
    const problems = fleetProblems('linear', setting);
    return problems.length > 0 ? problems : percentProblems('rollout.stepPercent', this.stepPercent, [10, 50], setting);
  }

  protected traffic() {
    return { type: 'LINEAR', linearStepSize: capacityPercent(this.stepPercent) };
  }

  protected bakes(setting: RolloutSetting): number {
    return mostSteps(setting, this.stepPercent);
  }
}
