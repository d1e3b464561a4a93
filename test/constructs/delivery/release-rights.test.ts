import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tags } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { BacklogScaling } from '../../../lib/constructs/serving';
import type { Templates } from '../../support/assembly-roles';
import { isolatedConfig } from '../../support/isolated-config';
import { allows, listed, Statement } from '../../support/policy-simulator';
import { EXCEPTIONS, handlerCalls, HandlerCalls } from './handler-calls';
import { synth } from '../../support/synth';
import { asyncEndpoint } from '../serving/async-fixtures';
import { endpoint } from '../serving/fixtures';
import { configOf, DeliveryLayer, deliveryLayer } from './layer';
import { arn, PREFIX } from './privileges';
import { releasedResources, stacksRead } from './released-resources';

const folder = mkdtempSync(join(tmpdir(), 'release-rights-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CONFIGS = { dev: () => configOf('dev'), prod: () => configOf('prod'), scaled: () => isolatedConfig(folder) };
type Name = keyof typeof CONFIGS;
const NAMES = Object.keys(CONFIGS) as Name[];
const layers = {} as Record<Name, DeliveryLayer>;
beforeAll(() => NAMES.forEach((name) => (layers[name] = deliveryLayer(CONFIGS[name]()))), 180_000);

const templateOf = ({ templates, serving }: DeliveryLayer) => templates[serving];
const callsIn = (template: Templates[string]): HandlerCalls[] =>
  releasedResources(template).flatMap((resource) => handlerCalls(template, resource));
const handled = (layer: DeliveryLayer): HandlerCalls[] => callsIn(templateOf(layer));
const roleOf = ({ roles }: DeliveryLayer) => roles.find(({ name }) => name === 'ReleaseReleaseRole')!;
const missing = (statements: readonly Statement[], permissions: readonly HandlerCalls[]): string[] =>
  permissions.flatMap(({ what, calls, exception }) =>
    exception === undefined
      ? calls
          .filter((call) => !allows(statements, call))
          .map(({ resource, context }) => `${what} on ${resource} ${JSON.stringify(context ?? {})}`)
      : [],
  );

describe('the rights of the role with which AWS CloudFormation releases [R7]', () => {
  test.each(NAMES)('cover every permission of every handler that a release runs: %s', (name) => {
    expect(missing(roleOf(layers[name]).statements, handled(layers[name]))).toEqual([]);
  });

  test('cover an asynchronous endpoint, whose alarms for scaling appear with the first approval', () => {
    const { template } = synth((stack) => {
      Tags.of(stack).add('workload', PREFIX);
      const artifacts = Bucket.fromBucketName(stack, 'Artifacts', 'my-models');
      const image = InferenceImage.scikitLearn('1.4-2');
      return asyncEndpoint(stack, {
        model: ModelSource.fromRegistry({ namePrefix: PREFIX, model: 'reports', artifacts, image }),
        endpointName: undefined,
        scaling: BacklogScaling.between(0, 4, { backlogPerInstance: 5 }),
      });
    });
    const released = releasedResources(template.toJSON() as Templates[string]);
    expect(released.some(({ type, handlers }) => type === 'AWS::CloudWatch::Alarm' && handlers.includes('create'))).toBe(true);
    expect(missing(roleOf(layers.dev).statements, callsIn(template.toJSON() as Templates[string]))).toEqual([]);
  });

  test('cover an endpoint with variants, whatever model of it is released [R4]', () => {
    const { template } = synth((stack) => {
      Tags.of(stack).add('workload', PREFIX);
      const artifacts = Bucket.fromBucketName(stack, 'Artifacts', 'my-models');
      const image = InferenceImage.scikitLearn('1.4-2');
      const registry = (model: string) => ModelSource.fromRegistry({ namePrefix: PREFIX, model, artifacts, image });
      const variants = [{ name: 'b', weight: 1, model: registry('b') }];
      return endpoint(stack, { model: registry('a'), endpointName: undefined, variants });
    });
    const released = releasedResources(template.toJSON() as Templates[string]);
    const anew = released.filter(({ handlers }) => handlers.includes('create')).map(({ type }) => type.split('::').at(-1));
    expect(anew.sort()).toEqual(['Endpoint', 'EndpointConfig', 'Model', 'Model']);
    expect(missing(roleOf(layers.dev).statements, callsIn(template.toJSON() as Templates[string]))).toEqual([]);
  });

  test.each(NAMES)('let it read every stack whose outputs the serving stack names: %s', (name) => {
    const stacks = [...new Set(stacksRead(templateOf(layers[name]) as never))];
    expect(stacks.length).toBeGreaterThan(0);
    const calls = stacks.map((stack) => ({
      action: 'cloudformation:DescribeStacks',
      resource: arn('cloudformation', `stack/${stack}/0a1b`),
    }));
    expect(calls.filter((call) => !allows(roleOf(layers[name]).statements, call))).toEqual([]);
  });

  test('are judged by what a release touches: the fleet is made anew with its scaling, the alarms of the rollback are updated', () => {
    const touched = releasedResources(templateOf(layers.scaled)).map(({ type, handlers }) => `${type.slice(5)}: ${handlers.join(', ')}`);
    expect(touched.sort()).toEqual([
      'ApplicationAutoScaling::ScalableTarget: create, read, delete',
      'ApplicationAutoScaling::ScalingPolicy: create, read, delete',
      'ApplicationAutoScaling::ScalingPolicy: create, read, delete',
      'CloudWatch::Alarm: create, read, delete',
      'CloudWatch::Alarm: create, read, delete',
      'CloudWatch::Alarm: read, update',
      'CloudWatch::Alarm: read, update',
      'SageMaker::Endpoint: create, read, delete, update',
      'SageMaker::EndpointConfig: create, read, delete',
      'SageMaker::Model: create, read, delete',
    ]);
  });

  test('need every exception, each with its reason', () => {
    const used = new Set(NAMES.flatMap((name) => handled(layers[name]).map(({ exception }) => exception)));
    expect(EXCEPTIONS.filter((exception) => !used.has(exception))).toEqual([]);
    expect(EXCEPTIONS.filter(({ reason }) => reason === '')).toEqual([]);
  });

  test('are missed, whichever action of a handler the role loses', () => {
    const { statements } = roleOf(layers.scaled);
    const permissions = handled(layers.scaled).filter(({ exception }) => exception === undefined);
    const actions = [...new Set(permissions.map(({ what }) => what.split(' ')[1]))];
    expect(actions.length).toBeGreaterThan(30);
    const unnoticed = actions.filter((action) => {
      const fewer = statements.map((statement) => ({ ...statement, Action: listed(statement.Action).filter((one) => one !== action) }));
      return missing(fewer, permissions).length === 0;
    });
    expect(unnoticed).toEqual([]);
  });
});
