import { DescribeModelPackageCommand, paginateListModelPackageGroups } from '@aws-sdk/client-sagemaker';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { RunRow, RUNS } from '../../lib/constructs/delivery/contract';
import { LINEAGE } from '../../lib/constructs/models/contract';
import type { Clients } from '../clients';
import { Releases, releasesIn, versionNumber } from '../releases';
import type { Workload } from '../workload';

/**
 * Dataset versions that something names, by id, each with what does: a model version in the registry, whatever its approval; a training run under
 * way; a model version that was ever released, also one that was deleted since: an endpoint may serve it, and predictions that it made name it.
 * Asks every model that the workload has or had, whatever the config file says of it today: one that was taken out of it, or trains on another
 * dataset now, still has versions that were trained on this one.
 */
export async function namedVersions(clients: Clients, workload: Workload): Promise<Map<string, string[]>> {
  const named = new Map<string, string[]>();
  const add = (id: string | undefined, because: string) => {
    if (id !== undefined) {
      named.set(id, [...(named.get(id) ?? []), because]);
    }
  };
  const registered = await registeredModels(clients, workload);
  for (const model of new Set([...registered, ...workload.models])) {
    const releases = new Releases(clients, workload, model);
    for (const [number, { arn, approval }] of registered.has(model) ? await releases.versions() : []) {
      const { CustomerMetadataProperties } = await clients.registry.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
      add(CustomerMetadataProperties?.[LINEAGE.dataset], `${model}/${number} (${approval})`);
    }
    const runs = workload.outputIfAny(`${model}TrainingRuns`);
    if (runs === undefined) {
      continue; // its stack is gone, or not there yet
    }
    const released = new Set(releasesIn(await releases.rows()).flatMap(({ from, to }) => [from, to]));
    for await (const { plan, endedAt, packageArn, execution } of runsIn(clients, runs)) {
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

/** Models with a group in the registry. */
async function registeredModels({ registry }: Clients, { prefix }: Workload): Promise<Set<string>> {
  const found = new Set<string>();
  const start = `${prefix}-`;
  for await (const { ModelPackageGroupSummaryList = [] } of paginateListModelPackageGroups({ client: registry }, { NameContains: start })) {
    const names = ModelPackageGroupSummaryList.map(({ ModelPackageGroupName }) => ModelPackageGroupName!);
    names.filter((name) => name.startsWith(start)).forEach((name) => found.add(name.slice(start.length)));
  }
  return found;
}

async function* runsIn({ tables }: Clients, TableName: string): AsyncGenerator<RunRow> {
  const filter = { FilterExpression: 'begins_with(#pk, :run)', ExpressionAttributeNames: { '#pk': RUNS.key } };
  const query = { TableName, ...filter, ExpressionAttributeValues: { ':run': RUNS.run } };
  for await (const { Items = [] } of paginateScan({ client: tables }, query)) {
    yield* Items as RunRow[];
  }
}
