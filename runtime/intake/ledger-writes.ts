import { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE } from '../../lib/constructs/data/contract';

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** An item that names a row: the one that stands for a content, or the current one of a key with the sequencer of its newest version. */
export interface Pointer {
  row: string;
  sequencer?: string;
}
export type Head = Required<Pointer>;

/** What a row says of the message that brought it. */
export const MESSAGE = ['receives', 'receivedLast'] as const;
/** What a row that is final has no need of. */
const UNFINISHED = ['leaseUntil', ...MESSAGE, 'deadLetteredAt', 'resubmittedAt', 'resumedAt'];

/** The conditional writes that the ledger's transactions are made of. */
export class LedgerWrites {
  constructor(private readonly table: string) {}

  /** Lets an item name a row, unless another client has changed the item since it was seen. */
  public pointer(pk: string, fields: Pointer, seen: Pointer | undefined): Write {
    const names = Object.keys(fields) as (keyof Pointer)[];
    const condition =
      seen === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: `${names.map((name) => `#${name} = :${name}`).join(' AND ')} AND attribute_not_exists(withdrawal)`,
            ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
            ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, seen[name]])),
          };
    return { Put: { TableName: this.table, Item: { pk, ...fields }, ...condition } };
  }

  /** Holds the transaction back unless the row still stands for its bytes. */
  public stillActive(pk: string): Write {
    const ConditionExpression = 'attribute_not_exists(supersededBy) AND attribute_not_exists(withdrawal)';
    return { ConditionCheck: { TableName: this.table, Key: { pk }, ConditionExpression } };
  }

  public update(pk: string, set: Record<string, unknown>): Write {
    const { expression, names, values } = assignment(set);
    return {
      Update: {
        TableName: this.table,
        Key: { pk },
        UpdateExpression: expression,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      },
    };
  }

  /** The attempt that holds a row writes what became of it, and lets it go. */
  public transition(pk: string, attempt: string, set: Record<string, unknown>): Write {
    const { expression, names, values } = assignment(set);
    const held = heldBy(attempt);
    return {
      Update: {
        TableName: this.table,
        Key: { pk },
        ...held,
        UpdateExpression: `${expression} REMOVE ${UNFINISHED.join(', ')}`,
        ExpressionAttributeNames: { ...names, ...held.ExpressionAttributeNames },
        ExpressionAttributeValues: { ...values, ...held.ExpressionAttributeValues },
      },
    };
  }
}

/** The condition that a row is in the hands of an attempt. */
export function heldBy(attempt: string) {
  return {
    ConditionExpression: '#state = :validating AND attempt = :attempt',
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: { ':validating': FILE_STATE.validating, ':attempt': attempt },
  };
}

function assignment(set: Record<string, unknown>) {
  const given = Object.entries(set).filter(([, value]) => value !== undefined);
  return {
    expression: `SET ${given.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(given.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(given.map(([name, value]) => [`:${name}`, value])),
  };
}
