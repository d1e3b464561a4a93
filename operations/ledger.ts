import { loadBlueprint } from '../lib/config/load';
import { Clients, defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { planRebuild, RebuildPlan } from './ledger/rebuild';
import { readRecords, readTable, Say, writeChanges } from './ledger/records';
import { Workload } from './workload';

const USAGE = `Usage: npm run ledger -- rebuild <dataset> [options]

Compares the ledger of a dataset with the commit records that lie beside the outputs, and says what it lacks: rows of files that were accounted for or
rejected, and the pointers that follow from them. Nothing is written without --write.

What the table has in a later state stays. Files that were not final have no commit record: the intake reads them again.

Options:
  --write        write what is missing, each item only if nobody has changed it meanwhile
  --table NAME   table to compare with and to write into (default: the ledger of the intake)
  --json         every item that is missing, older or in conflict, for machines
  --config FILE  config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

export interface RebuildOptions {
  readonly dataset: string;
  readonly table?: string;
  readonly write: boolean;
  readonly say: Say;
}

/** What was found, and the keys of items that somebody changed while they were to be written. */
export interface Rebuilt {
  readonly table: string;
  readonly records: number;
  readonly plan: RebuildPlan;
  readonly moved: readonly string[];
}

/** Compares, and writes if asked to. Errors: `UnknownDataset`, `DamagedRecord`. */
export async function rebuild(clients: Clients, workload: Workload, options: RebuildOptions): Promise<Rebuilt> {
  const { dataset, say } = options;
  if (!workload.datasets.includes(dataset)) {
    throw new Error(
      `UnknownDataset: '${dataset}' has no ledger in ${workload.prefix}: known are ${workload.datasets.join(', ') || 'none'}`,
    );
  }
  const table = options.table ?? workload.output(`${dataset}Ledger`);
  const records = await readRecords(clients.objects, workload.output('ValidatedBucket'), dataset, say);
  const plan = planRebuild(records, await readTable(clients.tables, table, say));
  const moved = options.write ? await writeChanges(clients.tables, table, plan.changes, say) : [];
  return { table, records: records.size, plan, moved };
}

/** For people: numbers, and the keys behind them as far as they need somebody. */
export function textOf({ table, records, plan, moved }: Rebuilt, written: boolean): string {
  const { changes, conflicts, same, newer } = plan;
  const missing = changes.filter(({ seen }) => seen === undefined).length;
  const lines = [
    `${table}: ${records} files have a commit record; ${same} items are as they should be, ${newer} are newer than their record`,
    `${missing} items are missing, ${changes.length - missing} are older${written ? `; ${changes.length - moved.length} were written` : ''}`,
    ...moved.map((pk) => `  changed meanwhile, run the same command again: ${pk}`),
    ...conflicts.map((pk) => `  differs and is neither older nor newer, left as it is: ${pk}`),
  ];
  return (changes.length > 0 && !written ? [...lines, 'Nothing was written: --write does.'] : lines).join('\n');
}

async function main(args: string[]): Promise<number> {
  const options = { write: { type: 'boolean' }, json: { type: 'boolean' }, table: { type: 'string' }, config: { type: 'string' } } as const;
  const { values, argument, more } = argumentsOf(args, options, USAGE, 2);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (argument !== 'rebuild' || more.length !== 1) {
    throw new UsageError(`InvalidOption: give 'rebuild' and a dataset, got '${[argument, ...more].join(' ')}'\n\n${USAGE}`);
  }
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  const given = { dataset: more[0], table: values.table as string | undefined, write: values.write === true };
  const found = await rebuild(clients, await Workload.find(config, clients), { ...given, say: (text) => console.error(text) });
  console.log(values.json === true ? JSON.stringify(found, null, 1) : textOf(found, given.write));
  return found.plan.conflicts.length + found.moved.length > 0 ? 1 : 0;
}

if (require.main === module) {
  runCommand(main);
}
