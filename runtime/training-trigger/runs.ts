import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand, TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { RunRow, RUNS, RunState, TrainingPlan } from '../../lib/constructs/delivery/contract';

/** A run to enter; `number` says which attempt it is, and the how many-th candidate of its dataset. */
export interface Entry {
  readonly runId: string;
  readonly datasetId: string;
  readonly day: string;
  readonly maximumRunsPerDay: number;
  readonly rowOf: (number: { attempt: number; candidateNumber: number }) => RunRow;
  /** ARN of the version that the run has registered already. */
  readonly registered: () => Promise<string | undefined>;
  readonly now: string;
}

export type Entered = { readonly outcome: 'entered' | 'known' | 'registered'; readonly row: RunRow } | { readonly outcome: 'over limit' };

/** Two triggers may count at the same moment; each try reads anew. */
const TRIES = 8;

/** The runs of one pipeline. */
export class Runs {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly table: string,
  ) {}

  /**
   * Enters a run unless it is there and has not failed. The row, the day's count and the dataset's count change together or not at all. A run
   * whose version is there already is entered as `registered`, and counts for no day.
   *
   * Errors: `BusyRuns` when others count at the same moment, again and again.
   */
  async enter(entry: Entry): Promise<Entered> {
    for (let i = 0; i < TRIES; i++) {
      const known = (await this.get(RUNS.run + entry.runId)) as RunRow | undefined;
      if (known !== undefined && known.state !== RunState.FAILED) {
        return { outcome: 'known', row: known };
      }
      const packageArn = await entry.registered();
      const outcome = packageArn === undefined ? await this.tryToEnter(entry, known) : await this.tryToRegister(entry, known, packageArn);
      if (outcome !== undefined) {
        return outcome;
      }
    }
    throw new Error(`BusyRuns: other runs were entered in ${this.table} at the same moment ${TRIES} times: start the run again`);
  }

  private async tryToEnter(entry: Entry, failed: RunRow | undefined): Promise<Entered | undefined> {
    const seen = await this.candidates(entry);
    const candidateNumber = failed?.plan.candidateNumber ?? seen + 1;
    const row = entry.rowOf({ attempt: (failed?.attempt ?? 0) + 1, candidateNumber });
    const codes = await this.write([
      this.putRow(entry.runId, row, failed),
      this.countDay(entry),
      ...(failed === undefined ? [this.countCandidate(entry, seen)] : []),
    ]);
    if (codes === undefined) {
      return { outcome: 'entered', row };
    }
    return codes[0] === 'None' && codes[1] === 'ConditionalCheckFailed' ? { outcome: 'over limit' } : undefined;
  }

  private async tryToRegister(entry: Entry, failed: RunRow | undefined, packageArn: string): Promise<Entered | undefined> {
    const seen = await this.candidates(entry);
    const found = failed ?? entry.rowOf({ attempt: 1, candidateNumber: seen + 1 });
    const row: RunRow = { ...found, state: RunState.REGISTERED, packageArn, endedAt: entry.now };
    const codes = await this.write([
      this.putRow(entry.runId, row, failed),
      ...(failed === undefined ? [this.countCandidate(entry, seen)] : []),
    ]);
    return codes === undefined ? { outcome: 'registered', row } : undefined;
  }

  private async candidates({ datasetId }: Entry): Promise<number> {
    return Number((await this.get(RUNS.dataset + datasetId))?.candidates ?? 0);
  }

  /** Writes all or nothing; answers why not, by write. */
  private async write(writes: Write[]): Promise<(string | undefined)[] | undefined> {
    try {
      await this.client.send(new TransactWriteCommand({ TransactItems: writes }));
      return undefined;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) {
        throw error;
      }
      return error.CancellationReasons?.map(({ Code }) => Code) ?? [];
    }
  }

  private putRow(runId: string, row: RunRow, failed: RunRow | undefined): Write {
    const fresh = failed === undefined;
    return {
      Put: {
        TableName: this.table,
        Item: { [RUNS.key]: RUNS.run + runId, ...row },
        ConditionExpression: fresh ? 'attribute_not_exists(#pk)' : '#state = :failed AND #attempt = :attempt',
        ExpressionAttributeNames: fresh ? { '#pk': RUNS.key } : { '#state': 'state', '#attempt': 'attempt' },
        ...(fresh ? {} : { ExpressionAttributeValues: { ':failed': RunState.FAILED, ':attempt': failed.attempt } }),
      },
    };
  }

  private countDay({ day, maximumRunsPerDay }: Entry): Write {
    return {
      Update: {
        TableName: this.table,
        Key: { [RUNS.key]: RUNS.day + day },
        UpdateExpression: 'ADD #runs :one',
        ConditionExpression: 'attribute_not_exists(#runs) OR #runs < :maximum',
        ExpressionAttributeNames: { '#runs': 'runs' },
        ExpressionAttributeValues: { ':one': 1, ':maximum': maximumRunsPerDay },
      },
    };
  }

  private countCandidate({ datasetId }: Entry, seen: number): Write {
    return {
      Update: {
        TableName: this.table,
        Key: { [RUNS.key]: RUNS.dataset + datasetId },
        UpdateExpression: 'SET #candidates = :next',
        ConditionExpression: 'attribute_not_exists(#candidates) OR #candidates = :seen',
        ExpressionAttributeNames: { '#candidates': 'candidates' },
        ExpressionAttributeValues: { ':next': seen + 1, ':seen': seen },
      },
    };
  }

  private async get(pk: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key: { [RUNS.key]: pk }, ConsistentRead: true }));
    return Item;
  }
}

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** The row of a run that starts now. */
export function startingRow(plan: TrainingPlan, given: Pick<RunRow, 'trigger' | 'startedAt' | 'execution'>): RunRow {
  return { state: RunState.RUNNING, attempt: plan.attempt, plan, ...given };
}
