import { FILE_STATE, Withdrawal } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/file-row';
import { Entry, LISTED, OperationRefused, Plan } from '../operation/core';
import type { Journal } from '../operation/report';
import type { StepTime } from '../operation/steps';
import { counts, fileRows } from '../shared/ledger-rows';
import type { Catalogue, VersionRow } from './catalogue';
import { LedgerTable, withdrawContents } from './contents';
import { isVersionId, keyOf, RecallRun } from './core';
import type { AffectedModel, Models } from './models';
import type { Predictions } from './predictions';

export interface WithdrawalOptions {
  ledger: LedgerTable;
  catalogue: Catalogue;
  /** Absent: no model is trained. */
  models?: Models;
  predictions?: Predictions;
}

/** Entries of one part. */
const PART = 500;

/** One withdrawal: finds what it touches, and does it in an order in which whatever was done holds if the rest is not. */
export class WithdrawalWork {
  private readonly by: Withdrawal;

  constructor(
    private readonly run: RecallRun,
    private readonly options: WithdrawalOptions,
  ) {
    const { id, startedAt, request } = run;
    this.by = { withdrawal: id, withdrawnAt: startedAt, withdrawnBy: request.requestedBy, withdrawnReason: request.reason };
  }

  /** What would be touched. Errors: `OperationRefused`. */
  public async plan({ timeLeft }: StepTime): Promise<Plan> {
    const contents = await this.contents();
    const files = await this.filesWith(contents);
    const versions = await this.versions(contents);
    const affected = await this.affected(versions);
    const registered = affected.flatMap((model) => model.versions);
    // Online values are no copy of files: what came by a stream is in them as well, and a withdrawal does not reach there.
    const streamed = files.filter(({ batch }) => batch !== undefined).length;
    const serving = registered.filter(({ live }) => live).length;
    const totals = {
      ...{ files: files.length, ...(streamed > 0 && { 'of them from a stream': streamed }), 'dataset versions': versions.length },
      ...{ 'model versions': registered.length, 'of them serving': serving },
    };
    const first = [...files.slice(0, LISTED).map(shownFile), ...versions.slice(0, LISTED).map(shownVersion)];
    // What is done lists each; a plan of that would read all of them twice.
    return { totals: this.run.request.dryRun ? { ...totals, ...(await this.counted(affected, timeLeft)) } : totals, first };
  }

  /** Affected models with what to do about each, as they are now. */
  public async models(): Promise<AffectedModel[]> {
    return this.affected(await this.versions(await this.contents()));
  }

  /** Goes on where the journal is; each phase may be repeated. */
  public async work(journal: Journal, { timeLeft }: StepTime): Promise<void> {
    const phases = [this.withdrawFiles, this.withdrawVersions, this.barModels, this.listPredictions];
    const { cursor } = journal.progress;
    const from = cursor === undefined ? { phase: 0 } : (JSON.parse(cursor) as { phase: number; after?: string });
    for (let { phase, after } = { after: undefined, ...from }; phase < phases.length; phase++, after = undefined) {
      let entries: Entry[] = [];
      for await (const step of phases[phase].call(this, after)) {
        entries.push(...step.entries);
        const over = !timeLeft();
        if (over || entries.length >= PART) {
          await journal.write(entries, { cursor: JSON.stringify({ phase, after: step.at }), done: false });
          entries = [];
        }
        if (over) {
          return;
        }
      }
      const done = phase === phases.length - 1;
      await journal.write(entries, done ? { done } : { cursor: JSON.stringify({ phase: phase + 1 }), done });
    }
  }

  /** There is one thing to go on behind: all of it. */
  private async *withdrawFiles(after?: string): AsyncGenerator<Step> {
    if (after !== undefined) {
      return;
    }
    const rows = await withdrawContents(this.options.ledger, await this.contents(), this.by);
    yield { entries: rows.map((row) => ({ outcome: 'files withdrawn', ...shownFile(row) })), at: '' };
  }

  private async *withdrawVersions(after = ''): AsyncGenerator<Step> {
    const { catalogue } = this.options;
    for (const version of (await this.versions(await this.contents())).filter(({ id }) => id > after)) {
      await catalogue.withdraw(this.run.dataset, version.id, this.by);
      const hidden = await catalogue.hide(this.run.dataset, version.id);
      const entries: Entry[] = [{ outcome: 'dataset versions withdrawn', ...shownVersion(version), queries: hidden ? 'ended' : 'none' }];
      yield { entries, at: version.id };
    }
  }

