import { DescribeModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { RunRow, RUNS, ReleaseState } from '../lib/constructs/delivery/contract';
import { LINEAGE } from '../lib/constructs/models/contract';
import type { Clients } from './clients';
import { DataLineage } from './data-lineage';
import { executionLink, Found, logLink } from './found';
import { markEntry, Releases, releasesIn, Row, versionNumber } from './releases';
import type { Workload } from './workload';

/** Versions of one model, the runs that made them, and where they serve. */
export class ModelLineage {
  private readonly releases: Releases;

  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    private readonly data: DataLineage,
    public readonly model: string,
  ) {
    this.releases = new Releases(clients, workload, model);
  }

  public rows(): Promise<Row[]> {
    return this.releases.rows();
  }

  public arnOf = async (version: number): Promise<string | undefined> => (await this.releases.versions()).get(version)?.arn;

  /** A version with the run, dataset and files that it came from; with `downstream` also its releases and its endpoint. */
  public async version(arn: string, downstream: boolean): Promise<Found | undefined> {
    const described = await this.describe(arn);
    if (described === undefined) {
      return undefined;
    }
    const metadata = described.CustomerMetadataProperties ?? {};
    const rows = await this.rows();
    const mark = rows.find(({ entry }) => entry === markEntry(versionNumber(arn)));
    const releases = releasesIn(rows).filter(({ to }) => to === arn);
    const live = await this.releases.live();
    const container = described.InferenceSpecification?.Containers?.[0];
    const run = metadata[LINEAGE.run];
    return {
      kind: 'version',
      name: `${this.model}/${versionNumber(arn)}`,
      facts: {
        arn,
        approval: described.ModelApprovalStatus,
        live: live?.arn === arn,
        mark: mark && `${mark.reason}: ${mark.why} (${mark.by}, ${mark.at})`,
        'release attempts': releases.length,
        artefact: container?.ModelDataUrl,
        image: container?.Image,
        'code revision': metadata[LINEAGE.codeRevision],
        code: metadata[LINEAGE.code],
        evaluation: metadata[LINEAGE.evaluation],
      },
      from: run === undefined ? [] : [await this.run(run)],
      to: downstream ? [...releases.map((row) => this.release(row)), ...(live?.arn === arn ? [this.endpoint(live)] : [])] : undefined,
    };
  }

  public release(row: Row): Found {
    const { entry, state, from, to, startedAt, changedAt, reason, execution } = row;
    const { region } = this.clients;
    const log = execution === undefined ? undefined : executionLink(region, execution);
    return {
      kind: 'release',
      name: entry,
      facts: { model: this.model, state, from, to, started: startedAt, changed: changedAt, reason, execution, log },
    };
  }

  public async run(id: string): Promise<Found> {
    const table = this.workload.output(`${this.model}TrainingRuns`);
    const { Item } = await this.clients.tables.send(new GetCommand({ TableName: table, Key: { [RUNS.key]: RUNS.run + id } }));
    if (Item === undefined) {
      return { kind: 'training run', name: id, facts: { unknown: `the runs table ${table} has no such run` } };
    }
    const row = Item as RunRow;
    return { ...this.runFacts(id, row), from: [await this.data.datasetFound(this.workload.datasetOf(this.model), row.plan.datasetId)] };
  }

  /** Runs on a dataset version, each with the version that it registered. */
  public async runsOn(datasetId: string): Promise<Found[]> {
    const found: Found[] = [];
    const live = await this.releases.live();
    const filter = { FilterExpression: 'begins_with(#pk, :run)', ExpressionAttributeNames: { '#pk': RUNS.key } };
    const pages = paginateScan(
      { client: this.clients.tables },
      { TableName: this.workload.output(`${this.model}TrainingRuns`), ...filter, ExpressionAttributeValues: { ':run': RUNS.run } },
    );
    for await (const { Items = [] } of pages) {
      for (const row of (Items as (RunRow & { pk: string })[]).filter(({ plan }) => plan.datasetId === datasetId)) {
        const { packageArn: arn } = row;
        const version = (name: string): Found => ({
          kind: 'version',
          name: `${this.model}/${versionNumber(name)}`,
          facts: { arn: name, live: live?.arn === name },
        });
        found.push({ ...this.runFacts(row.pk.slice(RUNS.run.length), row), to: arn === undefined ? [] : [version(arn)] });
      }
    }
    return found;
  }

  private runFacts(id: string, row: RunRow): Found {
    const machine = this.workload.output(`${this.model}TrainingMachine`);
    const execution = `${machine.replace(':stateMachine:', ':execution:')}:${row.execution}`;
    return {
      kind: 'training run',
      name: id,
      facts: {
        state: row.state,
        attempts: row.attempt,
        trigger: row.trigger,
        started: row.startedAt,
        ended: row.endedAt,
        error: row.error,
        refused: row.verdict?.reasons.join('; '),
        'code revision': row.plan.codeRevision,
        execution,
        log: executionLink(this.clients.region, execution),
      },
    };
  }

  private endpoint({ endpoint, status }: { endpoint: string; status: string }): Found {
    const log = logLink(this.clients.region, `/aws/sagemaker/Endpoints/${endpoint}`);
    return { kind: 'endpoint', name: endpoint, facts: { status, log } };
  }

  /** Versions that were ever released. */
  public async everReleased(): Promise<string[]> {
    const released = releasesIn(await this.rows()).filter(({ state }) => state === ReleaseState.RELEASED);
    return [...new Set(released.map(({ to }) => to!))];
  }

  private async describe(arn: string) {
    try {
      return await this.clients.registry.send(new DescribeModelPackageCommand({ ModelPackageName: arn }));
    } catch (error) {
      if (/could not find|does not exist|not found/i.test((error as Error).message)) {
        return undefined;
      }
      throw error;
    }
  }
}
