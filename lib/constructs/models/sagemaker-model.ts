import { ContainerImage, Model, ModelData } from '@aws-cdk/aws-sagemaker-alpha';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { BoundModel } from './model-source';

/** @internal */
export interface SageMakerModelProps {
  readonly source: BoundModel;
  /** Execution role, already able to load the source; the alpha's own default carries AmazonSageMakerFullAccess. */
  readonly role: IRole;
  readonly networkIsolation: boolean;
  readonly vpc?: IVpc;
  readonly vpcSubnets?: SubnetSelection;
  readonly securityGroups?: ISecurityGroup[];
}

/**
 * The one place that knows `@aws-cdk/aws-sagemaker-alpha`. The model has no name, because a named one cannot be replaced, and depends on
 * the role and its policy, without which CreateModel is refused.
 *
 * @internal
 */
export function createModel(scope: Construct, id: string, props: SageMakerModelProps): CfnModel {
  const model = new Model(scope, id, {
    role: props.role,
    containers: [
      {
        image: boundImage(props.source.imageUri),
        modelData: boundData(props.source.artifactUrl),
        environment: Object.keys(props.source.environment).length === 0 ? undefined : props.source.environment,
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
