import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  DataContract,
  DataIntake,
  DataZones,
  EventTime,
  OnlineTable,
  OnlineTableProps,
  StreamIntake,
  StreamIntakeProps,
} from '../../../lib';
import { once, refusal, synth } from '../../support/synth';
import { FLIGHTS, Loose } from './contracts';

/** When a flight left. */
export const FLIGHT_TIME = EventTime.column('time_hour').plusMinutes('minute', 'dep_delay');
export type Given = { contract?: DataContract; stream?: Partial<StreamIntakeProps>; online?: Partial<OnlineTableProps>; key?: boolean };

/** The stream of the example with its online table. */
export function make(stack: Stack, { contract, stream = {}, online, key }: Given = {}) {
  const encryptionKey = key === true ? new Key(stack, 'Key', { enableKeyRotation: true }) : undefined;
  const zones = new DataZones(stack, 'Zones', { encryptionKey });
  const intake = new DataIntake(stack, 'Flights', {
    zones,
    contract: contract ?? DataContract.fromFile(FLIGHTS),
    intakeName: 'air-dev-flights',
  });
  const source = new StreamIntake(stack, 'Stream', { intake, encryptionKey, ...stream });
  const table = new OnlineTable(stack, 'Online', {
    source,
    eventTime: FLIGHT_TIME,
    entity: ['origin'],
    onlineName: 'air-dev-online',
    ...online,
  });
  return { source, table, role: new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }) };
}

/** The same, synthesized, after what is done with it. */
export const build = (given: Given = {}, more: (made: ReturnType<typeof make>) => void = () => undefined) =>
  synth((stack) => {
    const made = make(stack, given);
    more(made);
    return made;
  });
export const plain = once(() => build());
/** What the constructors refuse. */
export const refused = (given: Given) => refusal((stack) => make(stack, given));
export const token = () => Duration.seconds(Lazy.number({ produce: () => 60 }));
export const functionOf = (template: Template, start: string): Loose =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith(start))![1].Properties;

/** What a metric is. */
export function shape(metric: Metric) {
  const { namespace, metricName, dimensions = [], statistic, period } = metric.toMetricConfig().metricStat!;
  expect(period.toMinutes()).toBe(5);
  return { namespace, metricName, dimensions: Object.fromEntries(dimensions.map(({ name, value }) => [name, value])), statistic };
}
