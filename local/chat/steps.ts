import { DescribeScalableTargetsCommand, RegisterScalableTargetCommand } from '@aws-sdk/client-application-auto-scaling';
import { conversations } from '../../examples/chat/traffic';
import { Clients } from '../start/clients';
import { Step, until } from '../start/run';
import type { Observer } from './observer';
import { Answer, ChatClient, PlatformClock, replay } from './replay';

/** What the steps share once the stacks are there. */
export interface ChatRun {
  readonly clients: Clients;
  readonly client: ChatClient;
  readonly clock: PlatformClock;
  readonly observer: Observer;
  readonly component: string;
  readonly minutes: number;
  readonly signal: AbortSignal;
  readonly answers: Answer[];
}

/** Instances and copies, as they are told while a step waits. */
const now = ({ observer: { last } }: ChatRun): string =>
  last === undefined
    ? ''
    : `minute ${Math.floor(last.at / 60)}: ${last.copies} of ${last.desiredCopies} copies on ${last.instances} instances`;

async function untilSample(run: ChatRun, what: string, platformMinutes: number, say: (text: string) => void, holds: () => boolean) {
  const seconds = (platformMinutes * 60) / run.clock.factor;
  const probe = async () => {
    say(now(run));
    return holds() ? true : undefined;
  };
  await until(what, seconds, run.signal, probe, () => now(run));
}

/** Brings the fewest copies to a number, as a schedule does before a known peak, and back. */
async function setFewest(run: ChatRun, fewest: number): Promise<number> {
  const identity = { ServiceNamespace: 'sagemaker', ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount' } as const;
  const ResourceId = `inference-component/${run.component}`;
  const { ScalableTargets = [] } = await run.clients.autoScaling.send(
    new DescribeScalableTargetsCommand({ ServiceNamespace: 'sagemaker', ResourceIds: [ResourceId] }),
  );
  await run.clients.autoScaling.send(new RegisterScalableTargetCommand({ ...identity, ResourceId, MinCapacity: fewest }));
  return ScalableTargets[0].MinCapacity!;
}

/** Copies that are there before the traffic, as a schedule would order them. */
export function warmStep(run: () => ChatRun, copies: number): { step: Step; undo: () => Promise<void> } {
  let before = 0;
  return {
    step: {
      title: `Order ${copies} copies before the traffic, as a schedule does`,
      run: async (say) => {
        before = await setFewest(run(), copies);
        await untilSample(run(), `${copies} copies`, 30, say, () => (run().observer.last?.copies ?? 0) >= copies);
      },
    },
    undo: async () => void (await setFewest(run(), before)),
  };
}

/** The recorded requests at their times; ends with the last answer. */
export function replayStep(run: () => ChatRun, minutes: number, sent: () => Promise<void>): Step {
  const requests = conversations().filter(({ at }) => at < minutes * 60);
  return {
    title: `Replay ${minutes} minutes of recorded conversations (${requests.length} requests)`,
    run: async (say) => {
      const timer = setInterval(() => say(now(run())), 1000);
      try {
        const answered = replay(requests, run().client, run().clock, run().signal);
        await run().clock.until(run().clock.now() + minutes * 60);
        await sent();
        run().answers.push(...(await answered));
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** Longest from the last answer until nothing is left: 16 copies that go one by one in five minutes each, and ten minutes more. */
const LONGEST_MINUTES = 180;

export const restStep = (run: () => ChatRun): Step => ({
  title: 'Nobody asks: wait until there is neither copy nor instance',
  run: (say) =>
    untilSample(run(), 'rest at no copy and no instance', LONGEST_MINUTES, say, () => {
      const { last } = run().observer;
      return last !== undefined && last.copies === 0 && last.instances === 0;
    }),
});

/** Asks every ten seconds, as a client that retries does, until there is an answer. */
export const wakeStep = (run: () => ChatRun): Step => ({
  title: 'Ask again: the first request wakes it',
  run: async (say) => {
    const { client, clock, answers, signal } = run();
    const [request] = conversations();
    const asked = clock.now();
    for (;;) {
      signal.throwIfAborted();
      const answer = await client.ask(request);
      answers.push(answer);
      if (answer.failure === undefined) {
        return say(`answered ${((clock.now() - asked) / 60).toFixed(1)} minutes after the first request`);
      }
      say(`${answer.failure}; ${now(run())}`);
      if (clock.now() - asked > 3600) {
        throw new Error(`NotAwake: no answer an hour after the first request, the last failed with: ${answer.failure}`);
      }
      await clock.until(clock.now() + 10);
    }
  },
});
