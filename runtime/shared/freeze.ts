import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { Freeze, LEDGER } from '../../lib/constructs/data/contract';

/** The freeze that a table with the partition key `pk` names; it may be over. */
export async function freezeOf(client: Pick<DynamoDBDocumentClient, 'send'>, table: string): Promise<Freeze | undefined> {
  const { Item } = await client.send(new GetCommand({ TableName: table, Key: { [LEDGER.key]: LEDGER.freeze }, ConsistentRead: true }));
  return Item as Freeze | undefined;
}
