import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, LEDGER } from '../../lib/constructs/data/contract';
import type { Pinned } from './versions';

/** The row of an object version, with its valid records if it has some of its own. */
export interface FileItem {
  readonly pk: string;
  readonly key: string;
  readonly versionId: string;
  readonly state: string;
  readonly accountedAt?: string;
  readonly contentSha256?: string;
  readonly duplicateOf?: string;
  readonly supersededBy?: string;
  readonly withdrawal?: string;
  readonly withdrawnAt?: string;
  readonly validated?: Pinned;
}

export const isFinal = ({ state }: FileItem): boolean => state === FILE_STATE.accounted || state === FILE_STATE.rejected;

/** Every object version that a ledger knows. */
export async function fileItems(client: DynamoDBDocumentClient, TableName: string): Promise<FileItem[]> {
  const rows: FileItem[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true })) {
    rows.push(...(Items as FileItem[]).filter(({ pk }) => pk.startsWith(LEDGER.object)));
  }
  return rows;
}
