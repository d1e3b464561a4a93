import { RunState } from '../../../lib/constructs/delivery/contract';
import { until } from '../programs';
import { Arena, Scenario } from './arena';
import { Book } from './book';
import { Row, Trainer } from './trainer';

/** Runs that may be over before they can be stopped where they are to be. */
const TRIES = 3;
const SECONDS = 240;

/** Where the machine of a run is killed, and how many training jobs the run has in the end: each attempt trains, except when a version is there. */
interface Kill {
  readonly state: string;
  readonly trainings: number;
  /** Whether the version comes, or is there: the function of a stopped execution goes on. */
  readonly registered?: boolean;
}

const KILLS: Kill[] = [
  { state: 'RecordRegistered', trainings: 1, registered: true },
  { state: 'Register', trainings: 1, registered: true },
  { state: 'Gate', trainings: 2 },
  { state: 'Evaluate', trainings: 2 },
  { state: 'Train', trainings: 2 },
  { state: 'Prepare', trainings: 1 },
];

/** Stops the run in a state; false when it was over before. */
async function killed(trainer: Trainer, row: Row, state: string): Promise<boolean> {
  const deadline = Date.now() + SECONDS * 1000;
  while (Date.now() < deadline) {
    const states = await trainer.statesOf(row);
    if (states === undefined) {
      return false;
    }
    if (states.includes(state)) {
      return trainer.stop(row).then(
        () => true,
        () => false, // it is over
      );
    }
  }
  throw new Error(`run ${row.plan.runId} did not come to ${state} in ${SECONDS} s`);
}

async function killedAndRepeated(arena: Arena, book: Book, kill: Kill, parameters: string[]): Promise<void> {
  const trainer = await Trainer.of(arena);
  const over: string[] = [];
  for (const c of parameters) {
    const runId = await trainer.start(c);
    const row = await trainer.run(runId);
    if (!(await killed(trainer, row, kill.state))) {
      const { state, verdict } = await trainer.ended(runId);
      over.push(`${state} ${verdict?.reasons ?? ''}`);
      continue;
    }
    const ended = await trainer.ended(runId);
    book.killed(`${kill.state} (${ended.state})`);
    if (kill.registered) {
      await until(`a version of run ${runId}`, 60, async () => ((await trainer.versions(runId)).length > 0 ? true : undefined));
    }
    book.same(`${kill.state}: the same run by its id`, await trainer.start(c), runId);
    const again = await trainer.ended(runId);
    // Whether a candidate passes is the gate's to say, and each further one on the same data needs more confidence.
    const passed = again.state === RunState.REGISTERED;
    book.expect(
      passed || (again.state === RunState.REFUSED && !kill.registered),
      `${kill.state}: it ends as ${again.state}: ${again.error}`,
    );
    book.same(`${kill.state}: attempts`, again.attempt, kill.registered ? 1 : 2);
    book.same(`${kill.state}: training jobs`, (await trainer.jobs(again)).length, kill.trainings);
    book.same(`${kill.state}: versions of the run`, await trainer.versions(runId), passed ? [again.packageArn] : []);
    book.same(`${kill.state}: once more`, [await trainer.start(c), (await trainer.run(runId)).attempt], [runId, again.attempt]);
    book.times++;
    return;
  }
  book.expect(false, `${kill.state}: its runs were over before they could be stopped: ${over.join(', ')}`);
}

export const TRAINING_KILLS: Scenario[] = [
  {
    name: 'the machine of a training is killed in each state: repeated, it is one run with one version at most',
    run: async (arena, book) => {
      await (await Trainer.of(arena)).firstRun();
      for (const [index, kill] of KILLS.entries()) {
        const parameters = Array.from({ length: TRIES }, (_, attempt) => `${5 + index}.${attempt}`);
        await killedAndRepeated(arena, book, kill, parameters);
      }
    },
  },
];
