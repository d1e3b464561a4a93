import {
  LackingInstances,
  lackingInstances,
  measuredRequests,
  NamedMetric,
  PredefinedMetric,
} from '../../lib/constructs/serving/scaling/policy';
import { Fleet } from '../simulator/fleet';
import { MetricSeries, Published, Statistic } from './metric-series';
import { Semantics } from './semantics';

/** The shortest period of any metric, seconds: the beat of metrics, alarms and scaling. */
export const TICK_SECONDS = 10;
const MINUTE_SECONDS = 60;

/** A metric that alarms can watch, with the statistic and the period that a target tracking policy reads. */
export interface WatchedMetric {
  readonly series: Published;
  readonly statistic: Statistic;
  readonly periodSeconds: number;
  /** How long after its end a period is visible, seconds. */
  readonly publishSeconds: number;
}

/**
 * What an endpoint publishes (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html): invocations are counted by the minute, and each by
 * the number of instances at the time of the request; concurrency is sampled by each instance every ten seconds. The tokens of a request are counted when its answer is
 * complete and published with the invocations of that minute, whoever does that; a minute without an answer has no datapoint.
 */
export class MetricBus {
  private readonly invocations = new MetricSeries(MINUTE_SECONDS);
  private readonly perInstance = new MetricSeries(MINUTE_SECONDS);
  private readonly noCapacity = new MetricSeries(MINUTE_SECONDS);
  private readonly tokens = new MetricSeries(MINUTE_SECONDS);
  private readonly concurrency = new MetricSeries(TICK_SECONDS);
  /** Of asynchronous endpoints alone, which publish no invocations (https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html). */
  private readonly backlog = new MetricSeries(MINUTE_SECONDS);
  private readonly backlogPerInstance = new MetricSeries(MINUTE_SECONDS);
  private readonly withoutCapacity = new MetricSeries(MINUTE_SECONDS);
  private minuteRequests = 0;
  private minuteShares = 0;
  private minuteFailures = 0;
  private counted = { tokens: 0, answers: 0 };

  public constructor(private readonly semantics: Semantics) {}

  public invoked(instances: number): void {
    this.minuteRequests++;
    this.minuteShares += 1 / instances;
  }

  public invokedWithoutInstance(): void {
    this.minuteFailures++;
  }

  /** Ends the period that ends now. */
  public tick(now: number, fleet: Fleet): void {
    const peak = this.semantics.concurrencySample === 'peak';
    let [sum, maximum] = [0, 0];
    for (let place = 0; place < fleet.serving; place++) {
      const value = fleet.concurrency(place, peak);
      sum += value;
      maximum = Math.max(maximum, value);
    }
    fleet.beginPeriod();
    this.concurrency.close(sum, maximum, fleet.serving);
    if (now % MINUTE_SECONDS === 0) {
      this.closeMinute(fleet.serving, fleet.backlog);
      this.closeTokens(fleet);
    }
  }

  /** The metric that a policy names, in periods of this length unless its name says another. Errors `UnsimulatedMetric` for one that the simulator does not publish. */
  public metric(metric: PredefinedMetric | NamedMetric | LackingInstances, periodSeconds = MINUTE_SECONDS): WatchedMetric {
    const { tenSecond, minute, noCapacity } = this.semantics.publishSeconds;
    if (typeof metric === 'string') {
      return this.predefined(metric);
    }
    if (!('statistic' in metric)) {
      const publishSeconds = metric.publishedEverySeconds < MINUTE_SECONDS ? tenSecond : minute;
      return { series: this.lacking(metric), statistic: 'Maximum', periodSeconds, publishSeconds };
    }
    const publishSeconds =
      metric.name === 'NoCapacityInvocationFailures' ? noCapacity : periodSeconds < MINUTE_SECONDS ? tenSecond : minute;
    return { series: this.named(metric.name), statistic: metric.statistic, periodSeconds, publishSeconds };
  }

  private closeMinute(instances: number, backlog: number | undefined): void {
    const idle = this.minuteRequests === 0 && (this.semantics.idleInvocations === 'missing' || instances === 0);
    const silent = idle || backlog !== undefined;
    this.invocations.close(this.minuteRequests, 1, silent ? 0 : Math.max(1, this.minuteRequests));
    this.perInstance.close(this.minuteShares, 1, silent ? 0 : Math.max(1, this.minuteRequests));
    this.noCapacity.close(this.minuteFailures, 1, this.minuteFailures);
    this.minuteRequests = this.minuteShares = this.minuteFailures = 0;
    const queued = backlog ?? 0;
    this.backlog.close(queued, queued, backlog === undefined ? 0 : 1);
    this.backlogPerInstance.close(queued / instances, queued / instances, backlog === undefined || instances === 0 ? 0 : 1);
    const stranded = queued > 0 && instances === 0 ? 1 : 0;
    this.withoutCapacity.close(stranded, stranded, backlog === undefined ? 0 : 1);
  }

  private closeTokens({ tokens, answers }: Fleet): void {
    const [more, samples] = [tokens - this.counted.tokens, answers - this.counted.answers];
    this.tokens.close(more, more, samples);
    this.counted = { tokens, answers };
  }

  /** As the metric math of the constructs has it (lib/constructs/serving/endpoint/endpoint-scaling.ts). */
  private lacking(metric: LackingInstances): Published {
    const { keptSeconds, periodSeconds } = this.invocations;
    return {
      periodSeconds,
      keptSeconds,
      statistic: (end, seconds) => {
        const requests = this.invocations.statistic(end, seconds, 'Sum');
        const instances = requests / this.perInstance.statistic(end, seconds, 'Sum');
        const work = measuredRequests(metric, requests, this.tokens.statistic(end, seconds, 'Average'));
        return Number.isNaN(instances) ? -1 : lackingInstances(metric, work, seconds, instances);
      },
    };
  }

  private predefined(type: PredefinedMetric): WatchedMetric {
    const { tenSecond, minute } = this.semantics.publishSeconds;
    switch (type) {
      case 'SageMakerVariantInvocationsPerInstance':
      case 'SageMakerInferenceComponentInvocationsPerCopy':
        return { series: this.perInstance, statistic: 'Sum', periodSeconds: MINUTE_SECONDS, publishSeconds: minute };
      case 'SageMakerVariantConcurrentRequestsPerModelHighResolution':
      case 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution':
        return {
          series: this.concurrency,
          statistic: this.semantics.concurrencyStatistic,
          periodSeconds: TICK_SECONDS,
          publishSeconds: tenSecond,
        };
      case 'SageMakerVariantProvisionedConcurrencyUtilization':
        throw new Error(`UnsimulatedMetric: '${type}' is of serverless endpoints, which have no instances to simulate`);
    }
  }

  private named(name: string): MetricSeries {
    const known: Readonly<Record<string, MetricSeries>> = {
      Invocations: this.invocations,
      InvocationsPerInstance: this.perInstance,
      InvocationsPerCopy: this.perInstance,
      ConcurrentRequestsPerModel: this.concurrency,
      ConcurrentRequestsPerCopy: this.concurrency,
      NoCapacityInvocationFailures: this.noCapacity,
      ApproximateBacklogSize: this.backlog,
      ApproximateBacklogSizePerInstance: this.backlogPerInstance,
      HasBacklogWithoutCapacity: this.withoutCapacity,
    };
    if (!Object.hasOwn(known, name)) {
      throw new Error(`UnsimulatedMetric: '${name}' is not published by the simulator: use one of ${Object.keys(known).join(', ')}`);
    }
    return known[name];
  }
}
