/**
 * Dimensions with which SageMaker publishes its metrics. Sources:
 * https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html and
 * https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html.
 */
interface MetricGroup {
  readonly namespace: string;
  readonly dimensions: readonly string[];
  readonly metrics: readonly string[];
}

const INVOCATIONS = [
  'Invocations',
  'Invocation4XXErrors',
  'Invocation5XXErrors',
  'InvocationModelErrors',
  'MidStreamErrors',
  'ModelLatency',
  'OverheadLatency',
  'FirstChunkLatency',
  'FirstChunkModelLatency',
  'FirstChunkOverheadLatency',
];
const BY_VARIANT = ['EndpointName', 'VariantName'];

const GROUPS: readonly MetricGroup[] = [
  {
    namespace: 'AWS/SageMaker',
    dimensions: BY_VARIANT,
    metrics: [
      ...INVOCATIONS,
      'InvocationsPerInstance',
      'ConcurrentRequestsPerModel',
      'RequestDownloadFailures',
      'ResponseUploadFailures',
      'NotificationFailures',
      'ExpiredRequests',
      'InvocationFailures',
      'TimeInBacklog',
      'TotalProcessingTime',
    ],
  },
  {
    namespace: 'AWS/SageMaker',
    dimensions: ['InferenceComponentName'],
    metrics: [...INVOCATIONS, 'InvocationsPerCopy', 'ConcurrentRequestsPerCopy', 'NoCapacityInvocationFailures'],
  },
  {
    namespace: 'AWS/SageMaker',
    dimensions: ['EndpointName'],
    metrics: ['ApproximateBacklogSize', 'ApproximateBacklogSizePerInstance', 'ApproximateAgeOfOldestRequest', 'HasBacklogWithoutCapacity'],
  },
  {
    namespace: '/aws/sagemaker/Endpoints',
    dimensions: BY_VARIANT,
    metrics: ['CPUUtilization', 'GPUUtilization', 'GPUMemoryUtilization', 'MemoryUtilization', 'DiskUtilization'],
  },
];

/**
 * Dimensions that refine a metric of a variant or a component
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch-enhanced-metrics.html,
 * https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-metrics.html).
 */
const REFINEMENTS = [
  ...BY_VARIANT,
  'InferenceComponentName',
  'EndpointConfigName',
  'InstanceType',
  'InstanceId',
  'ContainerId',
  'AcceleratorId',
];

/** Metrics in microseconds. @internal */
export const MICROSECONDS: readonly string[] = INVOCATIONS.filter((name) => name.endsWith('Latency'));

/** Metrics that are 0 or 1 for each request, so that their average lies between. @internal */
export const FLAGS: readonly string[] = ['Invocation4XXErrors', 'Invocation5XXErrors', 'InvocationModelErrors', 'MidStreamErrors'];

/** Metrics that asynchronous endpoints do not publish. @internal */
export const NOT_ASYNC: readonly string[] = ['Invocations', 'InvocationsPerInstance', 'OverheadLatency'];

/** Namespaces of endpoints, however somebody may have spelt them. @internal */
export const isSageMaker = (namespace: string | undefined): boolean =>
  namespace !== undefined && ['aws/sagemaker', 'aws/sagemaker/endpoints', 'aws/sagemaker/inferencecomponents'].includes(plain(namespace));

const plain = (namespace: string) => namespace.toLowerCase().replace(/^\//, '');

/**
 * A metric with the namespace or the dimensions under which endpoints do not publish it; undefined when they do, and for metrics that are
 * not listed: a new one is no mistake. Without spaces, which CDK would change in the id of an acknowledgement.
 *
 * @internal
 */
export function neverPublished(namespace: string, name: string, dimensions: readonly string[]): string | undefined {
  const groups = isSageMaker(namespace) ? GROUPS.filter(({ metrics }) => metrics.includes(name)) : [];
  if (groups.length === 0 || dimensions.includes('ContainerName')) {
    return undefined;
  }
  if (groups.every((group) => group.namespace !== namespace)) {
    return `${name}::${namespace}`;
  }
  const fits = (base: readonly string[]) => {
    const rest = dimensions.filter((dimension) => !base.includes(dimension));
    const refined = base.length === 1 && base[0] === 'EndpointName' ? rest.length === 0 : rest.every((one) => REFINEMENTS.includes(one));
    return base.every((dimension) => dimensions.includes(dimension)) && refined;
  };
  return groups.some((group) => fits(group.dimensions)) ? undefined : `${name}::${[...dimensions].sort().join('+') || 'no-dimension'}`;
}
