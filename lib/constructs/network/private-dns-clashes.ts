import { Stack } from 'aws-cdk-lib';
import { CfnVPCEndpoint, IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/**
 * Fails synth when two interface endpoints of this app answer to the private name of one service in `vpc`: the second would be refused,
 * "there is already a conflicting DNS domain". Checked late, because endpoints may be added to the VPC by anybody.
 *
 * @internal
 */
export function refusePrivateDnsClashes(scope: Construct, vpc: IVpc): void {
  scope.node.addValidation({ validate: () => clashes(scope, vpc) });
}

function clashes(scope: Construct, vpc: IVpc): string[] {
  const byService = new Map<string, CfnVPCEndpoint[]>();
  for (const child of scope.node.root.node.findAll()) {
    if (child instanceof CfnVPCEndpoint && child.vpcId === vpc.vpcId && child.privateDnsEnabled === true) {
      const service = serviceOf(child);
      byService.set(service, [...(byService.get(service) ?? []), child]);
    }
  }
  return [...byService]
    .filter(([, endpoints]) => endpoints.length > 1)
    .map(
      ([service, endpoints]) =>
        `PrivateDnsClash: ${endpoints.length} interface endpoints have the private name of '${service}' in one VPC: keep one, or set ` +
        `privateDnsEnabled to false on the others [at ${endpoints.map(({ node }) => node.path).join(', ')}]`,
    );
}

/** `sqs` of `com.amazonaws.<region>.sqs`, whether the Region is open or known. */
function serviceOf(endpoint: CfnVPCEndpoint): string {
  const name: unknown = Stack.of(endpoint).resolve(endpoint.serviceName);
  const parts = typeof name === 'string' ? [name] : ((name as Record<string, [string, unknown[]]>)['Fn::Join']?.[1] ?? [name]);
  const text = parts.map((part) => (typeof part === 'string' ? part : 'region')).join('');
  return text.split('.').slice(3).join('.') || text;
}
