// Releases in a real AWS account, for its holder: see README.md beside this file. Against a local account it proves that the program itself works.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateModelCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { loadBlueprint } from '../../lib/config/load';
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
  checks.same('first version: problems', await world.problems(first), []);
  const second = await world.register();
  await world.approve(second);
  await serves(world, second);
  checks.same('second version: problems', await world.problems(second), []);
  await checks.part('nothing to deploy', () => Promise.resolve(nothingToDeploy(config)));
  await world.approve(second, 'Rejected');
  await serves(world, first);
  checks.same('rejection: problems', await world.problems(first), []);
  const broken = await world.register({ archive: Buffer.from('no archive') });
  await world.approve(broken);
  await until('the end of the release', RELEASE_SECONDS, async () =>
    (await world.rows()).some(({ to, state }) => to === broken && state === 'failed') ? true : undefined,
  );
  await world.quiet(RELEASE_SECONDS);
  checks.same('version that does not start: problems', await world.problems(first), []);
}

/** Deployability row 45: the exact refusal is known from no document. */
async function unapproved(world: ReleaseWorld, ModelPackageName: string): Promise<void> {
  const create = new CreateModelCommand({
    ModelName: `integ-unapproved-${Date.now()}`,
    ExecutionRoleArn: process.env.EXECUTION_ROLE_ARN ?? 'arn:aws:iam::000000000000:role/none',
    PrimaryContainer: { ModelPackageName },
  });
  const refused = await world.clients.sageMaker.send(create).then(
    () => undefined,
    (error: Error) => `${error.name}: ${error.message}`,
  );
  checks.that(`unapproved version: CreateModel refuses it (${refused})`, refused !== undefined, () => 'it was created');
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
