import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../lib/constructs/data/contract';

/** What says in a ledger which withdrawal was the last; undefined before the first. */
export async function lastWithdrawal(dynamo: DynamoDBDocumentClient, ledger: string): Promise<string | undefined> {
  const Key = { [LEDGER.key]: LEDGER.withdrawals };
  const { Item } = await dynamo.send(new GetCommand({ TableName: ledger, Key, ConsistentRead: true }));
  return Item?.last;
}

export interface Entry {
  catalogue: string;
  Item: Record<string, unknown>;
  ledger: string;
  /** The last withdrawal when the ledger was read. */
  seen: string | undefined;
}

/** Attempts when a transaction meets another one. */
const CONFLICTS = 8;

/**
 * Enters a dataset version in one transaction with a look at the ledger: a file that was withdrawn while the version was made would be in it
 * otherwise, after its withdrawal was reported. False when the version is in the catalogue already. Errors: `WithdrawnMeanwhile`.
 */
export async function enter(dynamo: DynamoDBDocumentClient, { catalogue, Item, ledger, seen }: Entry): Promise<boolean> {
  const unchanged =
    seen === undefined
      ? { ConditionExpression: 'attribute_not_exists(pk)' }
      : {
          ConditionExpression: '#last = :seen',
          ExpressionAttributeNames: { '#last': 'last' },
          ExpressionAttributeValues: { ':seen': seen },
        };
  const TransactItems = [
    { Put: { TableName: catalogue, Item, ConditionExpression: 'attribute_not_exists(pk)' } },
    { ConditionCheck: { TableName: ledger, Key: { [LEDGER.key]: LEDGER.withdrawals }, ...unchanged } },
  ];
  for (let attempt = 1; ; attempt++) {
    try {
      await dynamo.send(new TransactWriteCommand({ TransactItems }));
      return true;
    } catch (error) {
      const [version, withdrawals] = reasonsOf(error);
      if (withdrawals === 'ConditionalCheckFailed') {
        throw new Error(`WithdrawnMeanwhile: a file was withdrawn while this version was made: build again`, { cause: error });
      }
      if (version === 'ConditionalCheckFailed') {
        return false;
      }
      if (attempt === CONFLICTS || ![version, withdrawals].includes('TransactionConflict')) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
    }
  }
}

const reasonsOf = (error: unknown): (string | undefined)[] =>
  error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : [];
