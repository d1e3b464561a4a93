import { departedAt, departures, recordOf } from '../../examples/flight-delays/departures';
import { COLUMNS, linesOf, parseFlight } from '../../examples/flight-delays/flights';

describe('departures of the example', () => {
  test('are all flights of a month that left, in the order in which they left', async () => {
    const flights = (await linesOf(new Set([4]))).map(parseFlight);
    const left = await departures(new Set([4]));
    expect(left).toHaveLength(flights.filter(({ dep_delay: delay }) => delay !== 'NA').length);
    expect(left.every(({ at }, i) => i === 0 || at >= left[i - 1].at)).toBe(true);
    expect(left.filter(({ at, flight }) => at.getTime() !== departedAt(flight))).toEqual([]);
  });

  test('leave at the schedule plus the delay, UTC, and one that never left at no time', () => {
    const flight = { time_hour: '2013-04-01T09:00:00Z', minute: '55', dep_delay: '10' };
    expect(new Date(departedAt(flight)!).toISOString()).toBe('2013-04-01T10:05:00.000Z');
    expect(new Date(departedAt({ ...flight, dep_delay: '-5' })!).toISOString()).toBe('2013-04-01T09:50:00.000Z');
    expect(departedAt({ ...flight, dep_delay: 'NA' })).toBeUndefined();
  });

  test('are written as JSON with every column: numbers as numbers, null where there is no value', async () => {
    const [line] = (await linesOf(new Set([4]))).filter((text) => text.includes('NA'));
    const record = JSON.parse(recordOf(parseFlight(line))) as Record<string, unknown>;
    expect(Object.keys(record)).toEqual(COLUMNS);
    expect(Object.values(record).map((value) => (value === null ? 'NA' : String(value)))).toEqual(line.split(','));
    expect([typeof record.year, typeof record.carrier, typeof record.time_hour]).toEqual(['number', 'string', 'string']);
  });
});
