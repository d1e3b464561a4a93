import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AsyncEndpointMetrics } from '../../../lib/constructs/serving';

const metrics = AsyncEndpointMetrics._ofVariant('reports', 'AllTraffic');
const config = (metric: { toMetricConfig: Metric['toMetricConfig'] }) => metric.toMetricConfig().metricStat!;
const ENDPOINT = { name: 'EndpointName', value: 'reports' };
const VARIANT = { name: 'VariantName', value: 'AllTraffic' };

test.each([
  ['backlogSize', 'ApproximateBacklogSize', 'Maximum', [ENDPOINT]],
  ['backlogSizePerInstance', 'ApproximateBacklogSizePerInstance', 'Average', [ENDPOINT]],
  ['oldestRequestAge', 'ApproximateAgeOfOldestRequest', 'Maximum', [ENDPOINT]],
  ['backlogWithoutCapacity', 'HasBacklogWithoutCapacity', 'Maximum', [ENDPOINT]],
  ['invocationsProcessed', 'InvocationsProcessed', 'Sum', [ENDPOINT, VARIANT]],
  ['invocationFailures', 'InvocationFailures', 'Sum', [ENDPOINT, VARIANT]],
  ['expiredRequests', 'ExpiredRequests', 'Sum', [ENDPOINT, VARIANT]],
  ['requestDownloadFailures', 'RequestDownloadFailures', 'Sum', [ENDPOINT, VARIANT]],
  ['responseUploadFailures', 'ResponseUploadFailures', 'Sum', [ENDPOINT, VARIANT]],
  ['notificationFailures', 'NotificationFailures', 'Sum', [ENDPOINT, VARIANT]],
  ['timeInBacklog', 'TimeInBacklog', 'Average', [ENDPOINT, VARIANT]],
  ['totalProcessingTime', 'TotalProcessingTime', 'Average', [ENDPOINT, VARIANT]],
  ['clientErrorRate', 'Invocation4XXErrors', 'Average', [ENDPOINT, VARIANT]],
  ['serverErrorRate', 'Invocation5XXErrors', 'Average', [ENDPOINT, VARIANT]],
  ['modelLatency', 'ModelLatency', 'p99', [ENDPOINT, VARIANT]],
] as const)(
  'metrics.%s reads %s as %s, by the dimensions that are published, without a unit [O1, row 106, 181]',
  (name, metricName, statistic, dimensions) => {
    expect(config(metrics[name]())).toEqual({
      namespace: 'AWS/SageMaker',
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensions,
      unitFilter: undefined,
    });
  },
);

test('instances are read as on every endpoint', () => {
  expect(config(metrics.cpuUtilization({ period: Duration.minutes(5) }))).toMatchObject({
    namespace: '/aws/sagemaker/Endpoints',
    dimensions: [ENDPOINT, VARIANT],
    period: Duration.minutes(5),
  });
});

test('there is nothing that asynchronous endpoints do not publish [row 106]', () => {
  for (const name of ['invocations', 'invocationsPerInstance', 'overheadLatency', 'concurrentRequests']) {
    expect(name in metrics).toBe(false);
  }
});

/** The expression of a rate, computed for one period as CloudWatch would: what is missing is undefined. */
function rate(sums: { failed?: number; client?: number; server?: number; answered?: number }, minimum?: number): number {
  const { expression } = (minimum === undefined ? metrics.failureRate() : metrics._failureRateAbove(minimum, {})).toMetricConfig()
    .mathExpression!;
  const math = {
    FILL: (value: number | undefined, filler: number) => value ?? filler,
    MAX: (values: number[]) => Math.max(...values),
    IF: (condition: boolean, then: number, otherwise: number) => (condition ? then : otherwise),
  };
  const scope = { failed: undefined, client: undefined, server: undefined, answered: undefined, ...sums, ...math };
  return new Function(...Object.keys(scope), `return ${expression}`)(...Object.values(scope));
}

test.each([
  [{ failed: 4, client: 4, server: 0, answered: 10 }, 0],
  [{ failed: 5, client: 4, server: 1, answered: 10 }, 0.1],
  [{ failed: 2, client: 0, server: 2, answered: 4 }, 0.5],
  [{ server: 3, client: 0, answered: 4 }, 0.75],
  [{ failed: 3 }, 1],
  [{ failed: 8, client: 0, server: 0, answered: 2 }, 1],
])('failureRate of %j is %d: bad input does not count, what the model never saw does', (sums, expected) => {
  expect(rate(sums)).toBeCloseTo(expected);
});

test('a single failure is no incident', () => {
  expect(rate({ failed: 1, client: 0, server: 1, answered: 1 }, 2)).toBe(0);
  expect(rate({ failed: 2, client: 0, server: 1, answered: 4 }, 2)).toBe(0.5);
  expect(rate({ failed: 2, client: 1, server: 1, answered: 4 }, 2)).toBe(0);
});
