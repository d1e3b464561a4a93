import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import {
  BacklogScaling,
  BatchScoring,
  BatchSlo,
  ComponentEndpoint,
  InferenceEndpointProps,
  InstanceType,
  Rollout,
  Scaling,
  ScalingSchedule,
  ServerlessEndpoint,
  Slo,
} from '../../../lib/constructs/serving';
import { number } from '../../support/random-constructs';
import { CONTEXT } from '../../support/synth';
import { asyncEndpoint } from './async-fixtures';
import { board, endpoint, tarball } from './fixtures';

const { ML_M5_LARGE, ML_M5_XLARGE, ML_G5_XLARGE } = InstanceType;
const GRANTED = 'cdk-ai-workloads:grantedQuotas';
const US = { account: '111122223333', region: 'us-east-1' };
const ALL = 'Number of instances across active endpoints';

const appWith = (granted?: unknown) => new App({ context: { ...CONTEXT, ...(granted === undefined ? {} : { [GRANTED]: granted }) } });

function stackWith(app: App, id: string, props: Partial<InferenceEndpointProps>): Stack {
  const stack = new Stack(app, id, { env: US });
  board(stack);
  endpoint(stack, props);
  return stack;
}

/** Quota and number of the file beside the template. */
function needs(props: Partial<InferenceEndpointProps>): Record<string, number> {
  const app = appWith();
  stackWith(app, 'Serving', props);
  const { directory } = app.synth();
  const manifest = JSON.parse(readFileSync(join(directory, 'Serving.quotas.json'), 'utf8'));
  return Object.fromEntries(manifest.quotas.map(({ quota, needed }: { quota: string; needed: number }) => [quota, needed]));
}

