import { userInfo } from 'node:os';
import { Listr } from 'listr2';
import { loadBlueprint } from '../lib/config/load';
import { INTAKE_OPERATION } from '../lib/constructs/data/data-intake/contract';
import { defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand, UsageError } from './command';
import { IntakeMachine, OperationReport } from './intake-machine';
import { planText, reportText, wouldDo } from './intake-text';
import { Workload } from './workload';

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
  const known: string[] = Object.values(INTAKE_OPERATION);
  const { yes = false, reason = '', prefix, all } = values;
  const problems = [
    ...(known.includes(operation ?? '') ? [] : [`the operation must be one of ${known.join(', ')}, got '${operation}'`]),
    ...(yes && String(reason).trim() === '' ? ['--yes needs --reason: it is what the report tells those who read it later'] : []),
    ...(operation === INTAKE_OPERATION.redrive && (prefix ?? all) !== undefined ? ['redrive takes neither --prefix nor --all'] : []),
    ...(operation === INTAKE_OPERATION.revalidate && all === true ? ['--all is for rerun'] : []),
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
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  const machine = IntakeMachine.of(clients, await Workload.find(config, clients), values.dataset as string | undefined);
  const dry = await watched(`Looking what ${argument} of ${machine.dataset} would do`, (say) =>
    machine.execute({ ...request, dryRun: true }, say),
  );
  console.log(planText(dry));
  if (!wouldDo(dry)) {
    return 0;
  }
  if (values.yes !== true) {
    console.log('Nothing was changed: add --yes --reason TEXT to do it.');
    return 0;
  }
  const done = await watched(`${argument} of ${machine.dataset}`, (say) => machine.execute({ ...request, dryRun: false }, say));
  console.log(reportText(done));
  return done.failed.length > 0 ? 1 : 0;
}

async function watched(title: string, task: (say: (text: string) => void) => Promise<OperationReport>): Promise<OperationReport> {
  let report: OperationReport | undefined;
  const run = async (_: unknown, shown: { output: string }) => void (report = await task((line) => (shown.output = line)));
  await new Listr([{ title, task: run }], { renderer: 'default', fallbackRenderer: 'verbose', collectErrors: false }).run();
  return report!;
}

if (require.main === module) {
  runCommand(main);
}
