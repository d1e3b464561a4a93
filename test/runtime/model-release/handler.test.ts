import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { FAILURES, modelOf } from '../../../runtime/model-release/handler';
import { Account, AT, failure, ME, OTHER, TABLE } from './account';
import { versionOf } from './services';

describe('who is woken', () => {
  test('a model is named by itself or by its group', () => {
    expect(modelOf({ model: 'delay' }, 'air-dev')).toBe('delay');
    expect(modelOf({ group: 'air-dev-delay' }, 'air-dev')).toBe('delay');
  });

  test.each([{}, { group: 'air-prod-delay' }, { group: 'air-dev-' }, { model: '' }])('fails on %j, which names none', (wake) => {
    expect(() => modelOf(wake, 'air-dev')).toThrow('InvalidWake');
  });
});

describe('the lease [R7]', () => {
  test('is taken when it is free, and kept when the step comes twice', async () => {
    const account = new Account();
    expect(await account.take()).toEqual({ model: 'delay', held: true });
    expect(await account.take()).toEqual({ model: 'delay', held: true });
    expect(account.row('lease')).toMatchObject({ execution: ME, wakes: 0, since: AT });
  });

  test('stays with an execution that runs, which hears of each knock', async () => {
    const account = new Account();
    await account.take();
    expect(await account.take(OTHER)).toEqual({ model: 'delay', held: false });
    expect(await account.take(OTHER)).toEqual({ model: 'delay', held: false });
    expect(account.row('lease')).toMatchObject({ execution: ME, wakes: 2 });
  });

  test.each(['FAILED', 'TIMED_OUT', undefined])('is taken from an execution that is %s, and its knocks stay', async (status) => {
    const account = new Account();
    await account.take();
    await account.take(OTHER);
    Object.assign(account.executions, { [ME]: status });
    expect(await account.take(OTHER)).toEqual({ model: 'delay', held: true });
    expect(account.row('lease')).toMatchObject({ execution: OTHER, wakes: 1 });
  });

  test('fails when nobody can say whether its holder runs: it may', async () => {
    const account = new Account();
    await account.take();
    account.failures.DescribeExecution = failure('ThrottlingException');
    await expect(account.take(OTHER)).rejects.toThrow('ThrottlingException');
    expect(account.row('lease')).toMatchObject({ execution: ME, wakes: 0 });
  });

  test('is taken by one of two that find it free at once', async () => {
    const account = new Account();
    Object.assign(account.executions, { [OTHER]: 'RUNNING' });
    const held = (await Promise.all([account.take(), account.take(OTHER)])) as { held: boolean }[];
    expect(held.filter((answer) => answer.held)).toHaveLength(1);
    expect(account.row('lease')).toMatchObject({ wakes: 1 });
  });

  test('fails after five tries when it always just changed hands', async () => {
    const account = new Account();
    let times = 0;
    account.dynamo.before = async (operation) => {
      if (operation === 'UpdateItem') {
        const Item = { model: 'delay', entry: 'lease', execution: `dead-${times++}`, wakes: 0, since: AT };
        await account.dynamo.client.send(new PutCommand({ TableName: TABLE, Item }));
      }
    };
    await expect(account.take()).rejects.toThrow('LeaseContended: 5 others');
    expect(account.row('lease')).toMatchObject({ execution: 'dead-4' });
  });

  test('is given back only when nobody knocked since the last look, and only by its holder', async () => {
    const account = new Account();
    await account.take();
    await account.take(OTHER);
    const back = (wakes: number, execution = ME) => account.run({ action: 'GiveBack', execution, model: 'delay', wakes });
    expect(await back(0)).toEqual({ done: false });
    expect(await back(1, OTHER)).toEqual({ done: true });
    expect(account.row('lease')).toMatchObject({ execution: ME });
    expect(await back(1)).toEqual({ done: true });
    expect(account.row('lease')).toBeUndefined();
    expect(await back(1)).toEqual({ done: true });
  });
});

