import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeTrainingJobCommand, StopTrainingJobCommand, TrainingJobStatus } from '@aws-sdk/client-sagemaker';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { monthlyFiles } from '../../../examples/flight-delays/files';
import { LEDGER } from '../../../lib/constructs/data/contract';
import { RunRow, RUNS, RunState, TrainingPlan, TrainingTrigger } from '../../../lib/constructs/delivery/contract';
import { until } from '../programs';
import { Arena, Scenario } from './arena';
import { Book } from './book';

const DATASET = 'flights';
const RUN_SECONDS = 240;
const RETRAININGS = 10;
/** What the program of the example says. */
const RESUMED = /resumed after \d+ steps/;

/** More runs a day than the scenarios need, and a parameter to vary. */
export const trainingConfig = (arena: Arena): string =>
  arena.config('training', (document) => {
    document.setIn(['endpoints', 'delay', 'model', 'training', 'runsPerDay'], 40);
    document.setIn(['endpoints', 'delay', 'model', 'training', 'parameters'], { c: '1.0' });
  });

type Row = RunRow & { pk: string };

/** Training as the scenarios see it: its data, its trigger and its rows. */
class Trainer {
  private constructor(
    private readonly arena: Arena,
    public readonly outputs: Record<string, string>,
  ) {}

  public static async of(arena: Arena): Promise<Trainer> {
    return new Trainer(arena, (await arena.world()).outputs);
  }

  /** Starts a run by hand, on the newest dataset; answers its id. */
  public async start(c: string): Promise<string> {
    return (await this.invoke<{ runId: string }>(this.outputs.delayTrainingTrigger, { trigger: 'hand', parameters: { c } })).runId;
  }

  public async runs(): Promise<Row[]> {
    return (await this.rows<Row>(this.outputs.delayTrainingRuns)).filter(({ pk }) => pk.startsWith(RUNS.run));
  }

  public async run(runId: string): Promise<Row> {
    return until(`the row of run ${runId}`, 30, async () => (await this.runs()).find(({ plan }) => plan.runId === runId));
  }

  public async ended(runId: string): Promise<Row> {
    return until(`the end of run ${runId}`, RUN_SECONDS, async () => {
      const row = await this.run(runId);
      return row.state === RunState.RUNNING ? undefined : row;
    });
  }

  /** The first four months as one dataset version, and the end of the run that it starts by itself; made once. */
  public async firstRun(): Promise<Row> {
    const made = (await this.runs()).find(({ trigger }) => trigger === TrainingTrigger.DATASET);
    if (made !== undefined) {
      return this.ended(made.plan.runId);
    }
    const { files } = await monthlyFiles([1, 4]);
    for (const { name, bytes } of files) {
      await this.arena.clients.s3.send(new PutObjectCommand({ Bucket: this.outputs.RawBucket, Key: `${DATASET}/${name}`, Body: bytes }));
    }
    await until('a final ledger row for each file', 180, async () => {
      const rows = await this.rows<{ pk: string; state?: string }>(this.outputs[`${DATASET}Ledger`]);
      const final = rows.filter(({ pk, state }) => pk.startsWith(LEDGER.object) && (state === 'accounted' || state === 'rejected'));
      return final.length >= files.length ? true : undefined;
    });
    await this.invoke(this.outputs.DatasetBuilder, { dataset: DATASET });
    const first = await until('the run of the first dataset version', 60, async () => (await this.runs()).at(0));
    return this.ended(first.plan.runId);
  }

  /** Waits until a training has left a checkpoint, which is while it goes on. */
  public async checkpointed({ uris }: TrainingPlan): Promise<void> {
    const [, Bucket, Prefix] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uris.checkpoints)!;
    const deadline = Date.now() + RUN_SECONDS * 1000;
    while (((await this.arena.clients.s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).KeyCount ?? 0) === 0) {
      if (Date.now() > deadline) {
        throw new Error(`no checkpoint came to ${uris.checkpoints} in ${RUN_SECONDS} s`);
      }
    }
  }

  /** What a training program printed, in all its starts. */
  public log = (trainingJob: string): string =>
    readFileSync(join(this.arena.account.stateDir, 'logs', `training-job-${trainingJob}.log`), 'utf8');

  public job = (TrainingJobName: string) => this.arena.clients.sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));

  private async invoke<T>(FunctionName: string, payload: object): Promise<T> {
    const answer = await this.arena.clients.lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload) }));
    const text = Buffer.from(answer.Payload ?? []).toString();
    if (answer.FunctionError !== undefined) {
      throw new Error(`${FunctionName} answered ${text}`);
    }
    return JSON.parse(text) as T;
  }

  private async rows<T>(TableName: string): Promise<T[]> {
    const rows: T[] = [];
    for await (const { Items = [] } of paginateScan({ client: this.arena.clients.dynamo }, { TableName, ConsistentRead: true })) {
      rows.push(...(Items as T[]));
    }
    return rows;
  }
}

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
    run: (arena, book) =>
      killedHalfWay(arena, book, '4.0', async ({ execution }) => {
        const machine = (await Trainer.of(arena)).outputs.delayTrainingMachine;
        const executionArn = `${machine.replace(':stateMachine:', ':execution:')}:${execution}`;
        await arena.clients.sfn.send(new StopExecutionCommand({ executionArn }));
      }),
  },
];
