import { Listr } from 'listr2';
import { loadBlueprint } from '../lib/config/load';
import { Clients, defaultClients } from './clients';
import { OperationInput, OperationMachine, OperationReport } from './operation-machine';
import { planText, reportText, wouldDo } from './operation-text';
import { Workload } from './workload';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** What is wrong with `--yes` and `--reason`. */
export const reasonProblems = ({ yes, reason }: Values): string[] =>
  yes === true && String(reason ?? '').trim() === '' ? ['--yes needs --reason: it is what the report tells those who read it later'] : [];

/** The workload that a config file describes, as it is deployed. */
export async function deployed(file: Values[string]): Promise<{ clients: Clients; workload: Workload }> {
  const config = loadBlueprint((file as string | undefined) ?? 'config/dev.yaml');
  const clients = await defaultClients(config.region);
  return { clients, workload: await Workload.find(config, clients) };
}

/** How an operation is told: what it would do, what it did, and whether there is anything to do. */
export interface Telling {
  readonly plan: (report: OperationReport) => string;
  readonly report: (report: OperationReport) => string;
  readonly wouldDo: (report: OperationReport) => boolean;
}

/** Says what an operation would do, and with `yes` does it. Returns the exit code: 1 when something of it failed. */
export async function carryOut(
  machine: OperationMachine,
  request: Omit<OperationInput, 'dryRun'>,
  { yes, json = false }: { yes: boolean; json?: boolean },
  telling: Telling = { plan: planText, report: reportText, wouldDo },
): Promise<number> {
  const { operation } = request;
  const watched = json ? unwatched : shownToPeople;
  const dry = await watched(`Looking what ${operation} of ${machine.about} would do`, (say) =>
    machine.execute({ ...request, dryRun: true }, say),
  );
  const goesOn = telling.wouldDo(dry) && yes;
  if (!json || !goesOn) {
    console.log(json ? JSON.stringify(dry, null, 1) : telling.plan(dry));
  }
  if (!goesOn) {
    if (telling.wouldDo(dry) && !json) {
      console.log('Nothing was changed: add --yes --reason TEXT to do it.');
    }
    return 0;
  }
  const done = await watched(`${operation} of ${machine.about}`, (say) => machine.execute({ ...request, dryRun: false }, say));
  console.log(json ? JSON.stringify(done, null, 1) : telling.report(done));
  return done.failed.length > 0 ? 1 : 0;
}

type Watched = (title: string, task: (say: (text: string) => void) => Promise<OperationReport>) => Promise<OperationReport>;

/** A machine reads the report alone. */
const unwatched: Watched = (_, task) => task(() => undefined);

async function shownToPeople(title: string, task: (say: (text: string) => void) => Promise<OperationReport>): Promise<OperationReport> {
  let report: OperationReport | undefined;
  const run = async (_: unknown, shown: { output: string }) => void (report = await task((line) => (shown.output = line)));
  await new Listr([{ title, task: run }], { renderer: 'default', fallbackRenderer: 'verbose', collectErrors: false }).run();
  return report!;
}
