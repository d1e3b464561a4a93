import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadBlueprint } from '../../lib/config/load';

const root = resolve(__dirname, '../..');
const dev = readFileSync(join(root, 'config/dev.yaml'), 'utf8').replaceAll('../examples', join(root, 'examples'));
const folder = mkdtempSync(join(tmpdir(), 'workload-name-'));

function load(workload: string) {
  const file = join(folder, `${workload}.yaml`);
  writeFileSync(file, dev.replace('workload: flight-delays', `workload: ${workload}`));
  return loadBlueprint(file).workload;
}

describe('the name of a workload [R7, W10]', () => {
  test.each(['flights-dev', 'flights-prod-x', 'a-dev-b'])('fails as %s: policies of another workload would reach it', (workload) => {
    expect(() => load(workload)).toThrow(
      /workload: must not have '(dev|prod)' as a part after the first, got '.*': names of '\w+' in stage/,
    );
  });

  test.each(['dev-flights', 'flights-devices', 'flights-product', 'flights'])('may be %s', (workload) => {
    expect(load(workload)).toBe(workload);
  });
});
