import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { PredictionBooks, PredictionBooksProps, PredictionBus } from '../../../lib/constructs/integration';
import { synth } from '../../support/synth';

const build = (over: Partial<PredictionBooksProps> = {}, more: (books: PredictionBooks, stack: Stack) => void = () => undefined) =>
  synth((stack) => {
    const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
    const books = new PredictionBooks(stack, 'Books', { bus, apiName: 'flights-dev', ...over });
    more(books, stack);
    return books;
  });
const resources = (template: Template, type: string) => Object.values(template.findResources(type)).map(({ Properties }) => Properties);
const alarm = (template: Template, name: string) =>
  resources(template, 'AWS::CloudWatch::Alarm').find(({ AlarmName }) => AlarmName === `flights-dev-${name}`);

describe('PredictionBooks [I6]', () => {
  test('stand on their own, without an API and without a finding of cdk-nag', () => {
    const { built, nag } = build({ apiName: undefined });
    expect(built.apiName).toMatch(/^[a-z0-9][a-z0-9-]{0,59}$/);
    expect(built.labelWindow.toHours()).toBe(48);
    expect(nag).toEqual([]);
  });

  test('keep what could not be announced for 14 days, encrypted, and take it over TLS only', () => {
    const { template } = build();
    const [id] = Object.keys(template.findResources('AWS::SQS::Queue')).filter((key) => key.startsWith('Books'));
    expect(template.findResources('AWS::SQS::Queue')[id].Properties).toMatchObject({
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    });
    const policies = resources(template, 'AWS::SQS::QueuePolicy').filter(({ Queues }) => Queues[0].Ref === id);
    expect(JSON.stringify(policies)).toContain('"aws:SecureTransport":"false"');
  });
});

describe('grants of PredictionBooks', () => {
  const granted = (give: (books: PredictionBooks, role: Role) => Grant) => {
    const { template } = build({}, (books, stack) =>
      give(books, new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })),
    );
    const { Roles, PolicyDocument } = resources(template, 'AWS::IAM::Policy').find(({ PolicyName }) => PolicyName.startsWith('Caller'))!;
    expect(Roles).toEqual([{ Ref: expect.stringMatching(/^Caller/) }]);
    return PolicyDocument.Statement;
  };
  const table = (name: string) => ({ 'Fn::GetAtt': [expect.stringMatching(new RegExp(`^Books${name}`)), 'Arn'] });

  test('grantRead lets somebody look up predictions and read the counts', () => {
    expect(granted((books, role) => books.grantRead(role))).toEqual([
      { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: table('Predictions') },
      { Effect: 'Allow', Action: 'dynamodb:Query', Resource: table('Tally') },
    ]);
  });

  test('grantReadTally lets somebody read the counts and no prediction', () => {
    expect(granted((books, role) => books.grantReadTally(role))).toEqual([
      { Effect: 'Allow', Action: 'dynamodb:Query', Resource: table('Tally') },
    ]);
  });

  test('grantWrite lets somebody enter, label and expire predictions, and delete nothing', () => {
    expect(granted((books, role) => books.grantWrite(role))).toEqual([
      { Effect: 'Allow', Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], Resource: table('Predictions') },
      { Effect: 'Allow', Action: ['dynamodb:UpdateItem', 'dynamodb:Query'], Resource: table('Tally') },
    ]);
  });

  test('let its own functions read the clock of a replay', () => {
    const { template, nag } = synth((stack) => {
      const clockParameter = new StringParameter(stack, 'Clock', { stringValue: 'real' });
      const { bus } = new PredictionBus(stack, 'Bus', { busName: 'flights-dev' });
      return new PredictionBooks(stack, 'Books', { bus, clockParameter });
    });
    const reads = resources(template, 'AWS::IAM::Policy').filter((policy) => JSON.stringify(policy).includes('ssm:GetParameter'));
    expect(reads.map(({ PolicyName }) => PolicyName)).toEqual([expect.stringMatching(/^BooksExpiry/)]);
    expect(nag).toEqual([]);
  });
});

