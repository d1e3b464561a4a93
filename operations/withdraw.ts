import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { loadBlueprint } from '../lib/config/load';
import { FILE_STATE, reportKey, Withdrawal } from '../lib/constructs/data/contract';
import { Clients, defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { DataLineage } from './data-lineage';
import { FileItem as RowItem } from './dataset/ledger-rows';
import { AffectedModel, affectedModel, datasetsWith } from './withdraw/affected';
import { bar, withdrawDataset } from './withdraw/apply';
import { ledgerRows, withdrawContents } from './withdraw/contents';
import { textOf } from './withdraw/text';
import { Workload } from './workload';

const USAGE = `Usage: npm run withdraw -- <thing> --reason TEXT [options]

Withdraws data: it is in no future dataset, nothing is trained on the dataset versions that have it, and the model versions that were trained on them are
barred from release. Without --yes nothing changes: it says what would be touched.

A thing is
  a file             its object key in the raw zone, or s3://<bucket>/<key>: all versions of the object, and every other file with the same bytes
  a dataset version  its id of 64 hexadecimal digits: this version alone; its files stay

There is no way back. The same bytes stay withdrawn in whatever file they come; a corrected file counts, and so does an older version that is sent again.
A version that serves is not taken out: it is named with the one to release instead, and is barred when the same command runs again afterwards.
A command that was interrupted is completed by the same command.

Options:
  --reason TEXT   why, for those who read it later; required
  --version ID    only this version of the object
  --yes           do it
  --json          the report, for machines
  --config FILE   config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

export interface WithdrawOptions {
  readonly thing: string;
  readonly version?: string;
  readonly reason: string;
  readonly by: string;
  readonly yes: boolean;
  readonly now: () => Date;
  readonly say: (text: string) => void;
}

/** What was touched, or would be. The same lies in the validated zone, below `<dataset>/operations/<withdrawal>/`. */
export interface Report extends Withdrawal {
  readonly thing: string;
  readonly dataset: string;
  /** False: nothing was changed. */
  readonly done: boolean;
  readonly files: readonly { readonly key: string; readonly versionId: string; readonly content?: string; readonly counted: boolean }[];
  readonly datasets: readonly { readonly id: string; readonly publishedAt: string; readonly files: number; readonly rows: number }[];
  readonly models: readonly AffectedModel[];
  /** Affected versions that serve, and are not barred for that. */
  readonly serving: readonly string[];
  readonly report?: string;
}

interface Target {
  readonly dataset: string;
  /** A row of each content. */
  readonly contents: ReadonlyMap<string, string>;
  readonly datasetId?: string;
}

const counted = ({ state, duplicateOf, supersededBy, withdrawal }: RowItem): boolean =>
  state === FILE_STATE.accounted && [duplicateOf, supersededBy, withdrawal].every((why) => why === undefined);

/** One withdrawal: finds what it touches, and does it in an order in which whatever was done holds if the rest is not. */
export class Withdrawing {
  private readonly data: DataLineage;

  constructor(
    private readonly clients: Clients,
    private readonly workload: Workload,
    private readonly options: WithdrawOptions,
  ) {
    this.data = new DataLineage(clients, workload);
  }

  /** Errors: `UnknownThing`, `NothingToWithdraw`. */
  public async run(): Promise<Report> {
    const { thing, reason, by, yes, now, say } = this.options;
    const withdrawal = {
      withdrawal: `withdraw-${randomUUID()}`,
      withdrawnAt: now().toISOString(),
      withdrawnBy: by,
      withdrawnReason: reason,
    };
    const target = await this.find();
    const { dataset, contents, datasetId } = target;
    const ledger = this.ledgerOf(dataset);
    say(`${contents.size} contents of ${dataset}`);
    if (yes) {
      await withdrawContents(ledger, contents, withdrawal);
    }
    const rows = await this.rowsWith(dataset, ({ contentSha256 }) => contents.has(contentSha256 ?? ''));
    const versions = (await this.data.datasets(dataset)).filter(({ id }) => id === datasetId);
    const datasets = datasetId === undefined ? await datasetsWith(this.data, dataset, new Set(contents.keys())) : versions;
    say(`${datasets.length} versions of the dataset`);
    for (const { id } of yes ? datasets : []) {
      await withdrawDataset(this.clients, this.workload.output('CatalogTable'), dataset, id, withdrawal);
    }
    const models = await this.models(dataset, new Set(datasets.map(({ id }) => id)), withdrawal);
    return this.report({
      ...{ ...withdrawal, thing, dataset, done: yes, models },
      files: rows.map((row) => ({ key: row.key, versionId: row.versionId, content: row.contentSha256, counted: counted(row) })),
      datasets: datasets.map(({ id, publishedAt, files, rows: records }) => ({ id, publishedAt, files, rows: records })),
      serving: models.flatMap(({ versions: all }) => all.filter(({ live }) => live).map(({ arn }) => arn)),
    });
  }

  /** Affected models; with `--yes` their versions are barred, but for those that serve. */
  private async models(dataset: string, ids: ReadonlySet<string>, by: Withdrawal): Promise<AffectedModel[]> {
    const { clients, workload } = this;
    const found: AffectedModel[] = [];
    for (const model of workload.models.filter((name) => workload.datasetOf(name) === dataset)) {
      const affected = await affectedModel(clients, workload, model, ids);
      if (affected === undefined) {
        continue;
      }
      found.push(affected);
      for (const version of this.options.yes ? affected.versions.filter(({ live }) => !live) : []) {
        this.options.say(`barring ${model}/${version.version}`);
        await bar(clients, workload.output('ReleaseTable'), model, version, by);
      }
    }
    return found;
  }

  private async find(): Promise<Target> {
    const { thing, version } = this.options;
    const key = thing.replace(/^s3:\/\/[^/]+\//, '');
    for (const dataset of this.workload.datasets) {
      if (/^[0-9a-f]{64}$/.test(thing)) {
        if ((await this.data.dataset(dataset, thing)) !== undefined) {
          return { dataset, contents: new Map(), datasetId: thing };
        }
        continue;
      }
      const rows = await this.rowsWith(dataset, (row) => row.key === key && (version ?? row.versionId) === row.versionId);
      if (rows.length > 0) {
        return { dataset, contents: contentsOf(rows, thing) };
      }
    }
    throw new Error(
      `UnknownThing: '${thing}' is neither an object key nor a dataset version of ${this.workload.datasets.join(', ') || 'any dataset'}`,
    );
  }

  private ledgerOf(dataset: string) {
    return { client: this.clients.tables, table: this.workload.output(`${dataset}Ledger`) };
  }

  private async rowsWith(dataset: string, wanted: (row: RowItem) => boolean): Promise<RowItem[]> {
    const rows: RowItem[] = [];
    for await (const row of ledgerRows(this.ledgerOf(dataset))) {
      if (wanted(row)) {
        rows.push(row);
      }
    }
    return rows;
  }

  private async report(report: Report): Promise<Report> {
    if (!report.done) {
      return report;
    }
    const Key = reportKey(report.dataset, report.withdrawal);
    const Bucket = this.workload.output('ValidatedBucket');
    const Body = JSON.stringify(report, null, 1);
    await this.clients.objects.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json' }));
    return { ...report, report: `s3://${Bucket}/${Key}` };
  }
}

