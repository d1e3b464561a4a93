import fc from 'fast-check';
import { ReleaseState } from '../../../lib/constructs/delivery/contract';
import { NO_VERSION } from '../../../lib/constructs/models/contract';
import { nextAction } from '../../../runtime/model-release/core';
import { nextOfStack, OwnAction } from '../../../runtime/model-release/stackmates';
import type { Observed, Release } from '../../../runtime/model-release/types';
import { runs, seenAtLeast } from '../../support/property-runs';

const UNDER_WAY = [ReleaseState.RECORDED, ReleaseState.UPDATING, ReleaseState.RESTORING, ReleaseState.RESTORE_UPDATING];
const ENDS = ['Rest', 'Tell', 'Stuck'];
const NAMES = ['own', 'beside', 'third'];

/** One model of the stack: the newest unmarked of its approved versions is desired. */
class Model {
  approved = 0;
  marks = new Set<string>();
  pointer: string | undefined = NO_VERSION;
  resolved = NO_VERSION;
  /** What its variant serves. */
  served = NO_VERSION;
  rows: Release[] = [];

  constructor(readonly name: string) {}
  arn = (version: number) => `arn:${this.name}/${version}`;
  get open(): Release | undefined {
    return this.rows.find(({ state }) => UNDER_WAY.includes(state));
  }
  get desired(): string | undefined {
    const numbers = Array.from({ length: this.approved }, (_, i) => this.arn(this.approved - i));
    return numbers.find((arn) => !this.marks.has(arn));
  }
}

/** A stack of three models whose endpoint is there while its own model has a version. One execution at a time; it may die between steps. */
class World {
  now = 0;
  status = 'CREATE_COMPLETE';
  pages = 0;
  /** Versions whose update did not come to a good end. */
  private readonly undone = new Set<string>();
  readonly wrongs: string[] = [];
  readonly models = NAMES.map((name) => new Model(name));
  private before?: string[];
  private next?: ReturnType<typeof nextOfStack>;

  observe(model: Model): Observed {
    const [{ served }] = this.models;
    const there = served !== NO_VERSION;
    const own = model === this.models[0];
    const endpoint = there && model.served !== NO_VERSION ? { status: 'InService', packageArn: model.served } : undefined;
    return {
      now: this.now,
      leasedAt: 0,
      maxWait: 1e12,
      desired: model.desired,
      pointer: model.pointer,
      stack: { status: this.status, resolvedPointer: model.resolved },
      endpoint,
      variantOf: own ? undefined : { endpointExists: there },
      open: model.open,
    };
  }
  /** Decides, or does what was decided; what comes between may make it outdated, as in life. */
  step(): boolean {
    this.now += 1000;
    if (this.next === undefined) {
      this.next = nextOfStack(this.models.map((model) => ({ model: model.name, seen: this.observe(model) })));
      return true;
    }
    const { beside = [], ...first } = this.next;
    this.next = undefined;
    [...beside, first].forEach((action) => this.act(action));
    return !ENDS.includes(first.action);
  }
  die(): void {
    this.next = undefined;
  }
  /** By hand, and not in the very moment between a decision and its act. */
  write(model: Model, value: string | undefined): void {
    this.next = undefined;
    model.pointer = value;
  }
  private act({ model: name = 'own', ...next }: OwnAction): void {
    const model = this.models.find((one) => one.name === name)!;
    const change = (entry: string, given: Partial<Release>) =>
      Object.assign(
        model.rows.find((row) => row.entry === entry)!,
        given,
      );
    switch (next.action) {
      case 'Record':
        if (this.models.some(({ open }) => open !== undefined)) {
          this.wrongs.push('two releases are open');
        }
        model.rows.push({
          entry: String(model.rows.length),
          state: ReleaseState.RECORDED,
          from: next.from,
          to: next.to,
          changedAt: next.at,
        });
        return;
      case 'WritePointer':
        model.pointer = next.value;
        return;
      case 'UpdateStack':
        if (this.begin(model)) {
          change(next.entry, { state: next.state });
        }
        return;
      case 'Undo':
        if (next.outcome === ReleaseState.FAILED && !this.undone.has(next.to)) {
          this.wrongs.push(`${next.to} is blamed for nothing`);
        }
        model.marks.add(next.to);
        change(next.entry, { state: ReleaseState.RESTORING, outcome: next.outcome });
        return;
      case 'Close':
        change(next.entry, { state: next.state });
        return;
      case 'Stuck':
        this.pages += 1;
        if (next.mark !== undefined) {
          model.marks.add(next.mark);
        }
        if (next.entry !== undefined) {
          change(next.entry, { state: ReleaseState.STUCK });
        }
    }
  }
  private begin(releasing: Model): boolean {
    if (this.before !== undefined || this.models.some(({ pointer }) => pointer === undefined)) {
      return false;
    }
    const changed = this.models.filter(({ pointer, resolved }) => pointer !== resolved);
    if (changed.some((model) => model !== releasing)) {
      this.wrongs.push(`the release of ${releasing.name} takes along ${changed.map(({ name }) => name).join()}`);
    }
    this.before = this.models.map(({ resolved }) => resolved);
    if (changed.length > 0) {
      this.status = 'UPDATE_IN_PROGRESS';
      this.models.forEach((model) => (model.resolved = model.pointer!));
    } else {
      this.before = undefined;
    }
    return true;
  }
  /** The update ends: as it should, undone with the stack, or undone by the endpoint alone. */
  finish(outcome: 'ok' | 'rollback' | 'silent'): void {
    if (this.before === undefined) {
      return;
    }
    const ends = (why: string) => {
      this.models.filter(({ resolved }, i) => resolved !== this.before![i]).forEach(({ resolved }) => this.undone.add(resolved));
      this.status = why;
    };
    const back = this.models.every(({ resolved, served }) => resolved === served || resolved === NO_VERSION);
    if (outcome === 'ok' || back) {
      if (this.models[0].resolved === NO_VERSION && this.models[0].served !== NO_VERSION) {
        this.wrongs.push('the endpoint was deleted');
      }
      this.models.forEach((model) => (model.served = this.models[0].resolved === NO_VERSION ? NO_VERSION : model.resolved));
      this.status = 'UPDATE_COMPLETE';
    } else if (outcome === 'silent') {
      ends('UPDATE_COMPLETE');
    } else {
      ends('UPDATE_ROLLBACK_COMPLETE');
      this.models.forEach((model, i) => (model.resolved = this.before![i]));
    }
    this.before = undefined;
  }
  quieten(): void {
    for (let steps = 0, rested = 0; rested < 4; steps++) {
      if (steps > 600) {
        throw new Error(`no rest: ${JSON.stringify(nextAction(this.observe(this.models[0])))}`);
      }
      rested = this.step() ? rested : rested + 1;
      this.finish('ok');
    }
  }
}

