import { ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { Cell, Row, runCells } from './cell';
import { measure, Measured } from './measure';
import { SuiteProfile, TraceName } from './suite';

/** A piece of work that needs nothing else. */
export type Task =
  | { readonly kind: 'measure'; readonly trace: TraceName; readonly profile: SuiteProfile }
  | { readonly kind: 'cells'; readonly cells: readonly Cell[]; readonly measured: Measured };

export type Result = Measured | Row[];

export const perform = (task: Task): Result =>
  task.kind === 'measure' ? measure(task.trace, task.profile) : runCells(task.cells, task.measured);

/** Performs tasks; results are in the order of the tasks, whichever ends first. */
export interface Performer {
  all(tasks: readonly Task[], onDone: () => void): Promise<Result[]>;
  close(): void;
}

/** In this process. */
export const INLINE: Performer = {
  all: (tasks, onDone) =>
    Promise.resolve(
      tasks.map((task) => {
        const result = perform(task);
        onDone();
        return result;
      }),
    ),
  close: () => undefined,
};

/** In so many processes, each of which takes the next task when it is free. Errors: that of the first task that fails. */
export class Workers implements Performer {
  private readonly processes: readonly ChildProcess[];
  /** A message to a process that does not listen yet would be lost. */
  private readonly ready: Promise<unknown>;

  public constructor(count: number) {
    this.processes = Array.from({ length: count }, () =>
      fork(join(__dirname, 'worker.ts'), { execArgv: ['--import', 'tsx'], serialization: 'advanced' }),
    );
    this.ready = Promise.all(this.processes.map(answer));
  }

  public async all(tasks: readonly Task[], onDone: () => void): Promise<Result[]> {
    const results = new Array<Result>(tasks.length);
    let next = 0;
    await this.ready;
    await Promise.all(
      this.processes.map(async (process) => {
        while (next < tasks.length) {
          const place = next++;
          results[place] = await answerOf(process, tasks[place]);
          onDone();
        }
      }),
    );
    return results;
  }

  public close(): void {
    this.processes.forEach((process) => process.kill());
  }
}

/** What a process says: first that it listens, with an empty result, then to each task. */
export type Answer = { readonly result: Result } | { readonly error: string };

function answerOf(process: ChildProcess, task: Task): Promise<Result> {
  const answered = answer(process);
  process.send(task);
  return answered;
}

function answer(process: ChildProcess): Promise<Result> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`WorkerEnded: a process of the comparison ended with ${code} before its answer`));
    process.once('exit', ended);
    process.once('message', (said: Answer) => {
      process.off('exit', ended);
      if ('error' in said) {
        reject(new Error(said.error));
      } else {
        resolve(said.result);
      }
    });
  });
}
