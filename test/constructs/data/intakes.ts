import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { DataContract, DataIntake, DataIntakeProps, DataZones } from '../../../lib';
import { app, once, synth } from '../../support/synth';
import { FLIGHTS, Loose } from './contracts';

/** The contract of the example. */
export const flights = () => DataContract.fromFile(FLIGHTS);
export type Given = Partial<DataIntakeProps>;

/** The intake of the example, with other properties, and what is done with it. */
export const build = (given: Given = {}, more: (intake: DataIntake, stack: Stack) => void = () => undefined) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones');
    const bus = new EventBus(stack, 'Bus');
    const intake = new DataIntake(stack, 'Flights', { zones, bus, contract: flights(), intakeName: 'air-dev-flights', ...given });
    more(intake, stack);
    return intake;
  });
/** An intake that nobody synthesizes: enough for what its constructor accepts. */
export const accepted = (given: Given) => {
  const stack = new Stack(app(), 'Test');
  return new DataIntake(stack, 'Flights', { zones: new DataZones(stack, 'Zones'), contract: flights(), ...given });
};
/** The plain intake, made once: nobody changes it. */
export const plain = once(() => build());
export const roleIn = (stack: Stack) => new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
export const token = (stack: Stack) => new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
export const functionOf = (template: Template, handler: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(`Flights${handler}`))![1].Properties;
