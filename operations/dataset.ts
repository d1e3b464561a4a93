import { loadBlueprint } from '../lib/config/load';
import { Clients, defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { compare } from './dataset/compare';
import { namedVersions } from './dataset/named';
import { fileItems } from './dataset/ledger-rows';
import { planRetention } from './dataset/retention';
import { sweep } from './dataset/sweep';
import { diffText, listText, planText, showText } from './dataset/text';
import { statisticsOf, Store, storedOf, versionIn, versionsOf } from './dataset/versions';
import { Workload } from './workload';

const USAGE = `Usage: npm run dataset -- <what> <dataset> [<version>...] [options]

  list <dataset>                     its versions, the oldest first
  show <dataset> <version>           counts, split, statistics of each column, models trained on it
  diff <dataset> <version> <version> how far the columns of two versions differ: Kolmogorov-Smirnov D or total variation, 0 to 1
  sweep <dataset> --keep N           what may be deleted; nothing is, without --write

A version is its id, or the beginning of it. By default everything is kept for ever. A sweep deletes versions that are not among the N newest, were not
withdrawn, and that nothing names: no model version in the registry, no training run under way, no model that was ever released. Records go when their file was replaced or
withdrawn a day ago and no version that stays pins them; so does what lies beside manifests for a day and no version names. The rows of the ledger stay. Deleted is deleted: there is no way back.

Options:
  --keep N       newest versions that stay in any case, at least 1
  --write        delete
  --json         for machines
  --config FILE  config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

/** What a command says to people and to machines. */
export interface Said {
  readonly text: string;
  readonly data: unknown;
}

export interface Request {
  readonly what: string;
  readonly dataset: string;
  readonly versions: readonly string[];
  readonly keep?: number;
  readonly write: boolean;
  readonly now: Date;
}

/** Errors: `UnknownDataset`, `UnknownVersion`, `InvalidOption`. */
export async function run(clients: Clients, workload: Workload, request: Request): Promise<Said> {
  const { what, dataset, versions: ids } = request;
  if (!workload.datasets.includes(dataset)) {
    throw new Error(
      `UnknownDataset: there is no dataset '${dataset}' in ${workload.prefix}: known are ${workload.datasets.join(', ') || 'none'}`,
    );
  }
  const store: Store = {
    ...{ tables: clients.tables, objects: clients.objects },
    ...{ catalogue: workload.output('CatalogTable'), bucket: workload.output('ValidatedBucket') },
  };
  const versions = await versionsOf(store, dataset);
  const chosen = ids.map((id) => versionIn(versions, dataset, id));
  const statistics = await Promise.all(chosen.map(({ manifest }) => statisticsOf(store, manifest)));
  switch (`${what} ${chosen.length}`) {
    case 'list 0':
      return { text: listText(versions), data: versions.map(({ row }) => row) };
    case 'show 1': {
      const models = (await namedVersions(clients, workload)).get(chosen[0].row.id) ?? [];
      const data = { ...chosen[0].row, split: chosen[0].manifest.split, statistics: statistics[0], models };
      return { text: showText(chosen[0], statistics[0], models), data };
    }
    case 'diff 2': {
      const differences = compare(statistics[0], statistics[1]);
      return { text: diffText(chosen[0], chosen[1], differences), data: differences };
    }
    case 'sweep 0':
      return swept(clients, workload, store, request, versions);
    default:
      throw new UsageError(`InvalidOption: '${what}' with ${ids.length} versions is nothing that can be asked\n\n${USAGE}`);
  }
}

async function swept(
  clients: Clients,
  workload: Workload,
  store: Store,
  { dataset, keep, write, now }: Request,
  versions: Awaited<ReturnType<typeof versionsOf>>,
): Promise<Said> {
  if (keep === undefined || !Number.isInteger(keep) || keep < 1) {
    throw new UsageError(`InvalidOption: --keep must be a whole number of at least 1, got ${keep ?? 'nothing'}\n\n${USAGE}`);
  }
  const ledger = await fileItems(clients.tables, workload.output(`${dataset}Ledger`));
  const [named, stored] = [await namedVersions(clients, workload), await storedOf(store, dataset)];
  const plan = planRetention({ versions, named, ledger, stored, keep, now });
  const data = {
    kept: plan.kept.map(({ version, because }) => ({ id: version.row.id, because })),
    doomed: plan.doomed.map(({ version }) => version.row.id),
    records: plan.records,
    orphans: plan.orphans,
  };
  if (!write) {
    return { text: `${planText(plan)}\nNothing was deleted: --write does.`, data };
  }
  const done = await sweep(store, plan);
  const moved = done.moved.map((id) => `\nchanged meanwhile, run the same command again: ${id}`).join('');
  return {
    text: `${planText(plan)}\n${done.versions} versions and ${done.objects} objects were deleted${moved}`,
    data: { ...data, ...done },
  };
}

async function main(args: string[]): Promise<number> {
  const options = { keep: { type: 'string' }, write: { type: 'boolean' }, json: { type: 'boolean' }, config: { type: 'string' } } as const;
  const { values, argument, more } = argumentsOf(args, options, USAGE, 4);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const [dataset, ...versions] = more;
  if (dataset === undefined) {
    throw new UsageError(`InvalidOption: give what and a dataset, got '${argument}'\n\n${USAGE}`);
  }
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  const keep = values.keep === undefined ? undefined : Number(values.keep);
  const request = { what: argument, dataset, versions, keep, write: values.write === true, now: new Date() };
  const { text, data } = await run(clients, await Workload.find(config, clients), request);
  console.log(values.json === true ? JSON.stringify(data, null, 1) : text);
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
