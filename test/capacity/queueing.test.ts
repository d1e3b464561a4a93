import { holds } from '../../capacity/validation/check';
import { erlangWait, queueingChecks } from '../../capacity/validation/queueing';

test('queues in order and processor sharing wait as theory says, within 2 %', () => {
  const checks = queueingChecks();
  expect(checks.length).toBeGreaterThanOrEqual(9);
  expect(checks.map(({ tolerance }) => tolerance)).toEqual(checks.map(() => 0.02));
  expect(checks.filter((check) => !holds(check))).toEqual([]);
});

test('the theory itself is right: one worker waits rho / (1 - rho), and Erlang C has the published value for 4 workers', () => {
  expect(erlangWait(1, 0.8)).toBeCloseTo(4, 10);
  // Erlang C of 4 servers at 3.2 erlang is 0.5964 (Gross and Harris, Fundamentals of Queueing Theory, tables): wait 0.5964 / (4 - 3.2).
  expect(erlangWait(4, 0.8) * 0.8).toBeCloseTo(0.5964, 4);
});
