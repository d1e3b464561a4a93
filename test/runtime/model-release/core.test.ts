import { MarkReason, ReleaseState } from '../../../lib/constructs/delivery/contract';
import { CLEARING_MS, nextAction } from '../../../runtime/model-release/core';
import { leaseMove } from '../../../runtime/model-release/lease';
import type { Observed, Release } from '../../../runtime/model-release/types';
import { choose, problemsOf, repositoryOf } from '../../../runtime/model-release/versions';
import { arnOf, RULES, versionOf } from './services';

const [ONE, TWO, THREE] = [1, 2, 3].map(arnOf);
const AT = '2026-01-01T00:00:00.000Z';
/** One serves and is all that is desired. */
const seen = (given: Partial<Observed> = {}): Observed => ({
  now: Date.parse(AT),
  leasedAt: Date.parse(AT),
  maxWait: 1000,
  desired: ONE,
  pointer: ONE,
  stack: { status: 'UPDATE_COMPLETE', resolvedPointer: ONE },
  endpoint: { status: 'InService', packageArn: ONE },
  ...given,
});
const open = (given: Partial<Release> = {}): Release => ({
  entry: 'r',
  state: ReleaseState.RECORDED,
  from: ONE,
  to: TWO,
  changedAt: AT,
  ...given,
});
const stackOf = (status: string, resolvedPointer = ONE) => ({ status, resolvedPointer });