describe('the quotas of a stack [A5, row 52, 53]', () => {
  test('lie beside its template, which does not say them', () => {
    const app = appWith();
    const stack = stackWith(app, 'Serving', { scaling: Scaling.fixed(3) });
    const { directory } = app.synth();
    expect(JSON.parse(readFileSync(join(directory, 'Serving.quotas.json'), 'utf8'))).toEqual({
      version: 1,
      stack: 'Serving',
      ...US,
      service: 'sagemaker',
      unknown: [],
      quotas: [
        {
          quota: 'ml.m5.large for endpoint usage',
          needed: 6,
          for: [{ name: 'flights-dev-delay/AllTraffic', serving: 3, update: 3 }],
        },
        { quota: ALL, needed: 6, for: [{ name: 'flights-dev-delay/AllTraffic', serving: 3, update: 3 }] },
      ],
    });
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain('endpoint usage');
  });

  test('count the largest fleet that scaling and schedules make, and what an update takes beside it', () => {
    const schedule = ScalingSchedule.at({ name: 'day', schedule: Schedule.cron({ hour: '7' }), max: 10 });
    const scaling = Scaling.between(4, 8, { concurrency: 4, schedules: [schedule] });
    expect(needs({ scaling })['ml.m5.large for endpoint usage']).toBe(20);
    expect(needs({ scaling, rollout: Rollout.rolling({ batchPercent: 25 }) })['ml.m5.large for endpoint usage']).toBe(12);
    expect(needs({ scaling, rollout: Rollout.rolling({ batchPercent: 25, rollbackPercent: 100 }) })['ml.m5.large for endpoint usage']).toBe(
      20,
    );
    expect(needs({ scaling, rollout: Rollout.canary() })['ml.m5.large for endpoint usage']).toBe(20);
    expect(needs({ instance: ML_G5_XLARGE, scaling: Scaling.fixed(4) })['ml.g5.xlarge for endpoint usage']).toBe(6);
  });

  test('count each type that may serve, and each variant', () => {
    expect(needs({ scaling: Scaling.fixed(2), fallbackInstances: [ML_M5_XLARGE] })).toEqual({
      'ml.m5.large for endpoint usage': 4,
      'ml.m5.xlarge for endpoint usage': 4,
      [ALL]: 4,
    });
    const app = appWith();
    const stack = new Stack(app, 'Serving', { env: US });
    const bucket = Bucket.fromBucketName(stack, 'Other', 'my-models');
    const model = ModelSource.fromTarball(bucket, 'b/model.tar.gz', { image: InferenceImage.scikitLearn('1.4-2') });
    board(stack);
    endpoint(stack, { variants: [{ name: 'b', weight: 1, model, instance: ML_M5_XLARGE, scaling: Scaling.fixed(2) }] });
    new ComponentEndpoint(stack, 'Shared', { instance: ML_M5_LARGE, maxInstances: 3 });
    const { quotas } = JSON.parse(readFileSync(join(app.synth().directory, 'Serving.quotas.json'), 'utf8'));
    expect(quotas.map(({ quota, needed }: { quota: string; needed: number }) => [quota, needed])).toEqual([
      ['ml.m5.large for endpoint usage', 8],
      [ALL, 12],
      ['ml.m5.xlarge for endpoint usage', 4],
    ]);
  });

  test('count every mode: instances of asynchronous endpoints, concurrency of serverless ones, jobs of batch scorings', () => {
    const app = appWith();
    const stack = new Stack(app, 'Serving', { env: US });
    board(stack);
    const model = tarball(stack);
    const bucket = Bucket.fromBucketName(stack, 'Scores', 'my-scores');
    asyncEndpoint(stack, { model, scaling: BacklogScaling.between(0, 3, { backlogPerInstance: 5 }) });
    new ServerlessEndpoint(stack, 'Serverless', { endpointName: 'rare', model, slo: Slo.availability(99), maxConcurrency: 7 });
    new BatchScoring(stack, 'Nightly', {
      scoringName: 'nightly',
      model,
      instance: ML_M5_XLARGE,
      instanceCount: 2,
      slo: BatchSlo.finished({ within: Duration.hours(2) }),
      input: { bucket, prefix: 'in' },
      output: { bucket, prefix: 'out' },
    });
    const { quotas } = JSON.parse(readFileSync(join(app.synth().directory, 'Serving.quotas.json'), 'utf8'));
    expect(Object.fromEntries(quotas.map(({ quota, needed }: { quota: string; needed: number }) => [quota, needed]))).toEqual({
      'ml.m5.large for endpoint usage': 6,
      [ALL]: 6,
      'Maximum total concurrency that can be allocated across all serverless endpoints': 7,
      'ml.m5.xlarge for transform job usage': 2,
    });
  });

  test('say of what only the deployment knows that it is not in them', () => {
    const app = appWith();
    stackWith(app, 'Serving', { scaling: Scaling.fixed(number(3)) });
    const { quotas, unknown } = JSON.parse(readFileSync(join(app.synth().directory, 'Serving.quotas.json'), 'utf8'));
    expect([quotas, unknown]).toEqual([[], ['flights-dev-delay/AllTraffic']]);
  });

  test('are compared with what the account has, over all stacks in one environment', () => {
    const two = (granted?: unknown) => () => {
      const app = appWith(granted);
      stackWith(app, 'A', { endpointName: 'a', scaling: Scaling.fixed(2) });
      stackWith(app, 'B', { endpointName: 'b' });
      app.synth();
    };
    expect(two()).not.toThrow();
    expect(two({ 'ml.m5.large for endpoint usage': 6 })).not.toThrow();
    expect(two({ 'ml.g5.xlarge for endpoint usage': 0 })).not.toThrow();
    expect(two({ 'ml.m5.large for endpoint usage': 5 })).toThrow(
      "InvalidQuota: 'ml.m5.large for endpoint usage' is 5, but 6 are needed by a/AllTraffic (2 and 2 more in an update), b/AllTraffic (1 and 1 more " +
        'in an update): ask for 6 in Service Quotas, or have fewer instances',
    );
    expect(two({ [ALL]: 4 })).toThrow(`InvalidQuota: '${ALL}' is 4, but 6 are needed`);
  });

  test.each([[5], ['many'], [{ 'ml.m5.large for endpoint usage': '4' }], [{ 'ml.m5.large for endpoint usage': -1 }], [null]])(
    'cannot be compared with %j',
    (granted) => {
      const app = appWith(granted);
      stackWith(app, 'A', {});
      expect(() => app.synth()).toThrow(`InvalidQuota: context '${GRANTED}' must map names of quotas to whole numbers`);
    },
  );
});
