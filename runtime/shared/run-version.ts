import { DescribeModelPackageCommand, ModelPackageStatus, paginateListModelPackages, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { LINEAGE } from '../../lib/constructs/models/contract';

const startOf = (runId: string): string => `Run ${runId.slice(0, 12)} `;

/** Description of the version of a run. A list of versions has it, while it lacks their lineage. */
export const descriptionOf = (runId: string, datasetId: string): string => `${startOf(runId)}on dataset ${datasetId.slice(0, 12)}`;

/** The first 12 digits of the dataset in such a description; undefined for one that says something else. */
export const datasetIn = (description: string | undefined): string | undefined =>
  /^Run [0-9a-f]{12} on dataset ([0-9a-f]{12})$/.exec(description ?? '')?.[1];

/** Of these a release takes none (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageSummary.html). */
const NO_VERSION: readonly string[] = [ModelPackageStatus.FAILED, ModelPackageStatus.DELETING];

/**
 * ARN of the version that a run has registered, whichever of its attempts it was: the one of the group whose lineage names the run. A token
 * of the registration alone cannot tell: it is of the run, while what is registered is of the attempt.
 *
 * Only versions that are described as the run's are looked into, so that a long history costs no more than its list.
 */
export async function versionOfRun(client: SageMakerClient, group: string, runId: string): Promise<string | undefined> {
  const pages = paginateListModelPackages({ client }, { ModelPackageGroupName: group, SortBy: 'CreationTime', SortOrder: 'Descending' });
  for await (const { ModelPackageSummaryList = [] } of pages) {
    const near = ModelPackageSummaryList.filter(
      ({ ModelPackageDescription, ModelPackageStatus: status = '' }) =>
        ModelPackageDescription?.startsWith(startOf(runId)) === true && !NO_VERSION.includes(status),
    );
    for (const { ModelPackageArn } of near) {
      const found = await client.send(new DescribeModelPackageCommand({ ModelPackageName: ModelPackageArn }));
      if (found.CustomerMetadataProperties?.[LINEAGE.run] === runId) {
        return ModelPackageArn;
      }
    }
  }
  return undefined;
}
