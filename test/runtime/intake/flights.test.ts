import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { monthlyFiles } from '../../../examples/flight-delays/files';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { DataContract } from '../../../lib/constructs/data/data-contract/data-contract';
import { flightsContract } from '../../support/flights-contract';
import { World } from './world';

const FLIGHTS = JSON.parse(
  DataContract.fromFile(join(__dirname, '../../../examples/flight-delays/contracts/flights.odcs.yaml'))._json,
) as CompiledContract;

describe('the first quarter of the flights [D3, D4]', () => {
  test('is judged by what the contract says, as a second reading of it finds', () => {
    expect(FLIGHTS).toEqual(JSON.parse(JSON.stringify(flightsContract())));
  });

  test.each([1, 7, 2013])('with the faults that seed %d plants is 80,790 read = 80,781 valid + 9 quarantined', async (seed) => {
    const world = new World(FLIGHTS);
    const { files, faults } = await monthlyFiles([1, 3], seed);
    for (const { name, bytes } of files) {
      expect((await world.attempt(world.send(`flights/${name}`, bytes))).outcome).toBe('accounted');
    }
    const totals = { read: 0, valid: 0, quarantined: 0 };
    const byRule: Record<string, number> = {};
    for (const { counts } of world.rows()) {
      totals.read += counts!.read;
      totals.valid += counts!.valid;
      totals.quarantined += counts!.quarantined;
      Object.entries(counts!.byRule).forEach(([rule, number]) => (byRule[rule] = (byRule[rule] ?? 0) + number));
    }
    expect(totals).toEqual({ read: 80_790, valid: 80_781, quarantined: 9 });
    expect(byRule).toEqual({ 'column count': 2, type: 1, allowed: 1, 'invalid UTF-8': 1, 'duplicate key': 1, pattern: 3 });
    expect(quarantinedPlaces(world)).toEqual(expect.arrayContaining(faults.map(({ file, record }) => `${file}#${record}`)));
  });
});

/** File and ordinal of each quarantined record, from the stored objects. */
function quarantinedPlaces(world: World): string[] {
  return world
    .rows()
    .flatMap(({ key, quarantine }) =>
      readLines(world.s3.read('quarantine', quarantine!.key, quarantine!.versionId)).map(
        (line) => `${key.replace('flights/', '')}#${(JSON.parse(line) as { record: number }).record}`,
      ),
    );
}

function readLines(bytes: Buffer): string[] {
  return gunzipSync(bytes)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}
