import { RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

/** Where it is told that an answer is there, or that there will be none. @internal */
export interface AsyncNotifications {
  readonly success: ITopic;
  readonly error: ITopic;
}

/**
 * The given topics, or new ones. The endpoint publishes as its execution role, so that role must be able to use the topic's key: the policy of a
 * new key leaves that to the policies of the account, and `allowNotifications` grants it
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
 *
 * @internal
 */
export function notifications(scope: Construct, endpointName: string, given: Partial<AsyncNotifications>): AsyncNotifications {
  let key: IKey | undefined;
  const create = (id: string, what: string) => {
    key ??= new Key(scope, 'NotificationKey', {
      description: `Notifications of the SageMaker endpoint ${endpointName}`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new Topic(scope, id, { displayName: `${endpointName} ${what}`, masterKey: key, enforceSSL: true });
  };
  return { success: given.success ?? create('SuccessTopic', 'answers'), error: given.error ?? create('ErrorTopic', 'failures') };
}

/** Lets `role` publish to the topics, with their keys. @internal */
export function allowNotifications(role: Role, { success, error }: AsyncNotifications): void {
  const topics = [...new Set([success, error])];
  role.addToPolicy(new PolicyStatement({ sid: 'Notify', actions: ['sns:Publish'], resources: topics.map(({ topicArn }) => topicArn) }));
  const keys = new Set(topics.map(({ masterKey }) => masterKey).filter((key): key is IKey => key !== undefined));
  keys.forEach((key) => key.grant(role, 'kms:GenerateDataKey', 'kms:Decrypt'));
}
