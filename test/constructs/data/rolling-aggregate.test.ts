import { Duration, Token } from 'aws-cdk-lib';
import { AggregateFunction, EventTime, RollingAggregate, RollingAggregateProps } from '../../../lib';
import { column, contractOf } from './contracts';
import { DELAY, DELAY_PROPS } from './features';

const built = (given: Partial<RollingAggregateProps>) => () => new RollingAggregate({ ...DELAY_PROPS, ...given });

test('a rolling aggregate is one definition, which both engines read', () => {
  expect(DELAY._definition).toEqual({
    name: 'origin_delay',
    dataset: 'flights',
    entity: ['origin'],
    function: 'mean',
    value: 'dep_delay',
    windowSeconds: 3600,
    eventTime: { column: 'time_hour', plusMinutes: ['minute', 'dep_delay'] },
    asOf: { column: 'time_hour', plusMinutes: ['minute'] },
    leadSeconds: 3600,
    nullTokens: ['NA'],
  });
  expect(built({ lead: undefined })()._definition.leadSeconds).toBe(0);
  expect(built({ entity: ['carrier', 'flight'] })()._definition).toMatchObject({ entity: ['carrier', 'flight'], integers: ['flight'] });
  expect(built({ function: AggregateFunction.COUNT, value: undefined })()._definition).not.toHaveProperty('value');
});

test.each<[Partial<RollingAggregateProps>, string]>([
  [{ name: 'Origin' }, "'name' must be 1 to 60 lower-case letters, digits and underscores, starting with a letter, got 'Origin'"],
  [{ name: 'dest' }, "'name' is 'dest', which is a column already"],
  [{ entity: [] }, "'entity' is empty"],
  [{ entity: ['orign'] }, "'entity' names 'orign', which is no column: did you mean 'origin'?"],
  [
    { entity: ['time_hour'], entityIsFixed: true },
    "'entity' names 'time_hour', which is timestamp: it must be string or integer or boolean or date",
  ],
  [{ entity: ['tailnum'], entityIsFixed: true }, "'entity' names 'tailnum', which may be missing: make the column required"],
  [{ entity: ['origin', 'dest'] }, "'entity' names dest outside of the primary key: a record that is corrected there would count twice"],
  [{ value: undefined }, "'value' is missing: name the column to make the mean of"],
  [{ value: 'carrier' }, "'value' names 'carrier', which is string: it must be integer or number"],
  [{ eventTime: EventTime.column('year') }, "'eventTime' names 'year', which is integer: it must be timestamp"],
  [{ eventTime: EventTime.column('time_hour').plusMinutes('dest') }, "'eventTime' names 'dest', which is string: it must be integer"],
  [{ asOf: EventTime.column('time_hou') }, "'asOf' names 'time_hou', which is no column: did you mean 'time_hour'?"],
  [{ window: Duration.millis(500) }, "'window (seconds)' must be between 1 and 604800, got 0.5"],
  [{ window: Duration.days(8) }, "'window (seconds)' must be between 1 and 604800, got 691200"],
  [{ window: Duration.millis(1500) }, "'window (seconds)' must be a whole number, got 1.5"],
  [{ window: Duration.seconds(Token.asNumber({ Ref: 'Window' })) }, "'window' must be known at synth, got a Token"],
  [{ lead: Duration.days(366) }, "'lead (seconds)' must be between 0 and 31536000, got 31622400"],
])('fails on %j and says what is allowed', (given, message) => {
  expect(built(given)).toThrow(message);
});

test.each<Partial<RollingAggregateProps>>([
  { window: Duration.seconds(1), lead: Duration.seconds(0) },
  { window: Duration.days(7), lead: Duration.days(365) },
  { entity: ['dest'], entityIsFixed: true },
  { entity: ['carrier', 'flight'] },
])('takes %j', (given) => {
  expect(built(given)).not.toThrow();
});

test('of JSON Lines a definition names the numbers that null tokens stand for', () => {
  const columns = [column('shop', 'string', { required: true, primaryKey: true }), column('sold', 'timestamp'), column('amount', 'number')];
  const definitionOf = (format: string) => {
    const contract = contractOf((document) => {
      document.schema[0].properties = columns;
      document.customProperties = [
        { property: 'format', value: format },
        { property: 'nullTokens', value: ['NA', '-9', '-9.0', '1e+21', 'NaN'] },
      ];
    });
    const eventTime = EventTime.column('sold');
    return built({ contract, entity: ['shop'], value: 'amount', eventTime, asOf: eventTime })()._definition;
  };
  expect(definitionOf('jsonl').nullNumbers).toEqual([-9, 1e21]);
  expect(definitionOf('csv')).not.toHaveProperty('nullNumbers');
});

test('fails on a contract without a primary key, and names every problem at once with its file', () => {
  const columns = [column('shop', 'string', { required: true }), column('sold', 'timestamp'), column('amount', 'number')];
  const contract = contractOf((document) => (document.schema[0].properties = columns));
  const eventTime = EventTime.column('sold');
  const given = { contract, entity: ['shop'], value: 'amuont', eventTime, asOf: eventTime };
  expect(built(given)).toThrow(
    /^InvalidFeature: 'contract' has no primary key: .*; 'value' names 'amuont', which is no column: did you mean 'amount'\? \[in .*\]$/,
  );
});
