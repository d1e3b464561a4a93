import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { CloudFormationClient, paginateDescribeStacks, Stack } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';

/** Credentials of the local account: its id is the access key, and the secret is no secret. */
export const CREDENTIALS = { accessKeyId: '000000000000', secretAccessKey: 'local' };
export const REGION = 'us-east-1';

/** SDK clients that talk to the local account and to nothing else. */
export function clientsFor(endpoint: string) {
  const common = { endpoint, region: REGION, credentials: CREDENTIALS };
  const s3 = new S3Client({ ...common, forcePathStyle: true });
  return {
    autoScaling: new ApplicationAutoScalingClient(common),
    cloudFormation: new CloudFormationClient(common),
    cloudWatch: new CloudWatchClient(common),
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient(common)),
    events: new EventBridgeClient(common),
    kinesis: new KinesisClient({ ...common, requestHandler: s3.config.requestHandler }), // not HTTP/2: the account closes idle sessions, and a call that meets that is lost
    lambda: new LambdaClient(common),
    s3,
    sageMaker: new SageMakerClient(common),
    sfn: new SFNClient(common),
    sqs: new SQSClient(common),
    ssm: new SSMClient(common),
  };
}

export type Clients = ReturnType<typeof clientsFor>;

/** The deployed stacks without the CDK's own. */
async function stacks(clients: Clients): Promise<Stack[]> {
  const found: Stack[] = [];
  for await (const { Stacks = [] } of paginateDescribeStacks({ client: clients.cloudFormation }, {})) {
    found.push(...Stacks.filter(({ StackName, StackStatus }) => StackName !== 'CDKToolkit' && StackStatus !== 'DELETE_COMPLETE'));
  }
  return found;
}

export async function stackNames(clients: Clients): Promise<string[]> {
  return (await stacks(clients)).map(({ StackName }) => StackName!);
}

/** Every output of every stack. Errors: two stacks with one output name, because a step would read the wrong one. */
export async function stackOutputs(clients: Clients): Promise<Record<string, string>> {
  const outputs: Record<string, string> = {};
  for (const { OutputKey, OutputValue } of (await stacks(clients)).flatMap(({ Outputs = [] }) => Outputs)) {
    if (outputs[OutputKey!] !== undefined && outputs[OutputKey!] !== OutputValue) {
      throw new Error(`AmbiguousOutput: two stacks have an output '${OutputKey}': give one of them another name`);
    }
    outputs[OutputKey!] = OutputValue!;
  }
  return outputs;
}

/** The local address of a REST API, whose own address lies in amazonaws.com. */
export function localApiUrl(endpoint: string, url: string): string {
  const [, id, stage] = /^https:\/\/([^.]+)\.execute-api\.[^/]+\/([^/]+)/.exec(url) ?? [];
  return `${endpoint}/_aws/execute-api/${id}/${stage}`;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Calls the deployed REST API with an AWS Signature Version 4, as any AWS client would. */
export function apiClient(baseUrl: string, credentials = CREDENTIALS) {
  const signer = new SignatureV4({ credentials, region: REGION, service: 'execute-api', sha256: Sha256 });
  /** `body`: a value that is sent as JSON, or the text or the bytes of a `contentType`. */
  return async (method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer> => {
    const url = new URL(baseUrl.replace(/\/$/, '') + path);
    const sent = sentAs(body, contentType);
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, ...(sent === undefined ? {} : { 'content-type': contentType ?? 'application/json' }) },
      body: sent,
    });
    const answer = await fetch(url, { method, headers: signed.headers, body: sent, signal: AbortSignal.timeout(40_000) });
    const raw = await answer.text();
    return { status: answer.status, headers: answer.headers, body: parse(raw) };
  };
}

function sentAs(body: unknown, contentType?: string): string | Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) {
    return body;
  }
  return contentType === undefined ? JSON.stringify(body) : String(body);
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
