import { Duration, Token } from 'aws-cdk-lib';
import { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { notWhole, outsideRange, unknownAtSynth } from '../../shared/checks';
import { MeasuredCapacity } from './measured-capacity';
import { ScalingPlan, variantPlan } from './policy';
import { FleetRange, ScalingSchedule } from './scaling-schedule';
import { countedTokens, tokenProblems } from './token-metric';

/** How an endpoint scales between its fewest and most instances: by `capacity`, by `concurrency`, or by the first with the second as guard. */
export interface ScalingProps {
  /**
   * What one instance was measured to serve; the scaling target follows from it.
   *
   * @default - none: `concurrency` decides alone; without that an error that says how to measure, because a constant target would know neither
   * model nor instance
   */
  readonly capacity?: MeasuredCapacity;
  /**
   * Requests at once, waiting ones included, in the busiest instance: a whole number from 1 to 10,000, known at synth. SageMaker publishes it
   * every 10 s, so a fleet is seen to be short after one minute instead of four. Alone, the fleet is held there. Beside
   * `capacity` it is a guard: as soon as it is reached the fleet grows by a third, and it never shrinks by it, because a queue that it
   * counts would keep too many instances for long. For a guard, give what hardly any moment of a load test at 0.85 of the measured rate reached
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html).
   *
   * @default - none: `capacity` decides alone
   */
  readonly concurrency?: number;
  /**
   * Metric with a value for each answer: the tokens of its prompt and the answer together. Each request then counts as much as its tokens, by the mean
   * of a minute over the `tokensPerRequest` of `capacity`, which must state it, so that longer prompts or answers count as the work that they are. It must be visible when the
   * invocations are, within two minutes, or 20 s with a `metricFrequency` of 10 s; without a value in a minute each request counts once. Any namespace and dimensions of the endpoint's account and
   * Region, no metric math; its statistic, period and unit are not used. docs/capacity-file.md tells where to get it.
   *
   * @default - none: each request counts as one of those that were measured
   */
  readonly tokenMetric?: IMetric;
  /**
   * Share of what instances were measured to serve that they are planned to serve, 0.1 to 0.95, known at synth. More are asked for when a minute was 8 % above
   * it, beside `concurrency` 25 %; fewer are enough when for ten minutes those would have served 0.75 of it. Of a capacity that was measured with priority
   * windows it is 25 % and 0.85 (docs/decisions/0018-late-requests-wait.md).
   *
   * @default 0.6
   */
  readonly utilization?: number;
  /**
   * Wait after a scale-out before the next one, whole seconds up to 1 hour. SageMaker counts it from the end of the scale-out
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy.html).
   *
   * @default Duration.seconds(300) with `capacity`, of which a minute is known two minutes later; Duration.seconds(60) with `concurrency` alone
   */
  readonly scaleOutCooldown?: Duration;
  /**
   * Wait after a scale-in before the next one, whole seconds up to 1 hour.
   *
   * @default Duration.seconds(300)
   */
  readonly scaleInCooldown?: Duration;
  /**
   * Other limits at known times. A real-time endpoint keeps at least one instance, so no minimum of 0.
   *
   * @default - none
   */
  readonly schedules?: ScalingSchedule[];
}

/** How many instances serve an endpoint. */
export class Scaling {
  /**
   * A fixed number of instances: how an endpoint starts.
   *
   * @param instances whole number, 1 to 1,000
   */
  public static fixed(instances: number): Scaling {
    return new Scaling(instances, instances);
  }

  /**
   * As many instances as the traffic needs: by `capacity` more as soon as the requests of a minute need more, and fewer when ten minutes
   * needed fewer (docs/decisions/0017-traffic-sizes-the-fleet.md); by `concurrency` alone with target tracking. An endpoint with `enhancedMetrics` and a
   * `metricFrequency` of 10 s asks for more sooner, in the simulator by 100 s.
   *
   * @param min fewest instances, a whole number from 1 to 1,000
   * @param max most instances, at least `min`, up to 1,000; keep it within the account's quota for the instance type, which is often 0 to 4
   * @param props the measured capacity, and how to use it
   */
  public static between(min: number, max: number, props?: ScalingProps): Scaling {
    return new Scaling(min, max, props ?? {});
  }

  private constructor(
    /** Fewest instances. */
    public readonly minInstances: number,
    /** Most instances. */
    public readonly maxInstances: number,
    private readonly props?: ScalingProps,
  ) {}

  /** Whether the number of instances follows the traffic. */
  public get isAutomatic(): boolean {
    return this.props !== undefined;
  }

  /** What one instance was measured to serve; undefined for a fixed number. */
  public get capacity(): MeasuredCapacity | undefined {
    return this.props?.capacity;
  }

  /** How small and how large the fleet may become. @internal */
  public get _range(): FleetRange {
    return ScalingSchedule._range(this.minInstances, this.maxInstances, this.props?.schedules);
  }

  /** Whether it reads a metric every ten seconds. @internal */
  public get _needsTenSeconds(): boolean {
    return this.props?.concurrency !== undefined;
  }

  /** What to deploy for a variant; undefined for a fixed number. @internal */
  public _plan(endpointName: string, variantName: string, publishedEverySeconds?: number): ScalingPlan | undefined {
    if (this.props === undefined) {
      return undefined;
    }
    const { capacity, tokenMetric, concurrency, utilization, scaleOutCooldown, scaleInCooldown, schedules } = this.props;
    return variantPlan({
      min: this.minInstances,
      max: this.maxInstances,
      measured: capacity?._rates,
      tokens: tokenMetric && countedTokens(tokenMetric),
      utilization,
      concurrency,
      scaleOutCooldownSeconds: scaleOutCooldown?.toSeconds(),
      scaleInCooldownSeconds: scaleInCooldown?.toSeconds(),
      dimensions: { EndpointName: endpointName, VariantName: variantName },
      publishedEverySeconds,
      schedules: (schedules ?? []).map(({ _limits }) => _limits),
    });
  }

  /** @internal */
  public _problems(): string[] {
    const [min, max] = [this.minInstances, this.maxInstances];
    if (!this.isAutomatic) {
      return [...this.countProblems('scaling', min)];
    }
    const problems = [...this.countProblems('scaling.min', min), ...this.countProblems('scaling.max', max)];
    if (![min, max].some((value) => Token.isUnresolved(value)) && max < min) {
      problems.push(`'scaling' has a maximum of ${max} below its minimum of ${min}: swap them`);
    }
    const { capacity, concurrency, utilization } = this.props!;
    if (capacity === undefined && concurrency === undefined) {
      problems.push(
        `'scaling' from ${min} to ${max} has no measured capacity: start with Scaling.fixed(${min}), measure one instance with \`npm run measure\`, ` +
          'then pass the file with MeasuredCapacity.fromFile() (docs/capacity-file.md says how)',
      );
    }
    return [
      ...problems,
      ...(capacity === undefined && concurrency !== undefined && utilization !== undefined
        ? [`'scaling.utilization' is a share of 'capacity': give that too`]
        : []),
      ...tokenProblems(this.props!),
      ...unknownAtSynth('scaling.utilization', utilization),
      ...outsideRange('scaling.utilization', utilization, 0.1, 0.95),
      ...unknownAtSynth('scaling.concurrency', concurrency),
      ...notWhole('scaling.concurrency', concurrency),
      ...outsideRange('scaling.concurrency', concurrency, 1, 10_000),
      ...cooldownProblems('scaling.scaleOutCooldown', this.props?.scaleOutCooldown),
      ...cooldownProblems('scaling.scaleInCooldown', this.props?.scaleInCooldown),
      ...ScalingSchedule._problems('scaling.schedules', this.props?.schedules ?? [], 1, { least: min, most: max }),
    ];
  }

  private countProblems(name: string, count: number): string[] {
    const zero = !Token.isUnresolved(count) && count === 0;
    return zero
      ? [`'${name}' must be at least 1, got 0: a real-time endpoint cannot scale to zero`]
      : [...notWhole(name, count), ...outsideRange(name, count, 1, 1000)];
  }
}

/** Problem when a cool-down is none that the service takes. @internal */
export function cooldownProblems(name: string, value: Duration | undefined): string[] {
  if (value === undefined || value.isUnresolved()) {
    return [];
  }
  const seconds = value.toSeconds({ integral: false });
  return [...outsideRange(`${name}, in seconds,`, seconds, 0, 3600), ...notWhole(`${name}, in seconds,`, seconds)];
}
