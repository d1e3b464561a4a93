import { Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FeatureStore, FeatureStoreProps, RollingAggregate } from '../../../lib';
import { synth } from '../../support/synth';
import { DELAY, DELAY_PROPS } from './features';
import { statementsOf } from './statements';

const build = (given: Partial<FeatureStoreProps> = {}) =>
  synth((stack: Stack) => {
    const store = new FeatureStore(stack, 'Features', { features: [DELAY], ...given });
    const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
    store.grantRead(new Role(stack, 'Reader', { assumedBy }));
    store.grantWrite(new Role(stack, 'Writer', { assumedBy }));
    return store;
  });

describe('FeatureStore [D8]', () => {
  test('is an encrypted, recoverable, retained table of records, with an index by time and an end for each item', () => {
    const { template, nag } = build();
    expect(nag).toEqual([]);
    const [table] = Object.values(template.findResources('AWS::DynamoDB::Table'));
    expect(table.DeletionPolicy).toBe('Retain');
    expect(table.Properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'record', KeyType: 'RANGE' },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'by-time',
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'time', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['value'] },
        },
      ],
      AttributeDefinitions: expect.arrayContaining([{ AttributeName: 'time', AttributeType: 'N' }]),
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    });
  });

  test('goes with the stack where the caller says so, under the name that he gives', () => {
    const { template } = build({ removalPolicy: RemovalPolicy.DESTROY, tableName: 'air-dev-features' });
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete', Properties: { TableName: 'air-dev-features' } });
  });

  test('grantRead lets somebody read windows and nothing else', () => {
    const [{ actions, resources, ...rest }, ...more] = statementsOf(build().template, 'Reader');
    expect([actions, rest, more]).toEqual([['dynamodb:Query'], {}, []]);
    expect(resources).toHaveLength(1);
    expect(resources[0]).toMatch(/\/index\/by-time$/);
  });

  test('grantWrite lets somebody enter records and neither read nor delete them', () => {
    const [{ actions, resources }, ...more] = statementsOf(build().template, 'Writer');
    expect([actions, more]).toEqual([['dynamodb:PutItem'], []]);
    expect(resources).toHaveLength(1);
    expect(resources[0]).not.toMatch(/index/);
  });
});

describe('checks of a FeatureStore', () => {
  const long = (name: string) => new RollingAggregate({ ...DELAY_PROPS, name });

  test.each<[Partial<FeatureStoreProps>, string]>([
    [{ features: [] }, "'features' is empty: give at least one"],
    [{ features: [DELAY, DELAY] }, "'features' has 'origin_delay' twice"],
    [{ features: ['a', 'b', 'c', 'd'].map(long) }, "'features' take "],
    [{ tableName: 'a b' }, "'tableName' must be 3 to 255 letters, digits, underscores, hyphens and dots, got 'a b'"],
    [{ tableName: Lazy.string({ produce: () => 'x' }) }, "'tableName' must be known at synth, got a Token"],
    [{ keep: Duration.seconds(3599) }, "'keep (seconds)' must be between 3600 and 7776000, got 3599"],
    [{ keep: Duration.days(91) }, "'keep (seconds)' must be between 3600 and 7776000, got 7862400"],
    [{ keep: Duration.millis(3_600_500) }, "'keep (seconds)' must be a whole number"],
    [{ keep: Duration.seconds(Lazy.number({ produce: () => 1 })) }, "'keep' must be known at synth, got a Token"],
  ])('fails on %j and says what is allowed', (given, message) => {
    expect(() => build(given)).toThrow(message);
  });

  test.each<Partial<FeatureStoreProps>>([{ keep: Duration.hours(1) }, { keep: Duration.days(90) }, { tableName: 'a.b' }])(
    'takes %j',
    (given) => {
      expect(() => build(given)).not.toThrow();
    },
  );
});
