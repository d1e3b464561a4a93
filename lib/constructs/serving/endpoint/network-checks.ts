import { Stack, Token } from 'aws-cdk-lib';
import { CfnVPCEndpoint, ISecurityGroup, ISubnet, IVpc, SelectedSubnets, SubnetSelection, Vpc } from 'aws-cdk-lib/aws-ec2';
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
  return [...groupProblems(securityGroups), ...subnetProblems(scope, vpc, vpcSubnets)];
}

/** https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html */
const MOST = { groups: 5, subnets: 16 };

function groupProblems(groups: ISecurityGroup[] | undefined): string[] {
  if (groups?.length === 0) {
    return [`'securityGroups' is empty: give at least one or leave it out`];
  }
  return groups !== undefined && groups.length > MOST.groups
    ? [`'securityGroups' must be at most ${MOST.groups}, got ${groups.length}: SageMaker takes no more`]
    : [];
}

function subnetProblems(scope: Construct, vpc: IVpc, selection: SubnetSelection | undefined): string[] {
  const selected = trySelect(vpc, selection);
  if (typeof selected === 'string') {
    return [`'vpcSubnets' cannot be selected: ${selected}`];
  }
  const { subnets, isPendingLookup, subnetIds } = selected;
  if (isPendingLookup || Token.isUnresolved(subnetIds)) {
    return [];
  }
  return [
    ...(zones(scope, subnets) < 2
      ? [`'vpcSubnets' lie in ${zones(scope, subnets)} Availability Zone, SageMaker needs at least 2: select subnets in more zones`]
      : []),
    ...(subnets.length > MOST.subnets
      ? [`'vpcSubnets' must be at most ${MOST.subnets} subnets, got ${subnets.length}: select fewer, in two zones or more`]
      : []),
  ];
}

/** The selected subnets, or why there are none: a selection that a VPC cannot fulfil is one problem among others. */
function trySelect(vpc: IVpc, selection: SubnetSelection | undefined): SelectedSubnets | string {
  try {
    return vpc.selectSubnets(selection);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Whether some of these subnets have no NAT. A public one leads nowhere either: the interfaces of containers are not connected to the internet
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html).
 */
const withoutNat = (vpc: IVpc, subnetIds: string[]): boolean =>
  [...vpc.isolatedSubnets, ...vpc.publicSubnets].some(({ subnetId }) => subnetIds.includes(subnetId));

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
  return withoutNat(vpc, subnetIds) && !hasGateway
    ? [`'vpcSubnets' have no route to S3, from where the model is downloaded: call vpc.addGatewayEndpoint() for S3 [at ${scope.node.path}]`]
    : [];
}

/** Problem when containers that must reach beyond AWS are in subnets without a way out. @internal */
export function noRouteOut({ vpc, vpcSubnets }: Pick<InstanceHostProps, 'vpc' | 'vpcSubnets'>): string[] {
  if (vpc === undefined) {
    return [];
  }
  const selected = trySelect(vpc, vpcSubnets);
  return typeof selected !== 'string' && withoutNat(vpc, selected.subnetIds)
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
