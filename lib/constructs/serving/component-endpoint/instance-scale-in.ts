import { Duration } from 'aws-cdk-lib';
import { CfnEndpointConfig } from 'aws-cdk-lib/aws-sagemaker';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';

/** How copies are moved together, so that instances become free. */
export interface ConsolidationProps {
  /**
   * Wait after anything happened to the endpoint, whole minutes from 5 minutes to 1 day.
   *
   * @default Duration.minutes(20)
   */
  readonly cooldown?: Duration;
  /**
   * Most instances that go at a time, a whole number from 1 to 100.
   *
   * @default 1
   */
  readonly atATime?: number;
}

/**
 * When SageMaker gives instances back that components share
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantManagedInstanceScalingScaleInPolicy.html).
 */
export class InstanceScaleIn {
  /** Instances without a copy go. Copies stay where they are, so a few may keep many instances. */
  public static whenIdle(): InstanceScaleIn {
    return new InstanceScaleIn('IDLE_RELEASE', {});
  }

  /** Copies are moved onto fewer instances, and those that become free go. */
  public static consolidating(props: ConsolidationProps = {}): InstanceScaleIn {
    return new InstanceScaleIn('CONSOLIDATION', props);
  }

  private constructor(
    private readonly strategy: string,
    private readonly props: ConsolidationProps,
  ) {}

  /** @internal */
  public _problems(): string[] {
    const { cooldown, atATime } = this.props;
    const minutes = cooldown === undefined || cooldown.isUnresolved() ? undefined : cooldown.toMinutes({ integral: false });
    return [
      ...unknownAmount('scaleIn.cooldown', cooldown),
      ...notWhole('scaleIn.cooldown, in minutes,', minutes),
      ...outsideRange('scaleIn.cooldown, in minutes,', minutes, 5, 1440),
      ...unknownAtSynth('scaleIn.atATime', atATime),
      ...notWhole('scaleIn.atATime', atATime),
      ...outsideRange('scaleIn.atATime', atATime, 1, 100),
    ];
  }

  /** @internal */
  public get _policy(): CfnEndpointConfig.ScaleInPolicyProperty {
    const { cooldown, atATime } = this.props;
    return { strategy: this.strategy, cooldownInMinutes: cooldown?.toMinutes(), maximumStepSize: atATime };
  }
}
