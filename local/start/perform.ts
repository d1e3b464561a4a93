import { Listr } from 'listr2';
import type { Figures } from './figures';
import type { Step } from './run';

type Say = (text: string) => void;

/** Runs steps one after another with their progress. Errors: which step failed and why. */
export async function perform(steps: Step[], figures: Pick<Figures, 'steps'>): Promise<void> {
  let failure: Error | undefined;
  const tasks = steps.map((step) => ({
    title: step.title,
    task: async (_: unknown, task: { output: string; title: string }) => {
      const start = Date.now();
      try {
        await step.run(withoutRepeats((text) => (task.output = text)));
      } catch (error) {
        failure = new Error(`Step '${step.title}' failed.\n${(error as Error).message}`);
        throw new Error('failed');
      }
      const seconds = (Date.now() - start) / 1000;
      figures.steps.push({ title: step.title, seconds });
      task.title = `${step.title} (${seconds.toFixed(1)} s)`;
    },
  }));
  const list = new Listr(tasks, {
    concurrent: false,
    exitOnError: true,
    registerSignalListeners: false,
    rendererOptions: { collapseErrors: false, showErrorMessage: false },
    fallbackRenderer: 'simple',
  });
  await list.run().catch((error: Error) => Promise.reject(failure ?? error));
}

/** A terminal shows the newest text in place; a log gets a line at most every five seconds, and none twice. */
function withoutRepeats(say: Say): Say {
  let last = { text: '', at: 0 };
  return (text) => {
    if (text !== last.text && (process.stdout.isTTY || Date.now() - last.at > 5000)) {
      last = { text, at: Date.now() };
      say(text);
    }
  };
}
