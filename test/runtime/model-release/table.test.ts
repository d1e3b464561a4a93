import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { MarkReason, ReleaseState } from '../../../lib/constructs/delivery/contract';
import { DynamoDbFailure } from '../../support/fake-dynamodb';
import { Account, AT, ME, OTHER } from './account';
import { arnOf } from './services';

const ENTRY = 'release#2026-01-01T00:00:00.000Z#me';
const RELEASE = { from: arnOf(1), to: arnOf(2), at: AT };
/** An account whose lease is mine. */
async function leased(): Promise<Account> {
  const account = new Account();
  await account.take();
  return account;
}

describe('rows of releases [R7]', () => {
  test('a release is recorded once: again it changes nothing', async () => {
    const { table, row } = await leased().then((account) => ({ table: account.table, row: () => account.row(ENTRY) }));
    expect(await table.record(ME, ENTRY, RELEASE)).toBe(true);
    await table.change(ME, ENTRY, { state: ReleaseState.UPDATING, changedAt: 'later' });
    expect(await table.record(ME, ENTRY, RELEASE)).toBe(false);
    expect(row()).toMatchObject({ state: 'updating', from: arnOf(1), to: arnOf(2), startedAt: AT, changedAt: 'later', execution: ME });
  });

  test('the one under way is the newest; one that ended is none, and changes no more', async () => {
    const { table } = await leased();
    expect(await table.open()).toBeUndefined();
    await table.record(ME, 'release#1', RELEASE);
    await table.change(ME, 'release#1', { state: ReleaseState.RELEASED, changedAt: AT });
    expect(await table.open()).toBeUndefined();
    await table.record(ME, 'release#2', RELEASE);
    expect(await table.open()).toMatchObject({ entry: 'release#2', state: 'recorded' });
    expect(await table.change(ME, 'release#1', { state: ReleaseState.UPDATING, changedAt: AT })).toBe(false);
  });

  test('whoever lost the lease changes nothing: no row, no mark, no count', async () => {
    const account = await leased();
    const { table } = account;
    await table.record(ME, ENTRY, RELEASE);
    await table.countFailure('e1');
    account.executions[ME] = 'TIMED_OUT';
    await account.take(OTHER);
    const before = JSON.stringify(account.dynamo.items('releases'));
    expect(await table.record(ME, 'release#9', RELEASE)).toBe(false);
    expect(await table.change(ME, ENTRY, { state: ReleaseState.FAILED }, { arn: arnOf(2), reason: 'x' })).toBe(false);
    expect(await table.refuse(ME, 3, 'x', AT)).toBe(false);
    expect(JSON.stringify(account.dynamo.items('releases'))).toBe(before);
    expect(await table.change(OTHER, ENTRY, { state: ReleaseState.UPDATING, changedAt: AT })).toBe(true);
  });

  test('a version is marked with the change that blames it, both or neither', async () => {
    const account = await leased();
    const { table } = account;
    const blame = { arn: arnOf(2), reason: 'it is slow' };
    expect(await table.change(ME, ENTRY, { state: ReleaseState.RESTORING, changedAt: AT }, blame)).toBe(false);
    expect(await table.marks()).toEqual([]);
    await table.record(ME, ENTRY, RELEASE);
    expect(await table.change(ME, ENTRY, { state: ReleaseState.RESTORING, changedAt: AT }, blame)).toBe(true);
    expect(account.row('mark#000002')).toMatchObject({ reason: 'failed', why: 'it is slow', at: AT, by: 'release machine' });
    expect(await table.change(ME, ENTRY, { state: ReleaseState.STUCK }, { arn: 'none', reason: 'x' })).toBe(true);
    expect(await table.marks()).toEqual([{ version: 2, reason: MarkReason.FAILED }]);
  });

  test('all marks are read, over all pages', async () => {
    const { table, dynamo } = await leased();
    dynamo.pageSize = 2;
    for (const version of [5, 1, 12, 3, 7]) {
      await table.refuse(ME, version, 'x', AT);
    }
    expect((await table.marks()).map(({ version }) => version)).toEqual([1, 3, 5, 7, 12]);
  });

  test('a failure is counted once, and told twice it is one', async () => {
    const { table } = await leased();
    expect([await table.countFailure('a'), await table.countFailure('a'), await table.countFailure('b')]).toEqual([1, 1, 2]);
  });

  test.each(['ThrottlingException', 'ProvisionedThroughputExceededException'])('fails on %s: it is no condition', async (code) => {
    const { table, dynamo } = await leased();
    dynamo.before = () => {
      throw new DynamoDbFailure(code);
    };
    await expect(table.record(ME, ENTRY, RELEASE)).rejects.toThrow(code);
    await expect(table.takeLease(ME, new Date(AT), undefined)).rejects.toThrow(code);
  });

  test('fails on a transaction that conflicts with another: nobody said that the lease is lost', async () => {
    const { table, dynamo } = await leased();
    dynamo.before = () => {
      throw new DynamoDbFailure('TransactionCanceledException', {
        CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
      });
    };
    await expect(table.record(ME, ENTRY, RELEASE)).rejects.toThrow(TransactionCanceledException);
  });
});
