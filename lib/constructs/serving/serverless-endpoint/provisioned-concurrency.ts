import { Duration, Token } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { cooldownProblems } from '../scaling/scaling';
import { ScalingSchedule } from '../scaling';
import { DEFAULT_SCALE_IN_COOLDOWN_SECONDS, DEFAULT_SCALE_OUT_COOLDOWN_SECONDS, ScalingPlan } from '../scaling/policy';

/** Most invocations that a serverless endpoint takes at once. @internal */
export const MOST_CONCURRENCY = 200;

/** Share of provisioned concurrency that is in use: the rest absorbs what arrives while more is provided. */
const DEFAULT_UTILIZATION = 0.7;

/** How provisioned concurrency scales between its least and most. */
export interface ProvisionedConcurrencyScalingProps {
  /**
   * Must be true. The guide says that AWS CloudFormation cannot scale provisioned concurrency
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html), reports show the target accepted
   * (https://github.com/aws/aws-cdk/issues/29065), and nobody has shown it scale: try it before you rely on it.
   *
   * @default false
   */
  readonly experimental?: boolean;
  /**
   * Share of provisioned concurrency in use at which to hold it, 0.1 to 0.95, known at synth.
   *
   * @default 0.7
   */
  readonly utilization?: number;
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
   * Limits that begin at known times, each with a minimum of at least 1.
   *
   * @default - none
   */
  readonly schedules?: ScalingSchedule[];
}

/** How much of a serverless endpoint is kept warm, paid for by the hour; further requests start cold. */
export class ProvisionedConcurrency {
  /**
   * So many invocations at once find a container that runs.
   *
   * @param concurrency whole number, 1 to 200, at most the endpoint's `maxConcurrency`, known at synth
   */
  public static fixed(concurrency: number): ProvisionedConcurrency {
    return new ProvisionedConcurrency(concurrency, concurrency);
  }

  /**
   * As many as the traffic needs, by target tracking on how much is in use. Experimental: without the flag in `props` it is an error. An update
   * of the endpoint begins with the least again.
   *
   * @param min least, whole number, 1 to 200, known at synth: provisioned concurrency cannot scale to zero
   * @param max most, at least `min`, at most the endpoint's `maxConcurrency`, known at synth
   * @param props the flag, and how to scale
   */
  public static between(min: number, max: number, props: ProvisionedConcurrencyScalingProps = {}): ProvisionedConcurrency {
    return new ProvisionedConcurrency(min, max, props);
  }

  private constructor(
    /** Least, which the endpoint starts with. */
    public readonly min: number,
    /** Most. */
    public readonly max: number,
    private readonly props?: ProvisionedConcurrencyScalingProps,
  ) {}

  /** Whether it follows the traffic. */
  public get isAutomatic(): boolean {
    return this.props !== undefined;
  }

  /** What to deploy; undefined for a fixed amount. @internal */
  public get _plan(): ScalingPlan | undefined {
    const { props, min, max } = this;
    return (
      props && {
        min,
        max,
        policies: [
          {
            kind: 'TargetTracking',
            name: 'provisioned-concurrency',
            metric: 'SageMakerVariantProvisionedConcurrencyUtilization',
            target: props.utilization ?? DEFAULT_UTILIZATION,
            scaleOutCooldownSeconds: props.scaleOutCooldown?.toSeconds() ?? DEFAULT_SCALE_OUT_COOLDOWN_SECONDS,
            scaleInCooldownSeconds: props.scaleInCooldown?.toSeconds() ?? DEFAULT_SCALE_IN_COOLDOWN_SECONDS,
          },
        ],
        schedules: (props.schedules ?? []).map(({ _limits }) => _limits),
      }
    );
  }

  /** @internal */
  public _problems(maxConcurrency: number): string[] {
    const { min, max, props } = this;
    const counts = Object.entries(props === undefined ? { provisionedConcurrency: min } : rangeOf(min, max));
    return [
      ...counts.flatMap(([name, count]) => [
        ...unknownAtSynth(name, count),
        ...notWhole(name, count),
        ...outsideRange(name, count, 1, MOST_CONCURRENCY),
      ]),
      ...orderProblems(min, max, maxConcurrency),
      ...(props === undefined ? [] : [...scalingProblems(min, max, props), ...peakProblems(min, max, props, maxConcurrency)]),
    ];
  }
}

const rangeOf = (min: number, max: number) => ({ 'provisionedConcurrency.min': min, 'provisionedConcurrency.max': max });

function orderProblems(min: number, max: number, maxConcurrency: number): string[] {
  const known = (...values: number[]) => !values.some((value) => Token.isUnresolved(value));
  return [
    ...(known(min, max) && max < min ? [`'provisionedConcurrency' has a maximum of ${max} below its minimum of ${min}: swap them`] : []),
    ...(known(max, maxConcurrency) && max > maxConcurrency
      ? [`'provisionedConcurrency' of ${max} is more than 'maxConcurrency' of ${maxConcurrency}: raise that or provide less`]
      : []),
  ];
}

/** Schedules too may provide no more than there is. */
function peakProblems(min: number, max: number, { schedules }: ProvisionedConcurrencyScalingProps, maxConcurrency: number): string[] {
  const { most } = ScalingSchedule._range(min, max, schedules);
  return [most, max, maxConcurrency].some((value) => Token.isUnresolved(value)) || most <= maxConcurrency || most === max
    ? []
    : [
        `'provisionedConcurrency.schedules' goes up to ${most}, more than 'maxConcurrency' of ${maxConcurrency}: raise that or provide less`,
      ];
}

function scalingProblems(min: number, max: number, props: ProvisionedConcurrencyScalingProps): string[] {
  return [
    ...(props.experimental === true
      ? []
      : [
          `'provisionedConcurrency' from ${min} to ${max} needs 'experimental: true': the guide says that AWS CloudFormation does not scale it, ` +
            'and nobody has shown otherwise; use ProvisionedConcurrency.fixed() or try it first',
        ]),
    ...unknownAtSynth('provisionedConcurrency.utilization', props.utilization),
    ...outsideRange('provisionedConcurrency.utilization', props.utilization, 0.1, 0.95),
    ...cooldownProblems('provisionedConcurrency.scaleOutCooldown', props.scaleOutCooldown),
    ...cooldownProblems('provisionedConcurrency.scaleInCooldown', props.scaleInCooldown),
    ...ScalingSchedule._problems('provisionedConcurrency.schedules', props.schedules ?? [], 1, { least: min, most: max }),
  ];
}
