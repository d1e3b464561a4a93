import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/ledger';

/** Every object version that a ledger knows, read consistently. */
export async function* fileRows(client: DynamoDBDocumentClient, table: string): AsyncGenerator<FileRow> {
  const pages = paginateScan(
    { client },
    {
      TableName: table,
      ConsistentRead: true,
      FilterExpression: 'begins_with(pk, :object)',
      ExpressionAttributeValues: { ':object': LEDGER.object },
    },
  );
  for await (const { Items = [] } of pages) {
    yield* Items as FileRow[];
  }
}

/** Whether a row's records count: accounted, and neither a duplicate nor superseded. */
export function counts(row: FileRow): boolean {
  return row.state === 'accounted' && row.duplicateOf === undefined && row.supersededBy === undefined;
}
