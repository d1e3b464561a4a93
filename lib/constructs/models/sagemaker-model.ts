import { ContainerImage, Model, ModelData } from '@aws-cdk/aws-sagemaker-alpha';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { BoundContainer, BoundPackage } from './model-source';

/** @internal */
export interface SageMakerModelProps {
  readonly source: BoundContainer | BoundPackage;
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
  const { source } = props;
  if ('packageName' in source) {
    const model = plainModel(scope, id, props, { modelPackageName: source.packageName });
    model.cfnOptions.condition = source.approved;
    return model;
  }
  const { imageUri, artifactUrl, dataSource } = source;
  if (artifactUrl !== undefined) {
    return archiveModel(scope, id, props, source, artifactUrl);
  }
  // Under the id that the alpha would use: another source is then a replacement, which keeps the old model for a rollback.
  return plainModel(new Construct(scope, id), 'Model', props, {
    image: imageUri,
    modelDataSource: dataSource && { s3DataSource: dataSource },
    environment: environmentOf(source),
  });
}

/** What the alpha cannot render: a registered version, and data that is no archive. */
function plainModel(
  scope: Construct,
  id: string,
  { role, networkIsolation, vpc, vpcSubnets, securityGroups }: SageMakerModelProps,
  primaryContainer: CfnModel.ContainerDefinitionProperty,
): CfnModel {
  const model = new CfnModel(scope, id, {
    executionRoleArn: role.roleArn,
    primaryContainer,
    enableNetworkIsolation: networkIsolation,
    vpcConfig: vpc && {
      subnets: vpc.selectSubnets(vpcSubnets).subnetIds,
      securityGroupIds: (securityGroups ?? []).map(({ securityGroupId }) => securityGroupId),
    },
  });
  model.node.addDependency(role);
  return model;
}

const environmentOf = ({ environment }: BoundContainer) => (Object.keys(environment).length === 0 ? undefined : environment);

/** The one place that knows `@aws-cdk/aws-sagemaker-alpha`. */
function archiveModel(scope: Construct, id: string, props: SageMakerModelProps, source: BoundContainer, artifactUrl: string): CfnModel {
  const model = new Model(scope, id, {
    role: props.role,
    containers: [{ image: boundImage(source.imageUri), modelData: boundData(artifactUrl), environment: environmentOf(source) }],
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
