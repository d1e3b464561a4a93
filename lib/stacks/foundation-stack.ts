import { RemovalPolicy } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { Validations } from 'aws-cdk-lib';
import { BlueprintConfig } from '../config/schema';
import { Layer } from '../constructs/ownership';
import { WorkloadStack } from './workload-stack';

/** What an account and Region have once: today the role with which API Gateway writes its logs. */
export class FoundationStack extends WorkloadStack {
  constructor(scope: Construct, id: string, config: BlueprintConfig) {
    super(scope, id, config, Layer.INFRASTRUCTURE);
    const role = new Role(this, 'ApiGatewayLogging', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs')],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason: 'API Gateway accepts only a role that may write to any log group; this is the policy that its documentation names for it.',
    });
    const account = new CfnAccount(this, 'ApiGatewayAccount', { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
}
