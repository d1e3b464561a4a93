import { CfnOutput, CrossStackReferences, ReferenceStrength, RemovalPolicy } from 'aws-cdk-lib';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { ModelRelease } from '../constructs/delivery';
import { ModelArtifacts } from '../constructs/models';
import { Layer } from '../constructs/ownership';
import { imageOf } from './images';
import { WorkloadStack } from './workload-stack';

export interface DeliveryStackProps {
  readonly bus: IEventBus;
  readonly accessLogs: IBucket;
}

/** How models reach production: the bucket of their artefacts and the one machine that releases approved versions. */
export class DeliveryStack extends WorkloadStack {
  public readonly artifacts: ModelArtifacts;
  public readonly release: ModelRelease;

  constructor(scope: Construct, id: string, config: BlueprintConfig, { bus, accessLogs }: DeliveryStackProps) {
    super(scope, id, config, Layer.DELIVERY);
    const { deleteDataWithStack } = config.data;
    this.artifacts = new ModelArtifacts(this, 'Artifacts', {
      namePrefix: this.prefix,
      accessLogs,
      trustedAccounts: config.models.trustedAccounts,
      removalPolicy: deleteDataWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
      deleteObjects: deleteDataWithStack,
    });
    const { bucket, key } = this.artifacts;
    [bucket, key].forEach((resource) => CrossStackReferences.of(resource).produce(ReferenceStrength.STRONG));
    this.release = new ModelRelease(this, 'Release', {
      namePrefix: this.prefix,
      bus,
      artifacts: bucket,
      imageRepositories: this.repositoriesOf(config),
      removalPolicy: this.removalPolicy,
    });
    new CfnOutput(this, 'ArtifactBucket', { value: bucket.bucketName });
    new CfnOutput(this, 'ReleaseMachine', { value: this.release.stateMachine.stateMachineArn });
    new CfnOutput(this, 'ReleaseTable', { value: this.release.table.tableName });
  }

  /** Repositories of the images that a version may name: those that its training and its endpoint use. */
  private repositoriesOf({ endpoints }: BlueprintConfig): string[] {
    const trained = Object.values(endpoints).filter(({ model }) => model.training !== undefined);
    const addresses = trained.map((endpoint) => imageOf(endpoint.image).repositoryUri(this));
    // Two texts with Tokens may differ and mean the same.
    return [...new Map(addresses.map((address) => [JSON.stringify(this.resolve(address)), address])).values()];
  }
}
