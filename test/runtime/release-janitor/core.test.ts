import fc from 'fast-check';
import { Configuration, Inventory, KEPT, Leftover, MINIMUM_AGE, unneeded } from '../../../runtime/release-janitor/core';

const NOW = Date.parse('2013-07-01T00:00:00Z');
const DAY = MINIMUM_AGE;
const STACK = 'air-dev-serving-delay';

/** Models m0, m1, ... with a configuration each, one a day, m0 the newest and two days old. */
function generations(count: number): Pick<Inventory, 'configurations' | 'models'> {
  const models = Array.from({ length: count }, (_, i) => ({ name: `m${i}`, createdAt: NOW - (i + 2) * DAY, stack: STACK }));
  return { models, configurations: models.map((model, i) => ({ ...model, name: `c${i}`, models: [model.name] })) };
}
const inventory = (given: Partial<Inventory> = {}): Inventory => ({
  now: NOW,
  ...generations(6),
  used: ['c0'],
  stacks: { [STACK]: { status: 'UPDATE_COMPLETE', names: ['c0', 'm0'] } },
  ...given,
});

describe('the janitor of releases [R3]', () => {
  test('keeps the three newest of a model and lets the others go', () => {
    expect(unneeded(inventory())).toEqual({ configurations: ['c3', 'c4', 'c5'], models: ['m3', 'm4', 'm5'] });
  });

  test('keeps an old one that an endpoint uses or a stack has, and its model', () => {
    expect(unneeded(inventory({ used: ['c5'] }))).toEqual({ configurations: ['c3', 'c4'], models: ['m3', 'm4'] });
    const stacks = { [STACK]: { status: 'UPDATE_COMPLETE', names: ['c4', 'm5'] } };
    expect(unneeded(inventory({ stacks }))).toEqual({ configurations: ['c3', 'c5'], models: ['m3'] });
  });

  test.each(['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'UPDATE_ROLLBACK_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED'])(
    'keeps everything of a stack that is %s and may go back',
    (status) => {
      expect(unneeded(inventory({ stacks: { [STACK]: { status, names: ['c0', 'm0'] } } }))).toEqual({ configurations: [], models: [] });
    },
  );

  test('lets go what a deleted stack left, and keeps what belongs to none', () => {
    expect(unneeded(inventory({ used: [], stacks: { [STACK]: { names: [] } } })).models).toEqual(['m3', 'm4', 'm5']);
    const nobodys = [...generations(6).models].map(({ name, createdAt }) => ({ name, createdAt }));
    expect(unneeded(inventory({ models: nobodys, configurations: [] })).models).toEqual([]);
  });

  test('keeps what is a moment younger than a day, and not what is a day old', () => {
    const models = generations(4).models.map((model) => ({ ...model, createdAt: NOW - DAY }));
    expect(unneeded(inventory({ models, configurations: [], used: [] })).models).toEqual(['m3']);
    const younger = models.map((model) => ({ ...model, createdAt: NOW - DAY + 1 }));
    expect(unneeded(inventory({ models: younger, configurations: [], used: [] })).models).toEqual([]);
  });
});

const stackNames = ['s0', 's1', undefined];
const leftover = (prefix: string, i: number) =>
  fc
    .record({ days: fc.double({ min: 0, max: 20, noNaN: true }), stack: fc.constantFrom(...stackNames) })
    .map(({ days, stack }) => ({ name: `${prefix}${i}`, createdAt: NOW - days * DAY, stack }));
const many = (prefix: string) =>
  fc.integer({ min: 0, max: 12 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => leftover(prefix, i))));
const worlds: fc.Arbitrary<Inventory> = fc.tuple(many('m'), many('c')).chain(([models, plain]: [Leftover[], Leftover[]]) => {
  const some = (names: string[]) => fc.subarray(names);
  const stack = fc.record({
    status: fc.constantFrom('CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_FAILED', undefined),
    names: some([...models, ...plain].map(({ name }) => name)),
  });
  return fc.record({
    now: fc.constant(NOW),
    models: fc.constant(models),
    configurations: fc
      .tuple(
        ...plain.map(() =>
          fc.subarray(
            models.map(({ name }) => name),
            { maxLength: Math.min(2, models.length) },
          ),
        ),
      )
      .map((named): Configuration[] => plain.map((one, i) => ({ ...one, models: named[i] }))),
    used: some(plain.map(({ name }) => name)),
    stacks: fc.record({ s0: stack, s1: stack }, { requiredKeys: ['s0'] }),
  });
});

const without = (world: Inventory, gone: string[]): Inventory => ({
  ...world,
  models: world.models.filter(({ name }) => !gone.includes(name)),
  configurations: world.configurations.filter(({ name }) => !gone.includes(name)),
});

describe('whatever is there [R3]', () => {
  test('nothing goes that an endpoint, a stack or a staying configuration names, nothing young, nothing of an unsettled stack', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const gone = unneeded(world);
        const all = [...gone.configurations, ...gone.models];
        const left = without(world, all);
        const needed = [
          ...world.used,
          ...Object.values(world.stacks).flatMap(({ names }) => names),
          ...left.configurations.flatMap(({ models }) => models),
        ];
        expect(all.filter((name) => needed.includes(name))).toEqual([]);
        const goneOnes = [...world.configurations, ...world.models].filter(({ name }) => all.includes(name));
        for (const { createdAt, stack } of goneOnes) {
          expect(NOW - createdAt).toBeGreaterThanOrEqual(DAY);
          expect([undefined, 'CREATE_COMPLETE']).toContain(world.stacks[stack!].status);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('of each stack three stay, the newest ones, and a second run finds nothing more', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const gone = unneeded(world);
        const left = without(world, [...gone.configurations, ...gone.models]);
        for (const kind of ['models', 'configurations'] as const) {
          for (const stack of stackNames) {
            const before = world[kind].filter((one) => one.stack === stack).map(({ createdAt }) => createdAt);
            const after = left[kind].filter((one) => one.stack === stack).map(({ createdAt }) => createdAt);
            const newest = (times: number[]) => [...times].sort((a, b) => b - a).slice(0, KEPT);
            expect(newest(after)).toEqual(newest(before));
          }
        }
        expect(unneeded(left)).toEqual({ configurations: [], models: [] });
      }),
      { numRuns: 1000 },
    );
  });

  test('what nothing needs goes: without endpoints and stacks that name anything, three of each stack stay', () => {
    fc.assert(
      fc.property(worlds, (given) => {
        const free = { status: 'UPDATE_COMPLETE', names: [] };
        const world = { ...given, now: NOW + 100 * DAY, used: [], configurations: [], stacks: { s0: free, s1: free } };
        const ofStacks = world.models.filter(({ stack }) => stack !== undefined);
        const expected = ['s0', 's1'].map((stack) => Math.max(0, ofStacks.filter((one) => one.stack === stack).length - KEPT));
        expect(unneeded(world).models).toHaveLength(expected[0] + expected[1]);
      }),
    );
  });
});
