import { Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import { IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { ImageFamily } from './image-families';
import { grantLogin } from './image-login';

/** A tag of a registry, as Amazon ECR is asked for the image behind it. @internal */
export interface PublishedTag {
  readonly registryId: string;
  readonly repositoryName: string;
  /** Address of the repository, without tag and digest. */
  readonly repositoryUri: string;
  readonly tag: string;
}

/**
 * Lets `role` ask for the image behind a tag of a family. Whoever may pull from a registry of AWS may ask so: a pull asks the same
 * (https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html), while `DescribeImages` is no part of pulling.
 *
 * @internal
 */
export function grantResolve(scope: Construct, role: IRole, family: ImageFamily): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({ sid: 'ResolveImage', actions: ['ecr:BatchGetImage'], resources: [repositoryArn(scope, family)] }),
  );
}

/** @internal */
export function publishedTag(scope: Construct, family: ImageFamily, tag: string): PublishedTag {
  const [registryId, repositoryName] = [registryAccount(scope, family), family.data.repository];
  return { registryId, repositoryName, repositoryUri: repositoryUri(scope, family), tag };
}

/** What a role may pull: one statement for the images of all variants, because ids of statements are unique in a policy. */
const PULLS = new WeakMap<IRole, { readonly statement: PolicyStatement; readonly repositories: Set<string> }>();

/** Lets `role` pull from the repository of a family in the Region of `scope`, and from no other than those it was granted so. @internal */
export function grantPull(scope: Construct, role: IRole, family: ImageFamily): void {
  const pulls = PULLS.get(role);
  if (pulls === undefined) {
    const statement = new PolicyStatement({
      sid: 'PullImage',
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: [repositoryArn(scope, family)],
    });
    role.addToPrincipalPolicy(statement);
    PULLS.set(role, { statement, repositories: new Set([family.data.repository]) });
    grantLogin(role);
  } else if (!pulls.repositories.has(family.data.repository)) {
    pulls.repositories.add(family.data.repository);
    pulls.statement.addResources(repositoryArn(scope, family));
  }
}

function repositoryArn(scope: Construct, family: ImageFamily): string {
  const account = registryAccount(scope, family);
  return Stack.of(scope).formatArn({ service: 'ecr', account, resource: 'repository', resourceName: family.data.repository });
}

/** Address of the repository of a family in the Region of `scope`. @internal */
export function repositoryUri(scope: Construct, family: ImageFamily): string {
  const { region } = Stack.of(scope);
  return `${registryAccount(scope, family)}.dkr.ecr.${region}.${Aws.URL_SUFFIX}/${family.data.repository}`;
}

/** The account that publishes a family: looked up now when the Region is known, otherwise by the deployment. */
function registryAccount(scope: Construct, { name, data }: ImageFamily): string {
  const { region } = Stack.of(scope);
  if (!Token.isUnresolved(region)) {
    return data.accounts[region];
  }
  const id = `${name.replace(/(?:^|[ -])(\w)/g, (_, letter: string) => letter.toUpperCase())}Registry`;
  const mapping = Object.fromEntries(Object.entries(data.accounts).map(([key, account]) => [key, { account }]));
  return (mappingOf(Stack.of(scope), id) ?? new CfnMapping(scope, id, { mapping })).findInMap(Aws.REGION, 'account');
}

/** The mapping that another construct of the stack has made for the same family. */
const mappingOf = (stack: Stack, id: string): CfnMapping | undefined =>
  stack.node.findAll().find((child): child is CfnMapping => child instanceof CfnMapping && child.node.id === id && child.stack === stack);
