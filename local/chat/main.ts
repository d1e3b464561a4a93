// `npm run chat`: deploys config/chat.yaml into a local account with the stock CDK CLI and replays recorded traffic on it; --help says more.
import { basename } from 'node:path';
import { loadBlueprint } from '../../lib/config/load';
import { physicalName } from '../../lib/constructs/shared/names';
import { Account, startAccount } from '../account';
import { clientsFor, stackOutputs } from '../start/clients';
import { bootstrap, checkDeployment, deploy, DeploymentOptions, synthesize } from '../start/deployment';
import type { Figures } from '../start/figures';
import { perform } from '../start/perform';
import type { Step } from '../start/run';
import { draftStep } from './draft-step';
import { Observer } from './observer';
import { runProgram } from '../start/run-program';
import { ChatOptions, HELP, parseOptions } from './options';
import { ChatClient, PlatformClock } from './replay';
import { report } from './report';
import { ChatRun, replayStep, restStep, wakeStep, warmStep } from './steps';

/**
 * Platform seconds that another instance takes: what waking Llama-3-8B took less its copy
 * (https://aws.amazon.com/blogs/machine-learning/unlock-cost-savings-with-the-new-scale-down-to-zero-feature-in-amazon-sagemaker-inference/).
 */
const INSTANCE_SECONDS = '105';

interface Session {
  account?: Account;
  run?: ChatRun;
  /** Where requests of the asynchronous endpoint lie. */
  inputUrl?: string;
}

interface Targets {
  readonly endpoint: string;
  readonly component: string;
  /** The asynchronous endpoint; undefined where the config has none. */
  readonly drafts?: string;
}

/** The endpoint and the component that the traffic goes to, and the first asynchronous endpoint. Errors: a config without a component. */
function targetOf(file: string): Targets {
  const { workload, stage, componentEndpoints, asyncEndpoints } = loadBlueprint(file);
  const [drafts] = Object.keys(asyncEndpoints);
  const [[endpoint, { components }] = [undefined, { components: {} }]] = Object.entries(componentEndpoints);
  if (endpoint === undefined) {
    throw new Error(`UnfitConfig: ${file} has no endpoint with mode: component, which the conversations are sent to`);
  }
  const prefix = physicalName([workload, stage]);
  return {
    endpoint: physicalName([prefix, endpoint]),
    component: physicalName([prefix, endpoint, Object.keys(components)[0]]),
    drafts: drafts && physicalName([prefix, drafts]),
  };
}

async function main(options: ChatOptions): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const target = targetOf(options.config);
  const session: Session = {};
  try {
    await perform([...preparation(options, target, session, abort.signal), ...storyOf(options, target, session)], { steps: [] });
    const { observer, answers } = session.run!;
    await observer.stop();
    const missing = report(answers, observer.samples, options.factor, options.output);
    if (missing.length > 0) {
      throw new Error(`NotShown: it never ${missing.join(', never ')}`);
    }
  } catch (error) {
    const log = session.account === undefined ? '' : `\nThe account's log is ${session.account.logFile}. Nothing is left running.`;
    const cause = abort.signal.aborted ? (abort.signal.reason as Error) : (error as Error);
    throw new Error(`${cause.message}${log}`);
  } finally {
    await session.run?.observer.stop().catch(() => undefined);
    await session.account?.stop();
  }
}

function storyOf(options: ChatOptions, { drafts }: Targets, session: Session): Step[] {
  const run = () => session.run!;
  const warm = options.warm === undefined ? undefined : warmStep(run, options.warm);
  return [
    ...(warm === undefined ? [] : [warm.step]),
    replayStep(run, options.minutes, async () => warm?.undo()),
    restStep(run),
    wakeStep(run),
    ...(drafts === undefined
      ? []
      : [draftStep(() => ({ ...run(), url: session.account!.url, endpoint: drafts, inputUrl: session.inputUrl! }))]),
  ];
}

function preparation(options: ChatOptions, target: Targets, session: Session, signal: AbortSignal): Step[] {
  const deployment = (say: (text: string) => void): DeploymentOptions => ({
    account: session.account!,
    ...{ config: options.config, signal, say },
  });
  return [
    {
      title: 'Start the local account on 127.0.0.1',
      run: async (progress) => {
        process.env.INSTANCE_PROVISIONING_SECONDS ??= INSTANCE_SECONDS;
        session.account = await startAccount({ clockFactor: options.factor, progress, signal });
      },
    },
    {
      title: `Synthesize ${basename(options.config)} and bootstrap the account with the stock CDK CLI`,
      run: async (say) => {
        await Promise.all([synthesize(deployment(say), { steps: [] } as unknown as Figures), bootstrap(deployment(say))]);
      },
    },
    { title: 'Deploy all stacks with the stock CDK CLI', run: (say) => deploy(deployment(say)) },
    {
      title: 'Read every resource back from its own service',
      run: async () => {
        const clients = clientsFor(session.account!.url);
        await checkDeployment(clients, { account: session.account! });
        session.inputUrl = (await stackOutputs(clients)).InputUrl;
        const clock = new PlatformClock(options.factor);
        session.run = {
          ...{ clients, clock, signal, component: target.component, minutes: options.minutes, answers: [] },
          client: new ChatClient(session.account!.url, target, clock),
          observer: new Observer(clients, target, clock),
        };
      },
    },
  ];
}

runProgram(() => parseOptions(process.argv.slice(2)), HELP, main);
