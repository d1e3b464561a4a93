// Releases in a real AWS account, for its holder: see README.md beside this file. Against a local account it proves that the program itself works.
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudFormationClient, DescribeStackResourcesCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateModelCommand, DeleteModelCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { loadBlueprint } from '../../lib/config/load';
import { filesOf, packFolder } from '../../lib/constructs/models/archive';
import scikit from '../../lib/constructs/models/data/scikit-learn.json';
import { physicalName } from '../../lib/constructs/shared/names';
import type { Clients } from '../../local/start/clients';
import { Checks } from '../e2e/checks';
import { until } from '../e2e/programs';
import { ReleaseWorld } from '../e2e/release-world';

const ROOT = join(__dirname, '../..');
/** A fleet starts in minutes, is watched for seven and kept for ten more. */
const RELEASE_SECONDS = 3600;
const checks = new Checks();

/** Clients with the credentials, the Region and the endpoints that the environment names. */
const defaultClients = (): Clients => ({
  autoScaling: new ApplicationAutoScalingClient({}),
  cloudFormation: new CloudFormationClient({}),
  cloudWatch: new CloudWatchClient({}),
  dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
  events: new EventBridgeClient({}),
  kinesis: new KinesisClient({}),
  lambda: new LambdaClient({}),
  s3: new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined }),
  sageMaker: new SageMakerClient({}),
  sfn: new SFNClient({}),
  sqs: new SQSClient({}),
  ssm: new SSMClient({}),
});

async function outputsOf({ cloudFormation }: Clients, prefix: string, model: string): Promise<Record<string, string>> {
  const stacks = await Promise.all(
    [`${prefix}-delivery`, `${prefix}-model-${model}`].map((StackName) => cloudFormation.send(new DescribeStacksCommand({ StackName }))),
  );
  const outputs = stacks.flatMap(({ Stacks = [] }) => Stacks.flatMap(({ Outputs = [] }) => Outputs));
  return Object.fromEntries(outputs.map(({ OutputKey, OutputValue }) => [OutputKey!, OutputValue!]));
}

/** The image of the config in the Region of the environment. */
function imageOf(version: string): string {
  const region = process.env.AWS_REGION ?? '';
  const account = (scikit.accounts as Record<string, string>)[region];
  if (account === undefined) {
    throw new Error(`InvalidRegion: AWS_REGION is '${region}', for which no scikit-learn registry is known`);
  }
  return `${account}.dkr.ecr.${region}.amazonaws.com/${scikit.repository}:${version}-cpu-py3`;
}

const serves = (world: ReleaseWorld, arn: string | undefined) =>
  until(`${arn} at the endpoint`, RELEASE_SECONDS, async () => ((await world.live()) === arn ? true : undefined)).then(() =>
    world.quiet(RELEASE_SECONDS),
  );

async function releases(world: ReleaseWorld, config: string): Promise<void> {
  const first = await world.register();
  await checks.part('unapproved version', () => unapproved(world, first));
  await world.approve(first);
  await serves(world, first);
  await checks.part('approved version', () => approved(world, first));
  checks.same('first version: problems', await world.problems(first), []);
  const second = await world.register();
  await world.approve(second);
  await serves(world, second);
  checks.same('second version: problems', await world.problems(second), []);
  await checks.part('nothing to deploy', () => Promise.resolve(nothingToDeploy(config)));
  await world.approve(second, 'Rejected');
  await serves(world, first);
  checks.same('rejection: problems', await world.problems(first), []);
  await checks.part('slow version', () => slow(world, first));
  const broken = await world.register({ archive: Buffer.from('no archive') });
  await world.approve(broken);
  await until('the end of the release', RELEASE_SECONDS, async () =>
    (await world.rows()).some(({ to, state }) => to === broken && state === 'failed') ? true : undefined,
  );
  await world.quiet(RELEASE_SECONDS);
  checks.same('version that does not start: problems', await world.problems(first), []);
}

