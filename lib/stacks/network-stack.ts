import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { BlueprintConfig, NetworkConfig } from '../config/schema';
import { INetwork, NetworkFeature, PrivateNetwork } from '../constructs/network';
import { Layer } from '../constructs/ownership';
import { WorkloadStack } from './workload-stack';

/** The network that model containers run in: our own, or an imported one. */
export class NetworkStack extends WorkloadStack {
  public readonly network: INetwork;

  constructor(scope: Construct, id: string, config: BlueprintConfig, network: Exclude<NetworkConfig, { mode: 'none' }>) {
    super(scope, id, config, Layer.INFRASTRUCTURE);
    this.network =
      network.mode === 'import'
        ? this.importNetwork(network)
        : new PrivateNetwork(this, 'Network', {
            cidr: network.cidr,
            availabilityZones: network.availabilityZones,
            internetAccess: network.mode === 'nat',
            features: [NetworkFeature.ISOLATED_MODELS],
          });
  }

  private importNetwork({ vpcId, availabilityZones, subnetIds }: Extract<NetworkConfig, { mode: 'import' }>): INetwork {
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones, privateSubnetIds: subnetIds });
    return PrivateNetwork.fromVpc(this, 'Network', vpc, { subnets: vpc.privateSubnets });
  }
}
