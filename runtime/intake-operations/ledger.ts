import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, ScanCommand, UpdateCommand, UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, isLater, LEDGER } from '../../lib/constructs/data/contract';
import type { FileRow, Result } from '../intake/file-row';
import type { Judgement, Rejudged } from '../intake/rejudged';

/** Results that a row remembers; each takes about 1 KB of its 400. All of them have a commit record. */
const REMEMBERED = 10;
/** Attempts when a write meets a transaction; together they wait 5 seconds at most. */
const CONFLICTS = 8;

/** A row that an operation has taken up again. */
export type ReopenedRow = FileRow & { reopenedBy?: string };

/** What operations read and write of a ledger. Every write is conditional on the row being as it was seen. */
export class RejudgeLedger {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly table: string,
    private readonly now: () => Date = () => new Date(),
    private readonly pause: (ms: number) => Promise<unknown> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  ) {}

  public time(): string {
    return this.now().toISOString();
  }

  /** One page of rows, behind the row `cursor`, and the cursor of the next page unless it was the last. */
  public async page(cursor: string | undefined): Promise<{ rows: ReopenedRow[]; cursor?: string }> {
    const { Items = [], LastEvaluatedKey } = await this.client.send(
      new ScanCommand({
        TableName: this.table,
        ConsistentRead: true,
        FilterExpression: 'begins_with(pk, :object)',
        ExpressionAttributeValues: { ':object': LEDGER.object },
        ExclusiveStartKey: cursor === undefined ? undefined : { [LEDGER.key]: cursor },
      }),
    );
    return { rows: Items as ReopenedRow[], cursor: LastEvaluatedKey?.[LEDGER.key] as string | undefined };
  }

  public async get(pk: string): Promise<ReopenedRow | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key: { pk }, ConsistentRead: true }));
    return Item as ReopenedRow | undefined;
  }

  /** Whether an accounted newer version of its key makes a row's file count for nothing. */
  public async isOutdated({ key, sequencer }: FileRow): Promise<boolean> {
    const head = (await this.get(LEDGER.head + key)) as unknown as { sequencer: string } | undefined;
    return head !== undefined && isLater(head.sequencer, sequencer);
  }

  /**
   * accounted -> accounted with another result, in one write: readers see the old one or the new one. The old one is remembered. False when
   * the row has changed since it was seen: another re-judgement, a newer version of its key, a withdrawal.
   */
  public supersede(row: FileRow, attempt: string, result: Result, rejudged: Rejudged): Promise<boolean> {
    const { counts, validated, quarantine, validator, contract } = result;
    const set = { attempt, counts, validated, quarantine, validator, contract, rejudged, earlier: remembered(row) };
    const standing = ['supersededBy', 'duplicateOf', 'withdrawal'].map((reason) => `attribute_not_exists(${reason})`).join(' AND ');
    return this.update({
      Key: { pk: row.pk },
      ConditionExpression: `#state = :accounted AND attempt = :seen AND ${standing}`,
      UpdateExpression: `${setting(set)} ADD attempts :one, reopened :one`,
      ExpressionAttributeNames: { '#state': 'state', ...namesOf(set) },
      ExpressionAttributeValues: { ...valuesOf(set), ':accounted': FILE_STATE.accounted, ':seen': row.attempt, ':one': 1 },
    });
  }

  /** rejected -> received, so that the intake takes it again. False when the row has changed since it was seen. */
  public reopen(row: FileRow, operation: string): Promise<boolean> {
    return this.update({
      Key: { pk: row.pk },
      ConditionExpression: '#state = :rejected AND attempt = :seen',
      UpdateExpression: 'SET #state = :received, reopenedBy = :operation, resumedAt = :now REMOVE reason ADD reopened :one',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ...{ ':rejected': FILE_STATE.rejected, ':received': FILE_STATE.received },
        ...{ ':seen': row.attempt, ':operation': operation, ':now': this.now().getTime() / 1000, ':one': 1 },
      },
    });
  }

  private async update(input: Omit<UpdateCommandInput, 'TableName'>): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.send(new UpdateCommand({ TableName: this.table, ...input }));
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) {
          return false;
        }
        // A transaction of the intake is at this row (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
        if (attempt === CONFLICTS || (error as Error).name !== 'TransactionConflictException') {
          throw error;
        }
        await this.pause(Math.random() * 20 * 2 ** attempt);
      }
    }
  }
}

/** The results before the next one, the oldest first. */
export function remembered({ attempt, counts, validated, quarantine, validator, contract, earlier = [] }: FileRow): Judgement[] {
  return [...earlier, { attempt, counts, validated, quarantine, validator, contract } as Judgement].slice(-REMEMBERED);
}

const namesOf = (set: object) => Object.fromEntries(Object.keys(set).map((name) => [`#${name}`, name]));
const valuesOf = (set: object) => Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value as unknown]));
const setting = (set: object) =>
  `SET ${Object.keys(set)
    .map((name) => `#${name} = :${name}`)
    .join(', ')}`;
