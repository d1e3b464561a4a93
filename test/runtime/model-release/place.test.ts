import { hostOf, modelsOf } from '../../../runtime/model-release/place';
import type { Action } from '../../../runtime/model-release/types';
import { Account, AT, failure, ME, OTHER } from './account';
import { arnOf, versionOf } from './services';

const besideArn = (version: number) => `arn:aws:sagemaker:eu-central-1:1:model-package/air-dev-beside/${version}`;
const besideVersion = (version: number) =>
  versionOf(version, {
    arn: besideArn(version),
    group: 'air-dev-beside',
    containers: [{ image: '1.dkr.ecr.eu/sklearn:1', modelDataUrl: 's3://artifacts/versions/beside/r/1/model.tar.gz' }],
  });
const POINTER = '/air-dev/models/beside/approved';

/** One serves of each model, and a second version of the variant's is approved. */
function account(): Account {
  return Object.assign(new Account(), {
    groups: ['air-dev-delay', 'air-dev-beside'],
    pointer: arnOf(1),
    stack: { status: 'UPDATE_COMPLETE', resolvedPointer: arnOf(1) },
    endpoint: { status: 'InService', packageArn: arnOf(1) },
    beside: {
      beside: { pointer: besideArn(1), resolved: besideArn(1), live: besideArn(1), versions: [besideVersion(2), besideVersion(1)] },
    },
  });
}
const wake = (on: Account, execution = ME) => on.run({ action: 'TakeLease', execution, input: { group: 'air-dev-beside' } });
const decide = async (on: Account) => (await on.run({ action: 'Decide', execution: ME, model: 'delay' })) as { next: Action };

describe('the place of a model [R4]', () => {
  test('is its own stack, or the one that reads its pointer', async () => {
    const { deps } = account();
    expect(await hostOf(deps, 'delay')).toBe('delay');
    expect(await hostOf(deps, 'beside')).toBe('delay');
    expect(await modelsOf(deps, 'delay')).toEqual(['delay', 'beside']);
  });

  test('is itself while nothing serves it', async () => {
    const { deps } = Object.assign(account(), { beside: {} });
    expect(await hostOf(deps, 'beside')).toBe('beside');
    expect(await modelsOf(deps, 'beside')).toEqual(['beside']);
  });

  test('is its own stack when it has one, and no other releases it then', async () => {
    const on = Object.assign(account(), { stacks: { 'air-dev-serving-beside': [POINTER] } });
    expect(await hostOf(on.deps, 'beside')).toBe('beside');
    expect(await modelsOf(on.deps, 'delay')).toEqual(['delay']);
  });

  test('cannot be two stacks', async () => {
    const on = Object.assign(account(), { stacks: { 'air-dev-serving-other': [POINTER] } });
    on.groups.push('air-dev-other');
    await expect(hostOf(on.deps, 'beside')).rejects.toThrow('AmbiguousPlace: air-dev-serving-delay and air-dev-serving-other read');
  });

  test('is not guessed when AWS does not say', async () => {
    const on = account();
    on.failures.DescribeStacks = failure('ThrottlingException');
    await expect(wake(on)).rejects.toThrow('ThrottlingException');
  });
});

describe('the release of a variant [R3, R4]', () => {
  test('holds the lease of the stack: a release of the other model is kept waiting, and heard', async () => {
    const on = account();
    expect(await wake(on)).toEqual({ model: 'delay', held: true });
    expect(await on.take(OTHER)).toEqual({ model: 'delay', held: false });
    expect(on.row('lease')).toMatchObject({ model: 'delay', execution: ME, wakes: 1 });
  });

  test('moves its own pointer, updates the stack of the endpoint, and is verified by its variant', async () => {
    const on = account();
    await wake(on);
    const step = async () => {
      const { next } = await decide(on);
      await on.act(next);
      await on.act(next);
      return next.action;
    };
    const { beside } = on.beside;
    expect(await step()).toBe('Record');
    expect(on.row(`release#${AT}#me`)).toMatchObject({ model: 'beside', from: besideArn(1), to: besideArn(2), state: 'recorded' });
    expect(await step()).toBe('WritePointer');
    expect([on.pointer, beside.pointer]).toEqual([arnOf(1), besideArn(2)]);
    expect(await step()).toBe('UpdateStack');
    expect(on.lastUpdate).toMatchObject({ StackName: 'air-dev-serving-delay' });
    beside.resolved = besideArn(2);
    expect(await decide(on)).toMatchObject({ next: { action: 'Undo', model: 'beside', outcome: 'failed' } });
    beside.live = besideArn(2);
    expect(await step()).toBe('Close');
    expect(on.row(`release#${AT}#me`)).toMatchObject({ state: 'released' });
    expect(on.measured).toEqual(['ModelsReleased 1']);
    expect(await step()).toBe('Rest');
  });

  test('that fails puts back the pointer that it moved, and no other', async () => {
    const on = account();
    const { beside } = on.beside;
    await wake(on);
    for (const action of ['Record', 'WritePointer', 'UpdateStack', 'Undo', 'WritePointer', 'Close', 'Rest']) {
      const { next } = await decide(on);
      expect(next.action).toBe(action);
      await on.act(next);
    }
    expect([on.pointer, beside.pointer]).toEqual([arnOf(1), besideArn(1)]);
    expect(on.row('mark#000002')).toMatchObject({ model: 'beside', reason: 'failed' });
    expect(on.measured).toEqual(['ReleasesFailed 1']);
  });

  test('notes alarms of the endpoint that were on before its first version too', async () => {
    const on = account();
    Object.assign(on.endpoint!, { rollbackAlarms: ['air-dev-delay.b-rollback-errors'] });
    Object.assign(on.beside.beside, { pointer: 'none', resolved: 'none', live: undefined });
    on.alarms = [{ name: 'air-dev-delay.b-rollback-errors', state: 'ALARM' }];
    await wake(on);
    await on.act((await decide(on)).next);
    expect(on.row(`release#${AT}#me`)).toMatchObject({ from: 'none' });
    expect(await decide(on)).toMatchObject({ next: { action: 'Wait', reason: expect.stringContaining('rollback-errors') } });
  });

  test('is waited for while the endpoint changes, though its variant serves nothing of it yet', async () => {
    const on = account();
    Object.assign(on.beside.beside, { pointer: 'none', resolved: 'none', live: undefined });
    await wake(on);
    for (const action of ['Record', 'WritePointer', 'UpdateStack']) {
      const { next } = await decide(on);
      expect(next.action).toBe(action);
      await on.act(next);
    }
    on.endpoint!.status = 'Updating';
    expect(await decide(on)).toMatchObject({ next: { action: 'Wait', model: 'beside' } });
  });

  test('counts failures for the stack, so that a step of any of its models is progress', async () => {
    const on = account();
    await on.run({ action: 'Revive', execution: OTHER, input: JSON.stringify({ group: 'air-dev-beside' }) });
    expect(on.row('failures')).toMatchObject({ model: 'delay', count: 1 });
    await wake(on);
    await on.act((await decide(on)).next);
    expect(on.row('failures')).toBeUndefined();
  });
});
