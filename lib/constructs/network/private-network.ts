import { RemovalPolicy, Stack, Tags, Token } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  ISecurityGroup,
  IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { failOn, mismatch, notWhole, outsideRange, unknownAtSynth } from '../shared/checks';
import { chosenZones, vpcOfDeploymentZones } from './deployment-zones';
import { NetworkFeature, servicesOf } from './network-feature';
import { refusePrivateDnsClashes } from './private-dns-clashes';

/** Where model containers and functions run. */
export interface INetwork {
  /** The virtual private cloud. */
  readonly vpc: IVpc;
  /** The subnets for containers and functions, in two or more zones. */
  readonly subnets: SubnetSelection;
  /** Members may call AWS services over HTTPS and accept nothing. */
  readonly securityGroup: ISecurityGroup;
}

/** Properties of a `PrivateNetwork`. */
export interface PrivateNetworkProps {
  /**
   * What runs in the network: each feature adds the interface endpoints of the services that it calls, each service once. Each endpoint
   * is billed by the hour and zone, used or not (https://aws.amazon.com/privatelink/pricing/).
   *
   * @default - isolated models only, which need none
   */
  readonly features?: NetworkFeature[];
  /**
   * IPv4 range in CIDR notation, /16 to /24, large enough for the subnets of all zones; known at synth.
   *
   * @default '10.0.0.0/16'
   */
  readonly cidr?: string;
  /**
   * Availability Zones, 2 to 6, known at synth: SageMaker refuses a model in fewer than two
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html). They are the first ones that the deployment finds in its Region,
   * unless the stack overrides `availabilityZones`.
   *
   * @default 2
   */
  readonly availabilityZones?: number;
  /**
   * Prefix length of each zone's subnet, 18 to 26, known at synth: a fleet and its double during a blue/green update must fit. AWS keeps
   * five addresses of each (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
   *
   * @default 24
   */
  readonly subnetMask?: number;
  /**
   * Give the subnets a way out to the internet through one NAT gateway per zone, for sources that live there.
   *
   * @default false
   */
  readonly internetAccess?: boolean;
}

const DEFAULT = { cidr: '10.0.0.0/16', availabilityZones: 2, subnetMask: 24 };
const NAT_MASK = 28;

/**
 * A network without a way in: private subnets, gateway endpoints for S3 and DynamoDB, interface endpoints for the features in use, flow logs.
 *
 * Errors: fewer than two zones, subnets that do not fit into the range, two interface endpoints with the private name of one service.
 */
export class PrivateNetwork extends Construct implements INetwork {
  /**
   * An existing network. Its subnets must lie in two or more zones and reach Amazon S3 through a gateway endpoint or NAT;
   * neither can be seen at synth for a VPC that is imported by id. It gets a security group and nothing else.
   *
   * @param subnets where containers and functions run
   */
  public static fromVpc(scope: Construct, id: string, vpc: IVpc, subnets: SubnetSelection): INetwork {
    const here = new Construct(scope, id);
    const selected = vpc.selectSubnets(subnets);
    const zones = new Set(selected.availabilityZones.map((zone) => JSON.stringify(Stack.of(here).resolve(zone))));
    failOn(
      here,
      'InvalidNetwork',
      selected.isPendingLookup || zones.size >= 2 ? [] : [`'subnets' must lie in at least 2 Availability Zones, got ${zones.size}`],
    );
    refusePrivateDnsClashes(here, vpc);
    return { vpc, subnets, securityGroup: callers(here, vpc) };
  }

  /** The virtual private cloud. */
  public readonly vpc: IVpc;
  /** The private subnets, one a zone. */
  public readonly subnets: SubnetSelection;
  /** Members may call AWS services over HTTPS and accept nothing. */
  public readonly securityGroup: ISecurityGroup;
  private readonly services = new Set<string>();
  private endpoints?: SecurityGroup;

  constructor(scope: Construct, id: string, props: PrivateNetworkProps = {}) {
    super(scope, id);
    failOn(this, 'InvalidPrivateNetwork', problemsOf(this, props));
    const connected = props.internetAccess ?? false;
    this.subnets = { subnetType: connected ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED };
    this.vpc = this.createVpc(props, connected);
    this.securityGroup = callers(this, this.vpc);
    (props.features ?? [NetworkFeature.ISOLATED_MODELS]).forEach((feature) => this.addFeature(feature));
    refusePrivateDnsClashes(this, this.vpc);
  }

