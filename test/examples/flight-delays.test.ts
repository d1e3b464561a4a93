import fc from 'fast-check';
import { monthlyFiles } from '../../examples/flight-delays/files';
import { linesOf } from '../../examples/flight-delays/flights';
import { aprilTraffic } from '../../examples/flight-delays/traffic';

const QUARTER: [number, number] = [1, 3];

describe('flights files', () => {
  test('are nine for the first quarter with the documented numbers of records, plus one planted duplicate', async () => {
    const { files, faults } = await monthlyFiles(QUARTER, 1);
    const expected = [9893, 9161, 7950, 9107, 8421, 7423, 10420, 9697, 8717];
    const duplicate = faults.find(({ fault }) => fault === 'duplicate key')!.file;
    expect(files.map(({ records, name }) => records - (name === duplicate ? 1 : 0))).toEqual(expected);
    expect(files.reduce((sum, { records }) => sum + records, 0)).toBe(80_790);
  });

  test('hold every record of the data but the altered ones, byte for byte', async () => {
    const { files, faults } = await monthlyFiles(QUARTER, 1);
    const source = new Set(await linesOf(new Set([1, 2, 3])));
    const strange = files.flatMap(({ name, bytes }) =>
      bytes
        .toString('latin1')
        .split('\n')
        .slice(1)
        .flatMap((line, i) => (line !== '' && !source.has(line) ? [`${name}#${i + 1}`] : [])),
    );
    const altered = faults.filter(({ fault }) => fault !== 'duplicate key').map(({ file, record }) => `${file}#${record}`);
    expect(strange.sort()).toEqual(altered.sort());
  });

  test('for any seed the six faults hit six different records, and the same seed hits the same ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), async (seed) => {
        const { files, faults } = await monthlyFiles([2, 2], seed);
        expect(new Set(faults.map(({ fault }) => fault)).size).toBe(6);
        expect(new Set(faults.map(({ file, record }) => `${file}#${record}`)).size).toBe(6);
        expect(files.reduce((sum, { records }) => sum + records, 0)).toBe(9107 + 8421 + 7423 + 1);
        expect((await monthlyFiles([2, 2], seed)).faults).toEqual(faults);
      }),
      { numRuns: 4 },
    );
  });

  test('end inside a record only in the truncated file', async () => {
    const { files, faults } = await monthlyFiles(QUARTER, 5);
    const open = files.filter(({ bytes }) => bytes.at(-1) !== 0x0a).map(({ name }) => name);
    expect(open).toEqual([faults.find(({ fault }) => fault === 'truncated record')!.file]);
  });
});

describe('April traffic', () => {
  test('is 500 predictions over 30 days, 137 late and 11 that never get a label', async () => {
    const trips = await aprilTraffic();
    expect(trips).toHaveLength(500);
    expect(trips.filter(({ feedback }) => feedback?.late)).toHaveLength(137);
    expect(trips.filter(({ feedback }) => feedback === undefined)).toHaveLength(11);
    expect(new Set(trips.map(({ id }) => id)).size).toBe(500);
    expect(
      new Set(trips.map(({ request }) => (request as { parameters: { event_time: string } }).parameters.event_time.slice(0, 10))).size,
    ).toBeGreaterThanOrEqual(30);
  });

  test('asks before departure, and ground truth comes within the label window of 48 hours', async () => {
    for (const { predictAt, scheduledDeparture, feedback } of await aprilTraffic()) {
      expect(scheduledDeparture.getTime() - predictAt.getTime()).toBe(3_600_000);
      if (feedback !== undefined) {
        expect(feedback.at.getTime()).toBeGreaterThan(predictAt.getTime());
        expect(feedback.at.getTime()).toBeLessThan(scheduledDeparture.getTime() + 48 * 3_600_000);
      }
    }
  });

  test('sends no feature that is known only after departure', async () => {
    const names = ((await aprilTraffic())[0].request as { inputs: { name: string }[] }).inputs.map(({ name }) => name);
    expect(names).toEqual(['minute_of_day', 'weekday', 'distance', 'carrier', 'origin', 'dest']);
  });
});
