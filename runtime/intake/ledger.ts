import { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { FILE_STATE, isLater, LEDGER, Withdrawal } from '../../lib/constructs/data/contract';
import { INTAKE_SECONDS, MAXIMUM_RECEIVES } from '../../lib/constructs/data/data-intake/contract';
import { objectKey, ObjectVersion } from './core';
import type { FileRow, Rejection, Result } from './file-row';
import { Head, heldBy, LedgerWrites, MESSAGE, Write } from './ledger-writes';

export type Lease = { attempt: string; attempts: number } | { final: FileRow } | { busyUntil: number };

/** What is known of the bytes of a file. */
interface Content {
  row: string;
  active: boolean;
  stands?: number;
  withdrawn?: Partial<Withdrawal>;
}

/** Times that a commit looks at the ledger again because somebody else changed what it rests on. */
const ROUNDS = 16;
/** Attempts when two transactions meet on one item; together they wait 5 seconds at most. */
const CONFLICTS = 8;

/** The transitions of the ledger. Each is conditional: whoever comes second changes nothing. */
export class Ledger {
  private readonly writes: LedgerWrites;

  constructor(
    private readonly client: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly table: string,
    private readonly now: () => Date = () => new Date(),
    private readonly pause: (ms: number) => Promise<unknown> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  ) {
    this.writes = new LedgerWrites(table);
  }

  public async get(pk: string): Promise<FileRow | undefined> {
    const { Item } = await this.client.send(new GetCommand({ TableName: this.table, Key: { pk }, ConsistentRead: true }));
    return Item as FileRow | undefined;
  }

  /**
   * received -> validating, or validating with a lapsed lease -> validating by another attempt. `receives`: how often the message was received
   * that brings it. When that is another message than before, which has come to the dead letters, the file has its time anew.
   */
  public async lease(object: ObjectVersion, attempt: string, receives = 1): Promise<Lease> {
    const pk = objectKey(object);
    await this.receive(pk, object);
    const seconds = this.now().getTime() / 1000;
    try {
      const { Attributes } = await this.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { pk },
          ConditionExpression: '#state = :received OR (#state = :validating AND leaseUntil < :now)',
          UpdateExpression:
            'SET #state = :validating, attempt = :attempt, leaseUntil = :until, receives = :receives, receivedLast = :now ADD attempts :one',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ':received': FILE_STATE.received,
            ':validating': FILE_STATE.validating,
            ':now': seconds,
            ':until': seconds + INTAKE_SECONDS.lease,
            ':attempt': attempt,
            ':receives': receives,
            ':one': 1,
          },
          ReturnValues: 'ALL_OLD',
        }),
      );
      const before = Attributes as FileRow;
      if (before.deadLetteredAt !== undefined || (before.receives === MAXIMUM_RECEIVES && receives < MAXIMUM_RECEIVES)) {
        await this.change(object, attempt, 'SET resumedAt = :now REMOVE deadLetteredAt', { ':now': seconds });
      }
      return { attempt, attempts: (before.attempts ?? 0) + 1 };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) {
        throw error;
      }
      const row = (await this.get(pk))!;
      const final = row.state === FILE_STATE.accounted || row.state === FILE_STATE.rejected;
      return final ? { final: row } : { busyUntil: row.leaseUntil ?? seconds };
    }
  }

  /**
   * Lets an attempt hold its row for so many seconds from now on, also when its lease has lapsed but nobody took it. False when the row is
   * another attempt's or final.
   */
  public async hold(object: ObjectVersion, attempt: string, seconds: number): Promise<boolean> {
    return this.change(object, attempt, 'SET leaseUntil = :until', { ':until': this.now().getTime() / 1000 + seconds });
  }

  /** Says that the message of an attempt does not come back: what goes on with the file is an execution, which may be lost. */
  public async handOver(object: ObjectVersion, attempt: string): Promise<void> {
    await this.change(object, attempt, `REMOVE ${MESSAGE.join(', ')}`, {});
  }

  private async change(object: ObjectVersion, attempt: string, UpdateExpression: string, values: Record<string, number>): Promise<boolean> {
    const held = heldBy(attempt);
    const ExpressionAttributeValues = { ...held.ExpressionAttributeValues, ...values };
    const Key = { pk: objectKey(object) };
    try {
      await this.client.send(new UpdateCommand({ TableName: this.table, Key, ...held, UpdateExpression, ExpressionAttributeValues }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) {
        return false;
      }
      throw error;
    }
  }

  /** Whether a row is in the hands of an attempt. */
  public async holds(object: ObjectVersion, attempt: string): Promise<boolean> {
    const row = await this.get(objectKey(object));
    return row?.state === FILE_STATE.validating && row.attempt === attempt;
  }

  private async receive(pk: string, { key, versionId, sequencer }: ObjectVersion): Promise<void> {
    const Item = { pk, key, versionId, sequencer, state: FILE_STATE.received, receivedAt: this.now().toISOString() };
    await ignoringConflict(
      this.client.send(new PutCommand({ TableName: this.table, Item, ConditionExpression: 'attribute_not_exists(pk)' })),
    );
  }

  /** validating -> rejected: the file as a whole. False when the attempt does not hold the row any more. */
  public async reject(object: ObjectVersion, attempt: string, rejection: Rejection): Promise<boolean> {
    const set = { ...rejection, state: FILE_STATE.rejected, accountedAt: this.now().toISOString() };
    return this.write([this.writes.transition(objectKey(object), attempt, set)]);
  }

  /**
   * validating -> accounted in one conditional write, which names both outputs. The same bytes under another row make this one a duplicate
   * with no records; an older version of the key is superseded, and a newer one supersedes this. Bytes that were withdrawn stay withdrawn.
   * False when the attempt does not hold the row any more.
   */
  public async commit(object: ObjectVersion, attempt: string, result: Result): Promise<boolean> {
    for (let round = 0; round < ROUNDS; round++) {
      if (!(await this.holds(object, attempt))) {
        return false;
      }
      if (await this.write(await this.accounting(object, attempt, result))) {
        return true;
      }
    }
    throw new Error(`LedgerContended: ${objectKey(object)} could not be committed in ${ROUNDS} rounds: the message comes back`);
  }

  /** The writes that account for a result, given what the ledger says now. Their conditions name everything that the choice rests on. */
  private async accounting(object: ObjectVersion, attempt: string, result: Result): Promise<Write[]> {
    const pk = objectKey(object);
    const content = await this.contentOf(result.contentSha256);
    const head = (await this.get(LEDGER.head + object.key)) as unknown as Head | undefined;
    const { withdrawn } = content ?? {};
    const original = content !== undefined && (content.active || withdrawn !== undefined) && content.row !== pk ? content.row : undefined;
    const newest = head === undefined || head.row === pk || isLater(object.sequencer, head.sequencer);
    const records = original === undefined ? result : { ...result, counts: undefined, validated: undefined, quarantine: undefined };
    const stands = original === undefined && newest && withdrawn === undefined;
    const set = {
      ...records,
      ...withdrawn,
      duplicateOf: original,
      supersededBy: newest ? undefined : head.row,
      stands: stands ? (content?.stands ?? 0) + 1 : undefined,
      // The janitor may have entered the row with a sequencer of its own before a late event brought the one of Amazon S3.
      sequencer: object.sequencer,
      state: FILE_STATE.accounted,
      accountedAt: this.now().toISOString(),
    };
    return [
      this.writes.transition(pk, attempt, set),
      ...(original === undefined || withdrawn !== undefined ? [] : [this.writes.stillActive(original)]),
      ...(stands ? [this.writes.pointer(LEDGER.content + result.contentSha256, { row: pk }, content)] : []),
      ...(newest ? this.advance(object, head, original) : []),
    ];
  }

  /** The row that stands for these bytes, and whether it still does: a superseded one never will again, and withdrawn bytes never count. */
  private async contentOf(sha256: string): Promise<Content | undefined> {
    const item = (await this.get(LEDGER.content + sha256)) as unknown as ({ row: string } & Partial<Withdrawal>) | undefined;
    if (item === undefined) {
      return undefined;
    }
    const row = await this.get(item.row);
    const { withdrawal, withdrawnAt, withdrawnBy, withdrawnReason } = item;
    const withdrawn = withdrawal === undefined ? undefined : { withdrawal, withdrawnAt, withdrawnBy, withdrawnReason };
    return { row: item.row, active: row?.supersededBy === undefined, stands: row?.stands, withdrawn };
  }

  /**
   * Makes this row the current one of its key and takes the records of the one before out of the count. The same bytes once more change only
   * the time: their first row stays the current one, because it has the records.
   */
  private advance({ key, sequencer, versionId }: ObjectVersion, head: Head | undefined, original: string | undefined): Write[] {
    const pk = objectKey({ key, versionId });
    const stays = head !== undefined && head.row === original;
    const put = this.writes.pointer(LEDGER.head + key, { row: stays ? head.row : pk, sequencer }, head);
    return head === undefined || stays || head.row === pk ? [put] : [put, this.writes.update(head.row, { supersededBy: pk })];
  }

  /** False when a condition did not hold; a conflict with another transaction is tried again. */
  private async write(TransactItems: Write[]): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.client.send(new TransactWriteCommand({ TransactItems }));
        return true;
      } catch (error) {
        const codes = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map(({ Code }) => Code) : [];
        if (codes.includes('ConditionalCheckFailed')) {
          return false;
        }
        if (attempt === CONFLICTS || !codes.includes('TransactionConflict')) {
          throw error;
        }
        await this.pause(Math.random() * 20 * 2 ** attempt);
      }
    }
  }
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
