// Runs dependent commands two at a time (the size of a small CI machine) and those that only wait beside them, keeps each log, and counts what was tested.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';

export interface Task {
  name: string;
  command: string;
  after?: string[];
  /** It waits for clocks more than it computes, so it runs beside the others, takes no lane and goes before them on a busy processor. */
  waits?: boolean;
  /** It takes a lane and has clocks to keep, so it goes before the others on a busy processor. */
  first?: boolean;
  /** Reads how many tests passed and failed from the log; without it the command itself counts as one. */
  count?: (log: string) => { passed: number; failed: number };
  /** Lines of its log that are figures of what was proved: the report at the end shows them, also when all is well. */
  shows?: RegExp;
}

export interface Result {
  task: Task;
  passed: number;
  failed: number;
  seconds: number;
  log: string;
  /** The lines that the report shows. */
  shown: string[];
}

const LANES = 2;

/** Runs all tasks; one whose predecessor failed is counted as failed without being run. */
export async function runTasks(tasks: Task[], logFolder: string): Promise<Result[]> {
  mkdirSync(logFolder, { recursive: true });
  const results = new Map<string, Result>();
  const running = new Map<string, Promise<void>>();
  const pending = new Set(tasks);
  while (pending.size > 0 || running.size > 0) {
    for (const task of pending) {
      const before = (task.after ?? []).map((name) => results.get(name));
      if (before.some((result) => result !== undefined && result.failed > 0)) {
        pending.delete(task);
        results.set(task.name, { task, passed: 0, failed: 1, seconds: 0, log: '', shown: [] });
        console.log(`- ${task.name}: not run, because what it needs failed`);
      } else if ((task.waits === true || computing(running, tasks) < LANES) && before.every((result) => result !== undefined)) {
        pending.delete(task);
        running.set(
          task.name,
          runTask(task, logFolder).then((result) => {
            results.set(task.name, result);
            running.delete(task.name);
            report(result);
          }),
        );
      }
    }
    if (running.size > 0) {
      // A race of nothing never ends: the process would, and as if all were well.
      await Promise.race(running.values());
    }
  }
  return tasks.map((task) => results.get(task.name)!);
}

function computing(running: ReadonlyMap<string, unknown>, tasks: readonly Task[]): number {
  return tasks.filter((task) => running.has(task.name) && task.waits !== true).length;
}

function runTask(task: Task, logFolder: string): Promise<Result> {
  const log = join(logFolder, `${task.name.replaceAll(/[^a-z0-9]+/gi, '-')}.log`);
  const out = createWriteStream(log);
  const start = Date.now();
  console.log(`> ${task.name}`);
  return new Promise((done) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', task.command], { stdio: ['ignore', 'pipe', 'pipe'] });
    if (task.waits !== true && task.first !== true && child.pid !== undefined) {
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    }
    child.stdout.pipe(out, { end: false });
    child.stderr.pipe(out, { end: false });
    child.on('close', (code) => {
      out.end(() => {
        const text = readFileSync(log, 'utf8');
        const counted = task.count?.(text) ?? { passed: code === 0 ? 1 : 0, failed: 0 };
        const failed = code !== 0 ? Math.max(1, counted.failed) : counted.failed;
        const shown = text.split('\n').filter((line) => task.shows?.test(line));
        done({ task, passed: counted.passed, failed, seconds: (Date.now() - start) / 1000, log, shown });
      });
    });
  });
}

/** The lines that tasks show, in the order of the tasks, and behind them how many tests passed and failed. */
export function summaryOf(results: readonly Result[]): string[] {
  const sum = (key: 'passed' | 'failed') => results.reduce((total, result) => total + result[key], 0);
  const lines = results.flatMap(({ task, shown }) => shown.map((line) => `${task.name}: ${line}`));
  return [...lines, `${sum('passed')} passed, ${sum('failed')} failed`];
}

function report({ task, passed, failed, seconds, log }: Result): void {
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${task.name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s`);
  if (failed > 0) {
    console.log(readFileSync(log, 'utf8').split('\n').slice(-120).join('\n'));
  }
}
