import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, INTAKE_SECONDS, LEDGER } from '../../lib/constructs/data/contract';
import { isLater, objectKey, ObjectVersion } from './core';
import { Output } from './output';
import { Counts } from './validator';

/** A row of the ledger: one object version. */
export interface FileRow {
  pk: string;
  key: string;
  versionId: string;
  sequencer: string;
  state: (typeof FILE_STATE)[keyof typeof FILE_STATE];
  receivedAt: string;
  attempt?: string;
  attempts?: number;
  leaseUntil?: number;
  accountedAt?: string;
  contentSha256?: string;
  contentBytes?: number;
  counts?: Counts;
  validated?: Output;
  quarantine?: Output;
  validator?: string;
  contract?: string;
  /** Key of the row that stands for the same bytes; then this row has no records of its own. */
  duplicateOf?: string;
  /** Key of the row that replaced this one; its records no longer count. */
  supersededBy?: string;
  reason?: string;
}

/** What an attempt found, to be committed. */
export interface Result {
  contentSha256: string;
  contentBytes: number;
  counts: Counts;
  validated: Output;
  quarantine: Output;
  validator: string;
  contract: string;
}

export type Lease = { attempt: string; attempts: number } | { final: FileRow } | { busyUntil: number };

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];
interface Head {
  row: string;
  sequencer: string;
}

/** The transitions of the ledger. Each is conditional: whoever comes second changes nothing. */
export class Ledger {
  constructor(
    private readonly client: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly table: string,
    private readonly now: () => Date = () => new Date(),
  ) {}

