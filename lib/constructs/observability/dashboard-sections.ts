import { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { DataIntake } from '../data';
import { InferenceApi } from '../integration';
import { AsyncEndpoint, InferenceComponent, InferenceEndpoint } from '../serving';

/** One graph of a dashboard. */
export interface DashboardGraph {
  /** Title above the graph. */
  readonly title: string;
  /** Lines of the graph, 1 to 10. */
  readonly metrics: IMetric[];
  /**
   * Unit on the axis.
   *
   * @default - that of the metrics
   */
  readonly unit?: string;
  /**
   * A line that must not be crossed, in the unit of the metrics.
   *
   * @default - none
   */
  readonly limit?: number;
}

/** What one layer shows on the dashboard of its workload. */
export interface DashboardSection {
  /** Heading. */
  readonly title: string;
  /**
   * One or two sentences in Markdown on how to read the graphs.
   *
   * @default - none
   */
  readonly text?: string;
  /** Graphs, three to a row. */
  readonly graphs: DashboardGraph[];
}

/** What the one on call asks of an intake. @internal */
export function intakeSection({ dataset, metrics }: DataIntake): DashboardSection {
  return {
    title: `Data: ${dataset}`,
    text: 'Every record read is valid or in quarantine; a file is accounted for or rejected as a whole.',
    graphs: [
      { title: 'Records', metrics: [metrics.rowsValid(), metrics.rowsQuarantined()] },
      { title: 'Files', metrics: [metrics.filesAccounted(), metrics.filesRejected(), metrics.filesUnaccounted()] },
      { title: 'Oldest file that waits', metrics: [metrics.ageOfOldestMessage()], unit: 's' },
    ],
  };
}

/** What the one on call asks of an endpoint. @internal */
export function endpointSection({ endpointName, metrics, slo }: InferenceEndpoint): DashboardSection {
  const percentile = slo.latencyPercentile ?? 99;
  return {
    title: `Serving: ${endpointName}`,
    text: 'Errors are shares of requests, 0 to 1; the line is what the endpoint promises.',
    graphs: [
      { title: 'Requests', metrics: [metrics.invocations(), metrics.concurrentRequests()] },
      { title: 'Failures', metrics: [metrics.failureRate()], limit: slo._errorBudget },
      {
        title: `Model latency, p${percentile}`,
        metrics: [metrics.modelLatency({ percentile })],
        unit: 'µs',
        limit: slo.latencyBelow && slo.latencyBelow.toMilliseconds() * 1000,
      },
      { title: 'CPU and memory', metrics: [metrics.cpuUtilization(), metrics.memoryUtilization()], unit: '%' },
    ],
  };
}

/** What the one on call asks of an asynchronous endpoint. @internal */
export function asyncEndpointSection({ endpointName, metrics, slo }: AsyncEndpoint): DashboardSection {
  return {
    title: `Serving: ${endpointName}`,
    text: 'Failures are shares of invocations, 0 to 1; the lines are what the endpoint promises.',
    graphs: [
      { title: 'Queue', metrics: [metrics.backlogSize(), metrics.backlogSizePerInstance()] },
      { title: 'Failures', metrics: [metrics.failureRate()], limit: slo._errorBudget },
      { title: 'Oldest request', metrics: [metrics.oldestRequestAge()], unit: 's', limit: slo.within.toSeconds() },
    ],
  };
}

/** What the one on call asks of an inference component. @internal */
export function componentSection({ componentName, metrics, slo }: InferenceComponent): DashboardSection {
  const percentile = slo.latencyPercentile ?? 99;
  return {
    title: `Serving: ${componentName}`,
    text: 'Failures are shares of requests, 0 to 1; the line is what the component promises. Requests without a copy wake it.',
    graphs: [
      { title: 'Requests', metrics: [metrics.invocations(), metrics.noCapacityFailures()] },
      { title: 'Load of a copy', metrics: [metrics.invocationsPerCopy(), metrics.concurrentRequestsPerCopy()] },
      { title: 'Failures', metrics: [metrics.failureRate()], limit: slo._errorBudget },
      {
        title: `Model latency, p${percentile}`,
        metrics: [metrics.modelLatency({ percentile })],
        unit: 'µs',
        limit: slo.latencyBelow && slo.latencyBelow.toMilliseconds() * 1000,
      },
      { title: 'GPU and its memory', metrics: [metrics.gpuUtilization(), metrics.gpuMemoryUtilization()], unit: '%' },
    ],
  };
}

/** What the one on call asks of the front door. @internal */
export function apiSection({ apiName, metrics }: InferenceApi): DashboardSection {
  return {
    title: `API: ${apiName}`,
    text: 'Predictions end labelled or expired; without labels nobody knows whether the model works.',
    graphs: [
      { title: 'Answers', metrics: [metrics.predictions(), metrics.modelUnavailable(), metrics.apiFaults()] },
      { title: 'Time of the model', metrics: [metrics.modelTimeInMilliseconds()], unit: 'ms' },
      { title: 'Ground truth', metrics: [metrics.labelled(), metrics.expired(), metrics.open()] },
      { title: 'Label coverage', metrics: [metrics.labelCoverage()], unit: '%' },
    ],
  };
}
