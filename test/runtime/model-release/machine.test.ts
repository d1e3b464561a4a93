import { ReleaseState } from '../../../lib/constructs/delivery/contract';
import type { Action } from '../../../runtime/model-release/types';
import { Account, AT, failure, ME, OTHER } from './account';
import { arnOf, versionOf } from './services';

const [ONE, TWO] = [1, 2].map(arnOf);
const ENTRY = `release#${AT}#me`;
const record: Action = { action: 'Record', from: ONE, to: TWO, at: AT };

/** One serves, two is approved, and the lease is mine. */
async function serving(given: Partial<Account> = {}): Promise<Account> {
  const account = Object.assign(new Account(), {
    versions: [versionOf(2), versionOf(1)],
    pointer: ONE,
    stack: { status: 'UPDATE_COMPLETE', resolvedPointer: ONE },
    endpoint: { status: 'InService', packageArn: ONE },
    ...given,
  });
  await account.take();
  account.calls.length = 0;
  return account;
}
const decide = (account: Account, execution = ME) => account.run({ action: 'Decide', execution, model: 'delay' });
const changes = ({ calls }: Account) => calls.filter((call) => !call.startsWith('describe'));

describe('a decision [R3, R7]', () => {
  test('rests on everything as it is now', async () => {
    expect(await decide(await serving())).toEqual({ next: record, wakes: 0 });
    expect(await decide(await serving({ endpoint: { status: 'Updating', packageArn: ONE } }))).toMatchObject({ next: { action: 'Wait' } });
    expect(await decide(await serving({ versions: [versionOf(2, { metadata: {} }), versionOf(1)] }))).toMatchObject({
      next: { action: 'Refuse', version: 2 },
    });
  });

  test('of an execution without the lease is to rest, and reads nothing', async () => {
    const account = await serving();
    account.failures.DescribeStacks = failure('must not be asked');
    expect(await decide(account, OTHER)).toMatchObject({ next: { action: 'Rest', note: 'another execution has the lease' } });
  });

  test('does not take a knock for seen that comes while the rest is read', async () => {
    const account = await serving();
    account.dynamo.after = async (operation, input) => {
      if (operation === 'GetItem' && JSON.stringify(input.Key).includes('"lease"')) {
        account.dynamo.after = () => undefined;
        await account.table.knock(ME);
      }
    };
    expect(await decide(account)).toMatchObject({ wakes: 0 });
    expect(await account.run({ action: 'GiveBack', execution: ME, model: 'delay', wakes: 0 })).toEqual({ done: false });
  });

  test('fails rather than to take what it cannot read for nothing', async () => {
    const account = await serving();
    account.failures.GetParameter = failure('ThrottlingException');
    await expect(decide(account)).rejects.toThrow('ThrottlingException');
  });
});

