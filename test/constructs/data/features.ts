import { Duration } from 'aws-cdk-lib';
import { AggregateFunction, DataContract, EventTime, RollingAggregate, RollingAggregateProps } from '../../../lib';
import { FLIGHTS } from './contracts';

const scheduled = EventTime.column('time_hour').plusMinutes('minute');

/** The mean delay of an airport's departures in an hour that ends an hour before a departure: the example's feature. */
export const DELAY_PROPS: RollingAggregateProps = {
  name: 'origin_delay',
  contract: DataContract.fromFile(FLIGHTS),
  entity: ['origin'],
  function: AggregateFunction.MEAN,
  value: 'dep_delay',
  window: Duration.minutes(60),
  eventTime: scheduled.plusMinutes('dep_delay'),
  asOf: scheduled,
  lead: Duration.minutes(60),
};

export const DELAY = new RollingAggregate(DELAY_PROPS);

/** Names a flight by its primary key. */
export const recordOf = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(DELAY._primaryKey.map((name) => String(fields[name])));
