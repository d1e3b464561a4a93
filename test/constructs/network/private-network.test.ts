import { Lazy } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { NetworkFeature, PrivateNetwork, PrivateNetworkProps } from '../../../lib';
import { synth } from '../../support/synth';

const build = (props?: PrivateNetworkProps) => synth((stack) => new PrivateNetwork(stack, 'Network', props));

describe('PrivateNetwork [N1]', () => {
  test('is isolated by default: no internet, an S3 gateway endpoint, no interface endpoint, flow logs, no nag finding', () => {
    const { template, nag } = build();
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.resourceCountIs('AWS::EC2::FlowLog', 1);
    expect(Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map((e) => e.Properties.VpcEndpointType)).toEqual([
      'Gateway',
      'Gateway',
    ]);
    expect(nag).toEqual([]);
  });

  test('makes one interface endpoint per service even when several features need it', () => {
    const { template } = build({ features: [NetworkFeature.CONNECTED_MODELS, NetworkFeature.FUNCTIONS] });
    const names = Object.values(template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Interface' } })).map(
      (e) => JSON.stringify(e.Properties.ServiceName),
    );
    expect(names).toHaveLength(10);
    expect(new Set(names).size).toBe(10);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 443, ToPort: 443, IpProtocol: 'tcp' });
  });

  test('reaches the internet through NAT gateways when asked', () => {
    const { template } = build({ internetAccess: true });
    template.resourceCountIs('AWS::EC2::NatGateway', 2);
  });

  test.each([
    [{ availabilityZones: 1 }, "'availabilityZones' must be between 2 and 6, got 1"],
    [{ availabilityZones: 7 }, "'availabilityZones' must be between 2 and 6, got 7"],
    [{ subnetMask: 17 }, "'subnetMask' must be between 18 and 26, got 17"],
    [{ subnetMask: 27 }, "'subnetMask' must be between 18 and 26, got 27"],
    [{ cidr: '10.0.0.0/25' }, "'cidr' must be an IPv4 range with a prefix of /16 to /24, got '10.0.0.0/25'"],
  ])('fails on %j and says what is allowed [N2]', (props, message) => {
    expect(() => build(props)).toThrow(`InvalidPrivateNetwork: ${message} [at Test/Network]`);
  });

  test.each([{ availabilityZones: 2 }, { subnetMask: 18 }, { subnetMask: 26 }])('accepts the edges: %p', (props) => {
    expect(() => build(props)).not.toThrow();
  });

  test('fails on a Token, because the number of subnets must be known at synth', () => {
    expect(() => build({ subnetMask: Lazy.number({ produce: () => 24 }) })).toThrow(
      "'subnetMask' must be known at synth, got a Token: give a plain value",
    );
  });

  test('names all problems at once', () => {
    expect(() => build({ availabilityZones: 1, subnetMask: 28 })).toThrow(/availabilityZones.*subnetMask/);
  });

  test('takes an existing VPC with subnets in two zones, and fails with one', () => {
    const from = (maxAzs: number) =>
      synth((stack) =>
        PrivateNetwork.fromVpc(stack, 'Imported', new Vpc(stack, 'Vpc', { maxAzs }), { subnetType: SubnetType.PRIVATE_WITH_EGRESS }),
      );
    expect(from(2).built.securityGroup).toBeDefined();
    expect(() => from(1)).toThrow('InvalidNetwork: the subnets must lie in at least 2 Availability Zones [at Test/Imported]');
  });
});
