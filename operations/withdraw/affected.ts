import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { LINEAGE } from '../../lib/constructs/models/contract';
import type { Clients } from '../clients';
import { DataLineage, DatasetRow } from '../data-lineage';
import { markEntry, Releases, releasesIn, Row } from '../releases';
import { servedAt } from '../served';
import type { Workload } from '../workload';

/** A registered version of a model that was trained on what is withdrawn. */
export interface AffectedVersion {
  readonly arn: string;
  readonly version: number;
  readonly dataset: string;
  readonly approval: string;
  readonly live: boolean;
  /** Why it is not released, whatever its approval. */
  readonly mark?: string;
}

/** One model: its versions that are affected, and the one to take instead. */
export interface AffectedModel {
  readonly model: string;
  readonly versions: readonly AffectedVersion[];
  /** Newest version that is approved, or waits for it, and was trained on other data. */
  readonly clean?: { readonly version: number; readonly arn: string; readonly approval: string };
  /** Predictions of the affected versions: by id, and how many of these another version may have made, for the time does not tell. */
  readonly predictions: { readonly ids: readonly string[]; readonly uncertain: number };
}

const OFFERED = ['Approved', 'PendingManualApproval'];

/** Dataset versions of which one file has one of these contents. */
export async function datasetsWith(data: DataLineage, dataset: string, contents: ReadonlySet<string>): Promise<DatasetRow[]> {
  const found: DatasetRow[] = [];
  for (const row of await data.datasets(dataset)) {
    if ((await data.files(row)).some(({ content }) => contents.has(content ?? ''))) {
      found.push(row);
    }
  }
  return found;
}

/** What of one model is affected by the withdrawal of dataset versions; undefined when nothing is. */
export async function affectedModel(
  clients: Clients,
  workload: Workload,
  model: string,
  datasets: ReadonlySet<string>,
): Promise<AffectedModel | undefined> {
  const releases = new Releases(clients, workload, model);
  const [known, rows, live] = await Promise.all([releases.versions(), releases.rows(), releases.live()]);
  const versions: AffectedVersion[] = [];
  const others: { version: number; arn: string; approval: string }[] = [];
  for (const [version, { arn, approval }] of known) {
    const { CustomerMetadataProperties } = await clients.registry.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
    const dataset = CustomerMetadataProperties?.[LINEAGE.dataset] ?? '';
    const mark = rows.find(({ entry }) => entry === markEntry(version))?.reason;
    if (datasets.has(dataset)) {
      versions.push({ arn, version, dataset, approval, live: live?.arn === arn, mark });
    } else if (OFFERED.includes(approval) && mark === undefined) {
      others.push({ version, arn, approval });
    }
  }
  if (versions.length === 0) {
    return undefined;
  }
  const clean = others.sort((a, b) => b.version - a.version).at(0);
  return {
    model,
    versions,
    clean,
    predictions: await predictionsOf(clients, workload, model, new Set(versions.map(({ arn }) => arn)), rows),
  };
}

/**
 * Predictions that affected versions have made, or may have made: while a release is under way, and where recorded data is replayed, the time of a
 * prediction does not tell which version it was.
 */
async function predictionsOf(
  clients: Clients,
  workload: Workload,
  model: string,
  affected: ReadonlySet<string>,
  rows: readonly Row[],
): Promise<AffectedModel['predictions']> {
  const released = releasesIn(rows);
  const ever = [...new Set(released.filter(({ state }) => state === 'released').map(({ to }) => to!))];
  const predictions = { ids: [] as string[], uncertain: 0 };
  if (!released.some(({ to }) => affected.has(to ?? ''))) {
    return predictions;
  }
  const filter = { FilterExpression: '#model = :model', ExpressionAttributeNames: { '#model': 'model' } };
  const TableName = await workload.predictionTable();
  const pages = paginateScan({ client: clients.tables }, { TableName, ...filter, ExpressionAttributeValues: { ':model': model } });
  for await (const { Items = [] } of pages) {
    for (const { id, madeAt } of Items as { id: string; madeAt: string }[]) {
      const served = workload.replayed ? ever : servedAt(released, madeAt);
      if (served.some((arn) => affected.has(arn))) {
        predictions.ids.push(id);
        predictions.uncertain += served.every((arn) => affected.has(arn)) ? 0 : 1;
      }
    }
  }
  return predictions;
}
