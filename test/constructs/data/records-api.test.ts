import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DataContract, DataIntake, DataZones, RecordsApi, RecordsApiProps, RecordsOptions, StreamIntake } from '../../../lib';
import { once, refusal, synth } from '../../support/synth';
import { contractOf, FLIGHTS, Loose, orders } from './contracts';
import { ownOf, statementsOf } from './statements';

type Given = { api?: RecordsApiProps; flights?: RecordsOptions; key?: boolean; twice?: boolean };

function make(stack: Stack, { api, flights, key, twice }: Given = {}) {
  const encryptionKey = key === true ? new Key(stack, 'Key', { enableKeyRotation: true }) : undefined;
  const zones = new DataZones(stack, 'Zones', { encryptionKey });
  const source = (id: string, contract: DataContract) => {
    const intake = new DataIntake(stack, id, { zones, contract, intakeName: `air-dev-${id.toLowerCase()}` });
    return new StreamIntake(stack, `${id}Stream`, { intake, encryptionKey });
  };
  const records = new RecordsApi(stack, 'Records', { apiName: 'air-dev', ...api });
  const stream = source('Flights', DataContract.fromFile(FLIGHTS));
  records.addDataset(stream, flights);
  records.addDataset(
    twice === true
      ? stream
      : source(
          'Orders',
          contractOf(() => undefined, orders()),
        ),
  );
  return { records, role: new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }) };
}

const build = (given: Given = {}, more: (made: ReturnType<typeof make>) => void = () => undefined) =>
  synth((stack) => {
    const made = make(stack, given);
    more(made);
    return made;
  });
const plain = once(() => build());
/** What the constructors refuse. */
const refused = (given: Given) => refusal((stack) => make(stack, given));
const takerOf = (template: Template, dataset: string): Loose =>
  Object.values(template.findResources('AWS::Lambda::Function')).find(
    ({ Properties }) => Properties.Description === `Takes records of ${dataset} by HTTP`,
  )!.Properties;