describe('the next step [R3, R7]', () => {
  test.each<[string, Partial<Observed>, object]>([
    ['nothing while the desired version serves', {}, { action: 'Rest' }],
    ['nothing while the stack is not there', { stack: undefined, desired: TWO }, { action: 'Rest' }],
    ['a record of what served and what shall', { desired: TWO }, { action: 'Record', from: ONE, to: TWO, at: AT }],
    [
      "a record that goes back to the stack's version without an endpoint",
      { desired: TWO, endpoint: undefined },
      { action: 'Record', from: ONE },
    ],
    ['the pointer, once it is recorded', { desired: TWO, open: open() }, { action: 'WritePointer', value: TWO }],
    ['no pointer for a version that is desired no longer', { desired: THREE, open: open() }, { action: 'Close', state: 'superseded' }],
    ['no pointer for a version that is approved no longer', { desired: undefined, open: open() }, { action: 'Close', state: 'superseded' }],
    ['the update, once the pointer is written', { desired: TWO, pointer: TWO, open: open() }, { action: 'UpdateStack', state: 'updating' }],
    ['the way back when it is rejected before the update', { pointer: TWO, open: open() }, { action: 'Undo', outcome: 'superseded' }],
    [
      'patience during a deployment, which ends when the endpoint is in service [row 171]',
      { stack: stackOf('UPDATE_IN_PROGRESS') },
      { action: 'Wait' },
    ],
    [
      'a person when a deployment takes too long',
      { now: Date.parse(AT) + 1000, stack: stackOf('UPDATE_IN_PROGRESS') },
      { action: 'Stuck' },
    ],
    ['a person for a stack that cannot be updated', { stack: stackOf('UPDATE_ROLLBACK_FAILED') }, { action: 'Stuck' }],
    [
      'a person when a rolling deployment could neither go on nor back',
      {
        pointer: ONE,
        endpoint: { status: 'UpdateRollbackFailed', packageArn: TWO },
        open: open({ state: ReleaseState.RESTORE_UPDATING, outcome: ReleaseState.FAILED }),
      },
      { action: 'Stuck', entry: 'r' },
    ],
    ['the version that serves for a pointer that is missing', { pointer: undefined }, { action: 'WritePointer', value: ONE }],
    ['a person when nobody knows what serves', { pointer: undefined, endpoint: { status: 'InService' } }, { action: 'Stuck' }],
    [
      'a person when an endpoint was changed by hand, which no update of the stack undoes',
      { endpoint: { status: 'InService', packageArn: TWO } },
      { action: 'Stuck', entry: undefined },
    ],
    [
      'a release of the next version whatever the endpoint was changed to',
      { desired: THREE, endpoint: { status: 'InService', packageArn: TWO } },
      { action: 'Record', from: TWO, to: THREE },
    ],
    ['a word to the owner when what serves is approved no longer', { desired: undefined }, { action: 'Tell' }],
    ['a refusal before anything else', { invalid: { arn: TWO, version: 2, problems: ['x'] } }, { action: 'Refuse', version: 2 }],
  ])('is %s', (_what, given, action) => {
    expect(nextAction(seen(given))).toMatchObject(action);
  });

  test('is a person when the stack takes no update for too long; the version is not to blame', () => {
    const late = (given: Partial<Release>) =>
      nextAction(seen({ desired: TWO, pointer: TWO, open: open(given), now: Date.parse(AT) + CLEARING_MS + 1000 }));
    expect(late({})).toEqual({ action: 'Stuck', entry: 'r', reason: `the stack takes no update to ${TWO} since ${AT}` });
    expect(late({ state: ReleaseState.RESTORING, from: TWO, to: TWO })).toMatchObject({ action: 'Stuck' });
  });

  test('does not begin the way back while a rollback alarm is on: it would be undone at once', () => {
    const back: Partial<Observed> = {
      desired: ONE,
      pointer: ONE,
      stack: stackOf('UPDATE_COMPLETE', TWO),
      open: open({ state: ReleaseState.RESTORING, outcome: ReleaseState.FAILED }),
    };
    expect(nextAction(seen({ ...back, alarming: ['latency'] }))).toEqual({
      action: 'Wait',
      reason: 'latency is in ALARM and would undo the way back',
    });
    expect(nextAction(seen({ ...back, alarming: ['latency'], now: Date.parse(AT) + 1000 }))).toMatchObject({ action: 'Stuck' });
    expect(nextAction(seen({ ...back, alarming: [] }))).toMatchObject({ action: 'UpdateStack', state: 'restore updating' });
  });

  describe('while a rollback alarm is on before the release', () => {
    const alarmed = { desired: TWO, alarming: ['errors', 'latency'] };
    const after = (ms: number) => ({ now: Date.parse(AT) + ms });

    test.each([
      ['before the pointer is written', ONE],
      ['and after it', TWO],
    ])('waits for it to clear, %s, but not for ever: what serves may be what is wrong', (_when, pointer) => {
      const waiting = seen({ ...alarmed, pointer, open: open(), ...after(CLEARING_MS - 1) });
      expect(nextAction(waiting)).toEqual({
        action: 'Wait',
        reason: 'errors, latency is in ALARM: the release begins at 2026-01-01T00:05:00.000Z at the latest',
      });
      expect(nextAction({ ...waiting, alarming: [] })).not.toMatchObject({ action: 'Wait' });
      expect(nextAction({ ...waiting, ...after(CLEARING_MS) })).not.toMatchObject({ action: 'Wait' });
    });

    test('begins with what was on, and does not blame the version when it fails', () => {
      const late = seen({ ...alarmed, pointer: TWO, open: open(), ...after(CLEARING_MS) });
      expect(nextAction(late)).toMatchObject({ action: 'UpdateStack', state: 'updating', alarming: ['errors', 'latency'] });
      expect(nextAction({ ...late, alarming: [] })).toEqual({ action: 'UpdateStack', entry: 'r', state: 'updating' });
      const begun = open({ state: ReleaseState.UPDATING, alarming: ['errors'] });
      expect(nextAction({ ...late, open: begun })).toMatchObject({
        action: 'Undo',
        outcome: 'failed',
        undecided: true,
        reason: expect.stringContaining('errors was in ALARM before it began'),
      });
      const stuck = { ...late, stack: stackOf('UPDATE_ROLLBACK_FAILED'), open: begun };
      expect(nextAction(stuck)).toMatchObject({ action: 'Stuck', mark: TWO, undecided: true });
    });

    test('gives the version up that was rejected while it waited', () => {
      expect(nextAction(seen({ ...alarmed, desired: ONE, open: open() }))).toMatchObject({ action: 'Close', state: 'superseded' });
    });
  });

  test('undoes a release that only looks successful: the stack is complete, the endpoint serves the old version', () => {
    const updating = open({ state: ReleaseState.UPDATING });
    const given = { desired: TWO, pointer: TWO, stack: stackOf('UPDATE_COMPLETE', TWO), open: updating };
    expect(nextAction(seen(given))).toMatchObject({ action: 'Undo', outcome: ReleaseState.FAILED, to: TWO });
    expect(nextAction(seen({ ...given, endpoint: { status: 'InService', packageArn: TWO } }))).toEqual({
      action: 'Close',
      entry: 'r',
      state: ReleaseState.RELEASED,
    });
  });

  test.each([
    ['the stack went back', stackOf('UPDATE_ROLLBACK_COMPLETE', ONE)],
    ['the stack resolves yet another version', stackOf('UPDATE_COMPLETE', THREE)],
  ])('undoes a release whose version serves, but %s: the next deployment would take it away', (_what, stack) => {
    const given = { desired: TWO, pointer: TWO, stack, endpoint: { status: 'InService', packageArn: TWO } };
    expect(nextAction(seen({ ...given, open: open({ state: ReleaseState.UPDATING }) }))).toMatchObject({
      action: 'Undo',
      outcome: ReleaseState.FAILED,
      to: TWO,
    });
  });

  test.each([
    ['what serves', {}, ONE],
    ['what the stack names while nothing is in service', { endpoint: { status: 'Failed', packageArn: TWO } }, ONE],
    ['nothing before the first', { endpoint: undefined, stack: stackOf('CREATE_COMPLETE', 'none'), pointer: 'none' }, 'none'],
    ['what serves, not what the stack names', { stack: stackOf('UPDATE_COMPLETE', THREE) }, ONE],
  ])('remembers as the way back %s', (_what, given, from) => {
    expect(nextAction(seen({ desired: TWO, ...given }))).toMatchObject({ action: 'Record', from, to: TWO });
  });

  test('never blames the version that served before', () => {
    const same = open({ to: ONE, state: ReleaseState.UPDATING });
    expect(nextAction(seen({ endpoint: undefined, open: same }))).toEqual(expect.not.objectContaining({ mark: expect.anything() }));
    expect(nextAction(seen({ stack: stackOf('ROLLBACK_FAILED'), open: open({ state: ReleaseState.UPDATING }) }))).toMatchObject({
      mark: TWO,
    });
    expect(nextAction(seen({ stack: stackOf('ROLLBACK_FAILED'), open: open() }))).not.toHaveProperty('mark');
  });
});

