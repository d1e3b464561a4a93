import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StopTrainingJobCommand, TrainingJobStatus } from '@aws-sdk/client-sagemaker';
import { RunState } from '../../../lib/constructs/delivery/contract';
import { until } from '../programs';
import { Arena, Scenario } from './arena';
import { Book } from './book';
import { Row, Trainer } from './trainer';
import { TRAINING_KILLS } from './training-kills';

const RETRAININGS = 10;
/** What the program of the example says. */
const RESUMED = /resumed after \d+ steps/;

/** More runs a day than the scenarios need, and a parameter to vary. */
export const trainingConfig = (arena: Arena): string =>
  arena.config('training', (document) => {
    document.setIn(['endpoints', 'delay', 'model', 'training', 'runsPerDay'], 40);
    document.setIn(['endpoints', 'delay', 'model', 'training', 'parameters'], { c: '1.0' });
  });

/** Stops a run half-way through its training; it is started again by hand, and must be one run with a second attempt. */
async function killedHalfWay(arena: Arena, book: Book, c: string, stop: (row: Row) => Promise<unknown>): Promise<void> {
  const trainer = await Trainer.of(arena);
  await trainer.firstRun();
  const runId = await trainer.start(c);
  const row = await trainer.run(runId);
  await trainer.checkpointed(row.plan);
  await stop(row);
  book.killed('Train');
  const failed = await trainer.ended(runId);
  book.same('the run that was stopped', failed.state, RunState.FAILED);
  const job = await until('the end of the stopped job', 60, async () => {
    const found = await trainer.job(row.plan.jobs.train);
    return found.TrainingJobStatus === TrainingJobStatus.STOPPED ? found : undefined;
  });
  book.expect(job.CheckpointConfig?.S3Uri === row.plan.uris.checkpoints, 'the job had no checkpoints');
  book.same('the same run by its id', await trainer.start(c), runId);
  const again = await trainer.ended(runId);
  book.same('attempts', again.attempt, 2);
  book.expect(again.state !== RunState.FAILED, `the second attempt failed: ${again.error}`);
  book.same('where the second attempt finds its checkpoints', again.plan.uris.checkpoints, row.plan.uris.checkpoints);
  book.expect(RESUMED.test(trainer.log(again.plan.jobs.train)), `the second attempt began anew: ${trainer.log(again.plan.jobs.train)}`);
  book.times++;
}

/** Training that is interrupted, and training that is repeated. */
export const TRAINING: Scenario[] = [
  ...TRAINING_KILLS, // first: while no version is approved, candidates of the same data may pass
  {
    name: 'ten retrainings on the same data: no second version, no release',
    run: async (arena, book) => {
      const [trainer, world] = [await Trainer.of(arena), await arena.world()];
      const first = await trainer.firstRun();
      book.same('the first run', first.state, RunState.REGISTERED);
      await world.approve(first.packageArn!);
      await world.served(first.packageArn!);
      await book.round(world, async () => {
        for (let i = 1; i <= RETRAININGS; i++) {
          const row = await trainer.ended(await trainer.start(String(1 + i / 10)));
          book.expect(row.state === RunState.REFUSED, `retraining ${i} is ${row.state}: ${row.error ?? row.packageArn}`);
        }
        const known = await trainer.runs();
        await trainer.start('1.1');
        book.same('runs after one of them is asked for again', (await trainer.runs()).length, known.length);
        return { desired: first.packageArn, released: {}, updates: 0 };
      });
      book.times = RETRAININGS;
    },
  },
  {
    name: 'the machine is taken away from a training on spot capacity: it resumes from its checkpoint',
    run: async (arena, book) => {
      const trainer = await Trainer.of(arena);
      await trainer.firstRun();
      const runId = await trainer.start('2.0');
      const { plan } = await trainer.run(runId);
      await trainer.checkpointed(plan);
      const folder = join(arena.account.stateDir, 'faults');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `spot-interruption-${plan.jobs.train}`), '');
      book.killed('Train');
      const row = await trainer.ended(runId);
      const { SecondaryStatusTransitions = [] } = await trainer.job(plan.jobs.train);
      const states = SecondaryStatusTransitions.map(({ Status }) => Status);
      book.expect(states.includes('Interrupted'), `the job was never interrupted: ${states.join(', ')}`);
      book.same('how often it trained', states.filter((state) => state === 'Training').length, 2);
      book.expect(row.state !== RunState.FAILED, `the run failed: ${row.error}`);
      book.expect(RESUMED.test(trainer.log(plan.jobs.train)), `it began anew: ${trainer.log(plan.jobs.train)}`);
      book.times++;
    },
  },
  {
    name: 'a training job is stopped half-way: the second attempt resumes from its checkpoint',
    run: (arena, book) =>
      killedHalfWay(arena, book, '3.0', ({ plan }) =>
        arena.clients.sageMaker.send(new StopTrainingJobCommand({ TrainingJobName: plan.jobs.train })),
      ),
  },
  {
    name: 'the execution of a training is stopped half-way: the second attempt resumes from its checkpoint',
    run: (arena, book) => killedHalfWay(arena, book, '4.0', async (row) => (await Trainer.of(arena)).stop(row)),
  },
];