type Command = { text: string; run: (world: World) => void };
const command = (text: string, run: Command['run']): Command => ({ text, run });
const which = fc.nat(NAMES.length - 1);
const commands = fc.oneof(
  { weight: 4, arbitrary: which.map((n) => command(`approve ${n}`, ({ models }) => void (models[n].approved += 1))) },
  {
    weight: 30,
    arbitrary: fc
      .integer({ min: 1, max: 6 })
      .map((n) => command(`${n} steps`, (world) => Array.from({ length: n }).forEach(() => world.step()))),
  },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom('ok', 'ok', 'rollback', 'silent')
      .map((how) => command(`finish ${how}`, (world) => world.finish(how as 'ok'))),
  },
  { weight: 2, arbitrary: fc.constant(command('die', (world) => world.die())) },
  { weight: 1, arbitrary: which.map((n) => command(`pointer ${n} deleted`, (world) => world.write(world.models[n], undefined))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(which, fc.integer({ min: 1, max: 9 }))
      .map(([n, version]) => command(`pointer ${n} := ${version}`, (world) => world.write(world.models[n], world.models[n].arn(version)))),
  },
);

const shown = fc
  .array(commands, { minLength: 10, maxLength: 90 })
  .map((list) => ({ list, toString: () => list.map(({ text }) => text).join('; ') }));

function after({ list }: { list: Command[] }): World {
  const world = new World();
  list.forEach(({ run }) => run(world));
  world.quieten();
  return world;
}

const USUAL = 400;
const RUNS = { numRuns: runs(USUAL), seed: 12 };

describe('any story of a stack of three models [R3, R4, R7]', () => {
  test('releases one at a time, takes no pointer along, and ends with all desired versions live or a person called', () => {
    const seen = { released: 0, failed: 0, several: 0 };
    fc.assert(
      fc.property(shown, (story) => {
        const world = after(story);
        expect(world.wrongs).toEqual([]);
        const [own] = world.models;
        for (const { rows, desired, served, pointer, resolved, open } of world.models) {
          expect(open).toBeUndefined();
          if (world.pages === 0 && own.served !== NO_VERSION) {
            // With nothing approved nobody says what a pointer that somebody wrote should name.
            expect([served, resolved, desired === undefined ? served : pointer]).toEqual(Array(3).fill(desired ?? served));
          }
          seen.released += rows.filter(({ state }) => state === ReleaseState.RELEASED).length;
          seen.failed += rows.filter(({ state }) => state === ReleaseState.FAILED).length;
        }
        seen.several += world.models.filter(({ rows }) => rows.some(({ state }) => state === ReleaseState.RELEASED)).length > 1 ? 1 : 0;
      }),
      RUNS,
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThanOrEqual(seenAtLeast(20, USUAL));
  });
});
