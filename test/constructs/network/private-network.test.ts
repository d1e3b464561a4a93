import { App, Lazy, Stack, StackProps } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { InterfaceVpcEndpointAwsService, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { NetworkFeature, PrivateNetwork, PrivateNetworkProps } from '../../../lib/constructs/network';
import { app, synth } from '../../support/synth';

const build = (props?: PrivateNetworkProps, env?: { account: string; region: string }) =>
  synth((stack) => new PrivateNetwork(stack, 'Network', props), env);
const KNOWN = { account: '111122223333', region: 'eu-central-1' };

/** Services of the interface endpoints of a template. */
const services = (template: Template): string[] =>
  Object.values(template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: 'Interface' } }))
    .map(({ Properties }) => Properties.ServiceName['Fn::Join'][1].at(-1).slice(1))
    .sort();

describe('PrivateNetwork [N1]', () => {
  test('is isolated by default: no internet, gateway endpoints, no interface endpoint, flow logs, no nag finding', () => {
    const { template, nag } = build();
    template.resourceCountIs('AWS::EC2::InternetGateway', 0);
    template.resourceCountIs('AWS::EC2::NatGateway', 0);
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.hasResourceProperties('AWS::EC2::FlowLog', { ResourceType: 'VPC', TrafficType: 'ALL' });
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
    expect(services(template)).toEqual([]);
    expect(nag).toEqual([]);
  });

  test.each([false, true])(
    'always reaches S3 and DynamoDB from every subnet of the workload, with internet access %s',
    (internetAccess) => {
      const { template } = build({ internetAccess });
      const workload = Object.keys(template.findResources('AWS::EC2::RouteTable')).filter((id) => id.includes('workload'));
      expect(workload).toHaveLength(2);
      for (const service of ['s3', 'dynamodb']) {
        template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
          VpcEndpointType: 'Gateway',
          ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, `.${service}`]] },
          RouteTableIds: Match.arrayWith(workload.map((Ref) => ({ Ref }))),
        });
      }
    },
  );

  test('reaches the internet through one NAT gateway a zone when asked, from subnets that nothing enters', () => {
    const { template, nag } = build({ internetAccess: true, availabilityZones: 3 });
    template.resourceCountIs('AWS::EC2::NatGateway', 3);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: false });
    expect(nag).toEqual([]);
  });

  test.each([
    [NetworkFeature.ISOLATED_MODELS, ''],
    [NetworkFeature.CONNECTED_MODELS, 'ecr.api ecr.dkr kms logs monitoring secretsmanager sts'],
    [NetworkFeature.FUNCTIONS, 'events sagemaker.api sagemaker.runtime sns sqs ssm'],
  ])("has for %s the interface endpoints '%s' [row 148]", (feature, expected) => {
    const { template, nag } = build({ features: [feature] });
    expect(services(template).join(' ')).toBe(expected);
    expect(nag).toEqual([]);
  });

  test('makes one endpoint a service however often and in whatever order features need it', () => {
    const { template } = build({ features: [NetworkFeature.CONNECTED_MODELS, NetworkFeature.FUNCTIONS, NetworkFeature.FUNCTIONS] });
    const later = synth((stack) => {
      const network = new PrivateNetwork(stack, 'Network');
      network.addFeature(NetworkFeature.FUNCTIONS);
      network.addFeature(NetworkFeature.CONNECTED_MODELS);
      network.addFeature(NetworkFeature.FUNCTIONS);
    }).template;
    expect(new Set(services(template)).size).toBe(13);
    expect(services(template)).toHaveLength(13);
    expect(later.toJSON()).toEqual(template.toJSON());
  });

  test('says who talks to whom: the workload calls HTTPS and accepts nothing, endpoints accept HTTPS from it alone', () => {
    const { template } = build({ features: [NetworkFeature.FUNCTIONS] });
    const groups = template.findResources('AWS::EC2::SecurityGroup');
    const id = (part: string) => Object.keys(groups).find((key) => key.startsWith(`Network${part}`))!;
    expect(groups[id('Workload')].Properties).toMatchObject({
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443, Description: 'AWS services' }],
    });
    expect(groups[id('Workload')].Properties.SecurityGroupIngress).toBeUndefined();
    expect(groups[id('Endpoints')].Properties.SecurityGroupIngress).toBeUndefined();
    expect(Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) => Properties)).toEqual([
      expect.objectContaining({
        FromPort: 443,
        ToPort: 443,
        IpProtocol: 'tcp',
        Description: 'workload calls AWS services',
        GroupId: { 'Fn::GetAtt': [id('Endpoints'), 'GroupId'] },
        SourceSecurityGroupId: { 'Fn::GetAtt': [id('Workload'), 'GroupId'] },
      }),
    ]);
    for (const { Properties } of Object.values(template.findResources('AWS::EC2::VPCEndpoint'))) {
      if (Properties.VpcEndpointType === 'Interface') {
        expect(Properties).toMatchObject({
          PrivateDnsEnabled: true,
          SecurityGroupIds: [{ 'Fn::GetAtt': [id('Endpoints'), 'GroupId'] }],
        });
      }
    }
  });
});