/** The answer of CreateModel to a version, with the role of the endpoint: no other reason is left to refuse it. What is created goes at once. */
async function creating({ clients, names }: ReleaseWorld, ModelPackageName: string): Promise<string> {
  const { StackResources = [] } = await clients.cloudFormation.send(new DescribeStackResourcesCommand({ StackName: names.stack }));
  const role = StackResources.find(({ ResourceType }) => ResourceType === 'AWS::IAM::Role')!.PhysicalResourceId;
  const [, partition, , , account] = ModelPackageName.split(':');
  const ModelName = `integ-approval-${Date.now()}`;
  const create = new CreateModelCommand({
    ModelName,
    ExecutionRoleArn: `arn:${partition}:iam::${account}:role${names.rolePath}${role}`,
    PrimaryContainer: { ModelPackageName },
  });
  try {
    await clients.sageMaker.send(create);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  await clients.sageMaker.send(new DeleteModelCommand({ ModelName }));
  return 'created';
}

/** The words of the refusal are in no document; that it is for the approval is: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html. */
async function unapproved(world: ReleaseWorld, arn: string): Promise<void> {
  const answer = await creating(world, arn);
  checks.that(
    `unapproved version: CreateModel refuses it for that (${answer})`,
    /^ValidationException: .*approv/i.test(answer),
    () => answer,
  );
}

/** The call that was refused, after the approval: so that was the only reason. */
async function approved(world: ReleaseWorld, arn: string): Promise<void> {
  checks.same('approved version: the same CreateModel', await creating(world, arn), 'created');
}

const PACKAGE = join(ROOT, 'examples/flight-delays/model/package');
/** Three times the objective of the config. */
const SLOW = `
import time

_quick = predict_fn


def predict_fn(request, model):
    time.sleep(1.5)
    return _quick(request, model)
`;

function slowArchive(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'integ-slow-'));
  try {
    cpSync(PACKAGE, folder, { recursive: true });
    appendFileSync(join(folder, 'code/inference.py'), SLOW);
    return packFolder(folder, filesOf(folder)).bytes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A version that starts and answers, but too late: the alarm on the latency of the new fleet takes it back while requests come. */
async function slow(world: ReleaseWorld, before: string): Promise<void> {
  const alarm = `${world.names.endpoint}-rollback-latency`;
  const version = await world.register({ archive: slowArchive() });
  const answered = await underTraffic(world.names.endpoint, async () => {
    await world.approve(version);
    await until(`${alarm} in ALARM`, RELEASE_SECONDS, () => alarming(world, alarm));
    await world.ended(version, RELEASE_SECONDS);
  });
  checks.that(`slow version: requests were answered meanwhile (${answered})`, answered > 0);
  checks.same('slow version: its release', (await world.releaseOf(version))?.state, 'failed');
  checks.same('slow version: problems', await world.problems(before), []);
}

async function alarming({ clients }: ReleaseWorld, name: string): Promise<true | undefined> {
  const { MetricAlarms = [] } = await clients.cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
  return MetricAlarms.some(({ StateValue }) => StateValue === 'ALARM') ? true : undefined;
}

const REQUEST = JSON.stringify({
  inputs: [
    ...[['minute_of_day', 'INT32', 600] as const, ['weekday', 'INT32', 1] as const, ['distance', 'FP64', 1000] as const],
    ...[['carrier', 'BYTES', 'UA'] as const, ['origin', 'BYTES', 'EWR'] as const, ['dest', 'BYTES', 'ORD'] as const],
  ].map(([name, datatype, value]) => ({ name, datatype, shape: [1], data: [value] })),
});

/** Requests to the endpoint, several at a time, until `work` is over; how many were answered. */
async function underTraffic(EndpointName: string, work: () => Promise<void>): Promise<number> {
  const runtime = new SageMakerRuntimeClient({ maxAttempts: 1 });
  const request = new InvokeEndpointCommand({ EndpointName, ContentType: 'application/json', Body: REQUEST });
  let [over, answered] = [false, 0];
  const caller = async () => {
    while (!over) {
      answered += await runtime.send(request).then(
        () => 1,
        () => 0,
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  try {
    await work();
  } finally {
    over = true;
    await Promise.all(callers);
  }
  return answered;
}

function nothingToDeploy(config: string): void {
  const output = execFileSync('npx', ['cdk', 'diff', '--all', '-c', `config=${config}`], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  checks.that('nothing to deploy: cdk diff is empty', !/^\[[+~-]\]/m.test(output), () => output);
}

async function main(): Promise<void> {
  const file = process.argv[2];
  if (file === undefined) {
    throw new Error('InvalidOption: name the config that is deployed, such as config/dev.yaml');
  }
  const config = loadBlueprint(file);
  const model = Object.keys(config.endpoints).find((name) => config.endpoints[name].model.training !== undefined);
  const version = model === undefined ? undefined : config.endpoints[model].image.scikitLearn;
  if (model === undefined || version === undefined) {
    throw new Error(`UnfitConfig: ${file} has no endpoint with a model that scikit-learn trains here`);
  }
  const prefix = physicalName([config.workload, config.stage]);
  const clients = defaultClients();
  const InferenceImage = imageOf(version);
  await releases(new ReleaseWorld(clients, { ...(await outputsOf(clients, prefix, model)), InferenceImage }, prefix, model), file);
}

main()
  .catch((error: Error) => checks.that('the cases could be carried out', false, () => error.message))
  .finally(() => {
    console.log(`${checks.passed} passed, ${checks.failed} failed`);
    process.exitCode = checks.failed === 0 ? 0 : 1;
  });
