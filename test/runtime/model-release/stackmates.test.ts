import { ReleaseState } from '../../../lib/constructs/delivery/contract';
import { nextOfStack } from '../../../runtime/model-release/stackmates';
import type { Observed, Release } from '../../../runtime/model-release/types';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const arn = (model: string, version: number) => `arn:aws:sagemaker:eu-central-1:1:model-package/air-dev-${model}/${version}`;
const open = (model: string, state: ReleaseState, given: Partial<Release> = {}): Release => ({
  entry: `release#${model}`,
  state,
  from: arn(model, 1),
  to: arn(model, 2),
  changedAt: new Date(NOW - 600_000).toISOString(),
  ...given,
});

/** Version 1 serves, and nothing else is approved. */
const settled = (model: string, given: Partial<Observed> = {}): Observed => ({
  now: NOW,
  leasedAt: NOW,
  maxWait: 7_200_000,
  desired: arn(model, 1),
  pointer: arn(model, 1),
  stack: { status: 'UPDATE_COMPLETE', resolvedPointer: arn(model, 1) },
  endpoint: { status: 'InService', packageArn: arn(model, 1) },
  ...given,
});
const next = (own: Partial<Observed>, beside: Partial<Observed>) =>
  nextOfStack([
    { model: 'a', seen: settled('a', own) },
    { model: 'b', seen: settled('b', { variantOf: { endpointExists: true }, ...beside }) },
  ]);

describe('a stack of several models [R3, R4]', () => {
  test('of one model does what that model needs, and says nothing more', () => {
    const seen = settled('a', { desired: arn('a', 2) });
    const record = { action: 'Record', from: arn('a', 1), to: arn('a', 2), at: '2026-01-01T00:00:00.000Z' };
    expect(nextOfStack([{ model: 'a', seen }])).toEqual(record);
  });

  test('begins a release of the model that needs one, the own model of the endpoint first', () => {
    expect(next({}, { desired: arn('b', 2) })).toMatchObject({ action: 'Record', to: arn('b', 2), model: 'b' });
    const both = next({ desired: arn('a', 2) }, { desired: arn('b', 2) });
    expect(both).toMatchObject({ action: 'Record', to: arn('a', 2) });
    expect(both.model).toBeUndefined();
  });

  test('ends what is under way before anything begins', () => {
    const beside = { desired: arn('b', 2), open: open('b', ReleaseState.RECORDED) };
    expect(next({ desired: arn('a', 2) }, beside)).toMatchObject({ action: 'WritePointer', value: arn('b', 2), model: 'b' });
  });

  test('rests when all rest, and each is told of', () => {
    expect(next({}, {})).toEqual({
      action: 'Rest',
      note: 'the desired version serves',
      beside: [{ action: 'Rest', note: 'the desired version serves', model: 'b' }],
    });
    expect(next({}, { desired: undefined })).toMatchObject({ action: 'Tell', model: 'b', beside: [{ action: 'Rest' }] });
  });

  test('writes down a release that is stuck while another begins', () => {
    const stuck = { desired: arn('a', 2), open: open('a', ReleaseState.UPDATING, { from: arn('a', 2) }) };
    expect(next(stuck, { desired: arn('b', 2) })).toMatchObject({
      action: 'Record',
      model: 'b',
      beside: [{ action: 'Stuck', entry: 'release#a' }],
    });
  });

  test('takes no pointer along that nobody released: it is brought back first', () => {
    const releasing = { desired: arn('b', 2), pointer: arn('b', 2), open: open('b', ReleaseState.RECORDED) };
    expect(next({}, releasing)).toMatchObject({ action: 'UpdateStack', model: 'b' });
    const strayed = next({ pointer: arn('a', 9) }, releasing);
    expect(strayed).toMatchObject({ action: 'WritePointer', value: arn('a', 1), tell: expect.stringContaining(arn('a', 9)) });
    expect(strayed.model).toBeUndefined();
    expect(next({ pointer: undefined }, releasing)).toMatchObject({ action: 'WritePointer', value: arn('a', 1) });
  });

  test('waits for its endpoint before it begins to release a variant, and blames nobody', () => {
    const none = { pointer: 'none', stack: { status: 'CREATE_COMPLETE', resolvedPointer: 'none' }, endpoint: undefined };
    const absent = { ...none, desired: arn('b', 1), variantOf: { endpointExists: false } };
    expect(next({ ...none, desired: undefined }, absent)).toMatchObject({ action: 'Rest', beside: [{ action: 'Rest', model: 'b' }] });
    expect(next(none, absent)).toMatchObject({ action: 'Record', to: arn('a', 1) });
    expect(next({}, { ...absent, variantOf: { endpointExists: true } })).toMatchObject({ action: 'Record', from: 'none', model: 'b' });
  });
});
