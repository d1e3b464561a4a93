import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { InferenceEndpointMetrics } from '../../../lib/constructs/serving';

const metrics = InferenceEndpointMetrics._ofVariant('chat', 'AllTraffic');
const config = (metric: { toMetricConfig: Metric['toMetricConfig'] }) => metric.toMetricConfig().metricStat!;

test.each([
  ['invocations', 'AWS/SageMaker', 'Invocations', 'Sum'],
  ['invocationsPerInstance', 'AWS/SageMaker', 'InvocationsPerInstance', 'Sum'],
  ['clientErrorRate', 'AWS/SageMaker', 'Invocation4XXErrors', 'Average'],
  ['serverErrorRate', 'AWS/SageMaker', 'Invocation5XXErrors', 'Average'],
  ['modelErrorRate', 'AWS/SageMaker', 'InvocationModelErrors', 'Average'],
  ['modelLatency', 'AWS/SageMaker', 'ModelLatency', 'p99'],
  ['overheadLatency', 'AWS/SageMaker', 'OverheadLatency', 'Average'],
  ['concurrentRequests', 'AWS/SageMaker', 'ConcurrentRequestsPerModel', 'Maximum'],
  ['cpuUtilization', '/aws/sagemaker/Endpoints', 'CPUUtilization', 'Average'],
  ['memoryUtilization', '/aws/sagemaker/Endpoints', 'MemoryUtilization', 'Average'],
  ['diskUtilization', '/aws/sagemaker/Endpoints', 'DiskUtilization', 'Maximum'],
  ['gpuUtilization', '/aws/sagemaker/Endpoints', 'GPUUtilization', 'Average'],
  ['gpuMemoryUtilization', '/aws/sagemaker/Endpoints', 'GPUMemoryUtilization', 'Average'],
] as const)('metrics.%s reads %s %s as %s of the variant, without a unit [O1, row 181]', (name, namespace, metricName, statistic) => {
  expect(config(metrics[name]())).toEqual({
    namespace,
    metricName,
    statistic,
    period: Duration.minutes(1),
    dimensions: [
      { name: 'EndpointName', value: 'chat' },
      { name: 'VariantName', value: 'AllTraffic' },
    ],
    unitFilter: undefined,
  });
});

test('period and percentile can be chosen', () => {
  expect(config(metrics.modelLatency({ percentile: 90, period: Duration.minutes(5) }))).toMatchObject({
    statistic: 'p90',
    period: Duration.minutes(5),
  });
});

test('metrics of one configuration add its name to the dimensions [row 81]', () => {
  expect(config(metrics._ofConfig('c-1').serverErrorRate()).dimensions).toEqual([
    { name: 'EndpointConfigName', value: 'c-1' },
    { name: 'EndpointName', value: 'chat' },
    { name: 'VariantName', value: 'AllTraffic' },
  ]);
});

test('failureRate leaves out what the model refused and counts what never got an answer', () => {
  const { expression, usingMetrics, period } = metrics.failureRate({ period: Duration.minutes(5) }).toMetricConfig().mathExpression!;
  expect(expression).toBe('IF(server > model - client, server, model - client) / invocations');
  expect(period).toBe(300);
  expect(Object.values(usingMetrics).every((metric) => config(metric as Metric).statistic === 'Sum')).toBe(true);
});
