import { InterfaceVpcEndpointAwsService as Service } from 'aws-cdk-lib/aws-ec2';

/** Something in the network that calls AWS services; the interface endpoints follow from it. */
export enum NetworkFeature {
  /** Model containers with `networkIsolation` call nothing. Model data comes through the S3 gateway endpoint, which is always there. */
  ISOLATED_MODELS = 'isolated-models',
  /** Model containers that call AWS services themselves: for images, keys, logs, metrics, secrets and credentials. */
  CONNECTED_MODELS = 'connected-models',
  /** Functions that call endpoints, ask whether they are ready, and use event buses, topics, queues and parameters. */
  FUNCTIONS = 'functions',
}

const SERVICES: Readonly<Record<NetworkFeature, readonly Service[]>> = {
  [NetworkFeature.ISOLATED_MODELS]: [],
  [NetworkFeature.CONNECTED_MODELS]: [
    Service.CLOUDWATCH_LOGS,
    Service.CLOUDWATCH_MONITORING,
    Service.ECR,
    Service.ECR_DOCKER,
    Service.KMS,
    Service.SECRETS_MANAGER,
    Service.STS,
  ],
  [NetworkFeature.FUNCTIONS]: [
    Service.EVENTBRIDGE,
    Service.SAGEMAKER_API,
    Service.SAGEMAKER_RUNTIME,
    Service.SNS,
    Service.SQS,
    Service.SSM,
  ],
};

/**
 * Services that a feature calls. Amazon S3 and Amazon DynamoDB are not among them: their gateway endpoints cost nothing and are always
 * there.
 *
 * @internal
 */
export const servicesOf = (feature: NetworkFeature): readonly Service[] => SERVICES[feature];