  private async *barModels(after = ''): AsyncGenerator<Step> {
    const ids = new Set((await this.versions(await this.contents())).map(({ id }) => id));
    for (const model of ((await this.options.models?.names()) ?? []).filter((name) => name > after)) {
      const found = await this.options.models!.affected(model, ids);
      const entries: Entry[] = [];
      for (const version of found?.versions ?? []) {
        if (!version.live) {
          await this.options.models!.bar(model, version, this.by);
        }
        const outcome = version.live ? 'model versions left alone, for they serve' : 'model versions barred';
        entries.push({ outcome, model, versionArn: version.arn, dataset: version.dataset });
      }
      yield { entries, at: model };
    }
  }

  private async *listPredictions(after?: string): AsyncGenerator<Step> {
    const { predictions, models } = this.options;
    if (predictions === undefined || models === undefined || after === '') {
      return;
    }
    for await (const { touched, at } of predictions.of(await this.models(), models, after)) {
      yield { entries: touched.map(({ model, id, uncertain }) => ({ outcome: 'predictions', model, id, uncertain })), at };
    }
  }

  /** Predictions of affected versions; `at least` when the time of the step was over before all were read. */
  private async counted(affected: readonly AffectedModel[], timeLeft: () => boolean): Promise<Record<string, number>> {
    const { predictions, models } = this.options;
    const found = { predictions: 0, uncertain: 0 };
    if (predictions === undefined || models === undefined) {
      return found;
    }
    for await (const { touched } of predictions.of(affected, models)) {
      found.predictions += touched.length;
      found.uncertain += touched.reduce((sum, { uncertain }) => sum + uncertain, 0);
      if (!timeLeft()) {
        return { 'predictions at least': found.predictions, 'uncertain at least': found.uncertain };
      }
    }
    return found;
  }

  /** A row of each content that goes; none when a dataset version does. Errors: `OperationRefused`. */
  private async contents(): Promise<Map<string, string>> {
    const { thing, version } = this.run.request.selection;
    if (isVersionId(thing)) {
      return new Map();
    }
    const key = keyOf(thing);
    const rows: FileRow[] = [];
    for await (const row of fileRows(this.options.ledger.client, this.options.ledger.table)) {
      if (row.key === key && (version ?? row.versionId) === row.versionId) {
        rows.push(row);
      }
    }
    return contentsOf(rows, thing, this.run.startedAt);
  }

  private async filesWith(contents: ReadonlyMap<string, string>): Promise<FileRow[]> {
    const rows: FileRow[] = [];
    for await (const row of fileRows(this.options.ledger.client, this.options.ledger.table)) {
      if (contents.has(row.contentSha256 ?? '')) {
        rows.push(row);
      }
    }
    return rows;
  }

  private async versions(contents: ReadonlyMap<string, string>): Promise<VersionRow[]> {
    const { dataset, request } = this.run;
    const { thing } = request.selection;
    if (!isVersionId(thing)) {
      return this.options.catalogue.versionsWith(dataset, new Set(contents.keys()));
    }
    const version = await this.options.catalogue.get(dataset, thing);
    return version === undefined ? [] : [version];
  }

  private async affected(versions: readonly VersionRow[]): Promise<AffectedModel[]> {
    const { models } = this.options;
    const ids = new Set(versions.map(({ id }) => id));
    const found: AffectedModel[] = [];
    for (const name of ids.size === 0 || models === undefined ? [] : await models.names()) {
      const model = await models!.affected(name, ids);
      found.push(...(model === undefined ? [] : [model]));
    }
    return found;
  }
}

interface Step {
  entries: Entry[];
  at: string;
}

/**
 * What came after the execution began is not meant: it may be the file that corrects. What is not final yet by then has no records.
 */
function contentsOf(rows: readonly FileRow[], thing: string, startedAt: string): Map<string, string> {
  if (rows.length === 0) {
    throw new OperationRefused(`UnknownThing: the ledger has no file '${thing}'`);
  }
  const accounted = rows.filter(({ state, accountedAt }) => state === FILE_STATE.accounted && (accountedAt ?? '') <= startedAt);
  if (accounted.length === 0) {
    const states = [...new Set(rows.map(({ state }) => state))].join(', ');
    throw new OperationRefused(
      `NothingToWithdraw: '${thing}' is ${states}: only what is accounted for has records; wait until it is final`,
    );
  }
  return new Map(accounted.map(({ contentSha256, pk }) => [contentSha256!, pk]));
}

const shownFile = (row: FileRow) => ({
  ...{ what: 'file', key: row.key, versionId: row.versionId, content: row.contentSha256, counted: counts(row) },
  ...(row.batch && { batch: row.batch, accountedAt: row.accountedAt }),
});

const shownVersion = ({ id, publishedAt, rows, files }: VersionRow) => ({
  ...{ what: 'dataset version', dataset: id, publishedAt, records: String(rows), files: String(files) },
});
