import { closedDays, coverageOf } from '../../../runtime/prediction-expiry/core';
import { HOUR, requestBody, setting, START } from '../prediction-books/setting';

const at = (hours: number) => new Date(START.getTime() + hours * HOUR);

describe('expiry of predictions [I6]', () => {
  test('ends what is open when its label window is over, to the millisecond, and nothing else', async () => {
    const s = setting();
    await s.infer(requestBody({ id: 'due', parameters: { event_time: START.toISOString() } }));
    await s.infer(requestBody({ id: 'next', parameters: { event_time: new Date(START.getTime() + 1).toISOString() } }));
    await s.infer(requestBody({ id: 'labelled', parameters: { event_time: START.toISOString() } }));
    await s.feedback('labelled', { outcome: true });
    s.clock.at = at(48);
    expect(await s.expire()).toMatchObject({ run: 1, made: 3, labelled: 1, expired: 1, open: 1 });
    const states = Object.fromEntries(s.db.items('predictions').map(({ id, state }) => [id, state]));
    expect(states).toEqual({ due: 'expired', next: 'open', labelled: 'labelled' });
    expect(s.db.items('predictions').find(({ id }) => id === 'due')).toMatchObject({ expiredAt: at(48).toISOString() });
  });

  test('runs again without effect', async () => {
    const s = setting();
    await s.infer(requestBody());
    s.clock.at = at(49);
    expect([(await s.expire()).run, (await s.expire()).run]).toEqual([1, 0]);
    expect(await s.booksOf()).toMatchObject({ expired: 1, open: 0 });
  });

  test('two runs at once expire each prediction once', async () => {
    const s = setting();
    for (let i = 0; i < 20; i++) {
      await s.infer(requestBody());
    }
    s.clock.at = at(49);
    const runs = await Promise.all([s.expire(), s.expire()]);
    expect(runs[0].run + runs[1].run).toBe(20);
    expect(await s.booksOf()).toMatchObject({ made: 20, expired: 20, open: 0 });
  });

  test('stops before its time is up and leaves the rest to the next run', async () => {
    const s = setting();
    await s.infer(requestBody());
    s.clock.at = at(49);
    expect((await s.expire(19_999)).run).toBe(0);
    expect((await s.expire(20_000)).run).toBe(1);
  });

  test('publishes open and expired predictions and the label coverage of closed days only', async () => {
    const s = setting();
    for (const id of ['a', 'b', 'c', 'd']) {
      await s.infer(requestBody({ id }));
    }
    await s.feedback('a', { outcome: true });
    s.clock.at = at(49);
    await s.expire();
    expect(s.measured).toMatchObject({ PredictionsExpired: 3, PredictionsOpen: 0, LabelCoverageBase: 0 });
    expect(s.measured).not.toHaveProperty('LabelCoverage');
    s.clock.at = at(24 * 3);
    expect((await s.expire()).coverage).toEqual({ base: 4, percent: 25 });
    expect(s.measured).toMatchObject({ LabelCoverage: 25 });
  });
});

describe('the days that coverage is measured on', () => {
  test.each([
    ['2013-05-03T00:00:00.000Z', '2013-04-24', '2013-04-30'],
    ['2013-05-02T23:59:59.999Z', '2013-04-23', '2013-04-29'],
  ])('at %s are %s to %s with a window of 48 hours', (now, from, to) => {
    expect(closedDays(new Date(now), 48 * 3600, 7)).toEqual({ from, to });
  });

  test('count labelled against closed predictions', () => {
    const row = (day: string, labelled: number, expired: number) => ({
      ...{ day, model: 'delay', made: labelled + expired, labelled, expired },
      ...{ judged: 0, positives: 0, warnings: 0, hits: 0 },
    });
    const rows = [row('2013-04-23', 9, 9), row('2013-04-24', 3, 0), row('2013-04-30', 0, 1), row('2013-05-01', 9, 9)];
    expect(coverageOf(rows, { from: '2013-04-24', to: '2013-04-30' })).toEqual({ base: 4, percent: 75 });
    expect(coverageOf([], { from: '', to: '' })).toEqual({ base: 0 });
  });
});
