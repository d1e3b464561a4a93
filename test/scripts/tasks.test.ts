import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTasks, summaryOf, Task } from '../../scripts/tasks';
import { AUDITED, auditedLine } from '../audit/audited';

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasks-'));
  said = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const run = (tasks: Task[]) => runTasks(tasks, folder);
const counted = (log: string) => ({
  passed: Number(/(\d+) passed/.exec(log)?.[1] ?? 0),
  failed: Number(/(\d+) failed/.exec(log)?.[1] ?? 0),
});
const LINE = auditedLine({ looked: { records: 50_000 }, hits: { 'after lease': 28, 'mid-stream': 21 } });

describe('what npm test reports', () => {
  test('ends with the lines that tasks name, those of passed ones too, and then with the sums', async () => {
    const results = await run([
      { name: 'one', command: `echo noise; echo '${LINE}'; echo 'x${LINE}'; echo '5 passed'`, count: counted, shows: AUDITED },
      { name: 'two', command: 'echo figure 1; echo figure 2 >&2; echo 2 passed 1 failed; exit 1', count: counted, shows: /^figure / },
      { name: 'three', command: `echo '${LINE}'` },
      { name: 'four', command: 'echo nothing', shows: /^figure / },
    ]);
    const summary = summaryOf(results);
    expect(summary[0]).toBe(`one: ${LINE}`);
    expect(summary.slice(1, 3).sort()).toEqual(['two: figure 1', 'two: figure 2']);
    expect(summary.slice(3)).toEqual(['9 passed, 1 failed']);
    expect(summary.join('\n')).toContain('"after lease":28');
    expect(said.join('\n')).not.toContain('noise');
  });

  test('counts a task whose predecessor failed as failed, and shows nothing of it', async () => {
    const results = await run([
      { name: 'first', command: 'false' },
      { name: 'second', command: `echo '${LINE}'`, after: ['first'], shows: AUDITED },
    ]);
    expect(summaryOf(results)).toEqual(['0 passed, 2 failed']);
    expect(said).toContain('- second: not run, because what it needs failed');
  });

  test('has the audit in whichever third it is', () => {
    const tasks = readFileSync(join(__dirname, '../../scripts/test.ts'), 'utf8');
    expect(tasks.match(/command: third\(\d\).*shows: AUDITED/g)).toHaveLength(tasks.match(/command: third\(/g)!.length);
  });
});

describe('tasks', () => {
  test('run two at a time, those that wait for clocks beside them, each when what it needs is over', async () => {
    const lane = (name: string, over: Partial<Task> = {}): Task => ({ name, command: 'sleep 0.3', ...over });
    await run([
      lane('one'),
      lane('two', { first: true }),
      lane('three'),
      lane('waits', { waits: true }),
      lane('last', { after: ['three'] }),
    ]);
    const order = said.map((line) => line.replace(/:.*/, '').replace('ok  ', 'ok'));
    expect(order.slice(0, 3)).toEqual(['> one', '> two', '> waits']);
    expect(order.indexOf('> three')).toBeGreaterThan(Math.min(order.indexOf('ok one'), order.indexOf('ok two')));
    expect(order.indexOf('> last')).toBeGreaterThan(order.indexOf('ok three'));
  });

  test('that keep clocks go before the others on a busy processor', async () => {
    const told = { command: 'sleep 0.3; nice', shows: /^-?\d+$/ };
    const results = await run([
      { name: 'computes', ...told },
      { name: 'first', ...told, first: true },
      { name: 'waits', ...told, waits: true },
    ]);
    const usual = String(getPriority());
    expect(results.map(({ shown }) => shown)).toEqual([[String(constants.priority.PRIORITY_BELOW_NORMAL)], [usual], [usual]]);
  });
});
