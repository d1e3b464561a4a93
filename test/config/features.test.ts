import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Document, Node } from 'yaml';
import { featuresOf } from '../../lib/config/feature-rules';
import { loadBlueprint } from '../../lib/config/load';
import { endpointStacks } from '../../lib/stacks/endpoint-stacks';
import { frontStacks } from '../../lib/stacks/front-stacks';
import { DELAY } from '../constructs/data/features';
import { configLikeDev } from '../support/isolated-config';
import { CONTEXT } from '../support/synth';

const folder = mkdtempSync(join(tmpdir(), 'features-config-'));
const load = (change: (document: Document) => void = () => undefined) => loadBlueprint(configLikeDev(folder, 'features.yaml', change));
interface Config {
  data: { features: object[] };
}

const FEATURE = ['data', 'features', 0];
const INPUT = ['endpoints', 'delay', 'signature', 'inputs', 6];

function stacks(change?: (document: Document) => void) {
  const app = new App({ context: CONTEXT });
  const config = load(change);
  const front = frontStacks(app, config)!;
  endpointStacks(app, config, { front });
  const template = (id: string) => Template.fromStack(app.node.findChild(id) as never);
  return { app, template };
}

/** What reads the stream. */
const readersOf = (data: Template) =>
  Object.values(data.findResources('AWS::Lambda::EventSourceMapping')).filter(({ Properties }) =>
    /flightsstream/.test(JSON.stringify(Properties.EventSourceArn)),
  );

