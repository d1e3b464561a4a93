import { RemovalPolicy, Tags } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
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

/** Something in the network that calls AWS services; the interface endpoints follow from it. */
export enum NetworkFeature {
  /** Model containers without a network of their own: model data comes through the S3 gateway endpoint, which is always there. */
  ISOLATED_MODELS = 'isolated-models',
  /** Model containers that write logs and metrics and fetch images themselves. */
  CONNECTED_MODELS = 'connected-models',
  /** Functions that call endpoints, queues, topics and tables from inside the network. */
  FUNCTIONS = 'functions',
}

const SERVICES: Record<NetworkFeature, InterfaceVpcEndpointAwsService[]> = {
  [NetworkFeature.ISOLATED_MODELS]: [],
  [NetworkFeature.CONNECTED_MODELS]: [
    InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    InterfaceVpcEndpointAwsService.ECR,
    InterfaceVpcEndpointAwsService.ECR_DOCKER,
    InterfaceVpcEndpointAwsService.STS,
  ],
  [NetworkFeature.FUNCTIONS]: [
    InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    InterfaceVpcEndpointAwsService.EVENTBRIDGE,
    InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME,
    InterfaceVpcEndpointAwsService.SNS,
    InterfaceVpcEndpointAwsService.SQS,
    InterfaceVpcEndpointAwsService.SSM,
    InterfaceVpcEndpointAwsService.STS,
  ],
};

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
   * What runs in the network: each feature adds the interface endpoints of the services that it calls, each service once.
   *
   * @default - isolated models only, which need none
   */
  readonly features?: NetworkFeature[];
  /**
   * IPv4 range in CIDR notation, /16 to /24.
   *
   * @default '10.0.0.0/16'
   */
  readonly cidr?: string;
  /**
   * Availability Zones, 2 to 6: SageMaker refuses a model in fewer than two
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html).
   *
   * @default 2
   */
  readonly availabilityZones?: number;
  /**
   * Prefix length of each zone's subnet, 18 to 26: a fleet and its double during a blue/green update must fit.
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

/** A network without a way in: private subnets, an S3 gateway endpoint, interface endpoints for the features in use, flow logs. */
export class PrivateNetwork extends Construct implements INetwork {
  /**
   * An existing network. Its subnets must lie in two or more zones and reach Amazon S3 through a gateway endpoint or NAT;
   * neither can be seen at synth for a VPC that is imported by id.
   */
  public static fromVpc(scope: Construct, id: string, vpc: IVpc, subnets: SubnetSelection): INetwork {
    const selected = vpc.selectSubnets(subnets);
    const problems =
      selected.isPendingLookup || new Set(selected.availabilityZones).size >= 2
        ? []
        : ['the subnets must lie in at least 2 Availability Zones'];
    const here = new Construct(scope, id);
    failOn(here, 'InvalidNetwork', problems);
    return { vpc, subnets, securityGroup: callers(here, vpc) };
  }

  public readonly vpc: IVpc;
  public readonly subnets: SubnetSelection;
  public readonly securityGroup: ISecurityGroup;

  constructor(scope: Construct, id: string, props: PrivateNetworkProps = {}) {
    super(scope, id);
    failOn(this, 'InvalidPrivateNetwork', [
      ...unknownAtSynth('cidr', props.cidr),
      ...unknownAtSynth('availabilityZones', props.availabilityZones),
      ...unknownAtSynth('subnetMask', props.subnetMask),
      ...mismatch('cidr', props.cidr, /^\d{1,3}(\.\d{1,3}){3}\/(1[6-9]|2[0-4])$/, 'an IPv4 range with a prefix of /16 to /24'),
      ...outsideRange('availabilityZones', props.availabilityZones, 2, 6),
      ...notWhole('availabilityZones', props.availabilityZones),
      ...outsideRange('subnetMask', props.subnetMask, 18, 26),
      ...notWhole('subnetMask', props.subnetMask),
    ]);
    const connected = props.internetAccess ?? false;
    this.subnets = { subnetType: connected ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED };
    this.vpc = this.createVpc(props, connected);
    this.securityGroup = callers(this, this.vpc);
    this.createInterfaceEndpoints(props.features ?? [NetworkFeature.ISOLATED_MODELS]);
  }

  private createVpc(props: PrivateNetworkProps, connected: boolean): Vpc {
    const cidrMask = props.subnetMask ?? 24;
    return new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(props.cidr ?? '10.0.0.0/16'),
      maxAzs: props.availabilityZones ?? 2,
      subnetConfiguration: [
        { name: 'workload', subnetType: this.subnets.subnetType!, cidrMask },
        ...(connected ? [{ name: 'nat', subnetType: SubnetType.PUBLIC, cidrMask: 28, mapPublicIpOnLaunch: false }] : []),
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

  /** One endpoint a service: two with private DNS for the same service in one VPC collide. */
  private createInterfaceEndpoints(features: NetworkFeature[]): void {
    const services = new Map(features.flatMap((feature) => SERVICES[feature]).map((service) => [service.shortName, service]));
    if (services.size === 0) {
      return;
    }
    const group = new SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'Interface endpoints: HTTPS from the workload',
      allowAllOutbound: false,
    });
    group.addIngressRule(this.securityGroup, Port.tcp(443), 'workload calls AWS services');
    for (const [name, service] of [...services].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const endpoint = this.vpc.addInterfaceEndpoint(name, { service, subnets: this.subnets, securityGroups: [group], open: false });
      Tags.of(endpoint).add('Name', `${this.node.path}/${name}`);
    }
  }
}

function callers(scope: Construct, vpc: IVpc): SecurityGroup {
  const group = new SecurityGroup(scope, 'Workload', {
    vpc,
    description: 'Containers and functions: HTTPS out, nothing in',
    allowAllOutbound: false,
  });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS services');
  return group;
}
