import { RemovalPolicy, Resource, interfaces } from 'aws-cdk-lib';
import { Connections, IConnectable, ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Grant, IGrantable, IPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { IEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { ModelSource } from '../../models/model-source';

/** What every endpoint is told. */
export interface BaseEndpointProps {
  /**
   * Name, unique in account and Region: 1 to 63 lower-case letters, digits and inner hyphens. Changing it replaces the endpoint.
   *
   * @default - generated from the construct path; for a model of a registry the name that its releases look for, and no other
   */
  readonly endpointName?: string;
  /**
   * What happens to model and endpoint configuration when the stack drops them. Replaced ones are always kept.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What every endpoint with a model of its own is told. */
export interface EndpointProps extends BaseEndpointProps {
  /** Where the model comes from, with the image that serves it. */
  readonly model: ModelSource;
}

/**
 * An endpoint of Amazon SageMaker AI. Its name and ARN are literals, so that others can name it before it exists and nothing references its
 * resources.
 */
export abstract class EndpointBase extends Resource implements IEndpoint, IConnectable, IGrantable {
  /** The variant that serves all traffic. It never changes: scaling and rollbacks name it. */
  public static readonly VARIANT_NAME = 'AllTraffic';

  /** Name of the endpoint: a literal. */
  public abstract readonly endpointName: string;
  /** ARN of the endpoint: a literal in lower case, as SageMaker writes it. */
  public abstract readonly endpointArn: string;
  /** Execution role of the containers. */
  public abstract readonly role: Role;
  /** Security groups of the containers; none outside a VPC. @internal */
  protected abstract readonly _securityGroups: ISecurityGroup[];

  /** Reference for constructs that take any endpoint. */
  public get endpointRef(): interfaces.aws_sagemaker.EndpointReference {
    return { endpointArn: this.endpointArn };
  }

  /** The principal that containers act as. */
  public get grantPrincipal(): IPrincipal {
    return this.role;
  }

  /** The security groups of the containers; an error when the endpoint is in no VPC. */
  public get connections(): Connections {
    if (this._securityGroups.length === 0) {
      throw new Error(`Invalid${this.constructor.name}: only an endpoint with 'vpc' has connections [at ${this.node.path}]`);
    }
    return new Connections({ securityGroups: this._securityGroups });
  }

  /** Lets `grantee` call this endpoint, and no other. */
  public grantInvoke(grantee: IGrantable): Grant {
    return this._grantCall(grantee, 'sagemaker:InvokeEndpoint');
  }

  /** @internal */
  protected _grantCall(grantee: IGrantable, action: string): Grant {
    return Grant.addToPrincipal({ grantee, actions: [action], resourceArns: [this.endpointArn] });
  }
}
