import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** What the commands need of each client; tests give others. */
export interface Clients {
  readonly stacks: CloudFormationClient;
  readonly tables: DynamoDBDocumentClient;
  readonly registry: SageMakerClient;
  readonly machines: SFNClient;
  readonly objects: S3Client;
  /** Region that the links of the console name. */
  readonly region: string;
}

/** Clients with the SDK's own chain of endpoint, Region and credentials: AWS, or a local account when the environment names one. */
export async function defaultClients(region: string | undefined): Promise<Clients> {
  const common = region === undefined ? {} : { region };
  const machines = new SFNClient(common);
  return {
    stacks: new CloudFormationClient(common),
    tables: DynamoDBDocumentClient.from(new DynamoDBClient(common)),
    registry: new SageMakerClient(common),
    machines,
    objects: new S3Client(common),
    region: await machines.config.region(),
  };
}