describe('zones of a PrivateNetwork [N1]', () => {
  const zonesOf = (template: Template) =>
    Object.values(template.findResources('AWS::EC2::Subnet')).map(({ Properties }) => Properties.AvailabilityZone);

  test.each([
    ['open', undefined],
    ['known', KNOWN],
  ])('are found by the deployment, as many as asked for, when account and Region are %s: nothing is looked up', (_what, env) => {
    const tree = app();
    const stack = new Stack(tree, 'Test', { env });
    new PrivateNetwork(stack, 'Network', { availabilityZones: 3 });
    const before = stack.availabilityZones;
    const assembly = tree.synth();
    expect(zonesOf(Template.fromJSON(assembly.getStackByName('Test').template))).toEqual(
      [0, 1, 2].map((i) => ({ 'Fn::Select': [i, { 'Fn::GetAZs': '' }] })),
    );
    expect(before).toEqual(new Stack(new App(), 'Other', { env }).availabilityZones);
  });

  test('leave a known account without a context look-up', () => {
    const tree = app();
    new PrivateNetwork(new Stack(tree, 'Test', { env: KNOWN }), 'Network');
    expect(tree.synth().manifest.missing).toBeUndefined();
  });

  class OwnZones extends Stack {
    constructor(id: string, props?: StackProps) {
      super(app(), id, props);
    }
    public override get availabilityZones(): string[] {
      return ['eu-central-1b', 'eu-central-1c'];
    }
  }

  test('are those of a stack that chooses its own', () => {
    const stack = new OwnZones('Test', { env: KNOWN });
    new PrivateNetwork(stack, 'Network');
    expect(zonesOf(Template.fromStack(stack))).toEqual(['eu-central-1b', 'eu-central-1c']);
  });

  test('fails when such a stack chooses fewer than asked for', () => {
    expect(() => new PrivateNetwork(new OwnZones('Test', { env: KNOWN }), 'Network', { availabilityZones: 3 })).toThrow(
      "InvalidPrivateNetwork: 'availabilityZones' is 3 but the stack chooses only 2: name more there or ask for fewer [at Test/Network]",
    );
  });
});

describe('checks of a PrivateNetwork [N1, N2]', () => {
  const range = "'cidr' must be an IPv4 range with a prefix of /16 to /24";
  test.each<[PrivateNetworkProps, string]>([
    [{ availabilityZones: 1 }, "'availabilityZones' must be between 2 and 6, got 1"],
    [{ availabilityZones: 7 }, "'availabilityZones' must be between 2 and 6, got 7"],
    [{ availabilityZones: 2.5 }, "'availabilityZones' must be a whole number, got 2.5"],
    [{ subnetMask: 17 }, "'subnetMask' must be between 18 and 26, got 17"],
    [{ subnetMask: 27 }, "'subnetMask' must be between 18 and 26, got 27"],
    [{ subnetMask: 24.5 }, "'subnetMask' must be a whole number, got 24.5"],
    [{ cidr: '10.0.0.0/15' }, `${range}, got '10.0.0.0/15'`],
    [{ cidr: '10.0.0.0/25' }, `${range}, got '10.0.0.0/25'`],
    [{ cidr: '10.0.256.0/16' }, `${range}, got '10.0.256.0/16'`],
    [{ cidr: '10.0.0.0' }, `${range}, got '10.0.0.0'`],
    [
      { cidr: '10.0.0.0/24' },
      "'cidr' 10.0.0.0/24 has 256 addresses but 2 zones with subnets of /24 need 512: take a larger range, a larger 'subnetMask' (a smaller subnet) or fewer zones",
    ],
    [{ cidr: '10.0.0.0/23', internetAccess: true }, "'cidr' 10.0.0.0/23 has 512 addresses but 2 zones with subnets of /24 need 544"],
    [{ subnetMask: 18, availabilityZones: 5 }, "'cidr' 10.0.0.0/16 has 65536 addresses but 5 zones with subnets of /18 need 81920"],
  ])('fails on %j and says what is allowed', (props, message) => {
    expect(() => build(props)).toThrow(`InvalidPrivateNetwork: ${message}`);
  });

  test.each<[PrivateNetworkProps, number]>([
    [{ availabilityZones: 2 }, 2],
    [{ availabilityZones: 6 }, 6],
    [{ subnetMask: 18, availabilityZones: 4 }, 4],
    [{ subnetMask: 26 }, 2],
    [{ cidr: '172.16.0.0/16' }, 2],
    [{ cidr: '192.168.255.0/24', subnetMask: 25 }, 2],
    [{ cidr: '10.0.0.0/24', subnetMask: 26, availabilityZones: 3, internetAccess: true }, 6],
  ])('accepts the edges: %j', (props, subnets) => {
    build(props).template.resourceCountIs('AWS::EC2::Subnet', subnets);
  });

  test.each([
    ['cidr', Lazy.string({ produce: () => '10.0.0.0/16' })],
    ['availabilityZones', Lazy.number({ produce: () => 2 })],
    ['subnetMask', Lazy.number({ produce: () => 24 })],
  ])('fails on a Token as %s, because the number and size of subnets must be known at synth', (name, value) => {
    expect(() => build({ [name]: value })).toThrow(`'${name}' must be known at synth, got a Token: give a plain value`);
  });

  test('fails with all problems at once', () => {
    expect(() => build({ availabilityZones: 1, subnetMask: 28 })).toThrow(/availabilityZones.*subnetMask.* \[at Test\/Network\]$/);
  });
});