  public async get(pk: string): Promise<FileRow | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key: { pk }, ConsistentRead: true }));
    return Item as FileRow | undefined;
  }

  /** received -> validating, or validating with a lapsed lease -> validating by another attempt. */
  public async lease(object: ObjectVersion, attempt: string): Promise<Lease> {
    const pk = objectKey(object);
    await this.receive(pk, object);
    const seconds = this.now().getTime() / 1000;
    try {
      const { Attributes } = await this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { pk },
          ConditionExpression: '#state = :received OR (#state = :validating AND leaseUntil < :now)',
          UpdateExpression: 'SET #state = :validating, attempt = :attempt, leaseUntil = :until ADD attempts :one',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ':received': FILE_STATE.received,
            ':validating': FILE_STATE.validating,
            ':now': seconds,
            ':until': seconds + INTAKE_SECONDS.lease,
            ':attempt': attempt,
            ':one': 1,
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return { attempt, attempts: Attributes!.attempts };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) {
        throw error;
      }
      const row = (await this.get(pk))!;
      const final = row.state === FILE_STATE.accounted || row.state === FILE_STATE.rejected;
      return final ? { final: row } : { busyUntil: row.leaseUntil ?? seconds };
    }
  }

  private async receive(pk: string, { key, versionId, sequencer }: ObjectVersion): Promise<void> {
    const Item = { pk, key, versionId, sequencer, state: FILE_STATE.received, receivedAt: this.now().toISOString() };
    await ignoringConflict(
      this.client.send(new PutCommand({ TableName: this.table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
    );
  }

  /** validating -> rejected: the file as a whole. False when the attempt does not hold the row any more. */
  public async reject(object: ObjectVersion, attempt: string, reason: string, contract: string): Promise<boolean> {
    const set = { state: FILE_STATE.rejected, reason, contract, accountedAt: this.now().toISOString() };
    return this.write([this.transition(objectKey(object), attempt, set)]);
  }

  /**
   * validating -> accounted in one conditional write, which names both outputs. The same bytes under another row make this one a duplicate
   * with no records; an older version of the key is superseded, and a newer one supersedes this.
   * False when the attempt does not hold the row any more.
   */
  public async commit(object: ObjectVersion, attempt: string, result: Result): Promise<boolean> {
    const pk = objectKey(object);
    for (let round = 0; round < 16; round++) {
      const row = await this.get(pk);
      if (row?.state !== FILE_STATE.validating || row.attempt !== attempt) {
        return false;
      }
      const owner = await this.contentOwner(result.contentSha256, pk);
      const head = (await this.get(LEDGER.head + object.key)) as unknown as Head | undefined;
      const set =
        owner === undefined
          ? { ...result }
          : { ...result, counts: undefined, validated: undefined, quarantine: undefined, duplicateOf: owner };
      const newest = head === undefined || head.row === pk || isLater(object.sequencer, head.sequencer);
      const common = { ...set, state: FILE_STATE.accounted, accountedAt: this.now().toISOString() };
      const writes = [
        this.transition(pk, attempt, newest ? common : { ...common, supersededBy: head.row }),
        ...(owner === undefined && newest ? [this.claim(result.contentSha256, pk)] : []),
        ...(newest ? await this.advance(object, pk, head) : []),
      ];
      if (await this.write(writes)) {
        return true;
      }
    }
    throw new Error(`LedgerContended: ${pk} could not be committed in 16 rounds: the message comes back`);
  }

  /** The row that stands for these bytes, unless it is this one or was superseded. */
  private async contentOwner(sha256: string, pk: string): Promise<string | undefined> {
    const item = (await this.get(LEDGER.content + sha256)) as unknown as { row: string } | undefined;
    if (item === undefined || item.row === pk) {
      return undefined;
    }
    const owner = await this.get(item.row);
    return owner?.supersededBy === undefined ? item.row : undefined;
  }

  /** Takes the content for this row; the condition names the owner that was seen, so that of two equal files one becomes the duplicate. */
  private claim(sha256: string, row: string): Write {
    return { Put: { TableName: this.table, Item: { pk: LEDGER.content + sha256, row }, ...this.contentCondition(row) } };
  }

  private contentCondition(row: string) {
    return {
      ConditionExpression: 'attribute_not_exists(pk) OR released = :yes OR #row = :row',
      ExpressionAttributeNames: { '#row': 'row' },
      ExpressionAttributeValues: { ':yes': true, ':row': row },
    };
  }

  /** Makes this row the current one of its key and takes the records of the one before out of the count. */
  private async advance(object: ObjectVersion, pk: string, head: Head | undefined): Promise<Write[]> {
    const put: Write = {
      Put: {
        TableName: this.table,
        Item: { pk: LEDGER.head + object.key, row: pk, sequencer: object.sequencer },
        ConditionExpression: head === undefined ? 'attribute_not_exists(pk)' : '#row = :row',
        ...(head === undefined ? {} : { ExpressionAttributeNames: { '#row': 'row' }, ExpressionAttributeValues: { ':row': head.row } }),
      },
    };
    if (head === undefined || head.row === pk) {
      return [put];
    }
    const before = await this.get(head.row);
    const writes: Write[] = [put, this.update(head.row, { supersededBy: pk })];
    const content = before?.contentSha256 === undefined ? undefined : LEDGER.content + before.contentSha256;
    if (before?.duplicateOf === undefined && content !== undefined) {
      writes.push(this.update(content, { released: true }));
    }
    return writes;
  }

  private update(pk: string, set: Record<string, unknown>): Write {
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

  private transition(pk: string, attempt: string, set: Record<string, unknown>): Write {
    const { expression, names, values } = assignment(set);
    return {
      Update: {
        TableName: this.table,
        Key: { pk },
        ConditionExpression: '#state = :validating AND attempt = :attempt',
        UpdateExpression: `${expression} REMOVE leaseUntil`,
        ExpressionAttributeNames: { ...names, '#state': 'state' },
        ExpressionAttributeValues: { ...values, ':validating': FILE_STATE.validating, ':attempt': attempt },
      },
    };
  }

  /** False when a condition did not hold; a conflict with another transaction is tried again. */
  private async write(TransactItems: Write[]): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.client.send(new TransactWriteCommand({ TransactItems }));
        return true;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) {
          throw error;
        }
        const conflict = error.CancellationReasons?.some(({ Code }) => Code === 'TransactionConflict') ?? false;
        if (!conflict || attempt >= 8) {
          return false;
        }
        await new Promise((resolve) => setTimeout(resolve, 20 * 2 ** attempt));
      }
    }
  }
}

function assignment(set: Record<string, unknown>) {
  const given = Object.entries(set).filter(([, value]) => value !== undefined);
  return {
    expression: `SET ${given.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(given.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(given.map(([name, value]) => [`:${name}`, value])),
  };
}

async function ignoringConflict(sent: Promise<unknown>): Promise<void> {
  try {
    await sent;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) {
      throw error;
    }
  }
}
