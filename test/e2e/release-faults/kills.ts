import { createHash } from 'node:crypto';
import { DescribeExecutionCommand, GetExecutionHistoryCommand, ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { until } from '../programs';
import type { ReleaseWorld } from '../release-world';
import { Arena, Scenario } from './arena';
import type { Book } from './book';
import { brokenRelease, Cause, goodRelease, nothingApproved, refusedRelease, serving } from './causes';

/** Every state that lasts, and those that lead to one: from the last choice an execution comes to its end without a pause. */
const PASSED_BY_ANY = ['Start', 'TakeLease', 'Lease taken?', 'Decide', 'What next?', 'Rest', 'GiveBack'];
const LAST = 'GiveBack';
const PASSED_BY_RELEASES = ['Record', 'WritePointer', 'UpdateStack', 'Wait', 'Close'];

const SEARCH_MS = 8000;
const TRIES = 3;

type When = 'in' | 'after';
type MakeCause = (world: ReleaseWorld, arena: Arena) => Promise<Cause>;

/** Which states were entered, and whether each was left: what the history of an execution says. */
async function passed(world: ReleaseWorld, executionArn: string): Promise<{ entered: string[]; left: string[] }> {
  const { events = [] } = await world.clients.sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
  return {
    entered: events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []),
    left: events.flatMap(({ stateExitedEventDetails }) => stateExitedEventDetails?.name ?? []),
  };
}

async function running(world: ReleaseWorld): Promise<string[]> {
  const command = new ListExecutionsCommand({ stateMachineArn: world.outputs.ReleaseMachine, statusFilter: 'RUNNING' });
  return ((await world.clients.sfn.send(command)).executions ?? []).map(({ executionArn }) => executionArn!);
}

/** Waits until the machine's own failure has started it again: nobody else is to. */
async function revived(world: ReleaseWorld, executionArn: string): Promise<void> {
  const name = `revive-${createHash('sha256').update(`revive-${executionArn}`).digest('hex').slice(0, 40)}`;
  const started = executionArn.replace(/[^:]+$/, name);
  await until(`an execution in place of ${executionArn}`, 20, () =>
    world.clients.sfn.send(new DescribeExecutionCommand({ executionArn: started })).catch(() => undefined),
  );
}

/** In which state an execution was that was just stopped. */
async function stopped(world: ReleaseWorld, executionArn: string): Promise<string | undefined> {
  try {
    await world.clients.sfn.send(new StopExecutionCommand({ executionArn }));
  } catch {
    return undefined; // it was over
  }
  const { entered, left } = await passed(world, executionArn);
  await revived(world, executionArn);
  return entered.length > left.length ? entered.at(-1)! : `after ${left.at(-1)}`;
}

/** Stops the execution that is in a state, or has left it; answers in which state it really was, or nothing when all were over before. */
async function kill(world: ReleaseWorld, state: string, when: When): Promise<string | undefined> {
  const deadline = Date.now() + SEARCH_MS;
  while (Date.now() < deadline) {
    for (const arn of await running(world)) {
      const { entered, left } = await passed(world, arn);
      const where = (when === 'in' ? entered : left).includes(state) ? await stopped(world, arn) : undefined;
      if (where !== undefined) {
        return where;
      }
    }
  }
  return undefined;
}

/** One release that is killed once in or after a state, and goes on by itself; again when it was over too soon to be killed. */
async function killedOnce(arena: Arena, book: Book, given: { cause: MakeCause; state: string; when: When }): Promise<void> {
  const world = await arena.world();
  await serving(world); // before the round counts releases: without an earlier scenario nothing serves yet
  for (let tries = 0; tries < TRIES; tries++) {
    let where: string | undefined;
    await book.round(world, async () => {
      const { wake, outcome } = await given.cause(world, arena);
      await world.quiet();
      const [, found] = await Promise.all([wake(), kill(world, given.state, given.when)]);
      where = found;
      return outcome;
    });
    await arena.faults({});
    if (where !== undefined) {
      return book.killed(where);
    }
  }
  book.expect(false, `${TRIES} times no execution could be stopped ${given.when} ${given.state}`);
}

function kills(name: string, cause: MakeCause, states: string[], rounds: number, short?: boolean): Scenario {
  return {
    name,
    short,
    run: async (arena, book) => {
      for (let round = 0; round < rounds; round++) {
        for (const state of states) {
          await killedOnce(arena, book, { cause, state, when: round % 2 === 0 && state !== LAST ? 'after' : 'in' });
        }
      }
    },
  };
}

export const KILLS: Scenario[] = [
  kills('killed once in each of the steps that change something', goodRelease, PASSED_BY_RELEASES, 1, true),
  kills('killed in and after each state of a release', goodRelease, [...PASSED_BY_ANY, ...PASSED_BY_RELEASES], 2),
  kills('killed while a failed release is undone', brokenRelease, ['Undo', 'WritePointer', 'UpdateStack', 'Wait', 'Close'], 2),
  kills('killed while a version is refused', refusedRelease, ['Refuse', 'Decide'], 2),
  kills('killed while it tells that nothing is approved', nothingApproved, ['Tell', 'GiveBack'], 2),
];