describe('what wakes the machine', () => {
  test('the clock starts one execution per group of the workload, once, over all pages', async () => {
    const account = new Account();
    account.groups = ['air-dev-delay', 'air-dev-crew', 'my-air-dev-x', 'air-dev2-delay'];
    const wake = () => account.run({ action: 'WakeAll', id: 'event-1' });
    expect(await wake()).toEqual({ woken: 2 });
    expect(await wake()).toEqual({ woken: 2 });
    expect(account.started.map(({ input }) => JSON.parse(input))).toEqual([{ group: 'air-dev-delay' }, { group: 'air-dev-crew' }]);
    expect(account.started.every(({ name }) => /^hourly-[0-9a-f]{40}$/.test(name))).toBe(true);
    await account.run({ action: 'WakeAll', id: 'event-2' });
    expect(account.started).toHaveLength(4);
  });

  test('fails when an execution cannot be started, so that the event comes again', async () => {
    const account = new Account();
    account.groups = ['air-dev-delay'];
    account.failures.StartExecution = failure('ThrottlingException', 'Rate exceeded');
    await expect(account.run({ action: 'WakeAll', id: 'event-1' })).rejects.toThrow('Rate exceeded');
  });

  const revive = (account: Account, execution: string) =>
    account.run({ action: 'Revive', execution, input: JSON.stringify({ group: 'air-dev-delay' }) });

  test('a dead execution is started again with its input, once, also when its end is told twice', async () => {
    const account = new Account();
    expect(await revive(account, 'e1')).toEqual({ revived: true });
    expect(await revive(account, 'e1')).toEqual({ revived: true });
    expect(account.started).toEqual([{ name: expect.stringMatching(/^revive-/), input: '{"group":"air-dev-delay"}' }]);
    expect(account.row('failures')).toMatchObject({ count: 1, last: 'e1' });
  });

  test('after too many failures without a change a person is called, and nothing is started', async () => {
    const account = new Account();
    for (let i = 1; i <= FAILURES; i++) {
      expect(await revive(account, `e${i}`)).toEqual({ revived: true });
    }
    expect(await revive(account, 'e4')).toEqual({ revived: false });
    expect(account.started).toHaveLength(FAILURES);
    expect(account.measured).toEqual(['ReleasesStuck 1']);
    expect(account.row('told')).toMatchObject({ reason: expect.stringContaining('fail one after another'), at: AT });
  });

  test('a change between counts as progress: failures count from there again', async () => {
    const account = new Account();
    await account.take();
    await revive(account, 'e1');
    await revive(account, 'e2');
    await account.table.record(ME, 'release#1', { from: 'none', to: 'arn/1', at: AT });
    expect(account.row('failures')).toBeUndefined();
    for (let i = 3; i < 3 + FAILURES; i++) {
      expect(await revive(account, `e${i}`)).toEqual({ revived: true });
    }
  });
});

describe('the way back [R3]', () => {
  const undone = async (): Promise<Account> => {
    const account = new Account();
    await account.take();
    const [from, to] = [1, 2].map((version) => versionOf(version).arn);
    account.versions = [versionOf(1)];
    account.pointer = from;
    account.stack = { status: 'UPDATE_COMPLETE', resolvedPointer: to };
    account.endpoint = { status: 'InService', packageArn: from, rollbackAlarms: ['slow', 'errors'] };
    const row = { model: 'delay', entry: 'release#1#e', state: 'restoring', outcome: 'failed', from, to, changedAt: AT };
    await account.dynamo.client.send(new PutCommand({ TableName: TABLE, Item: row }));
    return account;
  };

  test('waits while an alarm that rolls the endpoint back is on, whatever other alarms say', async () => {
    const account = await undone();
    account.alarms = [
      { name: 'slow', state: 'ALARM' },
      { name: 'errors', state: 'OK' },
      { name: 'another', state: 'ALARM' },
    ];
    const { next } = await account.machine().decide();
    expect(next).toEqual({ action: 'Wait', reason: 'slow is in ALARM and would undo the way back' });
    account.alarms[0].state = 'OK';
    expect((await account.machine().decide()).next).toMatchObject({ action: 'UpdateStack', state: 'restore updating' });
  });
});
