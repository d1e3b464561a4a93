import { Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import { IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { ImageFamily } from './image-families';
import { grantLogin } from './image-login';

/** Lets `role` pull from the repository of a family in the Region of `scope`, and from no other. @internal */
export function grantPull(scope: Construct, role: IRole, family: ImageFamily): void {
  const stack = Stack.of(scope);
  const account = registryAccount(scope, family);
  role.addToPrincipalPolicy(
    new PolicyStatement({
      sid: 'PullImage',
      actions: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
      resources: [stack.formatArn({ service: 'ecr', account, resource: 'repository', resourceName: family.data.repository })],
    }),
  );
  grantLogin(role);
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