describe('data.streams and data.features [W7, D8]', () => {
  test('say what the constructs say: the example is the feature of the library tests', () => {
    expect(featuresOf(load()).map(({ _definition }) => _definition)).toEqual([DELAY._definition]);
  });

  test('make a stream, a store, a writer, and give the store to the API and the feature to training', () => {
    const { template } = stacks();
    template('Data').hasResourceProperties('AWS::Kinesis::Stream', {
      Name: 'flight-delays-dev-flights',
      ShardCount: 1,
      RetentionPeriodHours: 168,
    });
    template('Data').hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ FEATURES: JSON.stringify([DELAY._definition]), FEATURE_KEEP_SECONDS: '604800' }) },
    });
    expect(readersOf(template('Data'))).toHaveLength(2);
    template('Features').resourceCountIs('AWS::DynamoDB::Table', 1);
    template('Integration').hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ FEATURES: JSON.stringify([DELAY._definition]) }) },
    });
  });

  test.each([
    [10, '10'],
    [2000, '2000'],
    [undefined, '200'],
  ])('a request waits %s ms for its features', (given, told) => {
    const { template } = stacks((document) =>
      given === undefined ? document.deleteIn(['data', 'featureTimeoutMs']) : document.setIn(['data', 'featureTimeoutMs'], given),
    );
    template('Integration').hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ FEATURE_TIMEOUT_MS: told }) },
    });
  });

  test('without features there is no store, and a stream alone has no writer', () => {
    const { app, template } = stacks((document) => {
      document.deleteIn(['data', 'features']);
      document.deleteIn(INPUT);
    });
    expect(app.node.tryFindChild('Features')).toBeUndefined();
    template('Data').resourceCountIs('AWS::Kinesis::Stream', 1);
    expect(readersOf(template('Data'))).toHaveLength(1);
  });

  test('a model whose signature names no feature is trained without', () => {
    const definitions = (change?: (document: Document) => void) =>
      JSON.stringify(stacks(change).template('Model-delay').toJSON()).includes('/opt/ml/processing/features');
    expect(definitions()).toBe(true);
    expect(definitions((document) => document.deleteIn(INPUT))).toBe(false);
  });

  test.each<[string, (document: Document) => void, RegExp]>([
    [
      'a stream of no dataset',
      (document) => document.setIn(['data', 'streams'], { flights: {}, fligths: {} }),
      /line \d+, data.streams.fligths: 'fligths' is in no contract: did you mean 'flights'\?/,
    ],
    [
      'a window that is too long',
      (document) => document.setIn([...FEATURE, 'windowSeconds'], 604_801),
      /data.features.0.windowSeconds: .*604800/,
    ],
    [
      'a stream without shards',
      (document) => document.setIn(['data', 'streams', 'flights', 'shardCount'], 0),
      /streams.flights.shardCount: .*1/,
    ],
    ['a time for lookups that is too short', (document) => document.setIn(['data', 'featureTimeoutMs'], 9), /data.featureTimeoutMs: .*10/],
    [
      'a time for lookups that is too long',
      (document) => document.setIn(['data', 'featureTimeoutMs'], 2001),
      /data.featureTimeoutMs: .*2000/,
    ],
    ['a misspelt key', (document) => document.setIn([...FEATURE, 'asof'], {}), /data.features.0.asof: unknown key: did you mean 'asOf'\?/],
    [
      'a feature of no dataset',
      (document) => document.setIn([...FEATURE, 'dataset'], 'fligths'),
      /data.features.0.dataset: 'fligths' is in no contract: did you mean 'flights'\?/,
    ],
    [
      'a feature of a dataset without a stream',
      (document) => document.deleteIn(['data', 'streams']),
      /data.features.0.dataset: 'flights' has no stream, so requests would be told nothing: add data.streams.flights/,
    ],
    [
      'a column that there is not',
      (document) => document.setIn([...FEATURE, 'value'], 'dep_dealy'),
      /line \d+, data.features.0: 'value' names 'dep_dealy', which is no column: did you mean 'dep_delay'\?/,
    ],
    [
      'one name twice',
      (document) => document.addIn(['data', 'features'], (document.getIn(FEATURE) as Node).clone()),
      /data.features.1.name: repeats 'origin_delay': names must differ/,
    ],
    [
      'an input that names no feature',
      (document) => document.setIn([...INPUT, 'feature'], 'orgin_delay'),
      /line \d+, endpoints.delay.signature.inputs.6.feature: 'orgin_delay' is no feature: did you mean 'origin_delay'\?/,
    ],
    [
      'an input that names a feature where none is declared',
      (document) => document.deleteIn(['data', 'features']),
      /signature.inputs.6.feature: 'origin_delay' is no feature: declare it under data.features/,
    ],
    [
      'a feature of another datatype',
      (document) => document.setIn([...INPUT, 'datatype'], 'INT32'),
      /endpoints.delay.signature.inputs: the signature input 'origin_delay' is a feature: it must be FP32 or FP64/,
    ],
    [
      'an entity that requests do not bring',
      (document) => document.setIn(['endpoints', 'delay', 'signature', 'inputs', 4, 'name'], 'from'),
      /the signature input 'origin_delay' is looked up by 'origin', which is no input of one dimension: add it/,
    ],
    [
      'an output that is a feature',
      (document) => document.setIn(['endpoints', 'delay', 'signature', 'outputs', 0, 'feature'], 'origin_delay'),
      /signature.outputs.0.feature: unknown key/,
    ],
    [
      'more than fits into an environment',
      (document) =>
        document.setIn(
          ['data', 'features'],
          ['a', 'b', 'c', 'd', 'e'].map((name) => ({
            ...(document.toJS() as Config).data.features[0],
            name: name === 'a' ? 'origin_delay' : name,
          })),
        ),
      /data.features: 'features' take \d+ bytes of an environment, at most 1000 fit/,
    ],
  ])('fails on %s and says where and what is allowed', (_, change, message) => {
    expect(() => load(change)).toThrow(message);
  });

  test('windows may be as long as what is kept, and no longer', () => {
    const kept = (windowSeconds: number) => () =>
      load((document) => {
        document.setIn(['data', 'featureKeepDays'], 1);
        document.setIn([...FEATURE, 'windowSeconds'], windowSeconds);
      });
    expect(kept(86_400)).not.toThrow();
    expect(kept(86_401)).toThrow(/data.features: 'keep \(seconds\)' must be between 86401 and/);
  });

  test('a model is given features of the dataset that it is trained on', () => {
    const foreign = () =>
      load((document) => {
        document.addIn(['data', 'contracts'], join(__dirname, '../e2e/readings.odcs.yaml'));
        document.setIn(['data', 'streams', 'readings'], {});
        document.addIn(['data', 'features'], {
          ...{ name: 'heat', dataset: 'readings', entity: ['sensor'], function: 'max', value: 'value', windowSeconds: 60 },
          ...{ eventTime: { column: 'at' }, asOf: { column: 'at' } },
        });
        document.addIn(INPUT.slice(0, -1), { name: 'sensor', datatype: 'BYTES', shape: [-1] });
        document.addIn(INPUT.slice(0, -1), { name: 'heat', datatype: 'FP64', shape: [-1], feature: 'heat' });
      });
    expect(foreign).toThrow(
      /signature.inputs.8.feature: 'heat' is made of 'readings', but the model is trained on 'flights', whose rows would lack it/,
    );
  });
});
