import { App, CfnParameter, CfnResource, Fn, Lazy, Stack, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { AiWorkloadChecks } from '../../lib/checks';
import { runs, seenAtLeast, showProgress } from '../support/property-runs';
import { ASYNC, COMPONENT, REALTIME, Resources, SERVERLESS } from './apps';

/** What may stand where something else is expected. */
const ODD: ((stack: Stack) => unknown)[] = [
  () => undefined,
  () => '',
  () => 'odd',
  () => 0,
  () => -1.5,
  () => true,
  () => [],
  () => [[]],
  () => [{}, 'odd', 7],
  () => ({}),
  () => ({ Name: {}, Value: [] }),
  () => ({ Ref: 'AWS::NoValue' }),
  () => ({ 'Fn::If': ['Condition', { Statement: 'odd' }, { Ref: 'AWS::NoValue' }] }),
  () => ({ 'Fn::GetAtt': 'Endpoint.EndpointName' }),
  () => ({ 'Fn::GetAtt': [] }),
  () => ({ 'Fn::Join': 'odd' }),
  () => ({ 'Fn::Sub': ['${Endpoint.EndpointName}-${x}', { x: { Ref: 'Missing' } }] }),
  () => ({ 'Fn::Sub': 7 }),
  () => ({ 'Fn::Select': [0, { 'Fn::Split': ['/', { Ref: 'Endpoint' }] }] }),
  () => Fn.importValue('odd'),
  () => Lazy.any({ produce: () => undefined }),
  () => Lazy.string({ produce: () => 'late' }),
  () => Lazy.list({ produce: () => ['late'] }),
  () => Token.asNumber({ Ref: 'Parameter' }),
  () => Token.asList({ Ref: 'Parameter' }),
  (stack) => `endpoint/${Token.asString({ Ref: 'Parameter' })}/variant/${stack.stackName}`,
  (stack) => (stack.node.tryFindChild('Parameter') as CfnParameter).valueAsString,
];

/** Every place in the properties of a resource. */
function places(value: unknown, way: (string | number)[] = []): (string | number)[][] {
  const inner =
    typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, child]) => places(child, [...way, key])) : [];
  return way.length === 0 ? inner : [way, ...inner];
}

function replaced(value: unknown, [key, ...rest]: (string | number)[], odd: unknown): unknown {
  if (key === undefined) {
    return odd;
  }
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[key] = replaced(copy[key], rest, odd);
  return copy;
}

const SOUND = [REALTIME, ASYNC, COMPONENT, SERVERLESS];
const PLACES = SOUND.map((sound) =>
  Object.entries(sound).flatMap(([id, { properties }]) => places(properties).map((way) => ({ id, way }))),
);

/** A sound app with odd values in up to six places. */
const apps = fc.nat(SOUND.length - 1).chain((index) =>
  fc.record({
    sound: fc.constant(SOUND[index]),
    changes: fc.array(fc.record({ place: fc.constantFrom(...PLACES[index]), odd: fc.constantFrom(...ODD.keys()) }), {
      minLength: 1,
      maxLength: 6,
    }),
    gone: fc.option(fc.constantFrom(...Object.keys(SOUND[index])), { freq: 4 }),
  }),
);
const USUAL = 500;
const RUNS = runs(USUAL);

test(`${RUNS} random apps with missing, odd and unknown properties crash no rule, and are judged the same twice [C1]`, () => {
  const seen = { clean: 0, found: 0, done: 0 };
  fc.assert(
    fc.property(apps, ({ sound, changes, gone }) => {
      showProgress(++seen.done, RUNS);
      const app = new App();
      const stack = new Stack(app, 'Shop');
      new CfnParameter(stack, 'Parameter');
      let resources: Resources = sound;
      for (const { place, odd } of changes) {
        const { type, properties } = resources[place.id];
        let changed = properties;
        try {
          changed = replaced(properties, place.way, ODD[odd](stack)) as typeof properties;
        } catch {
          // The place is gone with an earlier change.
        }
        resources = { ...resources, [place.id]: { type, properties: changed } };
      }
      for (const [id, { type, properties }] of Object.entries(resources).filter(([one]) => one !== gone)) {
        new CfnResource(stack, id, { type, properties });
      }
      const checks = new AiWorkloadChecks(app, { verbose: true });
      const { violations } = checks.validateScope(app);
      expect(violations.filter(({ description }) => /threw an error/.test(description))).toEqual([]);
      expect(checks.validateScope(app).violations).toEqual(violations);
      seen[violations.length === 0 ? 'clean' : 'found']++;
    }),
    { numRuns: RUNS, seed: 91, includeErrorInReport: true },
  );
  expect(Math.min(seen.clean, seen.found)).toBeGreaterThanOrEqual(seenAtLeast(RUNS / 20, USUAL));
});
