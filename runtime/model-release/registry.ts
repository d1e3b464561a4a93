import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeModelPackageCommand,
  ModelPackageGroupSummary,
  ModelPackageSummary,
  paginateListModelPackageGroups,
  paginateListModelPackages,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import type { EndpointState, Mark, Version } from './types';
import { problemsOf, Rules } from './versions';

/** Amazon SageMaker answers a name that it does not know with a validation error of varying text. */
async function known<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    const { name, message } = error as Error;
    if ((name === 'ValidationException' && /could not find|does not exist|not found/i.test(message)) || name === 'ResourceNotFound') {
      return undefined;
    }
    throw error;
  }
}

/** Approved versions without a mark, the newest first, down to the first one that can be released: older ones do not matter. */
export async function approvedVersions(client: SageMakerClient, rules: Rules, marks: Mark[], live: string | undefined): Promise<Version[]> {
  const marked = new Set(marks.map(({ version }) => version));
  const summaries = (await known(summariesOf(client, rules.group))) ?? [];
  const unmarked = summaries.filter(({ ModelPackageVersion: version = 0 }) => !marked.has(version));
  unmarked.sort((a, b) => (b.ModelPackageVersion ?? 0) - (a.ModelPackageVersion ?? 0));
  const versions: Version[] = [];
  for (const { ModelPackageArn } of unmarked) {
    const version = await describe(client, ModelPackageArn!);
    versions.push(version);
    if (version.arn === live || problemsOf(version, rules).length === 0) {
      break;
    }
  }
  return versions;
}

async function summariesOf(client: SageMakerClient, group: string): Promise<ModelPackageSummary[]> {
  const found: ModelPackageSummary[] = [];
  const pages = paginateListModelPackages({ client }, { ModelPackageGroupName: group, ModelApprovalStatus: 'Approved' });
  for await (const { ModelPackageSummaryList = [] } of pages) {
    found.push(...ModelPackageSummaryList);
  }
  return found;
}

async function describe(client: SageMakerClient, arn: string): Promise<Version> {
  const found = await client.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
  return {
    arn,
    version: found.ModelPackageVersion ?? 0,
    group: found.ModelPackageGroupName ?? '',
    status: found.ModelPackageStatus ?? '',
    metadata: found.CustomerMetadataProperties ?? {},
    containers: (found.InferenceSpecification?.Containers ?? []).map(({ Image, ModelDataUrl }) => ({
      image: Image,
      modelDataUrl: ModelDataUrl,
    })),
  };
}

/**
 * What an endpoint serves: its configuration names a model, and that the version. Its own is the first variant; of a `group` it is the one among the
 * others, a shadow too, that serves a version of that group.
 */
export async function endpointOf(client: SageMakerClient, name: string, group?: string): Promise<EndpointState | undefined> {
  const endpoint = await known(client.send(new DescribeEndpointCommand({ EndpointName: name })));
  if (endpoint === undefined) {
    return undefined;
  }
  const status = endpoint.EndpointStatus ?? 'Unknown';
  const rollbackAlarms = (endpoint.LastDeploymentConfig?.AutoRollbackConfiguration?.Alarms ?? []).map(({ AlarmName }) => AlarmName!);
  const config = await known(client.send(new DescribeEndpointConfigCommand({ EndpointConfigName: endpoint.EndpointConfigName })));
  const [main, ...others] = config?.ProductionVariants ?? [];
  if (group === undefined) {
    return { status, packageArn: await packageOf(client, main?.ModelName), rollbackAlarms };
  }
  for (const { ModelName } of [...others, ...(config?.ShadowProductionVariants ?? [])]) {
    const packageArn = await packageOf(client, ModelName);
    if (packageArn?.split('/').at(-2) === group) {
      return { status, packageArn, rollbackAlarms };
    }
  }
  return { status, rollbackAlarms };
}

async function packageOf(client: SageMakerClient, model: string | undefined): Promise<string | undefined> {
  if (model === undefined) {
    return undefined;
  }
  const described = await known(client.send(new DescribeModelCommand({ ModelName: model })));
  return (described?.PrimaryContainer ?? described?.Containers?.[0])?.ModelPackageName;
}

/** Names of all groups of a workload. */
export async function groupsOf(client: SageMakerClient, prefix: string): Promise<string[]> {
  const found: ModelPackageGroupSummary[] = [];
  for await (const { ModelPackageGroupSummaryList = [] } of paginateListModelPackageGroups({ client }, { NameContains: `${prefix}-` })) {
    found.push(...ModelPackageGroupSummaryList);
  }
  return found.map(({ ModelPackageGroupName }) => ModelPackageGroupName!).filter((name) => name.startsWith(`${prefix}-`));
}
