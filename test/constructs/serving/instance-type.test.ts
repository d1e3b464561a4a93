import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lazy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { InstanceType } from '../../../lib/constructs/serving';
import { CATALOGUED_TYPES, hostingRegions, shapeOf } from '../../../lib/constructs/serving/instance-catalogue';
import { synth } from '../../support/synth';
import { endpoint } from './fixtures';

const constants = Object.entries(InstanceType).filter((entry): entry is [string, InstanceType] => entry[1] instanceof InstanceType);

describe('InstanceType [S2]', () => {
  test('has a constant for every type of the catalogue, named after it', () => {
    expect(constants.map(([, type]) => type.name)).toEqual(CATALOGUED_TYPES);
    expect(constants.every(([name, type]) => name === type.name.toUpperCase().replace(/[.-]/g, '_'))).toBe(true);
  });

  test('is what its generator writes today', () => {
    const root = join(__dirname, '../../..');
    const file = 'lib/constructs/serving/instance-type.generated.ts';
    const before = readFileSync(join(root, file), 'utf8');
    const written = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/instance-types.ts', '--print'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(written).toBe(before);
  });

  test.each([
    ['ml.m5.large', 2, 8, 0, false, false],
    ['ml.m5d.large', 2, 8, 0, true, false],
    ['ml.t2.medium', 2, 4, 0, false, true],
    ['ml.g5.xlarge', 4, 16, 1, true, false],
    ['ml.p5.48xlarge', 192, 2048, 8, true, false],
    ['ml.c6i.large', 2, 4, 0, false, false],
    ['ml.c7i.large', 2, 4, 0, false, false],
    ['ml.m7i.large', 2, 8, 0, false, false],
  ])('knows %s', (name, vcpus, gibibytes, accelerators, nvme, burstable) => {
    const type = InstanceType.fromCatalogue(name);
    expect([type.vcpus, type.memory!.toGibibytes(), type.accelerators, type.localStorage, type.burstable]).toEqual([
      vcpus,
      gibibytes,
      accelerators,
      nvme,
      burstable,
    ]);
    expect(`${type}`).toBe(name);
  });

  test('has sane shapes throughout: every GPU family has local storage and memory per accelerator', () => {
    for (const name of CATALOGUED_TYPES) {
      const { vcpus, memoryMib, accelerator, nvmeGb } = shapeOf(name)!;
      expect([name, vcpus >= 1 && memoryMib >= 1024]).toEqual([name, true]);
      if (/^ml\.(g|p)\d/.test(name)) {
        expect([name, accelerator!.count >= 1, accelerator!.memoryMib! >= 15 * 1024, nvmeGb! > 0]).toEqual([name, true, true, true]);
      }
    }
  });

  test('takes a Token by of(): the deployment knows the type', () => {
    const type = InstanceType.of(Lazy.string({ produce: () => 'ml.m5.large' }));
    synth((stack) => endpoint(stack, { instance: type })).template.hasResourceProperties('AWS::SageMaker::EndpointConfig', {
      ProductionVariants: [{ InstanceType: 'ml.m5.large', VolumeSizeInGB: Match.absent() }],
    });
  });

  test('takes any other name by of(), with nothing known of it', () => {
    const type = InstanceType.of('ml.z9.large');
    expect([type.vcpus, type.memory, type.accelerators, type.localStorage, type.burstable]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      false,
    ]);
    expect(InstanceType.of('ml.t9.large').burstable).toBe(true);
  });

  test.each(['m5.large', 'ml.m5', 'ml.M5.large'])('fails on %s', (name) => {
    expect(() => InstanceType.of(name)).toThrow(`InvalidInstanceType: 'name' must be like 'ml.m5.large', got '${name}'`);
  });

  test('fails on an unknown name of the catalogue with the one probably meant', () => {
    expect(() => InstanceType.fromCatalogue('ml.m5.larg')).toThrow(
      "instance type 'ml.m5.larg' is not in the catalogue of 2026-08-22: did you mean 'ml.m5.large'?",
    );
    expect(() => InstanceType.fromCatalogue('toString')).toThrow('is not in the catalogue');
  });

  test('knows where a type is on sale, and says nothing of Regions it has no data for', () => {
    expect(hostingRegions('ml.g6e.xlarge', 'us-east-1')).toHaveLength(9);
    expect(hostingRegions('ml.p5e.48xlarge', 'us-east-1')).toEqual([]);
    expect(hostingRegions('ml.m5.large', 'xx-new-1')).toBeUndefined();
  });
});