describe('RecordsApi [D8]', () => {
  test('has no nag finding that nobody answered for, with and without a key', () => {
    expect(plain().nag).toEqual([]);
    expect(build({ key: true }).nag).toEqual([]);
  });

  test('gives its functions the bytes of a body, so that one that is not UTF-8 is known', () => {
    plain().template.hasResourceProperties('AWS::ApiGateway::RestApi', {
      BinaryMediaTypes: ['application/json', 'application/x-ndjson'],
    });
  });

  test('has one route for each dataset, for signed requests only', () => {
    const { template } = plain();
    const byId = template.findResources('AWS::ApiGateway::Resource');
    const path = (id: string): string => {
      const { PathPart, ParentId } = byId[id].Properties;
      return `${ParentId.Ref === undefined ? '' : path(ParentId.Ref)}/${PathPart}`;
    };
    const methods = Object.values(template.findResources('AWS::ApiGateway::Method')).map(({ Properties }) => Properties);
    expect(methods.map(({ HttpMethod, AuthorizationType, ResourceId }) => [HttpMethod, AuthorizationType, path(ResourceId.Ref)])).toEqual([
      ['POST', 'AWS_IAM', '/v1/datasets/flights/records'],
      ['POST', 'AWS_IAM', '/v1/datasets/orders/records'],
    ]);
    methods.forEach(({ Integration }) => expect(Integration.TimeoutInMillis).toBe(29_000));
  });

  test('is throttled, traced and logged, and answers errors in one form', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { Name: 'air-dev', EndpointConfiguration: { Types: ['REGIONAL'] } });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      StageName: 'live',
      TracingEnabled: true,
      AccessLogSetting: { Format: Match.stringLikeRegexp('"requestId":"\\$context.requestId"') },
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200, DataTraceEnabled: false })],
    });
    template.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
      ResponseType: 'DEFAULT_4XX',
      ResponseTemplates: { 'application/json': '{"error":$context.error.messageString}' },
    });
    build({ api: { requestsPerSecond: 7, burst: 9 } }).template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 })],
    });
  });

  test('tells its functions what they take, and has time to answer after it stopped putting', () => {
    const { template } = build({ flights: { orderedBy: ['carrier', 'origin'] } });
    expect(takerOf(template, 'flights')).toMatchObject({
      Timeout: 25,
      Environment: {
        Variables: {
          DATASET: 'flights',
          INTAKE_NAME: 'air-dev-flights',
          STREAM_NAME: { Ref: expect.stringMatching(/^FlightsStream/) },
          ORDERED_BY: '["carrier","origin"]',
        },
      },
    });
    const { columns, primaryKey } = JSON.parse(contractOf(() => undefined, orders())._json);
    expect(columns.length).toBeGreaterThan(primaryKey.length);
    expect(takerOf(template, 'orders').Environment.Variables.ORDERED_BY).toBe(JSON.stringify(primaryKey));
  });

  test('puts on the stream of its dataset and reads its contract, nothing else', () => {
    const own = ownOf(statementsOf(build({ key: true }).template, 'RecordsDatasetflightsTaker'));
    expect(own.map(({ actions, resources }) => [actions, resources])).toEqual([
      [['s3:GetObject'], [expect.stringMatching(/cdk-.*-assets-.*\/[0-9a-f]{64}\.json$/)]],
      [['kinesis:PutRecord', 'kinesis:PutRecords'], ['<FlightsStream>']],
      [['kms:GenerateDataKey'], ['<Key>']],
    ]);
  });

  test.each<[string, string | undefined, string]>([
    ['one dataset', 'orders', 'orders'],
    ['every dataset', undefined, '*'],
  ])('lets senders send records of %s, and nothing else', (_, dataset, shown) => {
    const { template } = build({}, ({ records, role }) => records.grantSend(role, dataset));
    expect(statementsOf(template, 'Role')).toEqual([
      {
        actions: ['execute-api:Invoke'],
        resources: [expect.stringMatching(new RegExp(`/POST/v1/datasets/${shown.replace('*', '\\*')}/records$`))],
      },
    ]);
  });

  test.each([
    ['metricRecordsTaken', 'RecordsTaken'],
    ['metricRecordsNotTaken', 'RecordsNotTaken'],
  ] as const)('has %s', (method, name) => {
    const { namespace, metricName, dimensions, statistic, period } = (plain().built.records[method]('orders') as Metric).toMetricConfig()
      .metricStat!;
    expect([namespace, metricName, statistic, period.toMinutes()]).toEqual(['AiWorkloads', name, 'Sum', 5]);
    expect(dimensions).toEqual([{ name: 'Intake', value: 'air-dev-orders' }]);
  });

  test('pages through one alarm for each dataset when requests fail, and tells when senders must send again', () => {
    const { template } = plain();
    const persistent = { Threshold: 1, DatapointsToAlarm: 2, EvaluationPeriods: 3, TreatMissingData: 'notBreaching' };
    const alarm = (AlarmName: string, rest: object) =>
      template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName, ...persistent, ...rest });
    for (const dataset of ['flights', 'orders']) {
      const dimension = { Dimensions: [{ Name: 'Intake', Value: `air-dev-${dataset}` }] };
      alarm(`air-dev-${dataset}-records-faults`, { MetricName: 'ApiFault', Namespace: 'AiWorkloads', ...dimension });
      alarm(`air-dev-${dataset}-records-crashes`, { MetricName: 'Errors', Namespace: 'AWS/Lambda' });
      alarm(`air-dev-${dataset}-records-throttled`, { MetricName: 'Throttles', Namespace: 'AWS/Lambda' });
      alarm(`air-dev-${dataset}-records-not-taken`, { MetricName: 'RecordsNotTaken', Namespace: 'AiWorkloads', ...dimension });
      template.hasResourceProperties('AWS::CloudWatch::CompositeAlarm', { AlarmName: `air-dev-${dataset}-records-broken` });
    }
  });

  test.each<[string, Given, RegExp]>([
    ['a name with capitals', { api: { apiName: 'Air' } }, /^InvalidRecordsApi: 'apiName' must be 1 to 60 lower-case/],
    ['a name of 61 characters', { api: { apiName: 'a'.repeat(61) } }, /'apiName'/],
    ['no request', { api: { requestsPerSecond: 0 } }, /'requestsPerSecond' must be between 1 and 10000, got 0/],
    ['10,001 requests', { api: { requestsPerSecond: 10_001 } }, /'requestsPerSecond'/],
    ['half a burst', { api: { burst: 1.5 } }, /'burst' must be a whole number/],
    ['a burst of 5,001', { api: { burst: 5001 } }, /'burst' must be between 1 and 5000/],
    ['a dataset twice', { twice: true }, /^InvalidRecords: 'flights' has a route already: give each dataset one stream/],
    [
      'columns that are none or named twice, all at once',
      { flights: { orderedBy: ['orign', 'dest', 'dest'] } },
      /^InvalidRecords: 'orderedBy' names 'orign', .*did you mean 'origin'\?; 'orderedBy' names 'dest' twice: name it once \[at/,
    ],
  ])('fails on %s', (_, given, message) => {
    expect(refused(given)).toMatch(message);
  });

  test('fails on a grant or a metric of a dataset that it does not have', () => {
    const { records, role } = plain().built;
    const message = /^UnknownDataset: there is no dataset 'trains' \(flights, orders\): add its stream with addDataset\(\)/;
    expect(() => records.grantSend(role, 'trains')).toThrow(message);
    expect(() => records.metricRecordsTaken('trains')).toThrow(message);
  });

  test('takes both ends of each range, no order, and a rate that is known at deployment', () => {
    const low = { apiName: 'a', requestsPerSecond: 1, burst: 1 };
    const high = { apiName: 'a'.repeat(60), requestsPerSecond: 10_000, burst: 5000 };
    [low, high].forEach((api) => expect(refused({ api, flights: { orderedBy: [] } })).toBe(''));
    const { template } = synth((stack) =>
      make(stack, { api: { requestsPerSecond: new CfnParameter(stack, 'Rate', { type: 'Number' }).valueAsNumber } }),
    );
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: { Ref: 'Rate' }, ThrottlingBurstLimit: 5000 })],
    });
  });
});
