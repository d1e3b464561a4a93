import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { loadBlueprint } from '../../lib/config/load';
import { EndpointConfig } from '../../lib/config/schema';
import { rolloutOf } from '../../lib/stacks/capacity';
import { ServingStack } from '../../lib/stacks/serving-stack';
import { Rollout } from '../../lib/constructs/serving';
import { CAPACITY, folder } from '../constructs/serving/fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

/** The serving stack of config/dev.yaml with other settings of its endpoint. */
function template(settings: Partial<EndpointConfig>): Template {
  const config = loadBlueprint('config/dev.yaml');
  const { delay } = config.endpoints;
  const app = new App();
  const captureBucket = Bucket.fromBucketName(new Stack(app, 'Data'), 'Capture', 'capture');
  const endpoints = { delay: { ...delay, model: { tarball: 's3://my-models/delay/1/model.tar.gz' }, ...settings } };
  const stack = new ServingStack(app, 'Serving', { ...config, region: 'us-east-1', endpoints }, { name: 'delay', captureBucket });
  return Template.fromStack(stack);
}

const deployment = (settings: Partial<EndpointConfig>): Shape =>
  (Object.values(template(settings).findResources('AWS::SageMaker::Endpoint'))[0] as Shape).Properties.DeploymentConfig;
const variant = (settings: Partial<EndpointConfig>): Shape =>
  (Object.values(template(settings).findResources('AWS::SageMaker::EndpointConfig'))[0] as Shape).Properties.ProductionVariants[0];
const gpu: Partial<EndpointConfig> = { instance: 'ml.g6.2xlarge', image: { pytorch: '2.6.0', accelerator: 'gpu' } };

describe('an endpoint of the file [W7]', () => {
  test.each([
    [{ way: 'auto', bakeSeconds: 500 }, Rollout.auto, 'ALL_AT_ONCE'],
    [{ way: 'allAtOnce', bakeSeconds: 500 }, Rollout.allAtOnce, 'ALL_AT_ONCE'],
    [{ way: 'canary', bakeSeconds: 500, percent: 25 }, Rollout.canary, 'CANARY'],
    [{ way: 'linear', bakeSeconds: 500, stepPercent: 25 }, Rollout.linear, 'LINEAR'],
  ] as const)('is updated as %j says', (rollout, _way, type) => {
    expect(rolloutOf(rollout)).toBeInstanceOf(Rollout);
    const { TrafficRoutingConfiguration: traffic } = deployment({ rollout, scaling: { fixed: 4 } }).BlueGreenUpdatePolicy;
    expect(traffic).toMatchObject({ Type: type, WaitIntervalInSeconds: 500 });
    expect(traffic.CanarySize ?? traffic.LinearStepSize).toEqual(
      type === 'ALL_AT_ONCE' ? undefined : { Type: 'CAPACITY_PERCENT', Value: 25 },
    );
  });

  test('is replaced batch by batch as it says', () => {
    const rollout = { way: 'rolling', batchPercent: 25, rollbackPercent: 50 } as const;
    expect(deployment({ rollout, scaling: { fixed: 4 } }).RollingUpdatePolicy).toMatchObject({
      MaximumBatchSize: { Value: 25 },
      RollbackMaximumBatchSize: { Value: 50 },
    });
  });

  test('starts from the machine image of the file', () => {
    expect(variant(gpu).InferenceAmiVersion).not.toBe('al2023-ami-sagemaker-inference-gpu-4-1');
    expect(variant({ ...gpu, amiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1' }).InferenceAmiVersion).toBe(
      'al2023-ami-sagemaker-inference-gpu-4-1',
    );
  });

  test('is refused where the model of the file does not fit', () => {
    expect(() => template({ ...gpu, modelSize: { parameters: 70e9 } })).toThrow(/ml\.g6\.2xlarge has 22\.4 GiB of GPU memory/);
    expect(() => template({ ...gpu, modelSize: { weightsGiB: 40 } })).toThrow(/the weights alone need 40 GiB/);
    expect(variant({ ...gpu, modelSize: { parameters: 8e9, precision: 'bf16' as never } }).InstanceType).toBe('ml.g6.2xlarge');
  });

  test('guards its scaling by concurrent requests as the file says', () => {
    const capacity = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    template({ scaling: { min: 1, max: 4, capacity, concurrency: 8 } }).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ConcurrentRequestsPerModel',
      Threshold: 8,
    });
  });

  test('counts requests as much as the tokens of the metric that the file names', () => {
    const capacity = `${folder({ 'c.json': JSON.stringify({ ...CAPACITY, tokensPerRequest: 1366 }) })}/c.json`;
    const tokenMetric = { namespace: 'chat', name: 'Tokens', dimensions: { Stage: 'dev', Service: 'chat' } };
    const alarms = Object.values(
      template({ scaling: { min: 1, max: 4, capacity, tokenMetric } }).findResources('AWS::CloudWatch::Alarm'),
    ) as Shape[];
    const counted = alarms.flatMap(({ Properties }) => Properties.Metrics ?? []).filter(({ Id }: Shape) => Id === 'tokens');
    const dimensions = [
      { Name: 'Service', Value: 'chat' },
      { Name: 'Stage', Value: 'dev' },
    ];
    const metric = { Namespace: 'chat', MetricName: 'Tokens', Dimensions: dimensions };
    const query = { Id: 'tokens', MetricStat: { Metric: metric, Period: 60, Stat: 'Average' }, ReturnData: false };
    expect(counted).toEqual([query, query]);
  });

  test('scales by the clock of the file', () => {
    const capacity = `${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`;
    const schedules = [
      { name: 'day', cron: '0 7 ? * MON-FRI *', timeZone: 'Europe/Berlin', min: 2 },
      { name: 'launch', at: '2026-12-24T06:00:00', max: 8 },
    ];
    template({ scaling: { min: 1, max: 4, capacity, schedules } }).hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      ScheduledActions: [
        {
          ScheduledActionName: 'day',
          Schedule: 'cron(0 7 ? * MON-FRI *)',
          Timezone: 'Europe/Berlin',
          ScalableTargetAction: { MinCapacity: 2 },
        },
        {
          ScheduledActionName: 'launch',
          Schedule: 'at(2026-12-24T06:00:00)',
          Timezone: 'Etc/UTC',
          ScalableTargetAction: { MaxCapacity: 8 },
        },
      ],
    });
  });
});
