import { ObjectiveMeasure, ObjectiveSpec } from '../../../lib/constructs/ownership/objective-contract';
import { evaluate, windowOf } from '../../../runtime/objective/core';
import { makeHandler } from '../../../runtime/objective/handler';
import type { TallyRow } from '../../../runtime/prediction-books/core';
import { requestBody, setting } from '../prediction-books/setting';

const spec: ObjectiveSpec = {
  workload: 'flights-dev',
  days: 28,
  minimumLabels: 1000,
  metrics: [
    { name: 'WarnedLateArrivals', measure: ObjectiveMeasure.RECALL },
    { name: 'WarningsPerFlight', measure: ObjectiveMeasure.POSITIVE_RATE },
  ],
};
const NOW = new Date('2013-04-30T12:00:00Z');
const row = (over: Partial<TallyRow>): TallyRow => ({
  ...{ day: '2013-04-30', model: 'delay', made: 0, labelled: 0, expired: 0, judged: 0, positives: 0, warnings: 0, hits: 0 },
  ...over,
});

describe('the objective [P3]', () => {
  test('is the share of positive outcomes warned of in time, its guard the share of predictions that warn', () => {
    const rows = [
      row({ judged: 600, positives: 150, warnings: 180, hits: 60 }),
      row({ day: '2013-04-10', judged: 400, positives: 50, warnings: 120, hits: 30 }),
    ];
    expect(evaluate(spec, rows, NOW)).toEqual({
      from: '2013-04-03',
      to: '2013-04-30',
      labels: 1000,
      labelsInAll: 1000,
      minimumLabels: 1000,
      evaluated: true,
      values: { WarnedLateArrivals: 45, WarningsPerFlight: 30 },
    });
  });

  test('is published but not evaluated one label under the minimum', () => {
    expect(evaluate(spec, [row({ judged: 999, positives: 1, hits: 1 })], NOW)).toMatchObject({ evaluated: false, labels: 999 });
  });

  test('has no value while there is nothing to be a share of', () => {
    expect(evaluate(spec, [row({ judged: 3, warnings: 1 })], NOW).values).toEqual({ WarningsPerFlight: 100 / 3 });
    expect(evaluate(spec, [], NOW)).toMatchObject({ labels: 0, values: {} });
  });

  test('looks at whole days of event time, today included, and forgets the day before', () => {
    expect(windowOf(NOW, 28)).toEqual({ from: '2013-04-03', to: '2013-04-30' });
    expect(windowOf(NOW, 1)).toEqual({ from: '2013-04-30', to: '2013-04-30' });
    const rows = ['2013-04-02', '2013-04-03', '2013-04-30', '2013-05-01'].map((day) => row({ day, judged: 1 }));
    expect(evaluate(spec, rows, NOW)).toMatchObject({ labels: 2, labelsInAll: 4 });
  });

  test('can be that of one model', () => {
    const rows = [row({ judged: 5 }), row({ model: 'fare', judged: 7 })];
    expect(evaluate({ ...spec, model: 'fare' }, rows, NOW).labels).toBe(7);
  });

  test('is published from the books on the workload clock, with the number of labels', async () => {
    const s = setting();
    for (const [id, risk, outcome] of [
      ['a', 0.9, true],
      ['b', 0.1, true],
      ['c', 0.1, false],
    ] as const) {
      await s.infer(requestBody({ id }, risk));
      await s.feedback(id, { outcome });
    }
    const job = makeHandler({
      spec,
      books: s.books,
      clock: s.clock,
      measure: (name, value) => void (s.measured[name] = value),
      logger: s.inferDeps.logger,
    });
    expect(await job()).toMatchObject({ labels: 3, evaluated: false });
    expect(s.measured).toMatchObject({ ObjectiveLabels: 3, WarnedLateArrivals: 50, WarningsPerFlight: 100 / 3 });
    expect(s.logged.at(-1)?.message).toBe('not evaluated: 3 of 1000 labels in 28 days, 3 in all');
  });

  test('forgets with the clock', async () => {
    const s = setting();
    await s.infer(requestBody({ id: 'a' }));
    await s.feedback('a', { outcome: true });
    s.clock.at = new Date('2013-04-29T00:00:00Z');
    const job = makeHandler({ spec, books: s.books, clock: s.clock, measure: () => undefined, logger: s.inferDeps.logger });
    expect(await job()).toMatchObject({ labels: 0, labelsInAll: 1 });
  });
});
