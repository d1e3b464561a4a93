import { describeWith, invokeWith } from '../../../runtime/inference-api/handler';
import { measureWith, metricsFor } from '../../../runtime/shared/telemetry';

describe('calls of SageMaker', () => {
  test('carry body, inference id and correlation id [O6], and end with the time that the route has', async () => {
    const seen: { input?: object; signal?: AbortSignal } = {};
    const send = (command: { input: object }, options: { abortSignal: AbortSignal }) => {
      Object.assign(seen, { input: command.input, signal: options.abortSignal });
      return Promise.resolve({ Body: Buffer.from('{"outputs":[]}'), InvokedProductionVariant: 'AllTraffic' });
    };
    const invoke = invokeWith({ send: send as never }, 50);
    expect(await invoke('e', '{"a":"ä"}', 'p-1', 'c-1')).toEqual({ body: '{"outputs":[]}', variant: 'AllTraffic' });
    expect(seen.input).toEqual({
      EndpointName: 'e',
      Body: Buffer.from('{"a":"ä"}'),
      ContentType: 'application/json',
      Accept: 'application/json',
      InferenceId: 'p-1',
      CustomAttributes: 'correlation-id=c-1',
    });
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(seen.signal?.aborted).toBe(true);
  });

  test('find no endpoint where SageMaker finds none, and pass on every other error', async () => {
    const failing = (message: string) => describeWith({ send: (() => Promise.reject(new Error(message))) as never });
    expect(await failing('Could not find endpoint "arn:aws:sagemaker:x".')('e')).toBeUndefined();
    await expect(failing('Rate exceeded')('e')).rejects.toThrow('Rate exceeded');
    expect(await describeWith({ send: (() => Promise.resolve({ EndpointStatus: 'InService' })) as never })('e')).toBe('InService');
  });
});

test('metrics carry exactly the dimension that the alarms look at [O1]', () => {
  const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const console_ = jest.spyOn(console, 'log').mockReturnValue();
  const metrics = metricsFor({ Api: 'flights-dev' });
  measureWith(metrics)('Predictions', 1);
  measureWith(metrics)('ModelTime', 12, 'Milliseconds');
  metrics.publishStoredMetrics();
  const line = [...written.mock.calls, ...console_.mock.calls].map(([text]) => String(text)).find((text) => text.includes('_aws'))!;
  jest.restoreAllMocks();
  const emf = JSON.parse(line);
  expect(emf._aws.CloudWatchMetrics).toEqual([
    {
      Namespace: 'AiWorkloads',
      Dimensions: [['Api']],
      Metrics: [
        { Name: 'Predictions', Unit: 'Count' },
        { Name: 'ModelTime', Unit: 'Milliseconds' },
      ],
    },
  ]);
  expect(emf).toMatchObject({ Api: 'flights-dev', Predictions: 1, ModelTime: 12 });
});