describe('private DNS names of a network [N1, row 148]', () => {
  const sqs = { service: InterfaceVpcEndpointAwsService.SQS };

  test('fails when somebody adds a second endpoint for a service that a feature brought', () => {
    expect(() =>
      synth((stack) => {
        const network = new PrivateNetwork(stack, 'Network', { features: [NetworkFeature.FUNCTIONS] });
        network.vpc.addInterfaceEndpoint('Mine', sqs);
      }),
    ).toThrow(/PrivateDnsClash: 2 interface endpoints have the private name of 'sqs' in one VPC.*\[at .*sqs.*Mine/);
  });

  test('are no clash when the second one has none, or lies in another VPC', () => {
    expect(() =>
      synth((stack) => {
        const network = new PrivateNetwork(stack, 'Network', { features: [NetworkFeature.FUNCTIONS] });
        network.vpc.addInterfaceEndpoint('Mine', { ...sqs, privateDnsEnabled: false });
        new PrivateNetwork(stack, 'Second', { features: [NetworkFeature.FUNCTIONS] });
      }),
    ).not.toThrow();
  });

  test.each([
    ['open', undefined],
    ['known', KNOWN],
  ])('fails in an imported VPC too, when the Region is %s', (_what, env) => {
    expect(() =>
      synth((stack) => {
        const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
        vpc.addInterfaceEndpoint('One', sqs);
        vpc.addInterfaceEndpoint('Two', sqs);
        PrivateNetwork.fromVpc(stack, 'Imported', vpc, { subnetType: SubnetType.PRIVATE_WITH_EGRESS });
      }, env),
    ).toThrow("PrivateDnsClash: 2 interface endpoints have the private name of 'sqs'");
  });
});

describe('PrivateNetwork.fromVpc [N1]', () => {
  const from = (maxAzs: number) =>
    synth((stack) =>
      PrivateNetwork.fromVpc(stack, 'Imported', new Vpc(stack, 'Vpc', { maxAzs }), { subnetType: SubnetType.PRIVATE_WITH_EGRESS }),
    );

  test('takes an existing VPC with subnets in two zones and adds a security group alone', () => {
    const { built, template } = from(2);
    expect(built.subnets).toEqual({ subnetType: SubnetType.PRIVATE_WITH_EGRESS });
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443, Description: 'AWS services' }],
    });
  });

  test('takes one by its ids', () => {
    const { built } = synth((stack) => {
      const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0123abcd',
        availabilityZones: ['eu-central-1a', 'eu-central-1b'],
        privateSubnetIds: ['subnet-1', 'subnet-2'],
      });
      return PrivateNetwork.fromVpc(stack, 'Imported', vpc, { subnets: vpc.privateSubnets });
    }, KNOWN);
    expect(built.vpc.vpcId).toBe('vpc-0123abcd');
  });

  test('fails on subnets in one zone', () => {
    expect(() => from(1)).toThrow("InvalidNetwork: 'subnets' must lie in at least 2 Availability Zones, got 1 [at Test/Imported]");
  });
});
