import { ContainerImage, Model, ModelData } from '@aws-cdk/aws-sagemaker-alpha';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { BoundArchive, BoundPackage } from './model-source';

/** @internal */
export interface SageMakerModelProps {
  readonly source: BoundArchive | BoundPackage;
  /** Execution role, already able to load the source; the alpha's own default carries AmazonSageMakerFullAccess. */
  readonly role: IRole;
  readonly networkIsolation: boolean;
  readonly vpc?: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups?: ISecurityGroup[];
}

/**
 * A model without a name, because a named one cannot be replaced. It depends on the role and its policy, without which CreateModel is refused.
 *
 * @internal
 */
export function createModel(scope: Construct, id: string, props: SageMakerModelProps): CfnModel {
  return 'packageName' in props.source ? packageModel(scope, id, props, props.source) : archiveModel(scope, id, props, props.source);
}

/** A registered version, which the alpha cannot render; it is there while one is approved. */
function packageModel(scope: Construct, id: string, props: SageMakerModelProps, source: BoundPackage): CfnModel {
  const { vpc, securityGroups } = props;
  const model = new CfnModel(scope, id, {
    executionRoleArn: props.role.roleArn,
    primaryContainer: { modelPackageName: source.packageName },
    enableNetworkIsolation: props.networkIsolation,
    vpcConfig: vpc && {
      subnets: vpc.selectSubnets(props.vpcSubnets).subnetIds,
      securityGroupIds: (securityGroups ?? []).map(({ securityGroupId }) => securityGroupId),
    },
  });
  model.cfnOptions.condition = source.approved;
  model.node.addDependency(props.role);
  return model;
}

/** The one place that knows `@aws-cdk/aws-sagemaker-alpha`. */
function archiveModel(scope: Construct, id: string, props: SageMakerModelProps, source: BoundArchive): CfnModel {
  const model = new Model(scope, id, {
    role: props.role,
    containers: [
      {
        image: boundImage(source.imageUri),
        modelData: boundData(source.artifactUrl),
        environment: Object.keys(source.environment).length === 0 ? undefined : source.environment,
      },
    ],
    networkIsolation: props.networkIsolation,
    vpc: props.vpc,
    vpcSubnets: props.vpcSubnets,
    securityGroups: props.securityGroups,
  });
  return model.node.findChild('Model') as CfnModel;
}

/** What the alpha's own values would grant is wider: the whole bucket, and a repository in an account they guess. */
function boundImage(imageName: string): ContainerImage {
  return new (class extends ContainerImage {
    public bind() {
      return { imageName };
    }
  })();
}

function boundData(uri: string): ModelData {
  return new (class extends ModelData {
    public bind() {
      return { uri };
    }
  })();
}
