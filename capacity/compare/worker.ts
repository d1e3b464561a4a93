// A process of `npm run capacity -- compare`: performs the tasks that it is sent.
import { Answer, perform, Task } from './workers';

process.on('message', (task: Task) => {
  let answer: Answer;
  try {
    answer = { result: perform(task) };
  } catch (error) {
    answer = { error: (error as Error).message };
  }
  process.send!(answer);
});
process.on('disconnect', () => process.exit());
process.send!({ result: [] } satisfies Answer);