describe('alarms of PredictionBooks [O1]', () => {
  test('judge label coverage by the chosen share, from the chosen number of predictions on', () => {
    const { template } = build({ minimumLabelCoverage: 75, labelCoverageBase: 5 });
    expect(alarm(template, 'label-coverage-low')).toMatchObject({ Threshold: 75, ComparisonOperator: 'LessThanThreshold' });
    expect(JSON.stringify(alarm(template, 'label-coverage-low'))).toContain('IF(base >= 5, coverage)');
  });

  test('can be reached: a share of 0 % has none', () => {
    expect(alarm(build({ minimumLabelCoverage: 0 }).template, 'label-coverage-low')).toBeUndefined();
    expect(alarm(build({ minimumLabelCoverage: 0.1 }).template, 'label-coverage-low')).toMatchObject({ Threshold: 0.1 });
  });

  test('read the functions and the queue by their real metrics', () => {
    const { template } = build();
    expect(alarm(template, 'predictions-unannounced')).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [expect.stringMatching(/^BooksUnannounced/), 'QueueName'] } }],
      Statistic: 'Maximum',
      Period: 300,
      TreatMissingData: 'notBreaching',
    });
    expect(alarm(template, 'predictions-expiry-failing')).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringMatching(/^BooksExpiry/) } }],
      Statistic: 'Sum',
      Period: 900,
      TreatMissingData: 'notBreaching',
    });
  });
});

describe('checks of PredictionBooks', () => {
  const number = () => Lazy.number({ produce: () => 7 });
  const unknown = (name: string) => `'${name}' must be known at synth, got a Token: give a plain value`;

  test.each<[Partial<PredictionBooksProps>, string]>([
    [{ apiName: 'Flights' }, "'apiName' must be 1 to 60 lower-case letters, digits and hyphens, got 'Flights'"],
    [{ apiName: 'a'.repeat(61) }, "'apiName' must be 1 to 60"],
    [{ apiName: Lazy.string({ produce: () => 'a' }) }, unknown('apiName')],
    [{ labelWindow: Duration.seconds(3599) }, "'labelWindow (seconds)' must be between 3600 and 31536000, got 3599"],
    [{ labelWindow: Duration.seconds(365 * 86400 + 1) }, "'labelWindow (seconds)' must be between 3600 and 31536000, got 31536001"],
    [{ labelWindow: Duration.millis(3_600_500) }, "'labelWindow (seconds)' must be a whole number, got 3600.5"],
    [{ labelWindow: Duration.hours(number()) }, unknown('labelWindow')],
    [{ minimumLabelCoverage: -0.1 }, "'minimumLabelCoverage' must be between 0 and 100, got -0.1"],
    [{ minimumLabelCoverage: 100.1 }, "'minimumLabelCoverage' must be between 0 and 100, got 100.1"],
    [{ minimumLabelCoverage: number() }, unknown('minimumLabelCoverage')],
    [{ labelCoverageBase: 0 }, "'labelCoverageBase' must be between 1 and 1000000000, got 0"],
    [{ labelCoverageBase: 1e9 + 1 }, "'labelCoverageBase' must be between 1 and 1000000000, got 1000000001"],
    [{ labelCoverageBase: 1.5 }, "'labelCoverageBase' must be a whole number, got 1.5"],
    [{ labelCoverageBase: number() }, unknown('labelCoverageBase')],
  ])('fails on %j and says what is allowed', (over, message) => {
    expect(() => build(over)).toThrow(`InvalidPredictionBooks: ${message}`);
  });

  test.each<Partial<PredictionBooksProps>>([
    { apiName: 'a', labelWindow: Duration.hours(1), minimumLabelCoverage: 0, labelCoverageBase: 1 },
    { apiName: 'a'.repeat(60), labelWindow: Duration.days(365), minimumLabelCoverage: 100, labelCoverageBase: 1e9 },
  ])('takes the edges: %j', (over) => {
    expect(build(over).built.labelWindow).toBe(over.labelWindow);
  });
});
