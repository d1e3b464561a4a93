import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

type Item = Record<string, unknown>;
interface Operation {
  TableName: string;
  Key?: Item;
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Item;
}
interface Change {
  before?: Item;
  after: Item;
}

/**
 * Amazon DynamoDB as far as the books use it: keyed items, conditions, transactions that happen wholly or not at all, queries with one
 * page of two items, and a stream of changes. Expressions are read, not assumed: a wrong one fails here.
 */
export class FakeDynamoDb implements Pick<DynamoDBDocumentClient, 'send'> {
  readonly tables: Record<string, Map<string, Item>> = { predictions: new Map(), tally: new Map() };
  readonly changes: Change[] = [];
  /** Called before each command; may throw, or write what another client wrote meanwhile. */
  before: (name: string) => void | Promise<void> = () => undefined;
  /** Called after each command has taken effect; may throw, as a connection that breaks before the answer. */
  after: (name: string) => void = () => undefined;

  send = (async (command: { constructor: { name: string }; input: Item }) => {
    const name = command.constructor.name;
    await this.before(name);
    const answer = this.run(name, command.input);
    this.after(name);
    return answer;
  }) as unknown as DynamoDBDocumentClient['send'];

  items(table: string): Item[] {
    return [...this.tables[table].values()];
  }

  private run(name: string, input: Item): unknown {
    switch (name) {
      case 'GetCommand':
        return { Item: clone(this.tables[input.TableName as string].get(this.id(input as unknown as Operation))) };
      case 'TransactWriteCommand':
        return this.transact(input.TransactItems as Record<string, Operation>[]);
      case 'QueryCommand':
        return this.query(input);
      default:
        throw new Error(`the fake has no ${name}`);
    }
  }

  private transact(writes: Record<string, Operation>[]): object {
    const operations = writes.map((write) => Object.values(write)[0]);
    const reasons = operations.map((operation) => ({ Code: this.holds(operation) ? 'None' : 'ConditionalCheckFailed' }));
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons: reasons });
    }
    operations.forEach((operation) => this.apply(operation));
    return {};
  }

  private holds(operation: Operation): boolean {
    const item = this.tables[operation.TableName].get(this.id(operation));
    return (operation.ConditionExpression ?? '')
      .split(' AND ')
      .every((condition) => condition === '' || this.test(condition, item, operation));
  }

  private test(condition: string, item: Item | undefined, operation: Operation): boolean {
    const absent = /^attribute_not_exists\((#\w+)\)$/.exec(condition);
    if (absent) {
      return item?.[nameIn(operation, absent[1])] === undefined;
    }
    const [, name, value] = /^(#\w+) = (:\w+)$/.exec(condition)!;
    return item?.[nameIn(operation, name)] === valueIn(operation, value);
  }

  private apply(operation: Operation): void {
    const table = this.tables[operation.TableName];
    const before = table.get(this.id(operation));
    const after = operation.Item === undefined ? this.updated(before ?? { ...operation.Key }, operation) : { ...operation.Item };
    table.set(this.id(operation), after);
    if (operation.TableName === 'predictions') {
      this.changes.push({ before, after });
    }
  }

  private updated(item: Item, operation: Operation): Item {
    const next = { ...item };
    for (const [, verb, body] of operation.UpdateExpression!.matchAll(/(SET|ADD|REMOVE) (.+?)(?= (?:SET|ADD|REMOVE) |$)/g)) {
      for (const part of body.split(', ')) {
        const [name, value] = part.split(/ = | /);
        const attribute = nameIn(operation, name);
        if (verb === 'REMOVE') {
          delete next[attribute];
        } else {
          const given = valueIn(operation, value);
          next[attribute] = verb === 'ADD' ? ((next[attribute] as number) ?? 0) + (given as number) : given;
        }
      }
    }
    return next;
  }

  private query(input: Item): object {
    const operation = input as unknown as Operation;
    const sort = (item: Item) => String(item.key ?? item.bucket);
    const found = this.items(operation.TableName)
      .filter((item) => matches(item, input.KeyConditionExpression as string, operation))
      .sort((a, b) => (sort(a) < sort(b) ? -1 : 1));
    const start = input.ExclusiveStartKey as Item | undefined;
    const rest = start === undefined ? found : found.filter((item) => sort(item) > sort(start));
    const Items = rest.slice(0, 2);
    return { Items: Items.map((item) => clone(item)), LastEvaluatedKey: rest.length > 2 ? Items[1] : undefined };
  }

  private id({ Key, Item, TableName }: Operation): string {
    const source = (Key ?? Item)!;
    return TableName === 'tally' ? `${source.shard}|${source.bucket}` : String(source.key);
  }
}

function matches(item: Item, expression: string, operation: Operation): boolean {
  return [...expression.matchAll(/(#\w+) (=|<=|BETWEEN) (:\w+)(?: AND (:\w+))?/g)].every(([, name, operator, low, high]) => {
    const actual = item[nameIn(operation, name)] as string | undefined;
    const [from, to] = [valueIn(operation, low) as string, high && (valueIn(operation, high) as string)];
    if (actual === undefined) {
      return false;
    }
    return operator === '=' ? actual === from : operator === '<=' ? actual <= from : actual >= from && actual <= to;
  });
}

function nameIn({ ExpressionAttributeNames }: Operation, name: string): string {
  const real = ExpressionAttributeNames?.[name];
  if (real === undefined) {
    throw new Error(`ValidationException: ${name} is not defined`);
  }
  return real;
}

function valueIn({ ExpressionAttributeValues }: Operation, value: string): unknown {
  if (ExpressionAttributeValues?.[value] === undefined) {
    throw new Error(`ValidationException: ${value} is not defined`);
  }
  return ExpressionAttributeValues[value];
}

const clone = <T>(value: T): T => (value === undefined ? value : JSON.parse(JSON.stringify(value)));
