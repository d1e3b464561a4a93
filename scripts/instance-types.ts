// Writes lib/constructs/serving/instance-type.generated.ts from the catalogue in data/instances.json; a test fails when it was forgotten.
// `--print` shows it instead.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUED_TYPES, shapeOf } from '../lib/constructs/serving/instance-catalogue';

const folder = join(__dirname, '../lib/constructs/serving');

function describe(name: string): string {
  const { vcpus, memoryMib, accelerator, nvmeGb, burstable, arm } = shapeOf(name)!;
  return [
    `${vcpus} vCPU`,
    `${memoryMib / 1024} GiB`,
    accelerator && `${accelerator.count} ${accelerator.name}`,
    nvmeGb && `${nvmeGb} GB NVMe`,
    arm && 'Arm',
    burstable && 'burstable',
  ]
    .filter(Boolean)
    .join(', ');
}

const constant = (name: string) => name.toUpperCase().replace(/[.-]/g, '_');
const constants = CATALOGUED_TYPES.map(
  (name) => `  /** ${describe(name)}. */\n  public static readonly ${constant(name)} = InstanceType.fromCatalogue('${name}');`,
);
const template = readFileSync(join(folder, 'data/instance-type.template'), 'utf8');
const source = template.replace('  // constants', () => constants.join('\n'));
if (process.argv.includes('--print')) {
  process.stdout.write(source);
} else {
  writeFileSync(join(folder, 'instance-type.generated.ts'), source);
}
