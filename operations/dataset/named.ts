import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { RunRow, RUNS } from '../../lib/constructs/delivery/contract';
import { LINEAGE } from '../../lib/constructs/models/contract';
import type { Clients } from '../clients';
import { Releases, releasesIn, versionNumber } from '../releases';
import type { Workload } from '../workload';

/**
 * Dataset versions that something names, by id, each with what does: a model version in the registry, whatever its approval; a training run under
 * way; a model version that was ever released, also one that was deleted since: an endpoint may serve it, and predictions that it made name it.
 */
export async function namedVersions(clients: Clients, workload: Workload, dataset: string): Promise<Map<string, string[]>> {
  const named = new Map<string, string[]>();
  const add = (id: string | undefined, because: string) => {
    if (id !== undefined) {
      named.set(id, [...(named.get(id) ?? []), because]);
    }
  };
  for (const model of workload.models.filter((name) => workload.datasetOf(name) === dataset)) {
    const releases = new Releases(clients, workload, model);
    for (const [number, { arn, approval }] of await releases.versions()) {
      const { CustomerMetadataProperties } = await clients.registry.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
      add(CustomerMetadataProperties?.[LINEAGE.dataset], `${model}/${number} (${approval})`);
    }
    const released = new Set(releasesIn(await releases.rows()).flatMap(({ from, to }) => [from, to]));
    for await (const { plan, endedAt, packageArn, execution } of runsOf(clients, workload, model)) {
      if (endedAt === undefined) {
        add(plan.datasetId, `training run ${execution}, under way`);
      }
      if (packageArn !== undefined && released.has(packageArn)) {
        add(plan.datasetId, `${model}/${versionNumber(packageArn)} (released)`);
      }
    }
  }
  return named;
}

async function* runsOf({ tables }: Clients, workload: Workload, model: string): AsyncGenerator<RunRow> {
  const filter = { FilterExpression: 'begins_with(#pk, :run)', ExpressionAttributeNames: { '#pk': RUNS.key } };
  const query = { TableName: workload.output(`${model}TrainingRuns`), ...filter, ExpressionAttributeValues: { ':run': RUNS.run } };
  for await (const { Items = [] } of paginateScan({ client: tables }, query)) {
    yield* Items as RunRow[];
  }
}
