import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, LEDGER, Withdrawal } from '../../lib/constructs/data/contract';
import type { FileRow } from '../intake/file-row';
import { fileRows } from '../shared/ledger-rows';

/** Where a content is withdrawn. */
export interface LedgerTable {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  readonly pause?: (ms: number) => Promise<unknown>;
}

type ContentItem = { row: string } & Partial<Withdrawal>;

/** Times that a content is looked at again because somebody else changed it, or because two transactions met. */
const ROUNDS = 12;

/**
 * Withdraws contents, whatever files they came in; each is given with an object version that has it. First what decides, in one transaction each:
 * the item of the content, so that the same bytes never count again; the row that stands for it, so that its records count no more; and the
 * ledger's last withdrawal, so that no dataset version is published from what was read before. Then the other rows, which say so only.
 *
 * Repeating it goes on where it ended; who, when and why stay those of the first time. Returns every row that has such a content.
 */
export async function withdrawContents(ledger: LedgerTable, contents: ReadonlyMap<string, string>, by: Withdrawal): Promise<FileRow[]> {
  const withdrawals = new Map<string, Withdrawal>();
  for (const [sha256, row] of contents) {
    withdrawals.set(sha256, await decide(ledger, sha256, row, by));
  }
  const rows: FileRow[] = [];
  for await (const row of fileRows(ledger.client, ledger.table)) {
    const withdrawal = withdrawals.get(row.contentSha256 ?? '');
    if (withdrawal !== undefined) {
      await withdrawRow(ledger, row.pk, row.contentSha256!, withdrawal);
      rows.push({ ...row, ...withdrawal });
    }
  }
  return rows;
}

async function decide(ledger: LedgerTable, sha256: string, row: string, by: Withdrawal): Promise<Withdrawal> {
  const pause = ledger.pause ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  for (let round = 1; round <= ROUNDS; round++) {
    const item = await contentItem(ledger, sha256);
    if (item?.withdrawal !== undefined) {
      const { withdrawal, withdrawnAt, withdrawnBy, withdrawnReason } = item as Withdrawal;
      return { withdrawal, withdrawnAt, withdrawnBy, withdrawnReason };
    }
    if (await write(ledger, sha256, item?.row ?? row, item === undefined, by)) {
      return by;
    }
    await pause(Math.random() * 20 * 2 ** Math.min(round, 8));
  }
  throw new Error(`LedgerContended: content ${sha256} could not be withdrawn in ${ROUNDS} rounds: ask for the same again`);
}

async function contentItem({ client, table }: LedgerTable, sha256: string): Promise<ContentItem | undefined> {
  const Key = { [LEDGER.key]: LEDGER.content + sha256 };
  const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item as ContentItem | undefined;
}

/** A content that never had a row to stand for it (each was superseded when it came) gets one now. False when something changed meanwhile. */
async function write({ client, table }: LedgerTable, sha256: string, row: string, isNew: boolean, by: Withdrawal): Promise<boolean> {
  const content = {
    Put: {
      TableName: table,
      Item: { [LEDGER.key]: LEDGER.content + sha256, row, ...by },
      ConditionExpression: isNew ? 'attribute_not_exists(pk)' : '#row = :row AND attribute_not_exists(withdrawal)',
      ...(isNew ? {} : { ExpressionAttributeNames: { '#row': 'row' }, ExpressionAttributeValues: { ':row': row } }),
    },
  };
  const standing = { Update: { TableName: table, ...withdrawing(row, sha256, by, 'stands = if_not_exists(stands, :one)', { ':one': 1 }) } };
  const last = { Put: { TableName: table, Item: { [LEDGER.key]: LEDGER.withdrawals, last: by.withdrawal } } };
  try {
    await client.send(new TransactWriteCommand({ TransactItems: [content, standing, last] }));
    return true;
  } catch (error) {
    const codes = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : [];
    if (codes.some((code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict')) {
      return false;
    }
    throw error;
  }
}

/** accounted -> accounted and withdrawn. A row that is being read again meanwhile becomes it when it is committed. */
async function withdrawRow({ client, table }: LedgerTable, pk: string, sha256: string, by: Withdrawal): Promise<void> {
  try {
    await client.send(new UpdateCommand({ TableName: table, ...withdrawing(pk, sha256, by) }));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}

function withdrawing(pk: string, sha256: string, by: Withdrawal, more?: string, values: Record<string, unknown> = {}) {
  const names = Object.keys(by) as (keyof Withdrawal)[];
  return {
    Key: { [LEDGER.key]: pk },
    ConditionExpression: '#state = :accounted AND contentSha256 = :sha256 AND attribute_not_exists(withdrawal)',
    UpdateExpression: `SET ${[...names.map((name) => `${name} = :${name}`), ...(more === undefined ? [] : [more])].join(', ')}`,
    ExpressionAttributeNames: { '#state': 'state' },
    ExpressionAttributeValues: {
      ...Object.fromEntries(names.map((name) => [`:${name}`, by[name]])),
      ...values,
      ':accounted': FILE_STATE.accounted,
      ':sha256': sha256,
    },
  };
}