describe('a release, step by step [R3]', () => {
  test('ends with the new version live; every step may come twice', async () => {
    const account = await serving();
    const twice = async () => {
      const { next } = (await decide(account)) as { next: Action };
      await account.act(next);
      await account.act(next);
      return next.action;
    };
    expect(await twice()).toBe('Record');
    expect(await twice()).toBe('WritePointer');
    expect(account.pointer).toBe(TWO);
    expect(await twice()).toBe('UpdateStack');
    expect(account.row(ENTRY)).toMatchObject({ state: 'updating' });
    account.stack = { status: 'UPDATE_COMPLETE', resolvedPointer: TWO };
    account.endpoint = { status: 'InService', packageArn: TWO };
    expect(await twice()).toBe('Close');
    expect(account.row(ENTRY)).toMatchObject({ state: 'released' });
    expect(account.measured).toEqual(['ModelsReleased 1']);
    expect(await twice()).toBe('Rest');
    expect(account.dynamo.items('releases').filter(({ entry }) => String(entry).startsWith('release#'))).toHaveLength(1);
  });

  test('an update that was refused for the moment is not written down, so it is asked for again', async () => {
    const account = await serving();
    await account.act(record);
    account.failures.UpdateStack = failure('ValidationError', 'Stack:s is in UPDATE_IN_PROGRESS state and can not be updated.');
    await account.act({ action: 'UpdateStack', entry: ENTRY, state: ReleaseState.UPDATING });
    expect(account.row(ENTRY)).toMatchObject({ state: 'recorded' });
  });

  test('an update that says nothing is to be done is looked at afterwards: it is no success by itself', async () => {
    const account = await serving();
    await account.act(record);
    account.pointer = TWO;
    account.stack = { status: 'UPDATE_COMPLETE', resolvedPointer: TWO };
    account.failures.UpdateStack = failure('ValidationError', 'No updates are to be performed.');
    await account.act({ action: 'UpdateStack', entry: ENTRY, state: ReleaseState.UPDATING });
    expect(await decide(account)).toMatchObject({ next: { action: 'Undo', outcome: 'failed', to: TWO } });
  });

  test('a stack that has nothing to update because it read the pointer of before is asked again', async () => {
    const account = await serving();
    await account.act(record);
    account.pointer = TWO;
    account.failures.UpdateStack = failure('ValidationError', 'No updates are to be performed.');
    await account.act({ action: 'UpdateStack', entry: ENTRY, state: ReleaseState.UPDATING });
    expect(account.row(ENTRY)).toMatchObject({ state: 'recorded' });
    expect(await decide(account)).toMatchObject({ next: { action: 'UpdateStack' } });
  });

  test.each([
    [{ outcome: ReleaseState.FAILED }, ['failed'], ['ReleasesFailed 1']],
    [{ outcome: ReleaseState.FAILED, undecided: true }, ['undecided'], ['ReleasesFailed 1']],
    [{ outcome: ReleaseState.SUPERSEDED }, [], []],
  ] as const)('undoing %j marks the version as %j, and its owner hears of it when the way back begins: %j', async (how, marks, heard) => {
    const account = await serving();
    await account.act(record);
    const undo: Action = { action: 'Undo', entry: ENTRY, to: TWO, reason: 'x', ...how };
    await account.act(undo);
    expect(account.row(ENTRY)).toMatchObject({ state: 'restoring', outcome: how.outcome, reason: 'x' });
    expect((await account.table.marks()).map(({ reason }) => reason)).toEqual(marks);
    expect(account.measured).toEqual(heard);
    await account.act(undo);
    await account.act({ action: 'UpdateStack', entry: ENTRY, state: ReleaseState.RESTORE_UPDATING });
    await account.act(undo);
    expect(account.row(ENTRY)).toMatchObject({ state: 'restore updating' });
    await account.act({ action: 'Close', entry: ENTRY, state: how.outcome, reason: 'x' });
    await account.act(undo);
    expect(account.row(ENTRY)).toMatchObject({ state: how.outcome });
    expect(account.measured).toEqual(heard);
  });

  test('alarms that are on before the update are written down before it, and it goes on where it crashed between', async () => {
    const account = await serving();
    Object.assign(account.endpoint!, { rollbackAlarms: ['errors', 'latency'] });
    account.alarms = [{ name: 'errors', state: 'ALARM' }];
    await account.act(record);
    expect(await decide(account)).toMatchObject({ next: { action: 'Wait' } });
    account.pointer = TWO;
    account.failures.UpdateStack = failure('Crash');
    const update: Action = { action: 'UpdateStack', entry: ENTRY, state: ReleaseState.UPDATING, alarming: ['errors'] };
    await expect(account.act(update)).rejects.toThrow('Crash');
    expect(account.row(ENTRY)).toMatchObject({ state: 'recorded', changedAt: AT, alarming: ['errors'] });
    delete account.failures.UpdateStack;
    account.alarms = [];
    const { next } = (await decide(account)) as { next: Action };
    await account.act(next);
    expect(account.row(ENTRY)).toMatchObject({ state: 'updating', alarming: ['errors'] });
    expect(await decide(account)).toMatchObject({ next: { action: 'Undo', undecided: true } });
  });

  test('a refusal is counted once per refusal that was written, with its reasons', async () => {
    const account = await serving();
    const refuse: Action = { action: 'Refuse', arn: TWO, version: 2, problems: ['a', 'b'] };
    await account.act(refuse);
    await account.act(refuse, OTHER);
    expect(account.row('mark#000002')).toMatchObject({ reason: 'refused', why: 'a; b' });
    expect(account.measured).toEqual(['ReleasesFailed 1']);
  });

  test('a person is called once per step, with a row when there is a release and a word when there is none', async () => {
    const account = await serving();
    await account.act(record);
    await account.act({ action: 'Stuck', entry: ENTRY, mark: TWO, reason: 'broken' });
    expect(account.row(ENTRY)).toMatchObject({ state: 'stuck', reason: 'broken' });
    expect(account.row('mark#000002')).toMatchObject({ reason: 'failed', why: 'broken' });
    await account.act({ action: 'Stuck', reason: 'no pointer' });
    expect(account.row('told')).toMatchObject({ reason: 'no pointer' });
    expect(account.measured).toEqual(['ReleasesStuck 1', 'ReleasesStuck 1']);
  });

  test('at rest what was told and is true no longer is cleared, and so are failures', async () => {
    const account = await serving();
    await account.act({ action: 'Tell', reason: 'nothing is approved' });
    await account.table.countFailure('e1');
    await account.act({ action: 'Rest', note: 'nothing is approved' });
    expect(account.row('told')).toMatchObject({ reason: 'nothing is approved' });
    expect(account.row('failures')).toBeUndefined();
    await account.act({ action: 'Rest', note: 'the desired version serves' });
    expect(account.row('told')).toBeUndefined();
    await account.act({ action: 'Wait', reason: 'x' });
    expect(changes(account)).toEqual([]);
  });
});

