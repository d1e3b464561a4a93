import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceEndpoint, InferenceEndpointProps, InstanceType, Slo } from '../../../lib/constructs/serving';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { AlarmBoard, AlertDestination, Owner, Owners } from '../../../lib/constructs/ownership';

const made: string[] = [];
afterAll(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

/** A temporary folder with these files; removed after the tests of the file. */
export function folder(files: Record<string, string | Buffer>): string {
  const path = mkdtempSync(join(tmpdir(), 'test-'));
  made.push(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

export const CAPACITY = {
  version: 1,
  model: 'delay',
  instance: 'ml.m5.large',
  image: 'sagemaker-scikit-learn:1.4-2-cpu-py3',
  requestsPerSecondPerInstance: 40,
  latencyPercentile: 99,
  latencyBelowMs: 500,
  measuredOn: '2026-05-31',
  tool: 'load-generator 1.0',
};

export const image = InferenceImage.scikitLearn('1.4-2');
export const tarball = (stack: Stack, key = 'models/delay/1/model.tar.gz') =>
  ModelSource.fromTarball(Bucket.fromBucketName(stack, 'Models', 'my-models'), key, { image });

/** An endpoint with the fewest properties and whatever the test adds. */
export function endpoint(stack: Stack, props: Partial<InferenceEndpointProps> = {}): InferenceEndpoint {
  return new InferenceEndpoint(stack, 'Chat', {
    model: props.model ?? tarball(stack),
    instance: InstanceType.ML_M5_LARGE,
    slo: Slo.latency({ percentile: 99, below: Duration.millis(500) }),
    endpointName: 'flights-dev-delay',
    ...props,
  });
}

/** A board in the stack, so that somebody hears of its alarms. */
export function board(stack: Stack): void {
  const team = new Owner({ team: 'ml-platform', contact: 'x@example.com', page: [AlertDestination.email('x@example.com')] });
  const owners = Owners.byLayer({
    data: team,
    models: team,
    serving: team,
    delivery: team,
    integration: team,
    observability: team,
    infrastructure: team,
    product: team,
  });
  new AlarmBoard(stack, 'Board', { owners, namePrefix: 'p' }).attachTo(stack);
}