  /** Adds the interface endpoints that `feature` needs and that are not there yet; their order does not matter. */
  public addFeature(feature: NetworkFeature): void {
    for (const service of servicesOf(feature)) {
      if (!this.services.has(service.shortName)) {
        this.services.add(service.shortName);
        const endpoint = this.vpc.addInterfaceEndpoint(service.shortName, {
          service,
          subnets: this.subnets,
          securityGroups: [this.endpointGroup()],
          open: false,
        });
        Tags.of(endpoint).add('Name', `${this.node.path}/${service.shortName}`);
      }
    }
  }

  private createVpc(props: PrivateNetworkProps, connected: boolean): Vpc {
    const { cidr, availabilityZones, cidrMask } = sizes(props);
    return vpcOfDeploymentZones(this, 'Vpc', availabilityZones, cidr, {
      subnetConfiguration: [
        { name: 'workload', subnetType: this.subnets.subnetType!, cidrMask },
        ...(connected ? [{ name: 'nat', subnetType: SubnetType.PUBLIC, cidrMask: NAT_MASK, mapPublicIpOnLaunch: false }] : []),
      ],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 }, DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
      flowLogs: {
        All: {
          destination: FlowLogDestination.toCloudWatchLogs(
            new LogGroup(this, 'FlowLogs', { retention: RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.DESTROY }),
          ),
        },
      },
    });
  }

  private endpointGroup(): SecurityGroup {
    if (this.endpoints === undefined) {
      this.endpoints = new SecurityGroup(this, 'Endpoints', {
        vpc: this.vpc,
        description: 'Interface endpoints: HTTPS from the workload',
        allowAllOutbound: false,
      });
      this.endpoints.addIngressRule(this.securityGroup, Port.tcp(443), 'workload calls AWS services');
    }
    return this.endpoints;
  }
}

const sizes = ({ cidr, availabilityZones, subnetMask }: PrivateNetworkProps) => ({
  cidr: cidr ?? DEFAULT.cidr,
  availabilityZones: availabilityZones ?? DEFAULT.availabilityZones,
  cidrMask: subnetMask ?? DEFAULT.subnetMask,
});

/** To any address: gateway endpoints have none of their own, and their prefix lists are not known at synth. Routes decide what is reached. */
function callers(scope: Construct, vpc: IVpc): SecurityGroup {
  const group = new SecurityGroup(scope, 'Workload', {
    vpc,
    description: 'Containers and functions: HTTPS out, nothing in',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
  return group;
}

function problemsOf(scope: Construct, props: PrivateNetworkProps): string[] {
  const octet = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
  const range = new RegExp(`^${octet}(\\.${octet}){3}/(1[6-9]|2[0-4])$`);
  const problems = [
    ...unknownAtSynth('cidr', props.cidr),
    ...unknownAtSynth('availabilityZones', props.availabilityZones),
    ...unknownAtSynth('subnetMask', props.subnetMask),
    ...mismatch('cidr', props.cidr, range, 'an IPv4 range with a prefix of /16 to /24'),
    ...outsideRange('availabilityZones', props.availabilityZones, 2, 6),
    ...notWhole('availabilityZones', props.availabilityZones),
    ...outsideRange('subnetMask', props.subnetMask, 18, 26),
    ...notWhole('subnetMask', props.subnetMask),
  ];
  return problems.length > 0 ? problems : [...spaceProblems(props), ...zoneProblems(scope, props)];
}

function spaceProblems(props: PrivateNetworkProps): string[] {
  const { cidr, availabilityZones, cidrMask } = sizes(props);
  const nat = (props.internetAccess ?? false) ? 2 ** (32 - NAT_MASK) : 0;
  const available = 2 ** (32 - Number(cidr.split('/')[1]));
  const needed = availabilityZones * (2 ** (32 - cidrMask) + nat);
  return needed > available
    ? [
        `'cidr' ${cidr} has ${available} addresses but ${availabilityZones} zones with subnets of /${cidrMask} need ${needed}: ` +
          `take a larger range, a larger 'subnetMask' (a smaller subnet) or fewer zones`,
      ]
    : [];
}

function zoneProblems(scope: Construct, props: PrivateNetworkProps): string[] {
  const chosen = chosenZones(Stack.of(scope));
  const { availabilityZones } = sizes(props);
  return chosen !== undefined && !Token.isUnresolved(chosen) && chosen.length < availabilityZones
    ? [`'availabilityZones' is ${availabilityZones} but the stack chooses only ${chosen.length}: name more there or ask for fewer`]
    : [];
}
