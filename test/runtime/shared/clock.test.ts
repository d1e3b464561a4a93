import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { clockFrom, parseClock, REAL_CLOCK } from '../../../runtime/shared/clock';

describe('the workload clock', () => {
  const real = new Date('2026-01-02T03:04:05Z');

  test('is real time, or the moment that a replay has reached', () => {
    expect(parseClock('real', real)).toBe(real);
    expect(parseClock('replay(2013-04-01T12:00:00Z)', real).toISOString()).toBe('2013-04-01T12:00:00.000Z');
  });

  test.each(['', 'reel', 'replay()', 'replay(soon)', 'replay(2013-04-01'])("fails on '%s' instead of guessing a date", (value) => {
    expect(() => parseClock(value, real)).toThrow(`InvalidClock: '${value}' is neither 'real' nor 'replay(<ISO 8601 time>)'`);
  });

  test('is real without a parameter, as in production', () => {
    expect(clockFrom({})).toBe(REAL_CLOCK);
  });

  test('reads its parameter at each call, because a replay moves it at any moment', async () => {
    const values = ['replay(2013-01-01T00:00:00Z)', 'replay(2013-01-02T00:00:00Z)'];
    const asked: string[] = [];
    const ssm = {
      send: async (command: GetParameterCommand) => {
        asked.push(command.input.Name!);
        return { Parameter: { Value: values.shift() } };
      },
    };
    const clock = clockFrom({ WORKLOAD_CLOCK_PARAMETER: '/w/dev/clock' }, () => ssm as never);
    expect([await clock.now(), await clock.now()].map((date) => date.getUTCDate())).toEqual([1, 2]);
    expect(asked).toEqual(['/w/dev/clock', '/w/dev/clock']);
  });
});
