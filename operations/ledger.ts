import { userInfo } from 'node:os';
import { INTAKE_OPERATION } from '../lib/constructs/data/data-intake/contract';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { carryOut, deployed, reasonProblems } from './operation-command';
import { OperationMachine } from './operation-machine';

const USAGE = `Usage: npm run ledger -- rebuild <dataset> [options]

Compares the ledger of a dataset with the commit records that lie beside the outputs, and says what it lacks: rows of files that were accounted for or
rejected, and the pointers that follow from them. With --yes it writes what is missing, each item only if nobody has changed it meanwhile. Ending the
command while it waits changes nothing: the operation goes on and leaves its report, which names every item.

What the table has in a later state stays. Files that were not final have no commit record: the intake reads them again.

Options:
  --yes          do it
  --reason TEXT  why, for the report; required with --yes
  --json         the report, for machines
  --config FILE  config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** What the command line asks for. Errors: `UsageError`. */
export function requestOf(what: string | undefined, datasets: readonly string[], values: Record<string, string | boolean | undefined>) {
  const problems = [
    ...(what === 'rebuild' && datasets.length === 1 ? [] : [`give 'rebuild' and a dataset, got '${[what, ...datasets].join(' ')}'`]),
    ...reasonProblems(values),
  ];
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption: ${problems.join('; ')}\n\n${USAGE}`);
  }
  return {
    dataset: datasets[0],
    request: { operation: INTAKE_OPERATION.rebuild, reason: String(values.reason ?? ''), requestedBy: userInfo().username, selection: {} },
  };
}

async function main(args: string[]): Promise<number> {
  const options = { yes: flag, json: flag, reason: text, config: text };
  const { values, argument, more } = argumentsOf(args, options, USAGE, 2);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const { dataset, request } = requestOf(argument, more, values);
  const { clients, workload } = await deployed(values.config);
  return carryOut(OperationMachine.ofIntake(clients, workload, dataset), request, { yes: values.yes === true, json: values.json === true });
}

if (require.main === module) {
  runCommand(main);
}
