import { CfnCondition, CfnResource, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ISecurityGroup, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Role } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { NO_VERSION } from '../../models/contract';
import { ModelSource } from '../../models/model-source';
import { createModel } from '../../models/sagemaker-model';
import { generatedName } from '../../shared/names';
import { keepWhenReplaced } from './endpoint-config';
import { EndpointProps } from './endpoint-base';
import { InstanceHostProps, InstanceHostSettings } from './instance-endpoint';
import { noRouteToS3 } from './network-checks';

/** Name and ARN of an endpoint: literals. @internal */
export function identityOf(scope: Construct, { endpointName, model }: Partial<EndpointProps>): { name: string; arn: string } {
  const name = endpointName ?? model?._registry?.endpointName ?? generatedName(scope);
  return { name, arn: Stack.of(scope).formatArn({ service: 'sagemaker', resource: 'endpoint', resourceName: name }) };
}

/** The given security groups, or one that accepts nothing; none outside a VPC. @internal */
export function createSecurityGroups(scope: Construct, name: string, { vpc, securityGroups }: InstanceHostProps): ISecurityGroup[] {
  if (vpc === undefined) {
    return [];
  }
  if (securityGroups !== undefined) {
    return securityGroups;
  }
  const group = new SecurityGroup(scope, 'SecurityGroup', { vpc, allowAllOutbound: false, description: `Containers of ${name}` });
  group.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'AWS services');
  return [group];
}

/** SageMaker would make it without retention; made here, it is also deleted after what writes to it. @internal */
export function createLogGroup(scope: Construct, name: string, of: 'Endpoints' | 'InferenceComponents' = 'Endpoints'): LogGroup {
  return new LogGroup(scope, 'Logs', {
    logGroupName: `/aws/sagemaker/${of}/${name}`,
    retention: RetentionDays.THREE_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/** The model of an endpoint on instances, kept when replaced. @internal */
export function createHostedModel(
  scope: Construct,
  props: InstanceHostProps & { readonly model: ModelSource },
  settings: Pick<InstanceHostSettings, 'networkIsolation' | 'removalPolicy'>,
  role: Role,
  securityGroups: ISecurityGroup[],
): CfnModel {
  const { vpc, vpcSubnets } = props;
  const model = createModel(scope, 'Model', {
    source: props.model._bind(scope, role),
    role,
    networkIsolation: settings.networkIsolation,
    vpc,
    vpcSubnets,
    securityGroups: vpc && securityGroups,
  });
  keepWhenReplaced(model, settings.removalPolicy);
  if (vpc !== undefined) {
    const { subnetIds } = vpc.selectSubnets(vpcSubnets);
    scope.node.addValidation({ validate: () => noRouteToS3(scope, vpc, subnetIds) });
  }
  return model;
}

/** What is there only while a version is approved. @internal */
export function underConditionOf(model: CfnModel, ...resources: CfnResource[]): void {
  resources.forEach((resource) => (resource.cfnOptions.condition = model.cfnOptions.condition));
}

/** An alarm is always there and must name something: a dimension of no fleet has no data. @internal */
export function whileThere(condition: CfnCondition | undefined, value: string): string {
  return condition === undefined ? value : Fn.conditionIf(condition.logicalId, value, NO_VERSION).toString();
}
