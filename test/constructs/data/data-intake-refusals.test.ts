import { Lazy, Size, Stack } from 'aws-cdk-lib';
import { DataIntake, DataZones } from '../../../lib';
import { app, synth } from '../../support/synth';
import { contractOf, FLIGHTS } from './contracts';
import { accepted, build, flights, token } from './intakes';

describe('what an intake refuses', () => {
  const SHAPE = "'intakeName' must be 1 to 80 lower-case letters, digits and hyphens";

  test.each(['', 'Air', '-air', 'a b', 'a_b', 'x'.repeat(81)])("fails on the name '%s'", (intakeName) => {
    expect(() => build({ intakeName })).toThrow(SHAPE);
  });

  test.each(['a', '9-air', 'x'.repeat(80)])("accepts the name '%s', also for queues and alarms", (intakeName) => {
    const { metrics } = accepted({ intakeName });
    const names = [metrics.ageOfOldestMessage(), metrics.deadLetters()].map(({ dimensions }) => dimensions!.QueueName as string);
    expect([names[0], new Set(names).size]).toEqual([intakeName, 2]);
    names.forEach((name) => expect(name.length).toBeLessThanOrEqual(80));
  });

  test('fails on a name that only the deployment knows', () => {
    expect(() => build({ intakeName: Lazy.string({ produce: () => 'x' }) })).toThrow("'intakeName' must be known at synth, got a Token");
  });

  test.each([1, 1001])('fails on %d files at once', (maxConcurrency) => {
    expect(() => build({ maxConcurrency })).toThrow(`'maxConcurrency' must be between 2 and 1000, got ${maxConcurrency}`);
  });

  test.each([2, 1000])('accepts %d files at once', (maxConcurrency) => {
    expect(() => accepted({ maxConcurrency })).not.toThrow();
  });

  test('fails on files at once that are no whole number, and lets one pass that the deployment knows', () => {
    expect(() => build({ maxConcurrency: 2.5 })).toThrow("'maxConcurrency' must be a whole number, got 2.5");
    const late = synth((stack) => {
      const zones = new DataZones(stack, 'Zones');
      return new DataIntake(stack, 'Flights', { zones, contract: flights(), maxConcurrency: token(stack) });
    });
    late.template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { ScalingConfig: { MaximumConcurrency: { Ref: 'Number' } } });
  });

  test.each([
    [Size.mebibytes(511), 511],
    [Size.mebibytes(10241), 10241],
  ])('fails on memory out of range: %#', (memory, amount) => {
    expect(() => build({ memory })).toThrow(`'memory (MiB)' must be between 512 and 10240, got ${amount}`);
  });

  test.each([512, 10240])('accepts %d MiB of memory', (amount) => {
    expect(() => accepted({ memory: Size.mebibytes(amount) })).not.toThrow();
  });

  test('fails on memory that is no whole number of mebibytes or that only the deployment knows', () => {
    expect(() => build({ memory: Size.kibibytes(1024 * 600 + 1) })).toThrow(/'memory \(MiB\)' must be a whole number/);
    expect(() =>
      synth((stack) => {
        const zones = new DataZones(stack, 'Zones');
        return new DataIntake(stack, 'Flights', { zones, contract: flights(), memory: Size.mebibytes(token(stack)) });
      }),
    ).toThrow("'memory' must be known at synth, got a Token");
  });

  test('fails on a contract whose owner is no team of the workload [D2]', () => {
    expect(() => build({ knownOwners: ['flight-dta', 'ml'] })).toThrow(
      `InvalidDataIntake: 'contract' ${FLIGHTS} belongs to team 'flight-data', which is not known: did you mean 'flight-dta'? [at Test/Flights]`,
    );
    expect(() => build({ knownOwners: ['ml', 'apps'] })).toThrow("'flight-data', which is not known: known are ml, apps");
    expect(accepted({ knownOwners: ['ml', 'flight-data'] }).contract.owner).toBe('flight-data');
  });

  test('fails on a second intake of a dataset in the same zones', () => {
    const second = (_: DataIntake, stack: Stack) =>
      void new DataIntake(stack, 'Again', { zones: stack.node.findChild('Zones') as DataZones, contract: flights() });
    expect(() => build({}, second)).toThrow(
      "InvalidDataIntake: dataset 'flights' is taken in by Test/Flights already: give the contract another name [at Test/Again]",
    );
  });

  test('takes several datasets into the same zones', () => {
    const second = (_: DataIntake, stack: Stack) =>
      void new DataIntake(stack, 'Orders', { zones: stack.node.findChild('Zones') as DataZones, contract: contractOf() });
    build({}, second).template.resourceCountIs('AWS::DynamoDB::Table', 2);
  });

  test('fails on zones in another Region, whose objects are announced there', () => {
    const root = app();
    const zones = new DataZones(new Stack(root, 'Zones', { env: { region: 'eu-west-1', account: '111122223333' } }), 'Zones');
    const here = new Stack(root, 'Test', { env: { region: 'eu-central-1', account: '111122223333' } });
    expect(() => new DataIntake(here, 'Flights', { zones, contract: flights() })).toThrow(
      "'zones' are in eu-west-1 but the intake in eu-central-1: put both into one Region [at Test/Flights]",
    );
    const there = new Stack(root, 'There', { env: { region: 'eu-west-1', account: '111122223333' } });
    expect(new DataIntake(there, 'Flights', { zones, contract: flights() }).dataset).toBe('flights');
  });
});
