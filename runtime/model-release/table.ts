import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { MarkReason, RELEASES, ReleaseState } from '../../lib/constructs/delivery/contract';
import { NO_VERSION } from '../../lib/constructs/models/contract';
import type { Lease } from './lease';
import type { Mark, Release } from './types';

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
/** States before the way back began. */
export const FORWARD: readonly string[] = [ReleaseState.RECORDED, ReleaseState.UPDATING];
const UNDER_WAY: readonly string[] = [...FORWARD, ReleaseState.RESTORING, ReleaseState.RESTORE_UPDATING];

/** Which version a change of a release blames, and for what. */
export interface Blame {
  arn: string;
  /** Only a release that failed with nothing else to explain it is its version's fault. */
  undecided?: boolean;
  reason: string;
}

/** False when a condition did not hold. */
async function conditional(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    const refused =
      error instanceof TransactionCanceledException && error.CancellationReasons?.some(({ Code }) => Code === 'ConditionalCheckFailed');
    if (error instanceof ConditionalCheckFailedException || refused === true) {
      return false;
    }
    throw error;
  }
}

export const versionNumber = (arn: string): number => Number(arn.split('/').at(-1));
export const markEntry = (version: number): string => `${RELEASES.mark}${String(version).padStart(6, '0')}`;

/**
 * The rows of one model. Every change is made only while the execution holds the lease of its stack, which is a row of the model whose endpoint
 * the stack has; one that comes too late changes nothing.
 */
export class ReleaseTable {
  constructor(
    private readonly client: DynamoDBDocumentClient,
    private readonly table: string,
    private readonly model: string,
    private readonly host = model,
  ) {}

  async lease(): Promise<Lease | undefined> {
    return (await this.get(RELEASES.lease, this.host)) as Lease | undefined;
  }