describe('a version [R7, M1]', () => {
  test.each([
    ['another group', { group: 'other' }, 'group'],
    ['a status that is not complete', { status: 'Failed' }, 'status'],
    ['no lineage', { metadata: {} }, 'lineage lacks dataset-id, code-revision'],
    ['no container', { containers: [] }, 'no container'],
    [
      'an artefact of another model',
      { containers: [{ ...versionOf(1).containers[0], modelDataUrl: 's3://artifacts/versions/delayed/x' }] },
      'artefact',
    ],
    [
      'an artefact outside',
      { containers: [{ ...versionOf(1).containers[0], modelDataUrl: 's3://artifacts/versions/delay/../x' }] },
      'artefact',
    ],
    [
      'an artefact that a training job may overwrite',
      { containers: [{ ...versionOf(1).containers[0], modelDataUrl: 's3://artifacts/runs/delay/training/j/output/model.tar.gz' }] },
      'artefact',
    ],
    ['an image of nobody', { containers: [{ ...versionOf(1).containers[0], image: 'x/sklearn:1' }] }, 'image'],
  ])('fails with %s', (_what, given, problem) => {
    expect(problemsOf(versionOf(1, given), RULES)).toEqual([expect.stringContaining(problem)]);
    expect(problemsOf(versionOf(1), RULES)).toEqual([]);
  });

  test('is chosen when it is the newest that is valid and not marked; the one that serves stays valid', () => {
    const [one, two, bad] = [versionOf(1), versionOf(2), versionOf(3, { metadata: {} })];
    expect(choose([one, bad, two], [], RULES, ONE)).toMatchObject({ desired: TWO, invalid: { version: 3 } });
    expect(
      choose(
        [one, bad, two],
        [2, 3].map((version) => ({ version, reason: MarkReason.FAILED })),
        RULES,
        ONE,
      ),
    ).toEqual({ desired: ONE });
    expect(choose([bad], [], RULES, THREE)).toEqual({ desired: THREE });
  });

  test.each(['r:5000/a', 'r/a:1', 'r/a@sha256:1'])('has the repository of the image %s', (image) => {
    expect(repositoryOf(image)).toBe(image.startsWith('r:') ? 'r:5000/a' : 'r/a');
  });
});

test('a lease is taken when it is free or its holder is dead, else its holder is told [R7]', () => {
  const lease = { execution: 'a', wakes: 0, since: AT };
  expect([
    leaseMove(undefined, 'b', false),
    leaseMove(lease, 'a', true),
    leaseMove(lease, 'b', false),
    leaseMove(lease, 'b', true),
  ]).toEqual(['take', 'keep', 'replace', 'knock']);
});
