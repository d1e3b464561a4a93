import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { RELEASES, servedAt } from '../lib/constructs/delivery/contract';
import { BOOKS } from '../lib/constructs/integration/contract';
import type { Clients } from './clients';
import { DataLineage, datasetFacts, fileOfLedger } from './data-lineage';
import { Found, logLink } from './found';
import { ModelLineage } from './model-lineage';
import { RecordContract, recordKeyOf, RecordLookup } from './record-lookup';
import { releasesIn } from './releases';
import type { Workload } from './workload';

/** A prediction as its table has it. */
interface PredictionRow {
  readonly model: string;
  readonly id: string;
  readonly state: string;
  readonly madeAt: string;
  readonly eventTime: string;
  readonly endpoint: string;
  readonly variant: string;
  readonly features?: string;
  readonly decision?: boolean;
  readonly outcome?: boolean;
  readonly observedAt?: string;
  readonly labelledAt?: string;
  readonly expiredAt?: string;
  readonly correlationId: string;
}

/** What was found, or every place that was looked at in vain. */
export interface Answer {
  readonly found: readonly Found[];
  readonly looked: readonly string[];
}

/** Finds a version, a release, a prediction, a file or a record by its name. */
export class Lookup {
  private readonly data: DataLineage;
  private readonly looked: string[] = [];

  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    /** Of the datasets whose records can be looked for. */
    private readonly contracts: readonly RecordContract[] = [],
  ) {
    this.data = new DataLineage(clients, workload);
  }

  public async find(text: string): Promise<Answer> {
    for (const look of [this.record, this.version, this.release, this.prediction, this.file]) {
      const found = await look(text);
      if (found.length > 0 || (look === this.record && this.looked.length > 0)) {
        return { found, looked: this.looked };
      }
    }
    return { found: [], looked: this.looked };
  }

  private record = async (text: string): Promise<Found[]> => {
    const key = recordKeyOf(text, this.contracts);
    if (key === undefined) {
      return [];
    }
    this.looked.push(`records of the accounted files of ${key.dataset}, valid and in quarantine`);
    const contract = this.contracts.find(({ dataset }) => dataset === key.dataset)!;
    const records = new RecordLookup(this.clients, this.workload, this.data);
    const found = await records.find(key, contract, async (row) => [...((await this.datasetUse(key.dataset, row)).to ?? [])]);
    this.looked.push(...records.unread);
    return found;
  };

  private lineage = (model: string): ModelLineage => new ModelLineage(this.clients, this.workload, this.data, model);

  private version = async (text: string): Promise<Found[]> => {
    const [, group, number] = /:model-package\/([^/]+)\/(\d+)$/.exec(text) ?? [];
    const [, route, version] = /^([^/]+)\/(\d+)$/.exec(text) ?? [];
    const model = group === undefined ? route : this.workload.models.find((name) => `${this.workload.prefix}-${name}` === group);
    if (model === undefined || !this.workload.models.includes(model)) {
      return [];
    }
    this.looked.push(`versions of ${this.workload.prefix}-${model} in the registry`);
    const lineage = this.lineage(model);
    const arn = group === undefined ? await lineage.arnOf(Number(version)) : await lineage.arnOf(Number(number));
    const found = arn === undefined ? undefined : await lineage.version(arn, true);
    return found === undefined ? [] : [found];
  };

  private release = async (text: string): Promise<Found[]> => {
    if (!text.startsWith(RELEASES.release)) {
      return [];
    }
    this.looked.push(`releases of ${this.workload.models.join(', ')} in ${this.workload.output('ReleaseTable')}`);
    for (const model of this.workload.models) {
      const lineage = this.lineage(model);
      const row = releasesIn(await lineage.rows()).find(({ entry }) => entry === text);
      if (row !== undefined) {
        const version = row.to === undefined ? undefined : await lineage.version(row.to, false);
        return [{ ...lineage.release(row), from: version === undefined ? [] : [version] }];
      }
    }
    return [];
  };

  private prediction = async (text: string): Promise<Found[]> => {
    const TableName = await this.workload.predictionTable();
    const keys = [text, ...this.workload.endpoints.map((model) => `${model}/${text}`)];
    this.looked.push(`predictions ${keys.join(', ')} in ${TableName}`);
    for (const key of keys) {
      const { Item } = await this.clients.tables.send(new GetCommand({ TableName, Key: { [BOOKS.key]: key } }));
      if (Item !== undefined) {
        return [await this.predictionFound(Item as PredictionRow)];
      }
    }
    return [];
  };

  private async predictionFound(row: PredictionRow): Promise<Found> {
    const { region } = this.clients;
    const served = this.workload.models.includes(row.model)
      ? await this.servedFor(row)
      : { arns: [], note: 'the model is not trained here' };
    const versions = await Promise.all(served.arns.map((arn) => this.lineage(row.model).version(arn, false)));
    return {
      kind: 'prediction',
      name: `${row.model}/${row.id}`,
      facts: {
        state: row.state,
        made: row.madeAt,
        'event time': row.eventTime,
        endpoint: row.endpoint,
        variant: row.variant,
        features: row.features,
        decision: row.decision,
        label: row.outcome,
        observed: row.observedAt,
        labelled: row.labelledAt,
        expired: row.expiredAt,
        correlation: row.correlationId,
        'answered by': served.note,
        log: logLink(region, `/aws/sagemaker/Endpoints/${row.endpoint}`),
      },
      from: versions.filter((version) => version !== undefined),
    };
  }

  /** While recorded data is replayed a prediction bears the time of the recording, which no release has. */
  private async servedFor({ model, madeAt }: PredictionRow): Promise<{ arns: string[]; note: string }> {
    const lineage = this.lineage(model);
    const replayed = this.workload.replayed;
    const arns = replayed ? await lineage.everReleased() : servedAt(releasesIn(await lineage.rows()), madeAt);
    const one = replayed ? 'the only version that was ever released' : 'the version that served then';
    const several = replayed
      ? 'one of these: the clock was replayed, so its time is in no release'
      : 'one of these: a release was under way then';
    return { arns, note: arns.length === 1 ? one : arns.length === 0 ? 'no released version is known for that time' : several };
  }

  private file = async (text: string): Promise<Found[]> => {
    const key = text.replace(/^s3:\/\/[^/]+\//, '');
    this.looked.push(`object ${key} in the ledgers of ${this.workload.datasets.join(', ') || 'no dataset'}`);
    const found: Found[] = [];
    for (const dataset of this.workload.datasets) {
      const rows = await this.data.ledger(dataset, key);
      if (rows.length === 0) {
        continue;
      }
      const datasets = await this.data.datasetsWith(dataset, key);
      for (const row of rows) {
        const within = datasets.filter(({ file }) => file.sourceVersion === row.versionId);
        found.push({ ...fileOfLedger(row), to: await Promise.all(within.map(async (one) => this.datasetUse(dataset, one.row))) });
      }
    }
    return found;
  };

  private async datasetUse(dataset: string, row: Parameters<typeof datasetFacts>[0]): Promise<Found> {
    const models = this.workload.models.filter((model) => this.workload.datasetOf(model) === dataset);
    const runs = await Promise.all(models.map((model) => this.lineage(model).runsOn(row.id)));
    return { ...datasetFacts(row), to: runs.flat() };
  }
}