  /** Takes a lease that is free, or that `holder` held. */
  takeLease(execution: string, now: Date, holder: string | undefined): Promise<boolean> {
    return conditional(
      this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(RELEASES.lease, this.host),
          UpdateExpression: 'SET execution = :me, since = :now, wakes = if_not_exists(wakes, :zero)',
          ConditionExpression: holder === undefined ? 'attribute_not_exists(execution)' : 'execution = :holder',
          ExpressionAttributeValues: {
            ':me': execution,
            ':now': now.toISOString(),
            ':zero': 0,
            ...(holder === undefined ? {} : { ':holder': holder }),
          },
        }),
      ),
    );
  }

  /** Lets the holder know that there is something new; false when it gave the lease back meanwhile. */
  knock(holder: string): Promise<boolean> {
    return conditional(
      this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(RELEASES.lease, this.host),
          UpdateExpression: 'ADD wakes :one',
          ConditionExpression: 'execution = :holder',
          ExpressionAttributeValues: { ':one': 1, ':holder': holder },
        }),
      ),
    );
  }

  /** Ends the lease, unless somebody knocked since `wakes` was read. True when it is not held any more. */
  async giveBack(execution: string, wakes: number): Promise<boolean> {
    const given = await conditional(
      this.client.send(
        new DeleteCommand({
          TableName: this.table,
          Key: this.key(RELEASES.lease, this.host),
          ConditionExpression: 'attribute_not_exists(execution) OR (execution = :me AND wakes = :wakes)',
          ExpressionAttributeValues: { ':me': execution, ':wakes': wakes },
        }),
      ),
    );
    return given || (await this.lease())?.execution !== execution;
  }

  /** The release that is under way: there is at most one, and it is the newest. */
  async open(): Promise<Release | undefined> {
    const { Items = [] } = await this.client.send(new QueryCommand({ ...this.query(RELEASES.release), ScanIndexForward: false, Limit: 1 }));
    const [newest] = Items as Release[];
    return newest !== undefined && UNDER_WAY.includes(newest.state) ? newest : undefined;
  }

  async marks(): Promise<Mark[]> {
    const marks: Mark[] = [];
    for await (const { Items = [] } of paginateQuery({ client: this.client }, this.query(RELEASES.mark))) {
      marks.push(...Items.map(({ entry, reason }) => ({ version: Number(entry.slice(RELEASES.mark.length)), reason })));
    }
    return marks;
  }

  async told(): Promise<string | undefined> {
    return (await this.get(RELEASES.told))?.reason;
  }

  async tell(reason: string, at: string): Promise<void> {
    await this.client.send(new PutCommand({ TableName: this.table, Item: { ...this.key(RELEASES.told), reason, at } }));
  }

  /** What the owner was told does not hold any more, and nothing fails. */
  async clear(entry: typeof RELEASES.told | typeof RELEASES.failures): Promise<void> {
    await this.client.send(new DeleteCommand({ TableName: this.table, Key: this.key(entry) }));
  }

  record(me: string, entry: string, { from, to, at }: { from: string; to: string; at: string }): Promise<boolean> {
    const Item = { ...this.key(entry), state: ReleaseState.RECORDED, from, to, startedAt: at, changedAt: at, execution: me };
    return this.write(me, [{ Put: { TableName: this.table, Item, ConditionExpression: 'attribute_not_exists(entry)' } }]);
  }

  /** Changes a release that is under way, or in one of `states`, and marks the version that is to blame for it, both or neither. */
  change(me: string, entry: string, given: Partial<Release>, blame?: Blame, states = UNDER_WAY): Promise<boolean> {
    const fields = Object.entries(given).filter(([, value]) => value !== undefined);
    const Update = {
      TableName: this.table,
      Key: this.key(entry),
      UpdateExpression: `SET ${fields.map(([name]) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: `#state IN (${states.map((_, i) => `:s${i}`).join(', ')})`,
      ExpressionAttributeNames: Object.fromEntries([['#state', 'state'], ...fields.map(([name]) => [`#${name}`, name])]),
      ExpressionAttributeValues: Object.fromEntries([
        ...states.map((state, i) => [`:s${i}`, state]),
        ...fields.map(([name, value]) => [`:${name}`, value]),
      ]),
    };
    const why = blame?.undecided === true ? MarkReason.UNDECIDED : MarkReason.FAILED;
    const marking =
      blame === undefined || blame.arn === NO_VERSION ? [] : [this.marking(versionNumber(blame.arn), why, blame.reason, given)];
    return this.write(me, [{ Update }, ...marking]);
  }

  refuse(me: string, version: number, why: string, at: string): Promise<boolean> {
    return this.write(me, [this.marking(version, MarkReason.REFUSED, why, { changedAt: at })]);
  }

  /** Counts a failed execution once; how many failed since the last change. */
  async countFailure(execution: string): Promise<number> {
    await conditional(
      this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(RELEASES.failures),
          UpdateExpression: 'SET #last = :execution ADD #count :one',
          ConditionExpression: 'attribute_not_exists(#last) OR #last <> :execution',
          ExpressionAttributeNames: { '#last': 'last', '#count': 'count' },
          ExpressionAttributeValues: { ':execution': execution, ':one': 1 },
        }),
      ),
    );
    return (await this.get(RELEASES.failures))?.count ?? 0;
  }

  private marking(version: number, reason: MarkReason, why: string, { changedAt }: Partial<Release>): Write {
    return { Put: { TableName: this.table, Item: { ...this.key(markEntry(version)), reason, why, at: changedAt, by: 'release machine' } } };
  }

  /** A change is progress: failures of the stack count from here again. */
  private write(me: string, writes: Write[]): Promise<boolean> {
    const held: Write = {
      ConditionCheck: {
        TableName: this.table,
        Key: this.key(RELEASES.lease, this.host),
        ConditionExpression: 'execution = :me',
        ExpressionAttributeValues: { ':me': me },
      },
    };
    const progress: Write = { Delete: { TableName: this.table, Key: this.key(RELEASES.failures, this.host) } };
    return conditional(this.client.send(new TransactWriteCommand({ TransactItems: [held, ...writes, progress] })));
  }

  private async get(entry: string, model = this.model): Promise<Record<string, never> | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key: this.key(entry, model), ConsistentRead: true }));
    return Item as Record<string, never> | undefined;
  }

  private key(entry: string, model = this.model): Record<string, string> {
    return { [RELEASES.key]: model, [RELEASES.sort]: entry };
  }

  private query(start: string) {
    return {
      TableName: this.table,
      ConsistentRead: true,
      KeyConditionExpression: '#model = :model AND begins_with(#entry, :start)',
      ExpressionAttributeNames: { '#model': RELEASES.key, '#entry': RELEASES.sort },
      ExpressionAttributeValues: { ':model': this.model, ':start': start },
    };
  }
}