describe('an execution that lost the lease [R7]', () => {
  const acts: Action[] = [
    record,
    { action: 'WritePointer', value: TWO },
    { action: 'WritePointer', value: 'none' },
    { action: 'Undo', entry: ENTRY, to: TWO, outcome: ReleaseState.FAILED, reason: 'x' },
    { action: 'Close', entry: ENTRY, state: ReleaseState.RELEASED },
    { action: 'Refuse', arn: TWO, version: 2, problems: ['x'] },
    { action: 'UpdateStack', entry: ENTRY, state: ReleaseState.UPDATING },
    { action: 'Stuck', reason: 'x' },
    { action: 'Tell', reason: 'x' },
    { action: 'Rest', note: 'another execution has the lease' },
  ];
  test.each(acts)('changes nothing with $action', async (next) => {
    const account = await serving();
    await account.act(record);
    await account.table.tell('nothing is approved', AT);
    await account.table.countFailure('e1');
    account.executions[ME] = 'ABORTED';
    await account.take(OTHER);
    const before = JSON.stringify(account.dynamo.items('releases'));
    await account.act(next);
    expect(JSON.stringify(account.dynamo.items('releases'))).toBe(before);
    expect([account.pointer, ...changes(account), ...account.measured]).toEqual([ONE]);
  });
});

describe('the pointer [R4, R7]', () => {
  test('becomes none only while nothing serves at the last moment', async () => {
    const missing = { pointer: undefined, endpoint: undefined, stack: { status: 'CREATE_COMPLETE', resolvedPointer: 'none' } };
    const account = await serving(missing);
    const { next } = (await decide(account)) as { next: Action };
    expect(next).toMatchObject({ action: 'WritePointer', value: 'none', tell: expect.any(String) });
    account.endpoint = { status: 'InService', packageArn: ONE };
    await account.act(next);
    expect(account.pointer).toBeUndefined();
    account.endpoint = undefined;
    await account.act(next);
    expect(account.pointer).toBe('none');
    expect(account.row('told')).toMatchObject({ reason: expect.stringContaining('the pointer was missing') });
  });
});
