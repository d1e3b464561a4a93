import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeModelPackageCommand, DescribeTrainingJobCommand, paginateListModelPackages } from '@aws-sdk/client-sagemaker';
import { GetExecutionHistoryCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { monthlyFiles } from '../../../examples/flight-delays/files';
import { LEDGER } from '../../../lib/constructs/data/contract';
import { namesOf, RunRow, RUNS, RunState, TrainingPlan, TrainingTrigger } from '../../../lib/constructs/delivery/contract';
import { LINEAGE } from '../../../lib/constructs/models/contract';
import { until } from '../programs';
import { Arena, PREFIX } from './arena';

const DATASET = 'flights';
const MODEL = 'delay';
const RUN_SECONDS = 240;

export type Row = RunRow & { pk: string };

/** Training as the scenarios see it: its data, its trigger and its rows. */
export class Trainer {
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

  /** Versions of the model that name the run. */
  public async versions(runId: string): Promise<string[]> {
    const client = this.arena.clients.sageMaker;
    const found: string[] = [];
    for await (const { ModelPackageSummaryList = [] } of paginateListModelPackages(
      { client },
      { ModelPackageGroupName: namesOf(PREFIX, MODEL).group },
    )) {
      for (const { ModelPackageArn: ModelPackageName } of ModelPackageSummaryList) {
        const { CustomerMetadataProperties } = await client.send(new DescribeModelPackageCommand({ ModelPackageName }));
        found.push(...(CustomerMetadataProperties?.[LINEAGE.run] === runId ? [ModelPackageName!] : []));
      }
    }
    return found;
  }

  /** Names of the training jobs that the attempts of a run have started. */
  public async jobs({ attempt, plan }: Row): Promise<string[]> {
    const names = Array.from({ length: attempt }, (_, i) => plan.jobs.train.replace(/-\d+-train$/, `-${i + 1}-train`));
    const found = await Promise.all(
      names.map((name) =>
        this.job(name).then(
          () => [name],
          () => [],
        ),
      ),
    );
    return found.flat();
  }

  /** States that the execution of a run is in; undefined when it is over. */
  public async statesOf(row: Row): Promise<string[] | undefined> {
    const command = new GetExecutionHistoryCommand({ executionArn: this.executionArn(row), maxResults: 1000 });
    const { events = [] } = await this.arena.clients.sfn.send(command);
    const left = new Set(events.flatMap(({ stateExitedEventDetails }) => stateExitedEventDetails?.name ?? []));
    const over = events.some(({ type }) => /^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(type!));
    return over
      ? undefined
      : events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []).filter((name) => !left.has(name));
  }

  /** Stops the execution of a run. */
  public async stop(row: Row): Promise<void> {
    await this.arena.clients.sfn.send(new StopExecutionCommand({ executionArn: this.executionArn(row) }));
  }

  public job = (TrainingJobName: string) => this.arena.clients.sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));

  private executionArn({ execution }: Row): string {
    return `${this.outputs.delayTrainingMachine.replace(':stateMachine:', ':execution:')}:${execution}`;
  }

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
