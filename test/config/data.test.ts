import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Document } from 'yaml';
import { loadBlueprint } from '../../lib/config/load';
import { frontStacks } from '../../lib/stacks/front-stacks';
import { dataConfig } from '../support/data-config';
import { CONTEXT } from '../support/synth';

const folder = mkdtempSync(join(tmpdir(), 'data-config-'));
const load = (change?: (document: Document) => void) => loadBlueprint(dataConfig(folder, change));
const STREAM = ['data', 'streams', 'flights'];

function dataTemplate(change?: (document: Document) => void): Template {
  const front = frontStacks(new App({ context: CONTEXT }), load(change))!;
  return Template.fromStack(front.data);
}

/** A contract in which two columns differ by case alone. */
function contractOfTwoCases(): string {
  const file = join(folder, 'cases.odcs.yaml');
  const text = readFileSync(join(__dirname, '../e2e/readings.odcs.yaml'), 'utf8');
  writeFileSync(file, text.replace('- { name: value', '- { name: Sensor, logicalType: string }\n      - { name: value'));
  return file;
}

describe('ways in and out of data in the config [W7, D7, D8]', () => {
  test('make an API of records, a table of the newest and a work group with tables, and tell their names', () => {
    const template = dataTemplate();
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { Name: 'flight-delays-dev-records' });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DATASET: 'flights', ORDERED_BY: '["origin"]' }) },
    });
    const spec = {
      entity: ['origin'],
      eventTime: 'time_hour',
      plusMinutes: ['minute', 'dep_delay'],
      columns: ['carrier', 'flight', 'dep_delay'],
    };
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({ ONLINE_SPEC: JSON.stringify({ ...spec, keepSeconds: 30 * 86_400, aheadSeconds: 3600 }) }),
      },
    });
    template.hasResourceProperties('AWS::Athena::WorkGroup', {
      Name: 'flight-delays-dev',
      WorkGroupConfiguration: Match.objectLike({ BytesScannedCutoffPerQuery: 10 * 2 ** 30 }),
    });
    template.hasResourceProperties('AWS::Glue::Table', { TableInput: Match.objectLike({ Name: 'flights' }) });
    expect(Object.keys(template.findOutputs('*'))).toEqual(
      expect.arrayContaining(['QueryWorkGroup', 'QueryDatabase', 'RecordsUrl', 'flightsOnline']),
    );
  });

  test('each is made only where the file asks for it', () => {
    const counts = (key: string[]) => {
      const template = dataTemplate((document) => document.deleteIn(key));
      const count = (type: string) => Object.keys(template.findResources(type)).length;
      return [count('AWS::ApiGateway::RestApi'), count('AWS::DynamoDB::Table'), count('AWS::Athena::WorkGroup')];
    };
    const [apis, tables, groups] = counts(['data', 'none']);
    expect([apis, groups]).toEqual([1, 1]);
    expect(counts([...STREAM, 'http'])).toEqual([0, tables, 1]);
    expect(counts([...STREAM, 'online'])).toEqual([1, tables - 1, 1]);
    expect(counts(['data', 'queries'])).toEqual([1, tables, 0]);
  });

  test('settings arrive: rate, order, retention of entities and results, and what one query may scan', () => {
    const template = dataTemplate((document) => {
      document.setIn(['data', 'httpRequestsPerSecond'], 7);
      document.setIn([...STREAM, 'http'], {});
      document.setIn([...STREAM, 'online', 'keepHours'], 2);
      document.setIn(['data', 'queries'], { scanLimitMegabytes: 10, resultRetentionDays: 3 });
    });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 7, ThrottlingBurstLimit: 14 })],
    });
    const variables = (expected: object) =>
      template.hasResourceProperties('AWS::Lambda::Function', { Environment: { Variables: Match.objectLike(expected) } });
    variables({ ORDERED_BY: JSON.stringify(['year', 'month', 'day', 'carrier', 'flight', 'origin']) });
    variables({ ONLINE_SPEC: Match.serializedJson(Match.objectLike({ keepSeconds: 7200 })) });
    template.hasResourceProperties('AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: Match.objectLike({ BytesScannedCutoffPerQuery: 10 * 2 ** 20 }),
    });
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 3 })] },
    });
  });

  test('results are kept with the stack unless the file lets data be deleted', () => {
    const policies = (change?: (document: Document) => void) =>
      Object.entries(dataTemplate(change).findResources('AWS::S3::Bucket')).flatMap(([id, { DeletionPolicy }]) =>
        id.startsWith('QueriesResults') ? [DeletionPolicy as string] : [],
      );
    expect(policies()).toEqual(['Delete']);
    expect(policies((document) => document.setIn(['data', 'deleteDataWithStack'], false))).toEqual(['Retain']);
  });

  test.each<[string, (document: Document) => void, RegExp]>([
    [
      'a column of the order that there is not',
      (document) => document.setIn([...STREAM, 'http', 'orderedBy'], ['orgin']),
      /line \d+, data.streams.flights.http: 'orderedBy' names 'orgin', which the contract does not have: did you mean 'origin'\?/,
    ],
    [
      'a column of the order twice',
      (document) => document.setIn([...STREAM, 'http', 'orderedBy'], ['origin', 'origin']),
      /streams.flights.http: 'orderedBy' names 'origin' twice: name it once/,
    ],
    [
      'a misspelt key of the API',
      (document) => document.setIn([...STREAM, 'http', 'orderBy'], []),
      /streams.flights.http.orderBy: unknown key: did you mean 'orderedBy'\?/,
    ],
    [
      'no request in a second',
      (document) => document.setIn(['data', 'httpRequestsPerSecond'], 0),
      /data.httpRequestsPerSecond: .*1.*got '0'/,
    ],
    [
      'more requests than an API lets through',
      (document) => document.setIn(['data', 'httpRequestsPerSecond'], 10_001),
      /data.httpRequestsPerSecond: .*10000.*got '10001'/,
    ],
    [
      'an online table without an event time',
      (document) => document.deleteIn([...STREAM, 'online', 'eventTime']),
      /streams.flights.online.eventTime: is missing and required/,
    ],
    [
      'an event time of another type',
      (document) => document.setIn([...STREAM, 'online', 'eventTime', 'column'], 'carrier'),
      /line \d+, data.streams.flights.online: 'eventTime' needs a column of type timestamp or date, but 'carrier' is a string/,
    ],
    [
      'an entity that there is not',
      (document) => document.setIn([...STREAM, 'online', 'entity'], ['orgin']),
      /streams.flights.online: 'entity' names 'orgin', which the contract does not have: did you mean 'origin'\?/,
    ],
    [
      'a table of no columns',
      (document) => document.setIn([...STREAM, 'online', 'columns'], []),
      /streams.flights.online.columns: name at least one column/,
    ],
    [
      'entities that are kept for over a year',
      (document) => document.setIn([...STREAM, 'online', 'keepHours'], 8761),
      /streams.flights.online.keepHours: .*8760.*got '8761'/,
    ],
    [
      'a limit below what the service takes',
      (document) => document.setIn(['data', 'queries', 'scanLimitMegabytes'], 9),
      /data.queries.scanLimitMegabytes: .*10.*got '9'/,
    ],
    [
      'results that are kept for over a year',
      (document) => document.setIn(['data', 'queries', 'resultRetentionDays'], 366),
      /data.queries.resultRetentionDays: .*365.*got '366'/,
    ],
    [
      'columns that a query cannot tell apart',
      (document) => document.addIn(['data', 'contracts'], contractOfTwoCases()),
      /line \d+, data.queries: columns 'sensor' and 'Sensor' of 'readings' are one to Amazon Athena, which knows lower case only/,
    ],
    [
      'queries without datasets',
      (document) => {
        document.setIn(['endpoints'], {});
        ['objective', 'data'].forEach((key) => document.delete(key));
        document.set('data', { queries: {} });
      },
      /line \d+, data.queries: goes with a real-time endpoint: without one there are no datasets/,
    ],
  ])('fails on %s and says where and what is allowed', (_, change, message) => {
    expect(() => load(change)).toThrow(message);
  });

  test('both ends of each range are taken, by the constructs too', () => {
    const at = (values: [string[], number][]) => () =>
      dataTemplate((document) => values.forEach(([key, value]) => document.setIn(key, value)));
    const keys = [
      ['data', 'httpRequestsPerSecond'],
      [...STREAM, 'online', 'keepHours'],
      ['data', 'queries', 'scanLimitMegabytes'],
      ['data', 'queries', 'resultRetentionDays'],
    ];
    const ends = [
      [1, 1, 10, 1],
      [10_000, 8760, 953_674_316, 365],
    ];
    ends.forEach((values) => expect(at(keys.map((key, i) => [key, values[i]]))).not.toThrow());
  });
});
