import { userInfo } from 'node:os';
import { INTAKE_OPERATION } from '../lib/constructs/data/data-intake/contract';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { carryOut, deployed, reasonProblems } from './operation-command';
import { OperationMachine } from './operation-machine';

const USAGE = `Usage: npm run intake -- redrive|revalidate|rerun [options]

Says what an operation on an intake would do, and with --yes does it. Ending the command while it waits changes nothing: the operation goes
on and leaves its report.

  redrive      replays the dead-letter queue: files that are not final go to the intake again
  revalidate   judges older files by the deployed contract, so that records leave the quarantine; no valid record may enter it
  rerun        judges older files by the deployed contract, whatever that means for their records; rejected files too

Options:
  --yes            do it
  --reason TEXT    why, for the report; required with --yes
  --dataset NAME   dataset of the intake (default: the only one)
  --prefix TEXT    only files whose key starts so; not for redrive
  --all            for rerun: also files that the deployed contract has judged, whose outputs are to be made again
  --config FILE    config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** What the command line asks for. Errors: `UsageError`. */
export function requestOf(operation: string | undefined, values: Record<string, string | boolean | undefined>) {
  const { redrive, revalidate, rerun } = INTAKE_OPERATION;
  const known: string[] = [redrive, revalidate, rerun];
  const { reason = '', prefix, all } = values;
  const problems = [
    ...(known.includes(operation ?? '') ? [] : [`the operation must be one of ${known.join(', ')}, got '${operation}'`]),
    ...reasonProblems(values),
    ...(operation === redrive && (prefix ?? all) !== undefined ? ['redrive takes neither --prefix nor --all'] : []),
    ...(operation === revalidate && all === true ? ['--all is for rerun'] : []),
  ];
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption: ${problems.join('; ')}\n\n${USAGE}`);
  }
  const selection = { ...(prefix === undefined ? {} : { prefix }), ...(all === undefined ? {} : { all }) };
  return { operation: operation!, reason: String(reason), requestedBy: userInfo().username, selection };
}

async function main(args: string[]): Promise<number> {
  const options = { yes: flag, all: flag, reason: text, dataset: text, prefix: text, config: text };
  const { values, argument } = argumentsOf(args, options, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const request = requestOf(argument, values);
  const { clients, workload } = await deployed(values.config);
  const machine = OperationMachine.ofIntake(clients, workload, values.dataset as string | undefined);
  return carryOut(machine, request, { yes: values.yes === true });
}

if (require.main === module) {
  runCommand(main);
}
