import { CloudFormationClient, DescribeStacksCommand, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  ListTagsCommand,
  paginateListEndpointConfigs,
  paginateListEndpoints,
  paginateListModels,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { namesOf, WORKLOAD_TAG } from '../../lib/constructs/delivery/contract';
import type { Configuration, Leftover, StackResources } from './core';
import { known } from './unknown';

interface Listed {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
}

const STACK_TAG = 'aws:cloudformation:stack-name';
const KINDS = new Set(['AWS::SageMaker::Model', 'AWS::SageMaker::EndpointConfig']);

/** Models of the workload. Names are random, so each one's tags are asked for. */
export async function modelsOf(client: SageMakerClient, prefix: string): Promise<Leftover[]> {
  const listed: Listed[] = [];
  for await (const { Models = [] } of paginateListModels({ client }, {})) {
    listed.push(...Models.map(({ ModelName, ModelArn, CreationTime }) => listedAs(ModelName, ModelArn, CreationTime)));
  }
  return each(client, prefix, listed, async (model, tagged) => {
    const described = await known(client.send(new DescribeModelCommand({ ModelName: model.name })));
    const container = described?.PrimaryContainer ?? described?.Containers?.[0];
    return { ...model, stack: stackOfVersion(prefix, container?.ModelPackageName) ?? tagged };
  });
}

/** Endpoint configurations of the workload; one belongs to the stack of the models that it names. */
export async function configurationsOf(client: SageMakerClient, prefix: string, models: readonly Leftover[]): Promise<Configuration[]> {
  const listed: Listed[] = [];
  for await (const { EndpointConfigs = [] } of paginateListEndpointConfigs({ client }, {})) {
    listed.push(
      ...EndpointConfigs.map(({ EndpointConfigName, EndpointConfigArn, CreationTime }) =>
        listedAs(EndpointConfigName, EndpointConfigArn, CreationTime),
      ),
    );
  }
  const stacks = new Map(models.map(({ name, stack }) => [name, stack]));
  return each(client, prefix, listed, async (configuration, tagged) => {
    const described = await known(client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: configuration.name })));
    const variants = [...(described?.ProductionVariants ?? []), ...(described?.ShadowProductionVariants ?? [])];
    const names = variants.flatMap(({ ModelName }) => (ModelName === undefined ? [] : [ModelName]));
    return { ...configuration, models: names, stack: stacks.get(names[0] ?? '') ?? tagged };
  });
}

const listedAs = (name: string | undefined, arn: string | undefined, created: Date | undefined): Listed => ({
  name: name!,
  arn: arn!,
  createdAt: created!.getTime(),
});

/** Those that carry the tag of the workload, with the stack that their tags name. */
async function each<T>(
  client: SageMakerClient,
  prefix: string,
  listed: readonly Listed[],
  read: (one: Listed, stack: string | undefined) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  for (const one of listed) {
    const tags = (await known(client.send(new ListTagsCommand({ ResourceArn: one.arn }))))?.Tags ?? [];
    const valueOf = (key: string) => tags.find(({ Key }) => Key === key)?.Value;
    if (valueOf(WORKLOAD_TAG) === prefix) {
      const stack = valueOf(STACK_TAG);
      found.push(await read(one, stack?.startsWith(`${prefix}-`) ? stack : undefined));
    }
  }
  return found;
}

/** The serving stack of a version, by the name of its group. */
function stackOfVersion(prefix: string, packageArn: string | undefined): string | undefined {
  const group = /:model-package\/([^/]+)\/\d+$/.exec(packageArn ?? '')?.[1];
  return group?.startsWith(`${prefix}-`) ? namesOf(prefix, group.slice(prefix.length + 1)).stack : undefined;
}

/**
 * Configurations that any endpoint of the account uses, or is changing to: one that is being deployed shows only in its pending deployment
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PendingDeploymentSummary.html), and deleting it is forbidden
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html).
 */
export async function usedConfigurations(client: SageMakerClient): Promise<string[]> {
  const used: (string | undefined)[] = [];
  for await (const { Endpoints = [] } of paginateListEndpoints({ client }, {})) {
    for (const { EndpointName } of Endpoints) {
      const endpoint = await known(client.send(new DescribeEndpointCommand({ EndpointName })));
      used.push(endpoint?.EndpointConfigName, endpoint?.PendingDeploymentSummary?.EndpointConfigName);
    }
  }
  return used.filter((name) => name !== undefined);
}

export async function stacksOf(client: CloudFormationClient, names: readonly string[]): Promise<Record<string, StackResources>> {
  const found: Record<string, StackResources> = {};
  for (const name of names) {
    const status = (await known(client.send(new DescribeStacksCommand({ StackName: name }))))?.Stacks?.[0].StackStatus;
    found[name] = { status, names: status === undefined ? [] : await resourcesOf(client, name) };
  }
  return found;
}

/** The physical id of both kinds is an ARN, which ends with the name. */
async function resourcesOf(client: CloudFormationClient, StackName: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
    const ours = StackResourceSummaries.filter(({ ResourceType }) => KINDS.has(ResourceType ?? ''));
    names.push(...ours.flatMap(({ PhysicalResourceId }) => PhysicalResourceId?.split('/').at(-1) ?? []));
  }
  return names;
}
