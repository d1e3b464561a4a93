import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { descriptionOf } from '../../runtime/shared/run-version';

/** A version that a run has registered. */
export interface RunVersion {
  readonly arn: string;
  readonly runId: string;
  readonly status?: string;
  /** Default: as the registrar describes it. */
  readonly description?: string;
}

type Command = { constructor: { name: string }; input: never };

/** Amazon SageMaker, answered by name of the command. Paginators ask for a true client. */
export const sageMakerOf = (answer: (command: string, input: Record<string, string>) => unknown): SageMakerClient =>
  Object.assign(Object.create(SageMakerClient.prototype) as SageMakerClient, {
    send: async ({ constructor, input }: Command) => answer(constructor.name.replace('Command', ''), input),
  });

/** What the registry says of the versions of a group, one a page; undefined for other calls. */
export function aboutVersions(versions: readonly RunVersion[], command: string, input: Record<string, string>): object | undefined {
  if (command === 'ListModelPackages') {
    const at = Number(input.NextToken ?? 0);
    const page = versions.slice(at, at + 1).map(({ arn, runId, status = 'Completed', description = descriptionOf(runId, 'd2') }) => ({
      ModelPackageArn: arn,
      ModelPackageStatus: status,
      ModelPackageDescription: description,
    }));
    return { ModelPackageSummaryList: page, NextToken: at + 1 < versions.length ? String(at + 1) : undefined };
  }
  const found = versions.find(({ arn }) => arn === input.ModelPackageName);
  return command === 'DescribeModelPackage' && found !== undefined
    ? { ModelPackageArn: found.arn, CustomerMetadataProperties: { 'training-run': found.runId } }
    : undefined;
}
