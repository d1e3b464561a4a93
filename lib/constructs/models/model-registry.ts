import { IResource, RemovalPolicy, Resource, Stack } from 'aws-cdk-lib';
import { IRepository } from 'aws-cdk-lib/aws-ecr';
import { AccountPrincipal, Grant, IGrantable, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { CfnModelPackageGroup } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { namesOf } from '../delivery/contract';
import { acknowledgeResource } from '../shared/acknowledgements';
import { failOn, mismatch } from '../shared/checks';
import { accountProblems, modelNameProblems } from './model-names';

/** Properties of a `ModelRegistry`. */
export interface ModelRegistryProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /** Route name of the model: 1 to 20 lower-case letters, digits and inner hyphens, known at synth. */
  readonly model: string;
  /**
   * Accounts, 12 digits each, that may read and deploy the registered versions. They read artefacts through the policies of
   * `ModelArtifacts`.
   *
   * @default - this account only
   */
  readonly trustedAccounts?: string[];
  /**
   * Repositories of this app with the images that serve the model: trusted accounts may pull from them. An imported repository is an error,
   * because its policy belongs to somebody else.
   *
   * @default - none: images of AWS need no policy
   */
  readonly repositories?: IRepository[];
}

/** The registered versions of one model. */
export interface IModelRegistry extends IResource {
  /**
   * Name of the model package group.
   *
   * @attribute
   */
  readonly groupName: string;
  /**
   * ARN of the model package group.
   *
   * @attribute
   */
  readonly groupArn: string;
  /** Lets `grantee` register versions in this group, with tags. They wait for approval: it cannot register one as approved. */
  grantRegister(grantee: IGrantable): Grant;
  /** Lets `grantee` list and describe the versions of this group. */
  grantRead(grantee: IGrantable): Grant;
}

/**
 * What a reader does. The actions are authorized on the group or on its versions
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html).
 */
const READ = ['sagemaker:DescribeModelPackageGroup', 'sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages'];
/** A version of which nothing else is said is pending (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html). */
const PENDING = { StringEqualsIfExists: { 'sagemaker:ModelApprovalStatus': 'PendingManualApproval' } };
const PULL = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

abstract class ModelRegistryBase extends Resource implements IModelRegistry {
  public abstract readonly groupName: string;

  public get groupArn(): string {
    return Stack.of(this).formatArn({ service: 'sagemaker', resource: 'model-package-group', resourceName: this.groupName });
  }

  public grantRegister(grantee: IGrantable): Grant {
    const tagging = this.grant(grantee, ['sagemaker:AddTags']);
    return tagging.combine(this.grant(grantee, ['sagemaker:CreateModelPackage'], PENDING));
  }

  public grantRead(grantee: IGrantable): Grant {
    return this.grant(grantee, READ);
  }

  /** ARN pattern of the versions, which SageMaker numbers. */
  protected get versionArns(): string {
    return Stack.of(this).formatArn({ service: 'sagemaker', resource: 'model-package', resourceName: `${this.groupName}/*` });
  }

  private grant(grantee: IGrantable, actions: string[], conditions?: Record<string, Record<string, string>>): Grant {
    const principal = grantee.grantPrincipal;
    if (Construct.isConstruct(principal)) {
      acknowledgeResource(principal, this.versionArns, 'Versions of this one group; SageMaker numbers them.');
    }
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [this.groupArn, this.versionArns], conditions });
  }
}

/**
 * Where the versions of a model are registered: a model package group `<namePrefix>-<model>`.
 *
 * The group is always kept, because SageMaker deletes only an empty one
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-delete-model-group.html). So a stack that is destroyed and deployed again
 * finds the name taken and fails: take the group back with `cdk import`, or delete its versions and the group first.
 */
export class ModelRegistry extends ModelRegistryBase {
  /** A group that exists already, in this account and Region. Name: 1 to 63 letters, digits and inner hyphens. */
  public static fromGroupName(scope: Construct, id: string, groupName: string): IModelRegistry {
    failOn(scope, 'InvalidModelRegistry', mismatch('groupName', groupName, NAME, '1 to 63 letters, digits and inner hyphens'));
    return new (class extends ModelRegistryBase {
      public readonly groupName = groupName;
    })(scope, id);
  }

  /** Name of the model package group: a literal. */
  public readonly groupName: string;

  constructor(scope: Construct, id: string, props: ModelRegistryProps) {
    super(scope, id);
    failOn(this, 'InvalidModelRegistry', [...modelNameProblems(props), ...accountProblems(props.trustedAccounts)]);
    this.groupName = namesOf(props.namePrefix, props.model).group;
    const accounts = [...new Set(props.trustedAccounts)];
    const group = new CfnModelPackageGroup(this, 'Resource', {
      modelPackageGroupName: this.groupName,
      modelPackageGroupPolicy: accounts.length === 0 ? undefined : this.policyFor(accounts),
    });
    group.applyRemovalPolicy(RemovalPolicy.RETAIN);
    failOn(this, 'InvalidModelRegistry', this.sharePulls(props.repositories ?? [], accounts));
  }

  /** https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-ram-discover.html */
  private policyFor(accounts: string[]): PolicyDocument {
    const principals = accounts.map((account) => new AccountPrincipal(account));
    return new PolicyDocument({
      statements: [
        new PolicyStatement({
          sid: 'TrustedAccounts',
          principals,
          actions: [...READ, 'sagemaker:CreateModel'],
          resources: [this.groupArn, this.versionArns],
        }),
      ],
    });
  }

  private sharePulls(repositories: IRepository[], accounts: string[]): string[] {
    if (accounts.length === 0) {
      return [];
    }
    const statement = () =>
      new PolicyStatement({ sid: 'TrustedAccounts', principals: accounts.map((account) => new AccountPrincipal(account)), actions: PULL });
    return repositories
      .filter((repository) => !repository.addToResourcePolicy(statement()).statementAdded)
      .map(
        ({ node }) => `'repositories' holds the imported ${node.id}, whose policy cannot be changed here: let its owner trust the accounts`,
      );
  }
}

const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
