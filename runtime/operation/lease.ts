import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../lib/constructs/data/contract';
import { NOTHING_DONE, OperationRefused, Progress, Run } from './core';

/** Longer than a step may take, which is 15 minutes, so that the lease of a live execution does not lapse. Seconds. */
export const LEASE_SECONDS = 1200;

/** Steps that may end at one file before it is left out. */
const TRIES = 3;

/** The operation that is under way, or was the last one, as the ledger has it. */
export interface OperationItem {
  pk: string;
  id: string;
  operation: string;
  dryRun: boolean;
  requestedBy: string;
  startedAt: string;
  /** Epoch seconds. */
  leaseUntil: number;
  /** Set by the last step of an execution. */
  endedAt?: string;
  progress: Progress;
  /** What the step is at, how often one began with it, and the error of the last one; an empty text when it had no time to say any. */
  at?: string;
  tries?: number;
  problem?: string;
}

/** One operation of a kind at a time: an item of the ledger that an execution holds while it runs. */
export class OperationLease {
  constructor(
    private readonly client: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly table: string,
    private readonly now: () => Date,
    /** The item of the kind. */
    private readonly item: string = LEDGER.operation,
  ) {}

  /** The operation before this one, when it ended without a report. Errors: `OperationRefused` while another execution holds the lease. */
  public async take({ id, startedAt, request }: Run): Promise<string | undefined> {
    const before = await this.get();
    if (before?.id === id && before.endedAt === undefined) {
      await this.hold(id, {});
      return undefined;
    }
    const { operation, dryRun, requestedBy } = request;
    const facts = { id, operation, dryRun, requestedBy, startedAt };
    const Item: OperationItem = { pk: this.item, ...facts, leaseUntil: this.until(), progress: NOTHING_DONE };
    const ConditionExpression = 'attribute_not_exists(pk) OR attribute_exists(endedAt) OR leaseUntil < :now';
    try {
      const ExpressionAttributeValues = { ':now': this.seconds() };
      await this.client.send(new PutCommand({ TableName: this.table, Item, ConditionExpression, ExpressionAttributeValues }));
    } catch (error) {
      throw error instanceof ConditionalCheckFailedException ? busy(await this.get()) : error;
    }
    return before !== undefined && before.endedAt === undefined ? before.id : undefined;
  }

  /** How far this execution is. Errors: `OperationRefused` when another one has the lease. */
  public async progress(id: string): Promise<Progress> {
    const item = await this.get();
    if (item?.id !== id) {
      throw busy(item);
    }
    return item.progress;
  }

  /** Enters how far this execution is, and keeps the lease. Errors: `OperationRefused` when another one has it. */
  public async save(id: string, progress: Progress): Promise<void> {
    await this.hold(id, { progress });
  }

  /** What the last step of this execution came to; undefined before the first. */
  public async comingTo(id: string): Promise<string | undefined> {
    const item = await this.get();
    return item?.id === id ? item.at : undefined;
  }

  /** Notes what the step comes to next. Answers why it should not, when steps have ended there again and again. */
  public async attempt(id: string, at: string): Promise<string | undefined> {
    const item = await this.get();
    const again = item?.at === at;
    const tries = again ? (item.tries ?? 0) + 1 : 1;
    if (tries > TRIES) {
      return item?.problem === '' ? 'the function died whenever it came to this: read its log' : item?.problem;
    }
    await this.hold(id, { at, tries, problem: '' });
    return undefined;
  }

  /** Notes why the step ends here. */
  public async failed(id: string, problem: string): Promise<void> {
    await this.hold(id, { problem: problem.slice(0, 500) });
  }

  /** Lets others begin, unless one has begun already. */
  public async giveBack(id: string): Promise<void> {
    if ((await this.get())?.id === id) {
      await this.hold(id, { endedAt: this.now().toISOString() });
    }
  }

  private async get(): Promise<OperationItem | undefined> {
    const { Item } = await this.client.send(
      new GetCommand({ TableName: this.table, Key: { [LEDGER.key]: this.item }, ConsistentRead: true }),
    );
    return Item as OperationItem | undefined;
  }

  private async hold(id: string, set: Partial<OperationItem>): Promise<void> {
    const values = Object.entries({ ...set, leaseUntil: this.until() });
    try {
      await this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { [LEDGER.key]: this.item },
          ConditionExpression: '#id = :id',
          UpdateExpression: `SET ${values.map(([name]) => `#${name} = :${name}`).join(', ')}`,
          ExpressionAttributeNames: { '#id': 'id', ...Object.fromEntries(values.map(([name]) => [`#${name}`, name])) },
          ExpressionAttributeValues: { ':id': id, ...Object.fromEntries(values.map(([name, value]) => [`:${name}`, value])) },
        }),
      );
    } catch (error) {
      throw error instanceof ConditionalCheckFailedException ? busy(await this.get()) : error;
    }
  }

  private seconds = () => this.now().getTime() / 1000;
  private until = () => this.seconds() + LEASE_SECONDS;
}

function busy(item: OperationItem | undefined): OperationRefused {
  const { operation, id, requestedBy, startedAt, leaseUntil = 0 } = item ?? ({} as Partial<OperationItem>);
  return new OperationRefused(
    `OperationUnderWay: ${operation} ${id}, asked for by ${requestedBy} at ${startedAt}, holds this intake: wait for it; if it was aborted, until ${new Date(leaseUntil * 1000).toISOString()}`,
  );
}
