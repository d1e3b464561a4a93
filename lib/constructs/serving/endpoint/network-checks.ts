import { Stack, Token } from 'aws-cdk-lib';
import { CfnVPCEndpoint, ISubnet, IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { InstanceHostProps } from './instance-endpoint';

/** Problems with the VPC of an endpoint that show at once. @internal */
export function networkProblems(scope: Construct, { vpc, vpcSubnets, securityGroups }: InstanceHostProps): string[] {
  if (vpc === undefined) {
    return [
      ...(vpcSubnets === undefined ? [] : [`'vpcSubnets' needs 'vpc': give the VPC or leave it out`]),
      ...(securityGroups === undefined ? [] : [`'securityGroups' needs 'vpc': give the VPC or leave it out`]),
    ];
  }
  const problems: string[] = [];
  if (securityGroups?.length === 0) {
    problems.push(`'securityGroups' is empty: give at least one or leave it out`);
  }
  const { subnets, isPendingLookup, subnetIds } = vpc.selectSubnets(vpcSubnets);
  if (!isPendingLookup && !Token.isUnresolved(subnetIds) && zones(scope, subnets) < 2) {
    problems.push(
      `'vpcSubnets' lie in ${zones(scope, subnets)} Availability Zone, SageMaker needs at least 2: select subnets in more zones`,
    );
  }
  return problems;
}

/**
 * Problem when a VPC of this app has neither gateway endpoint nor NAT for S3: model data could not be downloaded. Checked at synth, because
 * the gateway endpoint may be added later.
 *
 * @internal
 */
export function noRouteToS3(scope: Construct, vpc: IVpc, subnetIds: string[]): string[] {
  if (!(vpc instanceof Vpc)) {
    return [];
  }
  const stack = Stack.of(scope);
  const hasGateway = vpc.node.root.node
    .findAll()
    .filter((child): child is CfnVPCEndpoint => child instanceof CfnVPCEndpoint)
    .some((endpoint) => /\.s3"/.test(JSON.stringify(stack.resolve(endpoint.serviceName) ?? '')) && endpoint.vpcId === vpc.vpcId);
  const isolated = vpc.isolatedSubnets.some((subnet) => subnetIds.includes(subnet.subnetId));
  return isolated && !hasGateway
    ? [`'vpcSubnets' have no route to S3, from where the model is downloaded: call vpc.addGatewayEndpoint() for S3 [at ${scope.node.path}]`]
    : [];
}

/** Problem when containers that must reach beyond AWS are in subnets without a way out. @internal */
export function noRouteOut({ vpc, vpcSubnets }: Pick<InstanceHostProps, 'vpc' | 'vpcSubnets'>): string[] {
  if (vpc === undefined) {
    return [];
  }
  const { subnetIds } = vpc.selectSubnets(vpcSubnets);
  return vpc.isolatedSubnets.some(({ subnetId }) => subnetIds.includes(subnetId))
    ? [
        "'vpcSubnets' have no route out of the VPC, by which 'model' is downloaded: select subnets with a NAT gateway, or stage the model in S3",
      ]
    : [];
}

/** Zones of region-agnostic stacks are intrinsic functions: two are the same when they render the same. */
function zones(scope: Construct, subnets: ISubnet[]): number {
  const stack = Stack.of(scope);
  return new Set(subnets.map((subnet) => JSON.stringify(stack.resolve(subnet.availabilityZone)))).size;
}