function contentsOf(rows: readonly RowItem[], thing: string): Map<string, string> {
  const accounted = rows.filter(({ state }) => state === FILE_STATE.accounted);
  if (accounted.length === 0) {
    const states = [...new Set(rows.map(({ state }) => state))].join(', ');
    throw new Error(`NothingToWithdraw: '${thing}' is ${states}: only what is accounted for has records; wait until it is final`);
  }
  return new Map(accounted.map(({ contentSha256, pk }) => [contentSha256!, pk]));
}

async function main(args: string[]): Promise<number> {
  const [text, flag] = [{ type: 'string' } as const, { type: 'boolean' } as const];
  const { values, argument } = argumentsOf(args, { reason: text, version: text, config: text, yes: flag, json: flag }, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const reason = ((values.reason as string | undefined) ?? '').trim();
  if (reason === '') {
    throw new UsageError(`InvalidOption: --reason must say why\n\n${USAGE}`);
  }
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  const workload = await Workload.find(config, clients);
  const given = { thing: argument, version: values.version as string | undefined, reason, yes: values.yes === true };
  const report = await new Withdrawing(clients, workload, {
    ...given,
    by: userInfo().username,
    now: () => new Date(),
    say: (line) => console.error(line),
  }).run();
  console.log(values.json === true ? JSON.stringify(report, null, 1) : textOf(report));
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
