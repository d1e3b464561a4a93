import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, isLater, LEDGER } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/file-row';

/** Every object version that a ledger knows, each read consistently; between two of them the ledger may have moved on. */
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

export function isFinal(row: Partial<FileRow> | undefined): boolean {
  return row?.state === FILE_STATE.accounted || row?.state === FILE_STATE.rejected;
}

/** Whether a row's records count: accounted, and neither a duplicate nor superseded nor withdrawn. */
export function counts({ state, duplicateOf, supersededBy, withdrawal }: FileRow): boolean {
  return state === FILE_STATE.accounted && [duplicateOf, supersededBy, withdrawal].every((reason) => reason === undefined);
}

/**
 * Duplicates whose original was superseded since, while they are still the newest of their own key: their bytes count again, so they must be
 * read again. Bytes that were withdrawn never count again.
 */
export function orphanedDuplicates(rows: ReadonlyMap<string, FileRow>): FileRow[] {
  const newest = new Map<string, FileRow>();
  for (const row of rows.values()) {
    const other = newest.get(row.key);
    if (row.state === FILE_STATE.accounted && (other === undefined || isLater(row.sequencer, other.sequencer))) {
      newest.set(row.key, row);
    }
  }
  return [...newest.values()].filter(
    ({ duplicateOf, supersededBy, withdrawal }) =>
      supersededBy === undefined && withdrawal === undefined && rows.get(duplicateOf ?? '')?.supersededBy !== undefined,
  );
}
