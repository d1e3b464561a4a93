import { Readable } from 'node:stream';
import { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { applyUpdate, Expressions, holds } from './fake-dynamodb-expressions';
import { fakeService } from './fake-service';

export type Item = Record<string, AttributeValue>;
type Operation = Expressions & { TableName: string; Key?: Item; Item?: Item };
type Query = Operation & {
  IndexName?: string;
  KeyConditionExpression: string;
  ExclusiveStartKey?: Item;
  ScanIndexForward?: boolean;
  Limit?: number;
};

interface Request {
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** A change as the table's stream shows it. */
export interface StreamChange {
  table: string;
  before?: Item;
  after: Item;
}

/** Makes the fake answer with an error of Amazon DynamoDB when a hook throws it. */
export class DynamoDbFailure extends Error {
  constructor(
    readonly code: string,
    readonly fields: object = {},
  ) {
    super(code);
  }
}

/**
 * Amazon DynamoDB as far as the data path uses it, below the SDK's client: marshalling, errors and paging are the real ones. Tables have the
 * partition key `pk`, or the keys that it is given. Expressions are read, not assumed: a wrong one fails here.
 */
export class FakeDynamoDb {
  readonly client: DynamoDBDocumentClient;
  readonly changes: StreamChange[] = [];
  /** Called before each operation takes effect; may throw `DynamoDbFailure`, or any error for a broken connection. */
  before: (operation: string, input: Record<string, unknown>) => void | Promise<void> = () => undefined;
  /** Called when it has taken effect, before the answer. */
  after: (operation: string, input: Record<string, unknown>) => void | Promise<void> = () => undefined;
  /** Items of one page of a scan, before the filter, or of a query. */
  pageSize = 100;
  private readonly tables = new Map<string, Map<string, Item>>();

  constructor(
    /** Partition key and, if tables have one, sort key. */
    private readonly keys: readonly string[] = ['pk'],
    /** Sort keys of local indexes by name. Items without theirs are not in an index. */
    private readonly indexes: Readonly<Record<string, string>> = {},
  ) {
    this.client = DynamoDBDocumentClient.from(
      new DynamoDBClient(fakeService('dynamodb', async (request: Request) => ({ response: await this.handle(request) }))),
    );
  }

  /** The items of a table as plain objects. */
  items<T = Record<string, unknown>>(table: string): T[] {
    return [...this.table(table).values()].map((item) => unmarshall(item) as T);
  }

  /** Takes items out of a table as if they had never been there. */
  lose(table: string, which: (key: string) => boolean): void {
    [...this.table(table).keys()].filter(which).forEach((key) => this.table(table).delete(key));
  }

  private table(name: string): Map<string, Item> {
    const table = this.tables.get(name) ?? new Map<string, Item>();
    this.tables.set(name, table);
    return table;
  }

  private async handle({ headers, body }: Request) {
    const operation = headers['x-amz-target'].split('.')[1];
    const input = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
    try {
      await this.before(operation, input);
      const answer = this.run(operation, input);
      await this.after(operation, input);
      return reply(200, answer);
    } catch (error) {
      if (!(error instanceof DynamoDbFailure)) {
        throw error;
      }
      return reply(400, { __type: `com.amazonaws.dynamodb.v20120810#${error.code}`, message: error.code, ...error.fields });
    }
  }

  private run(operation: string, input: Operation & { TransactItems?: Record<string, Operation>[] }): object {
    switch (operation) {
      case 'GetItem':
        return { Item: this.itemOf(input) };
      case 'PutItem':
      case 'UpdateItem':
      case 'DeleteItem':
        if (!holds(input, this.itemOf(input))) {
          throw new DynamoDbFailure('ConditionalCheckFailedException');
        }
        this.apply(input, operation === 'DeleteItem');
        return { Attributes: this.itemOf(input) };
      case 'TransactWriteItems':
        return this.transact(input.TransactItems!);
      case 'Scan':
        return this.scan(input as Operation & { FilterExpression: string; ExclusiveStartKey?: Item });
      case 'Query':
        return this.query(input as Query);
      default:
        throw new Error(`the fake has no ${operation}`);
    }
  }

  /** Errors: two operations on one item, as in DynamoDB. */
  private transact(writes: Record<string, Operation>[]): object {
    const operations = writes.map((write) => ({ kind: Object.keys(write)[0], operation: Object.values(write)[0] }));
    const touched = operations.map(({ operation }) => this.keyOf(operation));
    if (new Set(touched).size < touched.length) {
      throw new DynamoDbFailure('ValidationException');
    }
    const CancellationReasons = operations.map(({ operation }) => ({
      Code: holds(operation, this.itemOf(operation)) ? 'None' : 'ConditionalCheckFailed',
    }));
    if (CancellationReasons.some(({ Code }) => Code !== 'None')) {
      throw new DynamoDbFailure('TransactionCanceledException', { CancellationReasons });
    }
    operations.filter(({ kind }) => kind !== 'ConditionCheck').forEach(({ kind, operation }) => this.apply(operation, kind === 'Delete'));
    return {};
  }

  private apply(operation: Operation, gone: boolean): void {
    if (gone) {
      this.table(operation.TableName).delete(this.keyOf(operation));
      return;
    }
    const before = this.itemOf(operation);
    const after = operation.Item ?? applyUpdate(operation, before ?? operation.Key!);
    this.table(operation.TableName).set(this.keyOf(operation), after);
    this.changes.push({ table: operation.TableName, before, after });
  }

  private scan(input: Operation & { FilterExpression: string; ExclusiveStartKey?: Item }): object {
    const all = [...this.table(input.TableName).values()];
    const start = input.ExclusiveStartKey === undefined ? 0 : all.findIndex(({ pk }) => pk.S === input.ExclusiveStartKey!.pk.S) + 1;
    const page = all.slice(start, start + this.pageSize);
    const LastEvaluatedKey = start + page.length < all.length ? { pk: page.at(-1)!.pk } : undefined;
    return { Items: page.filter((item) => holds({ ...input, ConditionExpression: input.FilterExpression }, item)), LastEvaluatedKey };
  }

  private query(input: Query): object {
    const sort = input.IndexName === undefined ? this.keys[1] : this.indexes[input.IndexName];
    const matching = [...this.table(input.TableName).values()].filter(
      (item) => item[sort] !== undefined && holds({ ...input, ConditionExpression: input.KeyConditionExpression }, item),
    );
    matching.sort((a, b) => ascending(a[sort], b[sort]) * (input.ScanIndexForward === false ? -1 : 1));
    const start =
      input.ExclusiveStartKey === undefined
        ? 0
        : matching.findIndex((item) => this.keyOf({ ...input, Key: item }) === this.keyOf({ ...input, Key: input.ExclusiveStartKey })) + 1;
    const Items = matching.slice(start, start + Math.min(input.Limit ?? this.pageSize, this.pageSize));
    const last = start + Items.length < matching.length ? Items.at(-1) : undefined;
    return { Items, LastEvaluatedKey: last && Object.fromEntries([...new Set([...this.keys, sort])].map((key) => [key, last[key]])) };
  }

  private itemOf(operation: Operation): Item | undefined {
    return this.table(operation.TableName).get(this.keyOf(operation));
  }

  private keyOf({ Key, Item }: Operation): string {
    return this.keys.map((key) => (Key ?? Item)![key].S!).join(' ');
  }
}

function ascending(a: AttributeValue, b: AttributeValue): number {
  const [left, right] = a.N === undefined ? [a.S!, b.S!] : [Number(a.N), Number(b.N)];
  return left < right ? -1 : Number(left > right);
}

function reply(statusCode: number, body: object) {
  return {
    statusCode,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Readable.from([Buffer.from(JSON.stringify(body))]),
  };
}
