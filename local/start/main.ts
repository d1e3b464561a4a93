import { basename } from 'node:path';
import { physicalName } from '../../lib/constructs/shared/names';
import { Account, startAccount } from '../account';
import { apiClient, clientsFor, CREDENTIALS, localApiUrl, stackOutputs } from './clients';
import { dataSteps } from './data-steps';
import { demoConfig } from './demo-config';
import { bootstrap, checkDeployment, deploy, DeploymentOptions, synthesize } from './deployment';
import { EventObserver } from './event-observer';
import { toldStep } from './told-step';
import { Figures } from './figures';
import { HELP, parseOptions, StartOptions } from './options';
import { runProgram } from './run-program';
import { outageSteps } from './outage-step';
import { perform } from './perform';
import { printReport, writeReport } from './report';
import { redeploymentStep, releaseStep, secondTryStep, slowReleaseSteps } from './release-steps';
import { Run, Step } from './run';
import { bookStep, eventsStep, objectiveStep, replayStep } from './traffic-steps';
import { arrivalStep, dayZeroStep, firstTrainingStep, judgedStep, registeredStep } from './training-steps';

type Say = (text: string) => void;

/** What is known once the account runs and the stacks are there. */
interface Session {
  account?: Account;
  run?: Run;
  observer?: EventObserver;
}

async function main(options: StartOptions): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const config = demoConfig(options.config);
  const session: Session = {};
  const figures: Figures = { months: options.months, seed: options.seed, clockFactor: 0, steps: [] };
  try {
    await perform(preparation(options, config, session, figures, abort.signal), figures);
    const run = session.run!;
    await perform(story(run, session, abort.signal), figures);
    writeReport(run);
    printReport(run);
  } catch (error) {
    await session.account?.stop();
    const log = session.account === undefined ? '' : `\nThe account's log is ${session.account.logFile}. Nothing is left running.`;
    // Ctrl-C reaches what a step has started too; how that ended is not what went wrong.
    const cause = abort.signal.aborted ? (abort.signal.reason as Error) : (error as Error);
    throw new Error(`${cause.message}${log}`);
  }
  await finish(session.run!, options.keep);
}

/** What happens once everything is deployed. What takes its time is left alone until it matters: trainings, a release that goes back, the books. */
function story(run: Run, session: Session, signal: AbortSignal): Step[] {
  const next = run.options.months[1] + 1;
  const [killed, cleared] = outageSteps(run);
  const [slow, back] = slowReleaseSteps(run);
  return [
    dayZeroStep(run),
    ...dataSteps(run),
    arrivalStep(run, next), // while the first months are trained on
    firstTrainingStep(run),
    registeredStep(run),
    releaseStep(run, 'Approve the first version: the endpoint comes alive'),
    arrivalStep(run, next + 1), // is trained on during the outage
    killed,
    together(readBackStep(run), cleared),
    registeredStep(run),
    slow,
    arrivalStep(run, next + 2), // is trained on while the flights are replayed
    replayStep(run), // while the slow release goes back
    back,
    judgedStep(run),
    together(secondTryStep(run), bookStep(run)),
    redeploymentStep(run, (say) => deploymentOf(session, run.options, signal, say)),
    objectiveStep(run),
    toldStep(run),
    eventsStep(run, () => session.observer!),
  ];
}

/** Steps that do not touch each other. */
const together = (first: Step, ...others: Step[]): Step => ({
  title: `${first.title}; meanwhile: ${others.map(({ title }) => `${title[0].toLowerCase()}${title.slice(1)}`).join('; ')}`,
  run: async (say) => {
    await Promise.all([first, ...others].map((step) => step.run(say)));
  },
});

async function finish({ account }: Run, keep: boolean): Promise<void> {
  if (keep) {
    account.keep();
    console.log(`\nThe account stays at ${account.url}; stop it with: npm run account -- down`);
  } else {
    await account.stop();
    console.log('\nEverything is stopped.');
  }
}

const deploymentOf = (session: Session, { config }: StartOptions, signal: AbortSignal, say: Say): DeploymentOptions => ({
  account: session.account!,
  ...{ config, signal, say },
});

function preparation(options: StartOptions, config: Run['config'], session: Session, figures: Figures, signal: AbortSignal): Step[] {
  const deployment = (say: Say) => deploymentOf(session, options, signal, say);
  return [
    {
      title: 'Start the local account on 127.0.0.1',
      run: async (say) => {
        session.account = await startAccount({ port: options.port, progress: say, signal });
        figures.clockFactor = session.account.clockFactor;
      },
    },
    {
      title: `Synthesize ${basename(options.config)} and bootstrap the account with the stock CDK CLI`,
      run: async (say) => {
        await Promise.all([synthesize(deployment(say), figures), bootstrap(deployment(say))]);
      },
    },
    { title: 'Deploy all stacks with the stock CDK CLI', run: (say) => deploy(deployment(say)) },
    {
      title: 'Subscribe to the event bus, and try the API with a wrong signature',
      run: async () => {
        const { account } = session;
        const clients = clientsFor(account!.url);
        const outputs = await stackOutputs(clients);
        const url = localApiUrl(account!.url, outputs.ApiUrl);
        const api = apiClient(url);
        figures.wrongSignature = (await apiClient(url, { ...CREDENTIALS, secretAccessKey: 'wrong' })('GET', '/v2/health/live')).status;
        session.observer = await EventObserver.subscribe(clients, outputs.EventBusName);
        const prefix = physicalName([config.workload, config.stage]);
        session.run = { options, config, prefix, account: account!, clients, outputs, api, figures, signal };
      },
    },
  ];
}

function readBackStep(run: Run): Step {
  return {
    title: 'Read every resource back from its own service',
    run: async () => {
      run.figures.readBack = await checkDeployment(run.clients, run);
    },
  };
}

runProgram(() => parseOptions(process.argv.slice(2)), HELP, main);
