import { userInfo } from 'node:os';
import { RECALL_OPERATION } from '../lib/constructs/delivery/contract';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { carryOut, deployed, reasonProblems } from './operation-command';
import { OperationMachine } from './operation-machine';
import { withdrawalText } from './withdraw/text';

const USAGE = `Usage: npm run withdraw -- <thing> --reason TEXT [options]

Withdraws data: it is in no future dataset, nothing is trained on the dataset versions that have it, they cannot be queried any more, and the model versions
that were trained on them are barred from release. Without --yes nothing changes: it says what would be touched. Ending the command while it waits changes
nothing: the withdrawal goes on and leaves its report, with every file, version and prediction beside it.

A thing is
  a file             its object key in the raw zone, or s3://<bucket>/<key>: all versions of the object, and every other file with the same bytes
  a dataset version  its id of 64 hexadecimal digits: this version alone; its files stay

There is no way back. The same bytes stay withdrawn in whatever file they come; a corrected file counts, and so does an older version that is sent again.
A version that serves is not taken out: it is named with the one to release instead, and is barred when the same command runs again afterwards.
A withdrawal that was interrupted is completed by the same command.

Options:
  --reason TEXT   why, for those who read it later; required
  --version ID    only this version of the object
  --yes           do it
  --json          the report, for machines
  --config FILE   config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

/** What the command line asks for. Errors: `UsageError`. */
export function requestOf(thing: string, values: Record<string, string | boolean | undefined>) {
  const reason = String(values.reason ?? '').trim();
  const problems = reason === '' ? ['--reason must say why'] : reasonProblems(values);
  if (problems.length > 0) {
    throw new UsageError(`InvalidOption: ${problems.join('; ')}\n\n${USAGE}`);
  }
  const version = values.version === undefined ? {} : { version: String(values.version) };
  return { operation: RECALL_OPERATION.withdraw, reason, requestedBy: userInfo().username, selection: { thing, ...version } };
}

async function main(args: string[]): Promise<number> {
  const [text, flag] = [{ type: 'string' } as const, { type: 'boolean' } as const];
  const { values, argument } = argumentsOf(args, { reason: text, version: text, config: text, yes: flag, json: flag }, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const request = requestOf(argument, values);
  const { clients, workload } = await deployed(values.config);
  const telling = { plan: withdrawalText, report: withdrawalText, wouldDo: () => true };
  const machine = OperationMachine.ofRecall(clients, workload, argument);
  return carryOut(machine, request, { yes: values.yes === true, json: values.json === true }, telling);
}

if (require.main === module) {
  runCommand(main);
}
